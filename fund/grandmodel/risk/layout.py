"""Names of what the risk stage reads, remembers and shows; assets are 1 to 4."""

from __future__ import annotations

from typing import NamedTuple

ASSETS = (1, 2, 3, 4)
PAIRS = ((1, 2), (1, 3), (1, 4), (2, 3), (2, 4), (3, 4))
AGENTS = ("position_sizing", "stop_target", "risk_monitor", "portfolio_optimizer")
ACTION_NAMES = ("REDUCE_RISK", "SLIGHT_REDUCE", "MAINTAIN", "SLIGHT_INCREASE", "INCREASE_RISK")


class Columns(NamedTuple):
    """Market columns of one bar; all but the prices are known from the bars up to it."""

    price_1: float
    price_2: float
    price_3: float
    price_4: float
    mandate_1: float  # conviction of the stages above, -1 ... 1
    mandate_2: float
    mandate_3: float
    mandate_4: float
    volatility_1: float  # EWMA of a bar's return
    volatility_2: float
    volatility_3: float
    volatility_4: float
    atr_1: float  # average range of a day, price units
    atr_2: float
    atr_3: float
    atr_4: float
    correlation_12: float  # EWMA
    correlation_13: float
    correlation_14: float
    correlation_23: float
    correlation_24: float
    correlation_34: float
    mean_correlation: float
    correlation_shock: float  # mean correlation of the last bars less that of the last days
    cost: float  # of a trade, share of its value
    stress: float  # fast over slow volatility
    crisis: float  # 1 for the bars after the onset of a crisis that is seen in stress or correlation
    shock_1: float  # of the return of the bar that ended, mean 0 and news to all; only the control variate reads it
    shock_2: float
    shock_3: float
    shock_4: float


class Memory(NamedTuple):
    """What a path remembers."""

    size: float  # position_sizing: share of the full position, 0 ... 1
    multiple: float  # stop_target: of the ATR
    cap: float  # risk_monitor: share of what is sized, 0 ... 1
    blend: float  # portfolio_optimizer: 0 the mandate's weights, 1 inverse volatility
    entry_1: float  # price at which the asset was entered
    entry_2: float
    entry_3: float
    entry_4: float
    wait_1: float  # bars that an asset stays out after a stop or a target
    wait_2: float
    wait_3: float
    wait_4: float
    var: float  # of the positions, share of NAV
    reference: float  # highest size times cap since the last halving; in a crisis it only falls
    halved: float  # exposure taken off by halving in this step, share of the full one
    worst: float  # deepest drawdown so far
    deeper: float  # what this step added to it
    stops: float  # counts, of the episode
    targets: float
    limited: float  # steps in which the limits cut
    responses: float  # halvings in a crisis
    surprise: float  # P&L of the step that came of the shocks


class Own(NamedTuple):
    """The account's share of the observation."""

    equity: float
    open_positions: float
    var_95: float
    drawdown: float
    margin_use: float


class Parts(NamedTuple):
    """Parts of the reward."""

    pnl: float
    risk: float  # price of variance: what makes the Sharpe ratio count
    var_compliance: float
    drawdown: float
    emergency: float
    control: float  # P&L that came of shocks, taken out


FEATURES = (
    "equity", "open_positions", "volatility_regime", "correlation_risk", "var_95", "drawdown", "margin_use",
    "time_of_day_risk", "market_stress", "liquidity",
)  # fmt: skip
"""What is seen; correlation_risk is the correlation shock, 1 at D0's threshold: the level alone tells of no alarm.
market_stress is fast over slow volatility, and 4 more while a crisis is called."""
