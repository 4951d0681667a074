"""Carlin, Lobo & Viswanathan (PAPERS.md 8.5) against a Nash equilibrium solved as linear equations."""

import numpy as np
import pytest

from fund.errors import InvalidParameter
from fund.grandmodel import competing_traders as race
from fund.grandmodel.competing_traders import Arena


def numerical_nash(arena, targets, steps):
    """Rates (n, steps), constant within a step, at which no trader's cost falls to first order."""
    n, d = len(targets), arena.horizon / steps
    earlier = (np.tril(np.ones((steps, steps)), -1) + 0.5 * np.eye(steps)) * d
    now = np.eye(steps)
    system = np.zeros((n * (steps + 1), n * (steps + 1)))
    wanted = np.zeros(n * (steps + 1))
    for i in range(n):
        mine = slice(i * steps, (i + 1) * steps)
        for j in range(n):
            system[mine, j * steps : (j + 1) * steps] += arena.permanent * earlier + arena.temporary * now
        system[mine, mine] += arena.permanent * earlier.T + arena.temporary * now
        system[mine, n * steps + i] = -1.0  # the price of the constraint
        system[n * steps + i, mine], wanted[n * steps + i] = d, targets[i]
    return np.linalg.solve(system, wanted)[: n * steps].reshape(n, steps)


@pytest.mark.parametrize("targets", [[1.0], [1.0, 0.0], [1.0, 0.2, -0.3], [2.0, 2.0, 2.0, 2.0]])
def test_equilibrium(targets):
    arena, steps = Arena(1.5, 0.7, 2.0), 500
    times = (np.arange(steps) + 0.5) * arena.horizon / steps
    found = race.nash_rates(arena, targets, times)
    np.testing.assert_allclose(found, numerical_nash(arena, targets, steps), atol=6e-5)


def test_everyone_trades_what_he_must():
    arena, targets = Arena(3.0, 0.5, 1.5), np.array([1.0, -0.5, 0.25])
    np.testing.assert_allclose(race.nash_traded(arena, targets, [0.0]), 0.0, atol=1e-12)
    np.testing.assert_allclose(race.nash_traded(arena, targets, [arena.horizon])[:, 0], targets, rtol=1e-12)
    times = np.linspace(0.0, arena.horizon, 20_001)
    rates = race.nash_rates(arena, targets, times)
    summed = np.concatenate(
        [np.zeros((3, 1)), np.cumsum(0.5 * (rates[:, 1:] + rates[:, :-1]) * np.diff(times), axis=1)], axis=1
    )
    np.testing.assert_allclose(summed, race.nash_traded(arena, targets, times), atol=1e-7)


def test_a_lone_trader_goes_at_a_constant_rate():
    rates = race.nash_rates(Arena(2.0, 1.0, 4.0), [8.0], np.linspace(0.0, 4.0, 9))
    np.testing.assert_allclose(rates, 2.0, rtol=1e-12)


def test_the_predator_sells_first_and_buys_back():
    rates = race.nash_rates(Arena(), [-1.0, 0.0], np.linspace(0.0, 1.0, 101))
    assert rates[1, 0] < 0.0 < rates[1, -1]
    assert race.nash_traded(Arena(), [-1.0, 0.0], [1.0])[1, 0] == pytest.approx(0.0, abs=1e-12)


def test_racing_costs_more_than_sharing_and_the_predator_gains():
    arena, steps = Arena(), 2_000
    times = (np.arange(steps) + 0.5) / steps
    raced = race.trading_costs(arena, race.nash_rates(arena, [-1.0, 0.0], times), 1.0 / steps)
    alone = race.trading_costs(arena, np.array([np.full(steps, -1.0), np.zeros(steps)]), 1.0 / steps)
    assert raced[0] > alone[0]
    assert raced[1] < 0.0 == alone[1]
    assert alone[0] == pytest.approx(0.5 + 1.0, rel=1e-9)  # gamma/2 + lambda/T


def test_what_is_no_market_is_refused():
    with pytest.raises(InvalidParameter, match="temporary"):
        Arena(temporary=0.0)
    with pytest.raises(InvalidParameter, match="one number a trader"):
        race.nash_rates(Arena(), 1.0, [0.0])
