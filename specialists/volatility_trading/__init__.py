"""Volatility trading: a straddle that rolls, hedged in its underlier.

World
    An index and its options, one row a day. Under P the index is a Heston diffusion with jumps whose long-run variance
    follows the weather; options are priced under Q, where variance and jumps cost a premium, and on top buyers press
    the quotes up and down (`market`, `surface`). Every month or so a straddle of 30 days is listed at the money; it
    ages with its strike until the next one takes over. `gjr` (GJR-GARCH with t shocks) and `rough` (rough Bergomi) are
    other markets, quoted by their own forecasts; closes of an index and of its volatility indices (a History with the
    columns `index`, `iv_30` and perhaps `iv_90`, `recorded.from_indices`) take the place of all of them through `on`.

Action
    Box(1): target vega as a share of the limit, + long. At the full position a point of volatility is `vega_limit` of
    the NAV. Straddle and shares trade at the marks of the row; the straddle costs `vega_cost` of its vega for a change
    of volatility of one (a fifth of a point), the shares `stock_cost` of their value. The delta is hedged every step
    beyond `hedge_band`. Gross exposure is bounded by `leverage`, the margin of a short position (its price and
    `margin_rate` of the spot) by the NAV.

Observation
    22 slots: implied_vol, realised_vol_5, realised_vol_20, realised_vol_60, iv_minus_rv, vol_of_vol, forward_variance,
    term_slope_90_180, skew, iv_momentum_5, return_1, return_5, return_20, days_to_expiry, moneyness; delta, gamma,
    theta, vega, margin_used, unrealised_pnl, drawdown. Formulas are in `features` and `step`. The slope from 30 to 90
    days has no slot of its own: it is the forward variance.

Reward
    pnl      change of NAV over the capital, times `reward_scale`: the full repricing P&L net of costs
    utility  with `log_utility`, what the change of log wealth differs from that
    control  zero-mean noise of that taken out, for training; off unless asked for
    `attribution.lines` splits the P&L by delta, gamma, theta, vega, cross (vanna and volga), residual, hedge and
    cost; the path's memory holds the sums step by step.

Ends
    The horizon truncates; a NAV at or below `ruin` times the capital terminates.

Rules
    always_short, iv_rv_threshold, liu_pan (myopic optimum), optimum (log-optimal on the grid; `liu_pan` only),
    always_long.

Presets
    default     calibrated to what is known of the premium, see below
    null        no premium anywhere: the drift of every hedged position is minus its costs
    planted     quotes that swing around fair value, free of costs: short where IV stands above its model, else long
    liu_pan     a claim with unit exposure to v, log utility: exposure lam / xi^2 = -8 is best, growth .32 a year
    carr_madan  one call to its expiry under constant volatilities: what hedging at sigma_i earns while sigma_r is
                realised; `implied_volatility`, `realised_volatility`, `hedge_at`, `n_steps` are free
    gjr, rough  the other markets
    history     for `on`

The premium
    Over 30 days IV - RV is 3.8 points on average, E ln(RV/IV^2) = -.68, and IV is below RV in 17 % of months. Carr & Wu
    report a mean log ratio of -.594 and a mean difference of variances that implies ln(E RV / E IV^2) near -.4; both
    hold at once because E ln RV < ln E RV where RV is noisy. A diffusive premium alone cannot reach that (it would
    need kappa under Q below zero): here it is shared by variance (lam = -2), jumps (worse by 2.5 % under Q) and demand.

References:
    Heston (1993), Review of Financial Studies 6:327-343; Bates (1996), Review of Financial Studies 9:69-107; Carr &
    Madan (1998), "Towards a theory of volatility trading"; Liu & Pan (2003), Journal of Financial Economics
    69:401-430; Coval & Shumway (2001), Journal of Finance 56:983-1009; Carr & Wu (2009), Review of Financial Studies
    22:1311-1341; Bakshi & Kapadia (2003), Review of Financial Studies 16:527-566.
"""

from fund.roster import Spec

_PPO = {"n_steps": 64, "batch_size": 4096, "n_epochs": 10, "gamma": 0.97, "gae_lambda": 0.9}
_NET = {"n_envs": 256, "net_arch": (64, 64), "log_std_init": -0.5}

SPEC = Spec(
    name="volatility_trading",
    where="specialists.volatility_trading.strategy:VolatilityTrading",
    algorithm="PPO",
    horizon=252,
    settings={
        # A step away from the rule and back costs two fees and earns nothing; what pays is to stay away while quotes
        # are low. So exploration is a function of the state, drawn once a rollout (Raffin, Kober & Stulp, 2022), and
        # what is learnt from is what the agent earns over the rule on the same tape.
        "default": {
            **_NET,
            "steps": 600_000,
            "learning_rate": 1e-3,
            "log_std_init": -2.6,
            "average": 0.3,
            "start": "best",
            "paired": True,
            "evaluations": 5,
            "evaluation_paths": 2048,
            "model": {**_PPO, "use_sde": True, "sde_sample_freq": 64},
        },
        "null": {**_NET, "steps": 1_000_000, "model": _PPO},
        "planted": {**_NET, "steps": 1_000_000, "model": _PPO},
        "liu_pan": {
            **_NET,
            "steps": 1_000_000,
            "learning_rate": 1e-3,
            "final_learning_rate": 1e-5,
            "log_std_init": -1.5,
            "rule": "always_short",
            "evaluation_paths": 4096,
            # log utility is myopic, and with the noise taken out a step's reward says all
            "world": {"control_variate": True},
            "model": {"n_steps": 63, "batch_size": 4032, "n_epochs": 6, "gamma": 0.0, "gae_lambda": 0.0},
        },
    },
)
