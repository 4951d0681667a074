"""A world of one's own for the multi-agent trainer: mpe2's simple_spread_v3 again, n copies stepped by NumPy.

Three agents are to cover three landmarks without bumping into each other (Lowe et al., 2017, "Multi-agent
actor-critic for mixed cooperative-competitive environments"). Half of each agent's reward is the sum of each
landmark's distance to its nearest agent, half is -1 for each agent that it touches. That the numbers are mpe2's own
is tested step by step; this one is faster by a factor of hundreds.
"""

from __future__ import annotations

import numpy as np

from fund.envs.team import Outcome
from fund.strategy import Choice

SIZE, TIME_STEP, DAMPING, SENSITIVITY = 0.15, 0.1, 0.25, 5.0  # mpe2's World and SimpleEnv
CONTACT_FORCE, CONTACT_MARGIN, LOCAL_RATIO, CYCLES = 1e2, 1e-3, 0.5, 25
PUSH = np.array([[0.0, 0.0], [-1.0, 0.0], [1.0, 0.0], [0.0, -1.0], [0.0, 1.0]])  # of each of the five actions
AGENTS = ("agent_0", "agent_1", "agent_2")
PAIRS = ((0, 1), (0, 2), (1, 2))


class SimpleSpread:
    """n copies; copy i begins as mpe2 does after `reset(seed=seed + i)`."""

    agents = AGENTS
    observed = dict.fromkeys(AGENTS, 18)
    actions = dict.fromkeys(AGENTS, Choice(5))
    state_size = 54

    def __init__(self, n: int) -> None:
        self.n = n
        self.seeds, self.episodes, self.clock = np.arange(n), np.full(n, -1), np.zeros(n, np.int64)
        self.place, self.speed = np.zeros((n, 3, 2)), np.zeros((n, 3, 2))
        self.landmark = np.zeros((n, 3, 2))

    def reset(self, seed=None):
        if seed is not None:
            self.seeds, self.episodes = seed + np.arange(self.n), np.full(self.n, -1)
        return self.renew(np.ones(self.n, bool))

    def renew(self, ended):
        for i in np.flatnonzero(ended):
            self.episodes[i] += 1
            seed = int(self.seeds[i])
            if self.episodes[i]:
                seed = int(np.random.SeedSequence([seed, int(self.episodes[i])]).generate_state(1)[0])
            drawn = np.random.default_rng(seed).uniform(-1.0, 1.0, (6, 2))
            self.place[i], self.landmark[i] = drawn[:3], drawn[3:]
        self.speed[ended], self.clock[ended] = 0.0, 0
        return self._observe()

    def step(self, actions):
        force = np.stack([PUSH[actions[a]] for a in AGENTS], axis=1) * SENSITIVITY
        for a, b in PAIRS:
            away = self.place[:, a] - self.place[:, b]
            distance = np.sqrt(np.square(away).sum(axis=1, keepdims=True))
            depth = np.logaddexp(0.0, -(distance - 2 * SIZE) / CONTACT_MARGIN) * CONTACT_MARGIN
            push = CONTACT_FORCE * away / distance * depth
            force[:, a] += push
            force[:, b] -= push
        self.place += self.speed * TIME_STEP
        self.speed = self.speed * (1 - DAMPING) + force * TIME_STEP
        self.clock += 1
        ended = self.clock >= CYCLES
        return Outcome(self._observe(), self._reward(), np.zeros(self.n, bool), ended)

    def _reward(self):
        between = np.linalg.norm(self.place[:, :, None] - self.landmark[:, None], axis=-1)
        near = -between.min(axis=1).sum(axis=1)
        bumps = np.zeros((self.n, 3))
        for a, b in PAIRS:
            touch = np.linalg.norm(self.place[:, a] - self.place[:, b], axis=-1) < 2 * SIZE
            bumps[:, a] -= touch
            bumps[:, b] -= touch
        return (1 - LOCAL_RATIO) * near[:, None] + LOCAL_RATIO * bumps

    def _observe(self):
        silence = np.zeros((self.n, 4))
        seen = {}
        for a, name in enumerate(AGENTS):
            here = self.place[:, a]
            others = [self.place[:, b] - here for b in range(3) if b != a]
            landmarks = [self.landmark[:, k] - here for k in range(3)]
            row = [self.speed[:, a], here, *landmarks, *others, silence]
            seen[name] = np.concatenate(row, axis=1).astype(np.float32)
        self._seen = seen
        return seen

    def state(self):
        return np.concatenate([self._seen[a] for a in AGENTS], axis=1)

    def alive(self):
        return np.ones((self.n, 3), bool)

    def get_state(self):
        return {
            k: getattr(self, k).copy() for k in ("seeds", "episodes", "clock", "place", "speed", "landmark")
        }

    def set_state(self, state):
        for key, value in state.items():
            setattr(self, key, np.array(value))
        return self._observe()
