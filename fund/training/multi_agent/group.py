"""Agents that share one policy: their networks, what these read, and what is remembered of a rollout."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fund.envs.team import Observations, Team, in_turn
from fund.errors import UnknownName
from fund.strategy import Box, Choice
from fund.training.multi_agent.networks import Actor, Critic, Sequence, memory_width
from fund.training.multi_agent.returns import ValueNorm
from fund.training.multi_agent.settings import Settings

ADAM_EPSILON = 1e-5


@dataclass(frozen=True)
class Rollout:
    """What T steps of n copies left behind for m agents of one group."""

    seen: Tensor  # (T, n, m, k) the actor's input
    judged: Tensor  # (T, n, m, c) the critic's
    action: Tensor  # (T, n, m) or (T, n, m, a)
    log_prob: Tensor  # (T, n, m)
    predicted: Tensor  # (T, n, m) the critic's output, in its units
    value: Tensor  # (T, n, m) the same as returns
    alive: Tensor  # (T, n, m) 1 or 0
    begins: Tensor  # (T, n, m) 1 where an episode began
    actor_memory: Tensor  # (T, n, m, h) before the step
    critic_memory: Tensor  # (T, n, m, h)

    @classmethod
    def empty(cls, group: Group, steps: int) -> Rollout:
        """Room for T steps."""
        each = (steps, group.n, group.m)

        def room(*more: int) -> Tensor:
            return torch.zeros(*each, *more)

        width = group.width
        actions = room() if group.discrete else room(group.action_size)
        return cls(room(group.sees), room(group.judges), actions, room(), room(), room(), room(), room(),
                   room(width), room(width))  # fmt: skip


class Members:
    """m agents of a team that share networks, and what these networks are told of each."""

    def __init__(self, team: Team, members: tuple[int, ...], names: bool = True) -> None:
        self.members, self.n, self.m = members, team.n, len(members)
        self.agents = tuple(team.agents[k] for k in members)
        self.name = self.agents[0] if self.m == 1 else "shared_" + self.agents[0]
        first = self.agents[0]
        self.actions = team.actions[first]
        self.discrete = isinstance(self.actions, Choice)
        self.action_size = 1 if isinstance(self.actions, Choice) else self.actions.size
        self._labels = torch.eye(self.m) if names and self.m > 1 else torch.zeros(self.m, 0)
        self.labels = self._labels.shape[1]
        self.sees = team.observed[first] + self.labels

    def sees_of(self, observation: Observations, alive: Tensor) -> Tensor:
        """The actor's input (n, m, k): what each member sees, zeros for the dead, and which one it is."""
        return self._labelled(self._views(observation) * alive.unsqueeze(-1))

    def _views(self, observation: Observations) -> Tensor:
        rows = [torch.from_numpy(np.array(observation[a], dtype=np.float32)) for a in self.agents]
        return torch.stack(rows, dim=1)

    def _labelled(self, x: Tensor) -> Tensor:
        return torch.cat([x, self._labels.expand(len(x), -1, -1)], dim=-1)

    def sees_one(self, j: int, seen: NDArray[np.float32]) -> Tensor:
        """The actor's input (1, n, k) of the member j alone."""
        x = torch.from_numpy(np.array(seen, dtype=np.float32))
        return torch.cat([x, self._labels[j].expand(len(x), -1)], dim=-1).unsqueeze(0)

    def bounded(self, action: NDArray[Any]) -> NDArray[Any]:
        """Actions as the team takes them: continuous ones cut to their bounds."""
        if isinstance(self.actions, Box):
            return np.clip(action, self.actions.low, self.actions.high)
        return action


class Group(Members):
    """m agents of a team with one actor and one critic."""

    def __init__(self, team: Team, members: tuple[int, ...], settings: Settings) -> None:
        super().__init__(team, members, settings.names)
        self.settings = settings
        self.central, self.own_view = settings.critic == "central", settings.own_view
        self.judges = self.sees
        if self.central:
            own = team.observed[self.agents[0]] if self.own_view else 0
            self.judges = team.state_size + self.labels + own
        self.actor, self.critic = Actor(self.sees, self.actions, settings), Critic(self.judges, settings)
        self.norm = ValueNorm(settings.norm_memory)
        self.actor_optimiser = torch.optim.Adam(self.actor.parameters(), eps=ADAM_EPSILON)
        self.critic_optimiser = torch.optim.Adam(self.critic.parameters(), eps=ADAM_EPSILON)
        self.width = memory_width(settings)
        self.forget()

    def forget(self) -> None:
        """Wipe the memory of all copies."""
        self.actor_memory = torch.zeros(self.n, self.m, self.width)
        self.critic_memory = torch.zeros(self.n, self.m, self.width)

    def judges_of(self, observation: Observations, state: NDArray[np.float32], alive: Tensor) -> Tensor:
        """The critic's input (n, m, c). A dead agent is judged by zeros and its label (death masking)."""
        parts = [] if self.central and not self.own_view else [self._views(observation)]
        if self.central:
            whole = torch.from_numpy(np.ascontiguousarray(state, dtype=np.float32))
            parts.insert(0, whole.unsqueeze(1).expand(-1, self.m, -1))
        return self._labelled(torch.cat(parts, dim=-1) * alive.unsqueeze(-1))

    def value(self, judged: Tensor, begins: Tensor) -> tuple[Tensor, Tensor]:
        """The critic's output (n, m) in its units, and its memory (n, m, h) after it."""
        value, memory = self.critic(flat(judged, self.critic_memory, begins))
        return value.view(len(judged), self.m), memory.view(len(judged), self.m, -1)

    def tensors(self) -> dict[str, Tensor]:
        """All that a checkpoint must hold, by name."""
        memories = {"memory/actor": self.actor_memory, "memory/critic": self.critic_memory}
        return kept(self._modules(), self._optimisers()) | memories

    def load(self, named: Mapping[str, Tensor]) -> None:
        """Take over what `tensors` gave; raises RuntimeError, KeyError where it does not fit."""
        take_over(named, self._modules(), self._optimisers())
        self.actor_memory, self.critic_memory = named["memory/actor"], named["memory/critic"]

    def _modules(self) -> dict[str, nn.Module]:
        return {"actor": self.actor, "critic": self.critic, "norm": self.norm}

    def _optimisers(self) -> dict[str, torch.optim.Adam]:
        return {"actor_optimiser": self.actor_optimiser, "critic_optimiser": self.critic_optimiser}


def kept(modules: Mapping[str, nn.Module], optimisers: Mapping[str, torch.optim.Adam]) -> dict[str, Tensor]:
    """Weights and moments by name: `<part>/<key>`, `<part>/<parameter>/<moment>`."""
    named = {f"{part}/{key}": t for part, of in modules.items() for key, t in of.state_dict().items()}
    for part, optimiser in optimisers.items():
        for k, moments in optimiser.state_dict()["state"].items():
            named.update({f"{part}/{k}/{key}": torch.as_tensor(t) for key, t in moments.items()})
    return named


def take_over(
    named: Mapping[str, Tensor], modules: Mapping[str, nn.Module], optimisers: Mapping[str, torch.optim.Adam]
) -> None:
    """Set what `kept` gave; raises RuntimeError, KeyError where it does not fit."""
    for part, module in modules.items():
        module.load_state_dict(below(named, part))
    for part, optimiser in optimisers.items():
        moments: dict[int, dict[str, Tensor]] = {}
        for key, t in below(named, part).items():
            k, _, what = key.partition("/")
            moments.setdefault(int(k), {})[what] = t
        optimiser.load_state_dict({"state": moments, "param_groups": optimiser.state_dict()["param_groups"]})


def below(named: Mapping[str, Any], part: str) -> dict[str, Any]:
    """The entries under `part/`, without it."""
    return {key[len(part) + 1 :]: t for key, t in named.items() if key.startswith(f"{part}/")}


def flat(x: Tensor, memory: Tensor, begins: Tensor) -> Sequence:
    """One step (n, m, ...) as a sequence of length 1 over n m rows."""
    rows = x.shape[0] * x.shape[1]
    return Sequence(x.view(1, rows, -1), memory.reshape(rows, -1), begins.reshape(1, rows))


def groups_of(team: Team, settings: Settings) -> list[Group]:
    """One group an agent; or, shared, one for all agents whose spaces and own settings are alike.

    Who speaks in turn shares nothing. Raises UnknownName where settings name an agent that the team has not.
    """
    for agent in settings.agents:
        if agent not in team.agents:
            raise UnknownName("agent", agent, team.agents)
    return [
        Group(team, members, settings.own(team.agents[members[0]]))
        for members in grouped(team, settings.shared, settings.agents)
    ]


def grouped(
    team: Team, shared: bool, own: Mapping[str, Mapping[str, Any]] | None = None
) -> list[tuple[int, ...]]:
    """Places of the agents of each group, as in `groups_of`; `own` are settings by agent."""
    if not shared or in_turn(team):
        return [(k,) for k in range(len(team.agents))]
    alike: dict[Any, list[int]] = {}
    for k, agent in enumerate(team.agents):
        different = repr(sorted((own or {}).get(agent, {}).items()))
        alike.setdefault((team.observed[agent], team.actions[agent], different), []).append(k)
    return [tuple(members) for members in alike.values()]
