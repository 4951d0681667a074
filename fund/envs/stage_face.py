"""What the AEC and the Parallel form of a stage have in common; nothing here imports PettingZoo."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from fund.account.ledger import LINES
from fund.envs import stage_render
from fund.envs.rounds import Rounds, faced
from fund.envs.spaces import OBSERVATION_BOUND
from fund.errors import InvalidParameter, UnknownName
from fund.stage import Agent, Debug, Scene, Stage
from fund.strategy import Box

LOG = logging.getLogger("fund.grandmodel")
MODES = ("human", "ansi", "rgb_array")


class Face:
    """What the AEC and the Parallel form have in common."""

    metadata: ClassVar[dict[str, Any]]
    kind: ClassVar[Any]  # the class of its stage

    def __init__(
        self,
        config: Any = None,
        *,
        stage: Stage | None = None,
        max_cycles: int | None = None,
        render_mode: str | None = None,
        debug: Debug | None = None,
        **parameters: Any,
    ) -> None:
        """`config`: D0's nested dictionary, its YAML file, or None; `parameters` are those of the Strategy.

        Raises UnknownName with the nearest known name, InvalidParameter.
        """
        super().__init__()
        if render_mode is not None and render_mode not in MODES:
            raise UnknownName("render_mode", render_mode, MODES)
        found, asked = (stage, Debug()) if stage is not None else self.kind.configured(config)
        changes = {**parameters, **({} if max_cycles is None else {"n_steps": max_cycles})}
        self.stage = found.with_parameters(**changes) if changes else found
        self.debug, self.render_mode = debug or asked, render_mode
        self.possible_agents = list(self.stage.names)
        self.agents: list[str] = []
        self._rounds = Rounds(self.stage, 1)
        self._make_spaces()
        self._books = self._rounds.batch.ledger.books
        self._names, self._seeded = self._rounds.batch.part_names, False
        self._past = [0.0] * len(LINES)
        self._said: dict[str, Any] = {}
        self._aggregated = False  # the last has spoken, and the first not again
        self._moments: list[stage_render.Moment] = []
        self.performance = {"rounds": 0, "seconds": 0.0}

    def _make_spaces(self) -> None:
        stage = self.stage
        self._places = {a.name: (_shape(a, stage), _places(a, stage)) for a in stage.agents}
        self.observation_spaces = {name: _unbounded(shape) for name, (shape, _) in self._places.items()}
        self.action_spaces = {a.name: _space(a) for a in stage.agents}
        self._masks = {name: _mask_of(space) for name, space in self.action_spaces.items()}
        self.state_space = _unbounded((len(stage.state_names),))

    def __getstate__(self) -> dict[str, Any]:
        """All but the view of the ledger, and masks that all environments share."""
        return {key: value for key, value in self.__dict__.items() if key not in ("_books", "_masks")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore, and look at the ledger again."""
        self.__dict__.update(state)
        self._books = self._rounds.batch.ledger.books
        self._masks = {name: _mask_of(space) for name, space in self.action_spaces.items()}

    def observation_space(self, agent: str) -> gym.Space[Any]:
        """What an agent sees."""
        return self.observation_spaces[self._known(agent)]

    def action_space(self, agent: str) -> gym.Space[Any]:
        """What an agent may do."""
        return self.action_spaces[self._known(agent)]

    def observe(self, agent: str) -> NDArray[np.float32]:
        """What an agent sees now."""
        shape, places = self._places[self._known(agent)]
        seen = self._rounds.view(agent)[0]
        if len(shape) == 1:
            return seen.copy()
        out = np.zeros(shape[0] * shape[1], dtype=np.float32)
        out[places] = seen
        return out.reshape(shape)

    def state(self) -> NDArray[np.float32]:
        """What the central critic sees."""
        return self._rounds.state()[0]

    def scene(self) -> Scene:
        """All that may be seen now."""
        return self._rounds.scene()

    def render(self) -> Any:
        """Print a table (`human`), give it as text (`ansi`), or a picture of the episode so far (`rgb_array`)."""
        if self.render_mode == "rgb_array":
            return stage_render.picture(self._moments, str(self.metadata["name"]))
        if self.render_mode is None:
            return None
        text = stage_render.table(self._rounds, self._said, self._parts())
        if self.render_mode == "ansi":
            return text
        print(text)
        return None

    def close(self) -> None:
        """Nothing is held open."""
        self._masks = {name: _mask_of(space) for name, space in self.action_spaces.items()}

    @property
    def ledger(self) -> Any:
        """The account of the episode."""
        return self._rounds.batch.ledger

    def _known(self, agent: str) -> str:
        if agent not in self.action_spaces:
            raise UnknownName("agent", agent, self.action_spaces)
        return agent

    def _start(self, seed: int | None) -> None:
        if seed is None and not self._seeded:
            seed = int(np.random.default_rng().integers(2**31))
        self._seeded = True
        self._rounds.reset(seed)
        self.agents = list(self.possible_agents)
        self._past, self._said, self._aggregated = [0.0] * len(LINES), {}, False
        self._moments = [stage_render.moment(self._rounds)]

    def _play(self) -> tuple[list[float], bool, bool, dict[str, Any]]:
        # one round; all agents have spoken
        begun = time.perf_counter()
        rewards, terminated, truncated = self._rounds.play()
        self._aggregated = True
        info = self._info()
        if self.render_mode is not None:
            self._moments.append(stage_render.moment(self._rounds))
        self._watch(time.perf_counter() - begun, info)
        return rewards[0].tolist(), bool(terminated[0]), bool(truncated[0]), info

    def _watch(self, seconds: float, info: Mapping[str, Any]) -> None:
        if self.debug.performance_monitoring:
            self.performance["rounds"] += 1
            self.performance["seconds"] += seconds
        if self.debug.state_validation:
            self.ledger.check(self.stage.strategy.capital)
            for agent in self.possible_agents:
                if not self.observation_spaces[agent].contains(self.observe(agent)):
                    raise InvalidParameter(f"{self.stage.name}: {agent} sees what is outside its space")
        if self.debug.verbose_logging:
            clock = int(self._rounds.batch.clock[0])
            LOG.info("%s round %d said %s parts %s", self.stage.name, clock, self._said, info["reward_parts"])

    def _info(self) -> dict[str, Any]:
        books = self._books
        lines = books.lines[:, 0].tolist()
        pnl = dict(zip(LINES, [new - old for new, old in zip(lines, self._past, strict=True)], strict=True))
        self._past = lines
        return {
            "nav": float(books.nav[0]),
            "pnl": pnl,
            "reward_parts": self._parts(),
            "units": "account currency",
        }

    def _told(self, agent: str, info: Mapping[str, Any]) -> dict[str, Any]:
        return {**info, **self._masks[agent]}

    def _parts(self) -> dict[str, float]:
        return dict(zip(self._names, self._rounds.batch.parts[:, 0].tolist(), strict=True))

    def _say(self, agent: str, action: Any) -> None:
        self._rounds.announce_one(agent, action)
        self._said[agent], self._aggregated = action, False


def _unbounded(shape: tuple[int, ...]) -> gym.spaces.Box:
    return gym.spaces.Box(-OBSERVATION_BOUND, OBSERVATION_BOUND, shape=shape, dtype=np.float32)


def _shape(agent: Agent, stage: Stage) -> tuple[int, ...]:
    return (agent.size,) if agent.window == 1 else (agent.window, len(stage.matrix))


def _space(agent: Agent) -> gym.Space[Any]:
    action = faced(agent)
    if isinstance(action, Box):
        return gym.spaces.Box(action.low, action.high, shape=(action.size,), dtype=np.float32)
    return gym.spaces.Discrete(action.count)


def _mask_of(space: gym.Space[Any]) -> dict[str, Any]:
    return {"action_mask": _open(int(space.n))} if isinstance(space, gym.spaces.Discrete) else {}


@cache
def _open(count: int) -> NDArray[np.int8]:
    # all of the choices; one array for all environments, which nobody may write
    mask = np.ones(count, dtype=np.int8)
    mask.flags.writeable = False
    return mask


def _places(agent: Agent, stage: Stage) -> NDArray[np.int64]:
    # where the numbers that an agent sees stand in its flattened matrix
    if agent.window == 1:
        return np.arange(agent.size)
    own = [stage.matrix.index(column) for column in agent.columns]
    others = [k for k in range(len(stage.matrix)) if k not in own][: len(agent.told)]
    rows = np.arange(agent.window)[:, None] * len(stage.matrix)
    last = (agent.window - 1) * len(stage.matrix)
    return np.concatenate([(rows + np.array(own)).ravel(), last + np.array(others, dtype=np.int64)])
