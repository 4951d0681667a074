"""Published numbers through the public interface: a rule is played under a preset.

Quick forms play fewer episodes, with tolerances widened as the standard error is.
"""

import math

import numpy as np
import pytest

from fund.account.utility import cara_equivalent
from fund.envs.play import constant, play
from fund.market.streams import Paths
from specialists.market_making.strategy import MarketMaking

FULL = 20_000


def played(preset, rule, episodes, **changes):
    strategy = MarketMaking.preset(preset, **changes)
    result = play(strategy, strategy.rules[rule](strategy), Paths.of(10**6, episodes))
    return result, strategy.statistics(result)


@pytest.fixture(params=[1_500, pytest.param(FULL, marks=pytest.mark.slow)])
def episodes(request):
    return request.param


def wide(episodes):
    return math.sqrt(FULL / episodes)


def test_avellaneda_stoikov_inventory_strategy(episodes):
    # MM-1; table 1 of the paper has 1.49, 65.0, 6.6, 0.08, 2.9
    result, found = played("avellaneda_stoikov", "avellaneda_stoikov", episodes)
    w = wide(episodes)
    assert found["average_spread"] == pytest.approx(1.492, abs=0.006)
    assert found["profit_mean"] == pytest.approx(64.9, abs=0.3 * w)
    assert found["profit_std"] == pytest.approx(6.55, abs=0.25 * w)
    assert found["final_inventory_std"] == pytest.approx(2.92, abs=0.10 * w)
    assert abs(found["final_inventory_mean"]) < 0.10 * w
    assert result.length.min() == 200


def test_avellaneda_stoikov_symmetric_strategy(episodes):
    # MM-2, from the closed form
    _, found = played("avellaneda_stoikov", "symmetric", episodes)
    w = wide(episodes)
    assert found["average_spread"] == pytest.approx(1.492, abs=0.001)
    assert found["profit_mean"] == pytest.approx(68.021, abs=0.4 * w)
    assert found["profit_std"] == pytest.approx(13.268, abs=0.4 * w)
    assert found["final_inventory_std"] == pytest.approx(8.401, abs=0.2 * w)


def test_poisson_counts_have_the_moments_of_continuous_time(episodes):
    # MM-3: the grid's 13.27 and 8.40 are artefacts of one fill a side and step
    _, found = played("avellaneda_stoikov", "symmetric", episodes, poisson=True)
    w = wide(episodes)
    assert found["profit_mean"] == pytest.approx(68.026, abs=0.4 * w)
    assert found["profit_std"] == pytest.approx(15.008, abs=0.5 * w)
    assert found["final_inventory_std"] == pytest.approx(9.585, abs=0.25 * w)


@pytest.mark.slow
def test_fine_steps_have_them_too():
    _, found = played("avellaneda_stoikov", "symmetric", 2_000, n_steps=10_000)
    w = wide(2_000)
    assert found["profit_mean"] == pytest.approx(68.026, abs=0.4 * w)
    assert found["profit_std"] == pytest.approx(15.008, abs=0.5 * w)
    assert found["final_inventory_std"] == pytest.approx(9.585, abs=0.25 * w)


def test_poisson_counts_of_a_coarse_grid():
    # counts do not know the step, as long as no more than three orders come in one
    fine = played("avellaneda_stoikov", "symmetric", 2_000, poisson=True, n_steps=400)[1]
    coarse = played("avellaneda_stoikov", "symmetric", 2_000, poisson=True, n_steps=200)[1]
    assert fine["fills"] > coarse["fills"]  # sides filled, not units
    assert fine["final_inventory_std"] == pytest.approx(coarse["final_inventory_std"], abs=0.8)


@pytest.mark.slow
def test_certainty_equivalents_rise_with_the_quality_of_the_quotes():
    # MM-9, on the same tapes; the optimum's is 65.249 by the dynamic programme
    ladder = {}
    for rule in ("symmetric", "avellaneda_stoikov", "gueant_lehalle_fernandez_tapia", "optimum"):
        result, _ = played("avellaneda_stoikov", rule, 100_000)
        ladder[rule] = result.strategy.certainty_equivalent(result)
        if rule == "optimum":
            profit = result.nav[-1] - result.nav[0]
    assert list(ladder.values()) == sorted(ladder.values())
    assert ladder["avellaneda_stoikov"] == pytest.approx(62.8, abs=0.3)
    assert ladder["optimum"] == pytest.approx(65.25, abs=0.15)
    assert cara_equivalent(profit, 0.1) == ladder["optimum"]


@pytest.mark.parametrize(("gamma", "spread", "mean", "std", "inventory"), [
    # exact moments of the paper's quotes on its own grid
    (0.01, 1.349, 68.400, 8.961, 5.213),
    (0.5, 2.156, 48.568, 5.898, 1.956),
])  # fmt: skip
def test_other_risk_aversions(gamma, spread, mean, std, inventory):
    _, found = played("avellaneda_stoikov", "avellaneda_stoikov", 4_000, gamma=gamma)
    assert found["average_spread"] == pytest.approx(spread, abs=0.02)
    assert found["profit_mean"] == pytest.approx(mean, abs=4 * std / math.sqrt(4_000))
    assert found["profit_std"] == pytest.approx(std, rel=0.06)
    assert found["final_inventory_std"] == pytest.approx(inventory, rel=0.06)


def test_cartea_jaimungal_value(episodes):
    # MM-7 and the reference simulation at 100 steps
    w = wide(episodes)
    result, found = played("cartea_jaimungal", "cartea_jaimungal", episodes)
    assert found["value"] == pytest.approx(6.393, abs=0.08 * w)
    assert found["value"] == pytest.approx(result.reward.mean())
    assert played("cartea_jaimungal", "optimum", episodes)[1]["value"] == pytest.approx(6.399, abs=0.08 * w)
    assert played("cartea_jaimungal", "fixed", episodes)[1]["value"] == pytest.approx(5.562, abs=0.09 * w)


@pytest.mark.slow
def test_cartea_jaimungal_value_on_a_fine_grid():
    assert played("cartea_jaimungal", "cartea_jaimungal", FULL, n_steps=1000)[1]["value"] == pytest.approx(
        6.38, abs=0.08
    )


def test_without_orders_nothing_is_earned():
    # MM-12
    for preset in ("avellaneda_stoikov", "cartea_jaimungal"):
        strategy = MarketMaking.preset(preset, arrival_rate=0.0)
        policies = [rule(strategy) for rule in strategy.rules.values()]
        for policy in [*policies, constant(strategy, [-1.0, -1.0])]:
            result = play(strategy, policy, Paths.of(0, 8))
            assert not result.reward.any()
            assert not result.traded.any()


def test_without_risk_every_quote_is_one_over_k():
    # MM-12: 2 lambda T / (e k) = 7.3576
    changes = {"sigma": 0.0, "phi": 0.0, "alpha": 0.0}
    result, found = played("cartea_jaimungal", "optimum", 4_000, **changes)
    assert found["average_spread"] == pytest.approx(2.0, abs=1e-9)
    error = result.reward.std() / math.sqrt(4_000)
    assert found["value"] == pytest.approx(2 * 10 / math.e, abs=4 * error)
    assert np.allclose(result.nav[-1] - result.nav[0], result.memory["fills"] * 1.0)


def test_quotes_under_penalties():
    # PAPERS 1.4: bid distances at t = .5 for q = -3 ... 3
    strategy = MarketMaking.preset("cartea_jaimungal")
    from specialists.market_making.fills import LimitOrderMarket
    from specialists.market_making.theory import cartea_jaimungal_distances

    market = LimitOrderMarket(strategy.sigma, strategy.arrival_rate, strategy.depth_decay)
    bid = cartea_jaimungal_distances(market, strategy.phi, strategy.alpha, 30, [0.5]).bid_distance[0]
    wanted = [0.1772, 0.4997, 0.8321, 1.1679, 1.5003, 1.8228, 2.1305]
    np.testing.assert_allclose(bid[27:34], wanted, atol=1e-3)
