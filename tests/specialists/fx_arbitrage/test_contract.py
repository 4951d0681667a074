"""The law that holds for every strategy, over this desk's presets and a record."""

import numpy as np
import pytest

from fund.envs.batch import Batch
from fund.envs.contract import CHECKS, adversarial
from fund.errors import InvalidParameter, UnknownName
from fund.market.history import History
from fund.market.streams import Paths
from specialists.fx_arbitrage.strategy import FxArbitrage


def walk_history(rows=700):
    generator = np.random.default_rng(3)
    eur, jpy = np.exp(np.cumsum(0.005 * generator.standard_normal((rows, 2)), axis=0)).T
    cross = 1.1 * eur * 110.0 * jpy * np.exp(1e-5 * generator.standard_normal(rows))
    rates = 0.02 + 0.005 * np.cumsum(0.02 * generator.standard_normal((rows, 3)), axis=0)
    days = np.arange(rows) * 86_400_000_000
    names = ("EURUSD", "USDJPY", "EURJPY", "EUR_rate", "USD_rate", "JPY_rate")
    values = np.column_stack([1.1 * eur, 110.0 * jpy, cross, rates])
    return History(names, values, days, "local date", "walks")


WORLDS = {name: FxArbitrage.preset(name) for name in FxArbitrage.presets if name != "history"}
WORLDS["recorded"] = FxArbitrage.preset("history", n_steps=250, history=walk_history())
WORLDS["late"] = FxArbitrage(latency=3)
WORLDS["small"] = FxArbitrage(size=3e5)


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("world", WORLDS)
def test_contract(world, check):
    if check == "features_speak" and world not in ("default", "late", "small"):
        pytest.skip("a world without deviations, spreads or sizes of its own has nothing to show of them")
    CHECKS[check](WORLDS[world])


LEVERED = FxArbitrage(position_limit=12.0, base_volatility=0.5, terms_volatility=0.5, n_steps=60)


@pytest.mark.parametrize(
    "check", ["money_adds_up", "limits_hold", "reward_is_its_parts", "state_round_trips", "ends_are_named"]
)
def test_contract_where_accounts_are_closed_out(check):
    CHECKS[check](LEVERED)


def test_a_close_out_ends_one_path_as_it_ends_the_single_episode():
    actions = adversarial(LEVERED, 60, 32)
    together = Batch(LEVERED, 32)
    together.reset(11)
    over, navs = np.zeros(32, dtype=bool), []
    for action in actions:
        over |= together.step(action).terminated
        navs.append(together.ledger.books.nav.copy())
    assert 0 < over.sum() < 32
    closed = together.memory()["wait"] == -1.0
    assert closed.any()
    assert not (np.abs(together.ledger.books.position[:, closed]) > 1e-6).any()
    for i in (0, 13, 31):
        alone = Batch(LEVERED, 1)
        alone.reset(11 + i)
        for t, action in enumerate(actions):
            if alone.ended.all():
                break
            alone.step(action[i : i + 1])
            assert alone.ledger.books.nav[0] == navs[t][i]


def test_unknown_worlds_and_numbers_are_refused():
    with pytest.raises(UnknownName, match="carry"):
        FxArbitrage(market="cary")
    for wrong in ({"size": 0.0}, {"cost_rate": -0.1}, {"correlation": 1.0}, {"currencies": "EUR,USD"}):
        with pytest.raises(InvalidParameter, match=next(iter(wrong))):
            FxArbitrage.preset(**wrong)
    with pytest.raises(InvalidParameter, match="daily"):
        FxArbitrage(steps_per_day=24)


@pytest.mark.parametrize("policy", ["random", "flip_flop", "all_in", "constant"])
def test_nobody_earns_on_the_null_market(policy):
    from fund.envs import play as players

    strategy = FxArbitrage.preset("null")
    turn = [1.0]

    def flip_flop(view):
        turn[0] = -turn[0]
        return np.full((view.n, 3), 0.5 * turn[0])

    policies = {
        "random": players.random(strategy),
        "flip_flop": flip_flop,
        "all_in": players.constant(strategy, [1.0, 1.0, 1.0]),
        "constant": players.constant(strategy, [0.3, -0.2, 0.1]),
    }
    played = players.play(strategy, policies[policy], Paths.of(0, 1000))
    pnl = played.nav[-1] - played.nav[0]
    assert pnl.mean() <= 3.0 * pnl.std() / np.sqrt(len(pnl))
