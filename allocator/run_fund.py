"""The main job: desks, their streams, the CIO, the fund out of sample, the report.

    train the desks -> judge each against its rules -> play all over common weather -> train the CIO
        -> play the fund in worlds that nobody has seen, against the allocation rules -> report.html

`recorded_fund` does the same on recorded markets.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from allocator.cio_training import train_and_play
from allocator.desks import generated_plans, judge, train_desks
from allocator.features import WARM_UP
from allocator.findings import fund_report
from allocator.run import Run, Size, opened, say
from allocator.streams import play_desks
from specialists import ROSTER

TRAINING_WORLDS, TEST_WORLDS = 3 * 10**9, 4 * 10**9  # path seeds of worlds: nobody else plays there
EPISODE = 252  # days of the CIO's training episodes


def run_fund(
    size: Size,
    data: str | None = None,
    out: str | Path = "runs/latest",
    seed: int = 0,
    models: str | None = None,
    pairs: Sequence[str] = (),
) -> dict[str, Any]:
    """Do the main job and return the report's table as text, with the report's place and headline numbers."""
    if data is None:
        with opened(size, out, seed, models) as run:
            return generated_fund(run)
    from allocator.recorded_desks import recorded_desks
    from allocator.recorded_fund import recorded_fund

    desks = recorded_desks(data, pairs)  # before anything is written
    with opened(size, out, seed, models) as run:
        return recorded_fund(run, data, desks)


def generated_fund(run: Run) -> dict[str, Any]:
    """The main job on generated markets under one weather."""
    size, store = run.size, run.store
    say(f"fund run, size {size.name}: training {len(ROSTER)} desks")
    plans = generated_plans(list(ROSTER.values()))
    trained = train_desks(plans, size.share, run.seed, store.root)
    say("judging the desks on episodes that nobody trained on")
    judged = {name: judge(plan, trained[name], size.episodes, store) for name, plan in plans.items()}
    say("playing the desks over common weather")
    days = size.days + WARM_UP
    players = {name: (one.plan.test, one.policy) for name, one in judged.items()}
    training = play_desks(players, TRAINING_WORLDS + run.seed, size.worlds, days, "trained desks")
    test = play_desks(players, TEST_WORLDS + run.seed, size.test_worlds, days, "trained desks")
    say("training the CIO")
    plays = train_and_play(run, training, test, EPISODE)
    run.keep_models()
    worlds = f"{size.test_worlds} generated worlds of {size.days} days"
    report = fund_report(
        f"{worlds} that no agent was trained or chosen on", judged, plays,
        run.provenance("generated markets under one weather", test.sha256), run.kept.trials(),
    )  # fmt: skip
    return run.finish(report, judged, plays)
