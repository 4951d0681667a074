"""A stage's batch: n paths, its agents speaking in each round; a `fund.envs.team.Team`, the form that a trainer plays.

    rounds = Rounds(stage, n, seed)
    seen = rounds.reset(seed)                     {agent: (n, k)}, before anybody has spoken in this round
    rounds.announce("fvg_agent", choices)         what later speakers are told; `view(agent)` then shows it to them
    out = rounds.step(actions)                    {agent: actions}; those announced need not be given again
    rounds.renew(out.terminated | out.truncated)  the next episodes of the paths that have ended

Arrays that come back are overwritten in the next round, or at the next `view` of the same agent: copy what is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fund.envs.batch import Batch
from fund.envs.team import Actions, Observations, Outcome
from fund.errors import InvalidAction, ResetNeeded, UnknownName
from fund.market.streams import Paths
from fund.market.tape import Tape
from fund.market.windows import Windows
from fund.stage import Agent, Scene, Stage
from fund.strategy import Box, Choice

Floats = NDArray[np.float64]
Speaker = Callable[[NDArray[np.float32]], NDArray[Any]]
"""A policy of one agent: what it sees (n, k) in, its actions out."""


class Rounds:
    """n paths of a stage, stepped together."""

    def __init__(self, stage: Stage, n: int = 1, seed: int = 0, tape: Tape | None = None) -> None:
        self.stage = stage
        self.batch = Batch(stage.strategy, n, seed, tape)
        self.n, self.agents = self.batch.n, stage.names
        self.observed = {agent.name: agent.size for agent in stage.agents}
        self.actions = {agent.name: faced(agent) for agent in stage.agents}
        self.state_size = len(stage.state_names)
        self._agents = {agent.name: agent for agent in stage.agents}
        features = stage.strategy.features
        self._windows = {
            a.name: Windows(np.array([features.index(c) for c in a.columns], dtype=np.int64), a.window)
            for a in stage.agents
        }
        self._told = {a.name: [_place(stage, name) for name in a.told] for a in stage.agents}
        self._seen = {a.name: np.zeros((self.n, a.size), dtype=np.float32) for a in stage.agents}
        self._fixed, self._turned = tape is not None, False
        self._said_at = _said_places(stage)
        self._said = np.zeros((self.n, sum(len(a.said) for a in stage.agents)))
        self._joint = np.zeros((self.n, stage.width))
        self._quick = {a.name: _table(a) for a in stage.agents}
        self.spoken: set[str] = set()  # who has decided in this round

    def reset(self, seed: int | None = None) -> Observations:
        """Begin episodes: the first of `seed`, `seed + 1`, ... of the paths, or the next of each."""
        self.batch.reset(seed)
        return self._begin()

    def start(self, paths: Paths) -> Observations:
        """Begin the named episodes."""
        self.batch.start(paths)
        return self._begin()

    def renew(self, ended: NDArray[np.bool_]) -> Observations:
        """Begin the next episode of the paths that have ended; observations of all."""
        self.batch.renew(ended)
        return self._begin(None if ended.all() else np.flatnonzero(ended))

    def _begin(self, which: NDArray[np.intp] | None = None) -> Observations:
        # a tape is turned path by path once; one that was given stays as it is
        if not (self._fixed and self._turned):
            for windows in self._windows.values():
                windows.read(self.batch.current_tape, which)
            self._turned = True
        self._open()
        return self.observe()

    def _open(self) -> None:
        self.spoken.clear()
        self._said[:] = 0.0

    def alive(self) -> NDArray[np.bool_]:
        """(n, agents) who takes part in the next round: a path's agents end together."""
        return np.repeat(~self.batch.ended[:, None], len(self.agents), axis=1)

    def observe(self) -> dict[str, NDArray[np.float32]]:
        """What each agent sees now, {agent: (n, k)}."""
        return {name: self.view(name) for name in self._agents}

    def view(self, name: str) -> NDArray[np.float32]:
        """What one agent sees now (n, k): its windows, then what it is told; raises UnknownName."""
        agent, seen = self._agent(name), self._seen[name]
        observation = self.batch._buffers[self.batch._turn]
        self._windows[name].look(self.batch.clock, observation, seen)
        first = agent.window * len(agent.columns)
        for k, (own, place) in enumerate(self._told[name]):
            seen[:, first + k] = observation[:, place] if own else self._said[:, place]
        return seen

    def announce(self, name: str, action: Any) -> None:
        """Take an agent's decision of this round; later speakers are told. Raises InvalidAction, UnknownName."""
        agent = self._agent(name)
        if self.batch.tape is None:
            raise ResetNeeded(f"{self.stage.name}: {name} speaks before reset; call reset first")
        numbers = agent.numbers(action, self.n)
        if not np.isfinite(numbers).all():
            raise InvalidAction(f"{name}: an action is not finite")
        self._joint[:, self.stage.parts_of[name]] = numbers
        if self.stage.in_turn:
            self._said[:, self._said_at[name]] = agent.message(numbers)
        self.spoken.add(name)

    def announce_one(self, name: str, action: Any) -> None:
        """The same of a single path, its action without the axis of the paths.

        Raises ResetNeeded before the first reset.
        """
        table = self._quick.get(name)
        if table is None or not isinstance(action, (int, np.integer)) or not 0 <= action < len(table):
            self.announce(name, np.asarray(action)[None])
            return
        if self.batch.tape is None:
            raise ResetNeeded(f"{self.stage.name}: {name} speaks before reset; call reset first")
        numbers = table[action : action + 1]
        self._joint[:, self.stage.parts_of[name]] = numbers
        if self.stage.in_turn:
            self._said[:, self._said_at[name]] = self._agents[name].message(numbers)
        self.spoken.add(name)

    def play(self, actions: Actions | None = None) -> tuple[Floats, NDArray[np.bool_], NDArray[np.bool_]]:
        """Play the round: rewards (n, agents), terminated, truncated.

        Raises InvalidAction where an agent has not spoken or says what it cannot.
        """
        given = actions or {}
        joint = self._joint if self.spoken else self.stage.joint(given)
        if self.spoken:
            for name, action in given.items():
                self.announce(name, action)
            silent = [name for name in self.agents if name not in self.spoken]
            if silent:
                raise InvalidAction(f"{self.stage.name}: no action of {silent[0]}")
        out = self.batch.step(joint)
        self._open()
        return self.stage.rewards(self.batch.parts), out.terminated, out.truncated

    def step(self, actions: Actions | None = None) -> Outcome:
        """Play the round, and see what came of it."""
        rewards, terminated, truncated = self.play(actions)
        return Outcome(self.observe(), rewards, terminated, truncated)

    def scene(self) -> Scene:
        """All that may be seen now, for rules and for the stage's own methods."""
        return Scene(self.batch.view(), self.batch.current_tape)

    def state(self) -> NDArray[np.float32]:
        """What the central critic sees, (n, s)."""
        return self.stage.state(self.scene())

    def get_state(self) -> dict[str, NDArray[Any]]:
        """The whole state in plain arrays, at the start of a round or within one."""
        spoken = np.array([name in self.spoken for name in self.agents])
        own = {"joint": self._joint.copy(), "said": self._said.copy(), "spoken": spoken}
        return {**self.batch.get_state(), **own}

    def set_state(self, state: Mapping[str, NDArray[Any]]) -> Observations:
        """Continue from `get_state`."""
        self.batch.set_state(state)
        self._begin()
        self._joint[:], self._said[:] = state["joint"], state["said"]
        self.spoken = {name for name, spoke in zip(self.agents, state["spoken"], strict=True) if spoke}
        return self.observe()

    def _agent(self, name: str) -> Agent:
        if name not in self._agents:
            raise UnknownName("agent", name, self._agents)
        return self._agents[name]


def faced(agent: Agent) -> Box | Choice:
    """What the faces ask of an agent: its action, or a probability for each of its choices."""
    if isinstance(agent.action, Choice) and agent.superposition:
        return Box(agent.action.count, 0.0, 1.0)
    return agent.action


def _table(agent: Agent) -> Floats | None:
    # a choice's entries of the joint action, row by row
    if isinstance(agent.action, Box) or agent.superposition:
        return None
    return agent.numbers(np.arange(agent.action.count), agent.action.count)


def _said_places(stage: Stage) -> dict[str, slice]:
    places, at = {}, 0
    for agent in stage.agents:
        places[agent.name] = slice(at, at + len(agent.said))
        at += len(agent.said)
    return places


def _place(stage: Stage, told: str) -> tuple[bool, int]:
    # a slot of the observation (True), or a place among what has been said
    if told in stage.strategy.features:
        return True, stage.strategy.features.index(told)
    return False, [name for agent in stage.agents for name in agent.said].index(told)


class Result(NamedTuple):
    """What one episode of each of n paths came to."""

    rewards: Floats  # (n, agents), summed over the episode
    nav: Floats  # (T+1, n)


def play_rounds(
    stage: Stage, speakers: Mapping[str, Speaker], paths: Paths, tape: Tape | None = None
) -> Result:
    """Play one episode a path with a policy for each agent, in speaking order; raises InvalidAction."""
    rounds = Rounds(stage, len(paths), tape=tape)
    rounds.start(paths)
    nav = [rounds.batch.ledger.books.nav.copy()]
    total = np.zeros((rounds.n, len(stage.agents)))
    for _ in range(rounds.batch.current_tape.steps):
        for name in stage.names:
            rounds.announce(name, speakers[name](rounds.view(name)))
        total += rounds.play()[0]
        nav.append(rounds.batch.ledger.books.nav.copy())
    return Result(total, np.array(nav))
