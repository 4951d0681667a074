"""The execution environment for PettingZoo: five agents around two parent orders, by the minute.

    env = ExecutionEnvironment(config)                  AEC, without guards
    env(), raw_env(), parallel_env()                    PettingZoo's three constructors
    create_execution_environment(config)                AEC, with guards

`config` is D0's nested dictionary or its YAML file; parameters of its world may follow as keywords.
"""

from __future__ import annotations

from typing import Any

from fund.envs.forms import both, constructors
from fund.envs.stage_face import Face
from fund.grandmodel.execution.stage import ExecutionStage


class ExecutionFace(Face):
    """What both forms can be asked about the orders."""

    kind = ExecutionStage
    stage: ExecutionStage

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


ExecutionEnvironment, ExecutionParallelEnvironment = both(
    ExecutionFace, "ExecutionEnvironment", "ExecutionParallelEnvironment"
)
env, raw_env, parallel_env = constructors(ExecutionEnvironment, ExecutionParallelEnvironment)
create_execution_environment = env
