"""The tactical environment for PettingZoo: three agents in turn, 60 x 7 matrices, one position in 5-minute bars.

    env = TacticalMarketEnv(config)                     AEC, without guards
    env(), raw_env(), parallel_env()                    PettingZoo's three constructors
    create_tactical_environment(config)                 AEC, with guards

`config` is D0's nested dictionary or its YAML file; every keyword of `fund.grandmodel.tactical.Tactical` may follow.
"""

from __future__ import annotations

from typing import Any, ClassVar

from fund.envs import turns
from fund.envs.stage_face import MODES, Face
from fund.grandmodel.tactical import TacticalStage
from fund.stage import Debug, Stage

METADATA = {"render_modes": list(MODES), "render_fps": 8, "name": "tactical_v0", "is_parallelizable": True}


class Tactical(Face):
    """What both forms can be asked."""

    metadata: ClassVar[dict[str, Any]] = METADATA
    stage: TacticalStage

    @classmethod
    def configured(cls, config: Any) -> tuple[Stage, Debug]:
        """The stage of a configuration."""
        return TacticalStage.configured(config)

    def get_state_machine_status(self) -> str:
        """Where the machine stands; READY_FOR_AGGREGATION from a round's last decision to the first of the next."""
        if self._aggregated:
            return self.stage.machine_state(self.possible_agents)
        return self.stage.machine_state(self._rounds.spoken)

    def get_fvg_patterns(self) -> list[dict[str, Any]]:
        """The fair-value gaps open now, youngest first."""
        return self.stage.gap_patterns(self.scene(), self._rounds.batch.paths)

    def get_execution_metrics(self) -> dict[str, float]:
        """Entries, slippage, timing, fees, errors so far."""
        return self.stage.execution_metrics(self.scene())


class TacticalMarketEnv(Tactical, turns.StageAEC):
    """Agents act one after the other."""


class TacticalParallelEnv(Tactical, turns.StageParallel):
    """Agents act all at once."""


def raw_env(config: Any = None, **given: Any) -> TacticalMarketEnv:
    """AEC form without guards."""
    return TacticalMarketEnv(config, **given)


def env(config: Any = None, **given: Any) -> Any:
    """AEC form with PettingZoo's guards."""
    return turns.wrapped(raw_env(config, **given))


def parallel_env(config: Any = None, **given: Any) -> TacticalParallelEnv:
    """Parallel form."""
    return TacticalParallelEnv(config, **given)


create_tactical_environment = env
turns.register("tactical", __name__)
