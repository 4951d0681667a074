"""Named parameter sets of the risk stage."""

from __future__ import annotations

from typing import Any

_QUIET: dict[str, Any] = {
    "black_swan": 0.0, "flash_crash": 0.0, "correlation_spike": 0.0, "liquidity_drought": 0.0, "weather": False,
}  # fmt: skip
_FREE: dict[str, Any] = {
    "risk_free_rate": 0.0, "kelly_fraction": 0.0, "var_bonus": 0.0, "drawdown_penalty": 0.0, "emergency_bonus": 0.0,
    "risk_aversion": 0.0,
}  # fmt: skip
_IID: dict[str, Any] = {
    "season": 0.0, "clustering": False, "mandate_bias": 1.0, "mandate_spread": 0.0, "cost_rate": 0.0,
    "risk_free_rate": 0.0, "kelly_fraction": 0.0, "emergency_protocols": False, "stops_on": False,
    "rebalance_threshold": 0.0, "compound": False, "correlation_limit": 1.0, "expected_sharpe": 2.0,
}  # fmt: skip
_SWANS: dict[str, Any] = {
    "black_swan": 1.0, "cost_rate": 0.0, "emergency_protocols": False, "expected_sharpe": 8.0,
}  # fmt: skip
PRESETS: dict[str, dict[str, Any]] = {
    "default": {},
    "null": {**_QUIET, **_FREE, "expected_sharpe": 0.0},
    "planted": {**_QUIET, **_SWANS},
    "iid": {**_QUIET, **_IID},
}
