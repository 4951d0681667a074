"""The observation's market slots against slow plain twins."""

from __future__ import annotations

import numpy as np
import pytest

from fund.market.streams import Paths
from specialists.factor_tracking import market
from specialists.factor_tracking.features import FACTORS, FEATURES, WARM_UP, Past, checked, empty, fill
from specialists.factor_tracking.strategy import FactorTracking

USUAL = np.array([0.006, 0.012, 0.0046])


@pytest.fixture(scope="module")
def recorded():
    steps, n = 50, 3
    rng = np.random.default_rng(4)
    returns = 0.01 * rng.standard_normal((WARM_UP + steps, 3, n))
    whole = 0.01 * rng.standard_normal((WARM_UP + steps, n))
    past = Past(returns, whole, rng.standard_normal((WARM_UP + steps + 1, 3, n)))
    tape = empty(steps, n)
    fill(tape, slice(0, n), past, USUAL)
    return past, checked(tape)


def test_names_stand_in_the_order_decided():
    per_factor = ("return_1", "return_20", "valuation_z", "momentum_60", "volatility_20", "weight")
    wanted = [f"{factor}_{name}" for factor in ("value", "momentum", "quality") for name in per_factor]
    wanted += ["correlation_value_momentum", "correlation_value_quality", "correlation_momentum_quality"]
    wanted += [
        "portfolio_volatility",
        "turnover",
        "days_to_rebalance",
        "market_return_20",
        "market_volatility",
    ]
    assert list(FEATURES) == [*wanted, "drawdown", "pnl"]
    assert len(FactorTracking.features) == 28


def test_factor_slots_are_those_of_the_plain_twin(recorded):
    past, tape = recorded
    for row in (0, 1, 23, 50):
        for k, factor in enumerate(FACTORS):
            r = past.returns[: WARM_UP + row, k]  # known at this row
            twin = {
                "return_1": r[-1] / USUAL[k],
                "return_20": r[-20:].sum(axis=0) / (USUAL[k] * np.sqrt(20)),
                "valuation_z": past.valuation[WARM_UP + row, k],
                "momentum_60": r[-60:].sum(axis=0) / (USUAL[k] * np.sqrt(60)),
                "volatility_20": np.sqrt((r[-20:] ** 2).mean(axis=0)) / USUAL[k],
            }
            for name, wanted in twin.items():
                found = tape.features[row, :, FEATURES.index(f"{factor}_{name}")]
                np.testing.assert_allclose(found, wanted, rtol=2e-6, err_msg=f"{factor}_{name}, row {row}")
            yearly = np.sqrt((r[-20:] ** 2).mean(axis=0) * 252)
            np.testing.assert_allclose(tape[f"{factor}_volatility"][row], yearly, rtol=1e-9)


def test_market_slots_and_correlations_are_those_of_the_plain_twin(recorded):
    past, tape = recorded
    daily = 0.16 / np.sqrt(252)
    pairs = {"value_momentum": (0, 1), "value_quality": (0, 2), "momentum_quality": (1, 2)}
    for row in (0, 7, 50):
        m = past.market[: WARM_UP + row][-20:]
        at = {name: tape.features[row, :, FEATURES.index(name)] for name in FEATURES}
        np.testing.assert_allclose(at["market_return_20"], m.sum(axis=0) / (daily * np.sqrt(20)), rtol=2e-6)
        np.testing.assert_allclose(at["market_volatility"], np.sqrt((m**2).mean(axis=0)) / daily, rtol=2e-6)
        r = past.returns[: WARM_UP + row][-60:]
        for name, (a, b) in pairs.items():
            product = (r[:, a] * r[:, b]).sum(axis=0)
            wanted = product / np.sqrt((r[:, a] ** 2).sum(axis=0) * (r[:, b] ** 2).sum(axis=0))
            np.testing.assert_allclose(at[f"correlation_{name}"], wanted, rtol=1e-5, atol=1e-7)


def test_indices_cumulate_the_returns(recorded):
    past, tape = recorded
    for k, factor in enumerate(FACTORS):
        wanted = 100.0 * np.cumprod(1.0 + past.returns[WARM_UP:, k], axis=0)
        np.testing.assert_allclose(tape[factor][1:], wanted, rtol=1e-12)
        np.testing.assert_array_equal(tape[factor][0], 100.0)
    np.testing.assert_allclose(
        tape["market"][1:], 100.0 * np.cumprod(1.0 + past.market[WARM_UP:], axis=0), rtol=1e-12
    )


def test_factor_that_stands_still_is_not_bought_without_limit():
    past = Past(np.zeros((WARM_UP + 2, 3, 1)), np.zeros((WARM_UP + 2, 1)), np.zeros((WARM_UP + 3, 3, 1)))
    tape = empty(2, 1)
    fill(tape, slice(0, 1), past, USUAL)
    assert tape["value_volatility"][0, 0] == pytest.approx(0.2 * USUAL[0] * np.sqrt(252))
    assert np.isfinite(checked(tape).block).all()


def test_default_market_is_seen_in_units_of_order_one():
    desk = FactorTracking(n_steps=100)
    tape = desk.record(Paths.of(0, 200))
    seen = tape.features.reshape(-1, len(FEATURES)).std(axis=0)
    own = {FEATURES.index(name) for name in desk.step.own._fields}
    rest = [k for k in range(len(FEATURES)) if k not in own]
    assert np.all((seen[rest] > 0.1) & (seen[rest] < 3.0))
    assert market.premia(desk).usual[0] == pytest.approx(0.02846 / np.sqrt(21))
