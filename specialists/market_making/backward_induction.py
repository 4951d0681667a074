"""Backward induction over inventory and time: the compiled loops of `optimum`.

One side, given the other. Let ``u`` be the certainty equivalent of the step (over the other side's lottery) without a
fill of ours, and ``w`` that with one, before its gain. A fill is worth taking above ``theta = u - w``, and the side's
distance maximises ``p(delta) (1 - exp(-gamma (delta + rebate - theta)))/gamma``, which rises to and falls from

    delta = theta + ln(1 + gamma/k)/gamma - rebate     (margin 1/k at gamma = 0)

so that limits clip it, and on a tick grid one of its two neighbours is best. A distance at which the fill is certain
is never worth narrowing: ``delta >= ln(A dt)/k``.

Both sides. They do not decouple, not even at gamma = 0: if both fill, inventory stays. For a concave C the likelier
the ask's fill, the closer the bid (each makes the other's risk smaller), so that alternating best answers started
from "the other never fills" and from "the other fills if it can" run monotonically to the extreme solutions between
which every other lies (Topkis, 1998, Supermodularity and Complementarity); where the two differ the better is taken.

Kernels take one state at a time: ``here`` is the value of keeping the inventory, ``below`` and ``above`` those of one
unit less and more, all after this step's charges. A side that does not quote stands at infinity and fills with
probability nought, so that values beyond the table's edge are never weighed.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fund.compiled import compiled
from fund.market.tape import places

Floats = npt.NDArray[np.float64]
_MOST_ANSWERS = 500  # alternating answers converge in about five
_CONVERGED = 1e-13  # price units
MASS = places(("probability", "first", "second"))  # of an inventory: its probability, moments of profit on it


class Terms(NamedTuple):
    """Numbers of one side's problem in a step."""

    arrivals: float  # A dt, expected arrivals a step at distance zero
    decay: float
    gamma: float
    margin: float
    rebate: float
    low: float
    high: float
    tick: float


@compiled(nogil=True)
def _probability(distance: float, terms: Terms) -> float:
    if terms.arrivals == 0:
        return 0.0
    return math.exp(min(0.0, math.log(terms.arrivals) - terms.decay * distance))


@compiled(nogil=True)
def _lottery(chance: float, without: float, given: float, gamma: float) -> float:
    # Certainty equivalent of `given` with probability `chance`, else `without`.
    if chance == 0:
        return without
    if chance == 1:
        return given
    if gamma == 0:
        return without + chance * (given - without)
    loss = gamma * (without - given)
    if loss < 30:
        return without - math.log1p(chance * math.expm1(loss)) / gamma
    return given - math.log(chance + (1 - chance) * math.exp(-loss)) / gamma


@compiled(nogil=True)
def _threshold(chance: float, gain: float, stay: float, own: float, other: float, gamma: float) -> float:
    # theta of one side, where the other fills with `chance` for `gain`; `own` and `other` are the values of the
    # inventories to which either fill alone leads, `stay` that of none or both.
    unfilled = _lottery(chance, stay, gain + other, gamma)
    filled = _lottery(chance, own, gain + stay, gamma)
    return unfilled - filled


@compiled(nogil=True)
def _worth(distance: float, theta: float, terms: Terms) -> float:
    surplus = distance + terms.rebate - theta
    chance = _probability(distance, terms)
    if terms.gamma == 0:
        return chance * surplus
    return -chance * math.expm1(min(-terms.gamma * surplus, 700.0)) / terms.gamma


@compiled(nogil=True)
def _answer(theta: float, terms: Terms) -> float:
    # Best distance of one side at threshold theta.
    best = theta + terms.margin - terms.rebate
    if terms.arrivals > 0:
        best = max(best, math.log(terms.arrivals) / terms.decay)
    best = min(max(best, terms.low), terms.high)
    if terms.tick == 0:
        return best
    below = max(math.floor(best / terms.tick) * terms.tick, terms.low)
    above = min(math.ceil(best / terms.tick) * terms.tick, terms.high)
    return below if _worth(below, theta, terms) >= _worth(above, theta, terms) else above


@compiled(nogil=True)
def _step_value(bid: float, ask: float, below: float, here: float, above: float, terms: Terms) -> float:
    chance, gain = _probability(ask, terms), ask + terms.rebate
    unfilled = _lottery(chance, here, gain + below, terms.gamma)
    bought = _lottery(chance, above, gain + here, terms.gamma)
    return _lottery(_probability(bid, terms), unfilled, bid + terms.rebate + bought, terms.gamma)


@compiled(nogil=True)
def _alternate(ask: float, below: float, here: float, above: float, terms: Terms) -> tuple[float, float]:
    # Best answers in turn, from the given ask, until they settle.
    bid = np.inf
    for _ in range(_MOST_ANSWERS):
        last = ask
        chance, gain = _probability(ask, terms), ask + terms.rebate
        bid = _answer(_threshold(chance, gain, here, above, below, terms.gamma), terms)
        chance, gain = _probability(bid, terms), bid + terms.rebate
        ask = _answer(_threshold(chance, gain, here, below, above, terms.gamma), terms)
        if abs(ask - last) <= _CONVERGED:
            break
    return bid, ask


@compiled(nogil=True)
def _best_pair(below: float, here: float, above: float, terms: Terms) -> tuple[float, float]:
    closest = terms.low
    if terms.arrivals > 0:
        closest = min(max(terms.low, math.log(terms.arrivals) / terms.decay), terms.high)
    wide_bid, wide_ask = _alternate(np.inf, below, here, above, terms)
    near_bid, near_ask = _alternate(closest, below, here, above, terms)
    wide = _step_value(wide_bid, wide_ask, below, here, above, terms)
    near = _step_value(near_bid, near_ask, below, here, above, terms)
    return (near_bid, near_ask) if near > wide else (wide_bid, wide_ask)


@compiled(nogil=True)
def induct(
    terms: Terms, before: Floats, after: Floats, final: Floats, n_steps: int
) -> tuple[Floats, Floats, Floats]:
    """Values (n_steps + 1, states) and optimal bid and ask distances (n_steps, states)."""
    states = final.size
    value, cont = np.empty((n_steps + 1, states)), np.empty(states)
    bid, ask = np.empty((n_steps, states)), np.empty((n_steps, states))
    for i in range(states):
        value[n_steps, i] = final[i]
    for t in range(n_steps - 1, -1, -1):
        for i in range(states):
            cont[i] = value[t + 1, i] - after[i]
        for i in range(states):
            below, above = cont[max(i - 1, 0)], cont[min(i + 1, states - 1)]
            if i == 0:
                pair = _answer(cont[i] - above, terms), np.inf
            elif i == states - 1:
                pair = np.inf, _answer(cont[i] - below, terms)
            else:
                pair = _best_pair(below, cont[i], above, terms)
            bid[t, i], ask[t, i] = pair
            value[t, i] = _step_value(pair[0], pair[1], below, cont[i], above, terms) - before[i]
    return value, bid, ask


@compiled(nogil=True)
def evaluate(terms: Terms, before: Floats, after: Floats, final: Floats, bid: Floats, ask: Floats) -> Floats:
    """Values (n_steps + 1, states) of given distances (n_steps, states)."""
    n_steps, states = bid.shape
    value, cont = np.empty((n_steps + 1, states)), np.empty(states)
    for i in range(states):
        value[n_steps, i] = final[i]
    for t in range(n_steps - 1, -1, -1):
        for i in range(states):
            cont[i] = value[t + 1, i] - after[i]
        for i in range(states):
            below, above = cont[max(i - 1, 0)], cont[min(i + 1, states - 1)]
            value[t, i] = _step_value(bid[t, i], ask[t, i], below, cont[i], above, terms) - before[i]
    return value


@compiled(nogil=True)
def propagate(
    terms: Terms, mass: Floats, variance: Floats, bid: Floats, ask: Floats
) -> tuple[Floats, float, float]:
    """Probability and first two moments of profit by inventory, (3, states), carried forward to the horizon.

    `variance` (states,) is that of a step's mid move on each inventory. Also the sums, over steps and states at which
    both sides quote, of probability times spread and of probability.
    """
    spread, quoted = 0.0, 0.0
    for t in range(bid.shape[0]):
        ahead = np.zeros_like(mass)
        for i in range(mass.shape[1]):
            chance_bid, chance_ask = _probability(bid[t, i], terms), _probability(ask[t, i], terms)
            if bid[t, i] < np.inf and ask[t, i] < np.inf:
                spread += mass[MASS.probability, i] * (bid[t, i] + ask[t, i])
                quoted += mass[MASS.probability, i]
            for bought in range(2):
                for sold in range(2):
                    weight = chance_bid if bought else 1 - chance_bid
                    weight *= chance_ask if sold else 1 - chance_ask
                    if weight > 0:
                        gain = bid[t, i] + terms.rebate if bought else 0.0
                        gain += ask[t, i] + terms.rebate if sold else 0.0
                        _move(ahead, mass, i, i + bought - sold, weight, gain)
        for i in range(mass.shape[1]):
            ahead[MASS.second, i] += variance[i] * ahead[MASS.probability, i]
        mass = ahead
    return mass, spread, quoted


@compiled(nogil=True)
def _move(ahead: Floats, mass: Floats, start: int, end: int, weight: float, gain: float) -> None:
    # Carry a share of one inventory's mass to another, its profit raised by `gain`.
    probability = mass[MASS.probability, start]
    first, second = mass[MASS.first, start], mass[MASS.second, start]
    ahead[MASS.probability, end] += weight * probability
    ahead[MASS.first, end] += weight * (first + gain * probability)
    ahead[MASS.second, end] += weight * (second + 2 * gain * first + gain**2 * probability)
