"""The chain through brokers: the same identities, fills by the brokers' books, also over a line that fails."""

import dataclasses

import numpy as np
import pytest

from fund.errors import InvalidParameter
from fund.grandmodel.broker import BrokerPlayer, Limits, draw_faults
from fund.grandmodel.chain import EFFECTS, GrandModel
from fund.grandmodel.execution.strategy import Execution
from fund.grandmodel.strategic import Strategic
from fund.market.streams import Paths

CAPITAL = 2e7
MARKET = Execution(n_steps=30)


def targets_of(days, worlds, instruments, seed=0, size=30_000):
    draws = np.random.default_rng(seed).integers(-size // 100, size // 100, (days, worlds, instruments))
    return draws * 100.0


def faulty(number):
    return draw_faults(number, 4000, 0.03, 0.03, 0.03)


@pytest.mark.parametrize("faults", [lambda number: (), faulty], ids=["sound", "faulty"])
@pytest.mark.parametrize("instruments", [2, 3])
def test_the_chains_identities_hold_through_brokers(faults, instruments):
    """WF-5, G4, with a broker between: money to 1e-9, parent = fills + open, whole lots."""
    brokers = BrokerPlayer(faults=faults)
    found = GrandModel(MARKET).run(targets_of(3, 2, instruments), CAPITAL, brokers)
    told = found.paper + sum(found.effects.values()) - found.cost + found.financing
    np.testing.assert_allclose(np.diff(found.nav, axis=0), told, atol=1e-9 * CAPITAL)
    assert np.array_equal(found.filled + found.open, found.parents)
    assert not (found.filled % MARKET.size_increment).any()
    assert (found.filled * found.parents >= 0.0).all()
    # what the fund holds is what its brokers say that it holds
    for world in range(2):
        for pair in range(-(-instruments // 2)):
            theirs = brokers.accounts[world, pair].broker.statement().positions
            for k in range(min(2, instruments - 2 * pair)):
                held = found.position[-1, world, 2 * pair + k]
                assert theirs.get(f"instrument_{k + 1}", 0.0) == held


def test_the_funds_cash_is_the_brokers():
    """Cash at the brokers, less what was put there, is the fund's less its capital: no rate, two instruments."""
    brokers = BrokerPlayer()
    found = GrandModel(MARKET, cash_rate=0.0).run(targets_of(3, 1, 2), CAPITAL, brokers)
    account = brokers.accounts[0, 0]
    worth = float(account.gateway.ledger.books.nav[0]) - brokers.capital
    assert worth == pytest.approx(float(found.nav[-1, 0]) - CAPITAL, abs=1e-3)


def test_limits_of_the_brokers_leave_parents_open():
    brokers = BrokerPlayer(capital=1e5, limits=Limits(leverage=1.0))
    found = GrandModel(MARKET).run(np.full((1, 1, 2), 20_000.0), CAPITAL, brokers)
    assert (found.open > 0.0).any()
    assert (np.abs(found.filled[0, 0]) * 50.0).sum() <= 1.05e5
    told = found.paper + sum(found.effects[name] for name in EFFECTS) - found.cost + found.financing
    np.testing.assert_allclose(np.diff(found.nav, axis=0), told, atol=1e-9 * CAPITAL)


def test_the_same_run_twice():
    one, two = (
        GrandModel(MARKET).run(targets_of(2, 2, 2), CAPITAL, BrokerPlayer(faults=faulty)) for _ in range(2)
    )
    assert np.array_equal(one.nav, two.nav)


def test_brokers_play_execution_alone():
    with pytest.raises(InvalidParameter, match="execution stage alone"):
        BrokerPlayer()(Strategic(), None, Paths.of(0, 1))


def test_without_a_tape_it_is_drawn():
    played = BrokerPlayer()(
        dataclasses.replace(MARKET, parent_a=5_000.0, parent_b=5_000.0), None, Paths.of(0, 3)
    )
    assert played.nav.shape == (31, 3)
    assert (played.memory["open_a"] == 0.0).all()
    np.testing.assert_allclose(sum(played.lines.values()), played.nav[-1] - played.nav[0], rtol=1e-9)
