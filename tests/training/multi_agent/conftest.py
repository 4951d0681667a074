"""Small teams whose best actions are known."""

import numpy as np
import pytest
import torch

from fund.envs.team import Outcome
from fund.strategy import Box, Choice


class Guess:
    """Each agent sees a cue and is paid for the right answer to it; episodes of LENGTH steps, ended by the clock.

    discrete: the right answer is the place of the largest of four numbers, worth 1.
    continuous: it is half the first number, worth minus the squared distance.
    recall: the cue is shown at the first step only and asked for at all others.
    dies: the second agent takes part in the first three steps only.
    """

    LENGTH = 8

    def __init__(self, n, agents=2, kind="discrete", recall=False, dies=False):
        self.n, self.agents = n, tuple(f"agent_{k}" for k in range(agents))
        self.kind, self.recall, self.dies = kind, recall, dies
        self.observed = dict.fromkeys(self.agents, 4)
        self.actions = dict.fromkeys(self.agents, Choice(4) if kind == "discrete" else Box(1))
        self.state_size = 4 * agents
        self.seeds, self.episodes, self.clock = np.arange(n), np.full(n, -1), np.zeros(n, np.int64)
        self.cues = np.zeros((n, self.LENGTH + 1, agents, 4), np.float32)

    def reset(self, seed=None):
        if seed is not None:
            self.seeds, self.episodes = seed + np.arange(self.n), np.full(self.n, -1)
        return self.renew(np.ones(self.n, bool))

    def renew(self, ended):
        self.episodes = self.episodes + ended
        for i in np.flatnonzero(ended):
            self._draw(i)
        self.clock[ended] = 0
        return self._observe()

    def _draw(self, i):
        generator = np.random.default_rng([int(self.seeds[i]), int(self.episodes[i])])
        self.cues[i] = generator.uniform(-1.0, 1.0, self.cues[i].shape)

    def alive(self):
        out = np.ones((self.n, len(self.agents)), bool)
        if self.dies:
            out[:, 1] = self.clock < 3
        return out & (self.clock < self.LENGTH)[:, None]

    def _asked(self):
        row = np.zeros(self.n, int) if self.recall else self.clock
        return self.cues[np.arange(self.n), row]

    def _observe(self):
        shown = self._asked() * ((self.clock == 0) | (not self.recall))[:, None, None]
        return {a: np.where(self.alive()[:, [k]] | (self.clock == self.LENGTH)[:, None], shown[:, k], 0.0)
                for k, a in enumerate(self.agents)}  # fmt: skip

    def state(self):
        seen = self._observe()
        return np.concatenate([seen[a] for a in self.agents], axis=1).astype(np.float32)

    def step(self, actions):
        cue, alive = self._asked(), self.alive()
        given = np.stack([np.asarray(actions[a]).reshape(self.n) for a in self.agents], axis=1)
        if self.kind == "discrete":
            reward = (given == cue.argmax(axis=2)).astype(float)
        else:
            reward = -((given - 0.5 * cue[:, :, 0]) ** 2)
        if self.recall:
            reward *= (self.clock > 0)[:, None]
        self.clock += 1
        ended = self.clock >= self.LENGTH
        return Outcome(self._observe(), reward * alive, np.zeros(self.n, bool), ended)

    def get_state(self):
        return {"seeds": self.seeds, "episodes": self.episodes, "clock": self.clock.copy()}

    def set_state(self, state):
        self.seeds, self.episodes = np.array(state["seeds"]), np.array(state["episodes"])
        self.clock = np.array(state["clock"])
        for i in range(self.n):
            self._draw(i)
        return self._observe()


class Stateless(Guess):
    """Cannot say its state."""

    def get_state(self):
        return None

    def set_state(self, state):
        raise AssertionError("nobody can have a state to set")


@pytest.fixture
def guess():
    return Guess


@pytest.fixture
def stateless():
    return Stateless


@pytest.fixture(autouse=True)
def _one_thread():
    """Sums of several threads come in any order."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
