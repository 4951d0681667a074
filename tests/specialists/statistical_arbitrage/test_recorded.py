"""Windows of recorded prices: which rows are read, what is refused, and real pairs."""

import numpy as np
import pytest

from fund.envs.batch import Batch
from fund.envs.contract import adversarial
from fund.errors import DataError, UnknownName
from fund.market.history import History, panel
from fund.market.readers import alpha_vantage_daily
from fund.market.streams import Paths
from specialists.statistical_arbitrage.features import WARM_UP
from specialists.statistical_arbitrage.recorded import best_pair, from_prices
from specialists.statistical_arbitrage.strategy import StatisticalArbitrage

PAIRS = (("KO", "PEP"), ("XOM", "CVX"), ("GLD", "GDX"), ("EWA", "EWC"))


def history(rows, names=("leg_1", "leg_2"), seed=0):
    generator = np.random.default_rng(seed)
    values = 20.0 * np.exp(np.cumsum(0.01 * generator.standard_normal((rows, len(names))), axis=0))
    return History(tuple(names), values, np.arange(rows) * 86_400_000_000, "local date", "made")


def real(shared_data, *symbols):
    folder = shared_data / "equity_daily" / "av"
    return panel({s: alpha_vantage_daily(folder / f"{s}.csv.gz") for s in symbols}, "close")


def test_windows_are_the_rows_they_say():
    source = history(400)
    tape = StatisticalArbitrage(n_steps=30, history=source).record(Paths.of(0, 500))
    first = tape.rows
    assert first.min() >= WARM_UP
    assert first.max() <= 400 - 31
    assert len(np.unique(first)) > 150  # of 250 possible starts
    for t in (0, 13, 30):
        assert np.array_equal(tape["leg_1"][t], source.column("leg_1")[first + t])
        assert np.array_equal(tape["leg_2"][t], source.column("leg_2")[first + t])


def test_a_slice_keeps_its_row_numbers():
    part = history(400).window(100, 200)
    tape = StatisticalArbitrage(n_steps=30, history=part).record(Paths.of(0, 50))
    assert tape.rows.min() >= 100 + WARM_UP
    assert tape.rows.max() <= 299 - 30


def test_the_only_window_of_a_short_record_is_taken():
    tape = StatisticalArbitrage(n_steps=30, history=history(WARM_UP + 31)).record(Paths.of(0, 5))
    assert tape.rows.tolist() == [WARM_UP] * 5


def test_what_is_refused():
    with pytest.raises(DataError, match=r"150 rows, wanted 151 \(120 to warm up, 30 steps\)"):
        StatisticalArbitrage(n_steps=30, history=history(150)).record(Paths.of(0, 1))
    with pytest.raises(UnknownName, match='No column "leg_1"'):
        StatisticalArbitrage(n_steps=30, history=history(300, ("leg_one", "leg_2"))).record(Paths.of(0, 1))
    with pytest.raises(DataError, match=r"row 2 \(1970-01-01.*\): a is 0, wanted above 0"):
        from_prices(
            History(("a", "b"), np.array([[1.0, 1.0], [1.0, 1.0], [0.0, 1.0]]), np.arange(3)), "a", "b"
        )


def test_columns_by_parameter_or_by_name():
    source = history(300, ("XYZ", "ABC", "DEF"))
    chosen = StatisticalArbitrage(n_steps=30, leg_1="DEF", leg_2="XYZ").on(source)
    renamed = StatisticalArbitrage(n_steps=30, history=from_prices(source, "DEF", "XYZ"))
    one, two = chosen.record(Paths.of(0, 3)), renamed.record(Paths.of(0, 3))
    assert np.array_equal(one.block, two.block)


def test_the_best_pair_is_found_on_training_rows_alone():
    generator = np.random.default_rng(5)
    walks = 3.0 + np.cumsum(0.01 * generator.standard_normal((600, 4)), axis=0)
    residual = np.zeros(600)
    for t in range(1, 600):
        residual[t] = 0.7 * residual[t - 1] + 0.005 * generator.standard_normal()
    walks[:, 3] = 1.0 + 0.9 * walks[:, 1] + residual
    days = np.arange(600) * 86_400_000_000
    source = History(("a", "b", "c", "d"), np.exp(walks), days, "local date", "four")
    pair = best_pair(source, slice(0, 300))
    assert {tuple(pair.column(n)) for n in ("leg_1", "leg_2")} == {
        tuple(source.column(n)) for n in ("b", "d")
    }
    later = source.values.copy()
    later[300:] = later[300:, ::-1] * 1.5
    again = best_pair(History(source.names, later, days, "local date", "four"), slice(0, 300))
    assert np.array_equal(again.values[:300], pair.values[:300])
    with pytest.raises(DataError, match="none of 1 pairs"):
        best_pair(source.select(["a", "c"]), slice(0, 300))


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_real_pairs(shared_data, pair):
    source = real(shared_data, *pair)
    desk = StatisticalArbitrage(history=from_prices(source, *pair))
    paths = Paths.of(7, 64)
    tape = desk.record(paths)
    for k, name in ((0, pair[0]), (1, pair[1])):
        recorded = source.column(name)
        assert np.array_equal(tape.block[100, k], recorded[tape.rows + 100])
    assert 0.05 < np.median(tape.features[:, :, desk.features.index("hedge_ratio")]) < 2.95
    assert np.abs(tape.features).max() < 60.0
    batch = Batch(desk, 64)
    batch.start(paths)
    for action in adversarial(desk, 40, 64):
        batch.step(action)
        batch.ledger.check(desk.capital)


def test_later_rows_of_a_real_record_change_nothing_before(shared_data):
    source = from_prices(real(shared_data, "KO", "PEP"), "KO", "PEP")
    desk = StatisticalArbitrage(n_steps=60, history=source)
    tape = desk.record(Paths.of(1, 4))
    for path in range(4):
        cut = int(tape.rows[path]) + 30
        changed = source.values.copy()
        changed[cut + 1 :] *= [1.2, 0.9]
        other = desk.with_parameters(
            history=History(source.names, changed, source.times, source.zone, "changed")
        )
        again = other.record(Paths.of(1, 4))
        assert np.array_equal(again.block[:31, :, path], tape.block[:31, :, path])
        assert np.array_equal(again.features[:31, path], tape.features[:31, path])
        assert not np.array_equal(again.features[31:, path], tape.features[31:, path])
