"""The strategic environment for PettingZoo: three experts, 48 x 13 matrices, one position in 30-minute bars.

    env = StrategicMarketEnv(config)                    AEC, without guards
    env(), raw_env(), parallel_env()                    PettingZoo's three constructors
    create_strategic_environment(config)                AEC, with guards

`config` is D0's nested dictionary or its YAML file; parameters of its world may follow as keywords.
"""

from __future__ import annotations

from typing import Any

from fund.envs.forms import both, constructors
from fund.envs.stage_face import Face
from fund.grandmodel.strategic import StrategicStage


class StrategicFace(Face):
    """What both forms can be asked about the experts."""

    kind = StrategicStage
    stage: StrategicStage

    def get_synergy_score(self) -> float:
        """Weighted direction of the last decisions along the synergy in force, -1 to 1; 0 without one."""
        return float(self.stage.synergy_score(self.scene())[0])

    def get_regime_state(self) -> dict[str, Any]:
        """Likeliest regime, its probabilities, volatility, discrepancy, and the synergy in force."""
        return self.stage.regime_state(self.scene())

    def get_agent_contributions(self) -> dict[str, float]:
        """P&L of the episode owed to each expert, account currency; they sum to NAV less capital."""
        return self.stage.contributions(self.scene())


StrategicMarketEnv, StrategicParallelEnv = both(StrategicFace, "StrategicMarketEnv", "StrategicParallelEnv")
env, raw_env, parallel_env = constructors(StrategicMarketEnv, StrategicParallelEnv)
create_strategic_environment = env
