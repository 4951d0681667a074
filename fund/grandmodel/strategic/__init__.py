"""The strategic stage: three experts decide a position in 30-minute bars."""

from fund.grandmodel.strategic.stage import StrategicStage
from fund.grandmodel.strategic.strategy import Strategic

__all__ = ["Strategic", "StrategicStage"]
