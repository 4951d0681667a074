"""Small cooperative games whose best play is known from papers, as teams."""

import os
import signal
import time
from pathlib import Path

import numpy as np

from fund.envs.team import Outcome
from fund.strategy import Box, Choice

SEVEN, EIGHT = np.full((2, 2), 7.0), np.array([[0.0, 1.0], [1.0, 8.0]])


class TwoSteps:
    """Rashid et al. (2018), section 6 and table 1: agent 1 chooses which of two matrix games both then play.

    Both see which of the three states it is; the first game pays 7 whatever they do, the second [[0, 1], [1, 8]].
    """

    agents = ("one", "two")
    observed = dict.fromkeys(agents, 3)
    actions = dict.fromkeys(agents, Choice(2))
    state_size = 3

    def __init__(self, n):
        self.n, self.where = n, np.zeros(n, int)

    def reset(self, seed=None):
        self.where[:] = 0
        return self._observe()

    def renew(self, ended):
        self.where[ended] = 0
        return self._observe()

    def state(self):
        return np.eye(3, dtype=np.float32)[self.where]

    def _observe(self):
        return dict.fromkeys(self.agents, self.state())

    def alive(self):
        return np.ones((self.n, 2), bool)

    def step(self, actions):
        one, two = np.asarray(actions["one"]), np.asarray(actions["two"])
        playing = self.where > 0
        pay = np.where(self.where == 1, SEVEN[one, two], EIGHT[one, two]) * playing
        self.where = np.where(playing, self.where, 1 + one)
        return Outcome(self._observe(), np.repeat(pay[:, None], 2, axis=1), playing, np.zeros(self.n, bool))

    def get_state(self):
        return {"where": self.where.copy()}

    def set_state(self, state):
        self.where = np.array(state["where"])
        return self._observe()


class Climb:
    """One step of the climbing game (Claus & Boutilier, 1998): 11 for both the first, 7 and 5 for safer choices."""

    PAY = np.array([[11.0, -30.0, 0.0], [-30.0, 7.0, 6.0], [0.0, 0.0, 5.0]])
    agents = ("one", "two")
    observed = dict.fromkeys(agents, 1)
    actions = dict.fromkeys(agents, Choice(3))
    state_size = 1

    def __init__(self, n):
        self.n = n

    def reset(self, seed=None):
        return self._observe()

    def renew(self, ended):
        return self._observe()

    def _observe(self):
        return dict.fromkeys(self.agents, np.ones((self.n, 1), np.float32))

    def state(self):
        return np.ones((self.n, 1), np.float32)

    def alive(self):
        return np.ones((self.n, 2), bool)

    def step(self, actions):
        pay = self.PAY[np.asarray(actions["one"]), np.asarray(actions["two"])]
        never = np.zeros(self.n, bool)
        return Outcome(self._observe(), np.repeat(pay[:, None], 2, axis=1), ~never, never)

    def get_state(self):
        return {"none": np.zeros(1)}

    def set_state(self, state):
        return self._observe()


class Radner:
    """A team of two statisticians (Radner, 1962): one step, a common unknown t, each sees it with noise of its own.

    Pay -(a_1 - t)^2 - (a_2 - t)^2 - Q (a_1 - a_2)^2 to both, t and the noises normal with variance 1. Person by person,
    a_i = k x_i with k = rho / (1 + Q (1 - rho)), rho = 1/2: k = 1/4 and -1.5 on average. Who forgets the other takes
    1/2, which pays -2, as nothing does.
    """

    Q, SLOPE, BEST, ALONE = 2.0, 0.25, -1.5, -2.0
    agents = ("one", "two")
    observed = dict.fromkeys(agents, 1)
    actions = dict.fromkeys(agents, Box(1, -2.0, 2.0))
    state_size = 2

    def __init__(self, n):
        self.n = n
        self.reset(0)

    def reset(self, seed=None):
        if seed is not None:
            self.generator = np.random.default_rng(seed)
        return self.renew(np.ones(self.n, bool))

    def renew(self, ended):
        self.unknown = self.generator.standard_normal(self.n)
        self.seen = (self.unknown[:, None] + self.generator.standard_normal((self.n, 2))).astype(np.float32)
        self.over = False
        return self._observe()

    def state(self):
        return self.seen

    def _observe(self):
        return {a: self.seen[:, [k]] for k, a in enumerate(self.agents)}

    def alive(self):
        return np.full((self.n, 2), not self.over)

    def step(self, actions):
        a = np.stack([np.asarray(actions[name])[:, 0] for name in self.agents], axis=1)
        pay = -((a - self.unknown[:, None]) ** 2).sum(axis=1) - self.Q * (a[:, 0] - a[:, 1]) ** 2
        self.over = True
        return Outcome(
            self._observe(), np.repeat(pay[:, None], 2, axis=1), np.ones(self.n, bool), np.zeros(self.n, bool)
        )

    def get_state(self):
        return None

    def set_state(self, state):
        raise AssertionError("nobody can have a state to set")


class Walk:
    """Two agents push a number up or down and are paid for being near 1; episodes of ten steps; knows its state."""

    agents = ("one", "two")
    observed = dict.fromkeys(agents, 2)
    actions = dict.fromkeys(agents, Choice(3))
    state_size = 2

    def __init__(self, n):
        self.n, self.where, self.clock = n, np.zeros(n), np.zeros(n, int)
        self.seeds, self.episodes = np.arange(n), np.full(n, -1)

    def reset(self, seed=None):
        if seed is not None:
            self.seeds, self.episodes = seed + np.arange(self.n), np.full(self.n, -1)
        return self.renew(np.ones(self.n, bool))

    def renew(self, ended):
        for i in np.flatnonzero(ended):
            self.episodes[i] += 1
            self.where[i] = np.random.default_rng([int(self.seeds[i]), int(self.episodes[i])]).normal()
        self.clock[ended] = 0
        return self._observe()

    def state(self):
        return np.stack([self.where, self.clock / 10.0], axis=1).astype(np.float32)

    def _observe(self):
        return dict.fromkeys(self.agents, self.state())

    def alive(self):
        return np.repeat((self.clock < 10)[:, None], 2, axis=1)

    def step(self, actions):
        self.where = self.where + 0.2 * sum(np.asarray(actions[a]) - 1.0 for a in self.agents)
        self.clock = self.clock + 1
        pay = np.repeat(-np.abs(self.where - 1.0)[:, None], 2, axis=1)
        return Outcome(self._observe(), pay, np.zeros(self.n, bool), self.clock >= 10)

    def get_state(self):
        return {k: getattr(self, k).copy() for k in ("where", "clock", "seeds", "episodes")}

    def set_state(self, state):
        for key, value in state.items():
            setattr(self, key, np.array(value))
        return self._observe()


class Fatal(Walk):
    """Kills the process that plays copy 0, `times` times, in its step `at`; `folder` remembers. Not with n == 1."""

    def __init__(self, n, folder, times=1, at=15, how="kill"):
        super().__init__(n)
        self.folder, self.times, self.at, self.how, self.taken = Path(folder), times, at, how, 0

    def step(self, actions):
        self.taken += 1
        died = len(list(self.folder.iterdir()))
        if self.n > 1 and self.seeds[0] == 0 and self.taken == self.at and died < self.times:
            (self.folder / str(died)).touch()
            if self.how == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            if self.how == "hang":
                time.sleep(3600)
            raise ValueError("the world is broken")
        return super().step(actions)


class Slow(Walk):
    """Whose process has a file of its number in `folder` is slow: the first that comes."""

    def __init__(self, n, folder):
        super().__init__(n)
        self.folder = Path(folder)
        if n > 1 and not list(self.folder.iterdir()):
            (self.folder / str(os.getpid())).touch()

    def step(self, actions):
        if self.n > 1 and (self.folder / str(os.getpid())).exists():
            time.sleep(0.02)
        return super().step(actions)
