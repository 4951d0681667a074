"""Named parameter sets of execution, and the unit and source of each parameter."""

from __future__ import annotations

from typing import Any

OFF = 1e12  # a limit that nothing reaches

_PAPER: dict[str, Any] = {
    "weather": False, "random_side": False, "random_start": False, "parent_spread": 0.0, "parent_b": 0.0,
    "size_increment": 1.0, "min_size": 1.0, "max_size": OFF, "max_participation": OFF, "execution_risk_limit": OFF,
    "season": 0.0, "activity": 0.0, "venue_noise": 0.0, "signal": 0.0, "adverse": 0.0, "correlation": 0.0,
    "timed": False, "passive": False, "urgent": False, "fee_1": 0.0, "fee_2": 0.0, "fee_3": 0.0, "rebate_1": 0.0,
    "rebate_2": 0.0, "rebate_3": 0.0, "latency_1": 0.0, "latency_2": 0.0, "latency_3": 0.0, "impact_penalty": 0.0,
    "speed_bonus": 0.0, "venue_bonus": 0.0, "execution_cost_weight": 0.0, "under_fill": 0.0,
}  # fmt: skip

PRESETS: dict[str, dict[str, Any]] = {
    "default": {},
    "null": {
        "signal": 0.0, "passive": False, "fee_1": 0.0, "fee_2": 0.0, "fee_3": 0.0, "half_spread": 0.0,
        "impact_penalty": 0.0, "speed_bonus": 0.0, "venue_bonus": 0.0, "risk_aversion": 0.0, "weather": False,
    },
    "planted": {
        "signal": 0.6, "signal_persistence": 0.95, "risk_aversion": 0.0, "weather": False, "parent_a": 30_000.0,
        "parent_b": 24_000.0,
    },
    "almgren_chriss": {
        **_PAPER, "n_steps": 5, "steps_per_day": 1, "parent_a": 1e6, "initial_price": 50.0, "volatility": 0.019,
        "half_spread": 0.00125, "permanent": 2.5e-7, "depth": 4e5, "share_1": 1.0, "share_2": 0.0, "share_3": 0.0,
        "risk_aversion": 1e-6, "capital": 1e8, "reward_scale": 100.0,
    },
    "obizhaeva_wang": {
        **_PAPER, "n_steps": 11, "steps_per_day": 10, "parent_a": 1e5, "initial_price": 100.0, "volatility": 0.0,
        "half_spread": 0.0, "permanent": 1e-4, "depth": 5000.0, "share_1": 1.0, "share_2": 0.0, "share_3": 0.0,
        "resilience": 0.2231, "market_impact_model": "obizhaeva_wang", "risk_aversion": 0.0, "capital": 1e8,
        "reward_scale": 100.0,
    },
    "cont_kukanov": {
        **_PAPER, "n_steps": 1, "steps_per_day": 390, "parent_a": 1000.0, "initial_price": 50.0, "volatility": 0.0,
        "half_spread": 0.0004, "permanent": 0.0, "depth": OFF, "share_1": 1.0, "share_2": 0.0, "share_3": 0.0,
        "fee_1": 0.003, "rebate_1": 0.002, "under_fill": 0.05, "passive": True, "poisson_flow": True,
        "daily_volume": 2200.0 * 390, "flow_share": 1.0, "queue_steps": 2000 / 2200, "carry_over": False,
        "risk_aversion": 0.0, "capital": 1e6, "reward_scale": 1e3, "fill_probability": 1.0,
    },
    "quadratic_venues": {
        **_PAPER, "n_steps": 1, "parent_a": 1e6, "initial_price": 100.0, "volatility": 0.0, "half_spread": 0.0,
        "permanent": 0.0, "depth": 1.75e12, "share_1": 4 / 7, "share_2": 2 / 7, "share_3": 1 / 7,
        "risk_aversion": 0.0, "venue_selection_algorithm": "agents", "capital": 1e9, "reward_scale": 1e9,
    },
}  # fmt: skip

UNITS = {
    "parent_a": "shares of the first parent order",
    "parent_b": "shares of the second parent order",
    "parent_spread": "share by which parents differ from their size, up or down",
    "random_side": "whether a parent buys or sells by a coin; else it sells",
    "random_start": "whether an episode opens at any minute of the day",
    "min_size": "shares of the smallest child order; D0",
    "max_size": "shares of the largest child order; D0",
    "size_increment": "shares a lot; D0",
    "execution_slippage_tolerance": "share of the arrival price, unit of stop and target; D0",
    "execution_risk_limit": "deviation of the open value to the end over the parent's value; D0",
    "execution_cost_weight": "of cost against risk, in which parent goes first; D0",
    "priority_strength": "how far risk and cost alone put one parent before the other, 0 to 1",
    "max_participation": "share of the expected volume that a step may trade",
    "urgent": "whether stop and target double the pace",
    "execution_venues": "names of up to three venues; D0",
    "venue_selection_algorithm": "smart_routing: weights are tilts of the depths; agents: weights as they are; D0",
    "market_impact_model": "almgren_chriss, square_root or obizhaeva_wang; D0",
    "latency_target": "seconds of simulated time; D0",
    "initial_price": "account currency a share",
    "volatility": "share of the price, a trading day",
    "half_spread": "share of the price",
    "daily_volume": "shares a day",
    "permanent": "gamma, price units a share; Almgren & Chriss (2000)",
    "depth": "1/(eta/tau), shares a price unit of temporary impact in a step, all venues together",
    "impact_coefficient": "Y of the square-root model",
    "resilience": "rho, of transient impact, a step; Obizhaeva & Wang (2013)",
    "share_1": "of depth and flow, first venue",
    "share_2": "of depth and flow, second venue",
    "share_3": "of depth and flow, third venue",
    "fee_1": "of a market order, price units a share",
    "fee_2": "of a market order, price units a share",
    "fee_3": "of a market order, price units a share",
    "rebate_1": "of a posted order, price units a share",
    "rebate_2": "of a posted order, price units a share",
    "rebate_3": "of a posted order, price units a share",
    "latency_1": "median seconds, first venue",
    "latency_2": "median seconds, second venue",
    "latency_3": "median seconds, third venue",
    "flow_share": "of the volume that passes the parent's side of the touch",
    "queue_steps": "steps of flow that stand ahead of an order posted now",
    "fill_probability": "that a venue's touch sees any flow in a step",
    "under_fill": "price units a share above the mid, of what a posted order left over; Cont & Kukanov (2017)",
    "carry_over": "whether what was not filled stays open for the next step",
    "poisson_flow": "whether a step's outflow is Poisson; Cont & Kukanov (2017)",
    "passive": "whether orders may be posted",
    "timed": "whether market orders may wait for the end of the step",
    "signal": "correlation of the imbalance with the next move",
    "signal_persistence": "of the imbalance, a step",
    "correlation": "of the two mids",
    "season": "depth of the U shape of volume",
    "activity": "of volume, volatility and spread: scale of its noise",
    "adverse": "log flow per deviation of the move against who posts",
    "venue_noise": "scale of the noise of depth, queues, flow and latency",
    "risk_aversion": "lambda, per account currency; Almgren & Chriss (2000)",
    "impact_penalty": "share of the impact's cost charged once more; D0",
    "speed_bonus": "reward of sending all market orders below the latency target; D0",
    "venue_bonus": "reward of splitting all market orders best over the venues; D0",
    "control_variate": "whether the reward leaves out what nobody can foresee of the mids' moves; for training",
}
