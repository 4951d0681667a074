"""The strategic environment for PettingZoo: three experts, 48 x 13 matrices, one position in 30-minute bars.

    env = StrategicMarketEnv(config)                    AEC, without guards
    env(), raw_env(), parallel_env()                    PettingZoo's three constructors
    create_strategic_environment(config)                AEC, with guards

`config` is D0's nested dictionary or its YAML file; every keyword of `fund.grandmodel.strategic.Strategic` may follow.
"""

from __future__ import annotations

from typing import Any, ClassVar

from fund.envs import turns
from fund.envs.stage_face import MODES, Face
from fund.grandmodel.strategic import StrategicStage
from fund.stage import Debug, Stage

METADATA = {"render_modes": list(MODES), "render_fps": 8, "name": "strategic_v0", "is_parallelizable": True}


class Strategic(Face):
    """What both forms can be asked."""

    metadata: ClassVar[dict[str, Any]] = METADATA
    stage: StrategicStage

    @classmethod
    def configured(cls, config: Any) -> tuple[Stage, Debug]:
        """The stage of a configuration."""
        return StrategicStage.configured(config)

    def get_synergy_score(self) -> float:
        """Weighted direction of the last decisions along the synergy in force, -1 to 1; 0 without one."""
        return float(self.stage.synergy_score(self.scene())[0])

    def get_regime_state(self) -> dict[str, Any]:
        """Likeliest regime, its probabilities, volatility, discrepancy, and the synergy in force."""
        return self.stage.regime_state(self.scene())

    def get_agent_contributions(self) -> dict[str, float]:
        """P&L of the episode owed to each expert, account currency; they sum to NAV less capital."""
        return self.stage.contributions(self.scene())


class StrategicMarketEnv(Strategic, turns.StageAEC):
    """Agents act one after the other."""


class StrategicParallelEnv(Strategic, turns.StageParallel):
    """Agents act all at once."""


def raw_env(config: Any = None, **given: Any) -> StrategicMarketEnv:
    """AEC form without guards."""
    return StrategicMarketEnv(config, **given)


def env(config: Any = None, **given: Any) -> Any:
    """AEC form with PettingZoo's guards."""
    return turns.wrapped(raw_env(config, **given))


def parallel_env(config: Any = None, **given: Any) -> StrategicParallelEnv:
    """Parallel form."""
    return StrategicParallelEnv(config, **given)


create_strategic_environment = env
turns.register("strategic", __name__)
