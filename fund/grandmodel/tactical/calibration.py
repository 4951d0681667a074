"""The bars' market beside its bands, as in the strategic stage: the same market in shorter bars."""

from __future__ import annotations

from fund.calibration.calibration import Calibration
from fund.grandmodel.bar_facts import FILES, details, prices, steps

CALIBRATION = Calibration(
    files=FILES, prices=prices, details=details, steps=steps, least_steps=26, logs=False
)
