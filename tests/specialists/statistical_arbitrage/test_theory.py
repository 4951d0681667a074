"""Thresholds against the papers' numbers, direct quadrature and simulation."""

import math

import numpy as np
import pytest
from numba import njit
from scipy.integrate import quad
from scipy.linalg import solve_banded
from scipy.special import erf

from fund.errors import InvalidParameter
from specialists.statistical_arbitrage import theory

ALPHA, ETA, COST = 180.9670, 0.1538, 0.001  # Bertram's example
SPREAD = (3.4241, 0.0237, 0.0081, 0.02)  # Zeng & Lee: mean, speed, volatility, cost


@njit
def crosses(x, y, level, dt, rng):  # does a path from x to y touch the level in between? a Brownian bridge
    product = (x - level) * (y - level)
    return product <= 0.0 or (product < 20.0 * dt and rng.random() < math.exp(-2.0 * product / dt))


@njit
def simulated_cycles(start, middle, both_sides, count, dt, rng):  # dX = -X dt + dW
    # times of `count` cycles: start -> middle -> start, or whichever of +-start comes first
    times = np.zeros(count)
    decay = math.exp(-dt)
    noise = math.sqrt((1.0 - decay * decay) / 2.0)
    for i in range(count):
        x, steps, target, other = start, 0, middle, middle
        for _ in range(2):
            while True:
                y = x * decay + noise * rng.standard_normal()
                steps += 1
                if crosses(x, y, target, dt, rng) or (other != target and crosses(x, y, other, dt, rng)):
                    break
                x = y
            x, target = target, start
            other = -start if both_sides else start
        times[i] = (steps - 1) * dt  # each crossing lies, on average, in the middle of its step
    return times


def passage_moments(start, end):
    # mean and variance of the time from start to end > start for dX = -X dt + dW, from scale function and speed measure
    def slope(u):
        return math.sqrt(math.pi) * math.exp(u * u) * (1.0 + erf(u))

    def inner(u):
        return quad(lambda w: math.exp(-w * w) * slope(w) ** 2, -12.0, u, limit=200)[0]

    mean = quad(slope, start, end)[0]
    return mean, quad(lambda u: 2.0 * math.exp(u * u) * inner(u), start, end)[0]


def test_bertram_example():  # SA-1
    best = theory.bertram_optimum(ALPHA, ETA, COST)
    assert best.entry == pytest.approx(-0.00471518, abs=1e-8)
    assert best.exit == -best.entry
    assert best.length == pytest.approx(0.0171224, abs=1e-7)
    assert best.length_variance == pytest.approx(1.54417e-4, abs=1e-9)
    assert best.return_rate == pytest.approx(0.4923583, abs=1e-7)
    assert best.variance_rate == pytest.approx(0.00218621, abs=1e-8)
    assert best.cycles_per_year == pytest.approx(58.4, abs=0.01)


@pytest.mark.parametrize(("entry", "exit"), [(-0.5, 0.5), (-1.7, 1.7), (-0.9, 0.1), (0.2, 1.1), (-2.2, -0.4)])
def test_bertram_cycle_is_two_passages(entry, exit):
    alpha, eta = 3.0, 0.2
    up, down = passage_moments(entry, exit), passage_moments(-exit, -entry)
    scale = eta / math.sqrt(alpha)
    cycle = theory.bertram_cycle(alpha, eta, 0.01, entry * scale, exit * scale)
    assert cycle.length == pytest.approx((up[0] + down[0]) / alpha, rel=1e-9)
    assert cycle.length_variance == pytest.approx((up[1] + down[1]) / alpha**2, rel=1e-7)
    assert cycle.profit == pytest.approx((exit - entry) * scale - 0.01)


@pytest.mark.parametrize("cost", [1e-7, 0.001, 0.05, 0.08])
def test_no_other_threshold_returns_more_than_bertram(cost):
    best = theory.bertram_optimum(ALPHA, ETA, cost)
    others = [
        theory.bertram_cycle(ALPHA, ETA, cost, best.entry * p, best.exit * q)
        for p, q in [(0.95, 0.95), (1.05, 1.05), (0.95, 1.05), (1.05, 0.95), (1.05, 1.0), (1.0, 0.95)]
    ]
    assert best.return_rate > max(cycle.return_rate for cycle in others)


def test_bertram_sharpe_with_a_rate():
    best = theory.bertram_sharpe_optimum(ALPHA, ETA, COST, 0.01)
    # arbitragelab's tests print 3.86293 and -0.01125; they round the square root of two to 1.414
    assert best.sharpe(0.01) == pytest.approx(3.86293, abs=0.002)
    assert best.entry == pytest.approx(-0.01125, abs=3e-5)
    for factor in (0.97, 1.03):
        other = theory.bertram_cycle(ALPHA, ETA, COST, best.entry * factor)
        assert other.sharpe(0.01) < best.sharpe(0.01)


def test_sharpe_without_a_rate_does_not_know_the_profit():
    cheap, dear = (theory.bertram_cycle(ALPHA, ETA, cost, -0.005) for cost in (0.0, 0.009))
    assert cheap.sharpe(0.0) == pytest.approx(dear.sharpe(0.0), rel=1e-12)
    tighter = theory.bertram_cycle(ALPHA, ETA, 0.0, -0.001)
    assert tighter.sharpe(0.0) > cheap.sharpe(0.0)
    with pytest.raises(InvalidParameter, match="cycle_rate = 0"):
        theory.bertram_sharpe_optimum(ALPHA, ETA, COST, 0.0)


@pytest.mark.parametrize("bad", [(0.0, 1.0, 0.1), (1.0, math.nan, 0.1), (1.0, 1.0, 0.0), (1.0, 1.0, 60.0)])
def test_bertram_refuses(bad):
    with pytest.raises(InvalidParameter):
        theory.bertram_optimum(*bad)


def test_zeng_lee_return_rates():
    # arbitragelab's tests print .0003012195 and .00043061662; they round the square root of two to 1.414
    assert theory.zeng_lee_conventional(*SPREAD).return_rate == pytest.approx(0.00030122, rel=4e-4)
    assert theory.zeng_lee_new(*SPREAD).return_rate == pytest.approx(0.00043062, rel=4e-4)


def test_zeng_lee_thresholds_are_the_best_of_a_scan():
    theta, mu, sigma, cost = SPREAD
    scale = sigma / math.sqrt(mu)
    u = np.linspace(0.3, 2.0, 1701)
    # there and back: out from the mean to either side, and home; or from one side to the other
    out = [quad(lambda w: math.sqrt(math.pi) * math.exp(w * w) * erf(w), 0.0, v)[0] for v in u]
    home = [quad(lambda w: math.sqrt(math.pi) * math.exp(w * w) * (1.0 - erf(w)), 0.0, v)[0] for v in u]
    across = [passage_moments_mean(-v, v) for v in u]
    for rule, gain, time, target in (
        (theory.zeng_lee_conventional, u * scale - cost, np.add(out, home) / mu, 0.0),
        (theory.zeng_lee_new, 2.0 * u * scale - cost, np.array(across) / mu, -1.0),
    ):
        best = rule(*SPREAD)
        k = int(np.argmax(gain / time))
        assert (best.entry - theta) / scale == pytest.approx(u[k], abs=1e-3)
        assert best.exit - theta == pytest.approx(target * (best.entry - theta), abs=1e-12)
        assert best.return_rate == pytest.approx((gain / time)[k], rel=1e-6)


def passage_moments_mean(start, end):
    return quad(lambda w: math.sqrt(math.pi) * math.exp(w * w) * (1.0 + erf(w)), start, end)[0]


def test_conventional_variance_is_the_sum_of_both_passages():
    theta, mu, sigma, _ = SPREAD
    best = theory.zeng_lee_conventional(*SPREAD)
    u = (best.entry - theta) * math.sqrt(mu) / sigma
    # first two moments of the time out of (-u, u), from T''/2 - x T' = -1 and S''/2 - x S' = -2 T, by differences
    x, step = np.linspace(-u, u, 4001, retstep=True)
    inner = x[1:-1]
    bands = np.zeros((3, inner.size))
    bands[0, 1:] = (0.5 / step**2 - inner / (2.0 * step))[:-1]
    bands[1] = -1.0 / step**2
    bands[2, :-1] = (0.5 / step**2 + inner / (2.0 * step))[1:]
    first = solve_banded((1, 1), bands, -np.ones(inner.size))
    second = solve_banded((1, 1), bands, -2.0 * first)
    out = second[inner.size // 2] - first[inner.size // 2] ** 2
    home = passage_moments(-u, 0.0)[1]
    assert best.length_variance == pytest.approx((out + home) / mu**2, rel=1e-5)


def check_cycle(cycle, speed, times):
    scaled, count = times / speed, times.size
    off = (scaled - scaled.mean()) ** 2
    assert abs(scaled.mean() - cycle.length) < 4.0 * scaled.std() / math.sqrt(count)
    assert abs(scaled.var() - cycle.length_variance) < 4.0 * off.std() / math.sqrt(count)


def test_simulated_bertram_cycles():  # SA-3 on crossings of a bridge
    best = theory.bertram_optimum(ALPHA, ETA, COST)
    u = best.entry * math.sqrt(ALPHA) / ETA
    times = simulated_cycles(u, -u, False, 10_000, 4e-3, np.random.default_rng(1))
    check_cycle(best, ALPHA, times)
    rate = best.profit / (times.mean() / ALPHA)
    assert rate == pytest.approx(0.492, abs=0.015)
    assert ALPHA / times.mean() == pytest.approx(58.4, abs=1.5)


def test_simulated_zeng_lee_cycles():
    theta, mu, sigma, _ = SPREAD
    scale = sigma / math.sqrt(mu)
    best = theory.zeng_lee_conventional(*SPREAD)
    check_cycle(
        best,
        mu,
        simulated_cycles((best.entry - theta) / scale, 0.0, True, 10_000, 4e-3, np.random.default_rng(2)),
    )
    best = theory.zeng_lee_new(*SPREAD)
    u = (best.entry - theta) / scale
    both = simulated_cycles(u, -u, False, 10_000, 4e-3, np.random.default_rng(3))
    assert abs(both.mean() / 2.0 / mu - best.length) < 4.0 * both.std() / 2.0 / mu / math.sqrt(both.size)
    off = (both - both.mean()) ** 2
    assert abs(both.var() / 2.0 / mu**2 - best.length_variance) < 4.0 * off.std() / 2.0 / mu**2 / math.sqrt(
        both.size
    )


def test_leung_li_example():  # SA-5
    levels = theory.leung_li_levels(0.71758, 6.306, math.sqrt(0.00698), 0.05, 0.02)
    assert levels.exit == pytest.approx(0.74436, abs=1e-5)
    assert levels.entry == pytest.approx(0.65105, abs=1e-5)


@pytest.mark.parametrize(
    "problem", [(0.3, 5.0, 1.0, 2.5, 0.1), (100.0, 2.0, 3.0, 1.0, 0.5), (1.0, 0.5, 0.2, 0.4, 0.0)]
)
def test_leung_li_levels_are_the_best_barriers(problem):
    theta, mu, sigma, rate, cost = problem
    step = sigma / math.sqrt(2.0 * mu)

    def discount(z):  # the paper's F, as it stands; u = w^(mu/rate) takes the pole out of the integrand
        power = mu / rate
        top = max(z, 0.0) ** 2 / 2.0
        end = (max(z, 0.0) + 12.0) ** (1.0 / power)
        return quad(lambda w: math.exp(z * w**power - w ** (2.0 * power) / 2.0 - top), 0.0, end, limit=400)[
            0
        ] * math.exp(top)

    levels = theory.leung_li_levels(*problem)
    exits = levels.exit + step * np.linspace(-0.2, 0.2, 41)
    worth = [(b - cost) / discount((b - theta) / step) for b in exits]
    assert int(np.argmax(worth)) == 20
    gain = max(worth)
    entries = levels.entry + step * np.linspace(-0.2, 0.2, 41)
    prize = [gain * discount((d - theta) / step) - d - cost for d in entries]
    waiting = [p / discount((theta - d) / step) for p, d in zip(prize, entries, strict=True)]
    assert int(np.argmax(waiting)) == 20
