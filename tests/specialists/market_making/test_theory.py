"""Closed forms of market making against published numbers and slow plain twins."""

from __future__ import annotations

import dataclasses
from decimal import Decimal, localcontext

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.linalg import expm
from scipy.special import gammaln

from fund.errors import InvalidParameter
from specialists.market_making.fills import LimitOrderMarket, Quotes, tabulate
from specialists.market_making.theory import (
    avellaneda_stoikov,
    cartea_jaimungal_distances,
    cartea_jaimungal_value,
    fill_margin,
    glft_asymptotic,
    glft_distances,
    glft_stationary,
    glft_value,
    reservation_price,
    symmetric,
    symmetric_moments_on_grid,
    symmetric_moments_poisson,
    total_spread,
)

AVELLANEDA_STOIKOV = LimitOrderMarket(
    sigma=2.0, arrival_rate=140.0, depth_decay=1.5, horizon=1.0, n_steps=200
)
GUEANT = LimitOrderMarket(sigma=0.3, arrival_rate=0.9, depth_decay=0.3, horizon=600.0, n_steps=600)
CARTEA = LimitOrderMarket(sigma=0.1, arrival_rate=10.0, depth_decay=1.0, horizon=1.0, n_steps=100)


def dense_generator(diagonal: np.ndarray, coupling: float) -> np.ndarray:
    beside = np.full(diagonal.size - 1, coupling)
    return np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1)


# --- Avellaneda & Stoikov -------------------------------------------------------------------------------------------


def test_reservation_price_and_spread_worked_by_hand() -> None:
    assert reservation_price(AVELLANEDA_STOIKOV, 0.1, 100.0, 3, 0.5) == pytest.approx(99.4, abs=1e-12)
    assert total_spread(AVELLANEDA_STOIKOV, 0.1, 0.5) == pytest.approx(0.2 + 1.2907704, abs=1e-7)


def test_inventory_strategy_quotes_the_spread_around_the_reservation_price() -> None:
    bid, ask = avellaneda_stoikov(AVELLANEDA_STOIKOV, 0.1, np.array([-2, 0, 3]), 0.5)
    half_spread = (0.2 + 1.2907704) / 2
    assert bid == pytest.approx([half_spread - 0.4, half_spread, half_spread + 0.6], abs=1e-7)
    assert ask == pytest.approx([half_spread + 0.4, half_spread, half_spread - 0.6], abs=1e-7)


def test_symmetric_strategy_ignores_inventory() -> None:
    bid, ask = symmetric(AVELLANEDA_STOIKOV, 0.1, np.array([-7, 0, 7]), np.array([[1.0], [0.5]]))
    assert bid[1] == pytest.approx([0.7453852] * 3, abs=1e-7)
    np.testing.assert_array_equal(bid, ask)


def test_average_spread_of_the_paper() -> None:
    spread = total_spread(AVELLANEDA_STOIKOV, 0.1, AVELLANEDA_STOIKOV.time_left)
    assert spread.mean() == pytest.approx(1.492, abs=5e-4)


def test_symmetric_moments_of_the_paper() -> None:
    on_grid = symmetric_moments_on_grid(AVELLANEDA_STOIKOV, 0.1)
    assert on_grid == pytest.approx((68.021, 13.268, 8.401), abs=5e-4)
    assert symmetric_moments_poisson(AVELLANEDA_STOIKOV, 0.1) == pytest.approx(
        (68.026, 15.008, 9.585), abs=6e-4
    )


@pytest.mark.parametrize(("sigma", "gamma", "horizon"), [(2.0, 0.1, 1.0), (1.0, 0.7, 3.0), (0.0, 0.5, 2.0)])
def test_poisson_moments_against_quadrature(sigma: float, gamma: float, horizon: float) -> None:
    market = LimitOrderMarket(sigma, 30.0, 1.2, horizon)

    def distance(tau: float) -> float:
        return gamma * sigma**2 * tau / 2 + np.log(1 + gamma / 1.2) / gamma

    def integral(power: int, moment: int) -> float:
        return quad(
            lambda tau: 60 * np.exp(-1.2 * distance(tau)) * distance(tau) ** power * tau**moment, 0, horizon
        )[0]

    expected = (integral(1, 0), np.sqrt(integral(2, 0) + sigma**2 * integral(0, 1)), np.sqrt(integral(0, 0)))
    assert symmetric_moments_poisson(market, gamma) == pytest.approx(expected, rel=1e-9)


def test_grid_moments_tend_to_poisson_moments() -> None:
    fine = dataclasses.replace(AVELLANEDA_STOIKOV, n_steps=200_000)
    assert symmetric_moments_on_grid(fine, 0.1) == pytest.approx(
        symmetric_moments_poisson(fine, 0.1), rel=1e-3
    )


def test_poisson_counts_simulated_at_a_ten_thousandth() -> None:
    n_steps, n_paths, rng = 10_000, 1_500, np.random.default_rng(3)
    dt = 1 / n_steps
    distance = 0.2 * (1 - np.arange(n_steps) * dt) + 10 * np.log(1 + 0.1 / 1.5)
    arrivals = 140 * np.exp(-1.5 * distance) * dt
    profit, inventory = np.zeros(n_paths), np.zeros(n_paths)
    for gain, rate in zip(distance, arrivals, strict=True):
        bought, sold = rng.poisson(rate, (2, n_paths))
        inventory += bought - sold
        profit += gain * (bought + sold) + inventory * rng.normal(0, 2 * dt**0.5, n_paths)
    moments = symmetric_moments_poisson(AVELLANEDA_STOIKOV, 0.1)
    assert profit.mean() == pytest.approx(moments.profit_mean, abs=4.5 * profit.std() / n_paths**0.5)
    assert profit.std() == pytest.approx(moments.profit_std, abs=4.5 * error_of_deviation(profit))
    assert inventory.std() == pytest.approx(moments.inventory_std, abs=4.5 * error_of_deviation(inventory))


def error_of_deviation(sample: np.ndarray) -> float:
    return float(((sample - sample.mean()) ** 2).std() / (2 * sample.std() * sample.size**0.5))


# --- Gueant, Lehalle & Fernandez-Tapia ------------------------------------------------------------------------------

INVENTORIES = np.array([-5, -2, -1, 0, 1, 2, 5])
EIGENVECTOR_BIDS = [2.9725, 3.1768, 3.2449, 3.3130, 3.3812, 3.4493, 3.6535]
CLOSED_FORM_BIDS = [2.9736, 3.1772, 3.2450, 3.3129, 3.3808, 3.4486, 3.6522]


def test_stationary_table() -> None:
    bid, ask = glft_stationary(GUEANT, 0.01, 30)
    assert bid[INVENTORIES + 30] == pytest.approx(EIGENVECTOR_BIDS, abs=5e-4)
    assert ask[30 - INVENTORIES] == pytest.approx(EIGENVECTOR_BIDS, abs=5e-4)
    assert bid[-1] == ask[0] == np.inf


def test_asymptotic_table() -> None:
    bid, ask = glft_asymptotic(GUEANT, 0.01, INVENTORIES)
    assert bid == pytest.approx(CLOSED_FORM_BIDS, abs=1e-4)
    assert ask[::-1] == pytest.approx(CLOSED_FORM_BIDS, abs=1e-4)
    assert fill_margin(0.01, 0.3) == pytest.approx(3.2790, abs=5e-5)
    assert np.diff(bid)[1] == pytest.approx(0.06787, abs=5e-6)


def test_ten_minutes_are_as_good_as_for_ever() -> None:
    far = glft_distances(GUEANT, 0.01, 30, [600.0])
    assert far.bid_distance[0, 30] == pytest.approx(3.31305, abs=5e-6)
    np.testing.assert_allclose(
        far.bid_distance[0, 20:41], glft_stationary(GUEANT, 0.01, 30)[0][20:41], atol=1e-5
    )


def test_stationary_eigenvector_against_dense_solver() -> None:
    market, levels = LimitOrderMarket(0.4, 0.9, 0.3), np.arange(-8, 9)
    eta = 0.9 * (1 + 0.05 / 0.3) ** -(1 + 0.3 / 0.05)
    _, vectors = np.linalg.eigh(dense_generator(0.3 * 0.05 * 0.16 / 2 * levels**2, -eta))
    ground = np.abs(vectors[:, 0])
    expected = np.log(ground[:-1] / ground[1:]) / 0.3 + np.log(1 + 0.05 / 0.3) / 0.05
    np.testing.assert_allclose(glft_stationary(market, 0.05, 8).bid_distance[:-1], expected, rtol=1e-9)


def test_value_is_the_matrix_exponential() -> None:
    times, levels = np.array([0.3, 1.0, 0.0, 0.3]), np.arange(-6, 7)
    alpha, eta = 1.5 * 0.1 * 4 / 2, 140 * (1 + 0.1 / 1.5) ** -(1 + 1.5 / 0.1)
    generator = dense_generator(-alpha * levels**2, eta)
    expected = [np.log(expm(generator * tau).sum(axis=1)) / 1.5 for tau in times]
    np.testing.assert_allclose(
        glft_value(AVELLANEDA_STOIKOV, 0.1, 6, times), expected, rtol=1e-11, atol=1e-13
    )


def test_certainty_equivalent_of_continuous_theory() -> None:
    assert glft_value(AVELLANEDA_STOIKOV, 0.1, 60, [1.0])[0, 60] == pytest.approx(64.13, abs=5e-3)


def test_certainty_equivalent_does_not_depend_on_a_remote_bound() -> None:
    near, far = (glft_value(AVELLANEDA_STOIKOV, 1.0, bound, [1.0])[0, bound] for bound in (40, 100))
    assert near == pytest.approx(far, abs=1e-9)


def test_tails_keep_their_digits() -> None:
    bound, tau = 20, 0.05
    levels = range(-bound, bound + 1)
    expected = decimal_series([-12 * q**2 for q in levels], 140 * (1 + 1 / 1.5) ** -2.5, tau)
    value = glft_value(LimitOrderMarket(4.0, 140.0, 1.5), 1.0, bound, [tau])[0]
    np.testing.assert_allclose(value, np.array(expected) / 1.5, rtol=0, atol=1e-11)
    assert 1.5 * (value[bound] - value[0]) > 40  # at the edge a sum of doubles would have lost every digit


def decimal_series(diagonal: list[int], coupling: float, tau: float) -> list[float]:
    # ln(exp(B tau) 1) by the plain alternating Taylor series in 250 digits.
    with localcontext() as context:
        context.prec = 250
        beside, time = Decimal(coupling), Decimal(tau)
        term = [Decimal(1)] * len(diagonal)
        total, order = term, 0
        while max(map(abs, term)) > Decimal("1e-100"):
            order += 1
            edged = [Decimal(0), *term, Decimal(0)]
            term = [
                time / order * (beside * (edged[i] + edged[i + 2]) + pull * edged[i + 1])
                for i, pull in enumerate(diagonal)
            ]
            total = [x + y for x, y in zip(total, term, strict=True)]
        return [float(x.ln()) for x in total]


# --- Cartea & Jaimungal ---------------------------------------------------------------------------------------------

DEPTHS = [0.1772, 0.4997, 0.8321, 1.1679, 1.5003, 1.8228, 2.1305]  # of the bid at q = -3..3, half-way


def test_value_and_depths_of_the_learning_notebook() -> None:
    assert cartea_jaimungal_value(CARTEA, 0.5, 0.001, 20, [1.0])[0, 20] == pytest.approx(6.3806, abs=5e-5)
    bid, ask = cartea_jaimungal_distances(CARTEA, 0.5, 0.001, 20, [0.5])
    assert bid[0, 17:24] == pytest.approx(DEPTHS, abs=1e-4)
    assert ask[0, 17:24] == pytest.approx(DEPTHS[::-1], abs=1e-4)


def test_penalised_value_is_the_matrix_exponential() -> None:
    levels = np.arange(-5, 6)
    start = np.exp(-0.05 * 2.0 * levels**2)
    generator = dense_generator(-0.3 * 2.0 * levels**2, 7.0 / np.e)
    expected = np.log(expm(generator * 0.8) @ start) / 2.0
    market = LimitOrderMarket(1.0, 7.0, 2.0)
    np.testing.assert_allclose(cartea_jaimungal_value(market, 0.3, 0.05, 5, 0.8)[0], expected, rtol=1e-11)


def test_at_the_horizon_only_the_terminal_penalty_remains() -> None:
    value = cartea_jaimungal_value(CARTEA, 0.5, 10.0, 20, [0.0])
    np.testing.assert_array_equal(value[0], -10.0 * np.arange(-20, 21) ** 2)


def test_a_moment_before_the_horizon_a_ruinous_penalty_is_fled() -> None:
    # The likeliest way from q to 0 in a time too short for more: q fills in a row, omega = (A tau / e)^q / q!.
    held = np.arange(21)
    value = cartea_jaimungal_value(CARTEA, 0.5, 1e4, 20, [1e-9])
    expected = held * np.log(10 * 1e-9 / np.e) - gammaln(held + 1)
    np.testing.assert_allclose(value[0, 20:], expected, rtol=1e-9, atol=1e-6)


def test_without_penalties_the_optimum_is_one_over_k() -> None:
    market = dataclasses.replace(CARTEA, sigma=0.0)
    bid, ask = cartea_jaimungal_distances(market, 0.0, 0.0, 60, market.time_left)
    np.testing.assert_allclose(bid[:, 55:66], 1.0, atol=1e-12)
    np.testing.assert_allclose(ask[:, 55:66], 1.0, atol=1e-12)
    assert cartea_jaimungal_value(market, 0.0, 0.0, 60, 1.0)[0, 60] == pytest.approx(7.3576, abs=5e-5)


def test_without_arrivals_inventory_only_costs() -> None:
    levels = np.arange(-4, 5)
    value = cartea_jaimungal_value(LimitOrderMarket(1.0, 0.0, 2.0), 0.5, 0.1, 4, [2.0])
    np.testing.assert_allclose(value[0], -(0.5 * 2.0 + 0.1) * levels**2, rtol=1e-12, atol=1e-12)


def test_vanishing_risk_aversion_is_risk_neutral() -> None:
    nearly = glft_value(AVELLANEDA_STOIKOV, 1e-7, 20, [1.0])
    np.testing.assert_allclose(
        nearly, cartea_jaimungal_value(AVELLANEDA_STOIKOV, 0.0, 0.0, 20, [1.0]), atol=1e-4
    )


def test_table_rows_are_steps_and_columns_inventories() -> None:
    quotes = tabulate(
        dataclasses.replace(AVELLANEDA_STOIKOV, n_steps=4), 2, lambda q, tau: Quotes(10 * tau + q, 0 * tau)
    )
    np.testing.assert_allclose(
        quotes.bid_distance[:, :4], 10 * np.array([[1], [0.75], [0.5], [0.25]]) + [-2, -1, 0, 1]
    )
    assert np.all(quotes.bid_distance[:, 4] == np.inf)
    assert np.all(quotes.ask_distance[:, 0] == np.inf)
    assert np.all(quotes.ask_distance[:, 1:] == 0)


def test_fill_probability_is_capped_and_nought_without_a_quote() -> None:
    probability = AVELLANEDA_STOIKOV.fill_probability([1.0, -1e4, np.inf])
    assert probability == pytest.approx([0.7 * np.exp(-1.5), 1.0, 0.0], rel=1e-12)
    assert np.all(
        dataclasses.replace(AVELLANEDA_STOIKOV, arrival_rate=0.0).fill_probability([-1e4, 1.0]) == 0
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [("sigma", -1.0), ("arrival_rate", np.nan), ("depth_decay", 0.0), ("horizon", np.inf), ("n_steps", 2.5)],
)
def test_market_refuses_nonsense(name: str, value: float) -> None:
    with pytest.raises(InvalidParameter, match=name):
        dataclasses.replace(AVELLANEDA_STOIKOV, **{name: value})


def test_theory_refuses_nonsense() -> None:
    with pytest.raises(InvalidParameter, match="gamma"):
        total_spread(AVELLANEDA_STOIKOV, 0.0, 1.0)
    with pytest.raises(InvalidParameter, match="max_inventory"):
        glft_value(AVELLANEDA_STOIKOV, 0.1, 0, [1.0])
    with pytest.raises(InvalidParameter, match="time_left"):
        glft_value(AVELLANEDA_STOIKOV, 0.1, 5, [-0.1])
    with pytest.raises(InvalidParameter, match="terminal_penalty"):
        cartea_jaimungal_value(CARTEA, 0.5, -1.0, 5, [1.0])
