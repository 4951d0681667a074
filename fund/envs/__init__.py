"""Faces of the batch: Gymnasium, its vector API, Stable-Baselines3's VecEnv."""

from __future__ import annotations

from fund.roster import Roster


def register(roster: Roster) -> None:
    """Register every strategy of a roster as a Gymnasium id; a second call changes nothing."""
    import gymnasium as gym

    for spec in roster.values():
        if spec.gym_id not in gym.registry:
            gym.register(
                id=spec.gym_id,
                entry_point="fund.envs.gym:FundEnv",
                vector_entry_point="fund.envs.vector:FundVectorEnv",
                max_episode_steps=spec.horizon,
                kwargs={"strategy": spec.name},
            )
