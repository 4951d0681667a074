"""The fund: capital is conserved, P&L adds up, the main job runs from end to end."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from allocator.cio import DECAY, DESKS, CioAllocator
from allocator.features import WARM_UP
from allocator.fund_play import play_fund
from allocator.streams import NavStreams, stand_in
from fund.envs.batch import Batch
from fund.envs.contract import adversarial
from fund.errors import DataError, InvalidParameter
from fund.market.streams import Paths

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def strategy():
    streams = stand_in(DESKS, Paths.of(77, 6), 120 + 80, 1.0, 0.0)
    return CioAllocator(streams=streams, n_steps=80, in_order=True)


def test_pnl_of_the_fund_is_the_sum_of_its_parts(strategy):
    for name, rule in strategy.rules.items():
        played = play_fund(strategy, rule(strategy), 6)
        parts = (
            sum(part.sum(axis=1) for part in played.contributions.values()) - played.fees + played.interest
        )
        gained = played.nav[:, -1] - played.nav[:, 0]
        assert np.abs(gained - parts).max() <= 1e-9 * strategy.capital, name


def test_weights_obey_the_mandate_whatever_is_wished(strategy):
    batch = Batch(strategy, 6)
    batch.start(Paths.of(0, 6))
    books = batch.ledger.books
    for t, action in enumerate(adversarial(strategy, 80, 6)):
        marks, nav, held = books.marks.copy(), books.nav.copy(), books.position.copy()
        batch.step(action)
        weights = books.position * marks / nav
        if t % strategy.rebalance_days == 0:
            assert weights.min() > strategy.floor - 1e-4
            assert weights.max() < strategy.cap + 1e-12
            assert np.abs(weights.sum(axis=0) - 1.0).max() < strategy.cost_rate
            assert (np.abs(weights - held * marks / nav).sum(axis=0) < strategy.max_turnover + 1e-3).all()
        else:
            assert np.array_equal(books.position, held)
        assert books.cash.min() > -1e-9 * strategy.capital


def test_desks_that_stand_still_make_the_choice_worthless_but_for_its_cost():
    still = NavStreams(DESKS, np.zeros((160, 2, len(DESKS))), np.zeros((160, 2)))
    strategy = CioAllocator(streams=still, n_steps=40, in_order=True, cost_rate=0.001)
    batch = Batch(strategy, 2)
    batch.start(Paths.of(0, 2))
    for action in adversarial(strategy, 40, 2):
        batch.step(action)
    fees = -batch.ledger.attribution()["fees"]
    assert fees.min() > 0.0
    assert np.abs(batch.ledger.books.nav - strategy.capital + fees).max() < 1e-9 * strategy.capital


def test_the_cio_is_paid_what_its_wealth_made_less_its_risk(strategy):
    rule = strategy.rules["equal_weight"](strategy)
    played = play_fund(strategy, rule, 6)
    daily = played.returns
    money = (played.nav[:, -1] / played.nav[:, 0] - 1.0) * strategy.reward_scale
    risk = 0.5 * strategy.risk_aversion * (daily**2).sum(axis=1) * strategy.reward_scale
    variance, charged = np.full(6, strategy.start_variance), np.zeros(6)
    for known in daily.T[:-1]:
        charged += np.maximum(variance * 252.0 / strategy.target_volatility**2 - 1.0, 0.0) / 252.0
        variance = DECAY * variance + (1.0 - DECAY) * known**2
    charged += np.maximum(variance * 252.0 / strategy.target_volatility**2 - 1.0, 0.0) / 252.0
    assert charged.any()
    assert np.allclose(played.reward, money - risk - strategy.volatility_penalty * charged, atol=1e-9)


def test_what_desks_paid_is_told_in_money():
    """A desk that pays a thousandth of its NAV a day, in a fund of equal weights."""
    days, n = WARM_UP + 40, 2
    share = np.zeros((days, n, len(DESKS)))
    share[WARM_UP:, :, 0] = 1e-3  # before the fund begins nobody pays
    still = NavStreams(DESKS, np.zeros((days, n, len(DESKS))), np.zeros((days, n)), costs={"fees": share})
    strategy = CioAllocator(streams=still, n_steps=40, in_order=True, cost_rate=0.0)
    played = play_fund(strategy, strategy.rules["equal_weight"](strategy), n)
    paid = played.costs[DESKS[0]]["fees"]
    assert np.allclose(paid, 40 * 1e-3 * strategy.capital / len(DESKS), rtol=1e-9)
    assert not played.costs[DESKS[1]]["fees"].any()


def test_a_mandate_that_nothing_satisfies_is_refused():
    with pytest.raises(InvalidParameter, match="cap"):
        CioAllocator(cap=0.9 / len(DESKS))


def test_streams_of_other_desks_or_too_few_days_are_refused():
    other = NavStreams(("a", "b", "c"), np.zeros((400, 1, 3)), np.zeros((400, 1)))
    with pytest.raises(DataError, match="wanted statistical_arbitrage"):
        CioAllocator(streams=other).record(Paths.of(0, 1))
    short = NavStreams(DESKS, np.zeros((100, 1, len(DESKS))), np.zeros((100, 1)))
    with pytest.raises(DataError, match="100 days"):
        CioAllocator(streams=short).record(Paths.of(0, 1))


@pytest.mark.slow
def test_smoke_runs_the_whole_fund_twice_alike(tmp_path):
    results = []
    for k in range(2):
        words = ["smoke", "--json", "--out", str(tmp_path / str(k)), "--models", str(tmp_path / "models")]
        done = subprocess.run(
            [sys.executable, "-m", "fund", *words], cwd=ROOT, capture_output=True, text=True, check=True
        )
        results.append(json.loads(done.stdout.strip().splitlines()[-1]))
        page = (tmp_path / str(k) / "report.html").read_text()
        assert "Fund out of sample" in page
        assert "http://" not in page.split("<body", 1)[-1][:2000]
    assert results[0]["fund"] == results[1]["fund"]
    assert results[0]["desks"] == results[1]["desks"]
    assert set(results[0]["desks"]) == set(DESKS)
