"""The regime oracle: what an allocator could earn that knew today's regime and the desks' moments in each.

In regime s, with mean m_s and covariance C_s of a day's returns over all days of that regime, it wishes for the weights

    w_s = argmax  w'm_s - (risk_aversion / 2) w'C_s w     within floor, cap and sum of the mandate,

the mean of the reward that the agent is trained on. It reads what nobody is told (the regime, and moments of the very
days it is played on), so it is an upper bound for every rule that maps regimes to weights, not a rule to be held
against. Turnover limit, costs and rebalancing days bind it as they bind the agent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from allocator.streams import NavStreams
from fund.market.weather import REGIMES
from fund.strategy import Policy, View

if TYPE_CHECKING:
    from allocator.cio import CioAllocator

Floats = NDArray[np.float64]

FEWEST_DAYS = 30  # of a regime, for moments of its own; a rarer one gets those of all days


def regime_moments(streams: NavStreams) -> list[tuple[Floats, Floats]]:
    """Mean (desks,) and covariance (desks, desks) a day, for each regime."""
    returns = streams.returns.reshape(-1, len(streams.desks))
    regime = streams.known_regime.ravel()
    found = []
    for state in range(len(REGIMES)):
        chosen = returns[regime == state]
        chosen = chosen if len(chosen) >= FEWEST_DAYS else returns
        found.append((chosen.mean(axis=0), np.atleast_2d(np.cov(chosen.T))))
    return found


def best_weights(
    mean: Floats, covariance: Floats, risk_aversion: float, floor: float, cap: float, cash_sleeve: bool
) -> Floats:
    """Weights (desks,) of the highest mean-variance utility within the mandate."""
    n, scale = len(mean), 1.0 / max(float(np.abs(mean).max()), 1e-12)

    def loss(w: Floats) -> float:
        return -scale * float(w @ mean - 0.5 * risk_aversion * w @ covariance @ w)

    def slope(w: Floats) -> Floats:
        return np.asarray(-scale * (mean - risk_aversion * covariance @ w))

    total = {"type": "ineq" if cash_sleeve else "eq", "fun": lambda w: 1.0 - w.sum()}
    start = np.full(n, 1.0 / n)
    solved = minimize(loss, start, jac=slope, method="SLSQP", bounds=[(floor, cap)] * n, constraints=[total])
    return np.asarray(solved.x if solved.success else start)


def regime_oracle(strategy: CioAllocator) -> Policy:
    """The oracle as a policy, in the agent's own words."""
    table = np.array(
        [
            best_weights(
                mean, covariance, strategy.risk_aversion, strategy.floor, strategy.cap, strategy.cash_sleeve
            )
            for mean, covariance in regime_moments(strategy.known_streams())
        ]
    )
    words = (table - strategy.floor) / (strategy.cap - strategy.floor) * 2.0 - 1.0

    def act(view: View) -> NDArray[Any]:
        return np.asarray(words[view.row["regime"].astype(np.int64)])

    return act
