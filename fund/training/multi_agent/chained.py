"""The GrandModel as a chain with trained agents in it: `fund chain`, and the table of what each stage changed.

A slot takes `best` or `latest` of the stage's stored models, a rule of the stage by name, or what the chain does where
nobody decides: hold_the_mandate, trade_at_the_schedule, limits_only. For execution the first rule of the stage is that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fund.envs.play import play
from fund.envs.rounds import Rounds
from fund.errors import UnknownName
from fund.grandmodel.chain import EFFECTS, ChainPlayed, GrandModel
from fund.grandmodel.chain_bars import warm_up_days
from fund.grandmodel.execution.strategy import Execution
from fund.grandmodel.intent import hold_the_mandate, limits_only, trade_at_the_schedule
from fund.grandmodel.seated import execution_by, risk_by, strategic_by, tactical_by
from fund.grandmodel.seats import Seat
from fund.grandmodel.stages import stage_named
from fund.market.streams import Paths
from fund.training.evaluate import Spread
from fund.training.multi_agent.store import TeamStore

Floats = NDArray[np.float64]

STORED = ("best", "latest")
IDLE = {"strategic": "hold_the_mandate", "tactical": "trade_at_the_schedule", "risk": "limits_only"}
SIZE, LOT, KEPT = 60_000.0, 100.0, 0.8  # of the mandate: shares, lot, what is left of it a day
CAPITAL = 2e7


@dataclass(frozen=True)
class Slots:
    """Who decides in each stage."""

    strategic: str = IDLE["strategic"]
    tactical: str = IDLE["tactical"]
    risk: str = IDLE["risk"]
    execution: str = "cont_kukanov"


def seat_of(name: str, what: str, store: TeamStore) -> Seat:
    """A stage's seat: `best`, `latest`, or a rule of it; raises UnknownName, ModelError."""
    stage = stage_named(name)
    if what in STORED:
        return Seat(stage, store.load(Rounds(stage, 1), name, what).speakers())
    if what not in stage.rules:
        known = (*STORED, *stage.rules, *([IDLE[name]] if name in IDLE else []))
        raise UnknownName(f"decision of {name}", what, known)
    return Seat.ruled(stage, what)


def chain_of(slots: Slots, store: TeamStore, **parameters: Any) -> GrandModel:
    """The chain with these decisions; `parameters` are the GrandModel's own. Raises UnknownName, ModelError."""
    model = GrandModel(**{"market": Execution(), **parameters})
    decided: dict[str, Any] = {
        "strategic": hold_the_mandate, "tactical": trade_at_the_schedule, "risk": limits_only,
    }  # fmt: skip
    made: Mapping[str, Callable[[Seat], Any]] = {
        "strategic": lambda seat: strategic_by(seat, model.tilt), "tactical": tactical_by, "risk": risk_by,
    }  # fmt: skip
    looks_back = False
    for name, make in made.items():
        if getattr(slots, name) != IDLE[name]:
            decided[name], looks_back = make(seat_of(name, getattr(slots, name), store)), True
    decided["execution"] = execution_by(seat_of("execution", slots.execution, store))
    return replace(model, **decided, warm_up=warm_up_days(model.market.n_steps) if looks_back else 0)


def mandates(days: int, worlds: int, instruments: int, seed: int = 0) -> Floats:
    """Targets (days, worlds, instruments) in whole lots that come and go, as desks' do: autoregressive, mean 0."""
    news = Paths.of(seed, worlds).streams("mandate").normal("targets", days, instruments).transpose(1, 0, 2)
    out = np.zeros(news.shape)
    for day in range(days):
        before = out[day - 1] if day else news[0]
        out[day] = KEPT * before + (1.0 - KEPT**2) ** 0.5 * news[day]
    return np.asarray(np.rint(SIZE * np.clip(out, -2.0, 2.0) / LOT) * LOT)


def attribution(found: ChainPlayed) -> dict[str, Spread]:
    """Account currency a world over the whole time: paper P&L, each stage's effect, cost, financing, and their sum."""
    lines = {
        "paper": found.paper, **{name: found.effects[name] for name in EFFECTS},
        "execution": -found.cost, "financing": found.financing,
    }  # fmt: skip
    told = {name: Spread.of(values.sum(axis=0)) for name, values in lines.items()}
    return {**told, "fund": Spread.of(found.nav[-1] - found.nav[0])}


def command(
    slots: Slots, days: int, worlds: int, instruments: int, seed: int, models: str | None
) -> dict[str, Any]:
    """What `fund chain` prints."""
    model = chain_of(slots, TeamStore(models))
    found = model.run(mandates(days, worlds, instruments, seed), CAPITAL, play, seed)
    lines = attribution(found)
    who = {**slots.__dict__, "paper": "the desks", "financing": "cash", "fund": "all of it"}
    rows = [f"{'stage':<12}{'decided by':<24}{'P&L':>14}{'SE':>12}"]
    rows += [f"{name:<12}{who[name]:<24}{line.mean:>14,.0f}{line.se:>12,.0f}" for name, line in lines.items()]
    return {
        "name": "chain", "slots": dict(slots.__dict__), "days": days, "worlds": worlds, "instruments": instruments,
        "seed": seed, "lines": {name: {"mean": line.mean, "se": line.se} for name, line in lines.items()},
        "filled": float(np.abs(found.filled).sum()), "open": float(np.abs(found.open).sum()),
        "text": "\n".join([f"{days} days, {worlds} worlds, {instruments} instruments; account currency a world",
                           "", *rows]),
    }  # fmt: skip
