"""The trading desks: one line a desk."""

from fund.envs import register
from fund.roster import Roster
from specialists import factor_tracking, market_making, statistical_arbitrage

ROSTER = Roster(
    (
        statistical_arbitrage.SPEC,
        market_making.SPEC,
        factor_tracking.SPEC,
    )
)
register(ROSTER)
