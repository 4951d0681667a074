"""What was trained, on what, how good: models on disk, each with a card.

    models/specialists/<name>/<name>_best.zip     an SB3 model, with <name>_best.json, its card
                              <name>_latest.zip
                              checkpoints/        rl_model_<n>_steps.zip
                              logs/<n>/           progress.csv, TensorBoard events, evaluations.npz
                              presets/<preset>/   the same again for a preset other than the default
    models/master/            the same for the CIO

`best` moves only when an evaluation under the same environment says so. Every write is atomic, and so is that of the
pair: first the new card as `<name>_best.next.json`, then the model, then the card in its place. Whoever is killed in
between leaves a model that one of the two cards vouches for by its hash.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Protocol

from fund.errors import ModelError
from fund.paths import atomic_write, models_folder
from fund.strategy import Box, Strategy
from fund.training.network import Network, read_weights

MASTERS = ("cio_allocator",)
JOURNAL = "trials.jsonl"  # one line a training
COMING = ".next.json"  # ending of a card whose model is being written


@dataclass(frozen=True)
class Card:
    """What is known of one model."""

    name: str
    algorithm: str
    preset: str
    activation: str
    environment: str  # hash of name, version, parameters, features, actions and data
    features: tuple[str, ...]
    actions: str
    parameters: dict[str, Any]
    settings: dict[str, Any]
    seed: int
    steps: int
    seconds: float
    score: float  # on the selection episodes: certainty equivalent, or mean reward
    scores: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    sha256: str = ""

    def check(self, strategy: Strategy) -> None:
        """Raise ModelError, naming the field, where the model is not for this strategy."""
        wanted = {
            "name": strategy.name,
            "features": tuple(strategy.features),
            "actions": action_schema(strategy),
        }
        for key, value in wanted.items():
            if getattr(self, key) != value:
                raise ModelError(
                    f"{strategy.name}: the model's {key} are {getattr(self, key)}, wanted {value}"
                )


def action_schema(strategy: Strategy) -> str:
    """One line that identifies an action space."""
    actions = strategy.actions
    if isinstance(actions, Box):
        return f"Box({actions.low}, {actions.high}, {actions.size}) v{strategy.version}"
    return f"Choice({actions.count}) v{strategy.version}"


def parameters_of(strategy: Strategy) -> dict[str, Any]:
    """Parameters as plain JSON; a history as its hash."""
    plain = {}
    for f in fields(strategy):
        value = getattr(strategy, f.name)
        plain[f.name] = (
            value if value is None or isinstance(value, (bool, int, float, str)) else _digest(value)
        )
    return plain


def _digest(value: Any) -> str:
    return str(getattr(value, "sha256", "")) or hashlib.sha256(repr(value).encode()).hexdigest()


def environment_hash(strategy: Strategy) -> str:
    """Hash of all that makes two evaluations comparable."""
    text = json.dumps(
        [
            strategy.name,
            strategy.version,
            parameters_of(strategy),
            strategy.features,
            action_schema(strategy),
        ],
        sort_keys=True,
    )
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class Keeper(Protocol):
    """A store of models, each with a card that has name, preset, environment and score."""

    def card(self, name: str, which: str = "best", preset: str = "default") -> Any:
        """The card of a model, or None where there is none."""

    def path(self, name: str, which: str, preset: str = "default") -> Path:
        """The file of `best` or `latest`."""

    def save(self, card: Any, content: bytes, which: str) -> Path:
        """Write model and card."""


def offer(keeper: Keeper, card: Any, content: bytes) -> bool:
    """Make a model the best if it is: finite, and better than the best under the same environment.

    A best of another environment is not comparable; it is kept in checkpoints under its own hash.
    """
    if not math.isfinite(card.score):
        return False
    old = keeper.card(card.name, "best", card.preset)
    if old is not None and old.environment == card.environment and old.score >= card.score:
        return False
    if old is not None and old.environment != card.environment:
        path = keeper.path(card.name, "best", card.preset)
        kept = path.parent / "checkpoints" / f"{card.name}_best_{old.environment}{path.suffix}"
        write(kept, path.read_bytes())
    keeper.save(card, content, "best")
    return True


class ModelStore:
    """Models under one folder."""

    def __init__(self, root: Path | str | None = None) -> None:
        self.root = models_folder(root)

    def folder(self, name: str, preset: str = "default") -> Path:
        """Where a strategy's models lie."""
        home = self.root / "master" if name in MASTERS else self.root / "specialists" / name
        return home if preset == "default" else home / "presets" / preset

    def prepare(self, name: str, preset: str = "default") -> Path:
        """Make a strategy's folders."""
        home = self.folder(name, preset)
        for part in ("checkpoints", "logs"):
            (home / part).mkdir(parents=True, exist_ok=True)
        (self.root / "checkpoints").mkdir(parents=True, exist_ok=True)
        return home

    def path(self, name: str, which: str, preset: str = "default") -> Path:
        """The file of `best` or `latest`."""
        return self.folder(name, preset) / f"{name}_{which}.zip"

    def save(self, card: Card, content: bytes, which: str) -> Path:
        """Write model and card under `best` or `latest`; the old model stays until the new one is whole."""
        self.prepare(card.name, card.preset)
        path = self.path(card.name, which, card.preset)
        sealed = Card(
            **{**asdict(card), "features": card.features, "sha256": hashlib.sha256(content).hexdigest()}
        )
        beside, coming = path.with_suffix(".json"), path.with_suffix(COMING)
        text = (json.dumps(asdict(sealed), indent=1) + "\n").encode()
        for place, part in ((coming, text), (path, content), (beside, text)):
            write(place, part)
        coming.unlink(missing_ok=True)
        return path

    def offer(self, card: Card, content: bytes) -> bool:
        """Make this model the best if it is; says whether."""
        return offer(self, card, content)

    def card(self, name: str, which: str = "best", preset: str = "default") -> Card | None:
        """The card of a model, or None where there is none; raises ModelError where it is damaged."""
        path = self.path(name, which, preset)
        return vouching(path) if path.with_suffix(".json").exists() or path.exists() else None

    def load(self, strategy: Strategy, which: str = "best", preset: str = "default") -> Network:
        """The policy of `best` or `latest`, checked against its card and the strategy.

        Raises ModelError where there is none or it does not fit.
        """
        path = self.path(strategy.name, which, preset)
        if not path.exists():
            hint = f"train it with: fund train {strategy.name}" + (
                f" --preset {preset}" if preset != "default" else ""
            )
            raise ModelError(f"{strategy.name}: no {which} model of preset {preset}; {hint}")
        return load_file(strategy, path)

    def count_trial(self, card: Card) -> None:
        """Add a line to the journal of trainings."""
        self.root.mkdir(parents=True, exist_ok=True)
        line = {
            "name": card.name,
            "preset": card.preset,
            "seed": card.seed,
            "steps": card.steps,
            "score": card.score,
        }
        with (self.root / JOURNAL).open("a") as journal:
            journal.write(json.dumps(line) + "\n")

    def trials(self) -> int:
        """Trainings that this store has seen: what a headline must be deflated by."""
        journal = self.root / JOURNAL
        return len(journal.read_text().splitlines()) if journal.exists() else 0

    def take_from(self, other: ModelStore) -> None:
        """Offer the bests of another store, take its latests and count its trials."""
        for which in ("best", "latest"):
            for beside in sorted(other.root.rglob(f"*_{which}.json")):
                model = beside.with_suffix(".zip")
                card, content = vouching(model), model.read_bytes()
                if which == "best":
                    self.offer(card, content)
                else:
                    self.save(card, content, which)
        if (other.root / JOURNAL).exists():
            with (self.root / JOURNAL).open("a") as journal:
                journal.write((other.root / JOURNAL).read_text())

    def summary(self) -> list[Card]:
        """Cards of all best models."""
        return [read_card(path) for path in sorted(self.root.rglob("*_best.json"))]


def read_card(path: Path) -> Card:
    """A card from its file; raises ModelError."""
    try:
        plain = json.loads(path.read_text())
        return Card(**{**plain, "features": tuple(plain["features"])})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path.name}: not a readable card ({type(error).__name__}: {error})") from None


def write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; raises ModelError where it cannot be written, and what was there stays."""
    try:
        atomic_write(path, content)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ModelError(f"{path.name}: cannot be written ({reason}); what was there stays") from None


def vouching(path: Path) -> Card:
    """The card of a model file: the one beside it, or the one to come where a writer was killed; raises ModelError."""
    coming = path.with_suffix(COMING)
    if coming.exists() and path.exists():
        card = read_card(coming)
        if card.sha256 == hashlib.sha256(path.read_bytes()).hexdigest():
            return card
    beside = path.with_suffix(".json")
    if not beside.exists():
        raise ModelError(
            f"{path.name}: no card {beside.name} beside it, so nothing says what the model is for"
        )
    return read_card(beside)


def load_file(strategy: Strategy, path: Path) -> Network:
    """The policy in a model file that has its card beside it; raises ModelError with the reason."""
    if not path.exists():
        raise ModelError(f"{path.name}: no such model file")
    card, content = vouching(path), path.read_bytes()
    if hashlib.sha256(content).hexdigest() != card.sha256:
        raise ModelError(f"{path.name}: the file is not the one that its card vouches for (sha256 differs)")
    card.check(strategy)
    network = Network.of(read_weights(content, path.name), card.algorithm, card.activation, strategy.actions)
    network.check(strategy)
    return network
