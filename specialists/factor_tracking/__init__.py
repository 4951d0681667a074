"""Factor tilts."""

from fund.roster import Spec

SPEC = Spec(
    name="factor_tracking",
    where="specialists.factor_tracking.strategy:FactorTracking",
    algorithm="DQN",
    horizon=252,
    settings={},
)
