"""The rules: that each is its formula, where it quotes, and what it refuses."""

import math

import numpy as np
import pytest

from fund.envs.batch import Batch
from fund.errors import InvalidParameter
from specialists.market_making import rules
from specialists.market_making.fills import Quotes
from specialists.market_making.strategy import MarketMaking


def view_with(strategy, inventories, steps=0):
    """A view of a batch that holds these inventories after some steps without quotes."""
    batch = Batch(strategy, len(inventories))
    batch.reset(1)
    for _ in range(steps):
        batch.step(np.ones((len(inventories), 2)))
    batch.ledger.books.position[0] = inventories
    return batch.view()


def distances(strategy, actions):
    return np.where(actions == 1.0, np.inf, strategy.centre + strategy.half_range * actions)


def test_avellaneda_stoikov_is_its_formula():
    strategy = MarketMaking.preset("avellaneda_stoikov")
    held = np.array([-2.0, 0.0, 1.0, 3.0])
    placed = distances(strategy, rules.avellaneda_stoikov(strategy)(view_with(strategy, held, steps=50)))
    left = 0.75
    half = 0.1 * 4 * left / 2 + math.log(1 + 0.1 / 1.5) / 0.1
    np.testing.assert_allclose(placed[:, 0], half + held * 0.1 * 4 * left, atol=1e-9)
    np.testing.assert_allclose(placed[:, 1], half - held * 0.1 * 4 * left, atol=1e-9)
    same = distances(strategy, rules.symmetric(strategy)(view_with(strategy, held, steps=50)))
    np.testing.assert_allclose(same, half, atol=1e-9)


def test_gueant_quotes_of_the_paper():
    # PAPERS 1.2, in ticks and seconds: stationary at the start of 600 s
    strategy = MarketMaking.preset(
        "avellaneda_stoikov",
        sigma=0.3,
        arrival_rate=0.9,
        depth_decay=0.3,
        gamma=0.01,
        horizon=600.0,
        n_steps=600,
    )
    held = np.array([-5.0, -2.0, -1.0, 0.0, 1.0, 2.0, 5.0])
    placed = distances(strategy, rules.gueant_lehalle_fernandez_tapia(strategy)(view_with(strategy, held)))
    wanted = [2.9725, 3.1768, 3.2449, 3.3130, 3.3812, 3.4493, 3.6535]
    np.testing.assert_allclose(placed[:, 0], wanted, atol=5e-4)
    np.testing.assert_allclose(placed[:, 1], wanted[::-1], atol=5e-4)


def test_tables_do_not_quote_beyond_their_edge():
    strategy = MarketMaking.preset("cartea_jaimungal")
    actions = rules.optimum(strategy)(view_with(strategy, np.array([30.0, -30.0])))
    assert actions[0, 0] == 1.0
    assert actions[1, 1] == 1.0
    assert (actions < 1.0).sum() == 2


def test_a_finite_distance_is_always_a_quote():
    strategy = MarketMaking.preset("avellaneda_stoikov")
    wide = rules.actions_of(strategy, Quotes(np.array([99.0, np.inf, -99.0]), np.array([6.0, 1.0, 2.0])))
    assert wide[0, 0] < 1.0
    assert np.float32(wide[0, 0]) < 1.0
    assert wide[1, 0] == 1.0
    assert wide[2].tolist() == [-1.0, 0.0]


def test_microprice_moves_both_quotes():
    strategy = MarketMaking.preset("planted")
    view = view_with(strategy, np.zeros(64))
    placed = distances(strategy, rules.microprice(strategy)(view))
    shift = view.row["microprice"] - view.row["mid"]
    assert set(np.round(shift, 9)) == {-1.5, 1.5}
    np.testing.assert_allclose(placed, np.stack([1 - shift, 1 + shift], axis=1), atol=1e-9)


@pytest.mark.parametrize(
    "preset", ["default", "null", "planted", "avellaneda_stoikov", "cartea_jaimungal", "history"]
)
def test_every_rule_quotes_in_bounds(preset):
    strategy = MarketMaking.preset(preset)
    for name, rule in strategy.rules.items():
        if name == "optimum" and strategy.book:
            continue
        actions = rule(strategy)(view_with(strategy, strategy.quote_size * np.array([-3.0, 0.0, 2.4])))
        assert actions.shape == (3, 2), name
        assert np.isfinite(actions).all(), name
        assert (np.abs(actions) <= 1.0).all(), name


def test_quotes_lean_against_the_inventory():
    strategy = MarketMaking()
    for name in ("avellaneda_stoikov", "gueant_lehalle_fernandez_tapia", "cartea_jaimungal"):
        held = strategy.quote_size * np.arange(-6.0, 7.0)
        view = view_with(strategy, held)
        placed = distances(strategy, strategy.rules[name](strategy)(view)) / view.row["width"][:, None]
        rebate = 2e-4 * view.row["mid"] / view.row["width"]
        bid, ask = placed[:, 0] + rebate, placed[:, 1] + rebate
        free = (placed.min(axis=1) > 1e-9)[:-1] & (placed.min(axis=1) > 1e-9)[1:]
        assert (np.diff(bid)[free] > 0).all(), name
        assert (np.diff(ask)[free] < 0).all(), name


def test_days_are_counted_back_from_the_horizon():
    strategy = MarketMaking().with_steps(400)
    left = [rules._time(strategy, view_with(strategy, np.zeros(1), steps)) for steps in (0, 9, 10, 399)]
    assert [int(x[0]) for x in left] == [380, 389, 0, 389]


@pytest.mark.parametrize("changes", [
    {"book": True}, {"poisson": True}, {"flatten": True}, {"signal": 0.1},
])  # fmt: skip
def test_no_optimum_where_none_is_known(changes):
    with pytest.raises(InvalidParameter, match="no optimum is known"):
        rules.optimum(MarketMaking.preset("avellaneda_stoikov", **changes))
    rules.optimum(MarketMaking.preset("avellaneda_stoikov"))


def test_the_default_market_has_none():
    with pytest.raises(InvalidParameter, match="book"):
        rules.optimum(MarketMaking())


def test_effective_arrivals_count_what_a_quote_can_take():
    # orders exponential with mean 1.5 quotes: E min(v, 1) = 1.5 (1 - exp(-1/1.5))
    assert rules.effective(MarketMaking()).arrival_rate == pytest.approx(200 * 1.5 * (1 - math.exp(-1 / 1.5)))
    assert rules.effective(MarketMaking.preset("avellaneda_stoikov")).arrival_rate == 140.0
