"""Risk and execution on recorded markets: the contract, causality, the record's own numbers, real files."""

import numpy as np
import pytest

from fund.envs.contract import CHECKS
from fund.envs.play import play
from fund.errors import DataError, UnknownName
from fund.grandmodel.execution import recorded as execution_recorded
from fund.grandmodel.execution.stage import ExecutionStage
from fund.grandmodel.execution.strategy import Execution
from fund.grandmodel.risk import recorded as risk_recorded
from fund.grandmodel.risk.stage import RiskStage
from fund.grandmodel.risk.strategy import RiskManagement
from fund.market.draft import Rules
from fund.market.history import History, panel
from fund.market.readers import bars as read_bars
from fund.market.streams import Paths

MINUTE = 60_000_000


def history_of(columns, rows, seed=0):
    generator = np.random.default_rng(seed)
    values = []
    for name in columns:
        if name.startswith("volume"):
            values.append(generator.integers(0, 40_000, rows).astype(float))
        else:
            values.append(50.0 * np.exp(np.cumsum(1e-3 * generator.standard_normal(rows))))
    times = np.arange(rows) * MINUTE
    return History(tuple(columns), np.stack(values, axis=1), times, "UTC", "walks")


ONE = history_of(("close", "volume"), 600)
TWO = history_of(("close", "volume", "close_b", "volume_b"), 600)
FOUR = history_of(risk_recorded.NEEDS, 900)
WORLDS = {
    "one": Execution(n_steps=60).on(ONE),
    "two": Execution(n_steps=60).on(TWO),
    "four": RiskManagement(n_steps=120).on(FOUR),
}


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("world", WORLDS)
def test_contract(world, check):
    if check == "features_speak" and world != "two":
        pytest.skip("one instrument has no second parent, and a record has no droughts")
    CHECKS[check](WORLDS[world])


@pytest.mark.parametrize(("world", "history"), [("two", TWO), ("four", FOUR)])
def test_rows_after_now_change_nothing_before(world, history):
    """C1, C6: the record after row t altered, and nothing that was shown up to t changes, estimates included."""
    strategy = WORLDS[world]
    tape = strategy.record(Paths.of(0, 20))
    cut = int(np.median(tape.rows)) + 20
    values = history.values.copy()
    values[cut + 1 :] = values[cut + 1 :] * 1.7 + 3.0
    other = strategy.on(History(history.names, values, history.times, "UTC", "altered")).record(
        Paths.of(0, 20)
    )
    assert np.array_equal(tape.rows, other.rows)
    seen = 0
    for path, row in enumerate(tape.rows):
        known = min(cut - row + 1, tape.block.shape[0])
        if known > 0:
            assert np.array_equal(tape.block[:known, :, path], other.block[:known, :, path])
            assert np.array_equal(tape.features[:known, path], other.features[:known, path])
            seen += known
    assert seen > 100
    assert not np.array_equal(tape.block, other.block)


def test_prices_and_volumes_are_the_records():
    tape = WORLDS["two"].record(Paths.of(0, 5))
    for path, row in enumerate(tape.rows):
        window = slice(row, row + 61)
        np.testing.assert_array_equal(tape["mid_a"][:, path], TWO.column("close")[window])
        np.testing.assert_array_equal(tape["mid_b"][:, path], TWO.column("close_b")[window])
    tape = WORLDS["four"].record(Paths.of(0, 5))
    for path, row in enumerate(tape.rows):
        for name in risk_recorded.NEEDS:
            np.testing.assert_allclose(tape[name][:, path], FOUR.column(name)[row : row + 121], rtol=1e-10)


def test_smoothing_is_the_plain_recursion():
    values = np.random.default_rng(0).random(200)
    state, wanted = values[:60].mean(), []
    for value in values:
        state = 0.9 * state + 0.1 * value
        wanted.append(state)
    np.testing.assert_allclose(execution_recorded.smooth(values, 0.9), wanted, rtol=1e-12)


def test_one_instrument_has_one_parent():
    tape = WORLDS["one"].record(Paths.of(0, 5))
    assert not tape["parent_b"].any()
    assert tape["parent_a"].all()


def test_what_cannot_be_played_is_refused():
    with pytest.raises(UnknownName, match="volume"):
        Execution().on(ONE.select(["close"])).record(Paths.of(0, 1))
    with pytest.raises(DataError, match="261"):
        Execution(n_steps=200).on(ONE.window(0, 100)).record(Paths.of(0, 1))
    with pytest.raises(DataError, match="601"):
        RiskManagement().on(FOUR.window(0, 300)).record(Paths.of(0, 1))
    bad = FOUR.values.copy()
    bad[3, 2] = 0.0
    world = RiskManagement(n_steps=50).on(History(FOUR.names, bad, FOUR.times, "UTC", "bad"))
    with pytest.raises(DataError, match="above zero"):
        world.record(Paths.of(0, 1))


def test_execution_on_recorded_etfs(shared_data):
    """A real month by the minute: all is done, and the textbook's trading costs less than haste.

    Compared without what the market's own moves did to the open quantity: that is luck of the windows, many times the
    cost, and not the rule's doing.
    """
    bars = read_bars(shared_data / "intraday" / "us_etf_1m" / "DIA.csv.gz", rules=Rules(zero_volume="drop"))
    stage = ExecutionStage(
        strategy=Execution(
            n_steps=120, parent_a=20_000.0, daily_volume=3e6, initial_price=285.0, depth=5_000.0
        )
    ).on(bars.select(["close", "volume"]))
    games = {
        rule: play(stage.strategy, stage.strategy.rules[rule](stage.strategy), Paths.of(0, 100))
        for rule in ("cont_kukanov", "at_once")
    }
    for game in games.values():
        assert not game.position.any()
    paid = ("spread", "impact", "permanent", "fees")
    calm, hasty = (sum(game.memory[part] for part in paid) for game in games.values())
    gain = hasty - calm
    assert gain.mean() > 3.0 * gain.std() / 100**0.5


def test_risk_on_recorded_etfs(shared_data):
    """Four real funds, by the minute: correlations are real ones, VaR is of the right size."""
    folder = shared_data / "intraday" / "us_etf_1m"
    files = ("DIA", "AGG", "XME", "ASHR")
    read = {f: read_bars(folder / f"{f}.csv.gz", rules=Rules(zero_volume="drop")) for f in files}
    closes = panel(read, "close").rename(dict(zip(files, risk_recorded.NEEDS, strict=True)))
    stage = RiskStage(strategy=RiskManagement(steps_per_day=390, n_steps=500)).on(closes)
    tape = stage.strategy.record(Paths.of(0, 30))
    # equities move together, bonds against them
    assert tape["correlation_13"].mean() > 0.2
    assert tape["correlation_12"].mean() < tape["correlation_13"].mean()
    game = play(stage.strategy, stage.strategy.rules["limits_only"](stage.strategy), Paths.of(0, 30))
    assert np.isfinite(game.nav).all()
    assert 0.0005 < game.memory["var"].mean() < 0.05
