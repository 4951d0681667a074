"""The strategic stage: who sees what, D0's configuration, and what can be asked about the experts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from fund.grandmodel.bar_stage import OWN, central_names, central_state, columns_of, rows_of
from fund.grandmodel.configuration import ConfiguredStage, Value
from fund.grandmodel.indicators.regimes import REGIMES
from fund.grandmodel.indicators.synergy import TYPES
from fund.grandmodel.strategic.features import MATRIX, REGIME_SLOTS
from fund.grandmodel.strategic.step import shares
from fund.grandmodel.strategic.strategy import Strategic
from fund.stage import Agent, Scene
from fund.strategy import Choice

Floats = NDArray[np.float64]

EXPERTS = ("mlmi_expert", "nwrqk_expert", "regime_expert")
COLUMNS = {"mlmi_expert": (0, 1, 2, 3), "nwrqk_expert": (4, 5, 6, 7), "regime_expert": (8, 9, 10, 11, 12)}
_WEIGHTS = dict(zip(EXPERTS, ("weight_mlmi", "weight_nwrqk", "weight_regime"), strict=True))


def _expert(name: str) -> dict[str, Value]:
    return {
        "observation_columns": Value(f"columns_{name}", list, 0, len(MATRIX) - 1),
        "action_space_size": Value(f"choices_{name}", int, 2, 101),
        "expertise_weight": Value(_WEIGHTS[name], float, 0.0, 1.0),
    }


SCHEMA = {
    "environment": {
        "matrix_shape": Value("window", list, 1, 2048, read=rows_of(len(MATRIX))),
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
class StrategicStage(ConfiguredStage):
    """Three experts, all at once."""

    name = "strategic"
    section = "strategic_marl"
    world = Strategic
    schema = SCHEMA

    strategy: Strategic

    @classmethod
    def of(cls, world: Strategic | None = None, superposition: bool = False, **given: Any) -> Self:
        """The stage over a world; `given` are an expert's `columns_<name>` and `choices_<name>`."""
        strategy = world or Strategic()
        agents = [_agent(name, strategy.window, superposition, given) for name in EXPERTS]
        return cls(strategy, tuple(agents), MATRIX)

    @property
    def state_names(self) -> tuple[str, ...]:
        """The 83 numbers of the central state."""
        return (*central_names(MATRIX), *OWN, *REGIME_SLOTS)

    def state(self, scene: Scene) -> NDArray[np.float32]:
        """13 features x (last, mean, deviation, least, most, slope) over the window, position, drawdown, regimes."""
        told = np.stack([scene.slot(name) for name in (*OWN, *REGIME_SLOTS)], axis=1)
        return central_state(scene, MATRIX, self.strategy.window, told)

    def synergy_score(self, scene: Scene) -> Floats:
        """Weighted direction of the last decisions along the synergy in force, -1 to 1; 0 without one, (n,)."""
        p, memory = self.strategy, scene.view.memory
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
        # by the step's own arithmetic
        last = shares(self.strategy.parameters(), memory["mlmi"], memory["nwrqk"], memory["regime"])
        earned = (memory["earned_mlmi"], memory["earned_nwrqk"], memory["earned_regime"])
        return {name: e + s * change for name, e, s in zip(EXPERTS, earned, last, strict=True)}


def _agent(name: str, window: int, superposition: bool, given: dict[str, Any]) -> Agent:
    columns = columns_of(name, MATRIX, given, COLUMNS[name])
    told = OWN if window == 1 or len(columns) + len(OWN) <= len(MATRIX) else ()
    return Agent(name, columns, Choice(given.get(f"choices_{name}", 3)), window, told, True, superposition)
