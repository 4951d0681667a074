"""The execution stage for PettingZoo: `fund/execution-v0` in both forms, and D0's methods.

env = ExecutionEnvironment(config)               an AEC environment without guards
env(config), parallel_env(config)             guarded; parallel
"""

from __future__ import annotations

from typing import Any, ClassVar

from fund.envs.stage_face import MODES, Face
from fund.envs.turns import StageAEC, StageParallel, register, wrapped
from fund.grandmodel.execution.stage import ExecutionStage
from fund.stage import Debug, Stage


class ExecutionFace(Face):
    """What both forms answer about the orders of the episode."""

    stage: ExecutionStage
    metadata: ClassVar[dict[str, Any]] = {
        "render_modes": list(MODES), "render_fps": 8, "name": "execution_v0", "is_parallelizable": True,
    }  # fmt: skip

    @classmethod
    def configured(cls, config: Any) -> tuple[Stage, Debug]:
        """The stage of D0's `execution` configuration."""
        return ExecutionStage.configured(config)

    def get_execution_venues(self) -> list[str]:
        """Names of the venues."""
        return self.stage.execution_venues()

    def get_market_impact_estimate(self, order_size: float, instrument: str = "a") -> float:
        """What market orders of that many shares would cost now beyond the spread, account currency."""
        return self.stage.market_impact_estimate(self.scene(), 0, order_size, instrument)

    def get_venue_latency(self, venue: str) -> float:
        """Seconds of simulated time to a venue, now."""
        return self.stage.venue_latency(self.scene(), 0, venue)

    def get_execution_metrics(self) -> dict[str, Any]:
        """Shortfall so far and its parts, shares by how they were traded."""
        return self.stage.execution_metrics(self.scene(), 0)


class ExecutionEnvironment(ExecutionFace, StageAEC):
    """Size, stops, participation, priority and routing, one after the other."""


class ExecutionParallelEnvironment(ExecutionFace, StageParallel):
    """The same, all at once."""


def raw_env(config: Any = None, **given: Any) -> ExecutionEnvironment:
    """The AEC environment without guards."""
    return ExecutionEnvironment(config, **given)


def env(config: Any = None, **given: Any) -> Any:
    """The AEC environment with PettingZoo's guards."""
    return wrapped(raw_env(config, **given))


def parallel_env(config: Any = None, **given: Any) -> ExecutionParallelEnvironment:
    """The Parallel environment."""
    return ExecutionParallelEnvironment(config, **given)


def create_execution_environment(config: Any = None, **given: Any) -> ExecutionEnvironment:
    """D0's factory."""
    return raw_env(config, **given)


register("execution", __name__)
