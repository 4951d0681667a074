"""Recorded markets: files to indices, windows without look-ahead, portfolios of a panel."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fund.envs.contract import CHECKS
from fund.envs.play import play
from fund.errors import DataError, InvalidParameter, UnknownName
from fund.market.history import History
from fund.market.readers import french_factors, skfolio_prices
from fund.market.streams import Paths
from specialists.factor_tracking import recorded
from specialists.factor_tracking.features import FEATURES
from specialists.factor_tracking.strategy import FactorTracking

DAY = 86_400_000_000


def history_of(rows: int, seed: int = 0, z: bool = False) -> History:
    rng = np.random.default_rng(seed)
    levels = 100.0 * np.cumprod(1.0 + 0.01 * rng.standard_normal((rows, 4)), axis=0)
    names = recorded.NEEDS
    if z:
        names, levels = (
            (*names, "value_z", "momentum_z", "quality_z"),
            np.hstack([levels, rng.standard_normal((rows, 3))]),
        )
    return History(names, levels, np.arange(rows) * DAY, source="made up")


def test_window_shows_the_rows_it_names():
    history = history_of(400, z=True)
    desk = FactorTracking(history=history, n_steps=20)
    tape = desk.record(Paths.of(5, 30))
    levels = history.select(recorded.NEEDS).values
    assert len(set(tape.rows.tolist())) > 20 and tape.rows.min() >= 60 and tape.rows.max() <= 400 - 21
    for i, start in enumerate(tape.rows):
        rows = slice(int(start), int(start) + 21)
        for k, name in enumerate(recorded.NEEDS):
            np.testing.assert_allclose(
                tape[name][:, i], 100.0 * levels[rows, k] / levels[start, k], rtol=1e-12
            )
        np.testing.assert_array_equal(tape["value_z"][:, i], history.column("value_z")[rows])
        sixty = levels[start - 59 : start + 1, 1] / levels[start - 60 : start, 1] - 1.0
        wanted = sixty.sum() / (desk.momentum_volatility / math.sqrt(21) * math.sqrt(60))
        assert tape.features[0, i, FEATURES.index("momentum_momentum_60")] == pytest.approx(wanted, rel=1e-5)


def test_rows_are_counted_in_the_table_the_slice_was_cut_from():
    part = history_of(900).window(300, 500)
    rows = FactorTracking(history=part, n_steps=20).record(Paths.of(0, 40)).rows
    assert rows.min() >= 300 + 252 and rows.max() + 20 < 800


def test_path_reads_the_same_window_in_any_batch():
    desk = FactorTracking(history=history_of(600), n_steps=10)
    many, one = desk.record(Paths.of(8, 5)), desk.record(Paths.of(10, 1))
    np.testing.assert_array_equal(many.block[:, :, 2:3], one.block)
    np.testing.assert_array_equal(many.features[:, 2:3], one.features)


def plain_reversal(levels, t):
    x = []
    for s in range(63, t + 1):
        length = min(s, 1260)
        x.append(-math.log(levels[s] / levels[s - length]) / math.sqrt(length))
    return float(np.clip((x[-1] - np.mean(x)) / np.std(x), -3.0, 3.0))


def test_reversal_is_that_of_the_plain_twin():
    levels = history_of(1700, seed=3).values[:, :3]
    z = recorded.reversal(levels)
    for t in (252, 1000, 1259, 1260, 1261, 1699):
        for k in range(3):
            assert z[t, k] == pytest.approx(plain_reversal(levels[:, k], t), abs=1e-7)


def test_reversal_knows_no_future():
    levels = history_of(800, seed=3).values[:, :3]
    whole = recorded.reversal(levels)
    for cut in (300, 555, 799):
        np.testing.assert_array_equal(recorded.reversal(levels[:cut]), whole[:cut])
        changed = levels.copy()
        changed[cut:] *= 1.5
        np.testing.assert_array_equal(recorded.reversal(changed)[:cut], whole[:cut])


def test_reversal_calls_cheap_what_fell():
    levels = np.full((600, 1), 100.0)
    levels[:, 0] *= np.exp(0.001 * np.sin(np.arange(600)))
    levels[300:] *= 0.8
    assert recorded.reversal(levels)[310, 0] > 1.5


@pytest.mark.parametrize("name", sorted(set(CHECKS) - {"features_speak"}))
def test_contract_on_a_recorded_market(name):
    CHECKS[name](FactorTracking(history=history_of(420), n_steps=60))


def test_too_short_or_incomplete_a_history_is_refused():
    desk = FactorTracking(history=history_of(300), n_steps=60)
    with pytest.raises(DataError, match="300 rows, wanted 313 "):
        desk.record(Paths.of(0, 1))
    without = history_of(600).rename({"momentum": "momentun"})
    with pytest.raises(UnknownName, match=r'Did you mean "momentun"'):
        FactorTracking(history=without).record(Paths.of(0, 1))
    broke = history_of(600)
    values = broke.values.copy()
    values[7, 0] = -1.0
    with pytest.raises(DataError, match=r"row 7 \(1970-01-08\): value is -1, wanted above 0"):
        FactorTracking(history=History(broke.names, values, broke.times)).record(Paths.of(0, 1))


def test_frame_of_indices_is_a_market():
    pandas = pytest.importorskip("pandas")
    history = history_of(600)
    frame = pandas.DataFrame(
        history.values, columns=history.names, index=history.dates.astype("datetime64[us]")
    )
    desk = FactorTracking(n_steps=50).on(frame)
    other = FactorTracking(n_steps=50, history=history)
    np.testing.assert_array_equal(desk.record(Paths.of(1, 3)).block, other.record(Paths.of(1, 3)).block)


def returns_of(values, names):
    return History(names, np.asarray(values, dtype=float), np.arange(len(values)) * DAY)


def test_french_by_hand():
    five = returns_of([[0.01, 0.0, 0.02, -0.01, 0.0, 1e-4], [0.02, 0.0, -0.01, 0.01, 0.0, 2e-4]],
                      ("Mkt-RF", "SMB", "HML", "RMW", "CMA", "RF"))  # fmt: skip
    found = recorded.french(five, returns_of([[0.03], [0.04]], ("Mom",)))
    assert found.names == ("value", "momentum", "quality", "market", "riskless")
    np.testing.assert_allclose(found.column("value"), [102.0, 102.0 * 0.99])
    np.testing.assert_allclose(found.column("momentum"), [103.0, 103.0 * 1.04])
    np.testing.assert_allclose(found.column("market"), [101.0, 101.0 * 1.02])
    with pytest.raises(UnknownName, match="HML"):
        recorded.french(five.rename({"HML": "HMLX"}), returns_of([[0.03], [0.04]], ("Mom",)))


def test_funds_by_hand():
    prices = returns_of([[100, 50, 20, 10], [110, 50, 21, 10.2]], ("VLUE", "MTUM", "QUAL", "SPY"))
    against_market = recorded.exchange_traded(prices, "SPY")
    np.testing.assert_allclose(against_market.values, [[108.0, 98.0, 103.0, 102.0]])
    mean = (0.10 + 0.0 + 0.05 + 0.02) / 4
    np.testing.assert_allclose(
        recorded.exchange_traded(prices).values,
        [100 * (1 + np.array([0.10 - mean, -mean, 0.05 - mean, mean]))],
    )
    assert against_market.rows.tolist() == [1]


def test_portfolios_of_a_panel_by_hand():
    names = ("a", "b", "c", "d")
    returns = returns_of([[9, 9, 9, 9], [0.01, 0.02, 0.03, 0.05], [0.04, 0.0, 0.0, -0.01]], names)
    sorted_up = returns_of([[1, 2, 3, 4], [4, 3, 2, 1], [0, 0, 0, 9]], names)
    flat = returns_of(np.tile([4.0, 1.0, 2.0, 3.0], (3, 1)), names)
    found = recorded.factor_portfolios(
        returns, {"value": sorted_up, "momentum": flat, "quality": sorted_up}, quantile=0.25
    )
    # row 1 is held by row 0's order (d against a), row 2 by row 1's (a against d)
    np.testing.assert_allclose(found.column("value"), [104.0, 104.0 * 1.05])
    np.testing.assert_allclose(found.column("momentum"), [99.0, 99.0 * 1.04])
    np.testing.assert_allclose(found.column("market"), [102.75, 102.75 * 1.0075])
    assert found.rows.tolist() == [1, 2]


def test_panels_that_do_not_fit_are_refused():
    names = ("a", "b")
    returns = returns_of([[0.0, 0.1], [0.1, 0.0]], names)
    good = dict.fromkeys(("value", "momentum", "quality"), returns)
    with pytest.raises(UnknownName, match="quality"):
        recorded.factor_portfolios(returns, {"value": returns, "momentum": returns})
    with pytest.raises(InvalidParameter, match="quantile"):
        recorded.factor_portfolios(returns, good, quantile=0.7)
    late = History(names, returns.values, returns.times + DAY)
    with pytest.raises(DataError, match="rows of value"):
        recorded.factor_portfolios(returns, good | {"value": late})
    with pytest.raises(UnknownName):
        recorded.factor_portfolios(returns, good | {"value": returns.rename({"b": "c"})})
    with pytest.raises(DataError, match="loses all"):
        recorded.indices(returns_of([[-1.0, 0.0]], names))


def test_kenneth_french_files(shared_data):
    folder = shared_data / "factors"
    five = french_factors(folder / "F-F_Research_Data_5_Factors_2x3_daily.CSV.gz")
    history = recorded.french(five, french_factors(folder / "F-F_Momentum_Factor_daily.CSV.gz"))
    assert len(history) == 6553 and str(history.dates[0]) == "1990-01-02"
    assert history.column("value")[0] == pytest.approx(100 * (1 - 0.0007))
    assert history.column("momentum")[1] == pytest.approx(100 * (1 - 0.0109) * (1 - 0.0031))
    train, _, test = history.split(0.6, 0.2, 60)
    rows = {}
    for name, part in (("train", train), ("test", test)):
        desk = FactorTracking(history=part)
        tape = desk.record(Paths.of(0, 50))
        rows[name] = (int(tape.rows.min()), int(tape.rows.max()) + desk.n_steps)
        played = play(desk, desk.rules["equal_long"](desk), Paths.of(0, 50))
        assert np.isfinite(played.nav).all() and played.traded.min() > 0.0
    assert rows["train"][1] < train.first_row + len(train) <= test.first_row <= rows["test"][0] - 252
    worst = np.diff(np.log(history.column("momentum"))).min()
    assert worst < -0.05, "the spring of 2009 is in the file"


def test_factor_funds_file(shared_data):
    prices = skfolio_prices(shared_data / "factors" / "skfolio_factor_etfs.csv.gz")
    history = recorded.exchange_traded(prices)
    assert len(history) == len(prices) - 1
    one = prices.values[1] / prices.values[0] - 1.0
    wanted = one[prices.names.index("VLUE")] - one.mean()
    assert history.column("value")[0] == pytest.approx(100.0 * (1.0 + wanted), rel=1e-12)
    desk = FactorTracking(history=history)
    assert np.isfinite(desk.record(Paths.of(0, 10)).features).all()
