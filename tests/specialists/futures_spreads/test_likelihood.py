"""The curve's likelihood against the joint normal density, and what it recovers of curves that are known."""

import math

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from fund.market.history import History
from fund.market.streams import Paths
from fund.market.term_structure import SchwartzSmith
from fund.market.weather import Weather
from specialists.futures_spreads import market
from specialists.futures_spreads.calibration import of_panel
from specialists.futures_spreads.likelihood import NAMES, Panel, by_row, drawn, estimates, panel_of
from specialists.futures_spreads.strategy import FuturesSpreads

CURVE = SchwartzSmith(0.9, 0.286, 0.08, -0.0125, 0.145, 0.0005, 0.3, premium_slope=0.6)
TRUTH = {
    "kappa": 0.9, "kappa_q": 1.5, "sigma_chi": 0.286, "sigma_xi": 0.145, "rho": 0.3, "lambda_chi": 0.08,
    "mu_xi": -0.0125, "mu_xi_star": 0.0005, "mispricing_kappa": 12.0, "mispricing_sigma": 0.05, "noise": 0.001,
}  # fmt: skip
VALUES = np.array([TRUTH[name] for name in NAMES])
ELSEWHERE = {**TRUTH, "kappa": 1.6, "kappa_q": 1.1, "lambda_chi": 0.16, "sigma_chi": 0.4, "rho": 0.0}


def panel_of_curve(seed, years=10, ranks=(1, 5, 9)):
    """Contracts of a curve with a mispriced first one, drawn here, not by the code under test."""
    generator, rows, dt = np.random.default_rng(seed), 252 * years, 1.0 / 252.0
    start = CURVE.sigma_chi / math.sqrt(2.0 * CURVE.kappa) * generator.standard_normal(1)
    chi, xi = CURVE.paths(generator.standard_normal((rows - 1, 2, 1)), dt, start, math.log(60.0))
    kept, gap = math.exp(-12.0 * dt), [0.05 / math.sqrt(24.0) * generator.standard_normal()]
    for z in generator.standard_normal(rows - 1):
        gap.append(kept * gap[-1] + 0.05 * math.sqrt((1.0 - kept**2) / 24.0) * z)
    phase = (np.arange(rows) + 5) % 21
    maturity = np.stack([(21 * rank + 5 - phase) / 252.0 for rank in ranks], axis=1)
    logs = CURVE.log_futures(chi, xi, maturity) + 0.001 * generator.standard_normal(maturity.shape)
    logs[:, 0] += gap
    return Panel(logs, maturity, np.full(rows, dt))


def test_the_filter_is_the_joint_density():
    # every price is a linear form of normals: mean and covariance over rows and contracts at once
    steps = np.array([0.0, 0.004, 0.004, 0.05, 0.004])
    years = np.array([[0.08, 0.4, 0.9]] * 5) - np.cumsum(steps)[:, None]
    logs = np.log(60.0) + 0.1 * np.random.default_rng(0).standard_normal((5, 3))
    logs[1, 2] = logs[3, 0] = np.nan
    time = np.cumsum(steps)
    apart, first = np.abs(np.subtract.outer(time, time)), np.minimum.outer(time, time)
    chi = 0.286**2 / 1.8 * np.exp(-0.9 * apart)
    gap = 0.05**2 / 24.0 * np.exp(-12.0 * apart)
    # Cov(chi_s, xi_t) is what both gathered up to the earlier of both, as chi forgot it since
    behind = time[:, None] - first  # of chi's row, since the earlier one
    cross = 0.3 * 0.286 * 0.145 / 0.9 * (np.exp(-0.9 * behind) - np.exp(-0.9 * time[:, None]))
    load = np.exp(-1.5 * years)
    size = np.zeros((5, 3, 5, 3))
    for s in range(5):
        for t in range(5):
            for i in range(3):
                for j in range(3):
                    xi = 4.0 + 0.145**2 * first[s, t]
                    both = load[s, i] * cross[s, t] + load[t, j] * cross[t, s]
                    size[s, i, t, j] = load[s, i] * load[t, j] * chi[s, t] + xi + both
                    size[s, i, t, j] += gap[s, t] * (i == 0) * (j == 0) + 1e-6 * ((s, i) == (t, j))
    mean = logs[0, 0] - 0.0125 * time[:, None] + CURVE.intercept(years)
    seen = np.isfinite(logs).ravel()
    wanted = multivariate_normal.logpdf(
        logs.ravel()[seen], mean.ravel()[seen], size.reshape(15, 15)[np.ix_(seen, seen)]
    )
    assert by_row(Panel(logs, years, steps), VALUES).sum() == pytest.approx(wanted, rel=1e-9)


def test_drawn_panels_have_the_curves_moments():
    panel = panel_of_curve(0, years=2)
    panel.logs[7, 1] = np.nan
    found = [drawn(panel, VALUES, seed) for seed in range(400)]
    assert np.isnan(found[0].logs[7, 1])
    assert not np.array_equal(found[0].logs, found[1].logs, equal_nan=True)
    last = np.array([one.logs[-1] - one.logs[0] for one in found])
    moved = panel.length
    # between the first and the last row: what xi, chi and the mispricing gather
    far, near = (np.exp(-1.5 * panel.years[row]) for row in (-1, 0))
    once = 0.286**2 / 1.8
    chi = once * (far**2 + near**2 - 2.0 * far * near * math.exp(-0.9 * moved))
    cross = 2.0 * far * 0.3 * 0.286 * 0.145 / 0.9 * -math.expm1(-0.9 * moved)
    gap = np.array([2.0 * 0.05**2 / 24.0, 0.0, 0.0])
    wanted = chi + cross + gap + 0.145**2 * moved + 2e-6
    np.testing.assert_allclose(last.var(axis=0), wanted, rtol=4.0 * math.sqrt(2.0 / 400.0))


def test_a_curve_is_recovered_within_its_errors():
    found = estimates(panel_of_curve(3), ELSEWHERE, 5)
    for name, value in {**TRUTH, "premium_slope": 0.6}.items():
        assert abs(found.values[name] - value) < 4.0 * found.errors[name], name
    assert found.errors["kappa_q"] < 0.1  # the curve's bend tells it
    assert 0.2 < found.errors["kappa"] < 0.9  # ten years hold a dozen half-lives of chi, no more


@pytest.mark.slow
@pytest.mark.acceptance
def test_the_bias_of_the_speed_is_taken_off():
    # of a slow chi, by itself, kappa comes out a third too high in ten years
    found = np.array([estimates(panel_of_curve(seed), TRUTH).values["kappa"] for seed in range(100, 116)])
    assert abs(found.mean() - 0.9) < 4.0 * found.std() / math.sqrt(len(found))
    assert found.std() < 0.7


def own_panel(desk, seed):
    """Three contracts of the desk's own market: near, far, and one four months later under the same draws."""
    paths = Paths.of(seed, 1)
    sky = Weather(
        **{name: values.T.copy() for name, values in vars(desk.sky(paths, desk.n_steps, None)).items()}
    )
    later = desk.with_parameters(far_contract=9)
    one, other = (
        market.draw(some, market.model(some), market.calendar(some), paths, sky) for some in (desk, later)
    )
    rows, days = one.near_new.shape[1], market.calendar(desk)
    phase = (one.day[0, 0] + np.arange(rows) + days.roll) % days.period
    ranks = (desk.near_contract, desk.far_contract, 9)
    years = np.stack([(rank * days.period + days.roll - phase) / 252.0 for rank in ranks], axis=1)
    logs = np.log(np.stack([one.near_new[0], one.far_new[0], other.far_new[0]], axis=1))
    return Panel(logs, years, np.full(rows, 1.0 / 252.0))


@pytest.mark.slow
def test_the_market_is_recovered_from_its_own_output_under_the_weather():
    truth = {"kappa": 1.4, "premium_slope": 0.4, "lambda_chi": 0.2, "mu_xi": 0.03, "premium_scale": 1.0}
    desk = FuturesSpreads(**truth).with_steps(252 * 15)
    found = of_panel(own_panel(desk, 5), FuturesSpreads(premium_scale=1.0))
    for name, (value, error) in found.items():
        assert abs(value - truth.get(name, getattr(desk, name))) < 4.0 * error, name


def chain(**changed):
    days = np.array([0, 1, 2, 5, 15]) * 86_400_000_000
    columns = {
        "near": [10.0, 11.0, 12.0, 13.0, 14.0], "far": [20.0] * 5, "near_in": [10.0, 11.0, 12.0, 13.0, 14.0],
        "far_in": [20.0] * 5, "open": [1.0, 1.0, 0.0, 1.0, 1.0], "far_gap": [0.5] * 5,
        "third": [30.0, 29.0, 30.0, 31.0, 26.0], "third_gap": [1.0, 1.0, 1.0, 2.0, 1.0],
        "to_delivery": [0.3, 0.2, 0.1, 0.05, -0.01],
    } | changed  # fmt: skip
    return History(tuple(columns), np.column_stack(list(columns.values())), days, "", "a chain")


def test_a_panel_by_hand():
    found = panel_of(chain())
    wanted = [
        [10.0, 20.0, np.nan],  # the third is the legs' line
        [11.0, 20.0, np.nan],
        [np.nan, np.nan, np.nan],  # closed
        [13.0, 20.0, 31.0],
        [14.0, 20.0, np.nan],
    ]
    np.testing.assert_allclose(np.exp(found.logs), wanted)
    np.testing.assert_allclose(
        found.years[[0, 3, 4]], [[0.3, 0.8, 1.3], [0.05, 0.55, 2.05], [0.0, 0.49, 0.99]]
    )
    # a week-end is no hole; ten days are
    np.testing.assert_allclose(found.steps[1:], [1 / 252, 1 / 252, 1 / 252, 10 / 365.25])


def test_records_that_are_no_panel():
    assert panel_of(chain(near_in=[10.0, -37.0, 12.0, 13.0, 14.0])) is None
    whole = chain()
    assert panel_of(whole.select(("near", "far"))) is None
