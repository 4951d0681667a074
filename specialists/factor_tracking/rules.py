"""Textbook policies.

| rule | tilts | one asset |
|---|---|---|
| `equal_long` | long all three | long to the limit |
| `volatility_scaled` | long what is calm, neutral what is not (Moreira & Muir, 2017) | holds nothing |
| `valuation_momentum` | long what is cheap and rising, short the opposite | at the rate a/lambda to Markowitz |
| `garleanu_pedersen` | the tilts nearest to their aim, costs weighed | at the rate a/lambda towards the aim |
| `markowitz` | the tilts nearest to the Markowitz portfolio | holds the Markowitz portfolio |
| `static` | to the Markowitz tilts once in 20 days | at the rate .05 to Markowitz |
| `damped` | as `garleanu_pedersen`, quick signals weighed less | aim damped to the power 1.5 |
| `optimum` | none is known | dynamic programme, or the exact policy |

With tilts, `valuation_momentum` forecasts the annual Sharpe ratio of each factor with the market's own
numbers,

    forecast = premium + A z + M m,     for momentum: + refund - expected loss, while the market looks like a panic,

and turns a tilt only when the forecast is beyond a band, which is worth the cost. Garleanu & Pedersen's
problem is that of an investor who holds y_k units of tilt, expects B f from them over a rebalancing period
and pays a quadratic cost that equals the proportional one for one unit; gamma makes y of order one. Their
position is the minimum over x of

    J/2 (x - aim)' Sigma (x - aim) + lambda/2 (x - held)' Sigma (x - held),     J = a lambda / (lambda - a),

and the rule takes the minimum over the 27 tilts with the true cost in place of the second term.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fund.errors import InvalidParameter
from fund.strategy import Policy, View
from specialists.factor_tracking import market, theory
from specialists.factor_tracking.discrete_optimum import DiscreteOptimum, discrete_optimum, limited_moves
from specialists.factor_tracking.features import (
    FACTORS,
    LONG,
    MARKET_ACTIVITY,
    MARKET_RETURN,
    MOMENTUM_60,
    VALUATION_Z,
    VOLATILITY_20,
)

if TYPE_CHECKING:
    from specialists.factor_tracking.strategy import FactorTracking

Floats = NDArray[np.float64]
Actions = NDArray[Any]

TILTS = np.array(
    [tilt[::-1] for tilt in itertools.product((-1.0, 0.0, 1.0), repeat=3)]
)  # (27, 3), value first
PLACES = np.array([1, 3, 9])
BAND = 0.1  # annual Sharpe ratio worth a change of tilt
BUSY = 1.5  # of the usual volatility: not calm
PANIC = 1.2  # market volatility above which a fallen market is taken for a panic
STATIC_RATE, DAMPING = 0.05, 1.5


def action_of(tilts: Floats) -> Actions:
    """Actions (n,) of tilts (n, 3) in {-1, 0, 1}."""
    return np.asarray(((tilts + 1.0) @ PLACES).astype(np.int64))


def tilts_held(view: View) -> Floats:
    """Exposures (n, 3) in units of a full tilt."""
    worth = view.books.position * view.books.marks
    volatility = np.stack([view.row[f"{factor}_volatility"] for factor in FACTORS])
    full = view.strategy.unit_volatility  # type: ignore[attr-defined]  # of this desk
    unit = full * np.maximum(view.books.nav, 1e-9) / volatility
    return np.asarray((worth / unit).T)


def equal_long(desk: FactorTracking) -> Policy:
    """Long everything, always."""
    return lambda view: _constant(desk, view.n, 26.0, 1.0)


def _constant(desk: FactorTracking, n: int, choice: float, share: float) -> Actions:
    return np.full((n, 1), share) if desk.trade_form == 2 else np.full(n, choice)


def volatility_scaled(desk: FactorTracking) -> Policy:
    """Long what is calm; a factor is neutral while its volatility is well above the usual."""
    if desk.trade_form:
        return lambda view: _constant(desk, view.n, 13.0, 0.0)
    return lambda view: action_of((view.observation[:, VOLATILITY_20] < BUSY).astype(np.float64))


def valuation_momentum(desk: FactorTracking) -> Policy:
    """Sign of the forecast, with a band against trading for nothing."""
    if desk.trade_form:
        problem = paper_problem(desk)
        return _paper(
            desk, theory.partial_policy(theory.trading_rate(problem), theory.markowitz_loadings(problem))
        )

    def act(view: View) -> Actions:
        seen = forecast(desk, view)
        held = np.clip(np.rint(tilts_held(view)), -1.0, 1.0)
        return action_of(np.where(np.abs(seen) > BAND, np.sign(seen), held))

    return act


def forecast(desk: FactorTracking, view: View) -> Floats:
    """Expected annual Sharpe ratio of each factor, (n, 3)."""
    found = market.premia(desk)
    year = np.sqrt(market.YEAR)
    seen = _signals(found, view) @ _sharpe_loadings(found).T
    looks = (view.observation[:, MARKET_ACTIVITY] > PANIC) & (view.observation[:, MARKET_RETURN] < 0.0)
    loss = found.crash * (market.MEAN_RISE - found.pay) * view.observation[:, MARKET_ACTIVITY]
    seen[:, 1] += (found.refund - np.where(looks, loss, 0.0)) / found.usual[1] * year
    return seen


def _signals(found: market.Premia, view: View) -> Floats:
    # (n, 7): one, valuation spreads, own past without its mean
    past = view.observation[:, MOMENTUM_60] - found.mean / found.usual * np.sqrt(LONG)
    return np.column_stack([np.ones(view.n), view.observation[:, VALUATION_Z], past])


def _sharpe_loadings(found: market.Premia) -> Floats:
    # (3, 7) annual Sharpe ratio of each factor per unit of each signal
    eye = np.eye(3)
    per_day = np.column_stack([found.mean / found.usual, found.valuation * eye, found.momentum * eye])
    return np.asarray(per_day * np.sqrt(market.YEAR))


def tilt_problem(desk: FactorTracking) -> theory.TradingProblem:
    """Garleanu and Pedersen's problem of units of tilt, a rebalancing period a step."""
    found, days = market.premia(desk), max(desk.rebalance_days, 1)
    unit, years = desk.unit_volatility, days / market.YEAR
    sharpe = _sharpe_loadings(found)
    sigma = market.correlation(desk) * unit**2 * years
    cost = 2.0 * desk.cost_rate * unit / (found.usual * np.sqrt(market.YEAR)) / np.diag(sigma)
    speeds = [1e-6, *[found.decay] * 3, *[1.0 / LONG] * 3]
    phi = 1.0 - (1.0 - np.array(speeds)) ** days
    gamma = max(float(np.sqrt((sharpe**2).sum() / 3.0)), 1e-6) / unit
    shocks = np.diag(1.0 - (1.0 - phi) ** 2)
    patience = 1.0 - np.exp(-0.02 * years)
    lambda_ = max(float(cost.mean()), 1e-9)
    return theory.TradingProblem(gamma, lambda_, patience, sigma, unit * years * sharpe, np.diag(phi), shocks)


def _nearest(desk: FactorTracking, loadings: Floats, stiffness: float, cost_rate: float) -> Policy:
    # the tilts that lie nearest to the target in the metric of risk, the cost of going there counted
    problem, found = tilt_problem(desk), market.premia(desk)
    square = 0.5 * stiffness * np.einsum("ak,kl,al->a", TILTS, problem.sigma, TILTS)
    pull = stiffness * TILTS @ problem.sigma

    def act(view: View) -> Actions:
        target = _signals(found, view) @ loadings.T
        worth = square - target @ pull.T
        if cost_rate > 0.0:
            volatility = np.column_stack([view.row[f"{factor}_volatility"] for factor in FACTORS])
            moved = np.abs(TILTS - tilts_held(view)[:, None, :])
            worth = worth + cost_rate * desk.unit_volatility * np.einsum(
                "nak,nk->na", moved, 1.0 / volatility
            )
        return np.argmin(worth, axis=1)

    return act


def garleanu_pedersen(desk: FactorTracking) -> Policy:
    """Towards the aim portfolio, as fast as costs allow."""
    if desk.trade_form:
        return _paper(desk, theory.optimal_policy(paper_problem(desk)))
    problem = tilt_problem(desk)
    return _nearest(desk, theory.aim_loadings(problem), _stiffness(problem), desk.cost_rate)


def markowitz(desk: FactorTracking) -> Policy:
    """The portfolio that would be best if trading were free."""
    if desk.trade_form:
        return _paper(desk, theory.markowitz_policy(paper_problem(desk)))
    return _nearest(desk, theory.markowitz_loadings(tilt_problem(desk)), 1.0, 0.0)


def static(desk: FactorTracking) -> Policy:
    """Slowly towards Markowitz."""
    if desk.trade_form:
        return _paper(desk, theory.static_policy(paper_problem(desk), STATIC_RATE))
    target, every = markowitz(desk), max(round(1.0 / STATIC_RATE / desk.rebalance_days), 1)

    def act(view: View) -> Actions:
        turn = (view.clock // desk.rebalance_days) % every == 0
        held = np.clip(np.rint(tilts_held(view)), -1.0, 1.0)
        return np.where(turn, target(view), action_of(held))

    return act


def damped(desk: FactorTracking) -> Policy:
    """Towards an aim that gives quick signals too little weight."""
    problem = paper_problem(desk) if desk.trade_form else tilt_problem(desk)
    loadings = theory.damped_loadings(problem, DAMPING)
    if desk.trade_form:
        return _paper(desk, theory.partial_policy(theory.trading_rate(problem), loadings))
    return _nearest(desk, loadings, _stiffness(problem), desk.cost_rate)


def _stiffness(problem: theory.TradingProblem) -> float:
    a = theory.curvature(problem)
    return a * problem.lambda_ / (problem.lambda_ - a)


def paper_problem(desk: FactorTracking) -> theory.TradingProblem:
    """The problem of the paper's world."""
    return theory.scalar_problem(
        desk.gamma,
        desk.lambda_,
        desk.rho,
        desk.sigma,
        (desk.loading_1, desk.loading_2),
        (desk.phi_1, desk.phi_2),
    )


def _paper(desk: FactorTracking, policy: theory.LinearPolicy) -> Policy:
    def target(view: View, held: Floats) -> Floats:
        signals = np.column_stack([view.row["value_z"], view.row["momentum_z"]])
        return np.asarray(policy.position(held[:, None], signals)[:, 0])

    return _linear(desk, target)


def _linear(desk: FactorTracking, target: Callable[[View, Floats], Floats]) -> Policy:
    # the position wanted, as the nearest trade or as a share of the limit
    def act(view: View) -> Actions:
        held = view.books.position[0]
        wanted = target(view, held)
        if desk.trade_form == 2:
            return np.asarray(wanted / desk.position_limit)[:, None]
        return np.clip(np.rint((wanted - held) / desk.trade_size) + 13, 0, 26).astype(np.int64)

    return act


def optimum(desk: FactorTracking) -> Policy:
    """The best that can be done in the paper's world; raises InvalidParameter with tilts, where none is known."""
    if desk.trade_form == 2:
        return garleanu_pedersen(desk)
    if not desk.trade_form:
        raise InvalidParameter("factor_tracking: the optimum is known in the preset garleanu_pedersen only")
    found = paper_optimum(desk)
    middle = len(found.levels) // 2

    def act(view: View) -> Actions:
        held = np.clip(np.rint(view.books.position[0] / desk.trade_size) + middle, 0, 2 * middle).astype(
            np.int64
        )
        signals = np.column_stack([view.row["value_z"], view.row["momentum_z"]])
        return np.clip(found.decide(held, signals) - held + 13, 0, 26)

    return act


@cache
def paper_optimum(desk: FactorTracking) -> DiscreteOptimum:
    """Dynamic programme of the 27 trades (some seconds); its `value` is the best there is."""
    reach = int(desk.position_limit / desk.trade_size + 1e-9)
    levels = np.asarray(np.arange(-reach, reach + 1) * desk.trade_size)
    return discrete_optimum(paper_problem(desk), levels, limited_moves(len(levels), 13), (9, 25), 1e-6)


RULES: Mapping[str, Callable[[Any], Policy]] = {
    "equal_long": equal_long,
    "volatility_scaled": volatility_scaled,
    "valuation_momentum": valuation_momentum,
    "garleanu_pedersen": garleanu_pedersen,
    "markowitz": markowitz,
    "static": static,
    "damped": damped,
    "optimum": optimum,
}
