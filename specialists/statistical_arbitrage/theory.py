"""Closed forms of statistical arbitrage: optimal thresholds and optimal continuous positions.

Thresholds (the spread is an Ornstein-Uhlenbeck process of mean 0, dX = -alpha X dt + eta dW, u = x sqrt(alpha)/eta):
- mean time a -> m -> a = (pi/alpha) [erfi(u_m) - erfi(u_a)]; its variance = [w(u_m) - w(u_a)] / alpha^2 with
  w(u) = S_even S_odd - sum_odd t_k (psi(k/2) - psi(1)), t_k = Gamma(k/2) (2u)^k / k!. Bertram (2010).
- a rule that enters at u, leaves after a move of j u and pays c has rate (j u s - c) / E[T], s = eta/sqrt(alpha), and
  E[T] proportional to erfi(u); as erfi'/erfi = 1/Dawson, its optimum solves c = j s (u - Dawson(u)). j = 2 for Bertram
  and for the new rule of Zeng & Lee (2014), j = 1 for their conventional rule.

Continuous position (wealth dW = a dX, power utility W^g/g, g < 1, or log for g = 0; in units x sqrt(kappa)/sigma and
kappa t): a = -W x D(tau), D = C'/C, C = cosh(nu tau) + nu sinh(nu tau), nu = 1/sqrt(1-g). Boguslavsky &
Boguslavskaya (2004). With interest on the cash: `jurek_yang`. On a grid of trading times: `discrete_optimum`.

Positions are units of spread per unit of wealth, times are years (or whatever the speed is measured in), costs and
thresholds are in the spread's own units.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.integrate import dblquad
from scipy.optimize import brentq, minimize_scalar
from scipy.special import dawsn, digamma, erf, erfcx, erfi, gammaln, hyperu, pbdv

from fund.errors import InvalidParameter
from specialists.statistical_arbitrage.riccati import Riccati

Floats = NDArray[np.float64]
_LARGEST_U = 18.0  # beyond it the variance of the waiting time overflows
_FAR = 30.0  # where the parabolic cylinder function nears the range of a float


@dataclass(frozen=True)
class Cycle:
    """Entry, exit and the renewal statistics of a threshold rule.

    Optimal rules of Zeng & Lee trade both sides: theirs is the short trade, and the long one is its mirror image.
    """

    entry: float  # level at which the trade is opened
    exit: float  # and closed
    profit: float  # of one cycle, net of cost
    length: float  # E[T], mean time of one cycle
    length_variance: float  # V[T]

    @property
    def return_rate(self) -> float:
        """Profit per unit of time, mu = profit / E[T] (Bertram 2010)."""
        return self.profit / self.length

    @property
    def variance_rate(self) -> float:
        """Variance per unit of time, profit^2 V[T] / E[T]^3 (Bertram 2010)."""
        return self.profit**2 * self.length_variance / self.length**3

    @property
    def cycles_per_year(self) -> float:
        """Cycles per unit of time, 1 / E[T]."""
        return 1.0 / self.length

    def sharpe(self, cycle_rate: float) -> float:
        """Bertram's Sharpe ratio, (mu - r_f/E[T]) / sqrt(variance rate); `cycle_rate` is r_f, due once a cycle.

        At a rate of 0 it is sqrt(E[T]/V[T]), whatever the profit: not a number to rank thresholds by.
        """
        return (self.return_rate - cycle_rate / self.length) / math.sqrt(self.variance_rate)


class Levels(NamedTuple):
    """Optimal exit and entry levels of a single round trip."""

    exit: float
    entry: float


def require(condition: bool, found: str, wanted: str) -> None:
    """Refuse a parameter, saying what was found and what was wanted."""
    if not condition:
        raise InvalidParameter(f"{found}: wanted {wanted}.")


def require_positive(**values: float) -> None:
    """Refuse values that are not finite and above 0."""
    for name, value in values.items():
        require(math.isfinite(value) and value > 0.0, f"{name} = {value}", "a finite number above 0")


def _require_reach(u: float) -> None:
    require(abs(u) <= _LARGEST_U, f"a threshold of {u:.3g} sigma/sqrt(speed)", f"at most {_LARGEST_U:g}")


def _waiting_variance(u: float) -> float:
    # w(u) of the module docstring; it is odd, and for u > 0 its two large sums have positive terms only
    _require_reach(u)
    if u == 0.0:
        return 0.0
    size = abs(u)
    k = np.arange(1, int(2.0 * size**2 + 16.0 * size) + 60)
    terms = np.exp(gammaln(k / 2) + k * math.log(2.0 * size) - gammaln(k + 1.0))
    odd = k % 2 == 1
    mixed = float(np.sum(terms[odd] * (digamma(k[odd] / 2) - digamma(1.0))))
    return math.copysign(float(terms[odd].sum() * terms[~odd].sum()) - mixed, u)


def _optimal_u(relative_cost: float) -> float:
    # root of u - Dawson(u) = relative_cost; the left side grows from 0 without bound
    gap: Callable[[float], float] = lambda u: u - float(dawsn(u)) - relative_cost  # noqa: E731
    return float(brentq(gap, relative_cost, relative_cost + 2.0, xtol=1e-14, rtol=1e-14))


def bertram_cycle(alpha: float, eta: float, cost: float, entry: float, exit: float | None = None) -> Cycle:
    """The cycle that buys at `entry`, sells at `exit` and waits for `entry` again; without `exit` it is symmetric.

    `cost` is paid once a cycle. Source: Bertram (2010), Physica A 389:2234-2243.
    """
    target = -entry if exit is None else exit
    require_positive(alpha=alpha, eta=eta)
    require(entry < target, f"entry {entry}, exit {target}", "entry below exit")
    scale = math.sqrt(alpha) / eta
    variance = (_waiting_variance(target * scale) - _waiting_variance(entry * scale)) / alpha**2
    length = math.pi / alpha * float(erfi(target * scale) - erfi(entry * scale))
    return Cycle(entry, target, target - entry - cost, length, variance)


def bertram_optimum(alpha: float, eta: float, cost: float) -> Cycle:
    """The symmetric cycle of largest return rate.

    A cost of 0 is refused: the best threshold is then 0 and trades without end. Source: Bertram (2010).
    """
    require_positive(alpha=alpha, eta=eta, cost=cost)
    scale = eta / math.sqrt(alpha)
    return bertram_cycle(alpha, eta, cost, -scale * _optimal_u(cost / (2.0 * scale)))


def bertram_sharpe_optimum(alpha: float, eta: float, cost: float, cycle_rate: float) -> Cycle:
    """The symmetric cycle of largest Sharpe ratio for a risk-free rate `cycle_rate`, charged once a cycle.

    A rate of 0 is refused: the ratio then does not know the profit and grows as the threshold goes to 0.
    Source: Bertram (2010).
    """
    require_positive(alpha=alpha, eta=eta, cycle_rate=cycle_rate)
    require(cost >= 0.0, f"cost = {cost}", "0 or more")
    scale = eta / math.sqrt(alpha)
    lowest = (cost + cycle_rate) / (2.0 * scale)
    loss: Callable[[float], float] = lambda u: -bertram_cycle(alpha, eta, cost, -u * scale).sharpe(cycle_rate)  # noqa: E731
    best = minimize_scalar(loss, bounds=(lowest, lowest + 3.0), method="bounded", options={"xatol": 1e-11})
    return bertram_cycle(alpha, eta, cost, -scale * float(best.x))


def zeng_lee_conventional(theta: float, mu: float, sigma: float, cost: float) -> Cycle:
    """The optimal rule that enters at theta +- a and leaves at theta; the short trade is returned.

    E[T] = pi erfi(u) / (2 mu): the way back to the mean, then out to whichever side comes first. `theta` is the mean,
    `mu` the speed, `sigma` the volatility; `cost` is paid once a round trip. Source: Zeng & Lee (2014), eq. 20.
    """
    require_positive(mu=mu, sigma=sigma, cost=cost)
    scale = sigma / math.sqrt(mu)
    u = _optimal_u(cost / scale)
    _require_reach(u)
    # the variance of each passage solves v'' - 2u v' = -2 (T')^2, T' being sqrt(pi)/mu exp(u^2) times erfc or erf
    back, _ = dblquad(
        lambda w, v: math.exp(v * v - w * w) * erfcx(w) ** 2, 0.0, u, lambda v: v, lambda v: v + 9.0
    )
    out, _ = dblquad(lambda w, v: math.exp(v * v + w * w) * erf(w) ** 2, 0.0, u, 0.0, lambda v: v)
    variance = 2.0 * math.pi * (back + out) / mu**2
    return Cycle(theta + u * scale, theta, u * scale - cost, math.pi * float(erfi(u)) / (2.0 * mu), variance)


def zeng_lee_new(theta: float, mu: float, sigma: float, cost: float) -> Cycle:
    """The optimal rule that enters at theta +- a, leaves at theta -+ a and reverses; the short trade is returned.

    It is half of Bertram's cycle, earns on both halves, and pays `cost` on each. Source: Zeng & Lee (2014), eq. 23.
    """
    both = bertram_optimum(mu, sigma, cost)
    return Cycle(
        theta + both.exit, theta + both.entry, both.profit, both.length / 2.0, both.length_variance / 2.0
    )


def leung_li_levels(theta: float, mu: float, sigma: float, rate: float, cost: float) -> Levels:
    """Exit b* and entry d* of one long round trip, discounted at `rate`, `cost` paid at each end.

    With z = sqrt(2 mu) (x - theta)/sigma let F = int_0^inf u^(rate/mu - 1) exp(z u - u^2/2) du and G its mirror image
    at theta. b* solves F(b) = (b-c) F'(b); with V = (b-c) F/F(b), d* solves G (V' - 1) = G' (V - d - c).
    Source: Leung & Li (2015), IJTAF 18(3).
    """
    require_positive(mu=mu, sigma=sigma, rate=rate)
    order, step = rate / mu, sigma / math.sqrt(2.0 * mu)
    require(
        0.0 <= cost < theta + _FAR * step, f"cost = {cost}", "0 or more and within the reach of the spread"
    )

    def steepness(x: float) -> float:  # F'/F; G'/G is minus the same at the mirror image of x
        z = (x - theta) / step
        return order / step * math.exp(_log_discount(order + 1.0, z) - _log_discount(order, z))

    def reward(x: float) -> float:
        return (x - cost) * steepness(x) - 1.0

    sell = _first_root(reward, cost, max(cost, theta), step)
    at_sell = _log_discount(order, (sell - theta) / step)

    def surplus(x: float) -> float:
        value = (sell - cost) * math.exp(_log_discount(order, (x - theta) / step) - at_sell)
        return value * steepness(x) - 1.0 + steepness(2.0 * theta - x) * (value - x - cost)

    return Levels(sell, _first_root(surplus, sell, min(theta, sell), -step))


def _log_discount(order: float, z: float) -> float:
    # ln of exp(z^2/4) D_{-order}(-z), which is F over Gamma(order)
    require(z <= 1.6 * _FAR, f"a level {z:.3g} standard deviations from the mean", f"at most {1.6 * _FAR:g}")
    if z < -_FAR:
        return math.log(hyperu(order / 2.0, 0.5, z * z / 2.0)) - order / 2.0 * math.log(2.0)
    return z * z / 4.0 + math.log(pbdv(-order, -z)[0])


def _first_root(function: Callable[[float], float], fixed: float, start: float, step: float) -> float:
    # the function is below 0 at `fixed` and above 0 far enough in the direction of `step`
    end = start + step
    while function(end) < 0.0:
        end += step
    return float(brentq(function, fixed, end, xtol=1e-13))


def kelly_position(x: ArrayLike, kappa: float = 1.0, sigma: float = 1.0) -> Floats:
    """Position of the log investor, -kappa x / sigma^2 at all times; `x` is the distance from the mean."""
    return -kappa / sigma**2 * np.asarray(x, dtype=np.float64)


def myopic_position(x: ArrayLike, g: float, kappa: float = 1.0, sigma: float = 1.0) -> Floats:
    """Position that ignores how the opportunity will change, Kelly's divided by 1 - g."""
    return kelly_position(x, kappa, sigma) / _risk_aversion(g)


def optimal_position(
    x: ArrayLike, time_left: ArrayLike, g: float, kappa: float = 1.0, sigma: float = 1.0
) -> Floats:
    """Position of the power investor, -x kappa/sigma^2 D(kappa time_left). Boguslavsky & Boguslavskaya (2004)."""
    nu = 1.0 / math.sqrt(_risk_aversion(g))
    t = np.tanh(nu * kappa * np.asarray(time_left, dtype=np.float64))
    return kelly_position(x, kappa, sigma) * nu * (nu + t) / (1.0 + nu * t)


def certainty_equivalent(
    time_left: float, g: float, x: float = 0.0, kappa: float = 1.0, sigma: float = 1.0
) -> float:
    """Sure final wealth worth the optimal policy from wealth 1 and distance `x`.

    [exp(tau/2 + x^2 (1 - (1-g) D)/2) C^{-(1-g)/2}]^{1/g}; for log exp of (1/2) int E[x^2]. Continuous trading.
    """
    require_positive(kappa=kappa, sigma=sigma)
    gamma, tau, y = _risk_aversion(g), kappa * time_left, x * math.sqrt(kappa) / sigma
    if g == 0.0:
        past = -math.expm1(-2.0 * tau) / 2.0
        return math.exp(0.5 * (y * y * past + (tau - past) / 2.0))
    nu = 1.0 / math.sqrt(gamma)
    log_c = nu * tau + math.log((1.0 + nu + (1.0 - nu) * math.exp(-2.0 * nu * tau)) / 2.0)
    d = -float(optimal_position(1.0, tau, g))
    return math.exp((tau + y * y * (1.0 - gamma * d) - gamma * log_c) / (2.0 * g))


def linear_certainty_equivalent(
    multiple: float, time_left: float, g: float, x: float = 0.0, kappa: float = 1.0, sigma: float = 1.0
) -> float:
    """Sure final wealth worth always holding `multiple` times Kelly's position; 0 where utility falls to -infinity.

    E[W^g] = exp(P y^2 + Q), P' = k g (1 + (g-1) k/2) - 2 (1 + g k) P + 2 P^2, Q' = P, with k the multiple, y = x
    sqrt(kappa)/sigma and time in units of 1/kappa. Multiples 1 and 1/(1-g) are Kelly's and the myopic rule.
    """
    _risk_aversion(g)
    require_positive(kappa=kappa, sigma=sigma)
    tau, y, k = kappa * time_left, x * math.sqrt(kappa) / sigma, multiple
    if g == 0.0:
        return certainty_equivalent(tau, 0.0, y) ** (k * (2.0 - k))
    riccati = Riccati(k * g * (1.0 + (g - 1.0) * k / 2.0), -2.0 * (1.0 + g * k), 2.0)
    if tau >= riccati.explosion():
        return 0.0 if g < 0.0 else math.inf
    solution = riccati.solve(np.asarray(tau))
    return math.exp((float(solution.a) * y * y - 0.5 * float(solution.log_y)) / g)


def stationary_log_growth(kappa: float) -> float:
    """Long-run growth rate of the log investor's wealth, kappa/4 per unit of time."""
    return kappa / 4.0


def _risk_aversion(g: float) -> float:
    require(math.isfinite(g) and g < 1.0, f"g = {g}", "a finite number below 1")
    return 1.0 - g
