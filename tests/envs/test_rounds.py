"""A stage's batch: a path of many is the path alone, state goes round, some paths begin anew, a trainer's Team."""

import numpy as np
import pytest

from fund.envs.play import play
from fund.envs.rounds import Rounds, play_rounds
from fund.errors import InvalidAction, ResetNeeded, UnknownName
from fund.grandmodel.strategic import Strategic, StrategicStage
from fund.grandmodel.tactical import Tactical, TacticalStage
from fund.market.streams import Paths

STAGES = {
    "strategic": StrategicStage.of(Strategic(n_steps=12)),
    "tactical": TacticalStage.of(Tactical(n_steps=12)),
}


@pytest.fixture(params=STAGES, name="stage")
def _stage(request):
    return STAGES[request.param]


def said(stage, n, steps, seed=0):
    generator = np.random.default_rng(seed)
    return [{name: generator.integers(0, 3, n) for name in stage.names} for _ in range(steps)]


def run(rounds, actions, seed):
    rows = [np.concatenate(list(rounds.reset(seed).values()), axis=1).copy()]
    for given in actions:
        out = rounds.step(given)
        rows += [
            np.concatenate(list(out.observation.values()), axis=1).copy(),
            out.reward.copy(),
            rounds.state(),
        ]
        ended = out.terminated | out.truncated
        if ended.any():
            rows.append(np.concatenate(list(rounds.renew(ended).values()), axis=1).copy())
    return rows


@pytest.mark.parametrize("n", [2, 7])
def test_a_path_of_many_is_the_path_alone(stage, n):
    """D2, observations, rewards and central state, through the end of an episode."""
    actions = said(stage, n, 15)
    together = run(Rounds(stage, n), actions, 5)
    for i in (0, n - 1):
        alone = run(
            Rounds(stage, 1), [{a: v[i : i + 1] for a, v in given.items()} for given in actions], 5 + i
        )
        for many, one in zip(together, alone, strict=True):
            np.testing.assert_array_equal(many[i], one[0])


def test_state_goes_round_also_within_a_round(stage):
    """D6: saved after the first has spoken, set in another instance, and on to the same end."""
    actions, first = said(stage, 3, 10), stage.names[0]
    rounds, other = Rounds(stage, 3), Rounds(stage, 3, seed=77)
    rounds.reset(1)
    for given in actions[:5]:
        rounds.step(given)
    rounds.announce(first, actions[5][first])
    other.set_state(rounds.get_state())
    for k, given in enumerate(actions[5:]):
        rest = {a: v for a, v in given.items() if k or a != first}
        one, two = rounds.step(rest), other.step(rest)
        np.testing.assert_array_equal(one.reward, two.reward)
        for name in stage.names:
            np.testing.assert_array_equal(one.observation[name], two.observation[name])


def test_announced_or_given_is_the_same(stage):
    actions = said(stage, 4, 8)
    one, two = Rounds(stage, 4), Rounds(stage, 4)
    one.reset(2)
    two.reset(2)
    for given in actions:
        for name in stage.names:
            one.announce(name, given[name])
        np.testing.assert_array_equal(one.step().reward, two.step(given).reward)


def test_a_given_tape_is_played_as_it_is(stage):
    tape = stage.strategy.record(Paths.of(4, 3))
    rounds, drawn = Rounds(stage, tape=tape), Rounds(stage, 3)
    for given, fresh in zip(run(rounds, said(stage, 3, 8), 0), run(drawn, said(stage, 3, 8), 4), strict=True):
        np.testing.assert_array_equal(given, fresh)


def test_a_rule_played_by_its_agents_is_the_rule(stage):
    """Joint textbook policies, split among the agents, earn what the strategy's own play earns."""
    paths = Paths.of(0, 6)
    rule = next(iter(stage.rules.values()))
    wanted = play(stage.strategy, rule(stage.strategy), paths)
    rounds, policy = Rounds(stage, 6), rule(stage.strategy)
    rounds.start(paths)
    for _ in range(12):
        rounds.step(stage.split(policy(rounds.batch.view())))
    np.testing.assert_allclose(rounds.batch.ledger.books.nav, wanted.nav[-1], rtol=1e-12)


def test_play_rounds_sums_what_agents_earn(stage):
    speakers = {name: lambda seen: np.full(len(seen), 2) for name in stage.names}
    result = play_rounds(stage, speakers, Paths.of(0, 5))
    rounds = Rounds(stage, 5)
    rounds.start(Paths.of(0, 5))
    total = sum(rounds.step({name: np.full(5, 2) for name in stage.names}).reward for _ in range(12))
    np.testing.assert_array_equal(result.rewards, total)
    np.testing.assert_array_equal(result.nav[-1], rounds.batch.ledger.books.nav)


def test_it_is_a_team(stage):
    rounds = Rounds(stage, 2)
    assert rounds.agents == stage.names
    seen = rounds.reset(0)
    assert {name: view.shape[1] for name, view in seen.items()} == rounds.observed
    assert rounds.state().shape == (2, rounds.state_size)
    assert rounds.alive().all()
    for _ in range(12):
        out = rounds.step({name: np.full(2, 1) for name in stage.names})
    assert out.truncated.all()
    assert not rounds.alive().any()
    rounds.renew(out.truncated)
    assert rounds.alive().all()


def test_wrong_use_is_named(stage):
    rounds = Rounds(stage, 2)
    with pytest.raises(ResetNeeded, match="call reset"):
        rounds.announce(stage.names[0], [0, 0])
    rounds.reset(0)
    with pytest.raises(UnknownName, match=stage.names[0]):
        rounds.view(stage.names[0] + "x")
    rounds.announce(stage.names[0], [0, 0])
    with pytest.raises(InvalidAction, match=f"no action of {stage.names[1]}"):
        rounds.step()
