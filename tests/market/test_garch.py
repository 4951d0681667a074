"""GARCH: closed forms, a plain twin, the long run of the simulator, likelihood against truth and against arch."""

import math

import numpy as np
import pytest

from fund.errors import DataError, InvalidParameter
from fund.market.garch import Garch, _likelihood, fit

PAPER = Garch(0.01, 0.09, 0.90)


def test_closed_forms_of_the_papers():
    # PAPERS 11.2: a = .09, b = .90; and DEM/GBP of Bollerslev and Ghysels
    assert PAPER.kurtosis == pytest.approx(16.14, abs=0.005)
    assert PAPER.square_autocorrelation(1) == pytest.approx(0.3504, abs=5e-5)
    assert PAPER.square_autocorrelation(3) == pytest.approx(0.35036 * 0.99**2, abs=1e-4)
    pound = Garch(0.0107613, 0.153134, 0.805974)
    assert pound.persistence == pytest.approx(0.9591, abs=5e-5)
    assert pound.variance == pytest.approx(0.2632, abs=5e-4)
    assert pound.kurtosis == pytest.approx(7.24, abs=0.005)


def test_plain_twin():
    model = Garch(0.02, 0.03, 0.85, 0.1, mu=0.001)
    shocks = np.random.default_rng(0).standard_normal((50, 2))
    found = model.returns(shocks)
    for path in range(2):
        heat = model.variance
        for t in range(50):
            move = math.sqrt(heat) * shocks[t, path]
            assert found[t, path] == pytest.approx(0.001 + move, rel=1e-12)
            weight = model.arch + (model.asymmetry if move < 0.0 else 0.0)
            heat = model.omega + weight * move**2 + model.garch * heat


def test_likelihood_by_hand():
    # two returns of a constant variance: sum of ln pdf, of a normal and of a t with 5 degrees of unit variance
    x = np.array([0.3, -1.2])
    normal = sum(-0.5 * math.log(2 * math.pi) - 0.5 * v * v for v in x)
    assert _likelihood(1.0, 0.0, 0.0, 0.0, 1e6, x) == pytest.approx(normal)
    from scipy.stats import t

    scale = math.sqrt(3.0 / 5.0)
    assert _likelihood(1.0, 0.0, 0.0, 0.0, 5.0, x) == pytest.approx(t(5, scale=scale).logpdf(x).sum())


def test_sf_3_long_run_of_the_simulator():
    shocks = np.random.default_rng(11).standard_normal((500_000, 4))  # 2e6 in all, over four paths
    r = PAPER.returns(shocks)
    x = r**2
    around = x - x.mean()
    rho = float((around[1:] * around[:-1]).sum() / (around**2).sum())
    assert rho == pytest.approx(0.350, abs=0.06)
    assert x.mean() == pytest.approx(PAPER.omega / (1.0 - PAPER.persistence), rel=0.02)


def test_sf_6_fits_recover_alpha_and_beta():
    shocks = np.random.default_rng(5).standard_normal((4000, 20))
    fits = [fit(path, student=False, leverage=False) for path in PAPER.returns(shocks).T]
    assert np.median([f.model.arch for f in fits]) == pytest.approx(0.09, abs=0.03)
    assert np.median([f.model.garch for f in fits]) == pytest.approx(0.90, abs=0.04)
    # the stated errors are what the estimates scatter by; of 20 draws a deviation is known to 16 %
    z = np.array([(f.model.arch - 0.09) / f.standard_errors["arch"] for f in fits])
    assert 1.0 - 4 * 0.16 < z.std() < 1.0 + 4 * 0.16


def test_fit_of_leverage_and_tails_against_arch():
    arch = pytest.importorskip("arch")
    generator = np.random.default_rng(2)
    model = Garch(0.02, 0.03, 0.88, 0.12, 7.0)
    r = model.returns(generator.standard_t(7, (3000, 1)) * math.sqrt(5.0 / 7.0))[:, 0]
    found = fit(r)
    theirs = arch.arch_model(r - r.mean(), mean="Zero", p=1, o=1, q=1, dist="t").fit(disp="off")
    names = ("arch", "asymmetry", "garch", "freedom")
    ours = [getattr(found.model, name) for name in names]
    wanted = theirs.params[["alpha[1]", "gamma[1]", "beta[1]", "nu"]].to_numpy()
    errors = theirs.std_err[["alpha[1]", "gamma[1]", "beta[1]", "nu"]].to_numpy()
    # they start the variance elsewhere: a tenth of an error
    assert (np.abs(ours - wanted) < 0.25 * errors).all()
    stated = np.array([found.standard_errors[name] for name in names])
    np.testing.assert_allclose(stated, errors, rtol=0.3)  # theirs are robust ones
    assert (np.abs(ours - np.array([0.03, 0.12, 0.88, 7.0])) < 4 * stated).all()


def test_refusals():
    with pytest.raises(DataError, match="wanted 250 or more"):
        fit(np.ones(100))
    with pytest.raises(InvalidParameter, match="omega above 0"):
        Garch(0.0, 0.1, 0.8)
