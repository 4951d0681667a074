"""The risk stage: limits, stops, scenarios, the scaling line (RK-8), bonuses, and what can be asked about the book."""

import dataclasses

import numpy as np
import pytest

from fund.account.tail_risk import normal_var
from fund.envs.batch import Batch
from fund.envs.contract import CHECKS, adversarial
from fund.envs.rounds import Rounds
from fund.errors import InvalidParameter, UnknownName
from fund.grandmodel.risk.layout import ASSETS
from fund.grandmodel.risk.stage import RiskStage
from fund.grandmodel.risk.strategy import RiskManagement
from fund.market.streams import Paths
from fund.strategy import names
from tests.grandmodel.risk_play import QUIET, constant, played

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
