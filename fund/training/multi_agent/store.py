"""Trained teams on disk, each with a card that vouches for it.

    models/grandmodel/<name>/
        <name>_best.safetensors     networks of the best evaluation, with <name>_best.json, their card
        <name>_latest.safetensors   all that going on exactly needs, with its card
        checkpoints/                <name>_<steps>_steps.safetensors, the same, the last few
        logs/<n>/                   progress.csv, TensorBoard events, evaluations.npz
        presets/<preset>/           the same again for a preset other than the default

A file holds tensors and a line of JSON: nothing in it can be executed. Every write is atomic, the model first, then
the card with its hash; `best` moves only when an evaluation of the same world says so.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from fund.envs.team import Team
from fund.errors import ModelError
from fund.paths import atomic_write, models_folder, run_name
from fund.strategy import Box, Choice
from fund.training.multi_agent.acting import Actors
from fund.training.multi_agent.algorithms import players_of
from fund.training.multi_agent.group import below
from fund.training.store import offer

KEPT_CHECKPOINTS = 3
NETWORKS = ("actor/", "critic/", "norm/")


@dataclass(frozen=True)
class TeamCard:
    """What is known of one trained team."""

    name: str
    algorithm: str  # MAPPO, IPPO, QMIX, ...
    preset: str
    agents: dict[str, str]  # what each sees and may do, in speaking order
    environment: str  # hash of name, parameters and agents: what makes two evaluations comparable
    parameters: dict[str, Any]
    settings: dict[str, Any]
    seed: int
    steps: int
    seconds: float
    score: float  # on the selection episodes
    scores: list[tuple[int, float]] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    sha256: str = ""

    def check(self, team: Team) -> None:
        """Raise ModelError, naming what differs, where the model is not for this team."""
        wanted = schema(team)
        if list(self.agents) != list(wanted):
            raise ModelError(
                f"{self.name}: the model's agents are {list(self.agents)}, wanted {list(wanted)}"
            )
        for agent, space in wanted.items():
            if self.agents[agent] != space:
                raise ModelError(f"{self.name}: the model's {agent} {self.agents[agent]}, wanted {space}")


def schema(team: Team) -> dict[str, str]:
    """One line an agent: what it sees, what it may do."""

    def acts(space: Box | Choice) -> str:
        if isinstance(space, Choice):
            return f"Choice({space.count})"
        return f"Box({space.low}, {space.high}, {space.size})"

    return {a: f"sees {team.observed[a]}, acts in {acts(team.actions[a])}" for a in team.agents}


def environment_hash(name: str, team: Team, parameters: Mapping[str, Any]) -> str:
    """Hash of all that makes two evaluations comparable."""
    text = json.dumps([name, schema(team), team.state_size, dict(parameters)], sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def packed(named: Mapping[str, Tensor], where: Mapping[str, int]) -> bytes:
    """Tensors and where the training stands, as a file's content."""
    plain = {key: t.detach().contiguous().clone() for key, t in named.items()}
    return safetensors.torch.save(plain, {"where": json.dumps(dict(where))})


def unpacked(content: bytes, name: str) -> tuple[dict[str, Tensor], dict[str, int]]:
    """The reverse; raises ModelError for anything else."""
    try:
        named = safetensors.torch.load(content)
        size = int.from_bytes(content[:8], "little")
        where = json.loads(json.loads(content[8 : 8 + size])["__metadata__"]["where"])
        return named, {key: int(value) for key, value in where.items()}
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{name}: not a readable model ({type(error).__name__})") from None


def networks(named: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Only what acting and judging need of a snapshot."""
    return {
        key: t
        for key, t in named.items()
        if key.startswith("groups/") and key.split("/", 2)[2].startswith(NETWORKS)
    }


class TeamStore:
    """Trained teams under one folder of models."""

    def __init__(self, root: Path | str | None = None) -> None:
        self.root = models_folder(root)

    def folder(self, name: str, preset: str = "default") -> Path:
        """Where a team's models lie; raises InvalidParameter for a name that is none."""
        home = self.root / "grandmodel" / run_name(name)
        return home if preset == "default" else home / "presets" / run_name(preset)

    def path(self, name: str, which: str, preset: str = "default") -> Path:
        """The file of `best` or `latest`."""
        return self.folder(name, preset) / f"{name}_{which}.safetensors"

    def save(self, card: TeamCard, content: bytes, which: str) -> Path:
        """Write model and card; the old model stays until the new one is whole."""
        path = self.path(card.name, which, card.preset)
        sealed = replace(card, sha256=hashlib.sha256(content).hexdigest())
        atomic_write(path, content)
        atomic_write(path.with_suffix(".json"), (json.dumps(asdict(sealed), indent=1) + "\n").encode())
        return path

    def checkpoint(self, card: TeamCard, content: bytes) -> None:
        """Write `latest` and a file of its own; the oldest files go."""
        self.save(card, content, "latest")
        folder = self.folder(card.name, card.preset) / "checkpoints"
        atomic_write(folder / f"{card.name}_{card.steps:012d}_steps.safetensors", content)
        for old in sorted(folder.glob("*_steps.safetensors"))[:-KEPT_CHECKPOINTS]:
            old.unlink()

    def offer(self, card: TeamCard, content: bytes) -> bool:
        """Make this model the best if it is; says whether."""
        return offer(self, card, content)

    def card(self, name: str, which: str = "best", preset: str = "default") -> TeamCard | None:
        """The card of a model, None where there is none; raises ModelError where it is damaged."""
        path = self.path(name, which, preset).with_suffix(".json")
        if not path.exists():
            return None
        try:
            return TeamCard(**json.loads(path.read_text()))
        except (OSError, ValueError, TypeError) as error:
            raise ModelError(f"{path.name}: not a readable card ({type(error).__name__}: {error})") from None

    def read(
        self, name: str, which: str = "best", preset: str = "default"
    ) -> tuple[TeamCard, dict[str, Tensor], dict[str, int]]:
        """Card, tensors and where the training stood; raises ModelError with the reason."""
        path, card = self.path(name, which, preset), self.card(name, which, preset)
        if card is None or not path.exists():
            raise ModelError(f"{name}: no {which} model of preset {preset} with its card; train it first")
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != card.sha256:
            raise ModelError(
                f"{path.name}: the file is not the one that its card vouches for (sha256 differs)"
            )
        return card, *unpacked(content, path.name)

    def load(
        self, team: Team, name: str, which: str = "best", preset: str = "default", seed: int | None = None
    ) -> Actors:
        """The trained agents, checked against their card and the team; with a seed they draw their actions."""
        card, named, _ = self.read(name, which, preset)
        card.check(team)
        groups = players_of(team, card.settings)
        try:
            for k, group in enumerate(groups):
                group.actor.load_state_dict(below(named, f"groups/{k}/actor"))
        except RuntimeError as error:
            raise ModelError(f"{name}: the networks are others than the card's: {str(error)[:160]}") from None
        if not all(torch.isfinite(t).all() for t in networks(named).values()):
            raise ModelError(f"{name}: the model has weights that are not finite")
        return Actors(groups, seed)
