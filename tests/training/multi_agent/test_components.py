"""Components add up to rewards, weights follow their rule, a history says what is in it."""

import numpy as np
import pytest

from fund.envs.rounds import Rounds
from fund.envs.team import Outcome
from fund.envs.together import Together
from fund.errors import DataError, InvalidParameter, UnknownName
from fund.grandmodel.stages import stage_named
from fund.strategy import Choice
from fund.training.multi_agent.adaptive import Balanced, Limited, Weighted, learning_world
from fund.training.multi_agent.components import Recorded, analyse, components
from fund.training.multi_agent.stages import stage_job, train_stage
from fund.training.multi_agent.store import TeamStore


def play(team, steps, seed=0):
    """Random play: rewards (T, n, agents), components of each step."""
    g, rewards, parts = np.random.default_rng(seed), [], []
    team.reset(3)
    for _ in range(steps):
        actions = {}
        for name in team.agents:
            space = team.actions[name]
            choice = isinstance(space, Choice)
            actions[name] = (
                g.integers(space.count, size=team.n) if choice else g.uniform(-1, 1, (team.n, space.size))
            )
        out = team.step(actions)
        rewards.append(out.reward)
        parts.append({k: x.copy() for k, x in components(team).items()})
        if (out.terminated | out.truncated).any():
            team.renew(out.terminated | out.truncated)
    return np.array(rewards), parts


class Priced:
    """One agent, two choices: choice k of 1 pays `gain` 1 and `harm` -2, of 0 nothing; episodes of one step."""

    n, agents, state_size = 8, ("one",), 1
    observed, actions = {"one": 1}, {"one": Choice(2)}

    def reset(self, seed=None):
        return {"one": np.zeros((self.n, 1), np.float32)}

    def renew(self, ended):
        return self.reset()

    def state(self):
        return np.zeros((self.n, 1), np.float32)

    def alive(self):
        return np.ones((self.n, 1), bool)

    def components(self):
        return {"gain": 1.0 * self.taken[:, None], "harm": -2.0 * self.taken[:, None]}

    def step(self, actions):
        self.taken = np.asarray(actions["one"])
        over = np.ones(self.n, bool)
        return Outcome(self.reset(), sum(self.components().values()), over, ~over)

    def get_state(self):
        return {}

    def set_state(self, state):
        return self.reset()


def test_components_of_a_stage_add_up_to_its_rewards():
    rewards, parts = play(Rounds(stage_named("risk", n_steps=5), 6), 8)
    assert {"pnl", "risk", "var_compliance", "drawdown", "emergency"} <= set(parts[0])
    for reward, of in zip(rewards, parts, strict=True):
        np.testing.assert_allclose(sum(of.values()), reward, atol=1e-12)


def test_so_do_those_of_several_stages():
    team = Together(
        {"risk": stage_named("risk", n_steps=5), "execution": stage_named("execution", n_steps=4)}, 3
    )
    rewards, parts = play(team, 6)
    assert "risk.drawdown" in parts[0]
    for reward, of in zip(rewards, parts, strict=True):
        np.testing.assert_allclose(sum(of.values()), reward, atol=1e-12)
        assert not of["risk.pnl"][:, 4:].any()


def test_weights_of_one_change_nothing_and_others_do_what_they_say():
    plain, parts = play(Rounds(stage_named("risk", n_steps=5), 6), 8)
    same, _ = play(Weighted(Rounds(stage_named("risk", n_steps=5), 6)), 8)
    np.testing.assert_allclose(same, plain, atol=1e-12)
    more, _ = play(Weighted(Rounds(stage_named("risk", n_steps=5), 6), {"drawdown": 3.0, "pnl": 0.5}), 8)
    for k, of in enumerate(parts):
        np.testing.assert_allclose(more[k], plain[k] + 2.0 * of["drawdown"] - 0.5 * of["pnl"], atol=1e-12)
    with pytest.raises(UnknownName, match='Did you mean "drawdown"'):
        play(Weighted(Rounds(stage_named("risk", n_steps=5), 6), {"drawdwn": 3.0}), 1)


def test_a_limit_raises_its_weight_until_it_holds():
    """Harm is -2 a time; at least -.5 is allowed: lambda grows by 1.5 rate while all do it, falls by .5 rate else."""
    team = Limited(Priced(), {"harm": -0.5}, rate=0.1)
    every, none = {"one": np.ones(8, int)}, {"one": np.zeros(8, int)}
    found = [float(team.step(every).reward[0, 0]) for _ in range(3)]
    np.testing.assert_allclose(found, [1 - 2.0, 1 - 2 * 1.15, 1 - 2 * 1.30])
    assert team.weights["harm"] == pytest.approx(1.45)
    for _ in range(30):
        team.step(none)
    assert team.weights["harm"] == 1.0  # never below
    for _ in range(2000):
        team.step(every)
    assert team.weights["harm"] == 100.0  # nor above the most


def test_dual_ascent_comes_to_the_constrained_optimum():
    """Who does it with probability p gains 2.5 p less w 2 p: a best response switches at w = 1.25, so w goes there.

    The limit -.5 a time means p = 1/4: the mean of the best responses comes to it.
    """

    class Tempting(Priced):
        def components(self):
            return {"gain": 2.5 * self.taken[:, None], "harm": -2.0 * self.taken[:, None]}

    team, taken, weights = Limited(Tempting(), {"harm": -0.5}, rate=0.01), [], []
    for _ in range(4000):
        choice = int(2.0 * team.weights["harm"] < 2.5)
        team.step({"one": np.full(8, choice)})
        taken.append(choice)
        weights.append(team.weights["harm"])
    assert abs(np.mean(taken[1000:]) - 0.25) < 0.01
    assert abs(np.mean(weights[1000:]) - 1.25) < 0.02


def test_balance_brings_deviations_to_their_shares():
    class Two(Priced):
        def __init__(self):
            self.g = np.random.default_rng(0)

        def step(self, actions):
            self.x = self.g.normal(size=(2, self.n, 1)) * np.array([4.0, 0.1])[:, None, None] + 7.0
            return super().step(actions)

        def components(self):
            return {"gain": self.x[0], "harm": self.x[1]}

    team = Balanced(Two(), {"gain": 3.0, "harm": 1.0})
    for _ in range(600):
        team.step({"one": np.zeros(8, int)})
    assert team.weights["gain"] == 1.0
    assert team.weights["harm"] == pytest.approx((4.0 / 3.0) / 0.1, rel=0.1)


@pytest.mark.parametrize(
    "rewards", [{"limits": {"drawdown": 0.1}, "rate": 5.0}, {"shares": {"pnl": 1.0, "risk": 1.0}}]
)
def test_weights_go_on_from_their_state(rewards):
    stage = stage_named("risk", n_steps=4)
    one, two = learning_world(stage, rewards, 6), learning_world(stage, rewards, 6)
    play(one, 7)
    state = {key: np.array(x) for key, x in one.get_state().items()}
    two.set_state(state)
    assert one.weights == two.weights
    again = {a: np.full(6, 4) for a in one.agents}
    for _ in range(3):
        first, second = one.step(again), two.step(again)
        np.testing.assert_array_equal(first.reward, second.reward)
        if first.truncated.any():
            one.renew(first.truncated)
            two.renew(first.truncated)
    assert one.weights == two.weights
    assert one.weights != dict.fromkeys(one.weights, 1.0)


def test_rewards_that_cannot_be_are_refused():
    stage = stage_named("risk", n_steps=4)
    for rewards, text in (
        ({"weights": {}, "limits": {}}, "wanted one of weights, limits, shares"),
        ({"limits": {"drawdown": 0.0}}, "rate"),
        ({"limits": {"drawdown": 0.0}, "rate": -1.0}, "wanted above 0"),
        ({"shares": {"pnl": 1.0}}, "wanted two or more"),
    ):
        with pytest.raises(InvalidParameter, match=text):
            learning_world(stage, rewards, 2)
    with pytest.raises(InvalidParameter, match="no named components"):
        components(object())


def test_episodes_are_recorded_whole():
    """Sums over each episode, in the order of their ends, as a sum by hand."""
    team = Recorded(Rounds(stage_named("risk", n_steps=4), 5))
    _, parts = play(team, 8)
    for name in ("pnl", "drawdown"):
        by_hand = [sum(parts[t][name] for t in ts) for ts in (range(4), range(4, 8))]
        np.testing.assert_allclose(team.episodes[name], np.concatenate(by_hand), atol=1e-12)
    told = team.numbers()
    assert told["reward/pnl"] == pytest.approx(team.episodes["pnl"].mean())
    assert team.numbers() == {}


def test_an_analysis_finds_what_was_put_in():
    """A trend, an AR(1) memory, shares of variance 4 : 1, a correlation of agents of 0.6."""
    g, n = np.random.default_rng(1), 4000
    shock = g.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], n)
    steady = g.normal(size=(n, 2)) * 0.0
    found = analyse({"a": shock, "b": steady + np.linspace(0.0, 0.5, n)[:, None]})
    assert found.agents[0, 1] == pytest.approx(0.6, abs=4 * 0.64 / np.sqrt(n) + 0.01)
    assert found.components["b"].trend == pytest.approx(1.0)  # of both agents together
    assert found.components["a"].share + found.components["b"].share == pytest.approx(1.0)
    assert abs(found.components["a"].trend_t) < 4.0
    one, two = g.normal(size=n) * 2.0, g.normal(size=n)
    assert analyse({"one": one, "two": two}).components["one"].share == pytest.approx(0.8, abs=0.03)
    x = np.zeros(n)
    for t in range(1, n):
        x[t] = 0.7 * x[t - 1] + g.normal()
    assert analyse({"x": x}).components["x"].memory == pytest.approx(0.7, abs=4 * np.sqrt(0.51 / n))


def test_a_trend_where_there_is_none_is_rarely_seen_whatever_the_memory():
    """|t| > 2 in 5 % of 300 histories with AR(1) noise of .6; plain least squares would see four times as many."""
    g, seen = np.random.default_rng(2), 0
    for _ in range(300):
        noise = g.normal(size=400)
        for t in range(1, 400):
            noise[t] += 0.6 * noise[t - 1]
        seen += abs(analyse({"x": noise}).components["x"].trend_t) > 2.0
    assert seen / 300 < 0.05 + 4 * np.sqrt(0.05 * 0.95 / 300)


def test_a_training_logs_what_it_was_paid_for_and_its_weights(tmp_path):
    store = TeamStore(tmp_path)
    changes = {"copies": 8, "rollout": 5, "net_arch": [8], "epochs": 1, "evaluations": 1, "evaluation_copies": 8,
               "start": "", "rewards": {"limits": {"drawdown": 0.0}, "rate": 10.0}}  # fmt: skip
    train_stage(stage_named("risk", n_steps=5), "default", 160, store=store, changes=changes)
    log = store.folder("risk") / "logs" / "1" / "progress.csv"
    found = analyse(log)
    assert {"pnl", "drawdown"} <= set(found.components)
    assert found.components["drawdown"].mean <= 0.0
    assert "weight/drawdown" in log.read_text().splitlines()[0]
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="no columns reward/"):
        analyse(tmp_path / "other.csv")
    with pytest.raises(InvalidParameter, match="fewer than three"):
        analyse({"a": np.zeros(2)})
    assert stage_job(stage_named("risk"), changes={"rewards": {}}).make(2).stage.name == "risk"
