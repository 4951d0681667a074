"""The tactical environment for PettingZoo: three agents in turn, 60 x 7 matrices, one position in 5-minute bars.

    env = TacticalMarketEnv(config)                     AEC, without guards
    env(), raw_env(), parallel_env()                    PettingZoo's three constructors
    create_tactical_environment(config)                 AEC, with guards

`config` is D0's nested dictionary or its YAML file; parameters of its world may follow as keywords.
"""

from __future__ import annotations

from typing import Any

from fund.envs.forms import both, constructors
from fund.envs.stage_face import Face
from fund.grandmodel.tactical import TacticalStage


class TacticalFace(Face):
    """What both forms can be asked about gaps and entries."""

    kind = TacticalStage
    stage: TacticalStage

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


TacticalMarketEnv, TacticalParallelEnv = both(TacticalFace, "TacticalMarketEnv", "TacticalParallelEnv")
env, raw_env, parallel_env = constructors(TacticalMarketEnv, TacticalParallelEnv)
create_tactical_environment = env
