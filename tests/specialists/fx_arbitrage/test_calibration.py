"""The triangle's market recovered from its own tapes, and fitted to daily rates and interest."""

import math

import pytest

from fund.calibration.calibrate import fitted
from fund.calibration.calibration import calibration_of
from fund.calibration.records import Files, recorded
from fund.errors import DataError
from fund.market.stylised_facts import returns_of
from specialists import ROSTER
from tests.specialists.recovery import recovered

SPEC = ROSTER["fx_arbitrage"]
PAIRS = ("EURUSD", "USDJPY", "EURJPY")


def files(shared_data, *more):
    daily = [str(shared_data / f"fx/daily/{pair}d1.csv.gz") for pair in PAIRS]
    return Files((*daily, *(str(shared_data / name) for name in more)))


def test_recovers_its_own_parameters():
    truth = {"base_volatility": 0.1, "correlation": 0.6, "uip_beta": 0.5, "base_differential": -0.01}
    fit = recovered("fx_arbitrage", truth, 1500)
    assert fit.standard_errors["base_volatility"] < 0.2 * 0.1
    assert (
        fit.standard_errors["uip_beta"] > 0.3
    )  # six years of carry do not tell it well, and the error says so


def test_daily_rates_and_interest(shared_data):
    calibration = calibration_of(SPEC)
    interest = "rates/oecd_short_term_interest_4.csv.gz"
    desk, tape = recorded(calibration, SPEC, SPEC.cls(), files(shared_data, interest))
    given, fit = fitted(calibration, SPEC.cls(), desk, tape, 16)
    assert given["base_price"] == pytest.approx(tape["base"][-1, 0])
    assert 0.0 < given["home_rate"] < 0.05
    assert "base_home_half_spread" not in given  # bars without asks
    for leg in ("base", "terms"):
        sample = math.sqrt(252.0 * float((returns_of(tape[leg]) ** 2).mean()))
        assert 0.6 * sample < fit.parameters[f"{leg}_volatility"] < 1.1 * sample  # of the normal regime
    assert fit.parameters["terms_differential"] < 0.0  # yen paid less than the dollar


def test_missing_interest_is_refused_in_one_line(shared_data):
    with pytest.raises(DataError, match="no interest rates for EUR, USD, JPY"):
        recorded(calibration_of(SPEC), SPEC, SPEC.cls(), files(shared_data))
