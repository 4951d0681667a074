"""The chain: the identity of its money (WF-5), closed forms of its execution (WF-4), conservation of orders, limits."""

import dataclasses

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import poisson

from fund.envs.play import play
from fund.errors import DataError, InvalidParameter
from fund.grandmodel import almgren_chriss
from fund.grandmodel.almgren_chriss import Liquidation
from fund.grandmodel.chain import EFFECTS, GrandModel
from fund.grandmodel.execution.strategy import Execution
from fund.grandmodel.intent import leaning

CAPITAL = 2e7
MARKET = Execution(n_steps=40)


def targets_of(days, worlds, instruments, seed=0, size=60_000):
    draws = np.random.default_rng(seed).integers(-size // 100, size // 100, (days, worlds, instruments))
    return draws * 100.0


def tilted(model):
    """Every stage replaced by something that does something."""
    draws = np.random.default_rng(1)
    return dataclasses.replace(
        model,
        strategic=leaning(lambda intent: draws.uniform(-1, 1, intent.target.shape), 0.2),
        tactical=lambda intent: draws.uniform(0.3, 1.0, intent.target.shape),
        risk=lambda intent: draws.uniform(0.5, 1.0, intent.target.shape),
        execution=MARKET.rules["twap"](MARKET),
    )


# --- WF-5: money ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [GrandModel(MARKET), tilted(GrandModel(MARKET))], ids=["rules", "tilted"])
@pytest.mark.parametrize("instruments", [1, 3])
def test_pnl_is_the_sum_of_its_parts(model, instruments):
    """WF-5: dNAV = desks' paper P&L + effects of the stages - execution cost + financing, each day, to 1e-9."""
    found = model.run(targets_of(4, 3, instruments), CAPITAL, play)
    told = found.paper + sum(found.effects.values()) - found.cost + found.financing
    np.testing.assert_allclose(np.diff(found.nav, axis=0), told, atol=1e-9 * CAPITAL)
    # the ledger's own lines say the same
    np.testing.assert_allclose(sum(found.lines.values()), found.nav[-1] - CAPITAL, atol=1e-9 * CAPITAL)
    np.testing.assert_allclose(found.lines["carry"], found.financing.sum(axis=0), rtol=1e-12)


def test_desks_paper_pnl_adds_up():
    """WF-5: the paper P&L of the sum of two desks is the sum of theirs, at the same mids."""
    desks = np.stack([targets_of(3, 2, 2, seed) for seed in (1, 2)])
    found = GrandModel(MARKET).run(desks, CAPITAL, play)
    moves = np.diff(found.price, axis=0)
    own = [(desk * moves).sum(axis=2) for desk in desks]
    np.testing.assert_allclose(found.paper, own[0] + own[1], rtol=1e-9, atol=1e-6)


def test_accounts_kept_by_hand():
    """Cash and NAV of each day from orders, prices and costs, in plain Python."""
    found = GrandModel(MARKET, cash_rate=0.05).run(targets_of(3, 1, 1), CAPITAL, play)
    cash, held = CAPITAL, 0.0
    for day in range(3):
        interest = cash * 0.05 / 252
        opened, closed = found.price[day, 0, 0], found.price[day + 1, 0, 0]
        bought = found.filled[day, 0, 0]
        # the shortfall is against the open
        cash += interest - bought * opened - found.cost[day, 0]
        held += bought
        assert held == found.position[day, 0, 0]
        assert cash + held * closed == pytest.approx(found.nav[day + 1, 0], abs=1e-6)


def test_rules_change_nothing_but_cost():
    """Hold the mandate, trade at the schedule, limits only: no effect, within the limits."""
    found = GrandModel(MARKET).run(targets_of(4, 3, 2, size=20_000), CAPITAL, play)
    for name in EFFECTS:
        assert not found.effects[name].any()
    np.testing.assert_array_equal(found.position, targets_of(4, 3, 2, size=20_000))


# --- orders ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [GrandModel(MARKET), tilted(GrandModel(MARKET))], ids=["rules", "tilted"])
def test_parent_is_fills_plus_open(model):
    """G4, WF-4: exactly, whole lots, every day; no fill without an order."""
    found = model.run(targets_of(5, 4, 3), CAPITAL, play)
    assert np.array_equal(found.filled + found.open, found.parents)
    assert not (found.filled % MARKET.size_increment).any()
    assert (found.filled * found.parents >= 0.0).all()
    assert (np.abs(found.filled) <= np.abs(found.parents)).all()
    before = np.concatenate([np.zeros_like(found.position[:1]), found.position[:-1]])
    assert np.array_equal(found.position, before + found.filled)


def test_what_is_left_open_is_tomorrows_gap():
    half = dataclasses.replace(GrandModel(MARKET), tactical=lambda intent: np.full_like(intent.target, 0.5))
    wanted = np.full((4, 1, 1), 40_000.0)
    assert half.run(wanted, CAPITAL, play).position[:, 0, 0].tolist() == [20_000, 30_000, 35_000, 37_500]


def test_no_order_no_cost():
    found = GrandModel(MARKET, cash_rate=0.0).run(np.zeros((3, 2, 2)), CAPITAL, play)
    assert (found.nav == CAPITAL).all()
    assert not found.cost.any()


# --- bounds ---------------------------------------------------------------------------------------------------


def test_strategic_is_kept_to_its_tilt():
    wild = GrandModel(MARKET, tilt=0.1, strategic=lambda intent: 100.0 * intent.target)
    found = wild.run(np.full((1, 2, 1), 10_000.0), CAPITAL, play)
    assert found.position[0].tolist() == [[11_000.0], [11_000.0]]
    assert found.effects["strategic"] == pytest.approx(
        1_000.0 * np.diff(found.price, axis=0)[0, :, 0][None], rel=1e-9
    )


def test_limits_hold_whatever_the_stages_say():
    """E3: leverage and VaR, at the marks at which was traded."""
    model = GrandModel(MARKET, leverage=0.5, risk=lambda intent: np.full_like(intent.target, 9.0))
    found = model.run(targets_of(4, 4, 2, size=500_000), 1e6, play)
    gross = (np.abs(found.position) * found.price[:-1]).sum(axis=2)
    assert (gross <= 0.5 * found.nav[:-1] + 1e-6).all()
    tight = GrandModel(MARKET, leverage=100.0, var_threshold=0.001)
    one = tight.run(np.full((1, 1, 1), 1e6), 1e6, play).position[0, 0, 0]
    assert one == np.floor(0.001 * 1e6 / (1.6448536 * tight.deviation) / 100) * 100


def test_stages_see_nothing_of_the_day():
    """C5: a stage is told mids and volumes of the days before, and the open."""
    seen = []

    def look(intent):
        seen.append((intent.mids.copy(), intent.price.copy(), intent.volumes.shape))
        return intent.target

    found = GrandModel(MARKET, strategic=look).run(targets_of(3, 2, 3), CAPITAL, play)
    for day, (mids, price, volumes) in enumerate(seen):
        assert mids.shape == volumes == (40 * day, 2, 3)
        assert np.array_equal(price, found.price[day])
        if day:
            np.testing.assert_array_equal(mids[0], found.price[0])
            np.testing.assert_array_equal(mids[40 * (day - 1)], found.price[day - 1])


def test_same_seed_same_run():
    one, two = (GrandModel(MARKET).run(targets_of(2, 2, 2), CAPITAL, play, seed=5) for _ in range(2))
    other = GrandModel(MARKET).run(targets_of(2, 2, 2), CAPITAL, play, seed=6)
    assert np.array_equal(one.nav, two.nav)
    assert not np.array_equal(one.nav, other.nav)


def test_worlds_are_the_same_alone():
    """D2: world i of n is the world of its own seed."""
    together = GrandModel(MARKET).run(targets_of(3, 3, 3), CAPITAL, play, seed=7)
    alone = GrandModel(MARKET).run(targets_of(3, 3, 3)[:, 1:2], CAPITAL, play, seed=8)
    assert np.array_equal(together.nav[:, 1], alone.nav[:, 0])


def test_a_trained_policy_takes_the_place_of_a_rule():
    """Any policy of the execution stage, by its effect in money: never worse routing than none at all."""
    wanted = np.tile(np.array([60_000.0, 0.0]), 2)[:, None, None] * np.ones((4, 40, 1))
    rule = GrandModel(MARKET).run(wanted, CAPITAL, play)
    slow = GrandModel(MARKET, execution=MARKET.rules["at_once"](MARKET)).run(wanted, CAPITAL, play)
    np.testing.assert_array_equal(rule.paper, slow.paper)
    gain = (slow.cost - rule.cost).sum(axis=0)
    assert gain.mean() > 3.0 * gain.std() / 40**0.5


# --- WF-4: closed forms ---------------------------------------------------------------------------------------

STEPS, PARENT, DEPTH, HALF, FEE, REBATE, PENALTY, QUEUE, FLOW = (
    8,
    8_000.0,
    1e5,
    0.02,
    0.003,
    0.002,
    0.05,
    900.0,
    1100.0,
)
CLOSED = Execution.preset(
    "cont_kukanov", n_steps=STEPS, parent_a=PARENT, parent_b=PARENT, volatility=0.05, depth=DEPTH, risk_aversion=2e-5,
    queue_steps=QUEUE / FLOW, daily_volume=FLOW * 390, capital=1e7,
)  # fmt: skip


def placement(size):
    """Least expected cost of one slice: Cont and Kukanov's with quadratic market orders, by summing all outflows."""
    outflow = np.arange(1800.0)
    chance = poisson.pmf(outflow, FLOW)

    def cost(market):
        posted = size - market
        filled = np.minimum(np.maximum(outflow - QUEUE, 0.0), posted)
        rest = posted - filled
        dear = (HALF + FEE) * market + market**2 / DEPTH
        return dear + float(chance @ (-(HALF + REBATE) * filled + PENALTY * rest + rest**2 / DEPTH))

    return float(minimize_scalar(cost, bounds=(0.0, size), method="bounded").fun)


def closed_form():
    """Sum over the slices of Almgren and Chriss's schedule."""
    order = Liquidation(PARENT, float(STEPS), STEPS, CLOSED.move, HALF, 0.0, 1.0 / DEPTH)
    slices = -np.diff(almgren_chriss.holdings(order, 2e-5))
    assert slices[0] > 1.3 * slices[-1]  # the schedule is not TWAP
    return sum(placement(size) for size in slices)


def test_shortfall_is_the_closed_forms():
    """WF-4: the chain with its rules, against Almgren-Chriss and Cont-Kukanov: at most 1.03 of it, and not below."""
    worlds = 800
    wanted = np.full((1, worlds, 2), -PARENT)
    model = GrandModel(CLOSED, leverage=1e9, var_threshold=1e9, cash_rate=0.0)
    found = model.run(wanted, 1e7, play)
    assert np.array_equal(found.filled, found.parents)
    moves = found.paper[0] - (found.position[0] * np.diff(found.price, axis=0)[0]).sum(axis=1)
    assert not moves.any()
    # the mid's own moves on what was open are noise of mean 0: cost without them
    cost = cost_without_moves(model, worlds)
    wanted_cost = 2.0 * closed_form()
    error = cost.std() / worlds**0.5
    assert cost.mean() <= 1.03 * wanted_cost
    assert cost.mean() >= wanted_cost - 3.0 * error
    assert found.cost[0].mean() == pytest.approx(wanted_cost, abs=4.0 * found.cost[0].std() / worlds**0.5)


def cost_without_moves(model, worlds):
    """Shortfall less what the mids did to the open quantity, by the execution stage's own account."""
    from fund.grandmodel.execution.market import record
    from fund.market.streams import Paths

    paths = Paths.of(0, worlds)
    tape = record(CLOSED, paths, None, np.full((worlds, 2), -PARENT))
    game = play(CLOSED, CLOSED.rules["cont_kukanov"](CLOSED), paths, tape)
    return game.nav[0] - game.nav[-1] - game.memory["moves"]


def test_what_cannot_be_run_is_refused():
    with pytest.raises(InvalidParameter, match="tilt"):
        GrandModel(tilt=2.0)
    with pytest.raises(InvalidParameter, match="leverage"):
        GrandModel(leverage=0.0)
    with pytest.raises(DataError, match="wanted"):
        GrandModel(MARKET).run(np.zeros((2, 2)), CAPITAL, play)
