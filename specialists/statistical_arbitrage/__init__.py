"""Statistical arbitrage: two prices that belong together, one held against the other.

World
    A pair of cointegrated stocks, one row a day. Leg 2 is a GJR-GARCH walk under the weather's volatility and market
    factor; leg 1 follows it through a slowly moving hedge ratio, plus an Ornstein-Uhlenbeck residual whose speed falls
    and whose volatility rises in bad weather. About as often as earnings are announced the pair breaks: the residual
    jumps and does not come back. Nobody sees hedge ratio, mean or speed: they are estimated. The generator is in
    `market`; recorded prices (a History with the columns `leg_1` and `leg_2`) take its place through `on`.

Action
    Box(1): target spread position as a share of the full one, positive = long leg 1. Both legs trade at once, in shares
    1 : -hedge ratio, at the prices of the row; the fee is a share of the value of each leg. A full position is a gross
    exposure of `position_limit` times the NAV; `leverage` bounds gross exposure when trading, both legs alike.
    Changes below `band` of a full position are not traded. Shares sold short cost a borrow rate.

Observation
    Twenty slots: zscore_60, zscore_20, spread_return, half_life, hedge_ratio, hedge_ratio_change, spread_volatility,
    volatility_ratio, leg_correlation, adf_statistic, spread_momentum_5, spread_momentum_20, kalman_innovation,
    leg_1_return, leg_2_return; position, time_in_position, unrealised_pnl, drawdown, time_left. Formulas are in
    `features` and `step`. Gross leverage would be |position| times `position_limit` and has made room for the time
    left, without which a problem with a horizon cannot be solved.

Reward
    pnl      change of NAV over the capital, times `reward_scale`
    utility  what the change of (W^g - 1)/g differs from that, W = NAV / capital; zero for `utility_power` 1
    timing   potential-based bonus, discount F' - F with F = -`timing_bonus` x position x z-score; off unless asked for

Ends
    The horizon truncates; a NAV at or below `ruin` times the capital terminates.

Rules
    gatev (2 standard deviations, closed at the mean), bertram (optimal thresholds), avellaneda_lee (s-score),
    ou_optimal (continuous, known or estimated parameters), optimum (dynamic programming on the rows; a known spread
    without costs only), kelly, myopic.

Presets
    default      calibrated so that gatev earns per month what Gatev et al. and Do & Faff report for committed capital:
                 .53% (4,000 episodes), skewness .8, a quarter less when a day late
    null         two independent martingales: no policy earns
    planted      a strong, fast residual without costs or breaks
    boguslavsky  dX = -X dt + dB over one unit of time in 500 steps, power utility g = -1
    bertram      dX = -180.967 X dt + .1538 dW, .001 a round trip, fixed size

References:
    Gatev, Goetzmann & Rouwenhorst (2006), Review of Financial Studies 19:797-827; Do & Faff (2010), Financial Analysts
    Journal 66:83-95; Bertram (2010), Physica A 389:2234-2243; Avellaneda & Lee (2010), Quantitative Finance 10:761-782;
    Boguslavsky & Boguslavskaya (2004), "Arbitrage under power"; Jurek & Yang (2007), "Dynamic portfolio selection in
    arbitrage".
"""

from fund.roster import Spec

_PPO = {"n_steps": 64, "batch_size": 4096, "n_epochs": 10, "gamma": 0.97, "gae_lambda": 0.9}

SPEC = Spec(
    name="statistical_arbitrage",
    where="specialists.statistical_arbitrage.strategy:StatisticalArbitrage",
    algorithm="PPO",
    horizon=252,
    settings={
        "default": {
            "steps": 2_000_000,
            "n_envs": 256,
            "net_arch": (64, 64),
            "log_std_init": -0.5,
            "model": _PPO,
        },
        "planted": {
            "steps": 1_000_000,
            "n_envs": 256,
            "net_arch": (64, 64),
            "log_std_init": -0.5,
            "model": _PPO,
        },
        "boguslavsky": {
            "steps": 1_000_000,
            "n_envs": 256,
            "net_arch": (64, 64),
            "learning_rate": 1e-3,
            "final_learning_rate": 1e-5,
            "log_std_init": -1.0,
            "average": 0.3,
            # all that the problem's value depends on beside wealth; the other slots only add noise here
            "features": ("zscore_60", "time_left"),
            "rule": "gatev",
            "evaluation_paths": 4096,
            # the optimum is nearly myopic, and with the noise taken out a step's reward says nearly all
            "world": {"control_variate": True},
            "model": {"n_steps": 50, "batch_size": 3200, "n_epochs": 6, "gamma": 0.8, "gae_lambda": 0.5},
        },
    },
)
