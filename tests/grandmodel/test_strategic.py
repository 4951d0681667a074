"""The strategic stage: its world against theory, its rewards against policies that do not earn them."""

import math

import numpy as np
import pytest
from scipy.stats import norm

from fund.envs.batch import Batch
from fund.envs.contract import CHECKS
from fund.envs.play import play
from fund.envs.rounds import Rounds
from fund.errors import InvalidParameter
from fund.grandmodel.strategic import Strategic, StrategicStage
from fund.grandmodel.strategic.features import MATRIX
from fund.grandmodel.voting_policies import votes
from fund.market.streams import Paths

EXPERTS = ("mlmi_expert", "nwrqk_expert", "regime_expert")


@pytest.mark.parametrize("name", CHECKS)
@pytest.mark.parametrize("preset", ["default", "null", "planted"])
def test_contract(preset, name):
    CHECKS[name](Strategic.preset(preset, n_steps=120))


def test_the_planted_signal_earns_what_theory_says():
    """Position sign(s) of the NAV; R = exp(a s) M - 1, s normal, E M = 1: a step earns exp(a^2/2) (2 N(a) - 1)."""
    world = Strategic.preset("planted", n_steps=100)
    played = play(world, world.rules["external"](world), Paths.of(0, 600))
    a = world.edge * world.half_hour_deviation
    a_step = math.exp(0.5 * a * a) * (2.0 * norm.cdf(a) - 1.0)
    growth = played.nav[-1] / world.capital
    assert a_step == pytest.approx(0.0006639, rel=1e-3)  # the number itself, for the reader
    wanted = (1.0 + a_step) ** 100
    error = growth.std() / math.sqrt(600)
    assert abs(growth.mean() - wanted) < 4.0 * error
    assert growth.mean() - 1.0 > 20.0 * error  # and it is far from nothing


@pytest.mark.parametrize("rule", ["experts", "momentum", "external", "synergy", "always_long"])
def test_nobody_earns_on_the_null_market(rule):
    world = Strategic.preset("null", n_steps=400)
    played = play(world, world.rules[rule](world), Paths.of(100, 200))
    pnl = played.nav[-1] / world.capital - 1.0
    assert pnl.mean() < 3.0 * pnl.std() / math.sqrt(200)


def test_the_textbook_rule_earns_on_the_default_market():
    world = Strategic(n_steps=650)
    paths = Paths.of(0, 128)
    pnl = play(world, world.rules["experts"](world), paths).nav[-1] / world.capital - 1.0
    assert pnl.mean() > 3.0 * pnl.std() / math.sqrt(128)


def parts_of(world, policy, n=200, seed=0):
    """Sum over the episode of each part of the reward, (n,) by name."""
    batch = Batch(world, n)
    batch.reset(seed)
    total = np.zeros_like(batch.parts)
    for _ in range(world.n_steps):
        batch.step(policy(batch.view()))
        total += batch.parts
    return dict(zip(batch.part_names, total, strict=True)), batch


def aligned(view):
    """Follows every synergy, so that all of its P&L under one counts for the bonus."""
    return votes(np.repeat(view.row["synergy"][:, None], 3, axis=1))


@pytest.mark.parametrize(
    "policy",
    [
        aligned,
        lambda view: votes(np.ones((view.n, 3))),
        lambda view: votes(-np.ones((view.n, 3))),
        lambda view: votes(np.where(view.clock % 2 == 0, 1.0, -1.0)[:, None] * np.ones((1, 3))),
        lambda view: votes(np.random.default_rng(int(view.clock[0])).choice([-1.0, 0.0, 1.0], (view.n, 3))),
    ],
    ids=["aligned", "long", "short", "to and fro", "random"],
)
def test_bonuses_are_worth_nothing_to_who_does_not_earn(policy):
    parts, _ = parts_of(Strategic.preset("null", n_steps=400), policy)
    for name in ("pnl", "synergy", "sharpe"):
        found = parts[name]
        assert found.mean() < 3.0 * found.std() / math.sqrt(len(found)) + 1e-12, name
    assert (parts["drawdown"] <= 0.0).all()


def test_a_flat_team_gets_nothing_at_all():
    parts, _ = parts_of(Strategic(n_steps=60), lambda view: votes(np.zeros((view.n, 3))), 8)
    for name, found in parts.items():
        assert not found.any(), name


def test_the_parts_add_up_to_the_documents_terms():
    """-0.1 x largest drawdown, +0.1 x annual Sharpe ratio, +0.2 of the P&L under a synergy all three followed."""
    world = Strategic(n_steps=200)
    policy = world.rules["experts"](world)
    batch = Batch(world, 16)
    batch.reset(3)
    nav, sums, under = [batch.ledger.books.nav.copy()], np.zeros_like(batch.parts), np.zeros(16)
    for _ in range(200):
        action = policy(batch.view())
        sides = action.reshape(16, 3, 3) @ np.array([-1.0, 0.0, 1.0])
        follow = (sides * batch.view().row["synergy"][:, None] > 0.0).all(axis=1)
        batch.step(action)
        sums += batch.parts
        nav.append(batch.ledger.books.nav.copy())
        under += np.where(follow, nav[-1] - nav[-2], 0.0) / world.capital
    nav = np.array(nav)
    returns = np.diff(nav, axis=0) / world.capital
    drawdown = (1.0 - nav / np.maximum.accumulate(nav, axis=0)).max(axis=0)
    sharpe = returns.mean(axis=0) / np.sqrt((returns**2).mean(axis=0)) * math.sqrt(252 * 13)
    found = dict(zip(batch.part_names, sums, strict=True))
    np.testing.assert_allclose(found["pnl"], nav[-1] / world.capital - 1.0, atol=1e-12)
    np.testing.assert_allclose(found["drawdown"], -0.1 * drawdown, atol=1e-12)
    np.testing.assert_allclose(found["sharpe"], 0.1 * sharpe, atol=1e-9)
    np.testing.assert_allclose(found["synergy"], 0.2 * under, atol=1e-12)
    assert under.any()


def decide(world, joint):
    """Exposure over NAV after one step of a joint action."""
    batch = Batch(world, 1)
    batch.reset(0)
    price = batch.view().row["price"][0]
    batch.step(np.array(joint, dtype=float).reshape(1, 9))
    return batch.ledger.books.position[0, 0] * price / world.capital


S, N, L = [1, 0, 0], [0, 1, 0], [0, 0, 1]


@pytest.mark.parametrize(
    ("joint", "exposure"),
    [
        ([L, L, L], 1.0),
        ([S, S, S], -1.0),
        ([L, L, S], 0.40),
        ([L, L, N], 0.70),
        ([L, N, N], 0.0),  # .35 is in doubt
        ([L, S, N], 0.0),
        ([[0.5, 0, 0.5]] * 3, 0.0),
        ([[0.2, 0.2, 0.6]] * 3, 0.4),
        ([[0, 0, 7], [0, 0, 1e-3], [0, 0, 1]], 1.0),  # weights are made probabilities
        ([[0, 0, 0]] * 3, 0.0),
    ],
)
def test_aggregation_by_hand(joint, exposure):
    assert decide(Strategic(caution=0.0, n_steps=5), joint) == pytest.approx(exposure, abs=1e-9)


def test_a_stressed_market_halves_the_position():
    world = Strategic(n_steps=300)
    tape = world.record(Paths.of(0, 64))
    stressed = tape.features[..., world.features.index("regime_stressed")]
    np.testing.assert_allclose(tape["regime_scale"], 1.0 - 0.5 * stressed, atol=1e-6)
    assert stressed.max() > 0.9
    assert stressed.min() < 0.05


def test_contributions_add_up_to_the_gain():
    stage = StrategicStage.of(Strategic(n_steps=80))
    rounds = Rounds(stage, 4)
    rounds.reset(2)
    generator = np.random.default_rng(0)
    for _ in range(60):
        rounds.step({name: generator.integers(0, 3, 4) for name in stage.names})
        scene = rounds.scene()
        for path in range(4):
            owed = stage.contributions(scene, path)
            gain = rounds.batch.ledger.books.nav[path] - stage.strategy.capital
            assert sum(owed.values()) == pytest.approx(gain, abs=1e-6)
    only = Rounds(stage, 1)
    only.reset(2)
    for _ in range(20):  # the regime expert says nothing: it is owed nothing
        only.step({"mlmi_expert": [2], "nwrqk_expert": [2], "regime_expert": [1]})
    owed = stage.contributions(only.scene())
    assert owed["regime_expert"] == 0.0
    assert owed["mlmi_expert"] == pytest.approx(owed["nwrqk_expert"])
    assert owed["mlmi_expert"] != 0.0


def test_synergy_score_and_regime_state():
    stage = StrategicStage.of(Strategic(n_steps=400))
    rounds = Rounds(stage, 8)
    rounds.reset(0)
    seen = set()
    for _ in range(400):
        kind, way = (rounds.scene().view.row[name].copy() for name in ("synergy_kind", "synergy"))
        scene = rounds.scene()
        score = stage.synergy_score(scene)
        assert (np.abs(score) <= 1.0 + 1e-12).all()
        assert (score[kind == 0] == 0.0).all()
        if rounds.batch.clock[0]:  # all have said long
            np.testing.assert_allclose(score, way, atol=1e-12)
        state = stage.regime_state(scene, 3)
        assert sum(state["probabilities"].values()) == pytest.approx(1.0, abs=1e-5)
        assert state["regime"] == max(state["probabilities"], key=state["probabilities"].get)
        seen.add(state["synergy"])
        if rounds.batch.ended.any():
            break
        rounds.step({name: np.full(8, 2) for name in stage.names})
    assert "none" in seen
    assert len(seen) > 1


def test_a_permutation_of_one_experts_actions_changes_the_outcome():
    stage = StrategicStage.of(Strategic(n_steps=60))
    generator = np.random.default_rng(1)
    said = {name: generator.integers(0, 3, 60) for name in EXPERTS}

    def outcome(said):
        rounds = Rounds(stage, 1)
        rounds.reset(0)
        for t in range(60):
            rounds.step({name: said[name][t : t + 1] for name in EXPERTS})
        return rounds.batch.ledger.books.nav[0]

    for name in EXPERTS:
        assert outcome({**said, name: np.roll(said[name], 7)}) != outcome(said)


def test_the_central_state_is_six_statistics_of_thirteen_columns_and_five_more():
    stage = StrategicStage.of(Strategic(n_steps=60, observation_noise=0.0))
    rounds = Rounds(stage, 3)
    rounds.reset(0)
    for _ in range(7):
        rounds.step({name: np.full(3, 2) for name in EXPERTS})
    state = rounds.state()
    assert state.shape == (3, 83)
    assert len(stage.state_names) == 83
    window = rounds.scene().window(MATRIX, 48).astype(float)
    np.testing.assert_allclose(state[:, :13], window[:, -1], rtol=1e-6)
    np.testing.assert_allclose(state[:, 13:26], window.mean(axis=1), atol=1e-5)
    np.testing.assert_allclose(state[:, 26:39], window.std(axis=1), atol=1e-5)
    np.testing.assert_allclose(state[:, 39:52], window.min(axis=1), atol=1e-6)
    np.testing.assert_allclose(state[:, 52:65], window.max(axis=1), atol=1e-6)
    slope = np.array([np.polyfit(np.arange(48), window[i], 1)[0] for i in range(3)]) * 48
    np.testing.assert_allclose(state[:, 65:78], slope, atol=1e-4)
    np.testing.assert_allclose(state[:, 80:].sum(axis=1), 1.0, atol=1e-5)
    assert (state[:, 78] != 0.0).all()  # they are long


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"weight_mlmi": 0.5}, "sum 1"),
        ({"caution": 2.0}, "caution"),
        ({"window": 0}, "window"),
        ({"half_spread": -1.0}, "half_spread"),
        ({"steps_per_day": 12}, "13 bars"),
        ({"synergy_window": 0}, "synergy_window"),
    ],
)
def test_worlds_that_cannot_be(changes, match):
    with pytest.raises(InvalidParameter, match=match):
        Strategic(**changes)


@pytest.mark.parametrize("rule", ["experts", "momentum"])
def test_the_control_variate_is_noise_only(rule):
    """On the default market: the reward's mean stays, most of its variance goes, money is the same."""
    one, two = (
        play(world, world.rules[rule](world), Paths.of(3, 200))
        for world in (
            Strategic(n_steps=400, sharpe_bonus=0.0, drawdown_penalty=0.0),
            Strategic(n_steps=400, control_variate=True, sharpe_bonus=0.0, drawdown_penalty=0.0),
        )
    )
    np.testing.assert_array_equal(one.nav, two.nav)
    difference = two.reward - one.reward
    assert abs(difference.mean()) < 4.0 * difference.std() / 200**0.5
    assert two.reward.std() < 0.6 * one.reward.std()
