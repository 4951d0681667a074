"""The projection on the mandate: feasible to 1e-12, nearest by certificate, against scipy, and worked by hand."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit
from scipy.optimize import linprog, minimize

from allocator.projection import check_bounds, fill, project
from fund.errors import InvalidParameter

EXACT = 1e-12
BOUNDS = {1: (0.0, 1.0), 2: (0.1, 0.7), 3: (0.05, 0.4), 7: (0.05, 0.4)}


def projected(target, previous, floor, cap, max_turnover, cash_allowed=False):
    out = np.empty(len(target))
    project(
        np.asarray(target, float), np.asarray(previous, float), floor, cap, max_turnover, cash_allowed, out
    )
    return out


def least_turnover(previous, floor, cap, cash_allowed):
    """The least sum |w - previous| over the allowed weights, by linear programming in (w, |w - previous|)."""
    n = len(previous)
    eye, one, zero = np.eye(n), np.ones((1, n)), np.zeros((1, n))
    rows, limits = np.block([[eye, -eye], [-eye, -eye]]), np.concatenate([previous, -previous])
    equal, total = np.hstack([one, zero]), np.ones(1)
    if cash_allowed:
        rows, limits = np.vstack([rows, equal]), np.append(limits, 1.0)
        equal, total = None, None
    cost = np.concatenate([np.zeros(n), np.ones(n)])
    bounds = [(floor, cap)] * n + [(0.0, None)] * n
    return linprog(cost, rows, limits, equal, total, bounds).fun


def regret(target, weights, previous, floor, cap, turnover, cash_allowed):
    """max over allowed v of (target - weights).(v - weights): zero if and only if `weights` is the projection."""
    n, pull = len(target), target - weights
    eye, one, zero = np.eye(n), np.ones((1, n)), np.zeros((1, n))
    rows = np.block([[eye, -eye], [-eye, -eye], [zero, one]])
    limits = np.concatenate([previous, -previous, [turnover]])
    equal, total = np.hstack([one, zero]), np.ones(1)
    if cash_allowed:
        rows, limits = np.vstack([rows, equal]), np.append(limits, 1.0)
        equal, total = None, None
    bounds = [(floor, cap)] * n + [(0.0, None)] * n
    best = linprog(np.concatenate([-pull, np.zeros(n)]), rows, limits, equal, total, bounds)
    assert best.status == 0
    return -best.fun - pull @ weights


def check(target, previous, floor, cap, max_turnover, cash_allowed):
    target, previous = np.asarray(target, float), np.asarray(previous, float)
    weights = projected(target, previous, floor, cap, max_turnover, cash_allowed)
    turnover = max(max_turnover, least_turnover(previous, floor, cap, cash_allowed))
    assert weights.min() >= floor and weights.max() <= cap
    assert weights.sum() <= 1.0 + EXACT
    assert cash_allowed or weights.sum() >= 1.0 - EXACT
    assert np.abs(weights - previous).sum() <= turnover + EXACT * max(1.0, np.abs(previous).sum())
    scale = max(1.0, np.abs(target).max())
    # The solver of the certificate is good to 1e-7; a hair of room keeps it from calling a tight problem infeasible.
    assert regret(target, weights, previous, floor, cap, turnover + 1e-9, cash_allowed) <= 1e-7 * scale
    return weights


def cases(n, count, seed):
    rng = np.random.default_rng(seed)
    for _ in range(count):
        target = rng.normal(0, rng.choice([0.05, 0.3, 2.0]), n) + 1 / n
        previous = rng.dirichlet(np.full(n, rng.choice([0.3, 3.0, 50.0]))) * rng.choice([0.6, 1.0, 1.05])
        yield target, previous, float(rng.choice([0.0, 0.01, 0.1, 0.5, 2.0]))


@pytest.mark.parametrize("cash_allowed", [False, True])
@pytest.mark.parametrize("n", [1, 2, 3, 7])
def test_nearest_allowed_weights(n, cash_allowed):
    for target, previous, max_turnover in cases(n, 60, seed=n):
        check(target, previous, *BOUNDS[n], max_turnover, cash_allowed)


@settings(max_examples=60, deadline=None)
@given(data=st.data(), n=st.sampled_from([1, 3, 7]), cash_allowed=st.booleans())
def test_nearest_allowed_weights_of_anything(data, n, cash_allowed):
    number = st.floats(-3.0, 3.0).map(lambda x: round(x, 6))
    target = data.draw(st.lists(number, min_size=n, max_size=n))
    previous = data.draw(st.lists(st.floats(0.0, 1.0).map(lambda x: round(x, 6)), min_size=n, max_size=n))
    floor = data.draw(st.floats(0.0, 1.0 / n))
    cap = data.draw(st.floats(1.0 / n, 1.0))
    max_turnover = data.draw(st.sampled_from([0.0, 0.05, 0.5, 1.0, 2.0]))
    check(target, previous, floor, cap, max_turnover, cash_allowed)


@settings(max_examples=200, deadline=None)
@given(data=st.data(), n=st.sampled_from([1, 3, 7]), cash_allowed=st.booleans())
def test_bounds_hold_for_targets_of_any_size(data, n, cash_allowed):
    target = data.draw(st.lists(st.floats(-1e9, 1e9), min_size=n, max_size=n))
    previous = data.draw(st.lists(st.floats(0.0, 2.0), min_size=n, max_size=n))
    floor, cap = BOUNDS[n]
    weights = projected(target, previous, floor, cap, 0.5, cash_allowed)
    assert weights.min() >= floor and weights.max() <= cap
    assert weights.sum() <= 1 + EXACT and (cash_allowed or weights.sum() >= 1 - EXACT)
    clipped = np.clip(previous, floor, cap)
    excess = max(clipped.sum() - 1, 0.0) if cash_allowed else abs(clipped.sum() - 1)
    allowed = max(0.5, np.abs(clipped - previous).sum() + excess)
    assert np.abs(weights - previous).sum() <= allowed + EXACT


def by_slsqp(target, previous, floor, cap, max_turnover, cash_allowed):
    n = len(target)  # in purchases and sales, which are smooth
    total = {
        "type": "ineq" if cash_allowed else "eq",
        "fun": lambda z: 1.0 - np.sum(previous + z[:n] - z[n:]),
    }
    rules = [
        total,
        {"type": "ineq", "fun": lambda z: max_turnover - z.sum()},
        {"type": "ineq", "fun": lambda z: previous + z[:n] - z[n:] - floor},
        {"type": "ineq", "fun": lambda z: cap - (previous + z[:n] - z[n:])},
    ]
    start = np.zeros(2 * n)
    found = minimize(
        lambda z: 0.5 * np.sum((previous + z[:n] - z[n:] - target) ** 2),
        start,
        method="SLSQP",
        bounds=[(0.0, 2.0)] * (2 * n),
        constraints=rules,
        options={"ftol": 1e-14, "maxiter": 500},
    )
    return previous + found.x[:n] - found.x[n:]


@pytest.mark.parametrize("cash_allowed", [False, True])
@pytest.mark.parametrize("n", [3, 7])
def test_agrees_with_slsqp(n, cash_allowed):
    rng, (floor, cap) = np.random.default_rng(17), BOUNDS[n]
    for _ in range(15):
        held = projected(rng.dirichlet(np.ones(n)), np.full(n, 1 / n), floor, cap, 2.0)
        target = rng.normal(1 / n, 0.2, n)
        ours = projected(target, held, floor, cap, 0.2, cash_allowed)
        np.testing.assert_allclose(ours, by_slsqp(target, held, floor, cap, 0.2, cash_allowed), atol=2e-6)


def test_an_allowed_target_is_kept():
    target = np.array([0.1, 0.3, 0.35, 0.25])
    np.testing.assert_allclose(projected(target, np.full(4, 0.25), 0.05, 0.4, 0.5), target, atol=1e-15)
    with_cash = np.array([0.1, 0.1, 0.1, 0.1])
    np.testing.assert_array_equal(projected(with_cash, np.full(4, 0.2), 0.05, 0.4, 0.5, True), with_cash)


def test_by_hand_bounds_bind():
    # Shifting by nu = .2 leaves .8 - .2 > .4 at the cap, .5 - .2 = .3, .5 - .2 = .3, and 0 - .2 at the floor: sum 1 at
    # floor 0. Clip-and-renormalise would give .4, .4, .4, 0 over 1.2.
    weights = projected([0.8, 0.5, 0.5, 0.0], [0.25] * 4, 0.0, 0.4, 2.0)
    np.testing.assert_allclose(weights, [0.4, 0.3, 0.3, 0.0], atol=1e-15)


def test_by_hand_turnover_binds():
    # Wanted +.3 and -.3 out of equal weights, allowed .2 in all: .1 up, .1 down, and the third stays.
    weights = projected([1 / 3 + 0.3, 1 / 3 - 0.3, 1 / 3], [1 / 3] * 3, 0.0, 1.0, 0.2)
    np.testing.assert_allclose(weights, [1 / 3 + 0.1, 1 / 3 - 0.1, 1 / 3], atol=1e-15)
    # With cash the same turnover can be all sale, where all are wanted less.
    weights = projected([0.1, 0.1, 1 / 3], [1 / 3] * 3, 0.0, 1.0, 0.2, True)
    np.testing.assert_allclose(weights, [1 / 3 - 0.1, 1 / 3 - 0.1, 1 / 3], atol=1e-15)


def test_by_hand_drift_out_of_bounds():
    # .6 must come down to .4 and .2 and .2 take up .2 between them: turnover .4, though only .1 is allowed.
    weights = projected([0.6, 0.4, 0.0], [0.6, 0.2, 0.2], 0.05, 0.4, 0.1)
    np.testing.assert_allclose(weights, [0.4, 0.4, 0.2], atol=1e-15)
    # With cash the sale is enough: turnover .2.
    weights = projected([0.6, 0.4, 0.0], [0.6, 0.2, 0.2], 0.05, 0.4, 0.1, True)
    np.testing.assert_allclose(weights, [0.4, 0.2, 0.2], atol=1e-15)


def test_no_turnover_keeps_what_is_held():
    held = np.array([0.1, 0.2, 0.3, 0.4])
    np.testing.assert_allclose(projected([1.0, 0.0, 0.0, 0.0], held, 0.05, 0.4, 0.0), held, atol=1e-15)


def test_fill_by_hand():
    out, low, high = np.empty(3), np.zeros(3), np.array([1.0, 0.2, 1.0])
    fill(np.array([0.5, 0.5, 0.0]), low, high, 0.8, out)
    np.testing.assert_allclose(out, [0.55, 0.2, 0.05], atol=1e-15)
    fill(np.array([0.5, 0.5, 0.0]), low, high, 5.0, out)
    np.testing.assert_array_equal(out, high)
    fill(np.array([0.5, 0.5, 0.0]), low, high, -1.0, out)
    np.testing.assert_array_equal(out, low)


def test_out_may_be_an_argument():
    target, held = np.array([0.9, 0.1, -0.2]), np.array([0.3, 0.3, 0.4])
    apart = projected(target, held, 0.05, 0.6, 0.3)
    for same in (target, held):
        out = same.copy()
        project(out if same is target else target, out if same is held else held, 0.05, 0.6, 0.3, False, out)
        np.testing.assert_array_equal(out, apart)


def test_projecting_again_changes_nothing():
    for target, previous, max_turnover in cases(7, 50, seed=5):
        once = projected(target, previous, 0.05, 0.4, max_turnover)
        np.testing.assert_allclose(projected(once, previous, 0.05, 0.4, max_turnover), once, atol=1e-13)


def test_can_be_called_from_compiled_code():
    @njit
    def many(targets, held, out):
        for i in range(targets.shape[0]):
            project(targets[i], held[i], 0.05, 0.4, 0.5, False, out[i])

    rng = np.random.default_rng(2)
    targets, held = rng.normal(size=(20, 7)), rng.dirichlet(np.ones(7), 20)
    out = np.empty((20, 7))
    many(targets, held, out)
    for i in range(20):
        np.testing.assert_array_equal(out[i], projected(targets[i], held[i], 0.05, 0.4, 0.5))


DIGEST = """
import numpy as np
from allocator.projection import project
rng, out = np.random.default_rng(1), np.empty(7)
for k in range(200):
    target, held = rng.normal(0.1, 0.3, 7), rng.dirichlet(np.ones(7))
    project(target, held, 0.05, 0.4, (0.0, 0.1, 0.5, 2.0)[k % 4], k % 3 == 0, out)
    print(out.tobytes().hex())
"""


def test_without_numba_the_numbers_are_the_same():
    outputs = [
        subprocess.run(
            [sys.executable, "-c", DIGEST],
            env={**os.environ, "NUMBA_DISABLE_JIT": disable},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for disable in ("0", "1")
    ]
    assert len(outputs[0].split()) == 200
    assert outputs[0] == outputs[1]


@pytest.mark.parametrize(
    ("n", "floor", "cap", "message"),
    [
        (2, 0.05, 0.4, "cap of 0.4 for 2 strategies adds up to 0.8"),
        (7, 0.05, 0.1, "at least 0.1429, or a cash sleeve"),
        (7, 0.15, 0.4, "floor of 0.15 for 7 strategies adds up to 1.05"),
        (3, -0.1, 0.4, "0 <= floor"),
        (3, 0.5, 0.4, "floor <= cap"),
        (3, 0.0, 1.2, "cap <= 1"),
        (3, 0.0, float("nan"), "cap=nan"),
        (0, 0.0, 1.0, "at least one"),
    ],
)
def test_bounds_that_cannot_hold_are_refused(n, floor, cap, message):
    with pytest.raises(InvalidParameter, match=message):
        check_bounds(n, floor, cap)


def test_bounds_that_can_hold_pass():
    check_bounds(3, 0.05, 0.4)
    check_bounds(7, 1 / 7, 1 / 7)
    check_bounds(1, 0.0, 1.0)
    check_bounds(2, 0.05, 0.4, cash_allowed=True)
