"""What happened in PettingZoo environments, kept by agent, and its statistics.

    kept = collect(strategic.parallel_env(max_cycles=50), {"mlmi_expert": lambda seen: 2}, episodes=10, seed=0)
    kept.agents["mlmi_expert"].reward          (N,) one row a decision
    kept.statistics()                          by agent: return of an episode, reward, decisions; plain numbers
    kept.save("runs/strategic.npz"), Collected.load(...)

The same for both forms. A row is one decision: what the agent saw, what it did, what it was paid until its next turn,
what it saw then, whether that was the end. Agents without a policy draw from their action space, seeded.
"""

from __future__ import annotations

import io
import json
import time
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from fund.envs import turns
from fund.errors import DataError, InvalidParameter, UnknownName

Policies = Mapping[str, Callable[[Any], Any]]
"""Agent in, what it does with what it sees."""


@dataclass(frozen=True)
class Transitions:
    """One agent's decisions, N rows."""

    observation: NDArray[Any]  # (N, *shape)
    action: NDArray[Any]  # (N, ...)
    reward: NDArray[np.float64]  # (N,) until the next turn
    next_observation: NDArray[Any]  # (N, *shape)
    terminated: NDArray[np.bool_]  # (N,)
    truncated: NDArray[np.bool_]  # (N,)
    episode: NDArray[np.int64]  # (N,)

    @property
    def returns(self) -> NDArray[np.float64]:
        """Sum of rewards of each episode, (episodes,)."""
        return np.asarray(np.bincount(self.episode, self.reward), dtype=np.float64)


@dataclass(frozen=True)
class Collected:
    """Some episodes, by agent."""

    agents: dict[str, Transitions]
    episodes: int
    seconds: float  # of wall clock, policies included
    # agent -> part of its team's reward -> sum
    parts: dict[str, dict[str, float]] = field(default_factory=dict)

    @property
    def decisions(self) -> int:
        """Rows of all agents."""
        return sum(len(rows.reward) for rows in self.agents.values())

    def statistics(self) -> dict[str, Any]:
        """Episodes, decisions, decisions a second, and by agent `return`, `reward`, `length` and `action`.

        `reward_parts` of an agent are those of its team, a mean over episodes, where the infos tell them.
        """
        agents = {name: self._of(name) for name in self.agents}
        speed = self.decisions / max(self.seconds, 1e-9)
        return {
            "episodes": self.episodes, "decisions": self.decisions, "decisions_per_second": speed, "agents": agents,
        }  # fmt: skip

    def _of(self, agent: str) -> dict[str, Any]:
        rows = self.agents[agent]
        lengths = np.bincount(rows.episode).astype(np.float64) if len(rows.episode) else np.zeros(0)
        return {
            "return": _moments(rows.returns), "reward": _moments(rows.reward), "length": _moments(lengths),
            "action": _actions(rows.action), "terminated": int(rows.terminated.sum()),
            "truncated": int(rows.truncated.sum()),
            "reward_parts": {name: total / self.episodes for name, total in self.parts.get(agent, {}).items()},
        }  # fmt: skip

    def save(self, path: str | Path) -> None:
        """Write to an .npz file of plain arrays."""
        said = {"episodes": self.episodes, "seconds": self.seconds, "parts": self.parts}
        arrays = {
            f"{name}/{f.name}": getattr(rows, f.name)
            for name, rows in self.agents.items()
            for f in fields(rows)
        }
        np.savez_compressed(path, said=np.array(json.dumps(said)), **arrays)

    @classmethod
    def load(cls, path: str | Path) -> Collected:
        """Read what `save` wrote, without running any code of the file; raises DataError."""
        try:
            with np.load(io.BytesIO(Path(path).read_bytes()), allow_pickle=False) as file:
                said = json.loads(str(file["said"]))
                names = dict.fromkeys(key.rpartition("/")[0] for key in file.files if "/" in key)
                agents = {
                    n: Transitions(**{f.name: file[f"{n}/{f.name}"] for f in fields(Transitions)})
                    for n in names
                }
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise DataError(f"{path}: not what `Collected.save` wrote ({error})") from None
        return cls(agents, **said)


def collect(env: Any, policies: Policies | None = None, episodes: int = 1, seed: int = 0) -> Collected:
    """Play whole episodes, the first with `reset(seed=seed)`; raises InvalidParameter, UnknownName."""
    if episodes < 1:
        raise InvalidParameter(f"{episodes} episodes, wanted 1 or more")
    given = policies or {}
    for agent in given:
        if agent not in env.possible_agents:
            raise UnknownName("agent", agent, env.possible_agents)
    acting = {
        a: given.get(a) or _drawing(env.action_space(a), seed + k) for k, a in enumerate(env.possible_agents)
    }
    kept = _Kept(list(env.possible_agents))
    play = _play_turns if turns.takes_turns(env) else _play_rounds
    begun = time.perf_counter()
    for episode in range(episodes):
        kept.episode = episode
        play(env, acting, kept, seed if episode == 0 else None)
    return kept.collected(episodes, time.perf_counter() - begun)


def _drawing(space: gym.Space[Any], seed: int) -> Callable[[Any], Any]:
    space.seed(seed)
    return lambda _: space.sample()


def _play_rounds(env: Any, acting: Policies, kept: _Kept, seed: int | None) -> None:
    seen, _ = env.reset(seed=seed)
    while env.agents:
        actions = {agent: acting[agent](seen[agent]) for agent in env.agents}
        after, rewards, ended, cut, infos = env.step(actions)
        for agent, action in actions.items():
            kept.add(agent, seen[agent], action, rewards[agent], after[agent], ended[agent], cut[agent])
            kept.count(agent, infos[agent])
        seen = after


def _play_turns(env: Any, acting: Policies, kept: _Kept, seed: int | None) -> None:
    env.reset(seed=seed)
    waiting: dict[str, tuple[Any, Any]] = {}
    for agent in env.agent_iter():
        seen, reward, ended, cut, info = env.last()
        if agent in waiting:
            kept.add(agent, *waiting.pop(agent), reward, seen, ended, cut)
            kept.count(agent, info)
        if ended or cut:
            env.step(None)
            continue
        waiting[agent] = (seen, acting[agent](seen))
        env.step(waiting[agent][1])


class _Kept:
    # rows by agent while they come in
    def __init__(self, agents: list[str]) -> None:
        self.rows: dict[str, list[tuple[Any, ...]]] = {agent: [] for agent in agents}
        self.parts: dict[str, dict[str, float]] = {}
        self.episode = 0

    def add(self, agent: str, *row: Any) -> None:
        self.rows[agent].append((*(np.array(x) for x in row), self.episode))

    def count(self, agent: str, info: Mapping[str, Any]) -> None:
        parts = self.parts.setdefault(agent, {})
        for name, value in info.get("reward_parts", {}).items():
            parts[name] = parts.get(name, 0.0) + float(value)

    def collected(self, episodes: int, seconds: float) -> Collected:
        kinds: tuple[type | None, ...] = (None, None, np.float64, None, np.bool_, np.bool_, np.int64)
        agents = {}
        for name, rows in self.rows.items():
            columns = zip(*rows, strict=True) if rows else ([] for _ in kinds)
            agents[name] = Transitions(
                *(np.array(column, dtype=kind) for column, kind in zip(columns, kinds, strict=True))
            )
        return Collected(agents, episodes, seconds, self.parts)


def _moments(x: NDArray[np.float64]) -> dict[str, float]:
    if not len(x):
        return dict.fromkeys(("mean", "std", "min", "max"), float("nan"))
    return {"mean": float(x.mean()), "std": float(x.std()), "min": float(x.min()), "max": float(x.max())}


def _actions(action: NDArray[Any]) -> dict[str, Any]:
    # shares of choices; mean and deviation of numbers
    if action.ndim == 1 and np.issubdtype(action.dtype, np.integer):
        chosen, times = np.unique(action, return_counts=True)
        return {str(c): float(n / len(action)) for c, n in zip(chosen, times, strict=True)}
    return {"mean": action.mean(axis=0).tolist(), "std": action.std(axis=0).tolist()} if len(action) else {}
