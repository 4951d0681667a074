"""The risk environment for PettingZoo: four agents around the book of a mandate, in 5-minute bars.

    env = RiskManagementEnv(config)                     AEC, without guards
    env(), raw_env(), parallel_env()                    PettingZoo's three constructors
    create_risk_environment(config)                     AEC, with guards

`config` is D0's nested dictionary or its YAML file; parameters of its world may follow as keywords.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fund.envs.forms import both, constructors
from fund.envs.stage_face import Face
from fund.grandmodel.risk.stage import RiskStage


class RiskFace(Face):
    """What both forms can be asked about the book."""

    kind = RiskStage
    stage: RiskStage

    def get_var_metrics(self) -> dict[str, float]:
        """VaR and ES of the positions by four methods, shares of the NAV."""
        return self.stage.var_metrics(self.scene())

    def get_correlation_matrix(self) -> NDArray[np.float64]:
        """EWMA correlations of the assets, (4, 4)."""
        return self.stage.correlation_matrix(self.scene())

    def get_risk_alerts(self) -> list[dict[str, Any]]:
        """What is beyond its threshold now."""
        return self.stage.risk_alerts(self.scene())


RiskManagementEnv, RiskManagementParallelEnv = both(
    RiskFace, "RiskManagementEnv", "RiskManagementParallelEnv"
)
env, raw_env, parallel_env = constructors(RiskManagementEnv, RiskManagementParallelEnv)
create_risk_environment = env
