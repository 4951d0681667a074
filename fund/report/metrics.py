"""Performance statistics of simple returns.

Last axis = time, statistics vectorised over the leading axes. Returns are fractions a period;
`simple_returns` of `fund.report.wealth` makes them from NAVs. Wealth W_t = prod_{s<=t} max(1 + r_s, 0) starts
at 1 and stays at nought once everything is lost, so that a drawdown lies in [0, 1] whatever the leverage was.

Losses are positive numbers: drawdown, VaR, CVaR, average and largest loss.

Declared answers, the same for every statistic:

- NaN or infinite input: `DataError`, naming the first such index;
- no return at all: nan;
- one return: nan where a standard deviation is needed (volatility, Sharpe, skew, kurtosis), else the formula;
- constant returns (to rounding, max - min <= 1e-14): volatility is exactly 0;
- a denominator of 0 (no risk, no loss, no drawdown): nan, for there is nothing to divide by;
- no winning (losing) period: average and largest win (loss) are nan.

Definitions agree with empyrical (Quantopian 2016) up to the sign of losses; tested on plain twins to 1e-12.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec

import numpy as np
from numpy.typing import ArrayLike

from fund.report.wealth import Floats, drawdowns, finite, wealth

P = ParamSpec("P")


def _statistic(
    function: Callable[Concatenate[Floats, P], Floats],
) -> Callable[Concatenate[ArrayLike, P], Floats]:
    # One place for the declared answers: finite input, and nan of the leading shape where there is no return.
    @functools.wraps(function)
    def checked(returns: ArrayLike, /, *args: P.args, **kwargs: P.kwargs) -> Floats:
        r = finite(returns)
        answer = function(r, *args, **kwargs) if r.shape[-1] else np.full(r.shape[:-1], np.nan)
        return np.asarray(answer)[()]

    return checked


def _ratio(numerator: Floats, denominator: Floats) -> Floats:
    some = denominator > 0
    return np.where(some, numerator / np.where(some, denominator, 1.0), np.nan)


def _std(r: Floats, ddof: int = 1) -> Floats:
    if r.shape[-1] <= ddof:
        return np.full(r.shape[:-1], np.nan)
    # a NAV that grows at a constant rate has returns equal to 1e-16 only: a Sharpe ratio of 1e14
    constant = np.ptp(r, axis=-1) <= 1e-14 * (1.0 + np.abs(r).max(axis=-1))
    return np.where(constant, 0.0, r.std(axis=-1, ddof=ddof))


@_statistic
def total_return(returns: Floats) -> Floats:
    """W_T - 1."""
    return wealth(returns)[..., -1] - 1.0


@_statistic
def annual_return(returns: Floats, periods_per_year: float) -> Floats:
    """W_T^(periods_per_year / T) - 1, the compound rate a year."""
    with np.errstate(over="ignore"):
        return wealth(returns)[..., -1] ** (periods_per_year / returns.shape[-1]) - 1.0


@_statistic
def annual_volatility(returns: Floats, periods_per_year: float) -> Floats:
    """Sample standard deviation (T - 1) times sqrt(periods_per_year)."""
    return _std(returns) * np.sqrt(periods_per_year)


@_statistic
def sharpe(returns: Floats, periods_per_year: float, risk_free: float = 0.0) -> Floats:
    """Mean excess return over its standard deviation, annualised by the root; `risk_free`: rate a period."""
    return _ratio(returns.mean(axis=-1) - risk_free, _std(returns)) * np.sqrt(periods_per_year)


@_statistic
def sortino(returns: Floats, periods_per_year: float, target: float = 0.0) -> Floats:
    """Mean excess over the downside deviation sqrt(mean min(r - target, 0)^2), annualised by the root."""
    excess = returns - target
    downside = np.sqrt(np.mean(np.minimum(excess, 0.0) ** 2, axis=-1))
    return _ratio(excess.mean(axis=-1), downside) * np.sqrt(periods_per_year)


@_statistic
def max_drawdown(returns: Floats) -> Floats:
    """Largest fall from a high of wealth, the starting wealth included; in [0, 1]."""
    return drawdowns(wealth(returns)).max(axis=-1)


@_statistic
def calmar(returns: Floats, periods_per_year: float) -> Floats:
    """Compound annual return over the largest drawdown."""
    return _ratio(annual_return(returns, periods_per_year), max_drawdown(returns))


@_statistic
def value_at_risk(returns: Floats, tail: float = 0.05) -> Floats:
    """Historical VaR: minus the `tail` quantile of the returns (linear between order statistics)."""
    return -np.quantile(returns, tail, axis=-1)


@_statistic
def conditional_value_at_risk(returns: Floats, tail: float = 0.05) -> Floats:
    """Historical CVaR: minus the mean of the floor(tail (T - 1)) + 1 worst returns, those beyond the VaR."""
    worst = int(tail * (returns.shape[-1] - 1) + 1e-9) + 1  # 0.29 * 100 is 28.999999999999996
    return -np.partition(returns, worst - 1, axis=-1)[..., :worst].mean(axis=-1)


@_statistic
def win_rate(returns: Floats) -> Floats:
    """Share of periods that gained."""
    return np.mean(returns > 0, axis=-1)


@_statistic
def profit_factor(returns: Floats) -> Floats:
    """Sum of the gains over the sum of the losses."""
    return _ratio(np.maximum(returns, 0.0).sum(axis=-1), np.maximum(-returns, 0.0).sum(axis=-1))


@_statistic
def average_win(returns: Floats) -> Floats:
    """Mean of the gains."""
    return _ratio(np.maximum(returns, 0.0).sum(axis=-1), (returns > 0).sum(axis=-1))


@_statistic
def largest_win(returns: Floats) -> Floats:
    """Largest gain of a period."""
    best = returns.max(axis=-1)
    return np.where(best > 0, best, np.nan)


def average_loss(returns: ArrayLike) -> Floats:
    """Mean of the losses, a positive number."""
    return average_win(-finite(returns))


def largest_loss(returns: ArrayLike) -> Floats:
    """Largest loss of a period, a positive number."""
    return largest_win(-finite(returns))


def _moment(r: Floats, power: int) -> Floats:
    spread = _std(r, ddof=0)[..., None]
    standard = np.where(
        spread > 0, (r - r.mean(axis=-1, keepdims=True)) / np.where(spread > 0, spread, 1.0), np.nan
    )
    return np.mean(standard**power, axis=-1)


@_statistic
def skew(returns: Floats) -> Floats:
    """Third standardised moment (population form); 0 for a normal."""
    return _moment(returns, 3)


@_statistic
def kurtosis(returns: Floats) -> Floats:
    """Fourth standardised moment (population form, not excess); 3 for a normal."""
    return _moment(returns, 4)


@_statistic
def tail_ratio(returns: Floats, tail: float = 0.05) -> Floats:
    """|upper quantile| over |lower quantile|; above 1 the gains reach further out than the losses."""
    low, high = np.quantile(returns, [tail, 1.0 - tail], axis=-1)
    return _ratio(np.abs(high), np.abs(low))


def summary(returns: ArrayLike, periods_per_year: float) -> dict[str, Floats]:
    """Every statistic of this module by name, VaR and CVaR at 95%; values of the leading shape."""
    r = finite(returns)
    yearly = {
        f.__name__: f(r, periods_per_year)
        for f in (annual_return, annual_volatility, sharpe, sortino, calmar)
    }
    plain = {f.__name__: f(r) for f in (max_drawdown, win_rate, profit_factor, average_win, average_loss)}
    shape = {f.__name__: f(r) for f in (largest_win, largest_loss, skew, kurtosis, tail_ratio)}
    tails = {"var_95": value_at_risk(r), "cvar_95": conditional_value_at_risk(r)}
    return {"total_return": total_return(r), **yearly, **plain, **tails, **shape}
