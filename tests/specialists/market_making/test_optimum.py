"""The dynamic programme against published numbers, simulation and what must hold by reason."""

from __future__ import annotations

import dataclasses
import time
from functools import partial

import numpy as np
import pytest

from fund.errors import InvalidParameter
from specialists.market_making.fills import LimitOrderMarket, Quotes, tabulate
from specialists.market_making.optimum import Objective, Venue, optimum, statistics_of, value_of
from specialists.market_making.theory import (
    avellaneda_stoikov,
    cartea_jaimungal_distances,
    glft_distances,
    symmetric,
    symmetric_moments_on_grid,
)

PAPER = LimitOrderMarket(sigma=2.0, arrival_rate=140.0, depth_decay=1.5, horizon=1.0, n_steps=200)
CARA = Objective(gamma=0.1)
CARTEA = LimitOrderMarket(sigma=0.1, arrival_rate=10.0, depth_decay=1.0, horizon=1.0, n_steps=100)
PENALISED = Objective(running_penalty=0.5, terminal_penalty=0.001)
COARSE = LimitOrderMarket(
    sigma=1.3, arrival_rate=3.6, depth_decay=0.8, horizon=1.0, n_steps=4
)  # fills are likely
VENUE = Venue(maker_rebate=0.07, taker_fee=0.3)


def table(seed: int, n_steps: int, bound: int) -> Quotes:
    return Quotes(*np.random.default_rng(seed).uniform(-0.5, 2.0, (2, n_steps, 2 * bound + 1)))


# --- Published numbers ----------------------------------------------------------------------------------------------


def test_ladder_of_certainty_equivalents() -> None:
    bound = 60
    ladder = [
        value_of(PAPER, CARA, tabulate(PAPER, bound, partial(avellaneda_stoikov, PAPER, 0.1)))[0, bound],
        value_of(PAPER, CARA, glft_distances(PAPER, 0.1, bound, PAPER.time_left))[0, bound],
        optimum(PAPER, CARA, bound).value[0, bound],
    ]
    assert ladder[0] == pytest.approx(62.79, abs=5e-3)
    assert ladder[2] == pytest.approx(65.25, abs=5e-3)
    assert ladder[0] < ladder[1] < ladder[2]


def test_certainty_equivalent_of_symmetric_quotes() -> None:
    # E exp(-gamma P) by plain sums, nothing in logarithms. Its mass sits in paths that 100,000 draws hardly ever
    # hold: sample estimates scatter from 48 to 56 around nothing, and the truth is below them all.
    levels, weight = np.arange(-205, 206), np.ones(411)
    distance = 0.2 * (1 - np.arange(200) / 200) + 10 * np.log(1 + 0.1 / 1.5)
    for d in distance[::-1]:
        p = 0.7 * np.exp(-1.5 * d)
        edged = np.pad(weight * np.cosh(0.1 * 2 * 0.005**0.5 * levels), 1)
        one_side = p * (1 - p) * np.exp(-0.1 * d) * (edged[2:] + edged[:-2])
        weight = ((1 - p) ** 2 + p**2 * np.exp(-0.2 * d)) * edged[1:-1] + one_side
    value = value_of(PAPER, CARA, tabulate(PAPER, 200, partial(symmetric, PAPER, 0.1)))
    assert value[0, 200] == pytest.approx(-np.log(weight[205]) / 0.1, abs=1e-9)
    assert value[0, 200] < 62.79


@pytest.mark.parametrize("gamma", [0.01, 0.5, 1.0])
def test_optimum_is_above_every_rule_at_every_inventory(gamma: float) -> None:
    best = optimum(PAPER, Objective(gamma), 40).value
    for rule in (symmetric, avellaneda_stoikov):
        assert np.all(
            value_of(PAPER, Objective(gamma), tabulate(PAPER, 40, partial(rule, PAPER, gamma))) <= best + 1e-9
        )
    exact = value_of(PAPER, Objective(gamma), glft_distances(PAPER, gamma, 40, PAPER.time_left))
    assert np.all(exact <= best + 1e-9)
    assert best[0, 40] - exact[0, 40] < 0.006 * best[0, 40]


def test_a_fine_grid_tends_to_continuous_theory() -> None:
    # First order in dt, hence the extrapolation.
    coarse, fine = (
        optimum(dataclasses.replace(PAPER, n_steps=n), CARA, 30).value[0, 30] for n in (4_000, 8_000)
    )
    assert 2 * fine - coarse == pytest.approx(64.1335, abs=1e-3)


@pytest.mark.parametrize(("n_steps", "expected"), [(100, 6.3990), (1000, 6.3824)])
def test_cartea_jaimungal_on_the_grid(n_steps: int, expected: float) -> None:
    market = dataclasses.replace(CARTEA, n_steps=n_steps)
    assert optimum(market, PENALISED, 20).value[0, 20] == pytest.approx(expected, abs=5e-5)


def test_fixed_distance_under_penalties() -> None:
    # E q_i^2 = 2 p (1 - p) i, so that the penalties are a sum; the reference simulation found 5.562 +- 0.013.
    p = 0.1 / np.e
    expected = 200 * p - 2 * p * (1 - p) * (0.5 * 0.01 * 5050 + 0.001 * 100)
    fixed = tabulate(CARTEA, 60, lambda q, tau: Quotes(1 + 0 * tau, 1 + 0 * q))
    value = value_of(CARTEA, PENALISED, fixed)[0, 60]
    assert value == pytest.approx(expected, abs=1e-9)
    assert value == pytest.approx(5.562, abs=0.013)


def test_without_fills_nothing_is_earned() -> None:
    empty = dataclasses.replace(CARTEA, arrival_rate=0.0)
    quotes = table(5, 100, 4)
    assert value_of(empty, PENALISED, quotes)[0, 4] == 0.0
    assert value_of(empty, CARA, quotes)[0, 4] == 0.0
    assert optimum(empty, PENALISED, 4).value[0, 4] == 0.0
    assert statistics_of(empty, quotes)[:4] == (0.0, 0.0, 0.0, 0.0)


def test_without_penalties_the_optimum_is_one_over_k() -> None:
    market = dataclasses.replace(CARTEA, sigma=0.0, n_steps=50)
    found = optimum(market, Objective(), 60)
    reach = np.abs(np.arange(-60, 61)) <= np.arange(50)[:, None]
    np.testing.assert_allclose(found.quotes.bid_distance[reach], 1.0, atol=1e-12)
    np.testing.assert_allclose(found.quotes.ask_distance[reach], 1.0, atol=1e-12)
    assert found.value[0, 60] == pytest.approx(20 / np.e, abs=1e-12)


# --- Statistics and simulation --------------------------------------------------------------------------------------


def test_statistics_of_the_papers_strategies() -> None:
    inventory = statistics_of(PAPER, tabulate(PAPER, 60, partial(avellaneda_stoikov, PAPER, 0.1)))
    assert inventory.average_spread == pytest.approx(1.492, abs=5e-4)
    assert inventory.profit_mean == pytest.approx(64.9, abs=0.1)
    assert inventory.profit_std == pytest.approx(6.55, abs=0.05)
    assert inventory.inventory_std == pytest.approx(2.92, abs=0.02)
    even = statistics_of(PAPER, tabulate(PAPER, 150, partial(symmetric, PAPER, 0.1)))
    expected = symmetric_moments_on_grid(PAPER, 0.1)
    assert (even.profit_mean, even.profit_std, even.inventory_std) == pytest.approx(expected, abs=1e-9)


def simulate(market: LimitOrderMarket, quotes: Quotes, n_paths: int, seed: int) -> tuple[np.ndarray, ...]:
    """Final profit and inventory, and the integral of q^2, of independent episodes."""
    rng, bound, move = (
        np.random.default_rng(seed),
        quotes.bid_distance.shape[1] // 2,
        market.sigma * market.dt**0.5,
    )
    inventory, profit, squares = np.zeros(n_paths, dtype=int), np.zeros(n_paths), np.zeros(n_paths)
    for bids, asks in zip(*quotes, strict=True):
        bid, ask = bids[inventory + bound], asks[inventory + bound]
        draws = rng.random((2, n_paths)) / (market.arrival_rate * market.dt)
        bought, sold = (
            draws[0] < np.exp(-market.depth_decay * bid),
            draws[1] < np.exp(-market.depth_decay * ask),
        )
        profit += np.where(bought, bid, 0) + np.where(sold, ask, 0)
        inventory += bought.astype(int) - sold
        profit += inventory * move * rng.choice((-1.0, 1.0), n_paths)
        squares += inventory**2 * market.dt
    return profit, inventory, squares


def error_of_deviation(sample: np.ndarray) -> float:
    squares = (sample - sample.mean()) ** 2
    return float(squares.std() / (2 * sample.std() * sample.size**0.5))


@pytest.mark.parametrize(
    ("rule", "mean", "deviation", "final"),
    [(avellaneda_stoikov, 64.90, 6.55, 2.92), (symmetric, 68.021, 13.268, 8.401)],
)
def test_table_one_simulated(rule, mean: float, deviation: float, final: float) -> None:
    profit, inventory, _ = simulate(PAPER, tabulate(PAPER, 100, partial(rule, PAPER, 0.1)), 20_000, 11)
    assert profit.mean() == pytest.approx(mean, abs=4.5 * profit.std() / 20_000**0.5)
    assert profit.std() == pytest.approx(deviation, abs=4.5 * error_of_deviation(profit))
    assert inventory.std() == pytest.approx(final, abs=4.5 * error_of_deviation(inventory))
    assert abs(inventory.mean()) < 4.5 * inventory.std() / 20_000**0.5


def test_optimal_quotes_simulated() -> None:
    found = optimum(PAPER, CARA, 40)
    profit, _, _ = simulate(PAPER, found.quotes, 20_000, 12)
    utility = np.exp(-0.1 * (profit - profit.mean()))
    estimate = profit.mean() - np.log(utility.mean()) / 0.1
    error = utility.std() / utility.mean() / 0.1 / 20_000**0.5
    assert found.value[0, 40] == pytest.approx(estimate, abs=4.5 * error)
    assert error < 0.1


def test_optimal_penalised_quotes_simulated() -> None:
    profit, inventory, squares = simulate(CARTEA, optimum(CARTEA, PENALISED, 20).quotes, 20_000, 13)
    reward = profit - 0.5 * squares - 0.001 * inventory**2
    assert reward.mean() == pytest.approx(6.3990, abs=4.5 * reward.std() / 20_000**0.5)


def test_cartea_jaimungal_quotes_simulated() -> None:
    market = dataclasses.replace(CARTEA, n_steps=1000)
    quotes = cartea_jaimungal_distances(market, 0.5, 0.001, 20, market.time_left)
    profit, inventory, squares = simulate(market, quotes, 20_000, 14)
    reward = profit - 0.5 * squares - 0.001 * inventory**2
    assert reward.mean() == pytest.approx(6.38, abs=0.08)


# --- Venue, speed and errors ----------------------------------------------------------------------------------------


def test_a_rebate_is_a_shift_of_distances_and_more_arrivals() -> None:
    busier = dataclasses.replace(PAPER, arrival_rate=140 * np.exp(1.5 * 0.02))
    paid, plain = optimum(PAPER, CARA, 20, Venue(maker_rebate=0.02)), optimum(busier, CARA, 20)
    np.testing.assert_allclose(paid.value, plain.value, atol=1e-9)
    np.testing.assert_allclose(paid.quotes.bid_distance, plain.quotes.bid_distance - 0.02, atol=1e-9)


def test_a_fee_to_flatten_is_paid_at_the_horizon() -> None:
    value = optimum(PAPER, CARA, 3, Venue(taker_fee=0.25)).value
    np.testing.assert_allclose(value[-1], [-0.75, -0.5, -0.25, 0, -0.25, -0.5, -0.75], atol=1e-15)


def test_optimal_table_has_the_optimal_value() -> None:
    venue = Venue(min_distance=0.05, max_distance=1.5, tick=0.05, maker_rebate=0.01, taker_fee=0.1)
    found = optimum(PAPER, CARA, 20, venue)
    np.testing.assert_allclose(value_of(PAPER, CARA, found.quotes, venue), found.value, atol=1e-10)


def test_optimum_mirrors_and_leans_against_inventory() -> None:
    value, (bid, ask) = optimum(PAPER, CARA, 20)
    np.testing.assert_allclose(bid, ask[:, ::-1], atol=1e-9)
    np.testing.assert_allclose(value, value[:, ::-1], atol=1e-9)
    assert np.all(np.diff(bid[:-1, :-1], axis=1) > 0)


def test_great_risk_stays_finite() -> None:
    found = optimum(PAPER, Objective(gamma=5.0), 200)
    assert np.all(np.isfinite(found.value))
    assert np.all(np.isfinite(found.quotes.bid_distance[:, :-1]))


def test_ruin_is_weighed_without_overflow() -> None:
    # One step, one bid; a fill costs 200 at the horizon, and exp(gamma 200) is beyond doubles.
    market, objective = (
        dataclasses.replace(PAPER, sigma=0.0, n_steps=1),
        Objective(gamma=5.0, terminal_penalty=200.0),
    )
    bid = np.array([[np.inf, 4.0, np.inf]])
    chance = 140 * np.exp(-1.5 * 4.0)
    value = value_of(market, objective, Quotes(bid, np.full((1, 3), np.inf)))
    assert value[0, 1] == pytest.approx(4 - 200 - np.log(chance) / 5, abs=1e-12)


def test_quotes_that_would_leave_the_table_are_not_made() -> None:
    bid, ask = table(6, 200, 3)
    stopped = Quotes(bid.copy(), ask.copy())
    stopped.bid_distance[:, -1] = stopped.ask_distance[:, 0] = np.inf
    np.testing.assert_array_equal(value_of(PAPER, CARA, Quotes(bid, ask)), value_of(PAPER, CARA, stopped))


def test_limits_are_rounded_inwards_to_the_tick() -> None:
    assert Venue(0.1, 0.3, tick=0.1).limits == pytest.approx((0.1, 0.3), abs=1e-12)
    assert Venue(0.11, 0.39, tick=0.1).limits == pytest.approx((0.2, 0.3), abs=1e-12)
    assert Venue(tick=0.1).limits == (-np.inf, np.inf)


def test_two_hundred_steps_take_less_than_two_seconds() -> None:
    optimum(PAPER, CARA, 1)  # compiles
    start = time.process_time()
    optimum(PAPER, CARA, 40)
    assert time.process_time() - start < 2


def test_nonsense_is_refused() -> None:
    quotes = table(1, 200, 4)
    with pytest.raises(InvalidParameter, match=r"wanted both \(200, 2 Q \+ 1\)"):
        value_of(PAPER, CARA, Quotes(quotes.bid_distance[:, 1:], quotes.ask_distance[:, 1:]))
    with pytest.raises(InvalidParameter, match="NaN"):
        value_of(PAPER, CARA, Quotes(quotes.bid_distance * np.nan, quotes.ask_distance))
    with pytest.raises(InvalidParameter, match="within"):
        statistics_of(PAPER, quotes, 5)
    with pytest.raises(InvalidParameter, match="gamma"):
        Objective(gamma=-0.1)
    with pytest.raises(InvalidParameter, match="admits no quote"):
        Venue(min_distance=0.11, max_distance=0.19, tick=0.1)
