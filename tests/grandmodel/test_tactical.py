"""The tactical stage: theory on the planted market, the budget of errors, who is told what, what it measures."""

import math

import numpy as np
import pytest

from fund.envs.batch import Batch
from fund.envs.contract import CHECKS
from fund.envs.play import play
from fund.envs.rounds import Rounds
from fund.errors import InvalidParameter
from fund.grandmodel.tactical import Tactical, TacticalStage
from fund.market.streams import Paths

AGENTS = ("fvg_agent", "momentum_agent", "entry_opt_agent")


@pytest.mark.parametrize("name", CHECKS)
@pytest.mark.parametrize("preset", ["default", "null", "planted"])
def test_contract(preset, name):
    CHECKS[name](Tactical.preset(preset, n_steps=120))


def test_the_planted_gaps_earn_what_theory_says():
    """While a gap runs each bar drifts by g: long earns e^g - 1 of the NAV in the mean, short 1 - e^-g."""
    world = Tactical.preset("planted", n_steps=300)
    paths = Paths.of(0, 256)
    batch, policy = Batch(world, 256), world.rules["gap_runs"](world)
    batch.start(paths)
    g = 0.4 * 0.010 * math.sqrt(5 / 390)
    assert math.expm1(g) == pytest.approx(0.000453, rel=1e-2)  # the number itself, for the reader
    held, gained = [], []
    for _ in range(300):
        action = policy(batch.view())
        before = batch.ledger.books.nav.copy()
        batch.step(action)
        held.append(action[:, 2] - action[:, 0])
        gained.append(batch.ledger.books.nav / before - 1.0)
    side, gain = np.array(held), np.array(gained)
    wanted = np.where(side > 0, math.expm1(g), np.where(side < 0, -math.expm1(-g), 0.0))
    surplus = (gain - wanted).sum(axis=0)
    assert abs(surplus.mean()) < 4.0 * surplus.std() / math.sqrt(256)
    assert wanted.sum(axis=0).mean() > 20.0 * surplus.std() / math.sqrt(256)  # far from nothing
    assert (gain[side == 0.0] == 0.0).all()


@pytest.mark.parametrize("rule", ["textbook", "gap_runs", "momentum", "always_long"])
def test_nobody_earns_on_the_null_market(rule):
    world = Tactical.preset("null", n_steps=400)
    pnl = play(world, world.rules[rule](world), Paths.of(100, 200)).nav[-1] / world.capital - 1.0
    assert pnl.mean() < 3.0 * pnl.std() / math.sqrt(200)


def test_the_textbook_rule_earns_on_the_default_market():
    world = Tactical()
    pnl = play(world, world.rules["textbook"](world), Paths.of(0, 200)).nav[-1] / world.capital - 1.0
    assert pnl.mean() > 3.0 * pnl.std() / math.sqrt(200)


S, N, L = [1, 0, 0], [0, 1, 0], [0, 0, 1]


def exposure_after(world, joint):
    batch = Batch(world, 1)
    batch.reset(0)
    price = batch.view().row["price"][0]
    batch.step(np.array(joint, dtype=float).reshape(1, 9))
    return batch.ledger.books.position[0, 0] * price / world.capital


def test_an_unsure_gap_agent_is_not_heard():
    world = Tactical(n_steps=5)
    assert exposure_after(world, [[0, 0.3, 0.7], N, L]) == 0.0  # .7 is less than .8: one voice is left
    assert exposure_after(world, [[0, 0.1, 0.9], N, L]) == pytest.approx((0.9 + 1.0) / 3.0)
    assert exposure_after(Tactical(n_steps=5, confidence=0.6), [[0, 0.3, 0.7], N, L]) == pytest.approx(
        1.7 / 3.0
    )


def test_an_order_arrives_late_at_the_price_on_the_way():
    """Latency of 150 s is half of a bar: the fill is half way to the next row's price."""
    world = Tactical(n_steps=3, timing_precision=150.0, half_spread=0.0, cost_rate=0.0)
    batch = Batch(world, 4)
    batch.reset(0)
    price = batch.current_tape["price"]
    batch.step(np.tile(np.array([L, L, L], dtype=float).reshape(1, 9), (4, 1)))
    units = world.capital / price[0]
    np.testing.assert_allclose(batch.ledger.books.position[0], units)
    half_way = 0.5 * (price[0] + price[1])
    np.testing.assert_allclose(batch.ledger.books.nav, world.capital + units * (price[1] - half_way))
    slipped = batch.memory()["slipped"]
    np.testing.assert_allclose(slipped, units * (half_way - price[0]))
    parts = dict(zip(batch.part_names, batch.parts, strict=True))
    np.testing.assert_allclose(parts["slippage"], -0.2 * slipped / world.capital)


def test_the_error_budget_halts():
    """Every loss is an error here: after three the position is closed, and nothing is traded again."""
    world = Tactical(n_steps=150, error_loss=0.0, error_budget=3, weather=False)
    batch = Batch(world, 8)
    batch.reset(0)
    long = np.tile(np.array([L, L, L], dtype=float).reshape(1, 9), (8, 1))
    losses = np.zeros(8)
    for _ in range(150):
        halted = losses >= 3
        before, traded = batch.ledger.books.nav.copy(), batch.ledger.books.traded.copy()
        was_flat = batch.ledger.books.position[0] == 0.0
        batch.step(long)
        assert (batch.ledger.books.position[0][halted] == 0.0).all()
        done = halted & was_flat
        assert (batch.ledger.books.traded == traded)[done].all()
        losses += batch.ledger.books.nav < before
    assert (batch.memory()["halted"] == 1.0).all()
    assert Tactical().error_budget > 3


@pytest.mark.parametrize("name", AGENTS)
def test_every_agents_actions_matter(name):
    """A permutation of one agent's actions in time changes the outcome."""
    stage = TacticalStage.of(Tactical(n_steps=60))
    generator = np.random.default_rng(1)
    said = {agent: generator.integers(0, 3, (60, 8)) for agent in AGENTS}
    ends = []
    for stream in (said, {**said, name: np.roll(said[name], 7, axis=0)}):
        rounds = Rounds(stage, 8)
        rounds.reset(0)
        for t in range(60):
            rounds.step({agent: stream[agent][t] for agent in AGENTS})
        ends.append(rounds.batch.ledger.books.nav.copy())
    assert (ends[0] != ends[1]).all()


def test_who_speaks_later_is_told():
    stage = TacticalStage.of(Tactical(n_steps=20))
    rounds = Rounds(stage, 3)
    rounds.reset(0)
    assert (rounds.view("momentum_agent")[:, -3:] == 0.0).all()
    rounds.announce("fvg_agent", [0, 1, 2])
    told = rounds.view("momentum_agent")
    assert told[:, 60 * 2].tolist() == [-1.0, 0.0, 1.0]
    rounds.announce("momentum_agent", [2, 2, 0])
    last = rounds.view("entry_opt_agent")
    assert last[:, 120].tolist() == [-1.0, 0.0, 1.0]
    assert last[:, 121].tolist() == [1.0, 1.0, -1.0]
    assert rounds.view("fvg_agent").shape == (3, 60 * 3 + 2)
    rounds.step({"entry_opt_agent": [1, 1, 1]})
    assert (rounds.view("momentum_agent")[:, 120] == 0.0).all()
    silent = Rounds(TacticalStage.of(Tactical(n_steps=20, state_machine=False)), 3)
    silent.reset(0)
    assert silent.view("momentum_agent").shape == (3, 60 * 2 + 2)


def test_gap_patterns_are_what_the_features_show():
    stage = TacticalStage.of(Tactical(n_steps=80, observation_noise=0.0))
    rounds = Rounds(stage, 3)
    rounds.reset(5)
    found = 0
    for _ in range(60):
        scene = rounds.scene()
        for path in range(3):
            gaps = stage.gap_patterns(scene, rounds.batch.paths, path)
            found += len(gaps)
            for kind in ("bullish", "bearish"):
                fresh = max([gap["strength"] for gap in gaps if gap["type"] == kind], default=0.0)
                assert scene.slot(f"fvg_{kind}")[path] == pytest.approx(fresh, abs=1e-6)
            assert all(gap["top"] > gap["bottom"] for gap in gaps)
            assert [gap["age"] for gap in gaps] == sorted(gap["age"] for gap in gaps)
        rounds.step({name: np.full(3, 1) for name in AGENTS})
    assert found > 100


def test_execution_metrics_are_those_of_the_ledger():
    stage = TacticalStage.of(Tactical(n_steps=40, weather=False))
    rounds = Rounds(stage, 2)
    rounds.reset(0)
    for t in range(30):
        rounds.step({name: np.full(2, 2 * (t % 2)) for name in AGENTS})
    metrics = stage.execution_metrics(rounds.scene(), 1)
    books = rounds.batch.ledger.books
    assert metrics["entries"] == 30.0
    assert metrics["traded"] == books.traded[1]
    assert metrics["fees"] == pytest.approx(0.00005 * books.traded[1])
    assert metrics["slippage_bps"] == pytest.approx(0.3, rel=1e-3)  # the half spread, and a millisecond
    assert metrics["halted"] == 0.0


def test_detection_threshold_asks_for_larger_impulses():
    def gaps(threshold):
        tape = Tactical(n_steps=300, detection_threshold=threshold, observation_noise=0.0).record(
            Paths.of(0, 8)
        )
        return (tape.features[..., 0] == 1.0).sum() + (tape.features[..., 1] == 1.0).sum()

    assert gaps(0.4) > gaps(0.7) > gaps(1.4) > 0
    assert Tactical().least_impulse == pytest.approx(1.5)


def test_momentum_window_is_the_momentum_of_that_window():
    world = Tactical(n_steps=100, momentum_window=7, observation_noise=0.0)
    tape = world.record(Paths.of(0, 2))
    strength = tape.features[50, :, world.features.index("trend_strength")]
    logs = np.log(tape["price"])
    wanted = (logs[50] - logs[43]) / np.abs(np.diff(logs[43:51], axis=0)).sum(axis=0)
    np.testing.assert_allclose(strength, wanted, rtol=1e-5)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"confidence": 1.5}, "confidence"),
        ({"momentum_window": 0}, "momentum_window"),
        ({"error_budget": 0}, "error_budget"),
        ({"timing_precision": 301.0}, "timing_precision"),
        ({"steps_per_day": 77}, "78 bars"),
    ],
)
def test_worlds_that_cannot_be(changes, match):
    with pytest.raises(InvalidParameter, match=match):
        Tactical(**changes)
