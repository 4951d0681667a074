"""The textbook policies: decisions that can be checked by hand."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from fund.envs.play import lagged, play
from fund.errors import InvalidParameter
from fund.market.streams import Paths
from fund.strategy import View
from specialists.statistical_arbitrage.discrete_optimum import Problem, discrete_optimum
from specialists.statistical_arbitrage.rules import RULES
from specialists.statistical_arbitrage.strategy import StatisticalArbitrage


def views(desk, **slots):
    """One view a row for n = 1 path, from the slots' values over time; the position follows the actions."""
    length = len(next(iter(slots.values())))
    for t in range(length):
        observation = np.zeros((1, len(desk.features)), dtype=np.float32)
        for name, values in slots.items():
            observation[0, desk.features.index(name)] = values[t]
        yield View(
            strategy=desk, observation=observation, clock=np.array([t]), memory={},
            books=SimpleNamespace(position=np.zeros((2, 1))),
            row={"leg_1": np.array([100.0]), "leg_2": np.array([50.0]), "hedge_ratio": np.array([2.0])},
        )  # fmt: skip


def actions(rule, desk, **slots):
    policy, share, out = RULES[rule](desk), 0.0, []
    for view in views(desk, **slots):
        view.observation[0, desk.features.index("position")] = share
        share = float(policy(view)[0, 0])
        out.append(share)
    return out


def test_gatev_opens_at_two_and_closes_at_the_mean():
    z = [1.9, 2.0, 1.0, 0.1, -0.1, -1.9, -2.1, -0.5, 0.0, 2.5, -2.5]
    wanted = [0, -1, -1, -1, 0, 0, 1, 1, 0, -1, 1]
    assert actions("gatev", StatisticalArbitrage(), zscore_60=z) == wanted


def test_an_open_position_is_left_as_it_is():
    desk = StatisticalArbitrage()
    policy = RULES["gatev"](desk)
    first, second = views(desk, zscore_60=[-2.5, -1.0], position=[0.0, 0.93])
    assert policy(first)[0, 0] == 1.0
    assert policy(second)[0, 0] == pytest.approx(0.93)


def test_avellaneda_lee_takes_fast_spreads_only():
    fast, slow = 10.0 / 20.0, 25.0 / 20.0  # half-lives of 10 and 25 rows; the limit is 30 ln 2 = 20.8
    s = [1.2, 1.3, 0.8, 0.7, -1.3, -0.6, -0.4, 1.3]
    life = [fast] * 7 + [slow]
    assert actions("avellaneda_lee", StatisticalArbitrage(), zscore_60=s, half_life=life) == [
        0,
        -1,
        -1,
        0,
        1,
        1,
        0,
        0,
    ]


def test_bertram_levels_of_a_known_process():
    # a* = -.0047152 (Bertram 2010), moved in by .5826 eta sqrt(dt); stationary deviation .1538 / sqrt(2 x 180.967)
    desk = StatisticalArbitrage.preset("bertram")
    level = (0.0047152 - 0.5826 * 0.1538 * math.sqrt(5e-5)) / (0.1538 / math.sqrt(2 * 180.967))
    z = [-level + 0.001, -level - 0.001, level - 0.001, level + 0.001, -level + 0.001]
    assert actions("bertram", desk, zscore_60=z) == [0, 1, 1, 0, 0]


def test_bertram_estimates_his_levels():
    # alpha 180.967 and eta .1538 seen through the observation: the same level in standard deviations
    desk = StatisticalArbitrage(eta=0.1538, cost_rate=0.00025)
    life = math.log(2.0) / 180.967 * 252.0 / 20.0
    level = 0.0047152 / (0.1538 / math.sqrt(2 * 180.967))
    z = [-level + 0.002, -level - 0.002, level - 0.002, level + 0.002]
    held = actions("bertram", desk, zscore_60=z, half_life=[life] * 4, spread_volatility=[1.0] * 4)
    assert held == [0, 1, 1, 0]


def test_without_costs_bertram_trades_at_the_mean():
    assert actions("bertram", StatisticalArbitrage.preset("boguslavsky"), zscore_60=[0.1, -0.1, 0.1]) == [
        0,
        1,
        0,
    ]


@pytest.mark.parametrize(
    ("rule", "multiple"),
    [
        ("kelly", 1.0),
        ("myopic", 0.5),
        ("ou_optimal", math.sqrt(0.5) * math.tanh(math.sqrt(0.5) + math.atanh(math.sqrt(0.5)))),
    ],
)
def test_continuous_positions_of_a_known_process(rule, multiple):
    # g = -1: nu = sqrt(1/2); D(tau) = C'/C = nu tanh(nu tau + artanh nu), with tau = 1 at the start
    desk = StatisticalArbitrage.preset("boguslavsky")
    x = 0.4
    found = actions(rule, desk, zscore_60=[x / math.sqrt(0.5)])
    assert found[0] == pytest.approx(-multiple * x / 3.0, rel=1e-6)


def test_continuous_position_of_an_estimated_process():
    # kappa = 252 ln 2 / 10, sigma = .12: leg 1's worth over wealth is -kappa x / sigma^2, x = z sigma / sqrt(2 kappa)
    desk = StatisticalArbitrage(position_limit=50.0, leverage=50.0)
    kappa, z = 252.0 * math.log(2.0) / 10.0, 0.3
    wanted = -kappa * z * 0.12 / math.sqrt(2.0 * kappa) / 0.12**2 * (1.0 + 2.0 * 50.0 / 100.0) / 50.0
    for rule in ("kelly", "myopic", "ou_optimal"):
        found = actions(rule, desk, zscore_60=[z], half_life=[0.5], spread_volatility=[1.0])
        assert found[0] == pytest.approx(wanted, rel=1e-5)


def test_optimum_holds_the_table():
    desk = StatisticalArbitrage.preset("boguslavsky", n_steps=50, dt=0.02)
    table = discrete_optimum(Problem(1.0, 50, -1.0, 1.0, 1.0, 3.0))
    x = np.array([0.5, -0.7, 0.1])
    found = actions("optimum", desk, zscore_60=x / math.sqrt(0.5))
    for t in range(3):
        assert found[t] == pytest.approx(float(table.decide(t, x[t])) / 3.0, rel=1e-5)


@pytest.mark.parametrize(
    "change", [{"cost_rate": 0.001}, {"utility_power": 1.0}, {"known_moments": False}, {"compound": False}]
)
def test_optimum_is_refused_where_it_is_not_known(change):
    with pytest.raises(InvalidParameter, match="boguslavsky"):
        RULES["optimum"](StatisticalArbitrage.preset("boguslavsky", **change))
    with pytest.raises(InvalidParameter, match="boguslavsky"):
        RULES["optimum"](StatisticalArbitrage())


@pytest.mark.parametrize("rule", ["gatev", "avellaneda_lee", "bertram"])
def test_a_day_late_is_the_same_rule_a_day_late(rule):
    desk = StatisticalArbitrage(n_steps=120)
    seen = {"prompt": [], "late": []}

    def sides(kind, policy):
        def act(view):
            action = policy(view)
            seen[kind].append(np.sign(action[:, 0]))
            return action

        return act

    play(desk, sides("prompt", RULES[rule](desk)), Paths.of(0, 20))
    play(desk, sides("late", lagged(RULES[rule](desk), desk)), Paths.of(0, 20))
    assert np.array_equal(np.array(seen["late"])[1:], np.array(seen["prompt"])[:-1])


def test_a_new_episode_forgets_the_side():
    desk = StatisticalArbitrage(n_steps=30)
    policy = RULES["gatev"](desk)
    first = play(desk, policy, Paths.of(0, 16)).nav
    assert np.array_equal(play(desk, policy, Paths.of(0, 16)).nav, first)


def test_slots_are_found_by_name():
    desk = StatisticalArbitrage()
    (view,) = views(desk, half_life=[3.5])
    assert view.slot("half_life") == pytest.approx([3.5])
