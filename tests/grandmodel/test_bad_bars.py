"""Bad minutes on their way into a stage: INVARIANTS, fault 14, each refused with its place or put right by name."""

import numpy as np
import pandas as pd
import pytest

from fund.envs.conformance import environment_module
from fund.envs.random_play import drawing
from fund.errors import DataError
from fund.grandmodel.bars import aggregate
from fund.grandmodel.recorded_bars import minutes_of
from fund.grandmodel.stages import stage_named
from fund.grandmodel.tactical import Tactical
from fund.market.draft import Rules
from fund.market.history import History
from fund.market.readers import bars as read_bars
from fund.market.streams import Paths

NEW_YORK = "America/New_York"
DAYS = (
    "2020-03-03",
    "2020-03-04",
    "2020-03-05",
    "2020-03-06",
    "2020-03-09",
    "2020-03-10",
)  # the clock changes on the 8th
WORLD = Tactical(n_steps=20, zone=NEW_YORK)


def good_rows(dates=DAYS):
    """Sessions of 390 minutes, stamped in UTC, as cells of a file."""
    days = [pd.date_range(f"{day} 09:30", periods=390, freq="min", tz=NEW_YORK) for day in dates]
    stamps = days[0].append(days[1:]).tz_convert("UTC")
    draws = np.random.default_rng(5)
    close = 100.0 * np.exp(np.cumsum(draws.normal(0.0, 4e-4, len(stamps))))
    opened = np.concatenate([[100.0], close[:-1]])
    high, low = np.maximum(opened, close) + 0.01, np.minimum(opened, close) - 0.01
    volume = draws.integers(100, 900, len(stamps))
    table = zip(stamps, opened, high, low, close, volume, strict=True)
    return [f"{t.isoformat()},{o:.4f},{h:.4f},{x:.4f},{c:.4f},{v}" for t, o, h, x, c, v in table]


GOOD = good_rows()


@pytest.fixture(name="read")
def _read(tmp_path):
    """What the reader makes of some rows, under some rules."""

    def read(rows, **rules):
        file = tmp_path / "minutes.csv"
        file.write_text("\n".join(["timestamp,open,high,low,close,volume", *rows]) + "\n", encoding="utf-8")
        return read_bars(file, rules=Rules(**rules))

    return read


def tape(history):
    return WORLD.on(history).record(Paths.of(0, 4))


def same(one, two):
    return np.array_equal(one.block, two.block) and np.array_equal(one.features, two.features)


def without(rows, *numbers):
    return [row for k, row in enumerate(rows) if k not in numbers]


def test_a_good_file_is_read_as_it_is(read):
    history = read(GOOD)
    bars = minutes_of(history, NEW_YORK)
    assert np.bincount(bars.session).tolist() == [390] * 6
    assert not [note for note in history.policies if "dropped" in note]


# ---------------------------------------------------------------- gaps


def test_missing_minutes_are_neither_filled_nor_joined(read):
    """An hour is missing: its bars are, too, and no bar reaches over it."""
    cut = GOOD[:460] + GOOD[520:]
    bars = aggregate(minutes_of(read(cut), NEW_YORK), 5)
    whole = aggregate(minutes_of(read(GOOD), NEW_YORK), 5)
    assert whole.rows - bars.rows == 12
    kept = ~np.isin(np.arange(whole.rows), np.arange(92, 104))
    for name in ("open", "high", "low", "close", "volume"):
        np.testing.assert_array_equal(getattr(bars, name)[0], getattr(whole, name)[0][kept])


def test_a_bar_with_a_minute_less_is_made_of_the_others(read):
    bars = aggregate(minutes_of(read(without(GOOD, 401)), NEW_YORK), 5)
    whole = aggregate(minutes_of(read(GOOD), NEW_YORK), 5)
    assert bars.rows == whole.rows
    volume = int(GOOD[401].rpartition(",")[2])
    assert whole.volume[0, 80] - bars.volume[0, 80] == volume
    np.testing.assert_array_equal(np.delete(bars.close[0], 80), np.delete(whole.close[0], 80))


def test_a_hole_of_days_is_refused_unless_it_is_allowed(read):
    late = [row.replace("2020-03-09", "2020-03-29").replace("2020-03-10", "2020-03-30") for row in GOOD]
    with pytest.raises(DataError, match=r"minutes.csv:1562: .* a gap of 22\.\d days, wanted at most 10"):
        read(late)
    assert any("gaps above 10.0 days kept" in note for note in read(late, max_gap=30.0).policies)


# ---------------------------------------------------------------- duplicate stamps


def test_equal_rows_of_one_stamp_are_one(read):
    history = read([*GOOD[:700], GOOD[699], GOOD[699], *GOOD[700:]])
    assert any("exact duplicates" in note and "2" in note for note in history.policies)
    assert same(tape(history), tape(read(GOOD)))


def test_different_rows_of_one_stamp_are_refused(read):
    stamp, _, rest = GOOD[699].partition(",")
    other = f"{stamp},{rest.rpartition(',')[0]},1"
    with pytest.raises(DataError, match=r"minutes.csv:702: .* again, with other numbers than line 701"):
        read([*GOOD[:700], other, *GOOD[700:]])


def test_rows_out_of_order_are_refused(read):
    with pytest.raises(DataError, match=r"minutes.csv:702: .* comes after"):
        read([*GOOD[:699], GOOD[700], GOOD[699], *GOOD[701:]])


# ---------------------------------------------------------------- zero volume


def idle(*numbers):
    return [row.rpartition(",")[0] + ",0" if k in numbers else row for k, row in enumerate(GOOD)]


def test_minutes_without_volume_are_dropped_kept_or_refused_as_is_said(read):
    rows = idle(500, 501, 900)
    dropped = read(rows, zero_volume="drop")
    assert any("zero volume" in note and "3" in note for note in dropped.policies)
    assert same(tape(dropped), tape(read(without(GOOD, 500, 501, 900))))
    kept = minutes_of(read(rows, zero_volume="keep"), NEW_YORK)
    assert (kept.volume == 0.0).sum() == 3
    with pytest.raises(DataError, match=r"minutes.csv:502: .*volume"):
        read(rows, zero_volume="refuse")


def test_kept_minutes_without_volume_harm_no_feature(read):
    """A whole half-hour stood still: finite features, and the same afterwards up to what they remember."""
    found = tape(read(idle(*range(480, 510)), zero_volume="keep"))
    assert np.isfinite(found.features).all()
    assert np.isfinite(found.block).all()


# ---------------------------------------------------------------- clocks


def test_sessions_are_the_same_before_and_after_the_clock_changes(read):
    bars = minutes_of(read(GOOD), NEW_YORK)
    assert (bars.minute.reshape(6, 390) == np.arange(390)).all()
    stamps = [row[11:16] for row in GOOD[::390]]
    assert stamps == ["14:30"] * 4 + ["13:30"] * 2  # in UTC the open moved


def test_wall_times_within_the_change_are_refused_by_row(read):
    wall = pd.date_range("2020-03-08 00:30", periods=390, freq="min")
    rows = [f"{t.isoformat(sep=' ')},{row.partition(',')[2]}" for t, row in zip(wall, GOOD, strict=False)]
    with pytest.raises(DataError, match=r"minutes.csv:row 90: 2020-03-08 02:00:00 does not exist"):
        minutes_of(read(rows), NEW_YORK, "00:00", "24:00")
    wall = pd.date_range("2020-11-01 00:30", periods=390, freq="min")
    rows = [f"{t.isoformat(sep=' ')},{row.partition(',')[2]}" for t, row in zip(wall, GOOD, strict=False)]
    with pytest.raises(DataError, match=r"2020-11-01 01:00:00 comes twice"):
        minutes_of(read(rows), NEW_YORK, "00:00", "24:00")


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "Australia/Sydney"])
def test_a_wrong_zone_is_refused(read, zone):
    with pytest.raises(
        DataError, match=r"minutes.csv: \d+% of the volume is within 09:30 to 16:00 .*: a wrong zone"
    ):
        Tactical(n_steps=20, zone=zone).on(read(GOOD)).record(Paths.of(0, 1))


def test_zones_that_change_within_a_file_are_refused(read):
    rows = [row.replace("+00:00", "-05:00") if k == 800 else row for k, row in enumerate(GOOD)]
    with pytest.raises(DataError, match=r"minutes.csv:802: .*zone"):
        read(rows)


# ---------------------------------------------------------------- all the way to an environment


def spoiled(rows):
    """Idle minutes, the same minute twice, half an hour missing."""
    still = [row.rpartition(",")[0] + ",0" if k in (500, 501) else row for k, row in enumerate(rows)]
    return [*still[:700], still[699], *still[700:1200], *still[1230:]]


def four_prices(history):
    """What the risk stage takes, with a minute twice."""
    close = history.column("close")
    prices = {f"price_{k}": close * k + np.sin(k * np.arange(len(close))) for k in (1, 2, 3, 4)}
    frame = pd.DataFrame(prices, index=pd.to_datetime(history.times, unit="us", utc=True))
    return History.from_frame(pd.concat([frame.iloc[:50], frame.iloc[49:]]))


@pytest.mark.parametrize("name", ["strategic", "tactical", "risk", "execution"])
def test_every_stage_plays_a_repaired_file(read, name):
    """All faults at once that a policy puts right: an episode to its end, the ledger's identity at each step."""
    module = environment_module(name)
    long = [str(day.date()) for day in pd.bdate_range("2020-03-02", periods=22)]
    history = read(spoiled(good_rows(long) if name == "strategic" else GOOD))
    history = four_prices(history) if name == "risk" else history
    env = module.parallel_env(stage=stage_named(name, n_steps=5).on(history))
    env.reset(seed=0)
    draw, steps = drawing(env), 0
    while env.agents:
        seen, *_ = env.step({agent: draw(agent) for agent in env.agents})
        assert all(np.isfinite(value).all() for value in seen.values())
        env.ledger.check(env.stage.strategy.capital)
        steps += 1
    assert steps == 5
