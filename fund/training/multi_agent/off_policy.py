"""Learning from a replay of what was played: the loop of QMIX, VDN, DQN (`qmix`) and MADDPG (`maddpg`).

A `Method` has the networks, says what agents try and what a sample teaches; the loop plays, remembers, and lets it
learn. A learner of this kind is used as `learner.Learner` is: by a `Session`, on any `Team`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fund.envs.team import Observations, Team, seen_by, tell
from fund.errors import ModelError
from fund.strategy import Box, Choice
from fund.training.multi_agent.group import Members, below
from fund.training.multi_agent.learner import LARGEST_SEED
from fund.training.multi_agent.networks import ACTIVATIONS
from fund.training.multi_agent.replay import CUT, OVER, Replay, Row, Sample
from fund.training.multi_agent.settings import Schedule, Settings, at, demand_within, plain_settings

OFF_POLICY = ("qmix", "vdn", "dqn", "maddpg")


@dataclass(frozen=True)
class OffPolicy:
    """How a team is trained from a replay; names that PPO's settings have, too, mean the same."""

    algorithm: str  # qmix, vdn, dqn or maddpg
    steps: int = 1_000_000
    copies: int = 32
    rollout: int = 4  # steps of each copy between two times of learning
    updates: int = 4  # gradient steps each time
    batch: int = 256  # steps of one copy that a gradient is the mean of
    capacity: int = 65_536  # steps of one copy that are remembered
    warmup: int = 2_000  # steps of uniform actions before anything is learned
    epsilon: Schedule = (1.0, 0.05)  # share of uniform actions (MADDPG: use less)
    epsilon_share: float = 0.4  # of the training, after which `epsilon` has come to its end
    noise: float = 0.1  # standard deviation added to continuous actions, in half widths of their Box
    rate: Schedule = 5e-4
    tau: float = 0.01  # share of the network in each step of its slow copy
    dueling: bool = False  # Q = V + A - mean A (Wang et al., 2016)
    double: bool = True  # the network chooses, its slow copy judges (van Hasselt et al., 2016)
    mixing: int = 32  # width of QMIX's mixing network
    shared: bool = True
    names: bool = True
    own_view: bool = True  # MADDPG's critic sees its agent's observation beside the state
    net_arch: tuple[int, ...] = (64, 64)
    activation: str = "relu"
    feature_norm: bool = True
    layer_norm: bool = False
    gamma: float = 0.99
    bootstrap: bool = True
    team_reward: bool = True  # all learn from the mean over agents; QMIX and VDN always do
    max_grad_norm: float = 10.0
    evaluations: int = 10
    evaluation_copies: int = 256

    def __post_init__(self) -> None:
        """Raises InvalidParameter, UnknownName."""
        demand_within(
            self,
            words={"algorithm": OFF_POLICY, "activation": ACTIVATIONS},
            counts=("steps", "copies", "rollout", "updates", "batch", "mixing", "evaluations"),
            shares=("gamma", "tau", "epsilon_share"),
            rates=("rate", "epsilon", "noise"),
        )

    @property
    def layers(self) -> Settings:
        """What `networks.Torso` reads."""
        return Settings(
            net_arch=self.net_arch, activation=self.activation, feature_norm=self.feature_norm,
            layer_norm=self.layer_norm,
        )  # fmt: skip

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Self:
        """From a mapping; raises UnknownName with the nearest setting."""
        return cls(**plain_settings(cls, plain))


class Player(Members):
    """Agents that share one actor, as `acting.Actors` plays it."""

    width = 0  # numbers that it remembers between steps

    def __init__(self, team: Team, members: tuple[int, ...], names: bool) -> None:
        super().__init__(team, members, names)
        self.actor: nn.Module


class Method(Protocol):
    """Networks, what is tried, what is learned."""

    players: list[Player]

    def explore(self, player: Player, seen: Tensor, generator: torch.Generator) -> Tensor:
        """Actions (n, m) or (n, m, a) to try, from what is seen (n, m, k)."""

    def improve(self, sample: Sample, rate: float, generator: torch.Generator) -> dict[str, float]:
        """One gradient step; numbers for the log."""

    def tensors(self) -> dict[str, Tensor]:
        """All that a checkpoint must hold, by name: actors as `groups/<k>/actor/...`."""

    def load(self, named: Mapping[str, Tensor]) -> None:
        """Take over what `tensors` gave; raises RuntimeError, KeyError, ValueError where it does not fit."""


class ReplayLearner:
    """A team, a method, what was played, and where the training stands."""

    def __init__(self, team: Team, settings: OffPolicy, method: Method, seed: int = 0) -> None:
        self.team, self.settings, self.method, self.seed = team, settings, method, seed
        self.groups = method.players
        self.generator = torch.Generator().manual_seed(seed)
        self.steps = self.updates = 0
        self.finished: list[tuple[float, int]] = []
        self._begin(team.reset(seed))
        self.replay = Replay(self._look(), len(team.agents), settings.capacity)

    def _begin(self, observation: Observations) -> None:
        self.observation = observation
        self.total = np.zeros((self.team.n, len(self.team.agents)))
        self.length = np.zeros(self.team.n, dtype=np.int64)

    def restart(self) -> None:
        """New episodes everywhere, by a seed that follows from the training's seed and where it stands."""
        drawn = np.random.SeedSequence([self.seed, self.updates]).generate_state(1)[0]
        self.replay.cut()
        self._begin(self.team.reset(int(drawn) % LARGEST_SEED))

    @property
    def progress(self) -> float:
        """Share of the training that is done."""
        return self.steps / self.settings.steps

    def iterate(self) -> dict[str, float]:
        """Play some steps and learn from what is remembered; numbers for the log, by tag."""
        self.finished = []
        for _ in range(self.settings.rollout):
            self._play()
        self.updates += 1
        means: dict[str, float] = {"train/epsilon": self._epsilon()}
        if self.steps >= self.settings.warmup and self.replay.held > 1:
            found: dict[str, list[float]] = {}
            for _ in range(self.settings.updates):
                sample = self.replay.sample(self.settings.batch, self.generator)
                numbers = self.method.improve(sample, at(self.settings.rate, self.progress), self.generator)
                for key, number in numbers.items():
                    found.setdefault(f"train/{key}", []).append(number)
            means |= {key: float(np.mean(numbers)) for key, numbers in found.items()}
        if self.finished:
            returns, lengths = zip(*self.finished, strict=True)
            means |= {
                "rollout/ep_rew_mean": float(np.mean(returns)),
                "rollout/ep_len_mean": float(np.mean(lengths)),
            }
        return means

    def _epsilon(self) -> float:
        if self.steps < self.settings.warmup:
            return 1.0
        share = self.settings.epsilon_share
        return at(self.settings.epsilon, self.progress / share if share else 1.0)

    @torch.no_grad()
    def _play(self) -> None:
        row = self._look()
        actions: dict[str, NDArray[Any]] = {}
        for k, player in enumerate(self.groups):
            now = {agent: seen_by(self.team, agent, self.observation) for agent in player.agents}
            row.seen[k] = player.sees_of(now, row.alive[:, player.members])
            row.action[k] = tried = self._try(player, row.seen[k])
            for j, agent in enumerate(player.agents):
                actions[agent] = player.bounded(tried[:, j].numpy())
                tell(self.team, agent, actions[agent])
        outcome = self.team.step(actions)
        ended = outcome.terminated | outcome.truncated
        behind = outcome.truncated & self.settings.bootstrap
        end = torch.from_numpy(np.where(behind, CUT, np.where(ended, OVER, 0.0)).astype(np.float32))
        reward = torch.from_numpy(outcome.reward.astype(np.float32))
        if not torch.isfinite(reward).all() or not all(torch.isfinite(x).all() for x in row.seen):
            raise ModelError(f"a reward or an observation is not finite at step {self.steps}")
        self.replay.add(row, reward, end)
        self._count(outcome.reward, ended)
        self.steps += self.team.n
        self.observation = self.team.renew(ended) if ended.any() else outcome.observation

    def _look(self) -> Row:
        # with room for actions
        alive = torch.from_numpy(np.array(self.team.alive(), dtype=np.float32))
        state = torch.from_numpy(np.array(self.team.state(), dtype=np.float32))
        seen, action = [], []
        for player in self.groups:
            now = {agent: self.observation[agent] for agent in player.agents}
            seen.append(player.sees_of(now, alive[:, player.members]))
            shape = (self.team.n, player.m)
            action.append(torch.zeros(shape if player.discrete else (*shape, player.action_size)))
        return Row(seen, action, state, alive)

    def _try(self, player: Player, seen: Tensor) -> Tensor:
        # uniform by epsilon, for each agent of each copy on its own
        tried = self.method.explore(player, seen, self.generator)
        uniform = torch.rand(tried.shape, generator=self.generator)
        if isinstance(player.actions, Choice):
            blind = (uniform * player.actions.count).floor()
        else:
            space: Box = player.actions
            blind = space.low + (space.high - space.low) * uniform
        which = torch.rand(seen.shape[:2], generator=self.generator) < self._epsilon()
        if player.discrete:
            return torch.where(which, blind.long(), tried)
        return torch.where(which.unsqueeze(-1), blind, tried)

    def _count(self, reward: NDArray[np.float64], ended: NDArray[np.bool_]) -> None:
        self.total += reward
        self.length += 1
        for i in np.flatnonzero(ended).tolist():
            self.finished.append((float(self.total[i].mean()), int(self.length[i])))
        self.total[ended], self.length[ended] = 0.0, 0

    def snapshot(self) -> tuple[dict[str, Tensor], dict[str, int]]:
        """All that going on exactly needs. A world that cannot say its state begins new episodes here."""
        state = self.team.get_state()
        if state is None:
            self.restart()
        named = {**self.method.tensors(), "generator": self.generator.get_state()}
        named |= {f"replay/{key}": t for key, t in self.replay.tensors().items()}
        named |= {"total": torch.from_numpy(self.total), "length": torch.from_numpy(self.length)}
        for key, array in (state or {}).items():
            named[f"team/{key}"] = torch.from_numpy(np.ascontiguousarray(array))
        return named, {"steps": self.steps, "updates": self.updates, "seed": self.seed}

    def resume(self, named: Mapping[str, Tensor], where: Mapping[str, int]) -> None:
        """Go on from a snapshot; raises ModelError where it is of another team or other settings."""
        self.steps, self.updates, self.seed = where["steps"], where["updates"], where["seed"]
        try:
            self.method.load(named)
            self.replay.load(below(named, "replay"))
        except (RuntimeError, KeyError, ValueError) as error:
            raise ModelError(f"the checkpoint is of another team or settings: {str(error)[:160]}") from None
        state = below(named, "team")
        if state:
            self.observation = self.team.set_state({key: t.numpy() for key, t in state.items()})
            self.total, self.length = named["total"].numpy().copy(), named["length"].numpy().copy()
        else:
            self.restart()
        self.generator.set_state(named["generator"])
