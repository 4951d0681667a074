"""Market making: a bid and an ask around the mid, and the inventory that they leave.

World
    One instrument, one trading day in 390 steps. The mid moves with news and with the order flow; market orders come
    in clusters, lean to the side that the price will move to, and reach an exponential depth of the book. Quotes at
    the touch wait behind the queue shown, orders bring an exponential volume, and a mid that moves through a quote
    takes it. Volatility, spread and depth follow the weather and the time of day. `order_book` has the equations. The
    papers' world (`paper_world`) has none of this: a mid that moves by itself and unit fills with probability
    A exp(-k d) dt. A recorded order book (a History of `fund.market.orderbook.quote_tape`, or of `recorded.thirds`,
    which also knows at which prices the volume printed) takes the place of both through `on`; `recorded.calibrated`
    fits the parameters.

Action
    Box(2): distances of bid and ask below and above the mid, affine from -1 (`min_half_spread`) to +1
    (`max_half_spread`), prices rounded outward to the tick. Exactly +1 is no quote. A side quotes no more than
    `max_inventory` and `leverage` leave room for. Fills are at our quote, with a rebate; in the last step of the day
    the inventory crosses the spread and pays the taker's fee instead.

Observation
    25 slots: spread, book_imbalance_3, book_imbalance_10, microprice_minus_mid, flow_imbalance_fast,
    flow_imbalance_slow, arrival_rate, volatility_fast, volatility_slow, return_1, return_5, return_20;
    own_bid_distance, own_ask_distance, fills_bid, fills_ask, adverse_selection, inventory, inventory_age,
    unrealised_pnl, realised_spread, time_left, queue_bid, queue_ask; regime. Formulas are in `features` and `step`.
    Two numbers have no slot because others tell them: the imbalance of the first level is microprice_minus_mid over
    half the spread, and the arrival rates of the two sides are arrival_rate (1 +- flow_imbalance_fast).

Reward
    pnl        change of NAV over the capital, times `reward_scale`: spread captured, plus rebates, plus what the
               inventory made or lost
    inventory  -`phi` q^2 dt, and -`alpha` q^2 at the horizon; Cartea, Jaimungal & Penalva (2015, ch. 10)
    risk       `risk_weight` times ((1 - exp(-gamma dW)) / gamma - dW), dW the change of NAV: local CARA utility. In
               Avellaneda and Stoikov's world its best policy has a certainty equivalent of 65.246, the best one 65.249

Ends
    The horizon truncates; a NAV at or below `ruin` times the capital terminates.

Rules
    symmetric, avellaneda_stoikov, gueant_lehalle_fernandez_tapia, cartea_jaimungal, optimum (dynamic programme on the
    environment's own grid; the papers' worlds only), fixed (1/k), microprice.

Presets
    default             calibrated: symmetric quotes lose, inventory control earns, reading the book earns more
    null                no order comes for its own sake: a quote is filled only when the mid moves through it
    planted             the microprice shows the next move of the mid; 1/k around it is best, cosh(k signal) times 1/k
                        around the mid
    avellaneda_stoikov  their numerical section, gamma 0.1; other gammas by `gamma`
    cartea_jaimungal    sigma .1, lambda 10, k 1, phi .5, alpha .001, 100 steps, from inventory 0
    history             a US share at one-second steps, for `on`

References:
    Avellaneda & Stoikov (2008), Quantitative Finance 8:217-224; Gueant, Lehalle & Fernandez-Tapia (2013), Mathematics
    and Financial Economics 7:477-507; Cartea, Jaimungal & Penalva (2015), Algorithmic and High-Frequency Trading;
    Madhavan, Richardson & Roomans (1997), Review of Financial Studies 10:1035-1064; Budish, Cramton & Shim (2015),
    Quarterly Journal of Economics 130:1547-1621; Stoikov (2018), Quantitative Finance 18:1959-1966.
"""

from fund.roster import Spec

_DDPG = {
    "n_envs": 256,
    "net_arch": (64, 64),
    "activation": "relu",
    "learning_rate": 1e-3,
    "final_learning_rate": 1e-4,
    "noise": 0.2,
}
_MODEL = {
    "buffer_size": 400_000,
    "batch_size": 1024,
    "gamma": 0.99,
    "tau": 0.005,
    "train_freq": 1,
    "gradient_steps": 1,
    "learning_starts": 25_600,
}
# The papers' worlds: a learner sees what the value depends on, is paid each step's mean less about what the best quotes
# earn in it, starts all over the inventories, and acts in the end by the mean of its last actors. Without any of these
# its quotes scatter by a tenth of a price unit; the actor's gradient is a slope a hundredth of the critic's range.
_PAPER = {
    **_DDPG,
    "noise": 0.15,
    "final_learning_rate": 1e-5,
    "average": 0.5,
    "features": ("inventory", "time_left"),
    "evaluation_paths": 4096,
    "world": {"control_variate": True, "initial_inventory_bound": 6},
    "model": {**_MODEL, "buffer_size": 500_000, "batch_size": 2048, "gamma": 1.0},
}

SPEC = Spec(
    name="market_making",
    where="specialists.market_making.strategy:MarketMaking",
    algorithm="DDPG",
    horizon=390,
    settings={
        # From the rule wider quotes look better and better: an actor that goes there faster than its critic learns is
        # soon where nothing is filled and no slope leads back. What inventory gains by surprise teaches nothing.
        "default": {
            **_DDPG,
            "steps": 120_000,
            "final_learning_rate": 3e-4,
            "noise": 0.15,
            "actor_rate": 0.003,
            "start": "best",
            "start_steps": 240_000,
            "start_updates": 2000,
            "paired": True,
            "evaluations": 3,
            "world": {"control_variate": True},
            "model": {**_MODEL, "gamma": 0.9, "tau": 0.02},
        },
        # no fill has an after-effect here: what it will be worth is known when it comes
        "planted": {
            **_DDPG,
            "steps": 500_000,
            "average": 0.3,
            "final_learning_rate": 1e-5,
            "rule": "fixed",
            "world": {"control_variate": True},
            "model": {**_MODEL, "gamma": 0.0, "gradient_steps": 2, "learning_starts": 12_800},
        },
        # a fill's harm shows in its own step, and must be seen against the noise of what is held
        "null": {
            **_DDPG,
            "steps": 400_000,
            "average": 0.5,
            "noise": 0.4,
            "final_learning_rate": 1e-5,
            "model": {**_MODEL, "gamma": 0.0},
        },
        "avellaneda_stoikov": {
            **_PAPER,
            "steps": 4_000_000,
            "average": 0.7,
            "reward_offset": 0.326,
            "rule": "symmetric",
        },
        # few fills an episode: a critic that begins at the fixed spread and a longer mean are worth a tenth of the gap
        "cartea_jaimungal": {
            **_PAPER,
            "steps": 3_000_000,
            "reward_offset": 0.064,
            "rule": "fixed",
            "start": "fixed",
            "start_noise": 0.3,
            "start_steps": 300_000,
            "start_updates": 10_000,
            "average": 0.7,
            "world": {"control_variate": True, "initial_inventory_bound": 4},
        },
    },
)
