"""Comparison over seeds: its numbers by hand, and the committed table."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm

from fund.envs.play import play
from fund.market.streams import Paths
from fund.roster import Spec
from fund.training.evaluate import held_out, policy_named
from fund.training.golden import (
    BLOCKS,
    CHOOSING_SEEDS,
    CLEAR,
    Value,
    clearance,
    entries,
    results,
    value,
    yardsticks,
)
from specialists import ROSTER

GOLDEN = Path(__file__).resolve().parents[1] / "golden"


def test_a_value_is_the_mean_reward_and_its_blocks_the_means_of_parts(strategy):
    paths = held_out(2 * BLOCKS)
    found = value(strategy, policy_named(strategy, "momentum"), paths)
    reward = play(strategy, policy_named(strategy, "momentum"), paths).reward
    assert found.whole == pytest.approx(reward.mean(), rel=1e-12)
    assert found.blocks == pytest.approx(reward.reshape(BLOCKS, 2).mean(axis=1), rel=1e-12)


def test_the_error_of_a_paired_difference_by_hand():
    one = Value(0.0, np.array([1.0, 2.0, 4.0]), np.array([10.0, 30.0]))
    other = Value(0.0, np.array([1.0, 1.0, 1.0]), np.array([10.0, 10.0]))
    # differences 0, 1, 3: mean 4/3, squares 16/9 + 1/9 + 25/9 = 42/9, variance 7/3
    assert one.error_of_difference(other) == pytest.approx(np.sqrt(7.0 / 9.0))
    # in money 0 and 20: mean 10, variance 200
    money = one.money_over(other)
    assert (money.mean, money.se) == pytest.approx((10.0, np.sqrt(200.0 / 2.0)))


def test_the_rule_to_beat_is_chosen_on_tapes_of_its_own_unless_named(strategy):
    judged, choosing = held_out(200), Paths.of(CHOOSING_SEEDS, 200)
    assert not set(judged.seeds) & set(choosing.seeds)
    means = {
        name: play(strategy, policy_named(strategy, name), choosing).reward.mean() for name in strategy.rules
    }
    name, found, best = yardsticks(strategy, "", judged)
    assert name == max(means, key=means.get)
    assert found.whole == pytest.approx(play(strategy, policy_named(strategy, name), judged).reward.mean())
    assert best is None
    assert yardsticks(strategy, "long", judged)[0] == "long"


def test_a_seed_that_misses_the_bar_of_a_default_market_is_named_with_what_it_lacks():
    rows = [
        {"seed": 0, "over_rule": 4.0, "over_rule_se": 1.0},
        {"seed": 1, "over_rule": 1.0, "over_rule_se": 2.0},
        {"seed": 2, "over_rule": 3.5, "over_rule_se": 1.0},
    ]
    found = clearance(rows)
    assert found["median_standard_errors"] == 3.5
    assert found["least_standard_errors"] == 0.5
    assert found["short_of_bar"] == {"1": 2.5}


def test_an_entry_and_its_page():
    settings = {"default": {
        "steps": 2048, "n_envs": 64, "net_arch": [4], "evaluations": 1, "evaluation_paths": 32,
        "model": {"n_steps": 32, "batch_size": 512, "n_epochs": 1},
    }}  # fmt: skip
    spec = Spec("trend_following", "trend_following:TrendFollowing", "PPO", 252, settings)
    *_, found = entries(spec, "default", range(2), 40)
    assert [row["seed"] for row in found["agents"]] == [0, 1]
    for row in found["agents"]:
        assert row["over_rule"] == pytest.approx(row["value"] - found["rule_value"])
        assert row["steps"] == 2048
    *_, more = entries(spec, "default", range(3), 40, found["agents"])
    assert more["agents"][:2] == found["agents"]
    assert [row["seed"] for row in more["agents"]] == [0, 1, 2]
    page = results({"trend_following default": json.loads(json.dumps(found))})
    assert f"`{found['rule']}`" in page
    assert page.count("\n| 0 |") == page.count("\n| 1 |") == 1
    assert page.count("| trend_following | `") == 1  # among the default markets


@pytest.mark.skipif(not (GOLDEN / "agents.json").exists(), reason="no table is committed yet")
def test_the_committed_page_is_that_of_the_committed_table():
    table = json.loads((GOLDEN / "agents.json").read_text())
    assert (GOLDEN / "results.md").read_text() == results(table)
    for key, found in table.items():
        for row in found["agents"]:
            assert row.get("over_optimum", 0.0) <= 3.0 * row.get("over_optimum_se", 0.0), key


# a month's at-the-money call on 100 at 20 %, a hundredth of it: scores of Cao et al. (2021) are in money
CAO_PRICE = 2.0 * norm.cdf(0.2 * np.sqrt(20 / 250) / 2.0) - 1.0
# acceptance bars of PAPERS.md: least and greatest value of every seed, where more would be a bug
BARS = {
    "statistical_arbitrage boguslavsky": (1.088, 1.0955),  # SA-7
    "factor_tracking garleanu_pedersen": (0.0296, 0.0315),  # FA-4
    "market_making cartea_jaimungal": (6.31, 6.45),  # MM-11
    "delta_hedging cao_2021": (
        -130.0 * CAO_PRICE,
        -118.0 * CAO_PRICE,
    ),  # DH-5, Y(0) in % of the option's price
}
GAPS = (
    "market_making avellaneda_stoikov",  # MM-9
    "market_making cartea_jaimungal",  # MM-11
    "delta_hedging hodges_neuberger",  # DH-7
    "volatility_trading liu_pan",  # VT-7
    "statistical_arbitrage boguslavsky",  # SA-7
    "futures_spreads schwartz_smith",  # FS-9, from nothing
    "factor_tracking garleanu_pedersen",  # FA-4
    "fx_arbitrage merton_carry",  # FX-7, from 1/N
)


@pytest.mark.skipif(not (GOLDEN / "agents.json").exists(), reason="no table is committed yet")
def test_the_committed_agents_reach_the_bars():
    table = json.loads((GOLDEN / "agents.json").read_text())
    for key in BARS.keys() & table.keys():
        least, most = BARS[key]
        assert all(least <= row["value"] <= most for row in table[key]["agents"]), key
    for key in set(GAPS) & table.keys():
        assert table[key]["median_gap_closed"] >= 0.9, key
        assert table[key]["least_gap_closed"] >= 0.7, key


# desks whose agents miss the bar on their default market; the page says by how much
SHORT_OF_BAR: set[str] = set()


@pytest.mark.skipif(not (GOLDEN / "agents.json").exists(), reason="no table is committed yet")
def test_the_committed_agents_beat_the_best_rule_on_default_markets():
    table = json.loads((GOLDEN / "agents.json").read_text())
    judged = {key.split()[0]: found for key, found in table.items() if key.endswith(" default")}
    assert judged.keys() >= set(ROSTER)
    short = set()
    for name, found in judged.items():
        assert [row["seed"] for row in found["agents"]] == list(range(5)), name
        misses = [row for row in found["agents"] if row["over_rule"] <= CLEAR * row["over_rule_se"]]
        assert sorted(found["short_of_bar"]) == sorted(str(row["seed"]) for row in misses), name
        if misses:
            short.add(name)
    assert short <= SHORT_OF_BAR
