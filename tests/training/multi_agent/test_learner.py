"""The loop: learns what is known to be right, repeats itself, resumes exactly, treats the dead as it should."""

import dataclasses

import numpy as np
import pytest
import torch

from fund.errors import ModelError
from fund.training.multi_agent.acting import Actors, RandomActors, play_team
from fund.training.multi_agent.learner import Learner
from fund.training.multi_agent.losses import losses_of, prepared
from fund.training.multi_agent.settings import Settings

SMALL = Settings(
    copies=32, rollout=16, net_arch=(32,), epochs=4, minibatches=2, steps=32 * 16 * 40, gamma=0.5,
    actor_rate=(3e-3, 1e-3), critic_rate=3e-3,
)  # fmt: skip


def changed(**changes):
    return dataclasses.replace(SMALL, **changes)


def trained(team, settings, seed=0, updates=None):
    learner = Learner(team, settings, seed)
    while learner.updates < (updates or settings.steps // (settings.copies * settings.rollout)):
        learner.iterate()
    return learner


def weights(learner):
    return torch.cat([t.flatten().double() for t in learner.snapshot()[0].values() if t.is_floating_point()])


CASES = {
    "mappo": {},
    "ippo": {"critic": "own"},
    "separate": {"shared": False},
    "recurrent": {"recurrent": True, "chunk": 8},
}


@pytest.mark.parametrize("case", CASES)
def test_the_right_answers_are_learned(guess, case):
    """A random answer earns 1/4 a step, the right one 1; episodes have 8 steps."""
    settings = changed(**CASES[case])
    learner = trained(guess(32), settings)
    assert play_team(guess(200), RandomActors(guess(1)), 10**9).per_agent.mean() < 3.0
    found = play_team(guess(200), Actors(learner.groups), 10**9).per_agent.mean()
    assert 6.5 < found <= 8.0


def test_continuous_answers_are_learned(guess):
    """Zero for ever costs E[(u / 2)^2] = 1/12 a step, the right answer nothing."""
    settings = changed(entropy=0.0, log_std_init=-1.0)
    learner = trained(guess(32, kind="continuous"), settings)
    found = play_team(guess(200, kind="continuous"), Actors(learner.groups), 10**9).per_agent.mean()
    assert -0.25 * 8 / 12 < found <= 0.0


@pytest.mark.slow
def test_only_a_memory_can_recall(guess):
    """The cue is shown once and asked for seven times: 7/4 without memory, 7 with it."""
    settings = changed(recurrent=True, chunk=8, gamma=0.9, steps=32 * 16 * 100)
    with_memory = trained(guess(32, recall=True), settings)
    found = play_team(guess(200, recall=True), Actors(with_memory.groups), 10**9).per_agent.mean()
    without = trained(guess(32, recall=True), changed(), updates=30)
    blind = play_team(guess(200, recall=True), Actors(without.groups), 10**9).per_agent.mean()
    assert found > 4.5
    assert blind < 2.5


@pytest.mark.parametrize("case", CASES)
def test_a_seed_gives_identical_runs_and_another_others(guess, case):
    settings = changed(**CASES[case])
    torch.manual_seed(1)
    one = weights(trained(guess(32), settings, seed=5, updates=3))
    torch.manual_seed(2)  # what others draw changes nothing
    again = weights(trained(guess(32), settings, seed=5, updates=3))
    other = weights(trained(guess(32), settings, seed=6, updates=3))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("world", ["guess", "stateless"])
def test_resumed_is_uninterrupted_bit_for_bit(request, case, world):
    make, settings = request.getfixturevalue(world), changed(rollout=8 * 3 + 8, **CASES[case])
    whole = Learner(make(32), settings, seed=1)
    for _ in range(2):
        whole.iterate()
    named, where = whole.snapshot()
    kept = {key: t.clone() for key, t in named.items()}
    for _ in range(2):
        whole.iterate()
    resumed = Learner(make(32), settings, seed=99)
    resumed.resume(kept, where)
    for _ in range(2):
        resumed.iterate()
    assert torch.equal(weights(whole), weights(resumed))
    assert (whole.steps, whole.updates) == (resumed.steps, resumed.updates)


def test_resume_in_the_middle_of_episodes(guess):
    settings = changed(rollout=5)
    whole = trained(guess(32), settings, seed=1, updates=2)
    named, where = whole.snapshot()
    kept = {key: t.clone() for key, t in named.items()}
    one = [whole.iterate() for _ in range(3)]
    resumed = Learner(guess(32), settings, seed=4)
    resumed.resume(kept, where)
    assert one == [resumed.iterate() for _ in range(3)]


def test_a_checkpoint_of_other_networks_is_refused(guess):
    named, where = trained(guess(32), SMALL, updates=1).snapshot()
    with pytest.raises(ModelError, match="another team or settings"):
        Learner(guess(32), changed(net_arch=(16,))).resume(named, where)


# ---------------------------------------------------------------- centralised training, decentralised execution


class Sealed:
    """A team whose state nobody may ask for, or is zeros."""

    def __init__(self, team, zeros):
        self._team, self._zeros = team, zeros

    def __getattr__(self, name):
        return getattr(self._team, name)

    def state(self):
        assert self._zeros, "an actor asked for the state"
        return np.zeros((self.n, self.state_size), np.float32)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("zeros", [True, False])
def test_without_the_state_no_action_changes(guess, case, zeros):
    """MA-7: the centralised critic does not leak into execution."""
    learner = trained(guess(32), changed(**CASES[case]), updates=3)

    def actions(team):
        said = []

        class Noted(Actors):
            def act(self, agent, seen):
                said.append(super().act(agent, seen))
                return said[-1]

        play_team(team, Noted(learner.groups), 7)
        return np.array(said)

    np.testing.assert_array_equal(actions(guess(50)), actions(Sealed(guess(50), zeros)))


def test_own_critics_do_not_read_the_state(guess):
    """IPPO trains the same where the state is zeros; MAPPO does not."""
    for case, same in (("ippo", True), ("mappo", False)):
        settings = changed(**CASES[case])
        one = weights(trained(guess(32), settings, updates=2))
        two = weights(trained(Sealed(guess(32), zeros=True), settings, updates=2))
        assert torch.equal(one, two) == same


# ---------------------------------------------------------------- the dead


def test_a_dead_agent_is_no_part_of_the_policys_loss(guess):
    settings = changed(shared=False)
    learner = Learner(guess(32, dies=True), settings)
    (_, rollout), reward, _ = learner.collect()
    alive = rollout.alive[:, :, 0].numpy().astype(bool)
    clock = np.arange(16) % 8
    np.testing.assert_array_equal(alive, np.repeat((clock < 3)[:, None], 32, axis=1))
    worth = np.random.default_rng(0).normal(size=reward[:, :, [1]].shape)
    group = learner.groups[1]

    def gradient(changes):
        group.actor.zero_grad()
        batch = prepared(group, dataclasses.replace(rollout, **changes), worth, settings)
        losses = losses_of(group, batch, settings, 0.2)
        (losses.policy - 0.1 * losses.entropy).backward()
        return torch.cat([p.grad.flatten() for p in group.actor.parameters()])

    scrambled = rollout.action.clone()
    scrambled[~rollout.alive.bool()] = 3.0
    assert torch.equal(gradient({}), gradient({"action": scrambled}))
    assert gradient({}).abs().max() > 0
    dead_seen = rollout.seen[~rollout.alive.bool()]
    assert not dead_seen.any()


def test_death_masking_leaves_the_label_and_the_value_of_what_follows(guess):
    """A dead agent is judged by zeros and its label; its value is learned (Yu et al., 2022, section 5.5)."""
    learner = trained(guess(32, dies=True), changed(gae_lambda=0.9), updates=20)
    group = learner.groups[0]
    (rollout,), _, _ = learner.collect()
    judged, alive = rollout.judged[:, :, 1], rollout.alive[:, :, 1].bool()
    assert not judged[~alive][:, :-2].any()
    assert judged[~alive][:, -2:].unique(dim=0).tolist() == [[0.0, 1.0]]
    dead = group.norm.out_of(group.value(rollout.judged[4], torch.zeros(32, 2))[0])[:, 1]
    assert dead.abs().max() < 0.25  # nothing is earned after death; the living expect one to two


# ---------------------------------------------------------------- bad numbers, and the end by the clock


@pytest.mark.parametrize("where", ["observations", "states", "rewards"])
def test_a_number_that_is_not_finite_stops_the_training(guess, where):
    class Broken(guess):
        def step(self, actions):
            out = super().step(actions)
            if where == "rewards":
                out.reward[3, 1] = np.nan
            if where == "observations":
                out.observation["agent_1"][3, 0] = np.inf
            return out

        def state(self):
            bad = np.nan if where == "states" else 0.0
            return super().state() + np.float32(bad)

    learner = Learner(Broken(32), SMALL)
    before = {k: t.clone() for k, t in learner.groups[0].actor.state_dict().items()}
    with pytest.raises(ModelError, match=f"{where} of .*agent_1 are not finite"):
        learner.iterate()
    for key, t in learner.groups[0].actor.state_dict().items():
        assert torch.equal(t, before[key])


def test_an_end_by_the_clock_is_worth_what_lies_behind_it(guess):
    """Bootstrapped, the values of a steady income w are w / (1 - gamma); without, what is left of the episode."""

    class Income(guess):
        def step(self, actions):
            out = super().step(actions)
            return out._replace(reward=np.ones_like(out.reward))

    for bootstrap, low, high in ((True, 9.0, 10.5), (False, 0.5, 6.0)):
        settings = changed(gamma=0.9, bootstrap=bootstrap, steps=32 * 16 * 60)
        learner = trained(Income(32), settings)
        assert low < learner._values().mean() < high
