"""Contracts and their calendar: convergence, rolls, expected prices, the weather, recorded by hand from the tape."""

import math

import numpy as np
import pytest

from fund.envs import play as players
from fund.envs.batch import Batch
from fund.errors import DataError
from fund.market.streams import Paths
from fund.market.weather import fair
from specialists.futures_spreads import market
from specialists.futures_spreads.features import WARM_UP
from specialists.futures_spreads.strategy import FuturesSpreads

BARE = {"weather": False, "mispricing_sigma": 0.0, "premium_slope": 0.0, "market_loading": 0.0, "kappa": 1.49}


def chain(n=6, **changes):
    desk = FuturesSpreads(**{**BARE, **changes})
    paths = Paths.of(0, n)
    sky = fair(paths, desk.n_steps)
    sky = type(sky)(*(np.ascontiguousarray(getattr(sky, f).T) for f in type(sky).__dataclass_fields__))
    return desk, market.draw(desk, market.model(desk), market.calendar(desk), paths, sky)


def test_legs_roll_together_and_only_where_the_calendar_says():
    desk = FuturesSpreads(roll_days=5, contract_days=21)
    tape = desk.record(Paths.of(0, 50))
    rolls = np.diff(tape["slot"], axis=0) != 0.0
    assert set(np.unique(tape["slot"])) == {0.0, 3.0}
    for path in range(50):
        at = np.flatnonzero(rolls[:, path])
        assert set(np.diff(at)) == {21}


def test_fs_4_a_contract_ends_at_the_spot():
    # held to its last day, near's old contract costs what the spot does: exp(chi + xi)
    desk, found = chain(roll_days=0, near_contract=1, far_contract=2)
    at = np.argwhere(found.rolls_1[:, 1:]) + np.array([0, 1])
    assert len(at) > 60
    curve = desk.curve
    for i, t in at:
        # chi and xi from the two contracts held from this row on, then the spot
        near, far = 21 / 252, 42 / 252
        logs = np.log([found.near_new[i, t], found.far_new[i, t]]) - curve.intercept([near, far])
        chi, xi = np.linalg.solve([[curve.loading(near), 1.0], [curve.loading(far), 1.0]], logs)
        assert abs(found.near_old[i, t] / math.exp(chi + xi) - 1.0) < 1e-9
        # and the contract that far was is the one that near becomes
        assert found.far_old[i, t] == pytest.approx(found.near_new[i, t], rel=1e-12)


@pytest.mark.parametrize("preset", ["default", "schwartz_smith", "crack"])
def test_fs_4_a_static_position_does_not_jump_at_a_roll(preset):
    # constant contracts by hand: P&L of a day at a roll is that of the contracts held over it, like any other day
    desk = FuturesSpreads.preset(preset, weather=False, cost_rate=0.0, band=0.0)
    batch = Batch(desk, 64)
    batch.reset(3)
    tape, act = batch.current_tape, players.constant(desk, [0.3])
    moves = {True: [], False: []}
    for t in range(desk.n_steps):
        before = batch.ledger.books.nav.copy()
        batch.step(act(batch.view()))
        position = batch.ledger.books.position
        gain = sum(
            position[k] * (tape[name][t + 1] - tape[name][t]) for k, name in enumerate(desk.step.marks)
        )
        nav = batch.ledger.books.nav
        assert np.allclose(nav - before, gain, atol=1e-6)
        rolled = tape["slot"][t] != tape["slot"][max(t - 1, 0)]
        for kind in (True, False):
            moves[kind].extend(((nav - before) / before)[rolled == kind])
    spread = {kind: np.std(moves[kind]) for kind in moves}
    assert spread[True] == pytest.approx(spread[False], rel=0.15)
    assert abs(np.mean(moves[True])) < 4.0 * spread[True] / math.sqrt(len(moves[True])) + 0.002


def test_expected_prices_are_means():
    # of what comes after, whatever the state: the surprise has no mean and is not foretold by chi or the mispricing
    desk = FuturesSpreads(n_steps=60)
    tape = desk.record(Paths.of(0, 4096))
    noise = tape["surprise"][1:]
    error = noise.std() / math.sqrt(noise.size)
    assert abs(noise.mean()) < 4.0 * error
    for feature in ("curve_slope", "curvature", "carry", "zscore_60", "roll_yield"):
        seen = tape.features[:-1, :, desk.features.index(feature)].astype(float)
        assert abs(np.corrcoef(seen.ravel(), noise.ravel())[0, 1]) < 5.0 / math.sqrt(noise.size) + 0.004


def test_variance_of_a_step_is_that_of_the_curve():
    desk = FuturesSpreads.preset(
        "schwartz_smith", legs="dollars", contract_days=1, roll_days=0, near_contract=63
    )
    tape = desk.record(Paths.of(0, 512))
    noise = tape["surprise"][1:]
    near, far = desk.curve.loading(62.5 / 252), desk.curve.loading(12.5 / 252)
    wanted = 0.5 * abs(near - far) * desk.curve.sigma_chi / math.sqrt(252)
    assert noise.std() == pytest.approx(wanted, rel=0.02)


def test_weather_moves_volatility_margin_and_cost():
    desk = FuturesSpreads(n_steps=200)
    tape = desk.record(Paths.of(0, 512))
    margin, cost, noise = tape["margin"][:-1], tape["cost"][:-1], np.abs(tape["surprise"][1:])
    wild, calm = margin > 0.2, margin <= 0.0801
    assert noise[wild].mean() > 2.0 * noise[calm].mean()
    assert cost[wild].mean() > 2.0 * cost[calm].mean()
    assert margin.max() <= 1.0


def test_liquidation_is_reachable_in_the_drawn_market():
    desk = FuturesSpreads(initial_margin=0.13)
    played = players.play(desk, players.constant(desk, [1.0]), Paths.of(0, 512))
    found = desk.statistics(played)
    assert 0.0 < found["liquidations"] < 0.5
    assert found["margin_calls"] > found["liquidations"]
    assert 0.3 < found["average_margin_use"] < 1.0
    short = played.length < desk.n_steps
    assert np.array_equal(short, (played.nav[-1] < played.memory["maintenance"]) & short)


def test_attribution_adds_up_to_the_return():
    desk = FuturesSpreads(interest=0.02)
    found = desk.statistics(players.play(desk, desk.rules["carry"](desk), Paths.of(0, 256)))
    total = sum(found[line] for line in ("spread_pnl", "roll_yield", "carry", "fees"))
    assert found["return_rate"] == pytest.approx(total, abs=1e-9)
    assert found["roll_yield"] > 0.05  # what the rule is for


def test_roll_yield_is_the_ageing_of_the_curve():
    desk, found = chain(n=2, far_contract=5)
    curve, t = desk.curve, WARM_UP + 3
    days = found.to_roll[0, t] * 21 - 21 + desk.roll_days
    near, far = (21 + days) / 252, (105 + days) / 252
    logs = np.log([found.near_new[0, t], found.far_new[0, t]]) - curve.intercept([near, far])
    chi, xi = np.linalg.solve([[curve.loading(near), 1.0], [curve.loading(far), 1.0]], logs)
    older = curve.futures(chi, xi, near - 1 / 252) - curve.futures(chi, xi, near)
    assert found.roll_1[0, t] == pytest.approx(older, rel=1e-9)


def test_two_commodities_share_the_long_run_only():
    desk = FuturesSpreads.preset("brent_wti", weather=False, chi_correlation=0.5)
    tape = desk.record(Paths.of(0, 256))
    ratio = np.log(tape["near_a"] / tape["far_a"])
    assert ratio.mean() == pytest.approx(math.log(1.05), abs=0.03)
    assert ratio[-1].std() < 2.0 * ratio[60].std()  # they do not drift apart
    near, far = (np.diff(np.log(tape[leg]), axis=0).ravel() for leg in ("near_a", "far_a"))
    moves = np.corrcoef(near, far)
    assert 0.4 < moves[0, 1] < 0.9


def test_a_price_that_is_not_finite_is_refused():
    desk = FuturesSpreads(spot=1e308, n_steps=20)
    with pytest.raises(DataError, match="not finite"):
        desk.record(Paths.of(0, 64))


@pytest.mark.parametrize("preset", ["default", "crack"])
def test_the_compiled_market_is_its_plain_twin(preset, monkeypatch):
    desk = FuturesSpreads.preset(preset, n_steps=15)
    compiled = desk.record(Paths.of(2, 2))
    for name in ("_walk", "_quote", "_expect", "_log", "_aged", "_grown"):
        function = getattr(market, name)
        monkeypatch.setattr(market, name, getattr(function, "py_func", function))
    plain = desk.record(Paths.of(2, 2))
    assert np.allclose(compiled.block, plain.block, rtol=1e-11, atol=1e-14)
    assert np.allclose(compiled.features, plain.features, rtol=1e-4, atol=1e-4)
