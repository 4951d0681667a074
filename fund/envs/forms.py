"""The environments that a stage has in PettingZoo, and their constructors, made of its face.

    StrategicMarketEnv, StrategicParallelEnv = both(Strategic, "StrategicMarketEnv", "StrategicParallelEnv")
    env, raw_env, parallel_env = constructors(StrategicMarketEnv, StrategicParallelEnv)

A face says what both forms can be asked beside PettingZoo's own methods, and of which stage.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fund.envs import turns
from fund.envs.stage_face import MODES, Face


def about(name: str) -> dict[str, Any]:
    """What PettingZoo calls the metadata of an environment."""
    return {
        "render_modes": list(MODES),
        "render_fps": 8,
        "name": f"{name}_v{turns.VERSION}",
        "is_parallelizable": True,
    }


def both(face: type[Face], aec: str, parallel: str) -> tuple[Any, Any]:
    """The AEC and the Parallel form of a face, classes of these names in its module."""
    shared = {"metadata": about(face.kind.name), "__module__": face.__module__}
    told = f"The {face.kind.name} stage, its agents acting"
    return (
        type(aec, (face, turns.StageAEC), {**shared, "__doc__": f"{told} one after the other."}),
        type(parallel, (face, turns.StageParallel), {**shared, "__doc__": f"{told} all at once."}),
    )


def constructors(
    aec: Any, parallel: Any
) -> tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any]]:
    """PettingZoo's `env` (AEC with its guards), `raw_env` (without) and `parallel_env`, as PettingZoo names them.

    Their module is registered with PettingZoo under the name of the environments.
    """

    def raw_env(config: Any = None, **given: Any) -> Any:
        """AEC form without guards."""
        return aec(config, **given)

    def env(config: Any = None, **given: Any) -> Any:
        """AEC form with PettingZoo's guards."""
        return turns.wrapped(raw_env(config, **given))

    def parallel_env(config: Any = None, **given: Any) -> Any:
        """Parallel form."""
        return parallel(config, **given)

    turns.register(aec.metadata["name"].rpartition("_v")[0], aec.__module__)
    return env, raw_env, parallel_env
