"""Stages of the chain as their agents decide them: what a seat says, as tilt, share of the gap, share of the position.

    strategic    the vote's exposure over its limit, -1 ... 1, leans a target: `tilt` times as much of it
    tactical     a vote against the gap keeps back so much of it; one for it, or none, trades it all
    risk         what the agents hold of the mandate over what the limits alone would: size, cap and weights. Their
                 settings live on from day to day; stops are of no effect here, where a day is one decision

Each is a `Decision`, asked once a day at the open. They see the bars of the days before, their own exposure and the
fund's drawdown. A decision that remembers (risk) serves one run at a time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fund.grandmodel.bar_strategy import BarStrategy
from fund.grandmodel.chain_bars import bar_tape, fours, minutes_of, risk_tape
from fund.grandmodel.intent import Decision, Intent, leaning
from fund.grandmodel.risk.strategy import RiskManagement
from fund.grandmodel.seats import Seat
from fund.strategy import Account, Policy, View

Floats = NDArray[np.float64]


def strategic_by(seat: Seat, tilt: float) -> Decision:
    """The strategic stage's agents lean the targets by up to `tilt` of them."""
    return leaning(lambda intent: vote_of(seat, intent), tilt)


def tactical_by(seat: Seat) -> Decision:
    """The tactical stage's agents hold back what they vote against."""

    def share(intent: Intent) -> Floats:
        return np.clip(1.0 + np.sign(intent.target - intent.held) * vote_of(seat, intent), 0.0, 1.0)

    return share


def vote_of(seat: Seat, intent: Intent) -> Floats:
    """(n, K) exposure that a stage in bars votes for, over its limit, -1 to 1."""
    world = seat.stage.strategy
    assert isinstance(world, BarStrategy)
    tape = bar_tape(world, minutes_of(intent), intent.half_spread)
    accounts = accounts_of(intent, np.arange(intent.price.shape[1])[:, None])
    value = seat.speak(tape, accounts).quantity[:, 0] * intent.price.reshape(-1)
    nav = np.array([account.nav for account in accounts])
    exposure = value / np.maximum(nav * world.position_limit, 1e-12)
    return np.clip(exposure, -1.0, 1.0).reshape(intent.price.shape)


def accounts_of(intent: Intent, groups: NDArray[np.int64]) -> list[Account]:
    """One account for each world's groups (m, k) of instruments: the fund's NAV, and what is held of them."""
    found = []
    for nav, peak, held, price in zip(intent.nav, intent.peak, intent.held, intent.price, strict=True):
        for group in groups:
            position, mark = tuple(held[group].tolist()), tuple(price[group].tolist())
            cash = float(nav - held[group] @ price[group])
            found.append(Account(cash, float(nav), float(peak), position, mark, 0.0, 1.0))
    return found


def risk_by(seat: Seat) -> Decision:
    """The risk stage's agents let a share of the positions be held."""
    world = seat.stage.strategy
    assert isinstance(world, RiskManagement)
    limits, kept = Seat.ruled(seat.stage, "limits_only"), dict[str, list[Any]]()

    def share(intent: Intent) -> Floats:
        groups = fours(intent.price.shape[1])
        full = np.maximum(world.max_position * intent.nav, 1e-12)[:, None]
        mandate = np.clip(intent.target * intent.price / full, -1.0, 1.0)
        tape = risk_tape(world, intent, minutes_of(intent), mandate)
        accounts = accounts_of(intent, groups)
        said = seat.speak(tape, accounts, None if intent.day == 0 else kept["memory"])
        kept["memory"] = said.memory
        whole = np.abs(limits.speak(tape, accounts).quantity)
        part = np.where(whole > 0.0, np.abs(said.quantity) / np.where(whole > 0.0, whole, 1.0), 1.0)
        return np.minimum(part.reshape(len(intent.nav), -1)[:, : intent.price.shape[1]], 1.0)

    return share


def execution_by(seat: Seat) -> Policy:
    """The execution stage's agents as its policy."""
    return seat.rule or (lambda view: _joint(seat, view))


def _joint(seat: Seat, view: View) -> Floats:
    # its agents see the present row alone
    assert seat.speakers is not None
    features, numbers = view.strategy.features, []
    for agent in seat.stage.agents:
        seen = view.observation[:, [features.index(name) for name in agent.columns]]
        numbers.append(agent.numbers(seat.speakers[agent.name](seen), view.n))
    return np.concatenate(numbers, axis=1)
