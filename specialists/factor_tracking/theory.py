"""Garleanu & Pedersen (2013): trading predictable returns against quadratic costs.

Returns and factors, with n assets and k factors (equations 1 and 2 of the paper):

    r_{t+1} = B f_t + u_{t+1},        f_{t+1} = (I - Phi) f_t + eps_{t+1},     cov(eps) = Omega

The trader enters step t with x_{t-1}, sees f_t, trades to x_t and maximises, with delta = 1 - rho,

    E sum_t delta^{t+1} (x_t' B f_t - gamma/2 x_t' Sigma x_t) - delta^t/2 dx_t' Lambda dx_t,  Lambda = lambda Sigma.

The value function is quadratic, V(x, f) = -a/2 x' Sigma x + x' A_xf f + f' A_ff f / 2 + A_0, and

    a     = [-(gamma delta + lambda rho) + sqrt((gamma delta + lambda rho)^2 + 4 gamma lambda delta^2)] / (2 delta)
    x_t   = (1 - a/lambda) x_{t-1} + (a/lambda) aim_t
    aim_t = (gamma Sigma)^{-1} B (I + (a/gamma) Phi)^{-1} f_t

"Trade partially towards an aim that gives the lasting factors more weight." Every policy here is linear,

    x_t = hold x_{t-1} + respond f_t,

so that (x_{t-1}, f_t) is a linear process and each expected quadratic a Lyapunov equation: values are exact, not
simulated. The noise u meets a position already chosen and has mean zero: it changes no value.

Source: Garleanu & Pedersen (2013), "Dynamic trading with predictable returns and transaction costs", Journal of
Finance 68:2309-2340, propositions 1, 2 and 4.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import block_diag

from fund.errors import InvalidParameter

Floats = NDArray[np.float64]

RICCATI_SWEEPS = 100_000


@dataclass(frozen=True, eq=False)
class TradingProblem:
    """A market with predictable returns and quadratic costs, and the trader's tastes."""

    gamma: float  # risk aversion
    lambda_: float  # trading cost, Lambda = lambda_ * sigma
    rho: float  # discount rate per step
    sigma: Floats  # (n, n), covariance of the unpredictable return
    loadings: Floats  # (n, k), B: expected return per unit of factor
    phi: Floats  # (k, k), mean reversion of the factors per step
    omega: Floats  # (k, k), covariance of the factors' shocks

    def __post_init__(self) -> None:
        n, k = self.loadings.shape
        for name, shape in (("sigma", (n, n)), ("phi", (k, k)), ("omega", (k, k))):
            if getattr(self, name).shape != shape:
                raise InvalidParameter(f"{name} has shape {getattr(self, name).shape}; wanted {shape}.")
        if not (self.gamma > 0 and self.lambda_ > 0 and 0 < self.rho < 1):
            raise InvalidParameter(
                f"gamma={self.gamma}, lambda_={self.lambda_}, rho={self.rho}; "
                "wanted gamma > 0, lambda_ > 0 and 0 < rho < 1."
            )
        if np.abs(np.linalg.eigvals(self.decay)).max() >= 1.0:
            raise InvalidParameter("phi makes factors explode; wanted eigenvalues of I - phi inside (-1, 1).")

    @property
    def delta(self) -> float:
        """Discount factor per step, 1 - rho."""
        return 1.0 - self.rho

    @property
    def decay(self) -> Floats:
        """I - Phi, (k, k)."""
        return np.eye(len(self.phi)) - self.phi

    @property
    def factor_covariance(self) -> Floats:
        """Covariance of the factors in the long run, (k, k)."""
        return lyapunov(self.decay, self.omega)


@dataclass(frozen=True, eq=False)
class LinearPolicy:
    """The rule x_t = hold x_{t-1} + respond f_t."""

    hold: Floats  # (n, n)
    respond: Floats  # (n, k)

    def position(self, x_tm1: Floats, f_t: Floats) -> Floats:
        """Positions after trading; `x_tm1` (..., n), `f_t` (..., k), result (..., n)."""
        return x_tm1 @ self.hold.T + f_t @ self.respond.T


@dataclass(frozen=True)
class Outcome:
    """What a linear policy earns, exactly."""

    value: float  # the discounted objective, from the given start
    pnl: float  # x' B f per step in the long run, before cost and risk
    cost: float  # dx' Lambda dx / 2 per step in the long run
    variance: float  # x' Sigma x per step in the long run


def scalar_problem(
    gamma: float,
    lambda_: float,
    rho: float,
    sigma: float,
    loadings: tuple[float, ...],
    phi: tuple[float, ...],
) -> TradingProblem:
    """One asset of variance `sigma` and independent factors of unit long-run variance."""
    speeds = np.asarray(phi, dtype=np.float64)
    row, variance = np.array([loadings], dtype=np.float64), np.array([[sigma]], dtype=np.float64)
    shocks = np.diag(1.0 - (1.0 - speeds) ** 2)
    return TradingProblem(gamma, lambda_, rho, variance, row, np.diag(speeds), shocks)


def lyapunov(move: Floats, constant: Floats) -> Floats:
    """The solution X of X = move X move' + constant, for a stable `move` (Smith's doubling).

    Unlike scipy's direct solver it does not mind units: positions may be in millions beside factors of order one.
    """
    total, power = constant, move
    while np.abs(power).max() > 0.0:
        step = power @ total @ power.T
        total = total + step
        power = power @ power
        if np.all(np.abs(step) <= 1e-17 * np.abs(total)):
            break
    return total


def curvature(problem: TradingProblem) -> float:
    """The number a: minus the value function's curvature in the position, in units of Sigma (proposition 2)."""
    gamma, lambda_, delta = problem.gamma, problem.lambda_, problem.delta
    linear = gamma * delta + lambda_ * problem.rho
    # The rationalised root: the textbook one cancels when costs are small.
    return (
        2.0
        * gamma
        * lambda_
        * delta
        / (linear + float(np.sqrt(linear**2 + 4.0 * gamma * lambda_ * delta**2)))
    )


def trading_rate(problem: TradingProblem) -> float:
    """Share of the way to the aim that is traded each step, a / lambda."""
    return curvature(problem) / problem.lambda_


def markowitz_loadings(problem: TradingProblem) -> Floats:
    """Best positions per unit of factor where trading is free, (gamma Sigma)^{-1} B, (n, k)."""
    return np.asarray(np.linalg.solve(problem.gamma * problem.sigma, problem.loadings), dtype=np.float64)


def aim_loadings(problem: TradingProblem) -> Floats:
    """Aim portfolio per unit of factor, (gamma Sigma)^{-1} B (I + (a/gamma) Phi)^{-1}, (n, k); any Phi."""
    damping = np.eye(len(problem.phi)) + curvature(problem) / problem.gamma * problem.phi
    return np.asarray(np.linalg.solve(damping.T, markowitz_loadings(problem).T).T, dtype=np.float64)


def damped_loadings(problem: TradingProblem, power: float = 1.0) -> Floats:
    """Markowitz loadings divided by (1 + phi_j a/gamma)^power, (n, k).

    For diagonal Phi, `power` one is the aim portfolio (equation 16) and zero is Markowitz.

    Raises InvalidParameter where phi is not diagonal.
    """
    if np.any(problem.phi != np.diag(np.diag(problem.phi))):
        raise InvalidParameter("phi is not diagonal; use aim_loadings, which takes any phi.")
    damping = 1.0 + np.diag(problem.phi) * curvature(problem) / problem.gamma
    return np.asarray(markowitz_loadings(problem) / damping**power)


def partial_policy(rate: float, target_loadings: Floats) -> LinearPolicy:
    """Trade the share `rate` of the way to the target: x_t = (1 - rate) x_{t-1} + rate * target_loadings f_t."""
    return LinearPolicy((1.0 - rate) * np.eye(len(target_loadings)), rate * target_loadings)


def optimal_policy(problem: TradingProblem) -> LinearPolicy:
    """Garleanu and Pedersen's policy: at the rate a/lambda towards the aim portfolio."""
    return partial_policy(trading_rate(problem), aim_loadings(problem))


def static_policy(problem: TradingProblem, rate: float) -> LinearPolicy:
    """At a fixed rate towards the Markowitz portfolio: the paper's "static" yardstick."""
    return partial_policy(rate, markowitz_loadings(problem))


def markowitz_policy(problem: TradingProblem) -> LinearPolicy:
    """Hold the Markowitz portfolio whatever it costs."""
    return static_policy(problem, 1.0)


def optimal_value(problem: TradingProblem) -> float:
    """The best value from no position and factors in their long-run distribution (proposition 1).

    With kappa = delta (1 - a/lambda): A_xf = kappa B (I - kappa (I - Phi))^{-1}; A_ff solves a Lyapunov equation.
    """
    a, delta, decay = curvature(problem), problem.delta, problem.decay
    kappa = delta * (1.0 - a / problem.lambda_)
    a_xf = kappa * np.linalg.solve((np.eye(len(decay)) - kappa * decay).T, problem.loadings.T).T
    push = delta * (problem.loadings + a_xf @ decay)
    stiffness = (problem.lambda_ + delta * (problem.gamma + a)) * problem.sigma
    a_ff = lyapunov(np.sqrt(delta) * decay.T, push.T @ np.linalg.solve(stiffness, push))
    spread = problem.factor_covariance + delta / problem.rho * problem.omega
    return 0.5 * float(np.trace(a_ff @ spread))


def riccati_policy(problem: TradingProblem, tolerance: float = 1e-14) -> LinearPolicy:
    """The same problem solved without the paper: backward induction on the linear-quadratic value function.

    State z = (x_{t-1}, f_t), control x_t, V(z) = z' P z. `tolerance` is relative, on the gain.
    Raises InvalidParameter if the recursion does not settle.
    """
    n = len(problem.sigma)
    lift, drift = _transition(problem)
    p = np.zeros((len(drift), len(drift)))
    gain: Floats = np.zeros((n, len(drift)))
    for _ in range(RICCATI_SWEEPS):
        h_xx, h_xz, h_zz = _bellman(problem, p, lift, drift)
        new: Floats = np.asarray(-np.linalg.solve(h_xx, h_xz), dtype=np.float64)
        p = h_zz + h_xz.T @ new
        p = 0.5 * (p + p.T)
        if np.abs(new - gain).max() <= tolerance * np.abs(new).max():
            return LinearPolicy(new[:, :n], new[:, n:])
        gain = new
    raise InvalidParameter(f"The Riccati recursion did not settle in {RICCATI_SWEEPS} sweeps.")


def _transition(problem: TradingProblem) -> tuple[Floats, Floats]:
    # z_{t+1} = lift x_t + drift z_t + (0, eps)
    n, k = problem.loadings.shape
    lift = np.vstack([np.eye(n), np.zeros((k, n))])
    return lift, block_diag(np.zeros((n, n)), problem.decay)


def _bellman(
    problem: TradingProblem, p: Floats, lift: Floats, drift: Floats
) -> tuple[Floats, Floats, Floats]:
    # The blocks of x'h_xx x + 2 x'h_xz z + z'h_zz z: reward of this step and discounted value of the next.
    delta, cost = problem.delta, problem.lambda_ * problem.sigma
    h_xx = -0.5 * (delta * problem.gamma * problem.sigma + cost) + delta * lift.T @ p @ lift
    h_xz = np.hstack([0.5 * cost, 0.5 * delta * problem.loadings]) + delta * lift.T @ p @ drift
    h_zz = block_diag(-0.5 * cost, np.zeros_like(problem.phi)) + delta * drift.T @ p @ drift
    return h_xx, h_xz, h_zz


def evaluate(problem: TradingProblem, policy: LinearPolicy, start: Floats | None = None) -> Outcome:
    """Exact outcome of a linear policy.

    `start` (n,) is x_{-1}, none held if omitted; f_0 has its long-run distribution. With z = (x_{t-1}, f_t),
    z_{t+1} = M z_t + noise of covariance W and rewards z'Qz: P = Q + delta M'PM, and the value is
    tr(P S_0) + delta/rho tr(P W). The long-run covariance S solves S = M S M' + W.
    Raises InvalidParameter for a policy under which positions explode.
    """
    n = len(problem.sigma)
    gain = np.hstack([policy.hold, policy.respond])
    lift, drift = _transition(problem)
    move = lift @ gain + drift
    if np.abs(np.linalg.eigvals(move)).max() >= 1.0:
        raise InvalidParameter("Positions explode; wanted eigenvalues of policy.hold inside (-1, 1).")
    noise = block_diag(np.zeros((n, n)), problem.omega)
    pnl, risk, cost = _forms(problem, gain)
    reward = problem.delta * (pnl - 0.5 * problem.gamma * risk) - cost
    p = lyapunov(np.sqrt(problem.delta) * move.T, reward)
    begin = block_diag(np.zeros((n, n)), problem.factor_covariance)
    if start is not None:
        begin[:n, :n] = np.outer(start, start)
    value = np.trace(p @ begin) + problem.delta / problem.rho * np.trace(p @ noise)
    run = lyapunov(move, noise)
    return Outcome(float(value), *(float(np.trace(form @ run)) for form in (pnl, cost, risk)))


def _forms(problem: TradingProblem, gain: Floats) -> tuple[Floats, Floats, Floats]:
    # x'Bf, x'Sigma x and dx'Lambda dx / 2 as symmetric forms in z = (x_{t-1}, f_t)
    n, k = problem.loadings.shape
    factors = np.hstack([np.zeros((k, n)), np.eye(k)])
    pnl = gain.T @ problem.loadings @ factors
    trade = gain - np.hstack([np.eye(n), np.zeros((n, k))])
    cost = 0.5 * problem.lambda_ * trade.T @ problem.sigma @ trade
    return 0.5 * (pnl + pnl.T), gain.T @ problem.sigma @ gain, cost


def impulse_response(problem: TradingProblem, policy: LinearPolicy, factor: int, steps: int) -> Floats:
    """Positions after a unit shock to one factor at step 0 from rest, expected path, (steps, n)."""
    f_t = np.eye(len(problem.phi))[factor]
    x_t = np.zeros(len(problem.sigma))
    path = np.empty((steps, len(x_t)))
    for t in range(steps):
        x_t = policy.position(x_t, f_t)
        path[t] = x_t
        f_t = problem.decay @ f_t
    return path
