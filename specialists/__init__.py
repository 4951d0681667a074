"""The trading desks: one line a desk."""

from fund.envs import register
from fund.roster import Roster
from specialists import (
    delta_hedging,
    factor_tracking,
    futures_spreads,
    fx_arbitrage,
    market_making,
    statistical_arbitrage,
    volatility_trading,
)

ROSTER = Roster(
    (
        statistical_arbitrage.SPEC,
        market_making.SPEC,
        volatility_trading.SPEC,
        delta_hedging.SPEC,
        futures_spreads.SPEC,
        factor_tracking.SPEC,
        fx_arbitrage.SPEC,
    )
)
register(ROSTER)
