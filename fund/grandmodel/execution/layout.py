"""Names of what execution reads, remembers and shows; venues are 1, 2 and 3, instruments a and b."""

from __future__ import annotations

from typing import NamedTuple

VENUES = (1, 2, 3)
INSTRUMENTS = ("a", "b")


class Columns(NamedTuple):
    """Market columns; flows of row t+1 are those of (t, t+1]."""

    mid_a: float
    mid_b: float
    parent_a: float  # shares to trade, + to buy; the same in all rows
    parent_b: float
    half_spread_a: float  # price units
    half_spread_b: float
    volatility_a: float  # of the mid over the step that begins, price units
    volatility_b: float
    volume_a: float  # expected over the step that begins, shares
    volume_b: float
    depth_a1: float  # shares a price unit of impact; 0 is closed
    depth_a2: float
    depth_a3: float
    depth_b1: float
    depth_b2: float
    depth_b3: float
    queue_a1: float  # shares ahead of an order posted now, on the parent's side
    queue_a2: float
    queue_a3: float
    queue_b1: float
    queue_b2: float
    queue_b3: float
    outflow_a1: float  # shares that left or were filled at the touch, on the parent's side
    outflow_a2: float
    outflow_a3: float
    outflow_b1: float
    outflow_b2: float
    outflow_b3: float
    latency_1: float  # seconds of simulated time from sending to arrival
    latency_2: float
    latency_3: float
    minute: float  # step of the trading day
    # of the step that ended, price units: the move that nobody could foresee, and what the news of the imbalance
    # announces of later ones; mean 0, only the control variate reads it
    surprise_a: float
    surprise_b: float
    ahead_a: float  # about the expected sum of later moves, price units; read by it alone, too
    ahead_b: float


class Memory(NamedTuple):
    """What a path remembers; `stepped_` is of the last step, costs are account currency, positive when paid."""

    parent_a: float
    parent_b: float
    open_a: float  # shares still to trade, signed
    open_b: float
    arrival_a: float  # mid at the start
    arrival_b: float
    displaced_a: float  # permanent impact so far, price units
    displaced_b: float
    transient_a: float  # impact that decays, price units against the parent
    transient_b: float
    spread: float
    impact: float
    permanent: float
    fees: float  # less rebates
    moves: float  # of the mid by itself, on what was open
    # of the mids on what was open, whatever flowed, less what the open quantity's outlook lost
    stepped_surprise: float
    stepped_impact: float
    stepped_risk: float  # variance of the open value over the next step
    stepped_fast: float  # shares sent to venues below the latency target
    stepped_well: float  # shares times quality of routing
    fast: float
    made: float  # shares filled where they were posted
    taken: float  # shares by market order
    paid_a: float  # sum of quantity times price, account currency
    paid_b: float
    charged_a: float  # fees less rebates
    charged_b: float


class Own(NamedTuple):
    """The account's share of the observation."""

    open_a: float  # share of the parent
    open_b: float
    side_a: float
    side_b: float
    away_a: float  # the price's run from the arrival, against the parent
    away_b: float
    impact_a: float  # of a TWAP slice, in half-spreads
    impact_b: float
    made: float
    time_left: float


class Parts(NamedTuple):
    """Parts of the reward."""

    pnl: float
    risk: float
    impact: float
    speed: float
    venue: float
    control: float  # of the mids' own moves what nobody could foresee, taken out


_MARKET = ("spread", "volatility", "volume", "imbalance")
FEATURES = (
    *(f"{name}_{i}" for i in INSTRUMENTS for name in _MARKET),
    *(f"depth_{i}{v}" for i in INSTRUMENTS for v in VENUES),
    *(f"queue_{i}{v}" for i in INSTRUMENTS for v in VENUES),
    *(f"latency_{v}" for v in VENUES),
    "day_sin",
    "day_cos",
    *Own._fields,
)
ACTIONS = (
    "slice", "timing", "stop", "target", "participation", "priority",
    *(f"take_{v}" for v in VENUES), *(f"post_{v}" for v in VENUES), "aggressiveness",
)  # fmt: skip
