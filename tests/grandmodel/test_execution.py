"""Execution against the papers by simulation (PAPERS.md 8), money, lots, bonuses and actions."""

import numpy as np
import pytest
from scipy.stats import poisson

from fund.envs import play
from fund.envs.batch import Batch
from fund.envs.contract import CHECKS, adversarial
from fund.errors import InvalidParameter, UnknownName
from fund.grandmodel.execution.layout import ACTIONS
from fund.grandmodel.execution.stage import ExecutionStage
from fund.grandmodel.execution.strategy import Execution
from fund.market.streams import Paths
from fund.strategy import names
from tests.grandmodel.execution_play import PLACE, played, policy_of

WORLDS = {
    "default": Execution(),
    "null": Execution.preset("null"),
    "planted": Execution.preset("planted"),
    "square_root": Execution(market_impact_model="square_root", venue_selection_algorithm="agents"),
    "transient": Execution(market_impact_model="obizhaeva_wang", carry_over=False),
    "two_venues": Execution(execution_venues=("lit", "dark")),
}


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("world", WORLDS)
def test_contract(world, check):
    if check == "features_speak" and world in ("null", "two_venues"):
        pytest.skip("a market without weather, or with a closed venue, has less to show")
    CHECKS[check](WORLDS[world])


# --- money and lots -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("world", WORLDS)
def test_cost_is_conserved(world):
    """EX-5: shortfall = spread + impact + permanent + fees + the mid's own moves, at every step."""
    strategy = WORLDS[world].with_parameters(n_steps=60)
    batch = Batch(strategy, 32)
    batch.reset(3)
    for action in adversarial(strategy, 60, 32):
        batch.step(action)
        memory = batch.memory()
        told = sum(memory[part] for part in ("spread", "impact", "permanent", "fees", "moves"))
        gap = strategy.capital - batch.ledger.books.nav - told
        assert np.abs(gap).max() < 1e-9 * 2e7


@pytest.mark.parametrize("world", WORLDS)
def test_parent_is_fills_plus_open(world):
    """G4: exactly, in whole lots, at every step; and all is done at the end."""
    strategy = WORLDS[world].with_parameters(n_steps=60)
    batch = Batch(strategy, 64)
    batch.reset(5)
    parents = [batch.memory()[f"parent_{i}"].copy() for i in "ab"]
    for action in adversarial(strategy, 60, 64, seed=4):
        batch.step(action)
        memory, held = batch.memory(), batch.ledger.books.position
        for k, i in enumerate("ab"):
            filled = held[k] + parents[k]
            assert np.array_equal(filled + memory[f"open_{i}"], parents[k])
            assert not (filled % strategy.size_increment).any()
    assert not batch.ledger.books.position.any()


def test_buying_costs_what_selling_costs():
    """EX-5: the same parent on the other side of the mirrored market."""
    world = Execution.preset("almgren_chriss")
    tape = world.record(Paths.of(0, 20))
    mirrored = world.record(Paths.of(0, 20))
    columns = names(world.step.columns)
    mirrored.block[:, columns.index("parent_a")] *= -1.0
    mirrored.block[:, columns.index("mid_a")] = 100.0 - mirrored.block[:, columns.index("mid_a")]
    rule = world.rules["almgren_chriss"](world)
    costs = [play.play(world, rule, Paths.of(0, 20), t) for t in (tape, mirrored)]
    np.testing.assert_allclose(*[game.nav[0] - game.nav[-1] for game in costs], rtol=1e-9)


def test_no_parent_no_cost():
    world = Execution(parent_a=0.0, parent_b=0.0, n_steps=30)
    game = played(world, play.random(world), 8)
    assert not game.traded.any()
    assert (game.nav == world.capital).all()
    assert not game.reward.any()


def test_child_orders_keep_their_sizes():
    """S141: nothing between 0 and the least, nothing above the largest but the last, whole lots."""
    strategy = Execution(n_steps=60, passive=False, under_fill=0.0)
    batch = Batch(strategy, 64)
    batch.reset(1)
    before = batch.ledger.books.position.copy()
    for t, action in enumerate(adversarial(strategy, 60, 64, seed=7)):
        batch.step(action)
        size = np.abs(batch.ledger.books.position - before)
        before = batch.ledger.books.position.copy()
        if t < 59:
            assert size.max() <= strategy.max_size
            assert not size[size > 0].size or size[size > 0].min() >= strategy.min_size


def test_slice_worked_by_hand():
    """One instrument, one venue: 50,000 to sell in 10 steps, twice the pace, at half-spread .01 and depth 20,000."""
    world = Execution.preset(
        "almgren_chriss", n_steps=10, parent_a=5e4, half_spread=2e-4, depth=2e4, permanent=0.0, fee_1=0.003,
        size_increment=100.0,
    )  # fmt: skip
    batch = Batch(world, 1)
    batch.reset(0)
    batch.step(policy_of(slice=np.sqrt(2.0) - 1.0)(batch.view()))
    # 10,000 at 50 - .01 - 10,000 / 20,000
    books = batch.ledger.books
    assert books.position[0, 0] == 40_000.0
    assert books.cash[0] == pytest.approx(
        1e8 - 5e4 * 50.0 + 1e4 * (50.0 - 0.01 - 0.5) - 0.003 * 1e4, abs=1e-6
    )


# --- actions, configuration and bonuses -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "agent", ["position_sizing", "stop_target", "risk_monitor", "portfolio_optimizer", "routing"]
)
def test_every_agents_actions_matter(agent):
    """A permutation of one agent's actions among the paths changes what happens."""
    stage = ExecutionStage()
    place = stage.parts_of[agent]
    generator = np.random.default_rng(0)
    actions = generator.uniform(-0.9, 0.9, (60, 16, len(ACTIONS)))
    actions[:, :, PLACE["slice"]] *= 0.5
    other = actions.copy()
    other[:, :, place] = np.roll(actions[:, :, place], 1, axis=1)
    rewards = []
    for stream in (actions, other):
        batch = Batch(stage.strategy, 16)
        batch.reset(0)
        rewards.append(sum(batch.step(action).reward.copy() for action in stream))
    assert (np.abs(rewards[0] - rewards[1]) > 1e-9).mean() > 0.9


@pytest.mark.parametrize(
    ("change", "statistic", "up"),
    [
        ({"max_participation": 0.02}, "impact", None),
        ({"latency_target": 1e-5}, "fast_share", False),
        ({"half_spread": 4e-4}, "spread", True),
        ({"fee_1": 0.03}, "fees", True),
        ({"depth": 1e4}, "impact", True),
        ({"permanent": 5e-7}, "permanent", True),
        ({"risk_aversion": 2e-5}, "impact", True),
        ({"fill_probability": 0.3}, "posted_share", False),
        ({"queue_steps": 3.0}, "posted_share", False),
    ],
)  # fmt: skip
def test_parameters_do_what_they_say(change, statistic, up):
    found = []
    for world in (Execution(n_steps=100), Execution(n_steps=100, **change)):
        game = played(world, world.rules["cont_kukanov"](world), 60)
        found.append(world.statistics(game)[statistic])
    assert found[0] != found[1]
    if up is not None:
        assert (found[1] > found[0]) is up


def test_risk_limit_keeps_the_pace():
    """A remainder whose risk is above the limit is worked at TWAP at least, whatever the agents want."""
    lazy = policy_of(slice=-1.0)
    free, bound = (played(Execution(n_steps=50, execution_risk_limit=x), lazy, 50) for x in (1e9, 1e-6))
    assert free.memory["impact"].mean() > 3 * bound.memory["impact"].mean()


def test_stop_makes_haste():
    """Beyond the stop the pace doubles; at +1 there is no stop."""
    world = Execution(n_steps=100, execution_slippage_tolerance=1e-4, signal=0.0)
    off, on = (played(world, policy_of(slice=-0.3, stop=stop), 200) for stop in (1.0, -1.0))
    assert not np.allclose(off.nav[50], on.nav[50])
    assert np.abs(on.nav[-1] - off.nav[-1]).max() > 0.0


def test_cost_weight_moves_the_priority():
    """Between a risky and a dear parent: risk first at 0, cost first at 1."""
    costs = []
    for weight in (0.0, 1.0):
        world = Execution(n_steps=50, execution_cost_weight=weight, priority_strength=1.0)
        costs.append(played(world, policy_of(), 100).reward.mean())
    assert costs[0] != costs[1]


# --- the stage ------------------------------------------------------------------------------------------------


def test_stage_methods_are_real():
    from fund.envs.rounds import Rounds

    stage = ExecutionStage()
    rounds = Rounds(stage, 2, 0)
    rounds.reset(0)
    scene = rounds.scene()
    assert stage.execution_venues() == ["venue_a", "venue_b", "venue_c"]
    latency = stage.venue_latency(scene, 1, "venue_b")
    assert latency == scene.view.row["latency_2"][1] > 0.0
    one, two = (stage.market_impact_estimate(scene, 0, size) for size in (1000.0, 2000.0))
    assert two == pytest.approx(4.0 * one)
    with pytest.raises(UnknownName, match="venue_b"):
        stage.venue_latency(scene, 0, "venue_x")
    with pytest.raises(UnknownName, match="instrument"):
        stage.market_impact_estimate(scene, 0, 1.0, "c")
    # what the estimate says is what a market order pays
    depth = sum(float(scene.view.row[f"depth_a{v}"][0]) for v in (1, 2, 3))
    assert one == pytest.approx(1000.0**2 / depth)
    action = policy_of()(scene.view)
    rounds.step(stage.split(action))
    metrics = stage.execution_metrics(rounds.scene(), 0)
    loss = stage.strategy.capital - float(rounds.batch.ledger.books.nav[0])
    assert metrics["shortfall"] == pytest.approx(loss, abs=1e-6)
    assert metrics["taken"] > 0.0


def test_estimate_is_what_is_paid():
    """The impact that the environment charges for a slice is the estimate, up to whole lots."""
    from fund.envs.rounds import Rounds

    stage = ExecutionStage(
        strategy=Execution(parent_b=0.0, size_increment=1.0, min_size=1.0, parent_spread=0.0)
    )
    rounds = Rounds(stage, 1, 0)
    rounds.reset(0)
    expected = stage.market_impact_estimate(rounds.scene(), 0, 500.0)
    rounds.step(stage.split(policy_of()(rounds.scene().view)))
    assert stage.execution_metrics(rounds.scene(), 0)["impact"] == pytest.approx(expected, rel=1e-4)


def test_rewards_of_agents_add_up():
    """G2."""
    from fund.envs.rounds import Rounds

    stage = ExecutionStage(strategy=Execution(n_steps=30))
    rounds, batch = Rounds(stage, 8, 0), Batch(stage.strategy, 8)
    rounds.reset(3)
    batch.reset(3)
    for action in adversarial(stage.strategy, 30, 8):
        clipped = np.clip(action, -1.0, 1.0)
        out, alone = rounds.step(stage.split(clipped)), batch.step(clipped)
        np.testing.assert_allclose(out.reward.sum(axis=1), alone.reward, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"market_impact_model": "almgren_chris"}, "almgren_chriss"),
        ({"venue_selection_algorithm": "smart"}, "smart_routing"),
        ({"execution_venues": ()}, "one to three"),
        ({"max_size": 10.0}, "max_size"),
        ({"depth": 0.0}, "depth"),
        ({"signal": 1.0}, "signal"),
    ],
)  # fmt: skip
def test_markets_that_are_none_are_refused(change, match):
    with pytest.raises((InvalidParameter, UnknownName), match=match):
        Execution(**change)


def test_every_parameter_has_a_unit():
    import dataclasses

    for parameter in (f.name for f in dataclasses.fields(Execution)):
        assert Execution.unit_of(parameter), parameter


def test_flow_matches_its_distribution():
    """The rule's idea of the outflow is the market's: mean, and the share of flows below the queue."""
    world = Execution(weather=False, activity=0.0, season=0.0, n_steps=50)
    tape = world.record(Paths.of(0, 400))
    flow = tape["outflow_a1"][1:]
    wanted = world.daily_volume / 390 * world.flow_share * world.share_1 * world.fill_probability
    assert flow.mean() == pytest.approx(
        wanted - 45.0, rel=0.05
    )  # whole lots are rounded down: half a lot less
    assert (flow == 0).mean() == pytest.approx(1.0 - world.fill_probability, abs=0.03)
    assert poisson(2200).ppf(0.625) == 2215
