"""Closed forms of market making: Avellaneda-Stoikov, Gueant-Lehalle-Fernandez-Tapia, Cartea-Jaimungal.

The market is that of `fills`, in continuous time: mid ``dS = sigma dW``, fills at rate ``A exp(-k delta)`` a side.
``tau = T - t`` is the time left, ``q`` the inventory, ``s`` the mid.

Avellaneda & Stoikov (2008), CARA utility ``-exp(-gamma W_T)``, to second order in q:

    reservation price  r = s - q gamma sigma^2 tau
    total spread       gamma sigma^2 tau + (2/gamma) ln(1 + gamma/k)

Gueant, Lehalle & Fernandez-Tapia (2013), the same problem solved, with inventory held in [-Q, Q]:

    v' = M v,  v(T) = 1,  M tridiagonal with diagonal alpha q^2 and off-diagonals -eta
    alpha = k gamma sigma^2 / 2,     eta = A (1 + gamma/k)^-(1 + k/gamma)
    delta_b(q) = ln(v_q / v_{q+1})/k + margin,     delta_a(q) = ln(v_q / v_{q-1})/k + margin
    margin = ln(1 + gamma/k)/gamma

and ``ln(v_q)/k`` is the certainty equivalent of trading on from inventory q, marked at the mid. Far from T, v is the
eigenvector of M's least eigenvalue; its continuum limit gives distances linear in q.

Cartea, Jaimungal & Penalva (2015, ch. 10), risk neutral with inventory penalties,
``max E[X_T + q_T S_T - alpha q_T^2 - phi int q^2 dt]``:

    omega(t) = exp(A_m tau) z,  (A_m)_qq = -phi k q^2,  off-diagonals A/e,  z_q = exp(-alpha k q^2)
    h = ln(omega)/k,     delta_b = 1/k - h(q+1) + h(q),     delta_a = 1/k - h(q-1) + h(q)

Sources:
    M. Avellaneda, S. Stoikov (2008), High-frequency trading in a limit order book, Quant. Finance 8(3):217-224.
    O. Gueant, C.-A. Lehalle, J. Fernandez-Tapia (2013), Dealing with the inventory risk: a solution to the market
        making problem, Math. Financ. Econ. 7:477-507.
    A. Cartea, S. Jaimungal, J. Penalva (2015), Algorithmic and High-Frequency Trading, Cambridge University Press.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.linalg import eigh_tridiagonal
from scipy.special import hyp1f1

from specialists.market_making.fills import (
    Floats,
    LimitOrderMarket,
    Quotes,
    inventory_levels,
    require_at_least_zero,
    require_positive,
)
from specialists.market_making.log_exponential import log_exponential


class Moments(NamedTuple):
    """Mean and standard deviation of the final profit, and standard deviation of the final inventory."""

    profit_mean: float
    profit_std: float
    inventory_std: float


# --- Avellaneda & Stoikov (2008) ----------------------------------------------------------------------------


def fill_margin(gamma: float, depth_decay: float) -> float:
    """``ln(1 + gamma/k)/gamma``, the best margin over one's indifference price; ``1/k`` at gamma = 0."""
    return math.log1p(gamma / depth_decay) / gamma if gamma > 0 else 1 / depth_decay


def reservation_price(
    market: LimitOrderMarket,
    gamma: float,
    mid: npt.ArrayLike,
    inventory: npt.ArrayLike,
    time_left: npt.ArrayLike,
) -> Floats:
    """Indifference price ``r = s - q gamma sigma^2 tau`` of the trader. Arguments broadcast.

    Source: Avellaneda & Stoikov (2008), section 3.
    """
    risk = gamma * market.sigma**2 * np.asarray(time_left, dtype=np.float64)
    return np.asarray(np.asarray(mid, dtype=np.float64) - np.asarray(inventory, dtype=np.float64) * risk)


def total_spread(market: LimitOrderMarket, gamma: float, time_left: npt.ArrayLike) -> Floats:
    """Ask minus bid, ``gamma sigma^2 tau + (2/gamma) ln(1 + gamma/k)``; same shape.

    Source: Avellaneda & Stoikov (2008), section 3.
    """
    require_positive(gamma=gamma)
    margin = fill_margin(gamma, market.depth_decay)
    return gamma * market.sigma**2 * np.asarray(time_left, dtype=np.float64) + 2 * margin


def avellaneda_stoikov(
    market: LimitOrderMarket, gamma: float, inventory: npt.ArrayLike, time_left: npt.ArrayLike
) -> Quotes:
    """Distances of the inventory strategy: the total spread around the reservation price.

    Arguments broadcast. Source: Avellaneda & Stoikov (2008), section 3.
    """
    half_spread = total_spread(market, gamma, time_left) / 2
    shift = reservation_price(
        market, gamma, 0.0, inventory, time_left
    )  # of the reservation price from the mid
    return Quotes(half_spread - shift, half_spread + shift)


def symmetric(
    market: LimitOrderMarket, gamma: float, inventory: npt.ArrayLike, time_left: npt.ArrayLike
) -> Quotes:
    """Distances of the symmetric strategy: the same total spread around the mid, whatever the inventory."""
    half_spread = total_spread(market, gamma, time_left) / 2 + 0 * np.asarray(inventory, dtype=np.float64)
    return Quotes(half_spread, half_spread)


def symmetric_moments_on_grid(market: LimitOrderMarket, gamma: float) -> Moments:
    """Moments of the symmetric strategy from q = 0 with at most one fill a side and step.

    With p_i the fill probability and d_i the distance at step i: E profit = sum 2 p d, Var q = sum 2 p (1-p),
    Var profit = sum 2 p (1-p) d^2 + sigma^2 dt sum_i Var q_i, q_i being the inventory after the fills of step i.
    """
    distance = total_spread(market, gamma, market.time_left) / 2
    probability = market.fill_probability(distance)
    fill_variance = 2 * probability * (1 - probability)
    inventory_variance = np.cumsum(fill_variance)
    profit_variance = (
        np.sum(fill_variance * distance**2) + market.sigma**2 * market.dt * inventory_variance.sum()
    )
    mean = float(np.sum(2 * probability * distance))
    return Moments(mean, math.sqrt(profit_variance), math.sqrt(inventory_variance[-1]))


def symmetric_moments_poisson(market: LimitOrderMarket, gamma: float) -> Moments:
    """Moments of the symmetric strategy from q = 0 with Poisson fills, the limit of small steps.

    With lambda(tau) = A exp(-k d(tau)), d = a tau + b: E profit = int 2 lambda d, Var q = int 2 lambda,
    Var profit = int 2 lambda d^2 + sigma^2 int 2 lambda tau; all are integrals of tau^n exp(-k a tau).
    """
    slope = gamma * market.sigma**2 / 2
    margin = float(total_spread(market, gamma, 0.0)) / 2
    order, horizon, decay = np.arange(3), market.horizon, market.depth_decay
    powers = horizon ** (order + 1) * hyp1f1(order + 1, order + 2, -decay * slope * horizon) / (order + 1)
    fills = 2 * market.arrival_rate * math.exp(-decay * margin) * powers  # int 2 lambda tau^n dtau
    mean = slope * fills[1] + margin * fills[0]
    variance = slope**2 * fills[2] + 2 * slope * margin * fills[1] + margin**2 * fills[0]
    return Moments(float(mean), math.sqrt(variance + market.sigma**2 * fills[1]), math.sqrt(fills[0]))


# --- Gueant, Lehalle & Fernandez-Tapia (2013) ---------------------------------------------------------------


def glft_value(
    market: LimitOrderMarket, gamma: float, max_inventory: int, time_left: npt.ArrayLike
) -> Floats:
    """Certainty equivalent ``ln(v_q)/k`` of quoting optimally for `time_left`, shape (times, 2 Q + 1).

    Inventory is marked at the mid. Source: Gueant, Lehalle & Fernandez-Tapia (2013).
    """
    alpha, log_eta = _glft_coefficients(market, gamma)
    levels = inventory_levels(max_inventory)
    log_v = log_exponential(-alpha * levels**2, log_eta, np.zeros_like(levels), time_left)
    return log_v / market.depth_decay


def glft_distances(
    market: LimitOrderMarket, gamma: float, max_inventory: int, time_left: npt.ArrayLike
) -> Quotes:
    """Optimal distances at `time_left`, shapes (times, 2 Q + 1); Gueant et al. (2013)."""
    value = glft_value(market, gamma, max_inventory, time_left)
    return _quotes_around(value, fill_margin(gamma, market.depth_decay))


def glft_stationary(market: LimitOrderMarket, gamma: float, max_inventory: int) -> Quotes:
    """Optimal distances infinitely far from the horizon, shapes (2 Q + 1,); Gueant et al. (2013).

    Needs sigma and arrival rate above zero, without which there is no stationary inventory.
    """
    require_positive(sigma=market.sigma, arrival_rate=market.arrival_rate)
    alpha, log_eta = _glft_coefficients(market, gamma)
    log_v = _log_ground_state(alpha / math.exp(log_eta), inventory_levels(max_inventory))
    return _quotes_around(log_v / market.depth_decay, fill_margin(gamma, market.depth_decay))


def glft_asymptotic(market: LimitOrderMarket, gamma: float, inventory: npt.ArrayLike) -> Quotes:
    """Closed-form approximation of the stationary distances, linear in inventory; same shape as `inventory`.

    ``delta_b = margin + (2q + 1)/2 slope``, ``delta_a = margin - (2q - 1)/2 slope``,
    ``slope^2 = sigma^2 gamma / (2 k A) (1 + gamma/k)^(1 + k/gamma)``; Gueant et al. (2013).
    """
    require_positive(arrival_rate=market.arrival_rate)
    alpha, log_eta = _glft_coefficients(market, gamma)
    slope = math.sqrt(alpha * math.exp(-log_eta)) / market.depth_decay
    margin, q = fill_margin(gamma, market.depth_decay), np.asarray(inventory, dtype=np.float64)
    return Quotes(margin + (2 * q + 1) / 2 * slope, margin - (2 * q - 1) / 2 * slope)


def _glft_coefficients(market: LimitOrderMarket, gamma: float) -> tuple[float, float]:
    require_positive(gamma=gamma)
    decay = market.depth_decay
    log_thinning = -(1 + decay / gamma) * math.log1p(gamma / decay)
    return decay * gamma * market.sigma**2 / 2, _log(market.arrival_rate) + log_thinning


def _log_ground_state(ratio: float, levels: Floats) -> Floats:
    # Logarithm of the positive eigenvector of diag(ratio q^2) - neighbours. LAPACK gives the eigenvalue; the vector
    # is the recurrence v_{q-1} = (ratio q^2 - eigenvalue) v_q - v_{q+1} run from the edge inwards, where it grows
    # and hence is stable, so that the tails keep their relative accuracy.
    diagonal = ratio * levels**2
    least = eigh_tridiagonal(
        diagonal, -np.ones(levels.size - 1), eigvals_only=True, select="i", select_range=(0, 0)
    )
    edge_to_zero = diagonal[: levels.size // 2] - least[0]
    log_v, growth = [0.0], math.inf
    for pull in edge_to_zero:
        growth = pull - 1 / growth
        log_v.append(log_v[-1] + math.log(growth))
    return np.array(log_v + log_v[-2::-1])


# --- Cartea, Jaimungal & Penalva (2015) ---------------------------------------------------------------------


def cartea_jaimungal_value(
    market: LimitOrderMarket,
    running_penalty: float,
    terminal_penalty: float,
    max_inventory: int,
    time_left: npt.ArrayLike,
) -> Floats:
    """Expected gain ``h(t, q)`` of quoting optimally for `time_left`, shape (times, 2 Q + 1); eq. 10.11.

    `running_penalty` is phi (per unit of time), `terminal_penalty` alpha. Inventory is marked at the mid.
    """
    require_at_least_zero(running_penalty=running_penalty, terminal_penalty=terminal_penalty)
    squares = market.depth_decay * inventory_levels(max_inventory) ** 2
    log_rate = _log(market.arrival_rate) - 1
    log_omega = log_exponential(-running_penalty * squares, log_rate, -terminal_penalty * squares, time_left)
    return log_omega / market.depth_decay


def cartea_jaimungal_distances(
    market: LimitOrderMarket,
    running_penalty: float,
    terminal_penalty: float,
    max_inventory: int,
    time_left: npt.ArrayLike,
) -> Quotes:
    """Optimal distances at `time_left`, shapes (times, 2 Q + 1); Cartea et al. (2015, ch. 10)."""
    value = cartea_jaimungal_value(market, running_penalty, terminal_penalty, max_inventory, time_left)
    return _quotes_around(value, fill_margin(0.0, market.depth_decay))


# --- Shared -------------------------------------------------------------------------------------------------


def _log(value: float) -> float:
    return math.log(value) if value > 0 else -math.inf


def _quotes_around(value: Floats, margin: float) -> Quotes:
    # Indifference price of a unit is a difference of values; the margin comes on top.
    bid, ask = np.full_like(value, np.inf), np.full_like(value, np.inf)
    bid[..., :-1] = margin + value[..., :-1] - value[..., 1:]
    ask[..., 1:] = margin + value[..., 1:] - value[..., :-1]
    return Quotes(bid, ask)
