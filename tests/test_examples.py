"""Every example of multi-agent use runs, and those that learn do learn."""

import importlib
import importlib.util

import aec_loop
import broker_day
import cleanrl_ippo
import custom_torch_policy
import marl_trainer
import numpy as np
import parallel_loop
import pytest
import sb3_supersuit
import torch
from gymnasium.spaces import Box, Discrete
from mpe2 import simple_spread_v3
from pettingzoo import ParallelEnv
from pettingzoo.utils import parallel_to_aec
from simple_spread import SimpleSpread

from fund.envs.parallel import ParallelTeam
from fund.training.multi_agent.acting import play_team
from fund.training.multi_agent.learner import Learner
from fund.training.multi_agent.settings import Settings

STAGES = [
    name
    for name in ("strategic", "tactical", "risk", "execution")
    if importlib.util.find_spec(f"fund.envs.{name}")
]


def spread(cycles=25):
    return simple_spread_v3.parallel_env(N=3, max_cycles=cycles, local_ratio=0.5)


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_the_aec_loop_and_the_parallel_loop_play_the_same_episode():
    def act(agent, observation):
        return int(np.abs(observation[4:6]).argmax() * 2 + 1 + (observation[4:6].max() > 0))

    # an AEC agent sees the same in its turn, because nothing moves before the last one has decided
    one = aec_loop.play(simple_spread_v3.env(N=3, max_cycles=25, local_ratio=0.5), 3, act)
    two = parallel_loop.play(spread(), 3, act)
    assert one.keys() == two.keys()
    for agent, total in one.items():
        assert total == pytest.approx(two[agent], abs=1e-9)


def test_random_loops_repeat_by_seed():
    assert parallel_loop.play(spread(), 5) == parallel_loop.play(spread(), 5)
    assert aec_loop.play(simple_spread_v3.env(), 5) == aec_loop.play(simple_spread_v3.env(), 5)


def test_stable_baselines3_through_supersuit_trains():
    model = sb3_supersuit.train(spread(), 1200, copies=2)
    assert model.num_timesteps >= 1200
    total = parallel_loop.play(spread(), 7, sb3_supersuit.policy(model))
    assert all(np.isfinite(x) for x in total.values())
    again = sb3_supersuit.train(spread(), 1200, copies=2)
    for one, two in zip(model.policy.parameters(), again.policy.parameters(), strict=True):
        assert torch.equal(one, two)


def test_the_single_file_in_cleanrls_style_trains():
    args = cleanrl_ippo.Args(total_steps=800, num_envs=4, num_steps=50)
    _, history = cleanrl_ippo.main(args, spread)
    assert len(history) == 4
    assert np.isfinite(history).all()


def test_a_network_and_a_loop_of_ones_own_learn():
    torch.manual_seed(0)
    network = custom_torch_policy.Attention()
    history = custom_torch_policy.train(SimpleSpread(64), network, 60)
    assert np.mean(history[-10:]) > np.mean(history[:10]) + 1.0
    found = play_team(SimpleSpread(200), custom_torch_policy.AttentivePolicy(network), 10**9).per_agent.mean()
    assert found > -26.0


class Cues(ParallelEnv):
    """Each of two agents sees one of three cues and is paid 1 for naming it; five rounds."""

    def __init__(self):
        self.metadata, self.render_mode = {"name": "cues"}, None
        self.possible_agents = ["one", "two"]

    def observation_space(self, agent):
        return Box(0.0, 1.0, (3,), np.float32)

    def action_space(self, agent):
        return Discrete(3)

    def reset(self, seed=None, options=None):
        self.agents, self.clock = list(self.possible_agents), 0
        self.generator = np.random.default_rng(seed)
        return self._show(), {a: {} for a in self.agents}

    def _show(self):
        self.cue = {a: int(self.generator.integers(3)) for a in self.agents}
        return {a: np.eye(3, dtype=np.float32)[cue] for a, cue in self.cue.items()}

    def step(self, actions):
        paid = {a: float(actions[a] == self.cue[a]) for a in self.agents}
        self.clock += 1
        over, seen = dict.fromkeys(self.agents, self.clock == 5), self._show()
        never, nothing = dict.fromkeys(self.agents, False), {a: {} for a in self.agents}
        self.agents = [] if self.clock == 5 else self.agents
        return seen, paid, never, over, nothing


def test_the_guides_trainer_in_the_aec_form_learns():
    """A third of five by chance, five at best; the loop of the guide itself, which teaches its own guesses, cannot."""
    trainer = marl_trainer.trainer_for(parallel_to_aec(Cues()), {"learning_rate": 0.02, "gamma": 0.0})
    history = trainer.train(250)
    assert np.mean(history[:5]) < 2.6
    assert np.mean(history[-30:]) > 4.0
    rewards, losses = trainer.train_episode()
    assert rewards.keys() == losses.keys() == {"one", "two"}


@pytest.mark.parametrize("odds", [0.0, 0.05])
def test_a_day_at_a_broker(odds):
    """With and without faults: nothing lost, nothing doubled; a line that fails costs time, and may leave a rest."""
    parents = (20_000.0, -15_000.0)
    found = broker_day.day(parents, lost=odds, unanswered=odds)
    for parent, filled, rest in zip(parents, found["filled"], found["open"], strict=True):
        assert filled + rest == parent
        assert abs(rest) <= 0.05 * abs(parent) * (odds > 0.0)
    assert found["differences"] == []
    assert (found["seconds waited"] > 0.0) is (odds > 0.0)


# ---------------------------------------------------------------- the same on our own stages


@pytest.fixture(params=STAGES)
def module(request):
    return importlib.import_module(f"fund.envs.{request.param}")


def test_both_loops_play_the_same_episode_of_a_stage(module):
    def scripted(env):
        draws = {}
        for k, agent in enumerate(env.possible_agents):
            env.action_space(agent).seed(k)
            draws[agent] = iter([env.action_space(agent).sample() for _ in range(12)])
        return lambda agent, observation: next(draws[agent])

    aec, parallel = module.env(max_cycles=12), module.parallel_env(max_cycles=12)
    one, two = aec_loop.play(aec, 3, scripted(aec)), parallel_loop.play(parallel, 3, scripted(parallel))
    assert one == two
    assert any(one.values())


def test_the_trainer_learns_on_a_stage_by_its_pettingzoo_form(module):
    team = ParallelTeam.of(lambda: module.parallel_env(max_cycles=10), 2)
    learner = Learner(team, Settings(copies=2, rollout=10, epochs=1, net_arch=(8,)))
    assert all(np.isfinite(x) for x in learner.iterate().values())


@pytest.mark.parametrize("name", ["strategic", "tactical", "risk"])
def test_the_guides_trainer_runs_on_a_stage(name):
    env = importlib.import_module(f"fund.envs.{name}").env(max_cycles=6)
    rewards, losses = marl_trainer.trainer_for(env, {"learning_rate": 1e-3}).train_episode()
    assert rewards.keys() == losses.keys() == set(env.possible_agents)
    assert np.isfinite([*rewards.values(), *losses.values()]).all()


@pytest.mark.skipif("risk" not in STAGES, reason="no stage of discrete actions and spaces alike")
def test_others_tools_learn_on_a_stage():
    risk = importlib.import_module("fund.envs.risk")
    model = sb3_supersuit.train(risk.parallel_env(max_cycles=20), 400, copies=1)
    total = parallel_loop.play(risk.parallel_env(max_cycles=20), 7, sb3_supersuit.policy(model))
    assert all(np.isfinite(x) for x in total.values())
    args = cleanrl_ippo.Args(total_steps=200, num_envs=2, num_steps=50)
    _, history = cleanrl_ippo.main(args, lambda: risk.parallel_env(max_cycles=20))
    assert np.isfinite(history).all()
