"""The compiled loops of market making against enumeration and brute force, on worlds small enough for either."""

from __future__ import annotations

import dataclasses
import itertools
from functools import partial

import numpy as np
import pytest
from scipy.optimize import minimize

from specialists.market_making.fills import LimitOrderMarket, Quotes
from specialists.market_making.optimum import Objective, Venue, optimum, statistics_of, value_of

COARSE = LimitOrderMarket(
    sigma=1.3, arrival_rate=3.6, depth_decay=0.8, horizon=1.0, n_steps=4
)  # fills are likely
VENUE = Venue(maker_rebate=0.07, taker_fee=0.3)


def fills(market: LimitOrderMarket, bid: float, ask: float) -> list[tuple[float, float, int]]:
    """Outcomes of a step: probability, distances earned, change of inventory."""
    buy, sell = (
        min(1.0, market.arrival_rate * np.exp(-market.depth_decay * d) * market.dt) if d < np.inf else 0.0
        for d in (bid, ask)
    )
    both = [(buy * sell, bid + ask, 0)] if buy * sell > 0 else []
    bought = [(buy * (1 - sell), bid, 1)] if buy > 0 else []
    sold = [((1 - buy) * sell, ask, -1)] if sell > 0 else []
    return [((1 - buy) * (1 - sell), 0.0, 0), *both, *bought, *sold]


def episodes(market: LimitOrderMarket, quotes: Quotes, venue: Venue, inventory: int) -> np.ndarray:
    """Every possible episode: rows of probability, profit, sum of q^2 dt before and after fills, final q."""
    move, bound = market.sigma * market.dt**0.5, quotes.bid_distance.shape[1] // 2
    rows = [(1.0, 0.0, 0.0, 0.0, inventory)]
    for bids, asks in zip(*quotes, strict=True):
        ahead = []
        for (chance, profit, before, after, q), up in itertools.product(rows, (-1, 1)):
            for weight, gain, change in fills(market, bids[q + bound], asks[q + bound]):
                held = q + change
                gain += venue.maker_rebate * (2 if change == 0 and gain != 0 else abs(change))
                earned = profit + gain + up * move * held
                squares = before + q**2 * market.dt, after + held**2 * market.dt
                ahead.append((chance * weight / 2, earned, *squares, held))
        rows = ahead
    table = np.array(rows)
    table[:, 1] -= venue.taker_fee * np.abs(table[:, 4])
    return table


def plain_optimum(
    market: LimitOrderMarket, objective: Objective, bound: int, candidates: np.ndarray | None = None
) -> tuple[np.ndarray, Quotes]:
    """Backward induction over ln E exp(-gamma ...), written out; distances from a list, or by a numeric search."""
    levels, gamma, move = np.arange(-bound, bound + 1), objective.gamma, market.sigma * market.dt**0.5
    value, rows = -objective.terminal_penalty * levels**2.0, []
    for _ in range(market.n_steps):
        ahead = value - objective.running_penalty * levels**2 * market.dt

        def outcome(bid: float, ask: float, q: int, ahead: np.ndarray = ahead) -> float:
            ends = [(w / 2, gain + u * move * (q + c) + ahead[q + c + bound])
                    for w, gain, c in fills(market, bid, ask) for u in (-1, 1)]  # fmt: skip
            chance, result = np.array(ends).T
            return chance @ result if gamma == 0 else -np.log(chance @ np.exp(-gamma * result)) / gamma

        best = [best_quotes(partial(outcome, q=q), q < bound, q > -bound, candidates) for q in levels]
        rows.append([pair for _, pair in best])
        value = np.array([worth for worth, _ in best])
    table = np.array(rows[::-1])
    return value, Quotes(table[:, :, 0], table[:, :, 1])


def best_quotes(outcome, buys, sells, candidates):
    """Greatest outcome over pairs of distances, and the pair."""
    coarse = candidates if candidates is not None else np.linspace(-1, 6, 15)
    nothing = np.array([np.inf])
    pairs = itertools.product(coarse if buys else nothing, coarse if sells else nothing)
    worth, best = max((outcome(*pair), pair) for pair in pairs)
    if candidates is not None:
        return worth, best
    free = np.array([buys, sells])

    def loss(x: np.ndarray) -> float:
        pair = np.array([np.inf, np.inf])
        pair[free] = x
        return -outcome(*pair)

    search = minimize(
        loss, np.array(best)[free], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-14}
    )
    pair = np.array([np.inf, np.inf])
    pair[free] = search.x
    return -search.fun, tuple(pair)


OBJECTIVES = [
    Objective(gamma=0.5),
    Objective(running_penalty=0.8, terminal_penalty=0.3),
    Objective(gamma=2.0, running_penalty=0.2, terminal_penalty=0.1),
]


def table(seed: int, n_steps: int, bound: int) -> Quotes:
    bid, ask = np.random.default_rng(seed).uniform(-0.5, 2.0, (2, n_steps, 2 * bound + 1))
    bid[:, -1] = ask[:, 0] = np.inf
    return Quotes(bid, ask)


@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_value_of_a_table_is_that_of_all_its_episodes(objective: Objective, before: bool) -> None:
    market, quotes = dataclasses.replace(COARSE, n_steps=3), table(1, 3, 2)
    objective = dataclasses.replace(objective, penalise_before_fills=before)
    value = value_of(market, objective, quotes, VENUE)
    for q in (-2, 0, 1):
        chance, profit, held_before, held_after, final = episodes(market, quotes, VENUE, q).T
        held = held_before if before else held_after
        result = profit - objective.running_penalty * held - objective.terminal_penalty * final**2
        gamma = objective.gamma
        expected = chance @ result if gamma == 0 else -np.log(chance @ np.exp(-gamma * result)) / gamma
        assert value[0, q + 2] == pytest.approx(expected, abs=1e-12)


def test_statistics_of_a_table_are_those_of_all_its_episodes() -> None:
    market, quotes = dataclasses.replace(COARSE, n_steps=3), table(2, 3, 2)
    chance, profit, _, _, final = episodes(market, quotes, VENUE, 1).T
    found = statistics_of(market, quotes, 1, VENUE)
    mean, held = chance @ profit, chance @ final
    deviations = np.sqrt(chance @ (profit - mean) ** 2), np.sqrt(chance @ (final - held) ** 2)
    assert found[:4] == pytest.approx((mean, deviations[0], held, deviations[1]), abs=1e-12)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_optimum_against_numeric_search(objective: Objective) -> None:
    value, quotes = plain_optimum(COARSE, objective, 2)
    found = optimum(COARSE, objective, 2)
    np.testing.assert_allclose(found.value[0], value, atol=1e-9)
    np.testing.assert_allclose(found.quotes.bid_distance, quotes.bid_distance, atol=1e-4)
    np.testing.assert_allclose(found.quotes.ask_distance, quotes.ask_distance, atol=1e-4)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_optimum_on_ticks_within_limits_against_every_pair(objective: Objective) -> None:
    value, quotes = plain_optimum(COARSE, objective, 2, 0.3 * np.arange(2, 7))
    found = optimum(COARSE, objective, 2, Venue(min_distance=0.4, max_distance=1.8, tick=0.3))
    np.testing.assert_allclose(found.value[0], value, atol=1e-12)
    np.testing.assert_allclose(found.quotes.bid_distance, quotes.bid_distance, atol=1e-12)
    np.testing.assert_allclose(found.quotes.ask_distance, quotes.ask_distance, atol=1e-12)


def test_optimum_between_two_local_optima() -> None:
    # Of a step so coarse and a penalty so steep, "both close" and "both wide" are each other's best answers.
    market = LimitOrderMarket(sigma=0.1, arrival_rate=1.2, depth_decay=1.0, horizon=1.0, n_steps=1)
    candidates = np.append(np.linspace(0, 8, 101), np.log(1.2))  # the last: nearer, a fill is no likelier
    for penalty in np.linspace(0.5, 6.0, 6):
        objective = Objective(terminal_penalty=penalty)
        value, _ = plain_optimum(market, objective, 1, candidates)
        found = optimum(market, objective, 1).value[0]
        assert np.all(found >= value - 1e-12)
        np.testing.assert_allclose(found, value, atol=1e-3)
