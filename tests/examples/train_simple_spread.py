"""Teams on mpe2's simple_spread_v3, trained on the fast copy of it, judged on mpe2's own.

    python tests/examples/train_simple_spread.py                                      MAPPO, 6 million steps
    python tests/examples/train_simple_spread.py --algorithm qmix                     or ippo, vdn, dqn, maddpg
    python tests/examples/train_simple_spread.py --seconds 540                        as far as it comes
    python tests/examples/train_simple_spread.py --seconds 540 --resume               and on from there
    python tests/examples/train_simple_spread.py --keep tests/golden/spread.json      and keep what came out

Prints one line of JSON: the mean return of an agent over mpe2's episodes of the seeds 0 to 499, which nobody trained
or selected on. Random agents get -26.6, the assignment of agents to landmarks by hand -8.6 (PAPERS.md, section 10).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from mpe2 import simple_spread_v3
from simple_spread import SimpleSpread

from fund.envs.parallel import ParallelTeam
from fund.paths import atomic_write
from fund.training.multi_agent.acting import Episodes, Policy, RandomActors, play_team
from fund.training.multi_agent.algorithms import settings_of
from fund.training.multi_agent.session import Job, train_team
from fund.training.multi_agent.store import TeamStore
from fund.training.train import versions

NAME = "simple_spread"
PPO: dict[str, Any] = {
    "steps": 6_000_000, "copies": 128, "rollout": 25, "activation": "relu", "epochs": 5, "minibatches": 4,
    "gamma": 0.95, "clip_value": False, "actor_rate": (1e-3, 1e-4), "critic_rate": (1e-3, 1e-4),
    "entropy": (0.005, 0.0),
}  # fmt: skip
REPLAY: dict[str, Any] = {
    "steps": 600_000, "copies": 64, "rollout": 1, "updates": 4, "batch": 256, "capacity": 262_144, "warmup": 5000,
    "rate": (1e-3, 1e-4), "tau": 0.01, "gamma": 0.95, "epsilon_share": 0.3, "layer_norm": True,
}  # fmt: skip
TUNED: dict[str, dict[str, Any]] = {
    "mappo": PPO,
    "ippo": {**PPO, "critic": "own"},
    "qmix": {**REPLAY, "algorithm": "qmix", "batch": 512},
    **{name: {**REPLAY, "algorithm": name} for name in ("vdn", "dqn")},
    "maddpg": {**REPLAY, "algorithm": "maddpg", "updates": 2, "epsilon": (0.3, 0.0)},
}


def job(algorithm: str = "mappo", **changes: Any) -> Job:
    """What is to be trained, by its tuned settings with these changes."""
    return Job(NAME, SimpleSpread, settings_of({**TUNED[algorithm], **changes}))


def on_mpe2(policy: Policy, episodes: int = 500, seed: int = 0) -> Episodes:
    """Play the world that no one here wrote, seeds `seed`, `seed + 1`, ..."""
    team = ParallelTeam.of(
        lambda: simple_spread_v3.parallel_env(N=3, max_cycles=25, local_ratio=0.5), min(episodes, 50)
    )
    parts = [play_team(team, policy, seed + start) for start in range(0, episodes, team.n)]
    return Episodes(np.concatenate([p.returns for p in parts]), np.concatenate([p.length for p in parts]))


def trained(
    algorithm: str,
    models: Path,
    seed: int = 0,
    seconds: float | None = None,
    resume: bool = False,
    **changes: Any,
) -> dict[str, Any]:
    """Train, play mpe2's own, and say what came out."""
    store, what = TeamStore(models / algorithm), job(algorithm, **changes)
    train_team(what, seed, store, seconds, resume)
    played = on_mpe2(store.load(SimpleSpread(1), NAME, "latest")).per_agent
    card = store.card(NAME, "latest")
    assert card is not None
    words = [f"--algorithm {algorithm}", f"--seed {seed}", *([f"--seconds {seconds:g}"] if seconds else [])]
    return {
        "algorithm": algorithm, "per_agent_return": float(played.mean()),
        "se": float(played.std() / np.sqrt(len(played))), "episodes": len(played), "seed": seed, "steps": card.steps,
        "seconds": card.seconds, "random": float(on_mpe2(RandomActors(SimpleSpread(1))).per_agent.mean()),
        "command": " ".join(["python tests/examples/train_simple_spread.py", *words]),
        "versions": versions(),
    }  # fmt: skip


def keep(path: Path, found: dict[str, Any]) -> None:
    """Add or replace an algorithm's entry."""
    table = json.loads(path.read_text()) if path.exists() else {}
    table[found["algorithm"]] = found
    known = {name: table[name] for name in TUNED if name in table}
    atomic_write(path, (json.dumps(known, indent=1) + "\n").encode())


def main() -> None:
    """From the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--algorithm", choices=TUNED, default="mappo")
    parser.add_argument("--models", type=Path, default=Path("runs/spread"))
    parser.add_argument("--steps", type=int, default=None)
    parser.add_argument("--seconds", type=float, default=None)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--keep", type=Path, default=None, metavar="FILE")
    options = parser.parse_args()
    changes = {"steps": options.steps} if options.steps else {}
    found = trained(
        options.algorithm, options.models, options.seed, options.seconds, options.resume, **changes
    )
    if options.keep is not None:
        keep(options.keep, found)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
