"""The four stages by name: strategic, tactical, risk and execution."""

from __future__ import annotations

import importlib
from typing import Any

from fund.roster import Roster, Spec
from fund.stage import Stage

# stage -> the classes of its world and of the stage, in the folder of its name
_CLASSES = {
    "strategic": ("Strategic", "StrategicStage"),
    "tactical": ("Tactical", "TacticalStage"),
    "risk": ("RiskManagement", "RiskStage"),
    "execution": ("Execution", "ExecutionStage"),
}
STAGES = Roster(
    Spec(name, f"fund.grandmodel.{name}.strategy:{world}", "MAPPO", 0)
    for name, (world, _) in _CLASSES.items()
)


def stage_named(name: str, preset: str = "default", **changes: Any) -> Stage:
    """A stage over its world under a preset, with changes on top; raises UnknownName, InvalidParameter."""
    world = STAGES[name].cls.preset(preset, **changes)
    kind: Any = getattr(importlib.import_module(f"fund.grandmodel.{name}.stage"), _CLASSES[name][1])
    made: Stage = kind.of(world)
    return made
