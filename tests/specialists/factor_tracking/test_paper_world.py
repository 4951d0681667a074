"""Garleanu & Pedersen's problem A through the public interface: values, costs, impulse responses, the 27 trades."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fund.envs.batch import Batch
from fund.envs.play import play
from fund.errors import InvalidParameter
from fund.market.streams import Paths
from specialists.factor_tracking import rules, theory
from specialists.factor_tracking.features import FEATURES
from specialists.factor_tracking.strategy import FactorTracking

FREE = FactorTracking.preset("garleanu_pedersen_continuous")
TRADES = FactorTracking.preset("garleanu_pedersen")
# PAPERS.md, test problem A: value, mean P&L a step, mean cost a step
TABLE = {
    "garleanu_pedersen": (0.0308, 6e-4, 1e-4),
    "damped": (0.0297, None, None),
    "valuation_momentum": (0.0212, 9e-4, 3e-4),
    "static": (0.0190, 4e-4, 0.0),
    "markowitz": (-0.2465, 15e-4, 31e-4),
}


def outcome(desk, rule, paths):
    played = play(desk, desk.rules[rule](desk), paths)
    return played, desk.statistics(played)


@pytest.mark.parametrize("rule", TABLE)
def test_table_of_policies(rule):
    played, found = outcome(FREE, rule, Paths.of(100, 1000))
    value, pnl, cost = TABLE[rule]
    error = played.memory["worth"].std() / math.sqrt(1000)
    assert found["value"] == pytest.approx(value, abs=4.0 * error + 1e-4)
    if pnl is not None:
        assert found["pnl_per_step"] == pytest.approx(pnl, abs=1.2e-4)
        assert found["cost_per_step"] == pytest.approx(cost, abs=6e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rule", "value", "tolerance"), [("garleanu_pedersen", 0.0309, 0.0006), ("markowitz", -0.247, 0.006)]
)
def test_acceptance_of_the_environment(rule, value, tolerance):
    _, found = outcome(FREE, rule, Paths.of(0, 20_000))
    assert found["value"] == pytest.approx(value, abs=tolerance)


@pytest.mark.parametrize("rule", ["garleanu_pedersen", "markowitz", "static"])
def test_value_is_the_exact_one_of_the_linear_policy(rule):
    problem = rules.paper_problem(FREE)
    policy = {
        "garleanu_pedersen": theory.optimal_policy(problem),
        "markowitz": theory.markowitz_policy(problem),
        "static": theory.static_policy(problem, 0.05),
    }[rule]
    played, found = outcome(FREE, rule, Paths.of(5000, 800))
    exact = theory.evaluate(problem, policy)
    error = played.memory["worth"].std() / math.sqrt(800)
    assert found["value"] == pytest.approx(exact.value, abs=4.0 * error)
    assert found["cost_per_step"] == pytest.approx(exact.cost, rel=0.02)


def test_signals_are_stationary_and_predict_the_price():
    tape = TRADES.with_steps(300).record(Paths.of(9, 3000))
    f_1, f_2 = tape["value_z"], tape["momentum_z"]
    for f, phi in ((f_1, 0.25), (f_2, 0.01)):
        for row in (0, 300):
            assert f[row].std() == pytest.approx(1.0, abs=0.06)
        assert np.corrcoef(f[:-1].ravel(), f[1:].ravel())[0, 1] == pytest.approx(1.0 - phi, abs=0.005)
    r = np.diff(tape["value"], axis=0)
    left = r - 0.05 * f_1[:-1] - 0.02 * f_2[:-1]
    assert left.std() == pytest.approx(1.0, abs=0.005)
    for f in (f_1, f_2):
        assert abs((left * f[:-1]).mean()) < 4.0 / math.sqrt(left.size)
    np.testing.assert_array_equal(
        tape.features[:, :, FEATURES.index("value_valuation_z")], f_1.astype(np.float32)
    )
    np.testing.assert_array_equal(
        tape.features[:, :, FEATURES.index("momentum_valuation_z")], f_2.astype(np.float32)
    )
    silent = TRADES.with_parameters(return_noise=0.0).with_steps(300).record(Paths.of(9, 3000))
    np.testing.assert_array_equal(silent["value_z"], f_1)
    np.testing.assert_allclose(np.diff(silent["value"], axis=0), r - left, atol=1e-9)


def positions_after_impulse(rule, factor, steps=60):
    desk = FREE.with_steps(steps)
    tape = desk.record(Paths.of(0, 1))
    phi = (0.25, 0.01)[factor]
    tape.block[:, 4:6] = 0.0
    tape.block[:, 4 + factor, 0] = (1.0 - phi) ** np.arange(steps + 1)
    batch, policy, held = Batch(desk, tape=tape), desk.rules[rule](desk), []
    batch.start(Paths.of(0, 1))
    for _ in range(steps):
        batch.step(policy(batch.view()))
        held.append(batch.ledger.books.position[0, 0])
    return np.array(held)


def test_impulse_of_the_quick_signal():
    quick, best = positions_after_impulse("markowitz", 0), positions_after_impulse("garleanu_pedersen", 0)
    np.testing.assert_allclose(quick, 0.025 * 0.75 ** np.arange(60), rtol=1e-9)
    assert best[0] == pytest.approx(0.2659332 * 0.0150165, rel=1e-5)
    peak = int(np.argmax(best))
    assert peak >= 1 and np.all(np.diff(best)[:peak] > 0) and np.all(np.diff(best)[peak:] < 0)
    above = best > quick
    assert not above[0] and above[-1] and np.all(np.diff(above.astype(int)) >= 0), "one crossing, from below"


def test_cost_is_a_fee_and_never_negative():
    played, found = outcome(TRADES.with_steps(50), "garleanu_pedersen", Paths.of(0, 20))
    np.testing.assert_array_equal(played.lines["execution"], 0.0)
    assert found["cost_per_step"] > 0.0 and played.lines["rebates"].sum() == 0.0


def test_27_trades_come_close_to_the_free_optimum():
    paths = Paths.of(200, 300)
    free, _ = outcome(FREE, "garleanu_pedersen", paths)
    rounded, _ = outcome(TRADES, "garleanu_pedersen", paths)
    lost = free.memory["worth"] - rounded.memory["worth"]
    assert 0.0 < lost.mean() < 3e-4
    assert lost.mean() > 4.0 * lost.std() / math.sqrt(300)


@pytest.mark.slow
def test_optimum_of_27_trades_earns_its_value():
    paths = Paths.of(300, 2000)
    best, _ = outcome(TRADES, "optimum", paths)
    free, _ = outcome(FREE, "optimum", paths)
    programme = rules.paper_optimum(TRADES)
    gap = free.memory["worth"] - best.memory["worth"]
    error = gap.std() / math.sqrt(2000)
    closed = theory.optimal_value(rules.paper_problem(TRADES))
    assert programme.value == pytest.approx(0.03079, abs=2e-5)
    assert gap.mean() == pytest.approx(closed - programme.value, abs=4.0 * error + 3e-5)


def test_no_neighbouring_policy_is_better_through_the_environment():
    paths = Paths.of(40, 400)
    tape = FREE.with_steps(600).record(paths)
    problem, desk = rules.paper_problem(FREE), FREE.with_steps(600)

    def worth(policy):
        return play(desk, rules._paper(desk, policy), paths, tape).memory["worth"]

    best, rate, aim = (
        worth(theory.optimal_policy(problem)),
        theory.trading_rate(problem),
        theory.aim_loadings(problem),
    )
    for other in (theory.partial_policy(1.3 * rate, aim), theory.partial_policy(0.7 * rate, aim)):
        gap = best - worth(other)
        assert gap.mean() > 3.0 * gap.std() / math.sqrt(400)


def test_selection_follows_the_objective():
    played, found = outcome(TRADES.with_steps(30), "static", Paths.of(0, 50))
    assert TRADES.certainty_equivalent(played) == found["value"] == played.memory["worth"].mean()
    assert FactorTracking().certainty_equivalent(played) is None


def test_optimum_of_tilts_is_not_known():
    with pytest.raises(InvalidParameter, match="garleanu_pedersen only"):
        rules.optimum(FactorTracking())
