"""The generated markets: laws of the papers' world, a plain twin of the order book, its economics."""

import math
from itertools import pairwise

import numpy as np
import pytest

from fund.envs.play import constant, flat, play, random
from fund.market.streams import Paths
from fund.market.weather import LIQUIDITY, VOLATILITY, Weather
from specialists.market_making import order_book
from specialists.market_making.strategy import MarketMaking


def standard_error(values):
    return values.std() / math.sqrt(values.size)


@pytest.mark.parametrize("distance", [-0.1, 0.2, 0.7, 2.0])
def test_fill_probability_of_the_papers(distance):
    tape = MarketMaking.preset("avellaneda_stoikov").record(Paths.of(0, 512))
    for side in ("sell_reach_1", "buy_reach_1"):
        reached = tape[side][1:] >= distance
        assert reached.mean() == pytest.approx(
            140 * math.exp(-1.5 * distance) * 0.005, abs=4 * standard_error(reached)
        )


def test_no_probability_exceeds_one():
    assert (
        MarketMaking.preset("avellaneda_stoikov").record(Paths.of(0, 64))["sell_reach_1"][1:] >= -0.24
    ).all()


@pytest.mark.parametrize("distance", [0.0, 0.5, 1.0])
def test_poisson_counts_of_the_papers(distance):
    tape = MarketMaking.preset("avellaneda_stoikov", poisson=True).record(Paths.of(0, 1024))
    counts = sum((tape[f"buy_reach_{j}"][1:] >= distance).astype(float) for j in (1, 2, 3))
    mean = 140 * math.exp(-1.5 * distance) * 0.005
    chances = [math.exp(-mean) * mean**n / math.factorial(n) for n in range(3)]
    for n, chance in enumerate(chances):
        hits = counts == n
        assert hits.mean() == pytest.approx(chance, abs=4 * standard_error(hits))
    assert (counts == 3).mean() == pytest.approx(1 - sum(chances), abs=4e-4 + 4 * standard_error(counts == 3))


def test_the_papers_mid():
    steps = np.diff(MarketMaking.preset("avellaneda_stoikov").record(Paths.of(0, 64))["mid"], axis=0)
    np.testing.assert_allclose(np.abs(steps), 2.0 * math.sqrt(0.005), rtol=1e-9)
    assert abs(np.sign(steps).mean()) < 4 / math.sqrt(steps.size)
    normal = np.diff(MarketMaking.preset("cartea_jaimungal").record(Paths.of(0, 512))["mid"], axis=0)
    assert normal.std() == pytest.approx(0.1 * math.sqrt(0.01), rel=0.02)
    assert (normal**4).mean() / (normal**2).mean() ** 2 == pytest.approx(3.0, abs=0.15)


def test_inventory_at_the_start():
    strategy = MarketMaking.preset("cartea_jaimungal", initial_inventory_bound=4)
    start = strategy.record(Paths.of(0, 4096))["inventory"][0]
    values, counts = np.unique(start, return_counts=True)
    assert values.tolist() == list(range(-4, 5))
    assert counts.min() > 4096 / 9 - 4 * math.sqrt(4096 / 9)
    result = play(strategy, flat(strategy), Paths.of(0, 64))
    np.testing.assert_array_equal(result.position[0], start[:64])


def test_the_order_book_is_its_plain_twin():
    strategy = MarketMaking().with_steps(25)
    paths = Paths.of(5, 2)
    tape = strategy.record(paths)
    for i in range(2):
        for t, row in enumerate(plain_book(strategy, paths, i)):
            for name, value in row.items():
                assert tape[name][t, i] == pytest.approx(value, rel=1e-12, abs=1e-12), (t, name)


def plain_book(s, paths, i):
    """Rows of one path, written a second time from the formulas of `order_book`."""
    streams, sky = paths.streams(s.name), s.sky(paths, s.days, None)
    between = streams.at(i, "orders").standard_exponential((s.n_steps, 2, 3))
    sizes = streams.at(i, "sizes").standard_exponential((s.n_steps, 2))
    news = streams.at(i, "news").standard_normal(s.n_steps)
    book = streams.at(i, "book").standard_normal((s.n_steps + 1, 5))
    v, depth = sky.volatility[0, i], sky.liquidity[0, i]
    u = (np.arange(s.steps_per_day) + 0.5) / s.steps_per_day
    smile = 1 + 0.35 * (12 * (u - 0.5) ** 2 - 1)
    sd = s.sigma * math.sqrt(s.dt) * v / math.sqrt(np.mean(smile**2))
    mean = [s.arrival_rate * s.dt * smile[0]] * 2
    z = ragged = 0.0
    mid, orders = s.initial_price, {}
    for t in range(s.n_steps + 1):
        rho = s.signal_persistence
        z = book[t, 0] if t == 0 else rho * z + math.sqrt(1 - rho**2) * book[t, 0]
        ragged = book[t, 1] if t == 0 else 0.9 * ragged + math.sqrt(1 - 0.9**2) * book[t, 1]
        width = math.sqrt(v / depth) * smile[t]
        half = s.half_spread * width * math.exp(0.25 * ragged)
        lean = np.clip(s.signal * width * z / half + 0.3 * book[t, 4], -0.9, 0.9)
        yield {
            "mid": mid, "width": width, "microprice": mid + half * lean, **orders,
            "best_bid": math.floor((mid - half) / s.tick) * s.tick,
            "best_ask": math.ceil((mid + half) / s.tick) * s.tick,
            "bid_queue": s.queue_depth * s.quote_size * depth * (1 + lean),
            "ask_queue": s.queue_depth * s.quote_size * depth * (1 - lean),
        }  # fmt: skip
        if t == s.n_steps:
            return
        tilt = 0.25 * np.clip(z, -2, 2)
        base = (1 - s.excitation) * s.arrival_rate * s.dt * smile[t]
        expected = [base * (1 - tilt) + s.excitation * mean[0], base * (1 + tilt) + s.excitation * mean[1]]
        orders, count = plain_orders(s, expected, width, between[t], sizes[t])
        mean = [0.9 * m + 0.1 * c for m, c in zip(mean, count, strict=True)]
        surprise = (count[1] - expected[1] - count[0] + expected[0]) / math.sqrt(sum(expected))
        shock = math.sqrt(1 - s.flow_share) * news[t] + math.sqrt(s.flow_share) * surprise
        mid += sd * smile[t] * shock + (1 - rho) * s.signal * width * z


def plain_orders(s, expected, width, between, sizes):
    """What the orders of one step reach and how large they are, by column, and how many came on each side."""
    count, orders = [0, 0], {}
    for side, name in enumerate(("sell", "buy")):
        for j, arrival in enumerate(np.cumsum(between[side])):
            came = arrival <= expected[side]
            count[side] += came
            reach = width * math.log(expected[side] / arrival) / s.depth_decay if came else -1e9
            orders[f"{name}_reach_{j + 1}"] = reach
        orders[f"{name}_volume"] = s.order_size * s.quote_size * sizes[side]
    return orders, count


def weather(regime, n):
    one = np.full((1, n), regime)
    return Weather(one, VOLATILITY[one], LIQUIDITY[one], *np.zeros((4, 1, n)))


def test_sigma_is_the_volatility_of_a_day():
    tape = MarketMaking(signal=0.0).record(Paths.of(0, 2048), weather(1, 2048))
    moves = tape["mid"][-1] - tape["mid"][0]
    assert moves.std() == pytest.approx(1.7, rel=0.07)
    assert abs(moves.mean()) < 4 * standard_error(moves)


def test_bad_weather_widens_the_market():
    calm, crisis = (MarketMaking().record(Paths.of(0, 64), weather(regime, 64)) for regime in (0, 3))
    assert np.diff(crisis["mid"], axis=0).std() == pytest.approx(
        3.0 / 0.7 * np.diff(calm["mid"], axis=0).std(), rel=0.1
    )
    ratio = (crisis["best_ask"] - crisis["best_bid"]).mean() / (calm["best_ask"] - calm["best_bid"]).mean()
    assert 2.5 < ratio < math.sqrt(3.0 / 0.3 / (0.7 / 1.2))
    assert crisis["bid_queue"].mean() == pytest.approx(0.25 * calm["bid_queue"].mean(), rel=0.05)


def test_order_flow_is_informed_and_comes_in_clusters():
    tape = MarketMaking().record(Paths.of(0, 512), weather(1, 512))
    buys, sells = ((tape[f"{side}_reach_1"] > -1e8).astype(float) for side in ("buy", "sell"))
    net, move = (buys - sells)[1:], np.diff(tape["mid"], axis=0)
    assert np.corrcoef(net.ravel(), move.ravel())[0, 1] > 0.3
    total = (buys + sells)[1:]
    assert np.corrcoef(total[1:].ravel(), total[:-1].ravel())[0, 1] > 0.05
    shown = (tape["microprice"] - tape["mid"])[:-1]
    assert np.corrcoef(shown.ravel(), move.ravel())[0, 1] > 0.03
    assert (tape["best_bid"] < tape["mid"]).all()
    assert (tape["best_ask"] > tape["mid"]).all()
    np.testing.assert_allclose(tape["best_ask"] / 0.05, np.rint(tape["best_ask"] / 0.05), atol=1e-6)


def test_without_excitation_signal_and_smile_arrivals_are_independent(monkeypatch):
    monkeypatch.setattr(order_book, "SMILE", 0.0)
    tape = MarketMaking(excitation=0.0, signal=0.0).record(Paths.of(0, 512), weather(1, 512))
    came = (tape["buy_reach_1"] > -1e8)[1:]
    assert came.mean() == pytest.approx(1 - math.exp(-200 / 390), abs=4 * standard_error(came))
    assert abs(np.corrcoef(came[1:].ravel(), came[:-1].ravel())[0, 1]) < 4 / math.sqrt(came.size)


def test_in_the_default_market_inventory_control_and_reading_the_book_pay():
    strategy, paths = MarketMaking(), Paths.of(5 * 10**6, 1024)
    tape = strategy.record(paths)
    names = ("symmetric", "gueant_lehalle_fernandez_tapia", "microprice")
    found = [play(strategy, strategy.rules[name](strategy), paths, tape).reward for name in names]
    for worse, better in pairwise(found):
        assert (better - worse).mean() > 4 * standard_error(better - worse)


def flip_flop(strategy):
    return lambda view: np.where((view.clock % 2 == 0)[:, None], [[-0.9, 1.0]], [[1.0, -0.9]])


def test_nobody_earns_in_the_null_market():
    strategy, paths = MarketMaking.preset("null"), Paths.of(7 * 10**6, 512)
    tape = strategy.record(paths)
    policies = {name: rule(strategy) for name, rule in strategy.rules.items() if name != "optimum"}
    for level in (-1.0, -0.5, 0.0, 0.5):
        policies[f"constant {level}"] = constant(strategy, [level, level])
    policies |= {"random": random(strategy), "flat": flat(strategy), "flip-flop": flip_flop(strategy)}
    for name, policy in policies.items():
        result = play(strategy, policy, paths, tape)
        profit = result.nav[-1] - result.nav[0]
        assert profit.mean() <= 3 * standard_error(profit), name
        assert name == "flat" or result.memory["fills"].any(), name


def test_every_fill_of_the_null_market_loses_at_once():
    strategy = MarketMaking.preset("null", taker_fee=0.0)
    result = play(strategy, random(strategy), Paths.of(0, 64))
    assert (result.memory["adverse"] >= 0.0).all()
    assert (result.memory["adverse"] >= result.memory["captured"]).all()


def test_reading_the_planted_signal_earns_what_theory_says():
    strategy, paths = MarketMaking.preset("planted"), Paths.of(0, 4096)
    tape = strategy.record(paths)
    blind = 2 * strategy.arrival_rate / (math.e * strategy.depth_decay)
    for rule, wanted in {
        "fixed": blind,
        "microprice": blind * math.cosh(1.5),
        "optimum": blind * math.cosh(1.5),
    }.items():
        profit = play(strategy, strategy.rules[rule](strategy), paths, tape).reward
        assert profit.mean() == pytest.approx(wanted, abs=4 * standard_error(profit)), rule
