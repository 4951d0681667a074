"""How many steps a second: the one way in which `fund bench` and `fund verify --level benchmark` count them.

Time is the process's own processor time, the best of some rounds, because a machine is shared. An agent step is one
decision of one agent; actions are drawn beforehand and not counted.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fund.envs.rounds import Rounds
from fund.stage import Stage
from fund.strategy import Box, Choice

ROUNDS = 3
DRAWN = 32  # different joint actions of a single environment, played one after the other

Work = Callable[[], int]
"""Something to be timed; gives the number of steps that it took."""


def best(work: Work, rounds: int = ROUNDS) -> float:
    """Steps a second of processor time, the best of some rounds."""
    speeds = []
    for _ in range(rounds):
        start = time.process_time()
        steps = work()
        speeds.append(steps / max(time.process_time() - start, 1e-9))
    return max(speeds)


def drawn(space: Box | Choice, steps: int, n: int, seed: int = 0) -> list[NDArray[Any]]:
    """Random actions of n paths, one array a step: (n, size) numbers, or (n, 1) choices."""
    generator = np.random.default_rng(seed)
    if isinstance(space, Box):
        return [generator.uniform(space.low, space.high, (n, space.size)) for _ in range(steps)]
    return [generator.integers(space.count, size=(n, 1)).astype(float) for _ in range(steps)]


def parallel_form(env: Any, cycles: int = 2000) -> Work:
    """Agent steps through a PettingZoo Parallel environment, episode after episode."""
    env.reset(seed=0)
    joint = _joint_actions(env)

    def work() -> int:
        taken = 0
        for k in range(cycles):
            actions, live = joint[k % DRAWN], env.agents
            if len(live) < len(actions):
                actions = {agent: actions[agent] for agent in live}
            env.step(actions)
            taken += len(actions)
            if not env.agents:
                env.reset()
        return taken

    return work


def aec_form(env: Any, cycles: int = 1000) -> Work:
    """Agent steps through a PettingZoo AEC environment, `last` called before each."""
    env.reset(seed=0)
    joint = _joint_actions(env)

    def work() -> int:
        taken = 0
        for k in range(cycles * len(env.possible_agents)):
            if not env.agents:
                env.reset()
            _, _, ended, cut, _ = env.last()
            dead = ended or cut
            env.step(None if dead else joint[k % DRAWN][env.agent_selection])
            taken += not dead
        return taken

    return work


def _joint_actions(env: Any) -> list[dict[str, Any]]:
    for k, agent in enumerate(env.possible_agents):
        env.action_space(agent).seed(k)
    return [{agent: env.action_space(agent).sample() for agent in env.possible_agents} for _ in range(DRAWN)]


class Batched:
    """Stages stepped together, n paths each: all agents' views made in every round."""

    def __init__(self, stages: list[Stage], paths: int, steps: int) -> None:
        self.rounds = [Rounds(stage.with_parameters(n_steps=steps), paths) for stage in stages]
        self.actions = [_said(rounds, steps) for rounds in self.rounds]
        self.taken = paths * steps * sum(len(stage.agents) for stage in stages)
        self.ready = [Rounds(r.stage, tape=_tape(r)) for r in self.rounds]

    def step_only(self) -> int:
        """An episode on a tape that is there."""
        for rounds, actions in zip(self.ready, self.actions, strict=True):
            rounds.reset()
            for said in actions:
                rounds.step(said)
        return self.taken

    def with_tapes(self) -> int:
        """An episode, its tape drawn."""
        for rounds, actions in zip(self.rounds, self.actions, strict=True):
            rounds.reset()
            for said in actions:
                rounds.step(said)
        return self.taken


def _said(rounds: Rounds, steps: int) -> list[dict[str, NDArray[Any]]]:
    by_agent = {
        name: drawn(space, steps, rounds.n, k) for k, (name, space) in enumerate(rounds.actions.items())
    }
    choices = {name for name, space in rounds.actions.items() if isinstance(space, Choice)}
    return [
        {
            name: rows[t][:, 0].astype(np.int64) if name in choices else rows[t]
            for name, rows in by_agent.items()
        }
        for t in range(steps)
    ]


def _tape(rounds: Rounds) -> Any:
    rounds.reset(0)
    return rounds.batch.current_tape
