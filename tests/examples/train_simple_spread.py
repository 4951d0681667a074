"""MAPPO on mpe2's simple_spread_v3, trained on the fast copy of it, judged on mpe2's own.

    python tests/examples/train_simple_spread.py --models runs/spread --seconds 540           as far as it comes
    python tests/examples/train_simple_spread.py --models runs/spread --seconds 540 --resume  and on from there

Prints one line of JSON: the mean return of an agent over mpe2's episodes of the seeds 0 to 499. An untrained team gets
-26.6, the assignment of agents to landmarks by hand -8.6 (PAPERS.md, section 10).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from mpe2 import simple_spread_v3
from simple_spread import SimpleSpread

from fund.envs.parallel import ParallelTeam
from fund.training.multi_agent.acting import Episodes, Policy, RandomActors, play_team
from fund.training.multi_agent.session import Job, train_team
from fund.training.multi_agent.settings import Settings
from fund.training.multi_agent.store import TeamStore

TUNED = {
    "copies": 128, "rollout": 25, "activation": "relu", "epochs": 5, "minibatches": 4, "gamma": 0.95,
    "clip_value": False, "actor_rate": (1e-3, 1e-4), "critic_rate": (1e-3, 1e-4), "entropy": (0.005, 0.0),
}  # fmt: skip


def job(steps: int, critic: str = "central", **changes) -> Job:
    """Train for so many steps."""
    settings = Settings(steps=steps, critic=critic, **{**TUNED, **changes})
    return Job("simple_spread", SimpleSpread, settings)


def on_mpe2(policy: Policy, episodes: int = 500, seed: int = 0) -> Episodes:
    """Play the world that no one here wrote, seeds `seed`, `seed + 1`, ..."""
    team = ParallelTeam.of(
        lambda: simple_spread_v3.parallel_env(N=3, max_cycles=25, local_ratio=0.5), min(episodes, 50)
    )
    parts = [play_team(team, policy, seed + start) for start in range(0, episodes, team.n)]
    return Episodes(np.concatenate([p.returns for p in parts]), np.concatenate([p.length for p in parts]))


def main() -> None:
    """From the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", type=Path, default=Path("runs/spread"))
    parser.add_argument("--steps", type=int, default=6_000_000)
    parser.add_argument("--seconds", type=float, default=None)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--critic", choices=("central", "own"), default="central")
    parser.add_argument("--resume", action="store_true")
    options = parser.parse_args()
    store = TeamStore(options.models)
    done = train_team(
        job(options.steps, options.critic), options.seed, store, options.seconds, options.resume
    )
    trained = on_mpe2(store.load(SimpleSpread(1), "simple_spread", "latest")).per_agent
    random = on_mpe2(RandomActors(SimpleSpread(1))).per_agent
    latest = store.card("simple_spread", "latest")
    assert latest is not None
    print(json.dumps({
        "steps": latest.steps, "seconds": latest.seconds, "per_agent_return": float(trained.mean()),
        "se": float(trained.std() / np.sqrt(len(trained))), "random": float(random.mean()),
        "history": done.history[-3:],
    }))  # fmt: skip


if __name__ == "__main__":
    main()
