"""The curve fitted to a chain of contracts. Prices may be negative: moves count over the usual level of 60 rows.

    parameter          moment (near and far: the legs' moves; spread: near less far)
    sigma_chi          ln root mean square of the spread's moves
    sigma_xi           ln root mean square of far's moves
    rho                correlation of the spread's moves with far's
    mispricing_sigma   ln variance ratio of the spread's moves over 40 days
    mu_xi_star         mean of far less near over their distance: the slope of the curve

Which contracts the legs hold is the record's. Where it is a panel of contracts with delivery dates and prices above
zero, all of the curve is that of the panel's largest likelihood (`likelihood`), and only the mispricing is matched:
the bend of the curve tells k = kappa + premium_slope, chi's way back tells kappa, what futures earned tells the premia.
Ten years leave half of kappa open, and of the premia a future's volatility over the root of ten: the errors say so.
Elsewhere kappa and premia stay as they are. The curve is one without seasons. A curve of two months tells chi from xi
badly. Volatilities are those of the weather's normal regime, the record's over the root of the mean V^2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fund.calibration.calibration import Calibration, Estimated, Priced, log_deviation
from fund.market.stylised_facts import correlation, variance_ratio
from fund.market.tape import Tape
from fund.market.weather import CORRELATION, MARKET_DRIFT, VOLATILITY, stationary
from specialists.futures_spreads.likelihood import Panel, estimates, panel_of
from specialists.futures_spreads.market import MARKET_VOLATILITY, loadings

if TYPE_CHECKING:
    from specialists.futures_spreads.strategy import FuturesSpreads

Floats = NDArray[np.float64]

CURVE = ("kappa", "premium_slope", "lambda_chi", "mu_xi", "mu_xi_star", "sigma_chi", "sigma_xi", "rho")
USUAL = 60  # rows of the usual level
MONTHS = 40


def moves(tape: Tape) -> tuple[Floats, Floats]:
    """What the contracts held by both legs gained, over the leg's usual level, each (T, n); nobody earns a roll."""
    slot = tape["slot"][:-1].astype(np.int64)
    out = []
    for leg, b in (("near", slot % 2 == 1), ("far", slot >= 2)):
        one, two = tape[f"{leg}_a"], tape[f"{leg}_b"]
        held, later = (np.where(b, two[rows], one[rows]) for rows in (slice(None, -1), slice(1, None)))
        out.append((later - held) / usual(held))
    return out[0], out[1]


def usual(prices: Floats) -> Floats:
    """Mean absolute price over the last 60 rows, or as many as there are."""
    total = np.concatenate([np.zeros((1, prices.shape[1])), np.cumsum(np.abs(prices), axis=0)])
    rows = np.arange(1, len(prices) + 1)
    since = np.maximum(rows - USUAL, 0)
    return np.asarray((total[rows] - total[since]) / (rows - since)[:, None])


def slope(desk: FuturesSpreads, tape: Tape) -> Floats:
    """Far less near over near's usual level and their distance in years, (T, n)."""
    bits = tape["slot"].astype(np.int64)
    near = np.where(bits % 2 == 1, tape["near_b"], tape["near_a"])
    far = np.where(bits >= 2, tape["far_b"], tape["far_a"])
    apart = max((desk.far_contract - desk.near_contract) * desk.contract_days, 1) / 252.0
    return np.asarray((far - near) / usual(near) / apart)


def prices(desk: FuturesSpreads, tape: Tape) -> Mapping[str, Priced]:
    """Both legs are commodities."""
    near, far = moves(tape)
    return {"near": Priced("commodity", near), "far": Priced("commodity", far)}


def moments(desk: FuturesSpreads, tape: Tape) -> Mapping[str, Floats]:
    """As the module says, each (n,)."""
    near, far = moves(tape)
    spread = near - far
    return {
        "spread_deviation": log_deviation(spread),
        "far_deviation": log_deviation(far),
        "spread_and_far": correlation(spread, far),
        "spread_ratio_40": np.log(variance_ratio(spread, MONTHS)),
        "slope": slope(desk, tape).mean(axis=0),
    }


def given(desk: FuturesSpreads, tape: Tape) -> Mapping[str, Any]:
    """Which contracts the legs hold, and the last price."""
    assert desk.history is not None
    found: dict[str, Any] = {"spot": max(float(np.abs(tape["near_a"][-1, 0])), 1e-6)}
    if "far_gap" in desk.history.names:
        months = desk.history.column("far_gap").mean() * 12.0
        first = max(round(float(desk.history.column("to_delivery").mean() * 12.0)), 1)
        found |= {"near_contract": first, "far_contract": first + max(round(float(months)), 1)}
    if panel_of(desk.history) is not None:
        found["premium_scale"] = 1.0  # premia as the record has them
    return found


def estimated(desk: FuturesSpreads, market: FuturesSpreads) -> Mapping[str, Estimated]:
    """Speed and premia by likelihood, where the record is a panel of contracts with delivery dates."""
    assert desk.history is not None
    panel = panel_of(desk.history)
    if panel is None or market.model != "schwartz_smith":
        return {}
    return of_panel(panel, market)


def of_panel(panel: Panel, market: FuturesSpreads) -> Mapping[str, Estimated]:
    """The curve of a panel; what xi earns with the weather's factor is taken out of its drift."""
    curve = market.curve
    start = {name: getattr(curve, name) for name in (
        "kappa", "kappa_q", "sigma_chi", "sigma_xi", "rho", "lambda_chi", "mu_xi", "mu_xi_star",
    )}  # fmt: skip
    own = {"mispricing_kappa": market.mispricing_kappa, "mispricing_sigma": market.mispricing_sigma}
    found = estimates(panel, {**start, **own, "noise": 1e-3})
    heat = float(np.sqrt(stationary() @ VOLATILITY**2)) if market.weather else 1.0
    less = {"mu_xi": earned_with_the_market(market, found.values["sigma_xi"] / heat)}
    over = {"sigma_chi": heat, "sigma_xi": heat}
    return {
        name: Estimated((found.values[name] - less.get(name, 0.0)) / over.get(name, 1.0),
                        found.errors[name] / over.get(name, 1.0))
        for name in CURVE
    }  # fmt: skip


def earned_with_the_market(market: FuturesSpreads, sigma_xi: float) -> float:
    """Mean drift of xi, a year, that comes of the weather's factor."""
    if not market.weather:
        return 0.0
    share = market.market_premium * sigma_xi / MARKET_VOLATILITY
    return float(share * (stationary() @ (loadings(market, CORRELATION) * MARKET_DRIFT)))


CALIBRATION = Calibration(
    files='a table with the columns "near" and "far", or contract prices (PRICE, CARRY, FORWARD, each with '
    "its contract)",
    prices=prices,
    moments=moments,
    given=given,
    estimated=estimated,
    bounds={
        "sigma_chi": (0.005, 3.0), "sigma_xi": (0.005, 3.0), "rho": (-0.95, 0.95), "mispricing_sigma": (0.0, 0.9),
        "mu_xi_star": (-0.5, 0.5),
    },
    logs=False,
    thinned=False,
)  # fmt: skip
