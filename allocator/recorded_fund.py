"""The main job on recorded markets: the same flow as on generated ones, in one world that happened once.

The CIO learns on the streams of the days before the test, which the desks have seen, and is judged on the test days,
which nobody has; every result stands beside the same policy with each decision one row late. Desks without data, and
those within the day, have no stream: their sleeves lie in cash.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allocator.cio import DESKS
from allocator.cio_training import train_and_play
from allocator.desks import Plan, train_desks
from allocator.features import WARM_UP
from allocator.findings import fund_report
from allocator.recorded_desks import Gathered, common
from allocator.recorded_play import Daily
from allocator.recorded_tests import Told, seen_by_day, tell
from allocator.run import Run, say
from allocator.streams import NavStreams
from fund.errors import DataError
from fund.paths import atomic_write

EPISODE = 126  # days of the CIO's training episodes
LEAST_JUDGED = 60  # days that the fund is judged on


def recorded_fund(run: Run, data: str, gathered: Gathered) -> dict[str, Any]:
    """The main job on the desks that some files feed; raises DataError where they share too few days."""
    desks, store = gathered.desks, run.store
    say(f"fund run on {data}, size {run.size.name}: training {', '.join(desks)}")
    plans = {
        name: Plan(d.spec, d.training, d.selection, d.selection, "recorded") for name, d in desks.items()
    }
    trained = train_desks(plans, run.size.share, run.seed, store.root)
    say("judging the desks on the test part, once, and again with every decision one row late")
    told = {name: tell(desk, plans[name], trained[name], store) for name, desk in desks.items()}
    test, days = streams({name: one.daily for name, one in told.items()})
    say(f"training the CIO; the fund is judged on {len(days) - 1} days from {days[0]} to {days[-1]}")
    learning, _ = streams(
        {name: seen_by_day(desks[name], one.judged) for name, one in told.items() if len(one.daily.days)}
    )
    plays = train_and_play(run, learning, test, EPISODE, "recorded")
    run.keep_models()
    judged = {name: one.judged for name, one in told.items()}
    report = fund_report(
        f"recorded markets, {days[0]} to {days[-1]}, after {WARM_UP} days of warm-up; costs included",
        judged, plays, run.provenance(data, test.sha256), run.kept.trials(), days, warnings(gathered, told),
    )  # fmt: skip
    read = run.folder / "data.txt"
    atomic_write(read, "".join(f"{line}\n" for line in gathered.repairs).encode())
    result = {**run.finish(report, judged, plays), "data": str(read)}
    rows = [row for one in told.values() for row in one.rows]
    text = f"{table(rows)}\n\n{result['text']}\nwhat was put right in the files: {read}"
    return {**result, "text": text, "tests": rows}


def streams(daily: Mapping[str, Daily]) -> tuple[NavStreams, NDArray[Any]]:
    """Streams of the days that all lasting desks have, and their dates from the end of the CIO's warm-up on.

    Raises DataError where there are none, or too few.
    """
    lasting = {name: one for name, one in daily.items() if len(one.days)}
    if not lasting:
        raise DataError("no desk has daily returns on these data: a fund needs records of some years")
    shared = common({name: one.days for name, one in lasting.items()})
    if len(shared) < WARM_UP + LEAST_JUDGED:
        wanted = f"wanted at least {WARM_UP + LEAST_JUDGED}"
        raise DataError(f"the desks' days have {len(shared)} in common, {wanted}: {spans(lasting)}")
    returns = np.zeros((len(shared), 1, len(DESKS)))
    for name, one in lasting.items():
        returns[:, 0, DESKS.index(name)] = compounded(one, shared)
    found = NavStreams(DESKS, returns, returns.mean(axis=2), "recorded desks")
    return found, shared[WARM_UP - 1 :].astype("datetime64[D]")


def compounded(one: Daily, days: NDArray[np.int64]) -> NDArray[np.float64]:
    """Returns from each of some days to the next, (days,): those of days left out count with the day after them."""
    grown = np.cumprod(1.0 + one.returns)
    level = grown[np.searchsorted(one.days, days)]
    before = np.concatenate(
        [[level[0] / (1.0 + one.returns[np.searchsorted(one.days, days[0])])], level[:-1]]
    )
    return np.asarray(np.where(before > 0.0, level / np.maximum(before, 1e-12) - 1.0, 0.0))


def spans(daily: Mapping[str, Daily]) -> str:
    """From when to when each desk's days go."""
    ends = {name: one.days[[0, -1]].astype("datetime64[D]") for name, one in daily.items()}
    return ", ".join(f"{name} {first} to {last}" for name, (first, last) in ends.items())


def warnings(gathered: Gathered, told: Mapping[str, Told]) -> tuple[str, ...]:
    """What a reader of a recorded run must know."""
    text = "One history: standard errors are over days (Newey & West), and the past is one draw."
    within = [name for name, one in told.items() if not len(one.daily.days)]
    cash = (f"Within the day, so that the sleeve lies in cash: {', '.join(within)}.",) if within else ()
    gone = fragile([row for one in told.values() for row in one.rows])
    late = (f"Less than half is left one row late, as where prices of a row are not of one moment: {gone}.",)
    return (text, *cash, *(late if gone else ()), *gathered.notes)


def fragile(rows: Sequence[Mapping[str, Any]]) -> str:
    """Tests on which a player earned something of which less than half is left when it decides a row late."""
    found = []
    for row in rows:
        earned = row["agent"] if row["player"] == "agent" else row["rule_score"]
        if earned > 0.0 and row["one_row_late"] < 0.5 * earned:
            found.append(f"{row['test']} ({earned:.1f} % to {row['one_row_late']:.1f} %)")
    return ", ".join(found)


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """The test results as text: compounded return in %, of a year or of as many days as there are; of a window."""
    wide = max(len(str(row["test"])) for row in rows) + 2
    lines = [
        f"{'desk':<23}{'test':<{wide}}{'days':>6}{'agent':>9}{'rule':>9}{'late':>9}  played by / best rule"
    ]
    for row in rows:
        numbers = f"{row['agent']:>9.2f}{row['rule_score']:>9.2f}{row['one_row_late']:>9.2f}"
        lines.append(
            f"{row['desk']:<23}{row['test']:<{wide}}{row['days']:>6}{numbers}  {row['player']} / {row['rule']}"
        )
    return "\n".join(lines)
