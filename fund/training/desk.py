"""What `python -m specialists.<name>` does: ten steps as a table, or training."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import numpy as np

from fund.envs.batch import Batch
from fund.roster import Spec
from fund.strategy import Strategy, names

SHOWN = 10


def main(spec: Spec, arguments: Sequence[str] | None = None) -> int:
    """Run a desk on its own: `python -m specialists.market_making [train --steps N] [--preset P] [--seed S]`."""
    parser = argparse.ArgumentParser(
        prog=f"python -m specialists.{spec.name}",
        description=f"Ten steps of {spec.name} on a generated tape, or its training.",
        epilog=f"example: python -m specialists.{spec.name} train --steps 100000",
    )
    parser.add_argument("what", nargs="?", choices=("show", "train"), default="show")
    parser.add_argument("--preset", default="default")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=None, help="environment steps of training")
    options = parser.parse_args(arguments)
    from fund.errors import FundError, UnknownName

    try:
        strategy = spec.cls.preset(options.preset)
        if options.what == "train":
            return _train(spec, strategy, options)
        print(ten_steps(strategy, options.seed))
    except FundError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2 if isinstance(error, UnknownName) else 1
    return 0


def ten_steps(strategy: Strategy, seed: int = 0) -> str:
    """Observation by name, action, fills, ledger and reward of the first rule's first ten steps."""
    batch = Batch(strategy, 1)
    batch.reset(seed)
    rule = next(iter(strategy.rules))
    policy = strategy.rules[rule](strategy)
    lines = [f"{strategy.name}: {SHOWN} steps of the rule {rule}, seed {seed}"]
    for _ in range(min(SHOWN, strategy.n_steps)):
        view = batch.view()
        lines.append(f"step {int(view.clock[0])}")
        lines.append(_wrapped("observe", strategy.features, view.observation[0]))
        action = np.atleast_1d(np.asarray(policy(view))[0])
        held = view.books.position[:, 0].copy()
        out = batch.step(np.asarray(action)[None])
        bought = batch.ledger.books.position[:, 0] - held
        lines.append(f"  action   {np.round(action, 4).tolist()}")
        lines.append(_wrapped("fills", strategy.step.marks, bought))
        nav, cash = batch.ledger.books.nav[0], batch.ledger.books.cash[0]
        lines.append(
            f"  ledger   nav={nav:.4f} cash={cash:.4f} position={batch.ledger.books.position[:, 0].tolist()}"
        )
        lines.append(_wrapped("reward", ("reward", *batch.part_names), [out.reward[0], *batch.parts[:, 0]]))
    return "\n".join(lines)


def _wrapped(head: str, labels: Sequence[str], values: Sequence[float] | np.ndarray) -> str:
    cells = [f"{label}={value:.4g}" for label, value in zip(labels, values, strict=True)]
    rows = ["  ".join(cells[k : k + 6]) for k in range(0, len(cells), 6)]
    return "\n".join(f"  {head if k == 0 else '':<8} {row}" for k, row in enumerate(rows))


def _train(spec: Spec, strategy: Strategy, options: argparse.Namespace) -> int:
    from fund.training.train import Budget, train

    trained = train(spec, strategy, options.preset, Budget(options.steps), options.seed, progress=True)
    print(
        f"{spec.name}: {trained.card.steps} steps in {trained.card.seconds:.1f} s, score {trained.card.score:.6g}"
    )
    return 128 + trained.interrupted if trained.interrupted else 0


def shown_names(strategy: Strategy) -> dict[str, tuple[str, ...]]:
    """Every name of a strategy that a user may need, for `fund list`."""
    return {
        "features": tuple(strategy.features),
        "columns": names(strategy.step.columns),
        "rules": tuple(strategy.rules),
        "presets": tuple(strategy.presets),
        "reward_parts": names(strategy.step.parts),
    }
