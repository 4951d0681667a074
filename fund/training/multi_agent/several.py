"""Agents of one team that learn by different algorithms, at the same time.

    Settings(agents={"risk_monitor": {"algorithm": "dqn"}, "stop_target": {"algorithm": "maddpg", "rate": 1e-3}})

All others learn by PPO. Agents whose own settings are the same word for word are one part: a QMIX of theirs is mixed.
Each part has copies of the world of its own, `Beside` the rest: there it learns, and the others act as they have
learned so far, PPO's drawing their actions, those of a replay taking their best. So whatever a part learns from was
played by its own algorithm, and each algorithm is the one that it is alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fund.envs.team import Actions, Observations, Outcome, Team, seen_by, tell
from fund.errors import InvalidParameter, UnknownName
from fund.training.multi_agent.acting import Actors, Policy
from fund.training.multi_agent.group import below
from fund.training.multi_agent.learner import Learner
from fund.training.multi_agent.off_policy import OFF_POLICY, OffPolicy, ReplayLearner
from fund.training.multi_agent.rewards import Around
from fund.training.multi_agent.settings import CRITIC_OF, Settings

OF_THE_WORLD = ("steps", "gamma", "bootstrap", "team_reward", "evaluations", "evaluation_copies")
Part = tuple[tuple[str, ...], Settings | OffPolicy]
"""Agents, and how they learn."""


def parts_of(agents: Sequence[str], settings: Settings | OffPolicy) -> list[Part]:
    """Who learns by which algorithm, PPO first; raises UnknownName, InvalidParameter."""
    if isinstance(settings, OffPolicy):
        return [(tuple(agents), settings)]
    others: dict[str, list[str]] = {}
    for agent in settings.agents:
        if agent not in agents:
            raise UnknownName("agent", agent, agents)
    for agent in agents:
        if not settings.by_ppo(agent):
            others.setdefault(repr(sorted(settings.agents[agent].items())), []).append(agent)
    left = tuple(agent for agent in agents if settings.by_ppo(agent))
    kept = {agent: own for agent, own in settings.agents.items() if agent in left}
    first: list[Part] = [(left, replace(settings, agents=kept))] if left else []
    return first + [(tuple(same), _replayed(same[0], settings)) for same in others.values()]


def _replayed(agent: str, settings: Settings) -> OffPolicy:
    # what is said of the world holds for all
    own, common = settings.agents[agent], {key: getattr(settings, key) for key in OF_THE_WORLD}
    for key in own:
        if key in OF_THE_WORLD:
            raise InvalidParameter(f"{agent}: {key} is the same for all agents; set it for the team")
    name = str(own["algorithm"]).lower()
    if name not in OFF_POLICY:
        raise UnknownName("algorithm", own["algorithm"], (*CRITIC_OF, *OFF_POLICY))
    return OffPolicy.of({"dueling": name == "dqn", **own, **common, "algorithm": name})


class Beside(Around):
    """Some agents of a team; what the others do is decided by `others`, in their turn."""

    def __init__(self, team: Team, agents: Sequence[str], team_reward: bool = False) -> None:
        super().__init__(team)
        self.agents, self._everybody = tuple(agents), team.agents
        self.columns = [team.agents.index(agent) for agent in agents]
        self.observed = {agent: team.observed[agent] for agent in agents}
        self.actions = {agent: team.actions[agent] for agent in agents}
        self.team_reward = team_reward  # of all agents, not of these alone
        self.others: Policy | None = None
        self._said: dict[str, NDArray[Any]] = {}

    def reset(self, seed: int | None = None) -> Observations:
        """Begin an episode in every copy."""
        return self._seen(self.team.reset(seed))

    def renew(self, ended: NDArray[np.bool_]) -> Observations:
        """Begin the next episode of the copies that have ended."""
        return self._seen(self.team.renew(ended))

    def set_state(self, state: Mapping[str, NDArray[Any]]) -> Observations:
        """Go on from `get_state`."""
        return self._seen(self.team.set_state(state))

    def _seen(self, observation: Observations) -> Observations:
        self._observation, self._said = observation, {}
        return observation

    def alive(self) -> NDArray[np.bool_]:
        """(n, agents)."""
        return self.team.alive()[:, self.columns]

    def view(self, agent: str) -> NDArray[np.float32]:
        """What an agent sees when those before it have spoken."""
        self._speak(self._everybody[: self._everybody.index(agent)])
        seen: NDArray[np.float32] = seen_by(self.team, agent, self._observation)
        return seen

    def _speak(self, agents: Sequence[str]) -> None:
        assert self.others is not None
        for agent in agents:
            if agent not in self.agents and agent not in self._said:
                seen = seen_by(self.team, agent, self._observation)
                self._said[agent] = self.others.act(agent, seen)
                tell(self.team, agent, self._said[agent])

    def step(self, actions: Actions) -> Outcome:
        """One step of every copy, all others' actions added."""
        self._speak(self._everybody)
        out = self.team.step({**self._said, **actions})
        reward = out.reward[:, self.columns]
        if self.team_reward:
            reward = np.repeat(out.reward.mean(axis=1, keepdims=True), len(self.agents), axis=1)
        return out._replace(observation=self._seen(out.observation), reward=reward)


class Several:
    """Learners of the parts of one team; each plays beside the others as they are."""

    def __init__(self, learners: Sequence[Learner | ReplayLearner], settings: Settings, seed: int) -> None:
        self.learners, self.settings, self.seed = list(learners), settings, seed
        for learner in learners:
            if isinstance(learner, Learner) and any(group.width for group in learner.groups):
                raise InvalidParameter("recurrent: agents with a memory learn by one algorithm, all of them")
        self.generator = torch.Generator().manual_seed(seed)
        self.groups: list[Any] = [group for learner in learners for group in learner.groups]
        self.pupils = [learner for learner in learners if isinstance(learner, Learner)]
        for learner in learners:
            assert isinstance(learner.team, Beside)
            learner.team.others = self
            self.team: Team = learner.team.team
        drawing = [group for learner in self.pupils for group in learner.groups]
        self._drawn = Actors(drawing, self.generator)
        self._best = Actors([group for group in self.groups if group not in drawing])
        self.finished: list[tuple[float, int]] = []

    def begin(self, n: int) -> None:
        """Nothing is remembered."""

    def act(self, agent: str, seen: NDArray[np.float32]) -> NDArray[Any]:
        """What an agent does where another part learns."""
        actors = self._drawn if agent in self._drawn.agents else self._best
        return actors.act(agent, seen)

    @property
    def steps(self) -> int:
        """Of each part at least, all copies together."""
        return min(learner.steps for learner in self.learners)

    @property
    def updates(self) -> int:
        """Of the first part."""
        return self.learners[0].updates

    @property
    def progress(self) -> float:
        """Share of the training that is done."""
        return self.steps / self.settings.steps

    def iterate(self) -> dict[str, float]:
        """The first part plays and learns once, the others until they have played as much; numbers by part."""
        numbers: dict[str, float] = {}
        self.finished = []
        for learner in self.learners:
            found: dict[str, float] = {}
            while not found or learner.steps < self.learners[0].steps:
                found |= learner.iterate()
                self.finished += learner.finished
            name = learner.settings.algorithm.lower() + "_" + learner.groups[0].agents[0]
            numbers |= {f"{key}/{name}": number for key, number in found.items()}
        return numbers

    def snapshot(self) -> tuple[dict[str, Tensor], dict[str, int]]:
        """All that going on exactly needs: groups numbered through, the rest by part."""
        named: dict[str, Tensor] = {"generator": self.generator.get_state()}
        where = {"steps": self.steps, "updates": self.updates, "seed": self.seed}
        first = 0
        for p, learner in enumerate(self.learners):
            own, stands = learner.snapshot()
            where |= {f"parts/{p}/{key}": number for key, number in stands.items()}
            named |= {_numbered(key, first, f"parts/{p}"): t for key, t in own.items()}
            first += len(learner.groups)
        return named, where

    def resume(self, named: Mapping[str, Tensor], where: Mapping[str, int]) -> None:
        """Go on from a snapshot; raises ModelError where it is of another team or other settings."""
        first = 0
        for p, learner in enumerate(self.learners):
            own = dict(below(named, f"parts/{p}"))
            for k in range(len(learner.groups)):
                group = below(named, f"groups/{first + k}")
                own |= {f"groups/{k}/{key}": t for key, t in group.items()}
            learner.resume(own, below(where, f"parts/{p}"))
            first += len(learner.groups)
        self.seed = where["seed"]
        self.generator.set_state(named["generator"])


def _numbered(key: str, first: int, part: str) -> str:
    if not key.startswith("groups/"):
        return f"{part}/{key}"
    _, k, rest = key.split("/", 2)
    return f"groups/{first + int(k)}/{rest}"
