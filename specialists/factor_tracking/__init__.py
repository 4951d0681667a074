"""Factor tilts: long, short or nothing in each of value, momentum and quality.

World
    Three zero-cost portfolios, whose returns carry the published premia as they are left after publication.
    Their valuation spreads and their own past predict them a little; momentum crashes when the market turns
    up after a panic; volatility clusters with the weather, that of the market index asymmetrically. Or a
    recorded market: Kenneth French's files, factor funds, a panel of stocks. Or the one asset of Garleanu &
    Pedersen (2013).

Action
    One of 27, digits to the base of three: value least significant, then momentum, then quality; 0 short, 1
    neutral, 2 long. All short is 0, all neutral 13, all long 26. A tilt is worth `target_volatility` /
    sqrt(3) of risk, gross exposure at most `leverage`. Every `rebalance_days` the action counts; on other
    days it is ignored and weights drift. In the paper's world: a trade of action - 13 steps of
    `trade_size`, or a continuous position.

Observation
    28 numbers of order one. Of each factor: return over 1 and 20 days, valuation spread, momentum over 60
    days, volatility over 20 days, weight held. Then three correlations, own portfolio volatility, own
    turnover, days to the next rebalancing, market return over 20 days, market volatility, drawdown, P&L.

Reward
    `pnl`, the change of NAV over the capital. Off by default, and zero for a flat account: `tracking`
    (squared tracking error against the equal-weighted long-only portfolio, less that of the flat account),
    `diversification` (gross exposure times one less the Herfindahl index), `turnover`. In the paper's world
    `risk`, -(gamma/2) x^2 Sigma.

Ends
    The horizon truncates; ruin terminates.

Rules
    `equal_long`, `volatility_scaled`, `valuation_momentum`, `garleanu_pedersen`, `markowitz`, `static`,
    `damped`, and in the paper's world `optimum`.

Presets
    `default`; `null`, without premia and without anything to be foreseen; `planted`, one strong and quick
    valuation signal at no cost; `garleanu_pedersen`, problem A with 27 trades;
    `garleanu_pedersen_continuous`, the same with free positions.

Sources
    Fama & French (2015); Jegadeesh & Titman (1993); McLean & Pontiff (2016); Daniel & Moskowitz (2016);
    Haddad, Kozak & Santosh (2020); Ehsani & Linnainmaa (2022); Moreira & Muir (2017); Garleanu & Pedersen
    (2013).
"""

from fund.roster import Spec

_DQN = {
    "n_envs": 256,
    "net_arch": (64, 64),
    "activation": "relu",
    "learning_rate": 1e-3,
    "final_learning_rate": 1e-4,
}
_MODEL = {
    "buffer_size": 500_000,
    "batch_size": 1024,
    "gamma": 0.9,
    "train_freq": 1,
    "gradient_steps": 2,
    "learning_starts": 25_600,
    "target_update_interval": 64_000,  # steps of all paths: 250 calls of 256
    "exploration_fraction": 0.3,
    "exploration_final_eps": 0.05,
}

SPEC = Spec(
    name="factor_tracking",
    where="specialists.factor_tracking.strategy:FactorTracking",
    algorithm="DQN",
    horizon=252,
    settings={
        # Without the noise of returns Q tells the tilts apart. A turn pays within months, so that gamma sees that far;
        # who starts from a rule explores around it.
        "default": {
            **_DQN,
            "steps": 800_000,
            "average": 0.3,
            "start": "best",
            "evaluations": 5,
            "evaluation_paths": 2048,
            "world": {"control_variate": True},
            "model": {**_MODEL, "gamma": 0.98, "exploration_initial_eps": 0.2, "exploration_final_eps": 0.1},
        },
        "null": {**_DQN, "steps": 400_000, "model": _MODEL},
        "planted": {
            **_DQN,
            "steps": 400_000,
            "model": {**_MODEL, "gamma": 0.5, "target_update_interval": 12_800},
        },
        # Linear-quadratic: the best policy does not depend on the noise, so training does without it and starts all
        # over the state space instead. Three slots are all that this world fills.
        "garleanu_pedersen": {
            **_DQN,
            "steps": 3_000_000,
            "final_learning_rate": 1e-5,
            "average": 0.4,
            "features": ("value_valuation_z", "momentum_valuation_z", "value_weight"),
            "world": {"return_noise": 0.0, "signal_noise": 0.0, "initial_position": 1.0, "n_steps": 30},
            "rule": "static",
            "evaluations": 5,
            "evaluation_paths": 512,
            "model": {
                **_MODEL,
                "gamma": 0.99,
                "gradient_steps": 1,
                "tau": 0.01,
                "target_update_interval": 256,
                "exploration_final_eps": 0.2,
            },
        },
    },
)
