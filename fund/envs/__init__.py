"""Faces of the batch: Gymnasium, its vector API, Stable-Baselines3's VecEnv."""

from __future__ import annotations


def register() -> None:
    """Register every strategy of the rosters as a Gymnasium id; a second call changes nothing."""
    import gymnasium as gym

    from fund.roster import rosters

    for spec in rosters().values():
        if spec.gym_id not in gym.registry:
            gym.register(
                id=spec.gym_id,
                entry_point="fund.envs.gym:FundEnv",
                vector_entry_point="fund.envs.vector:FundVectorEnv",
                max_episode_steps=spec.horizon,
                kwargs={"strategy": spec.name},
            )
