"""The risk stage: limits, stops, scenarios, the scaling line (RK-8), bonuses, and what can be asked about the book."""

import dataclasses

import numpy as np
import pytest

from fund.account.tail_risk import kupiec, normal_var
from fund.envs import play
from fund.envs.batch import Batch
from fund.envs.contract import CHECKS, adversarial
from fund.envs.rounds import Rounds
from fund.errors import InvalidParameter, UnknownName
from fund.grandmodel.risk.layout import ASSETS
from fund.grandmodel.risk.stage import RiskStage
from fund.grandmodel.risk.strategy import RiskManagement
from fund.grandmodel.value_at_risk import historical
from fund.market.streams import Paths
from fund.strategy import names

QUIET = {
    "black_swan": 0.0, "flash_crash": 0.0, "correlation_spike": 0.0, "liquidity_drought": 0.0, "weather": False,
}  # fmt: skip
WORLDS = {
    "default": RiskManagement(),
    "null": RiskManagement.preset("null"),
    "planted": RiskManagement.preset("planted"),
    "tight": RiskManagement(var_threshold=0.01, max_position=0.5, atr_multiplier=0.5, correlation_limit=0.2),
}


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("world", WORLDS)
def test_contract(world, check):
    if check == "features_speak" and world in ("null", "planted"):
        pytest.skip("a market without droughts has constant liquidity")
    CHECKS[check](WORLDS[world])


def played(strategy, policy, n=1000, seed=0):
    return play.play(strategy, policy, Paths.of(seed, n))


def constant(*choices):
    return lambda view: np.tile(np.array(choices, dtype=float), (view.n, 1))


# --- RK-8: the scaling line -----------------------------------------------------------------------------------


def mean_and_cvar(game):
    """Mean and CVaR 95 of the episode's P&L, per unit of capital."""
    earned = game.nav[-1] / game.strategy.capital - 1.0
    return float(earned.mean()), float(historical(earned, 0.95).es), earned


def test_scaled_exposures_lie_on_the_line():
    """RK-8: at size c of the full one mean and CVaR are c times those at full size."""
    full = mean_and_cvar(played(RiskManagement.preset("iid"), constant(2, 2, 2, 2)))
    for c in (0.25, 0.5, 0.75):
        found = mean_and_cvar(played(RiskManagement.preset("iid", initial_size=c), constant(2, 2, 2, 2)))
        assert found[0] == pytest.approx(c * full[0], rel=1e-9)
        assert found[1] == pytest.approx(c * full[1], rel=1e-9)


@pytest.mark.parametrize("rule", RiskManagement.rules)
def test_no_rule_is_above_the_line_of_iid_returns(rule):
    """RK-8: above it by more than 3 standard errors would be look-ahead."""
    world, n = RiskManagement.preset("iid"), 2000
    mean, cvar, full = mean_and_cvar(played(world, constant(2, 2, 2, 2), n))
    own_mean, own_cvar, own = mean_and_cvar(played(world, world.rules[rule](world), n))
    c = own_cvar / cvar  # the scaling that has the same CVaR
    gap = own - c * full
    # the CVaR's own error enters by c: a bootstrap of the whole statistic
    draws, gaps = np.random.default_rng(0), []
    for _ in range(200):
        pick = draws.integers(n, size=n)
        ratio = float(historical(own[pick], 0.95).es) / float(historical(full[pick], 0.95).es)
        gaps.append(own[pick].mean() - ratio * full[pick].mean())
    assert gap.mean() == pytest.approx(own_mean - c * mean, abs=1e-12)
    assert gap.mean() <= 3.0 * np.std(gaps) + 1e-12


def test_random_actions_are_not_above_the_line():
    world, n = RiskManagement.preset("iid"), 2000
    mean, cvar, _ = mean_and_cvar(played(world, constant(2, 2, 2, 2), n))
    generator = np.random.default_rng(1)
    own_mean, own_cvar, own = mean_and_cvar(
        played(world, lambda view: generator.integers(5, size=(view.n, 4)).astype(float), n)
    )
    assert own_mean - own_cvar / cvar * mean <= 3.0 * own.std() / n**0.5


# --- money, positions and limits ------------------------------------------------------------------------------


def one_step(strategy, actions=(2, 2, 2, 2), seed=0, n=1):
    batch = Batch(strategy, n)
    batch.reset(seed)
    row = {name: values.copy() for name, values in batch.view().row.items()}
    batch.step(np.tile(np.array(actions, dtype=float), (n, 1)))
    return batch, row


def test_mandate_is_held_by_its_convictions():
    """Worked by hand: shares of .4 NAV in proportion to the convictions, none above .1."""
    world = RiskManagement.preset("default", **QUIET, kelly_fraction=0.0, emergency_protocols=False)
    batch, row = one_step(world, n=50)
    conviction = np.array([row[f"mandate_{k}"] for k in ASSETS])
    weight = np.minimum(np.abs(conviction) / np.abs(conviction).sum(axis=0), 0.4)
    wanted = np.sign(conviction) * np.minimum(0.4 * weight, 0.1) * 1e6
    prices = np.array([row[f"price_{k}"] for k in ASSETS])
    # a gap below 5 % of the full exposure is still traded, because nothing is held yet
    np.testing.assert_allclose(batch.ledger.books.position * prices, wanted, rtol=1e-9)


def test_kelly_share_by_hand():
    """.25 (S v |s| - r) / v^2."""
    world = RiskManagement.preset("iid", kelly_fraction=0.25, risk_free_rate=0.3, expected_sharpe=2.0)
    batch, row = one_step(world)
    for k in ASSETS:
        v = row[f"volatility_{k}"][0] * (252 * 78) ** 0.5
        wanted = min(max(0.25 * (2.0 * v - 0.3) / v**2, 0.0), 0.1) * 1e6
        held = batch.ledger.books.position[k - 1, 0] * row[f"price_{k}"][0]
        assert held == pytest.approx(min(wanted, 1e5), rel=1e-9)


def test_var_limit_cuts_to_the_threshold():
    """S120, S125: with protocols the VaR of what is traded to is the threshold where it would be above."""
    free = RiskManagement.preset("iid", max_position=1.0)
    bound = RiskManagement.preset("iid", max_position=1.0, emergency_protocols=True)
    (loose, row), (tight, _) = one_step(free), one_step(bound)
    deviation = np.array([row[f"volatility_{k}"][0] for k in ASSETS])
    correlation = np.eye(4)
    for i in range(4):
        for j in range(i + 1, 4):
            correlation[i, j] = correlation[j, i] = row[f"correlation_{i + 1}{j + 1}"][0]
    prices = np.array([row[f"price_{k}"][0] for k in ASSETS])

    def var(batch):
        x = batch.ledger.books.position[:, 0] * prices * deviation / 1e6
        return normal_var(0.95) * (10 * 78) ** 0.5 * (x @ correlation @ x) ** 0.5

    assert var(loose) > 0.05
    assert var(tight) == pytest.approx(0.05, rel=1e-9)


def test_stop_and_target_close_positions():
    """S119: an asset that ran two ATR against its entry is closed and stays out; four ATR in favour likewise."""
    world = RiskManagement.preset("iid", stops_on=True, cooldown=3.0, n_steps=10)
    tape = world.record(Paths.of(0, 2))
    columns = names(world.step.columns)
    prices, atr = tape.block[:, columns.index("price_1")], tape.block[0, columns.index("atr_1")]
    prices[1:, 0] = prices[0, 0] - 2.01 * atr[0]
    prices[1:, 1] = prices[0, 1] + 4.01 * atr[1]
    tape.block[:, columns.index("atr_1")] = atr
    batch = Batch(world, tape=tape)
    batch.reset(0)
    held = []
    for _ in range(6):
        batch.step(np.full((2, 4), 2.0))
        held.append(batch.ledger.books.position[0] != 0.0)
    # in at row 0; seen and closed at row 1, out for 3 bars, in again
    assert [bool(h[0]) for h in held] == [True, False, False, False, True, True]
    assert [bool(h[1]) for h in held] == [True, False, False, False, True, True]
    assert batch.memory()["stops"].tolist() == [1.0, 0.0]
    assert batch.memory()["targets"].tolist() == [0.0, 1.0]


def test_dynamic_adjustment_can_be_switched_off():
    for on, wanted in ((True, 2.8), (False, 2.0)):
        batch, _ = one_step(RiskManagement(dynamic_adjustment=on), (2, 4, 2, 2))
        assert batch.memory()["multiple"][0] == pytest.approx(wanted)


def test_max_weight_and_correlation_limit():
    """S121: one conviction alone gets .4 of the exposure; two alike above the limit are scaled down to it."""
    world = RiskManagement.preset("iid", max_position=1.0, correlation_limit=0.7)
    tape = world.record(Paths.of(0, 1))
    columns = names(world.step.columns)
    for k, conviction in enumerate((1.0, 0.0, 0.0, 0.0)):
        tape.block[:, columns.index(f"mandate_{k + 1}")] = conviction
    batch = Batch(world, tape=tape)
    batch.reset(0)
    batch.step(np.full((1, 4), 2.0))
    held = batch.ledger.books.position[:, 0] * 100.0 / 1e6
    assert held == pytest.approx([min(4 * 0.4, 1.0), 0.0, 0.0, 0.0])
    tape.block[:, columns.index("mandate_2")] = 1.0
    tape.block[:, columns.index("correlation_12")] = 0.9
    batch.reset(0)
    batch.step(np.full((1, 4), 2.0))
    held = batch.ledger.books.position[:, 0] * 100.0 / 1e6
    assert held[:2] == pytest.approx([min(4 * 0.4 * 0.7 / 0.9, 1.0)] * 2)


def test_small_gaps_are_not_traded():
    """S121: below the rebalance threshold positions drift."""
    drifting = RiskManagement.preset("iid", rebalance_threshold=0.05, n_steps=30)
    always = RiskManagement.preset("iid", n_steps=30)
    one, two = (played(world, constant(2, 2, 2, 2), 20).traded for world in (drifting, always))
    assert (one < two).all()
    assert one == pytest.approx(np.full(20, 4e5), rel=1e-9)  # bought once, then only drift


@pytest.mark.parametrize("agent", [0, 1, 2, 3])
def test_every_agents_actions_matter(agent):
    """A permutation of one agent's actions among the paths changes what happens."""
    world = RiskManagement(n_steps=200, atr_multiplier=0.5)
    generator = np.random.default_rng(0)
    actions = generator.choice([1.0, 2.0, 3.0], size=(200, 16, 4))
    other = actions.copy()
    other[:, :, agent] = np.roll(actions[:, :, agent], 1, axis=1)
    ends = []
    for stream in (actions, other):
        batch = Batch(world, 16)
        batch.reset(0)
        for action in stream:
            batch.step(action)
        ends.append(batch.ledger.books.nav.copy())
    assert (ends[0] != ends[1]).mean() > 0.7


def test_choices_move_the_settings():
    batch, _ = one_step(RiskManagement(initial_size=0.5), (0, 0, 0, 0))
    memory = batch.memory()
    found = [float(memory[name][0]) for name in ("size", "multiple", "cap", "blend")]
    assert found == pytest.approx([0.25, 1.2, 0.5, 0.5])
    batch, _ = one_step(RiskManagement(initial_size=0.5), (3, 3, 3, 1))
    found = [float(batch.memory()[name][0]) for name in ("size", "multiple", "cap", "blend")]
    assert found == pytest.approx([0.6, 2.3, 1.0, 0.2])


# --- scenarios ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scenario", ["black_swan", "flash_crash", "correlation_spike", "liquidity_drought"])
def test_scenarios_change_the_path_not_the_start(scenario):
    """S126: up to the onset the market is the quiet one, bit for bit; from there it is another."""
    with_it = RiskManagement(**{**QUIET, scenario: 1.0}).record(Paths.of(0, 200))
    without = RiskManagement(**QUIET).record(Paths.of(0, 200))
    same = (with_it.block == without.block).all(axis=1)
    assert same[0].all()
    struck = ~same[-1]
    # a Poisson number of mean 1 in 500 bars strikes .632 of the paths
    assert struck.mean() == pytest.approx(1.0 - np.exp(-1.0), abs=4 * 0.034)
    first = np.argmin(same, axis=0)[struck]
    assert first.std() > 100.0


def windows(scenario, column, length, skip=0):
    """`column` from the onset of the scenario on, for paths that it strikes once; and the quiet market's."""
    found, quiet = [], []
    with_it = RiskManagement(**{**QUIET, scenario: 0.5}).record(Paths.of(0, 400))
    without = RiskManagement(**QUIET).record(Paths.of(0, 400))
    same = (with_it.block == without.block).all(axis=1)
    for path in np.flatnonzero(~same[-1]):
        at = int(np.argmin(same[:, path])) + skip
        if at + length < 500:
            found.append(with_it[column][at : at + length, path])
            quiet.append(without[column][at : at + length, path])
    return np.array(found), np.array(quiet)


def test_a_scenario_is_no_news_before_its_first_bar_is_over():
    """C5: the row at which it begins shows nothing of it; the first fall is in the next row's price."""
    struck, without = (
        RiskManagement(**{**QUIET, "black_swan": rate}).record(Paths.of(0, 200)) for rate in (1.0, 0.0)
    )
    same = (struck.block == without.block).all(axis=1) & (struck.features == without.features).all(axis=2)
    paths = np.flatnonzero(~same.all(axis=0))
    first = np.argmin(same[:, paths], axis=0)
    moved = struck["price_1"][first, paths] / without["price_1"][first, paths]
    assert (moved != 1.0).all()
    assert np.median(moved) == pytest.approx(0.97, abs=0.004)


def test_black_swan_falls_and_goes_on_falling():
    prices, quiet = windows("black_swan", "price_1", 60)
    extra = prices / quiet
    assert np.median(extra[:, 0]) == pytest.approx(1.0 - 0.03, abs=0.004)
    assert np.median(extra[:, -1]) < np.median(extra[:, 0]) - 0.02


def test_flash_crash_recovers_most():
    prices, quiet = windows("flash_crash", "price_1", 30)
    extra = np.median(prices / quiet, axis=0)
    assert extra[5] == pytest.approx(1.0 - 6 * 0.008, abs=0.008)
    assert extra[18] - extra[5] > 0.6 * (1.0 - extra[5])


def test_correlation_spike_is_seen_as_one():
    found, quiet = windows("correlation_spike", "mean_correlation", 100)
    assert found[:, 80].mean() > 0.75
    assert quiet[:, 80].mean() == pytest.approx(0.3, abs=0.06)


def test_liquidity_drought_makes_trading_dear():
    found, quiet = windows("liquidity_drought", "cost", 90)
    np.testing.assert_allclose(found, quiet / 0.15, rtol=1e-9)


def test_estimates_are_causal_and_right():
    """EWMA volatility and correlation of a market of constant ones are near them."""
    world = RiskManagement(**QUIET, season=0.0, clustering=False)
    tape = world.record(Paths.of(0, 300))
    for k, factor in enumerate((0.8, 0.9, 1.1, 1.2)):
        wanted = 0.3 * factor / (252 * 78) ** 0.5
        assert np.sqrt((tape[f"volatility_{k + 1}"][100:] ** 2).mean()) == pytest.approx(wanted, rel=0.02)
    assert tape["mean_correlation"][100:].mean() == pytest.approx(0.3, abs=0.03)
    returns = tape["price_1"][1:] / tape["price_1"][:-1] - 1.0
    assert returns.std() == pytest.approx(0.3 * 0.8 / (252 * 78) ** 0.5, rel=0.02)


def test_var_of_a_bar_is_exceeded_as_often_as_it_says():
    """S123: coverage of the EWMA VaR of the book, in the iid market, one bar ahead, by Kupiec."""
    world = RiskManagement.preset("iid", n_steps=400)
    batch = Batch(world, 200)
    batch.reset(0)
    hits, days = 0, 0
    for _ in range(400):
        before, var = batch.ledger.books.nav.copy(), batch.memory()["var"] / (10 * 78) ** 0.5
        batch.step(np.full((200, 4), 2.0))
        if batch.clock[0] > 100:
            hits += int((batch.ledger.books.nav - before < -var * world.capital).sum())
            days += 200
    # the EWMA of 33 bars is itself uncertain: about half a per cent more than nominal (RK-7's effect)
    assert hits / days == pytest.approx(0.055, abs=0.006)
    assert kupiec(round(0.055 * 250), 250, 0.05).p_value > 0.5


# --- bonuses and rules ----------------------------------------------------------------------------------------


def saw(view):
    """Halve and restore blindly, all the time."""
    turn = 0.0 if int(view.clock[0]) % 10 < 3 else 4.0
    return np.tile(np.array([turn, 2.0, 2.0, 2.0]), (view.n, 1))


BLIND = {
    "still": constant(2, 2, 2, 2),
    "full": constant(4, 4, 4, 4),
    "none": constant(0, 0, 0, 0),
    "saw": saw,
}


@pytest.mark.parametrize("policy", BLIND.values(), ids=BLIND)
def test_emergency_bonus_is_worth_nothing_to_the_blind(policy, parts_total):
    """S131: who does nothing, holds nothing or halves without looking earns none."""
    world = RiskManagement(black_swan=1.0)
    found = parts_total(world, policy)["emergency"]
    assert found.mean() <= 0.0 + 3.0 * found.std() / 400**0.5
    earned = parts_total(world, world.rules["crisis_response"](world))["emergency"]
    assert earned.mean() > 0.1
    assert earned.mean() > found.mean() + 10.0 * earned.std() / 400**0.5


def test_var_bonus_is_worth_nothing_to_the_flat_and_to_the_reckless(parts_total):
    """S129: it is paid for VaR that is used within the limit."""
    world = RiskManagement(**QUIET)
    flat = parts_total(RiskManagement(**QUIET, initial_size=0.0), constant(0, 2, 2, 2))["var_compliance"]
    assert not flat.any()
    wild = RiskManagement(**QUIET, max_position=1.0, max_weight=1.0, emergency_protocols=False, kelly_fraction=0.0,
                          correlation_limit=1.0, stops_on=False)  # fmt: skip
    reckless = parts_total(wild, constant(4, 2, 4, 2))["var_compliance"]
    assert reckless.mean() < 0.002
    kept = parts_total(world, constant(2, 2, 2, 2))["var_compliance"]
    assert 0.03 < kept.mean() < world.var_bonus
    assert kept.max() <= world.var_bonus


def test_drawdown_penalty_is_half_the_worst_drawdown():
    """S130."""
    world = RiskManagement(n_steps=200)
    batch = Batch(world, 50)
    batch.reset(0)
    navs, total = [batch.ledger.books.nav.copy()], np.zeros(50)
    for _ in range(200):
        batch.step(np.full((50, 4), 2.0))
        navs.append(batch.ledger.books.nav.copy())
        total += dict(zip(batch.part_names, batch.parts, strict=True))["drawdown"]
    nav = np.array(navs)
    worst = (1.0 - nav / np.maximum.accumulate(nav, axis=0)).max(axis=0)
    np.testing.assert_allclose(total, -0.5 * worst, rtol=1e-9, atol=1e-12)


def test_variance_is_priced():
    """S128: half the risk aversion times the squared P&L over the capital."""
    world = RiskManagement(n_steps=20)
    batch = Batch(world, 10)
    batch.reset(0)
    for _ in range(20):
        before = batch.ledger.books.nav.copy()
        batch.step(np.full((10, 4), 2.0))
        change = batch.ledger.books.nav - before
        found = dict(zip(batch.part_names, batch.parts, strict=True))["risk"]
        np.testing.assert_allclose(found, -0.5 * 10.0 * (change / 1e6) ** 2 * 100.0, rtol=1e-9, atol=1e-18)


def test_null_market_earns_nothing():
    null, n = RiskManagement.preset("null"), 1000
    for rule in null.rules.values():
        gain = played(null, rule(null), n).nav[-1] - null.capital
        assert gain.mean() <= 3.0 * gain.std() / n**0.5


def test_planted_crises_pay_who_sees_them():
    """Paired with the limits alone: P&L and reward, by more than 10 standard errors."""
    world, n = RiskManagement.preset("planted"), 1000
    still, sees = (played(world, world.rules[r](world), n) for r in ("limits_only", "prudent"))
    for gain in (sees.nav[-1] - still.nav[-1], sees.reward - still.reward):
        assert gain.mean() > 10.0 * gain.std() / n**0.5


def test_default_market_has_something_to_learn():
    """The response to crises beats the limits alone, and cuts the tail."""
    world, n = RiskManagement(), 2000
    still, sees = (played(world, world.rules[r](world), n) for r in ("limits_only", "crisis_response"))
    gain = sees.reward - still.reward
    assert gain.mean() > 5.0 * gain.std() / n**0.5
    assert world.statistics(sees)["cvar_95"] < world.statistics(still)["cvar_95"]
    assert world.statistics(still)["return_mean"] > 0.0


# --- the stage ------------------------------------------------------------------------------------------------


def rounds_after(steps, stage=None, seed=3):
    rounds = Rounds(stage or RiskStage(), 2, seed)
    rounds.reset(seed)
    for _ in range(steps):
        rounds.step({name: np.full(2, 2) for name in rounds.agents})
    return rounds


def test_var_metrics_are_real():
    """S132: four methods of one book; the parametric one is that of numpy, the step's own is the same."""
    rounds = rounds_after(120)
    stage, scene = rounds.stage, rounds.scene()
    found = stage.var_metrics(scene, 1)
    weight, sigma = stage.exposures(scene, 1), stage.covariance(scene, 1)
    wanted = 1.6448536 * float(weight @ sigma @ weight) ** 0.5 * (10 * 78) ** 0.5
    assert found["parametric_var"] == pytest.approx(wanted, rel=1e-6)
    assert found["parametric_var"] == pytest.approx(float(scene.view.memory["var"][1]), rel=1e-2)
    assert found["monte_carlo_var"] == pytest.approx(wanted, rel=0.08)
    for method in ("historical", "ewma"):
        assert 0.3 * wanted < found[f"{method}_var"] < 3.0 * wanted
    assert all(
        found[f"{m}_es"] > found[f"{m}_var"] for m in ("parametric", "historical", "monte_carlo", "ewma")
    )
    assert found == stage.var_metrics(scene, 1)


def test_correlation_matrix_is_one():
    """S133."""
    scene = rounds_after(50).scene()
    found = RiskStage().correlation_matrix(scene, 0)
    np.testing.assert_array_equal(found, found.T)
    assert (np.diag(found) == 1.0).all()
    assert found[0, 2] == scene.view.row["correlation_13"][0]
    off = found[np.triu_indices(4, 1)]
    assert off.mean() == pytest.approx(float(scene.view.row["mean_correlation"][0]), rel=1e-9)


def test_alerts_are_what_is_beyond_its_threshold():
    """S134."""
    stage = RiskStage(
        strategy=RiskManagement(var_threshold=1e-4, correlation_threshold=-1.0, emergency_protocols=False)
    )
    rounds = rounds_after(5, stage)
    alerts = {a["alert"]: a for a in stage.risk_alerts(rounds.scene(), 0)}
    assert {"var", "correlation"} <= set(alerts)
    assert all(a["value"] > a["threshold"] for a in alerts.values())
    quiet = RiskStage(strategy=RiskManagement(**QUIET, var_threshold=0.9, correlation_threshold=0.99))
    assert quiet.risk_alerts(rounds_after(5, quiet).scene(), 0) == []


def test_state_shows_the_settings():
    rounds = rounds_after(1)
    assert rounds.state().shape == (2, 14)
    assert rounds.state()[0, -4:].tolist() == [1.0, 2.0, 1.0, 0.0]
    assert len(rounds.stage.state_names) == 14


def test_rewards_of_agents_add_up():
    """G2."""
    stage = RiskStage(strategy=RiskManagement(n_steps=60))
    rounds, batch = Rounds(stage, 8, 0), Batch(stage.strategy, 8)
    rounds.reset(3)
    batch.reset(3)
    generator = np.random.default_rng(0)
    for _ in range(60):
        choice = generator.integers(5, size=(8, 4))
        out, alone = rounds.step(stage.split(choice)), batch.step(choice.astype(float))
        np.testing.assert_allclose(out.reward.sum(axis=1), alone.reward, rtol=1e-12, atol=1e-12)


def test_numbers_between_choices_act_as_the_nearest():
    """The contract kit sends anything within the bounds."""
    for given, wanted in (((1.4, 1.6, 3.5, 2.49), (1, 2, 4, 2)), ((0.2, 3.9, 2.0, 1.1), (0, 4, 2, 1))):
        one, two = one_step(RiskManagement(), given)[0], one_step(RiskManagement(), wanted)[0]
        assert np.array_equal(one.ledger.books.position, two.ledger.books.position)


@pytest.mark.parametrize(
    ("change", "match"),
    [({"max_position": 1.5}, "max_position"), ({"var_threshold": 0.0}, "var_threshold"), ({"season": 1.0}, "season")],
)  # fmt: skip
def test_books_that_are_none_are_refused(change, match):
    with pytest.raises(InvalidParameter, match=match):
        RiskManagement(**change)
    with pytest.raises(UnknownName, match="max_position"):
        RiskManagement().with_parameters(max_positon=0.1)


def test_every_parameter_has_a_unit():
    for parameter in (f.name for f in dataclasses.fields(RiskManagement)):
        assert RiskManagement.unit_of(parameter), parameter


def test_adversarial_actions_keep_each_asset_below_its_limit():
    """E3, at the marks at which was traded."""
    world = RiskManagement(n_steps=100, rebalance_threshold=0.0)
    batch = Batch(world, 64)
    batch.reset(0)
    for action in adversarial(world, 100, 64):
        marks, nav = batch.ledger.books.marks.copy(), batch.ledger.books.nav.copy()
        batch.step(np.clip(action, 0.0, 4.0))
        assert (np.abs(batch.ledger.books.position * marks) <= 0.1 * nav * (1.0 + 1e-9)).all()


@pytest.mark.parametrize("rule", ["limits_only", "crisis_response"])
def test_the_control_variate_is_noise_only(rule):
    """On the default market: the reward's mean stays, most of its variance goes, money is the same."""
    one, two = (
        play.play(world, world.rules[rule](world), Paths.of(3, 4000))
        for world in (RiskManagement(), RiskManagement(control_variate=True))
    )
    np.testing.assert_array_equal(one.nav, two.nav)
    difference = two.reward - one.reward
    assert abs(difference.mean()) < 4.0 * difference.std() / 4000**0.5
    assert two.reward.std() < 0.6 * one.reward.std()
