"""The strategic stage: who sees what, D0's configuration, and what can be asked about the experts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fund.errors import InvalidParameter
from fund.grandmodel.configuration import Value, read_configuration
from fund.grandmodel.indicators.regimes import REGIMES
from fund.grandmodel.indicators.synergy import TYPES
from fund.grandmodel.strategic.features import MATRIX, REGIME_SLOTS
from fund.grandmodel.strategic.step import shares
from fund.grandmodel.strategic.strategy import Strategic
from fund.grandmodel.summary import STATISTICS, summary
from fund.stage import Agent, Debug, Scene, Stage
from fund.strategy import Choice

Floats = NDArray[np.float64]

EXPERTS = ("mlmi_expert", "nwrqk_expert", "regime_expert")
COLUMNS = {"mlmi_expert": (0, 1, 2, 3), "nwrqk_expert": (4, 5, 6, 7), "regime_expert": (8, 9, 10, 11, 12)}
TOLD = ("position", "drawdown")
_WEIGHTS = dict(zip(EXPERTS, ("weight_mlmi", "weight_nwrqk", "weight_regime"), strict=True))


def _expert(name: str) -> dict[str, Value]:
    return {
        "observation_columns": Value(f"columns_{name}", list, 0, len(MATRIX) - 1),
        "action_space_size": Value(f"choices_{name}", int, 2, 101),
        "expertise_weight": Value(_WEIGHTS[name], float, 0.0, 1.0),
    }


SCHEMA = {
    "environment": {
        "matrix_shape": Value("matrix_shape", list, 1, 2048),
        "max_episode_steps": Value("n_steps", int, 1, 1_000_000),
        "reward_scaling": Value("reward_scale", float, 0.0),
        "observation_noise": Value("observation_noise", float, 0.0),
        "superposition": Value("superposition", bool),
        "synergy_window": Value("synergy_window", int, 1),
        "synergy_cooldown": Value("synergy_cooldown", int, 1),
        "confidence_threshold": Value("least_confidence", float, 0.0, 1.0),
        "synergy_bonus": Value("synergy_bonus"),
        "drawdown_penalty": Value("drawdown_penalty"),
        "sharpe_bonus": Value("sharpe_bonus"),
    },
    "agents": {name: _expert(name) for name in EXPERTS},
}


@dataclass(frozen=True)
class StrategicStage(Stage):
    """Three experts, all at once."""

    name: ClassVar[str] = "strategic"
    section: ClassVar[str] = "strategic_marl"

    @classmethod
    def of(cls, world: Strategic | None = None, superposition: bool = False, **given: Any) -> StrategicStage:
        """The stage over a world; `given` are an expert's `columns_<name>` and `choices_<name>`."""
        strategy = world or Strategic()
        agents = [_agent(name, strategy.window, superposition, given) for name in EXPERTS]
        return cls(strategy, tuple(agents), MATRIX)

    @classmethod
    def configured(cls, config: Any = None) -> tuple[StrategicStage, Debug]:
        """The stage of D0's configuration; raises UnknownName, InvalidParameter, DataError."""
        values, debug = read_configuration(config, cls.section, SCHEMA)
        known = {f.name for f in fields(Strategic)}
        changes = {key: value for key, value in values.items() if key in known}
        if "matrix_shape" in values:
            changes["window"] = window_of(values.pop("matrix_shape"), len(MATRIX))
        rest = {key: value for key, value in values.items() if key not in known}
        return cls.of(Strategic().with_parameters(**changes), **rest), debug

    @property
    def state_names(self) -> tuple[str, ...]:
        """The 83 numbers of the central state."""
        return (*(f"{c}_{s}" for s in STATISTICS for c in MATRIX), *TOLD, *REGIME_SLOTS)

    def state(self, scene: Scene) -> NDArray[np.float32]:
        """13 features x (last, mean, deviation, least, most, slope) over the window, position, drawdown, regimes."""
        told = np.stack([scene.slot(name) for name in (*TOLD, *REGIME_SLOTS)], axis=1)
        window = scene.window(MATRIX, self.strategy.window)  # type: ignore[attr-defined]
        return np.concatenate([summary(window), told.astype(np.float32)], axis=1)

    def synergy_score(self, scene: Scene) -> Floats:
        """Weighted direction of the last decisions along the synergy in force, -1 to 1; 0 without one, (n,)."""
        p, memory = self._world, scene.view.memory
        leaning = (
            p.weight_mlmi * memory["mlmi"]
            + p.weight_nwrqk * memory["nwrqk"]
            + p.weight_regime * memory["regime"]
        )
        return leaning * scene.view.row["synergy"]

    def regime_state(self, scene: Scene, path: int = 0) -> dict[str, Any]:
        """The likeliest regime, the probabilities, volatility and discrepancy, and the synergy in force."""
        chances = {name: float(scene.slot(f"regime_{name}")[path]) for name in REGIMES}
        return {
            "regime": max(chances, key=lambda name: chances[name]),
            "probabilities": chances,
            "volatility": float(scene.slot("volatility_30")[path]),
            "mmd_score": float(scene.slot("mmd_score")[path]),
            "position_scale": float(scene.view.row["regime_scale"][path]),
            "synergy": TYPES[int(scene.view.row["synergy_kind"][path])],
            "synergy_direction": float(scene.view.row["synergy"][path]),
        }

    def contributions(self, scene: Scene, path: int = 0) -> dict[str, float]:
        """P&L of the episode that is owed to each expert's decisions; they sum to NAV less capital."""
        memory = {name: float(values[path]) for name, values in scene.view.memory.items()}
        change = float(scene.view.books.nav[path]) - memory["nav"]
        last = shares_of(self._world, (memory["mlmi"], memory["nwrqk"], memory["regime"]))
        earned = (memory["earned_mlmi"], memory["earned_nwrqk"], memory["earned_regime"])
        return {name: e + s * change for name, e, s in zip(EXPERTS, earned, last, strict=True)}

    @property
    def _world(self) -> Strategic:
        assert isinstance(self.strategy, Strategic)
        return self.strategy


def shares_of(world: Strategic, directions: tuple[float, float, float]) -> tuple[float, float, float]:
    """Whose the P&L of a position is, by the step's own arithmetic."""
    found: tuple[float, float, float] = shares(world.parameters(), *directions)
    return found


def _agent(name: str, window: int, superposition: bool, given: dict[str, Any]) -> Agent:
    columns = tuple(MATRIX[k] for k in given.get(f"columns_{name}", COLUMNS[name]))
    if len(set(columns)) != len(columns):
        raise InvalidParameter(f"{name}: observation_columns {columns}: one stands twice")
    choice = Choice(given.get(f"choices_{name}", 3))
    told = TOLD if window == 1 or len(columns) + len(TOLD) <= len(MATRIX) else ()
    return Agent(name, columns, choice, window, told, True, superposition)


def window_of(shape: Sequence[int], width: int) -> int:
    """Rows of a matrix shape; raises InvalidParameter where it has another width than the stage's."""
    if len(shape) != 2 or shape[1] != width:
        raise InvalidParameter(f"matrix_shape is {list(shape)}, wanted [rows, {width}]")
    return int(shape[0])
