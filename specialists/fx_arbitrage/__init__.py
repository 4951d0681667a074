"""FX: three pairs of three currencies, for their interest and for what goes round the triangle.

World
    Two currencies against the account's, one row a day. Interest differentials change month by month. A currency that
    pays more than home earns (1 - beta) times its forward premium on average, more in calm times; in a crisis of the
    weather the premium turns round, volatility rises, and currencies of high and of low interest part. The cross
    deviates from what the other two pairs imply, now and then by more than the quotes' spreads. `market` has the
    equations; its market `triangle` shows the same in fractions of a second. Recorded quotes and interest rates take
    its place through `on`; `recorded` says which columns.

Action
    Box(3): target notional of base/home, home/terms and the cross, as a share of `position_limit` times the NAV.
    `leverage` bounds the gross notional. Trades are executed at bid and ask of the row, or `latency` rows later, all
    legs or none, cut to what the quotes have room for; a fee comes on top. `step` has the bookkeeping: two currency
    balances in the ledger, which every step are rolled by swaps at covered parity. An account whose NAV falls below
    the maintenance margin is closed out at the next row.

Observation
    31 slots. For each pair return_1, return_5, return_20, volatility, carry, spread, position; deviation,
    size_clockwise, size_anticlockwise, three correlations, deviation_age; drawdown, leverage, pnl. Formulas are in
    `features` and `step`.

Reward
    pnl      change of NAV over the capital, times `reward_scale`
    utility  local utility r - gamma r^2 / 2 of the step's return less that; Merton's problem step by step
    control  training only: the moves that nobody could foresee, taken out of r; mean zero

Ends
    The horizon truncates; a NAV at or below `ruin` times the capital, or a close-out, terminates.

Rules
    carry (1/N), merton, no_trade_band (Gerhold et al.), executable_triangle, optimum (constant premia without costs).

Presets
    default       calibrated: carry has a net Sharpe ratio of .5, crashes, and loses a fifth of it to costs
    null          uncovered parity and no deviations: no policy earns
    planted       large premia that change within two months, without costs
    fenn          executable quotes in tenths of a second, opportunities as in Fenn et al. (2009)
    merton_carry  constant premia and volatilities without costs
    history       for `on`

References:
    Fenn et al. (2009), International Journal of Theoretical and Applied Finance 12:1105-1123; Lustig, Roussanov &
    Verdelhan (2011), Review of Financial Studies 24:3731-3777; Burnside, Eichenbaum, Kleshchelski & Rebelo (2011),
    Review of Financial Studies 24:853-891; Merton (1969), Review of Economics and Statistics 51:247-257; Gerhold,
    Guasoni, Muhle-Karbe & Schachermayer (2014), Finance and Stochastics 18:1-37.
"""

from fund.roster import Spec

_DDPG = {
    "n_envs": 256,
    "net_arch": (64, 64),
    "activation": "relu",
    "learning_rate": 1e-3,
    "final_learning_rate": 1e-5,
    "noise": 0.2,
    "world": {"control_variate": True},
}
_MODEL = {
    "buffer_size": 300_000,
    "batch_size": 1024,
    "gamma": 0.0,
    "tau": 0.01,
    "train_freq": 1,
    "gradient_steps": 1,
    "learning_starts": 12_800,
}

SPEC = Spec(
    name="fx_arbitrage",
    where="specialists.fx_arbitrage.strategy:FxArbitrage",
    algorithm="DDPG",
    horizon=252,
    settings={
        # The no-trade region of the rule is a good beginning; premium, risk and crash are what is left to learn. An
        # actor that is ten times slower than its critic stays near it until the critic knows better: else four seeds of
        # five leave it for worse.
        "default": {
            **_DDPG,
            "steps": 400_000,
            "learning_rate": 3e-4,
            "noise": 0.05,
            "policy_delay": 2,
            "actor_rate": 0.1,
            "average": 0.4,
            "start": "best",
            "start_steps": 300_000,
            "start_noise": 0.1,
            "start_updates": 10_000,
            "paired": True,
            "evaluations": 5,
            "evaluation_paths": 2048,
            "model": {**_MODEL, "gamma": 0.9, "gradient_steps": 4},
        },
        "null": {
            **_DDPG,
            "steps": 600_000,
            # what the premium and its risk follow; without the rest there is less to be mistaken about
            "features": (
                "base_home_volatility",
                "home_terms_volatility",
                "cross_volatility",
                "base_home_carry",
                "home_terms_carry",
                "base_home_spread",
                "home_terms_spread",
                "cross_spread",
                "correlation_base_home_home_terms",
            ),
            "average": 50.0,
            "world": {"control_variate": True, "cost_rate": 0.0},
            "model": _MODEL,
        },
        # without costs the best position does not depend on the one held
        "planted": {**_DDPG, "steps": 600_000, "model": _MODEL},
        # nothing changes but the account, and that does not matter
        "merton_carry": {
            **_DDPG,
            "steps": 500_000,
            "features": ("base_home_carry",),
            "rule": "carry",
            "average": 50.0,
            "model": _MODEL,
        },
    },
)
