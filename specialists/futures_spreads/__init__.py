"""Futures spreads: two contracts of one curve, or two commodities, one held against the other.

World
    Futures on the two-factor curve of Schwartz & Smith (2000) or Gibson & Schwartz (1990), one row a day, contracts
    with expiries that both legs roll out of by the calendar. Futures drift by their premia alone: mean reversion is in
    the price. What can be timed is a premium that pays for backwardation, and a mispricing of the front of the curve
    that comes and goes. Volatility, premium, costs and margins follow the weather. `market` has the equations. Recorded
    contracts, spot prices, cracks and crushes (`chains`, prices may be negative) take its place through `on`.

Action
    Box(1): target position as a share of the full one, positive = long leg 1. Both legs trade at once at the prices of
    the row; the fee is a share of the value of each leg. What one money unit of the direction holds, `legs` says:
    contracts 1 : `ratio`, equal dollars, or the shares of the log-optimal portfolio. A full position is
    `position_limit` units a unit of NAV; `leverage` bounds gross exposure, initial margin bounds it by the NAV. Changes
    below `band` of a full position are not traded. At a roll the old contracts are traded out and the new ones in,
    each at its own price.

Observation
    24 slots: zscore_60, zscore_20, roll_yield, curve_slope, curvature, carry, season_sin, season_cos, days_to_roll,
    near_return_1, near_return_5, near_return_20, spread_volatility, half_life, adf_statistic, leg_correlation,
    inventory_change, contango; position, margin_used, unrealised_pnl, accumulated_carry, time_in_position, drawdown.
    Formulas are in `features` and `step`. The basis is the roll yield times the distance of the contracts and has no
    slot of its own.

Reward
    pnl      change of NAV over the capital, times `reward_scale`: the variation margin
    utility  what the change of (W^g - 1)/g differs from that, W = NAV / capital; zero for `utility_power` 1
    control  zero-mean noise of the P&L, taken out; off but in training

Ends
    The horizon truncates; a NAV at or below `ruin` times the capital terminates, and so does liquidation: a NAV below
    the maintenance margin of what is held.

Rules
    zscore_threshold (2 standard deviations, closed at the mean), curve_reversion (the front of the curve back to what
    the contracts behind it imply), carry, merton (constant), optimum (closed forms: Merton's on the rows where only
    premia pay; a mispricing alone under power utility).

Presets
    default          oil: a paid premium, its slope and a mispricing, under the weather
    null             futures are martingales: no policy earns
    planted          a strong, fast mispricing at no cost
    schwartz_smith   their oil, premia only, log utility; a = 0.5 is optimal, growth .2106 a year, Sharpe ratio .649
    gibson_schwartz  Schwartz (1997), oil 1985-95, the same
    mispricing       one contract in two places: an Ornstein-Uhlenbeck spread under power utility g = -1
    brent_wti, crack, crush  two commodities
    history          for `on`

References:
    Schwartz (1997), Journal of Finance 52:923-973; Schwartz & Smith (2000), Management Science 46:893-911; Gorton,
    Hayashi & Rouwenhorst (2013), Review of Finance 17:35-105; Koijen, Moskowitz, Pedersen & Vrugt (2018), Journal of
    Financial Economics 127:197-225; Boguslavsky & Boguslavskaya (2004), "Arbitrage under power".
"""

from fund.roster import Spec

_PPO = {"n_steps": 64, "batch_size": 4096, "n_epochs": 10, "gamma": 0.9, "gae_lambda": 0.8}
_COMMON = {
    "n_envs": 256,
    "net_arch": (64, 64),
    "learning_rate": 1e-3,
    "final_learning_rate": 3e-5,
    "log_std_init": -0.5,
    # a day's P&L is nearly all noise, which the generator knows
    "world": {"control_variate": True},
}
# premia that do not move: the best action of a step is the best one of the episode
_MERTON = {
    **_COMMON,
    "steps": 400_000,
    "log_std_init": -1.0,
    "evaluation_paths": 4096,
    "rule": "flat",
    "model": {"n_steps": 32, "batch_size": 4096, "n_epochs": 10, "gamma": 0.2, "gae_lambda": 0.5},
}

SPEC = Spec(
    name="futures_spreads",
    where="specialists.futures_spreads.strategy:FuturesSpreads",
    algorithm="PPO",
    horizon=252,
    settings={
        "default": {**_COMMON, "steps": 800_000, "model": _PPO},
        "planted": {**_COMMON, "steps": 400_000, "model": _PPO},
        "schwartz_smith": _MERTON,
        "gibson_schwartz": _MERTON,
    },
)
