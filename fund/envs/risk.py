"""The risk stage for PettingZoo: `fund/risk-v0` in both forms, and D0's methods.

env = RiskManagementEnv(config)               an AEC environment without guards
env(config), parallel_env(config)             guarded; parallel
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fund.envs.stage_face import MODES, Face
from fund.envs.turns import StageAEC, StageParallel, register, wrapped
from fund.grandmodel.risk.stage import RiskStage
from fund.stage import Debug, Stage


class RiskFace(Face):
    """What both forms answer about the book of the episode."""

    stage: RiskStage
    metadata: ClassVar[dict[str, Any]] = {
        "render_modes": list(MODES), "render_fps": 8, "name": "risk_v0", "is_parallelizable": True,
    }  # fmt: skip

    @classmethod
    def configured(cls, config: Any) -> tuple[Stage, Debug]:
        """The stage of D0's `risk_management` configuration."""
        return RiskStage.configured(config)

    def get_var_metrics(self) -> dict[str, float]:
        """VaR and ES of the positions by four methods, shares of the NAV."""
        return self.stage.var_metrics(self.scene())

    def get_correlation_matrix(self) -> NDArray[np.float64]:
        """EWMA correlations of the assets, (4, 4)."""
        return self.stage.correlation_matrix(self.scene())

    def get_risk_alerts(self) -> list[dict[str, Any]]:
        """What is beyond its threshold now."""
        return self.stage.risk_alerts(self.scene())


class RiskManagementEnv(RiskFace, StageAEC):
    """Position sizing, stops, monitor and optimiser, one after the other."""


class RiskManagementParallelEnv(RiskFace, StageParallel):
    """The same, all at once."""


def raw_env(config: Any = None, **given: Any) -> RiskManagementEnv:
    """The AEC environment without guards."""
    return RiskManagementEnv(config, **given)


def env(config: Any = None, **given: Any) -> Any:
    """The AEC environment with PettingZoo's guards."""
    return wrapped(raw_env(config, **given))


def parallel_env(config: Any = None, **given: Any) -> RiskManagementParallelEnv:
    """The Parallel environment."""
    return RiskManagementParallelEnv(config, **given)


def create_risk_environment(config: Any = None, **given: Any) -> RiskManagementEnv:
    """D0's factory."""
    return raw_env(config, **given)


register("risk", __name__)
