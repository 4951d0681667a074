"""The tactical stage: three agents in turn decide when to be in the market, in 5-minute bars."""

from fund.grandmodel.tactical.stage import TacticalStage
from fund.grandmodel.tactical.strategy import Tactical

__all__ = ["Tactical", "TacticalStage"]
