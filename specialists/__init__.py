"""The trading desks. TEMPORARY roster until every desk has its SPEC."""

from fund.roster import Roster, Spec

ROSTER = Roster(
    (
        Spec("statistical_arbitrage", "specialists.statistical_arbitrage.strategy:StatisticalArbitrage", "PPO", 252),
        Spec("market_making", "specialists.market_making.strategy:MarketMaking", "DDPG", 390),
        Spec("factor_tracking", "specialists.factor_tracking.strategy:FactorTracking", "DQN", 252),
    )
)
