"""Rewards in the mean: the same value of every policy, with less noise."""

import dataclasses

import numpy as np
import pytest

from fund.envs.play import play
from fund.errors import InvalidParameter
from fund.market.streams import Paths
from specialists.market_making.optimum import Objective, value_of
from specialists.market_making.rules import effective, fixed
from specialists.market_making.strategy import MarketMaking
from specialists.market_making.theory import cartea_jaimungal_distances

PATHS = Paths.of(77, 4000)


def rewards(strategy, rule):
    """Total rewards (n,) of an episode, without and with the control variate, on the same tapes."""
    noisy = play(strategy, strategy.rules[rule](strategy), PATHS)
    quiet = dataclasses.replace(strategy, control_variate=True)
    return noisy, play(quiet, quiet.rules[rule](quiet), PATHS)


@pytest.mark.parametrize("preset", ["avellaneda_stoikov", "cartea_jaimungal", "planted"])
@pytest.mark.parametrize("rule", ["fixed", "optimum"])
def test_the_mean_stays_and_the_noise_goes(preset, rule):
    noisy, quiet = rewards(MarketMaking.preset(preset), rule)
    assert np.array_equal(noisy.nav, quiet.nav)
    difference = (quiet.reward - noisy.reward) / noisy.strategy.reward_of_money
    assert abs(difference.mean()) < 4.0 * difference.std() / np.sqrt(len(difference))
    assert quiet.reward.std() < noisy.reward.std()


def test_the_mean_is_the_exact_value_of_the_quotes():
    """Against the backward recursion over the table of quotes, which knows nothing of paths."""
    strategy = MarketMaking.preset("cartea_jaimungal")
    market = effective(strategy)
    quotes = cartea_jaimungal_distances(market, strategy.phi, strategy.alpha, 20, market.time_left)
    exact = value_of(market, Objective(0.0, strategy.phi, strategy.alpha), quotes)[0, 20]
    _, quiet = rewards(strategy, "cartea_jaimungal")
    values = quiet.reward / strategy.reward_of_money
    assert values.mean() == pytest.approx(exact, abs=4.0 * values.std() / np.sqrt(len(values)))


def test_one_step_by_hand():
    """Four outcomes of two fills, as written on paper, risk neutral: p d on each side less the penalty."""
    strategy = dataclasses.replace(MarketMaking.preset("cartea_jaimungal"), control_variate=True, n_steps=1)
    first = play(strategy, fixed(strategy), Paths.of(0, 3)).reward / strategy.reward_of_money
    p = min(1.0, 10.0 * 1.0 / 1 * np.exp(-1.0))  # one step is the whole horizon
    held_square = 2 * p * (1 - p)
    assert first == pytest.approx(2 * p * 1.0 - (0.5 * 1.0 + 0.001) * held_square, abs=1e-9)


@pytest.mark.parametrize(
    "changes",
    [
        {"signal": 0.5, "gamma": 0.1, "risk_weight": 1.0},
        {"poisson": True},
        {"sweep": True},
        {"flatten": True},
    ],
)
def test_where_the_mean_is_not_known_it_is_refused(changes):
    with pytest.raises(InvalidParameter, match="control_variate"):
        MarketMaking.preset("cartea_jaimungal").with_parameters(control_variate=True, **changes)


def test_what_a_book_leaves_out_for_training_is_noise():
    """Zero in the mean, whatever is quoted; the rest scatters less."""
    plain = MarketMaking(n_steps=60)
    trained = dataclasses.replace(plain, control_variate=True)
    paths = Paths.of(5, 4000)
    for name in ("fixed", "microprice"):
        before, after = (play(desk, plain.rules[name](plain), paths).reward for desk in (plain, trained))
        noise = before - after
        assert noise.std() > 0.0
        assert abs(noise.mean()) < 4.0 * noise.std() / np.sqrt(len(noise))
        assert after.std() < 0.8 * before.std()
