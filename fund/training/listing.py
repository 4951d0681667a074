"""What there is: strategies, presets, policies, parameters, features."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from fund.roster import Spec
from fund.training.desk import shown_names

POLICIES = ("flat", "random", "best", "latest", "<model>.zip")


def shown_id(spec: Spec) -> str:
    """The id under which Gymnasium knows a strategy, or PettingZoo a stage."""
    return f"fund/{spec.name}-v0" if spec.algorithm == "MAPPO" else spec.gym_id


def listing(specs: Mapping[str, Spec]) -> dict[str, Any]:
    """One entry a strategy: algorithm, Gymnasium id, presets, policies."""
    return {
        name: {
            "algorithm": spec.algorithm,
            "id": shown_id(spec),
            "presets": ", ".join(spec.cls.presets),
            "policies": ", ".join([*spec.cls.rules, *POLICIES]),
        }
        for name, spec in specs.items()
    }


def one(spec: Spec) -> dict[str, Any]:
    """Every name of one strategy; parameters with default, unit and source, and the values that they may have."""
    strategy = spec.cls()
    shown = {key: list(values) for key, values in shown_names(strategy).items()}
    return {
        "name": spec.name,
        "algorithm": spec.algorithm,
        "id": shown_id(spec),
        **shown,
        "policies": [*spec.cls.rules, *POLICIES],
        "parameters": {
            f.name: {
                "default": _plain(getattr(strategy, f.name)),
                "unit": spec.cls.unit_of(f.name),
                "wanted": spec.cls.wanted_of(f.name),
            }
            for f in dataclasses.fields(strategy)
        },
    }


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, (bool, int, float, str)) else repr(value)
