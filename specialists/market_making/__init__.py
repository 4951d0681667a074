from fund.roster import Spec

SPEC = Spec(
    name="market_making",
    where="specialists.market_making.strategy:MarketMaking",
    algorithm="DDPG",
    horizon=390,
)
