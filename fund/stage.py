"""What a stage of the GrandModel is: agents that speak in order, and the one Strategy that is their world.

A stage does not step anything itself. Its world is a `Strategy` (tape, scalar step, ledger, contract kit) whose action
vector is its agents' actions side by side; the stage says who sees what, what an action means, and who is paid.

To write a stage:

1. Write the Strategy. `actions` is a Box whose entries are the agents' in speaking order: for an agent with a `Box` its
   numbers, for one with a `Choice` the number chosen, or (`mixed`) its probabilities of short, neutral and long, which
   choice k of c makes the direction -1 + 2k/(c - 1): that much short or long, and otherwise neutral. The step function
   normalises what it gets (the contract kit sends it anything within the bounds). Observation columns that are looked
   back on are causal features of the tape, and `record` fills `Tape.past` with `window - 1` rows before row 0 where
   an agent's window is longer than 1. What an agent's speech does beyond the action goes through `Memory`.
2. Subclass `Stage` as a frozen dataclass: `name`, `section` (its key in D0's configuration), and a constructor that
   fills `strategy`, `agents`, `matrix`.
3. Say who is paid: `credit` maps a part of the reward to shares of agents (default: all alike). An agent's reward is
   the sum of its shares, so that the agents' rewards add up to the Strategy's reward: money is never counted twice.
4. Override `state` where the central critic should see something else than the whole observation row, `split` and
   `joint` where actions are not simply side by side, and add methods of your own that take a `Scene` and a path.

The clock of a round (one step of the Strategy), for stages that speak in turn (`in_turn`):

    observe agent 1 -> decides -> announce -> observe agent 2, which is told what 1 said -> ... -> step -> rewards

What an agent sees as numbers (n, k): window x columns, oldest row first, then the slots it is `told`: names of the
observation's own slots (position, drawdown, ...), or `said_<agent>`, what an earlier speaker has decided in this round
(direction in [-1, 1] of a Choice; of a Box `said_<agent>_<k>`). Before anybody has spoken these are 0; so they are
for all in the Parallel form. PettingZoo shows a window of more than one row as a matrix (window, len(matrix)) in which
the columns of others are 0, but for the last row, where what the agent is told stands in them, in order.

    fund.envs.rounds.Rounds(stage, n, seed)     n paths stepped together, the trainer's form
    fund.envs.turns                              PettingZoo: AEC and Parallel, over a batch of one
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from fund.choices import direction_of, distribution, shaped, share_out, sided, sides_of
from fund.errors import InvalidAction, InvalidParameter, UnknownName
from fund.market.tape import Tape
from fund.market.windows import look_back
from fund.strategy import Box, Choice, Strategy, View, names

Floats = NDArray[np.float64]
Actions = Mapping[str, NDArray[Any]]
"""By agent: (n,) choices, (n, count) probabilities of a Choice, or (n, size) numbers of a Box."""


@dataclass(frozen=True)
class Agent:
    """One speaker: what it sees, what it may say."""

    name: str
    columns: tuple[str, ...]  # features that it sees
    action: Box | Choice
    window: int = 1  # rows, the present one included
    told: tuple[str, ...] = ()  # own slots of the observation, or `said_<agent>`
    mixed: bool = False  # the joint action holds its probabilities of short, neutral and long, not the choice
    superposition: bool = False  # the faces ask for a probability of each choice

    @property
    def width(self) -> int:
        """Numbers of the joint action that are this agent's."""
        if isinstance(self.action, Box):
            return self.action.size
        return 3 if self.mixed else 1

    @property
    def said(self) -> tuple[str, ...]:
        """Names of what later speakers are told of its decision."""
        if isinstance(self.action, Choice) or self.action.size == 1:
            return (f"said_{self.name}",)
        return tuple(f"said_{self.name}_{k}" for k in range(self.action.size))

    @property
    def size(self) -> int:
        """Numbers that it sees."""
        return self.window * len(self.columns) + len(self.told)

    def numbers(self, action: Any, n: int) -> Floats:
        """Its actions as its entries (n, width) of the joint action; raises InvalidAction.

        Probabilities are made to sum to 1; nothing but zeros means no preference.
        """
        try:
            given = np.asarray(action, dtype=np.float64)
        except (TypeError, ValueError):
            raise InvalidAction(f"{self.name}: action {np.ravel(action)[0]!r}, wanted numbers") from None
        if isinstance(self.action, Box):
            return shaped(given, (n, self.action.size), self.name)
        count = self.action.count
        if given.shape == (n, count) and (self.mixed or self.superposition):
            shares = distribution(given)
            return sided(shares) if self.mixed else np.argmax(shares, axis=1)[:, None].astype(np.float64)
        choice = shaped(given, (n, 1), self.name)
        wrong = ~((choice >= 0) & (choice < count) & (choice == np.floor(choice)))
        if wrong.any():
            found = choice[wrong][0]
            raise InvalidAction(f"{self.name}: action {found}, wanted a whole number from 0 to {count - 1}")
        return sides_of(count)[choice[:, 0].astype(np.int64)] if self.mixed else choice

    def message(self, numbers: Floats) -> Floats:
        """What later speakers are told (n, len(said)) of its entries of the joint action."""
        if isinstance(self.action, Box):
            return numbers
        if self.mixed:
            return numbers[:, 2:3] - numbers[:, 0:1]
        return direction_of(self.action.count)[numbers.astype(np.int64)]

    def choice(self, numbers: Floats) -> NDArray[Any]:
        """Its entries (n, width) of a joint action as the faces take them; the nearest choice of a Choice."""
        if isinstance(self.action, Box):
            return numbers
        nearest = numbers[:, 0].astype(np.int64)
        if self.mixed:
            sides = distribution(numbers)
            if self.superposition and self.action.count == 3:
                return sides
            place = 0.5 * (sides[:, 2] - sides[:, 0] + 1.0) * (self.action.count - 1)
            nearest = np.rint(place).astype(np.int64)
        return np.eye(self.action.count)[nearest] if self.superposition else nearest


@dataclass(frozen=True)
class Debug:
    """What a face does beside its work; keys of D0's configuration."""

    debug: bool = False  # all three
    verbose_logging: bool = False  # a line a round to the logger `fund.grandmodel`
    performance_monitoring: bool = False  # rounds and seconds in `performance`
    state_validation: bool = False  # the ledger's identity and the observation spaces, each round


@dataclass(frozen=True)
class Scene:
    """What may be seen at the start of a round, for all n paths: nothing later than row t."""

    view: View
    tape: Tape

    @property
    def n(self) -> int:
        """Paths."""
        return self.view.n

    def slot(self, name: str) -> Floats:
        """One slot of the observation, (n,); raises UnknownName."""
        features = self.view.strategy.features
        if name not in features:
            raise UnknownName("feature", name, features)
        return self.view.slot(name)

    def window(self, columns: tuple[str, ...], length: int) -> NDArray[np.float32]:
        """The last rows of some features, (n, length, columns), oldest first."""
        slots = np.array([self.view.strategy.features.index(name) for name in columns], dtype=np.int64)
        return look_back(self.tape, self.view.clock, self.view.observation, slots, length)


@dataclass(frozen=True)
class Stage:
    """Agents in speaking order around a Strategy. The module says how to write one."""

    name: ClassVar[str] = "stage"
    section: ClassVar[str] = "stage"  # key of D0's configuration
    credit: ClassVar[Mapping[str, Mapping[str, float]]] = {}  # part of the reward -> shares of agents, sum 1

    strategy: Strategy
    agents: tuple[Agent, ...]
    matrix: tuple[str, ...]  # columns of the observation matrix that all agents have in common
    in_turn: bool = False  # later speakers are told what earlier ones said

    def __post_init__(self) -> None:
        """Refuse agents that see what there is not; raises UnknownName, InvalidParameter."""
        said = [name for agent in self.agents for name in agent.said]
        for agent in self.agents:
            for column in (*agent.columns, *agent.told):
                known = (
                    self.strategy.features if column in agent.columns else (*self.strategy.features, *said)
                )
                if column not in known:
                    raise UnknownName(f"column of {agent.name}", column, known)
            room = len(self.matrix) - len(agent.columns)
            if agent.window > 1 and len(agent.told) > room:
                raise InvalidParameter(
                    f"{self.name}: {agent.name} is told {len(agent.told)} numbers, there is room for {room}"
                )
        if isinstance(self.strategy.actions, Box) and self.width != self.strategy.actions.size:
            raise InvalidParameter(
                f"{self.name}: agents say {self.width} numbers, {self.strategy.name} takes {self.strategy.actions.size}"
            )

    @property
    def names(self) -> tuple[str, ...]:
        """Agents in speaking order."""
        return tuple(agent.name for agent in self.agents)

    @property
    def width(self) -> int:
        """Numbers of a joint action."""
        return sum(agent.width for agent in self.agents)

    @property
    def rules(self) -> Mapping[str, Callable[[Any], Any]]:
        """Joint textbook policies by name; `split` gives each agent its part."""
        return self.strategy.rules

    @cached_property
    def parts_of(self) -> dict[str, slice]:
        """Where each agent's numbers stand in the joint action."""
        ends = np.cumsum([agent.width for agent in self.agents]).tolist()
        return {a.name: slice(end - a.width, end) for a, end in zip(self.agents, ends, strict=True)}

    @cached_property
    def shares(self) -> Floats:
        """(parts, agents): which share of each part of the reward is whose; each row sums to 1.

        Raises UnknownName for a part that the reward does not have.
        """
        everyone = 1.0 / len(self.agents)
        parts = names(self.strategy.step.parts)
        for part in self.credit:
            if part not in parts:
                raise UnknownName("part of the reward", part, parts)
        rows = [
            [self.credit[part].get(a, 0.0) for a in self.names]
            if part in self.credit
            else [everyone] * len(self.agents)
            for part in parts
        ]
        return np.array(rows)

    def joint(self, actions: Actions) -> Floats:
        """All agents' actions as one action array (n, a) of the Strategy; raises InvalidAction, UnknownName."""
        unknown = [name for name in actions if name not in self.names]
        if unknown:
            raise UnknownName("agent", unknown[0], self.names)
        silent = [name for name in self.names if name not in actions]
        if silent:
            raise InvalidAction(f"{self.name}: no action of {silent[0]}")
        n = len(np.atleast_1d(np.asarray(actions[self.names[0]])))
        return np.concatenate([agent.numbers(actions[agent.name], n) for agent in self.agents], axis=1)

    def split(self, joint: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """A joint action (n, a) as each agent's own, as the faces take them."""
        given = np.asarray(joint, dtype=np.float64).reshape(len(joint), -1)
        return {agent.name: agent.choice(given[:, self.parts_of[agent.name]]) for agent in self.agents}

    def rewards(self, parts: Floats) -> Floats:
        """Rewards (n, agents) of the parts (parts, n) of the Strategy's reward; they sum to it."""
        return np.asarray(share_out(parts, self.shares))

    @property
    def state_names(self) -> tuple[str, ...]:
        """Names of the numbers of `state`."""
        return self.strategy.features

    def state(self, scene: Scene) -> NDArray[np.float32]:
        """What the central critic sees, (n, len(state_names)); by default the whole observation row."""
        return scene.view.observation.copy()

    def with_parameters(self, **changes: Any) -> Self:
        """The same stage in another world; raises UnknownName, InvalidParameter."""
        return replace(self, strategy=self.strategy.with_parameters(**changes))

    def on(self, data: Any) -> Self:
        """The same stage on a recorded market: a History, or a DataFrame."""
        return replace(self, strategy=self.strategy.on(data))
