"""Published and closed-form numbers, through the public interface: a rule, a preset, its statistics.

Tolerances are four standard errors, which follow from published variances or are measured on the sample.
"""

import math

import numpy as np
import pytest

from fund.envs import play as players
from fund.envs.batch import Batch
from fund.envs.play import lagged, play
from fund.market.streams import Paths
from specialists.statistical_arbitrage.strategy import StatisticalArbitrage

RATE, CYCLES = (
    0.4923583,
    58.4,
)  # Bertram (2010): return rate and cycles a year; alpha 180.967, eta .1538, c .001
RATE_VARIANCE = 0.00218621  # a year
CYCLE, CYCLE_VARIANCE = 0.0171224, 1.54417e-4  # E[T], V[T]


def bertram(paths, steps, **changes):
    desk = StatisticalArbitrage.preset("bertram", n_steps=steps, **changes)
    return desk.statistics(play(desk, desk.rules["bertram"](desk), Paths.of(0, paths)))


def test_bertram_return_and_cycles_quick():
    # 64 years; the spread starts anywhere, which moves the first crossing by a fifth of a cycle
    found, years = bertram(64, 10_000, dt=1e-4), 64.0
    assert found["return_rate"] == pytest.approx(RATE, abs=4.0 * math.sqrt(RATE_VARIANCE / years))
    renewal = math.sqrt(CYCLE_VARIANCE / CYCLE**3 / years)
    assert found["cycles_per_year"] == pytest.approx(CYCLES, abs=4.0 * renewal + 0.3)
    assert found["time_in_market"] == pytest.approx(0.5, abs=0.02)  # up and down take equally long


@pytest.mark.slow
def test_bertram_return_and_cycles():
    found = bertram(512, 10_000)
    assert found["return_rate"] == pytest.approx(RATE, abs=0.015)
    assert found["cycles_per_year"] == pytest.approx(CYCLES, abs=1.5)


def growth(rules, n, seed=0, **changes):
    # final wealth of each rule on one tape, and two functionals of the path whose means are known
    desk = StatisticalArbitrage.preset("boguslavsky", **changes)
    tape = desk.record(Paths.of(seed, n))
    wealth = {}
    for rule in rules:
        policy = desk.rules[rule](desk)
        played = play(desk, policy, Paths.of(seed, n), tape)
        wealth[rule] = played.nav[-1] / desk.capital, desk.certainty_equivalent(played)
        assert played.reward == pytest.approx(played_utility(desk, wealth[rule][0]), abs=1e-6)
    x = tape["leg_1"] - 100.0
    t = np.arange(501) * 0.002
    variance = (1.0 - np.exp(-2.0 * t)) / 2.0
    controls = [x[-1] ** 2 - variance[-1], (x[:-1] ** 2).mean(axis=0) - variance[:-1].mean()]
    return wealth, controls


def played_utility(desk, wealth):
    g = desk.utility_power
    return desk.reward_scale * (np.log(wealth) if g == 0.0 else (wealth**g - 1.0) / g)


def controlled(values, controls):
    # mean and standard error of values, freed of what the controls explain
    design = np.column_stack([np.ones(values.size), *controls])
    coefficients, *_ = np.linalg.lstsq(design, values, rcond=None)
    left = values - design @ coefficients
    return coefficients[0], left.std() / math.sqrt(values.size)


def check_power_utility(n, tolerance):
    # PAPERS 4.3, g = -1, 500 steps: theory 1.09376; what 500 steps cost is below .0005
    rules = ("ou_optimal", "optimum", "myopic", "kelly")
    wealth, controls = growth(rules, n)
    for rule, wanted in (("ou_optimal", 1.09376), ("optimum", 1.09376), ("myopic", 1.0911)):
        mean, error = controlled(1.0 / wealth[rule][0], controls)
        assert 1.0 / mean == pytest.approx(wanted, abs=4.0 * error * wanted**2 + 0.0005), rule
        assert error * wanted**2 < tolerance, rule
    for rule in rules:
        assert wealth[rule][1] == pytest.approx(1.0 / np.mean(1.0 / wealth[rule][0]), rel=1e-12)
    utility = {rule: -1.0 / wealth[rule][0] for rule in rules}
    for worse, gap in (("myopic", 1.0 / 1.0911 - 1.0 / 1.09376), ("kelly", 1.0 / 0.9987 - 1.0 / 1.09376)):
        lost = utility["ou_optimal"] - utility[worse]
        assert abs(lost.mean() - gap) < 4.0 * lost.std() / math.sqrt(n)
    close = utility["optimum"] - utility["ou_optimal"]
    assert abs(close.mean()) < 4.0 * close.std() / math.sqrt(n) + 1e-4


def test_certainty_equivalents_of_power_utility_quick():
    check_power_utility(2048, 0.0015)


@pytest.mark.slow
def test_certainty_equivalents_of_power_utility():
    check_power_utility(8192, 0.0011)


@pytest.mark.slow
def test_certainty_equivalent_of_the_closed_form():
    # SA-7: 1.092 +- .003 at 500 steps; 65,536 paths, freed of what the path's own functionals explain
    found, controls = [], []
    for seed in range(8):
        wealth, control = growth(("ou_optimal",), 8192, seed=(1 + seed) * 10**6)
        found.append(1.0 / wealth["ou_optimal"][0])
        controls.append(control)
    mean, error = controlled(np.concatenate(found), np.concatenate(controls, axis=1))
    assert 4.0 * error < 0.002
    assert 1.0 / mean == pytest.approx(1.092, abs=0.003)


def test_log_utility_grows_as_theory_says():
    # (tau/2 - (1 - e^{-2 tau})/4)/2 at tau = 1; CE 1.15248; PAPERS' 500-step simulation 1.14906
    wealth, controls = growth(("ou_optimal", "kelly", "myopic"), 2048, utility_power=0.0)
    for rule, (final, equivalent) in wealth.items():
        mean, error = controlled(np.log(final), controls)
        assert mean == pytest.approx((0.5 - (1.0 - math.exp(-2.0)) / 4.0) / 2.0, abs=4.0 * error + 0.0008), (
            rule
        )
        assert error < 0.002
        assert equivalent == pytest.approx(math.exp(np.log(final).mean()), rel=1e-12)


def every_policy(desk):
    flip = lambda view: np.where(view.clock % 2 == 0, 1.0, -1.0)[:, None]  # noqa: E731
    known = {name: make(desk) for name, make in desk.rules.items() if name != "optimum"}
    return {
        **known, "flat": players.flat(desk), "random": players.random(desk), "long": players.constant(desk, 1.0),
        "short": players.constant(desk, -1.0), "flip": flip,
    }  # fmt: skip


@pytest.mark.parametrize("free", [False, True])
def test_nobody_earns_on_walks(free):
    # SA-11; P&L before costs is a martingale, costs are what is lost
    n = 2048
    desk = StatisticalArbitrage.preset("null", **({"cost_rate": 0.0, "borrow_rate": 0.0} if free else {}))
    tape = desk.record(Paths.of(11, n))
    for name, policy in every_policy(desk).items():
        played = play(desk, policy, Paths.of(11, n), tape)
        holding = played.lines["holding"]
        assert abs(holding.mean()) <= 4.0 * holding.std() / math.sqrt(n), name
        pnl = played.nav[-1] - played.nav[0]
        assert pnl.mean() <= 3.0 * pnl.std() / math.sqrt(n), name
        if name == "flat":
            assert not pnl.any()
        elif not free:
            assert (pnl - holding).max() <= 0.0
            assert (pnl - holding).mean() < 0.0


def test_default_market_pays_gatev_what_was_published():
    # SA-12: .2%-.9% a month on committed capital, positive skew, a day's delay costs 15%-45%
    desk = StatisticalArbitrage()
    prompt = desk.statistics(play(desk, desk.rules["gatev"](desk), Paths.of(0, 2048)))
    late = desk.statistics(play(desk, lagged(desk.rules["gatev"](desk), desk), Paths.of(0, 2048)))
    assert 0.002 < prompt["monthly_mean"] < 0.009
    assert prompt["monthly_skew"] > 0.0
    assert 0.15 < 1.0 - late["monthly_mean"] / prompt["monthly_mean"] < 0.45


def test_statistics_by_hand():
    # one path, 63 days, up 1% on day 1 and down 2% on day 50
    desk = StatisticalArbitrage(n_steps=63)
    batch = Batch(desk, 1)
    batch.reset(0)
    nav = np.full((64, 1), 1e6)
    nav[1:], nav[50:] = 1.01e6, 0.98 * 1.01e6
    played = players.play(desk, players.flat(desk), Paths.of(0, 1))
    found = desk.statistics(type(played)(**{**played.__dict__, "nav": nav}))
    assert found["return_rate"] == pytest.approx((1.01 * 0.98 - 1.0) / 0.25)
    assert found["monthly_mean"] == pytest.approx((0.01 + 0.0 - 0.02) / 3.0)
    months = np.array([0.01, 0.0, -0.02]) + 0.01 / 3.0
    assert found["monthly_skew"] == pytest.approx(np.mean(months**3) / np.mean(months**2) ** 1.5)
    assert found["cycles_per_year"] == found["round_trips"] == found["time_in_market"] == 0.0


def test_planted_signal_pays_nearly_what_the_best_sign_would():
    # a sign position of .75 per leg earns .75 (1 - kept) E|X| a day; nobody earns more in the mean of log wealth
    desk, n = StatisticalArbitrage.preset("planted"), 512
    deviation = 0.4 / math.sqrt(200.0)
    best = 252.0 * 0.75 * (1.0 - math.exp(-100.0 / 252.0)) * deviation * math.sqrt(2.0 / math.pi)
    tape = desk.record(Paths.of(0, n))
    logs = np.log(play(desk, desk.rules["ou_optimal"](desk), Paths.of(0, n), tape).nav[-1] / desk.capital)
    error = logs.std() / math.sqrt(n)
    assert 0.85 * best < logs.mean() < best + 4.0 * error
    held = np.log(play(desk, players.constant(desk, 1.0), Paths.of(0, n), tape).nav[-1] / desk.capital)
    assert abs(held.mean()) < 0.02
