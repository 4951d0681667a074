"""The plug-in channel: a value is known at its stamp, not before, and experts see it."""

import numpy as np
import pandas as pd
import pytest

from fund.errors import DataError, UnknownName
from fund.grandmodel.external_signal import external_of, with_external
from fund.grandmodel.strategic import Strategic, StrategicStage
from fund.market.draft import Rules
from fund.market.history import History
from fund.market.streams import Paths

NEW_YORK = "America/New_York"
WORLD = Strategic(n_steps=5, window=8)


@pytest.fixture(scope="module", name="minutes")
def _minutes():
    """Twenty-two sessions, stamped in UTC."""
    days = pd.bdate_range("2020-06-01", periods=22)
    parts = [pd.date_range(f"{day.date()} 09:30", periods=390, freq="min", tz=NEW_YORK) for day in days]
    stamps = parts[0].append(parts[1:])
    close = 100.0 * np.exp(np.cumsum(np.random.default_rng(0).normal(0.0, 4e-4, len(stamps))))
    data = {"open": close, "high": close + 0.01, "low": close - 0.01, "close": close, "volume": 100.0}
    return History.from_frame(pd.DataFrame(data, index=stamps))


def news(stamps, values, zone=NEW_YORK):
    index = pd.DatetimeIndex(stamps).tz_localize(zone) if zone else pd.DatetimeIndex(stamps)
    return History.from_frame(pd.DataFrame({"mood": values}, index=index), rules=Rules(kind="numbers"))


def bars(history):
    return external_of(history, 30, NEW_YORK, "09:30", "16:00")


def test_a_value_is_known_at_its_stamp_and_not_before(minutes):
    """The half-hour 10:00 to 10:30 ends with the minute 10:29: news of 10:29 are in it, those of 10:30 are not."""
    early = bars(with_external(minutes, news(["2020-06-01 10:29", "2020-06-03 12:00"], [1.5, -2.0])))[0]
    late = bars(with_external(minutes, news(["2020-06-01 10:30", "2020-06-03 12:00"], [1.5, -2.0])))[0]
    assert early[:3].tolist() == [0.0, 1.5, 1.5]
    assert late[:3].tolist() == [0.0, 0.0, 1.5]
    # 12:00 of the third day is the beginning of its sixth half-hour
    assert early[2 * 13 + 4 : 2 * 13 + 6].tolist() == [1.5, -2.0]
    assert early[-1] == -2.0


def test_experts_see_it_in_its_column(minutes):
    stamps = pd.date_range("2020-06-01 09:30", "2020-06-30 16:00", freq="h")
    told = with_external(minutes, news(stamps, np.sin(np.arange(len(stamps)))))
    stage = StrategicStage.of(WORLD.on(told))
    tape, place = stage.strategy.record(Paths.of(0, 3)), stage.strategy.features.index("external_signal")
    plain = WORLD.on(minutes).record(Paths.of(0, 3))
    wanted = bars(told)[0]
    for path, row in enumerate(tape.rows.tolist()):
        noise = 4 * WORLD.observation_noise
        np.testing.assert_allclose(tape.features[:, path, place], wanted[row : row + 6], atol=noise)
    others = [k for k in range(len(stage.strategy.features)) if k != place]
    np.testing.assert_array_equal(tape.features[:, :, others], plain.features[:, :, others])
    assert not np.array_equal(tape.features[:, :, place], plain.features[:, :, place])
    np.testing.assert_array_equal(tape.block, plain.block)


def test_news_to_come_change_nothing(minutes):
    """C1: other news from a day on leave every bar before it as it was."""
    stamps = pd.date_range("2020-06-01 09:30", "2020-06-30 16:00", freq="7min")
    values = np.random.default_rng(1).normal(size=len(stamps))
    cut = int(np.searchsorted(stamps, pd.Timestamp("2020-06-10 09:30")))
    other = values.copy()
    other[cut:] += 5.0
    one, two = (bars(with_external(minutes, news(stamps, v)))[0] for v in (values, other))
    days = len(pd.bdate_range("2020-06-01", "2020-06-09"))
    np.testing.assert_array_equal(one[: 13 * days], two[: 13 * days])
    assert (one[13 * days :] != two[13 * days :]).all()


def test_without_it_momentum_stands_there(minutes):
    assert bars(minutes) is None


def test_it_is_recorded_what_was_joined(minutes):
    joined = with_external(minutes, news(["2020-06-01 10:00", "2020-06-03 12:00"], [1.0, 2.0]))
    assert any("30 minutes before its first value" in note for note in joined.policies)
    again = with_external(joined, news(["2020-06-01 09:00", "2020-06-03 12:00"], [7.0, 2.0]))
    assert again.names.count("external_signal") == 1
    assert bars(again)[0, 0] == 7.0


def test_what_does_not_fit_is_refused(minutes):
    with pytest.raises(DataError, match='stamps in zone ""'):
        with_external(minutes, news(["2020-06-01 10:00", "2020-06-03 12:00"], [1.0, 2.0], zone=None))
    with pytest.raises(UnknownName, match="mood"):
        with_external(minutes, news(["2020-06-01 10:00", "2020-06-03 12:00"], [1.0, 2.0]), "mod")
    with pytest.raises(UnknownName, match="volume"):
        with_external(minutes, minutes)
