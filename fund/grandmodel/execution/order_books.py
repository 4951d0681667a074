"""The order books that execution trades in: two mids, three venues, and what trading does to them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from fund.grandmodel.execution.layout import VENUES
from fund.parameter import parameter

IMPACT_MODELS = ("almgren_chriss", "square_root", "obizhaeva_wang")


@dataclass(frozen=True)
class OrderBooks:
    """Parameters of the two instruments' markets at up to three venues."""

    execution_venues: tuple[str, ...] = parameter(
        ("venue_a", "venue_b", "venue_c"), "names of up to three venues; D0"
    )
    market_impact_model: str = parameter(
        "almgren_chriss", "almgren_chriss, square_root or obizhaeva_wang; D0", one_of=IMPACT_MODELS
    )
    latency_target: float = parameter(0.001, "seconds of simulated time; D0", above=0.0)
    initial_price: float = parameter(50.0, "account currency a share", above=0.0)
    volatility: float = parameter(0.02, "share of the price, a trading day", at_least=0.0)
    half_spread: float = parameter(2e-4, "share of the price", at_least=0.0)
    daily_volume: float = parameter(5e6, "shares a day", above=0.0)
    permanent: float = parameter(5e-8, "gamma, price units a share; Almgren & Chriss (2000)", at_least=0.0)
    depth: float = parameter(
        20_000.0,
        "1/(eta/tau), shares a price unit of temporary impact in a step, all venues together",
        above=0.0,
    )
    impact_coefficient: float = parameter(0.5, "Y of the square-root model")
    resilience: float = parameter(
        0.1, "rho, of transient impact, a step; Obizhaeva & Wang (2013)", at_least=0.0
    )
    share_1: float = parameter(0.5, "of depth and flow, first venue", at_least=0.0)
    share_2: float = parameter(0.3, "of depth and flow, second venue", at_least=0.0)
    share_3: float = parameter(0.2, "of depth and flow, third venue", at_least=0.0)
    fee_1: float = parameter(0.003, "of a market order, price units a share")
    fee_2: float = parameter(0.002, "of a market order, price units a share")
    fee_3: float = parameter(0.001, "of a market order, price units a share")
    rebate_1: float = parameter(0.002, "of a posted order, price units a share")
    rebate_2: float = parameter(0.001, "of a posted order, price units a share")
    rebate_3: float = parameter(0.0, "of a posted order, price units a share")
    latency_1: float = parameter(0.0006, "median seconds, first venue")
    latency_2: float = parameter(0.0009, "median seconds, second venue")
    latency_3: float = parameter(0.0025, "median seconds, third venue")
    flow_share: float = parameter(0.2, "of the volume that passes the parent's side of the touch")
    queue_steps: float = parameter(0.6, "steps of flow that stand ahead of an order posted now", at_least=0.0)
    fill_probability: float = parameter(0.9, "that a venue's touch sees any flow in a step")
    under_fill: float = parameter(
        0.03,
        "price units a share above the mid, of what a posted order left over; Cont & Kukanov (2017)",
        at_least=0.0,
    )
    poisson_flow: bool = parameter(False, "whether a step's outflow is Poisson; Cont & Kukanov (2017)")
    signal: float = parameter(
        0.15, "correlation of the imbalance with the next move", at_least=0.0, below=1.0
    )
    signal_persistence: float = parameter(0.8, "of the imbalance, a step", at_least=0.0, below=1.0)
    correlation: float = parameter(0.3, "of the two mids", at_least=0.0, below=1.0)
    season: float = parameter(0.3, "depth of the U shape of volume", at_least=0.0, below=1.0)
    activity: float = parameter(1.0, "of volume, volatility and spread: scale of its noise")
    adverse: float = parameter(0.4, "log flow per deviation of the move against who posts")
    venue_noise: float = parameter(1.0, "scale of the noise of depth, queues, flow and latency")

    @property
    def venue_share(self) -> tuple[float, ...]:
        """Share of depth and flow of each venue; 0 where there is none."""
        return tuple(getattr(self, f"share_{v}") if v <= len(self.execution_venues) else 0.0 for v in VENUES)

    @property
    def venue_depth(self) -> tuple[float, ...]:
        """Normal depth of each venue, shares a price unit."""
        return tuple(self.depth * share for share in self.venue_share)

    @property
    def venue_latency(self) -> tuple[float, ...]:
        """Median latency of each venue, seconds."""
        return (self.latency_1, self.latency_2, self.latency_3)

    @property
    def marginal(self) -> float:
        """Part of the last share's concession that all pay: all of it, or the mean of a book that is walked up."""
        return 0.5 if self.market_impact_model == "obizhaeva_wang" else 1.0

    @property
    def square_root(self) -> bool:
        """Whether impact is that of the square root."""
        return self.market_impact_model == "square_root"

    @property
    def transient(self) -> bool:
        """Whether a part of the impact stays and decays."""
        return self.market_impact_model == "obizhaeva_wang"

    @property
    def kept(self) -> float:
        """Share of transient impact that is left after a step."""
        return math.exp(-self.resilience)
