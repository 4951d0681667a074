"""Closed forms of allocation: Merton, Kelly, independent strategies and the price of estimated moments.

One risky asset of excess drift mu - r and volatility sigma has the Sharpe ratio S = (mu - r)/sigma. Kelly's weight is
(mu - r)/sigma^2; at `multiple` k of it, wealth in continuous time grows at

    g(k) = r + S^2 (k - k^2/2)

which is r at k = 2. Merton's investor of risk aversion gamma holds the multiple 1/gamma and is as well off as with the
certain rate r + S^2/(2 gamma).

Sources: Merton (1969), Rev. Econ. Stat. 51:247-257; Thorp (2006), "The Kelly criterion in blackjack, sports betting
and the stock market"; Kan & Zhou (2007), "Optimal portfolio choice with parameter uncertainty", J. Financial and
Quantitative Analysis 42:621-656.
"""

from __future__ import annotations

import math

from fund.errors import InvalidParameter


def merton_certainty_equivalent(rate: float, sharpe: float, gamma: float) -> float:
    """The certain rate as good as Merton's portfolio, r + S^2/(2 gamma)."""
    return rate + sharpe**2 / (2.0 * gamma)


def kelly_growth(rate: float, sharpe: float, multiple: float) -> float:
    """Growth rate of wealth at a multiple of Kelly's weight, r + S^2 (k - k^2/2)."""
    return rate + sharpe**2 * (multiple - 0.5 * multiple**2)


def chance_of_falling_to(share: float, fraction: float) -> float:
    """Chance that wealth, discounted, ever falls to `share` of its start, at `fraction` of Kelly: x^(2/f - 1).

    For 0 < share <= 1 and 0 < fraction < 2, in continuous time; observed at intervals it is a little lower.

    Raises InvalidParameter outside 0 < share <= 1, 0 < fraction < 2.
    """
    if not (0.0 < share <= 1.0 and 0.0 < fraction < 2.0):
        raise InvalidParameter(
            f"share={share}, fraction={fraction}; wanted 0 < share <= 1 and 0 < fraction < 2."
        )
    return float(share ** (2.0 / fraction - 1.0))


def sharpe_of_equals(sharpe: float, n: int, correlation: float = 0.0) -> float:
    """Sharpe ratio of the best mix of n strategies alike: s sqrt(n / (1 + (n - 1) c)).

    Raises InvalidParameter for a correlation that n strategies cannot have.
    """
    if not 1.0 + (n - 1) * correlation > 0.0:
        raise InvalidParameter(f"correlation={correlation} among {n}; wanted above {-1.0 / (n - 1):.6g}.")
    return sharpe * math.sqrt(n / (1.0 + (n - 1) * correlation))


def plug_in_loss(sharpe: float, gamma: float, n: int, t: int) -> float:
    """Expected utility lost per period by mean-variance weights on sample moments of t periods and n assets.

        (1 - k) S^2/(2 gamma) + n t (t - 2) / (2 gamma (t-n-1)(t-n-2)(t-n-4))
        k = t/(t-n-2) [2 - t (t-2)/((t-n-1)(t-n-4))]

    `sharpe` is the best attainable, sqrt(mu' Sigma^{-1} mu); the sample covariance divides by t. Needs t > n + 4.
    Kan & Zhou (2007), equations 17 to 19.

    Raises InvalidParameter for t <= n + 4, where the loss is infinite.
    """
    if t <= n + 4:
        raise InvalidParameter(f"t={t} with n={n}; wanted t > n + 4, or the loss is infinite.")
    k = t / (t - n - 2) * (2.0 - t * (t - 2) / ((t - n - 1) * (t - n - 4)))
    spread = n * t * (t - 2) / (2.0 * gamma * (t - n - 1) * (t - n - 2) * (t - n - 4))
    return (1.0 - k) * sharpe**2 / (2.0 * gamma) + spread
