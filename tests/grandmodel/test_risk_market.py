"""The market of the risk stage: scenarios that change the path, estimates that know no later bar."""

import numpy as np
import pytest

from fund.account.tail_risk import kupiec
from fund.envs.batch import Batch
from fund.grandmodel.risk.strategy import RiskManagement
from fund.market.streams import Paths
from tests.grandmodel.risk_play import QUIET


@pytest.mark.parametrize("scenario", ["black_swan", "flash_crash", "correlation_spike", "liquidity_drought"])
def test_scenarios_change_the_path_not_the_start(scenario):
    """S126: up to the onset the market is the quiet one, bit for bit; from there it is another."""
    with_it = RiskManagement(**{**QUIET, scenario: 1.0}).record(Paths.of(0, 200))
    without = RiskManagement(**QUIET).record(Paths.of(0, 200))
    same = (with_it.block == without.block).all(axis=1)
    assert same[0].all()
    struck = ~same[-1]
    # a Poisson number of mean 1 in 500 bars strikes .632 of the paths
    assert struck.mean() == pytest.approx(1.0 - np.exp(-1.0), abs=4 * 0.034)
    first = np.argmin(same, axis=0)[struck]
    assert first.std() > 100.0


def windows(scenario, column, length, skip=0):
    """`column` from the onset of the scenario on, for paths that it strikes once; and the quiet market's."""
    found, quiet = [], []
    with_it = RiskManagement(**{**QUIET, scenario: 0.5}).record(Paths.of(0, 400))
    without = RiskManagement(**QUIET).record(Paths.of(0, 400))
    same = (with_it.block == without.block).all(axis=1)
    for path in np.flatnonzero(~same[-1]):
        at = int(np.argmin(same[:, path])) + skip
        if at + length < 500:
            found.append(with_it[column][at : at + length, path])
            quiet.append(without[column][at : at + length, path])
    return np.array(found), np.array(quiet)


def test_a_scenario_is_no_news_before_its_first_bar_is_over():
    """C5: the row at which it begins shows nothing of it; the first fall is in the next row's price."""
    struck, without = (
        RiskManagement(**{**QUIET, "black_swan": rate}).record(Paths.of(0, 200)) for rate in (1.0, 0.0)
    )
    same = (struck.block == without.block).all(axis=1) & (struck.features == without.features).all(axis=2)
    paths = np.flatnonzero(~same.all(axis=0))
    first = np.argmin(same[:, paths], axis=0)
    moved = struck["price_1"][first, paths] / without["price_1"][first, paths]
    assert (moved != 1.0).all()
    assert np.median(moved) == pytest.approx(0.97, abs=0.004)


def test_black_swan_falls_and_goes_on_falling():
    prices, quiet = windows("black_swan", "price_1", 60)
    extra = prices / quiet
    assert np.median(extra[:, 0]) == pytest.approx(1.0 - 0.03, abs=0.004)
    assert np.median(extra[:, -1]) < np.median(extra[:, 0]) - 0.02


def test_flash_crash_recovers_most():
    prices, quiet = windows("flash_crash", "price_1", 30)
    extra = np.median(prices / quiet, axis=0)
    assert extra[5] == pytest.approx(1.0 - 6 * 0.008, abs=0.008)
    assert extra[18] - extra[5] > 0.6 * (1.0 - extra[5])


def test_correlation_spike_is_seen_as_one():
    found, quiet = windows("correlation_spike", "mean_correlation", 100)
    assert found[:, 80].mean() > 0.75
    assert quiet[:, 80].mean() == pytest.approx(0.3, abs=0.06)


def test_liquidity_drought_makes_trading_dear():
    found, quiet = windows("liquidity_drought", "cost", 90)
    np.testing.assert_allclose(found, quiet / 0.15, rtol=1e-9)


def test_estimates_are_causal_and_right():
    """EWMA volatility and correlation of a market of constant ones are near them."""
    world = RiskManagement(**QUIET, season=0.0, clustering=False)
    tape = world.record(Paths.of(0, 300))
    for k, factor in enumerate((0.8, 0.9, 1.1, 1.2)):
        wanted = 0.3 * factor / (252 * 78) ** 0.5
        assert np.sqrt((tape[f"volatility_{k + 1}"][100:] ** 2).mean()) == pytest.approx(wanted, rel=0.02)
    assert tape["mean_correlation"][100:].mean() == pytest.approx(0.3, abs=0.03)
    returns = tape["price_1"][1:] / tape["price_1"][:-1] - 1.0
    assert returns.std() == pytest.approx(0.3 * 0.8 / (252 * 78) ** 0.5, rel=0.02)


def test_agents_hear_the_alarm():
    """S125: a crisis is called where an alarm goes off after 24 quiet bars, and adds 4 to the stress that is seen."""
    world = RiskManagement(black_swan=1.0, n_steps=300)
    tape = world.record(Paths.of(0, 64))
    seen, crisis = tape.features[:, :, world.features.index("market_stress")], tape["crisis"]
    np.testing.assert_allclose(seen, tape["stress"] + 4.0 * crisis, rtol=1e-6)
    alarm = (tape["stress"] > 2.0) | (tape["correlation_shock"] > 0.3)
    onset = (crisis[1:] == 1.0) & (crisis[:-1] == 0.0)
    assert onset.any()
    assert alarm[1:][onset].all()
    assert (seen[crisis == 0.0] < 4.0).mean() > 0.999


def test_var_of_a_bar_is_exceeded_as_often_as_it_says():
    """S123: coverage of the EWMA VaR of the book, in the iid market, one bar ahead, by Kupiec."""
    world = RiskManagement.preset("iid", n_steps=400)
    batch = Batch(world, 200)
    batch.reset(0)
    hits, days = 0, 0
    for _ in range(400):
        before, var = batch.ledger.books.nav.copy(), batch.memory()["var"] / (10 * 78) ** 0.5
        batch.step(np.full((200, 4), 2.0))
        if batch.clock[0] > 100:
            hits += int((batch.ledger.books.nav - before < -var * world.capital).sum())
            days += 200
    # the EWMA of 33 bars is itself uncertain: about half a per cent more than nominal (RK-7's effect)
    assert hits / days == pytest.approx(0.055, abs=0.006)
    assert kupiec(round(0.055 * 250), 250, 0.05).p_value > 0.5
