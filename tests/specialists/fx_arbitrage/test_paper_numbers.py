"""Published numbers through the public interface: a rule is played under a preset. PAPERS.md, section 7."""

import math

import numpy as np
import pytest

from fund.envs.batch import Batch
from fund.envs.play import play
from fund.market.rates import forward
from fund.market.streams import Paths
from fund.market.triangle import loops
from fund.training.evaluate import statistics
from specialists.fx_arbitrage import attribution, theory
from specialists.fx_arbitrage.strategy import FxArbitrage


def played(preset, rule, episodes, **changes):
    strategy = FxArbitrage.preset(preset, **changes)
    result = play(strategy, strategy.rules[rule](strategy), Paths.of(10**6, episodes))
    return result, statistics(result)


def quotes(tape):
    mids = np.stack([tape["base"], 1.0 / tape["terms"], tape["cross"]])
    half = np.stack([tape[f"{pair}_spread"] for pair in ("base_home", "home_terms", "cross")])
    bid, ask = mids * (1.0 - half), mids * (1.0 + half)
    # home/terms is quoted by its reciprocal
    bid[1], ask[1] = mids[1] / (1.0 + half[1]), mids[1] / (1.0 - half[1])
    return bid, ask


def test_opportunities_are_products_above_one():
    # FX-1
    tape = FxArbitrage.preset("fenn", n_steps=2000).record(Paths.of(0, 16))
    found = loops(*quotes(tape))
    bid, ask = quotes(tape)
    total = np.log(found.clockwise) + np.log(found.anticlockwise)
    np.testing.assert_allclose(total, -np.log(ask / bid).sum(axis=0), atol=1e-12)
    best = np.maximum(found.clockwise, found.anticlockwise)
    np.testing.assert_allclose(attribution.executable(tape), best, rtol=1e-14)
    assert (best > 1.0).any()


@pytest.mark.parametrize("fee", [0.0, 1e-4])
@pytest.mark.parametrize("side", [1.0, -1.0])
def test_profit_is_notional_times_product_less_one(side, fee):
    # FX-1: N home units go round, at the quotes
    strategy = FxArbitrage.preset("fenn", n_steps=600, size=1e7, size_noise=0.0, cost_rate=fee)
    tape = strategy.record(Paths.of(0, 32))
    found, (bid, ask) = loops(*quotes(tape)), quotes(tape)
    product = (found.clockwise if side > 0.0 else found.anticlockwise)[0]
    batch = Batch(strategy, 32, tape=tape)
    batch.start(Paths.of(0, 32))
    batch.step(np.tile([0.2 * side, 0.2 * side, -0.2 * side], (32, 1)))
    loop = 0.2 * strategy.position_limit * 1e6
    base = loop / tape["base"][0]
    paid = base * ask[0, 0] if side > 0.0 else base * ask[2, 0] / bid[1, 0]
    back = paid * product
    crossed = base * (bid if side > 0.0 else ask)[2, 0] * tape["terms"][0]
    fees = fee * (paid + back + crossed)
    np.testing.assert_allclose(batch.ledger.books.nav - 1e6, paid * (product - 1.0) - fees, atol=1e-9 * 1e6)
    np.testing.assert_allclose(batch.ledger.books.position * batch.ledger.books.marks, 0.0, atol=1e-6)
    np.testing.assert_allclose(batch.memory()["cross"], 0.0, atol=1e-6)
    np.testing.assert_allclose(batch.memory()["loop_profit"], batch.ledger.books.nav - 1e6, atol=1e-9 * 1e6)


def test_trades_stop_at_the_executable_size():
    strategy = FxArbitrage.preset("fenn", n_steps=10, size=1e5, size_noise=0.5)
    batch = Batch(strategy, 64)
    batch.reset(0)
    size = batch.current_tape["clockwise_size"][0]
    batch.step(np.tile([1.0, 0.0, 0.0], (64, 1)))
    bought = batch.ledger.books.position[0] * batch.current_tape["base"][0]
    np.testing.assert_allclose(bought, size, rtol=1e-12)


@pytest.mark.parametrize("episodes", [48, pytest.param(200, marks=pytest.mark.slow)])
def test_durations_and_sizes_of_opportunities(episodes):
    # FX-2; 4 standard errors of the count where that is more
    strategy = FxArbitrage.preset("fenn")
    tape = strategy.record(Paths.of(0, episodes))
    found = attribution.durations(tape, strategy.seconds)
    tiny = 1e-6
    for seconds, share, tolerance in ((5.0, 0.95, 0.02), (1.0, 0.60, 0.04)):
        error = 4.0 * math.sqrt(share * (1.0 - share) / len(found))
        assert np.mean(found <= seconds + tiny) == pytest.approx(share, abs=max(tolerance, error))
    product = attribution.executable(tape)
    assert np.mean(product[product > 1.0] <= 1.0001) >= 0.90


def test_latency_eats_the_profit():
    # FX-3: steps of a tenth of a second
    results = [
        played("fenn", "executable_triangle", 96, latency=steps, n_steps=3000)[1]
        for steps in (0, 2, 5, 10, 50)
    ]
    profits = [r["profit_per_attempt"] for r in results]
    assert profits[0] > 0.0 > profits[-1]
    assert profits == sorted(profits, reverse=True)
    assert results[0]["win_rate"] == 1.0
    assert results[-1]["win_rate"] <= 0.10
    assert [r["win_rate"] for r in results] == sorted((r["win_rate"] for r in results), reverse=True)


@pytest.mark.parametrize("pair", [0, 1, 2])
@pytest.mark.parametrize("scale", [0.0, 1.0])
def test_a_covered_trade_earns_nothing_but_the_spread(pair, scale):
    # FX-4: held over a step, and sold forward at parity on the day it was bought
    strategy = FxArbitrage.preset(cost_scale=scale, cost_rate=0.0, funding=0.0, weather=False)
    batch = Batch(strategy, 64)
    batch.reset(0)
    tape = batch.current_tape
    held = np.zeros((64, 3))
    held[:, pair] = 0.3
    batch.step(held)
    funding = batch.memory()["funding"]
    base, terms = batch.ledger.books.position
    forwards = []
    for worth, k in ((base, "base"), (terms, "terms")):
        outright = tape[k][0] * (1.0 - tape[f"{k}_roll"][0])  # the tape's roll is 1 - F/S
        forwards.append(worth * (outright - tape[k][1]))
    covered = batch.ledger.books.nav - 1e6 + sum(forwards) + funding
    if pair < 2:  # half of the quoted spread of what was traded
        half = tape[("base_home_spread", "home_terms_spread")[pair]][0]
        cost = np.abs((base, terms)[pair]) * tape[("base", "terms")[pair]][0] * half
    else:  # base currency at the ask of the cross, in terms currency; of that what is more than N is bought at home
        owed = base * tape["cross"][0] * (1.0 + tape["cross_spread"][0])
        bought = np.abs(owed + terms) * tape["terms"][0] * tape["home_terms_spread"][0]
        cost = owed * tape["terms"][0] - base * tape["base"][0] + bought
    assert (cost > 0.0).all() if scale else (pair == 2 or not cost.any())
    np.testing.assert_allclose(covered, -cost, atol=1e-9 * 1e6)
    if scale == 0.0:
        # at mid: nothing but what the cross deviates from the other two, which is none without a spread
        calm = np.abs(np.log(tape["cross"][0] * tape["terms"][0] / tape["base"][0])) < 1e-15
        assert np.abs(covered[calm]).max() < 1e-9 * 1e6


def test_the_roll_is_covered_parity():
    strategy = FxArbitrage.preset("merton_carry", n_steps=3)
    tape = strategy.record(Paths.of(0, 2))
    outright = forward(tape["base"], 0.02 + 0.01, 0.02, 1.0 / 252.0)
    np.testing.assert_allclose(tape["base_roll"], 1.0 - outright / tape["base"], atol=1e-16)


@pytest.mark.parametrize("episodes", [2_000, pytest.param(20_000, marks=pytest.mark.slow)])
def test_carry_earns_nothing_under_uncovered_parity(episodes):
    # FX-5, gross; net it pays its costs
    result, _ = played("null", "carry", episodes, cost_scale=0.0)
    pnl = result.nav[-1] - result.nav[0]
    assert abs(pnl.mean()) < 4.0 * pnl.std() / math.sqrt(episodes)
    net = played("null", "carry", episodes)[0]
    assert (net.nav[-1] - pnl).mean() < net.nav[0].mean()


@pytest.mark.parametrize("episodes", [60, pytest.param(300, marks=pytest.mark.slow)])
def test_default_carry_is_that_of_the_literature(episodes):
    # FX-6: samples of 26 years, 1983-2009
    net = played("default", "carry", episodes, n_steps=26 * 252)[1]
    gross = played("default", "carry", episodes, n_steps=26 * 252, cost_scale=0.0)[1]
    assert 0.3 <= net["sharpe"] <= 0.8
    assert -1.2 <= net["monthly_skew"] <= -0.2
    assert 0.10 <= gross["sharpe"] - net["sharpe"] <= 0.25
    assert 0.06 <= net["worst_seven_months"] <= 0.16


@pytest.mark.parametrize("episodes", [4_000, pytest.param(40_000, marks=pytest.mark.slow)])
def test_merton_reaches_the_largest_sharpe_ratio(episodes):
    # FX-7: two currencies of Sharpe ratios a, b and correlation rho: (a^2 + b^2 - 2 rho a b) / (1 - rho^2)
    best = largest_sharpe()
    found = played("merton_carry", "merton", episodes)[1]
    assert found["sharpe"] == pytest.approx(best, abs=max(0.02, 4.0 / math.sqrt(episodes)))


def largest_sharpe():
    a, b, rho = 1.88 * 0.01 / 0.07, -1.88 * 0.02 / 0.075, 0.4
    return math.sqrt((a * a + b * b - 2.0 * rho * a * b) / (1.0 - rho * rho))


def test_certainty_equivalents_rise_from_carry_to_the_optimum():
    episodes, best = 4_000, largest_sharpe()
    results = [played("merton_carry", rule, episodes)[0] for rule in ("carry", "merton", "optimum")]
    ladder = [result.strategy.certainty_equivalent(result) for result in results]
    assert ladder[0] < ladder[1]
    assert ladder[1] == pytest.approx(ladder[2], abs=1e-3)
    assert ladder[2] == pytest.approx(best * best / 10.0, abs=4.0 * best / 5.0 / math.sqrt(episodes))


def test_width_of_the_no_trade_region():
    # mu .08, sigma .16, gamma 5: w* = .625
    weight = 0.08 / (5.0 * 0.16**2)
    assert weight == pytest.approx(0.625)
    assert theory.no_trade_half_width(weight, 5.0, 0.01) == pytest.approx(0.0548, abs=5e-5)
    assert theory.no_trade_half_width(weight, 5.0, 0.001) == pytest.approx(0.0254, abs=5e-5)
