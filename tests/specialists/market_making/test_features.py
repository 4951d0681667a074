"""The market's features: a plain twin, and what they mean."""

import math

import numpy as np
import pytest

from fund.market.streams import Paths
from specialists.market_making.features import FEATURES, Norms, Sight, norms_of, write_features
from specialists.market_making.strategy import MarketMaking

ROWS = 30


@pytest.fixture(scope="module")
def sight():
    generator = np.random.default_rng(4)
    mid = 100 + np.cumsum(generator.normal(0, 0.1, (ROWS, 2)), axis=0)
    positive = generator.uniform(0.02, 0.2, (ROWS, 2))
    leaning = [generator.uniform(-1, 1, (ROWS, 2)) for _ in range(3)]
    counts = [generator.poisson(0.6, (ROWS, 2)).astype(float) for _ in range(2)]
    regime = generator.integers(0, 4, (ROWS, 2)).astype(float)
    return Sight(mid, positive, mid + 0.1 * leaning[0], leaning[1], leaning[2], *counts, regime)


def plain(seen, norms, t, i):
    """One row of one path, from the definitions."""

    def mean(values, start, steps):
        weight, level = 1 / steps, start
        for value in values[1 : t + 1]:
            level = (1 - weight) * level + weight * value
        return level

    mid = seen.mid[: t + 1, i]
    moves = np.concatenate([[0.0], np.diff(mid) ** 2])
    sells, buys = ([mean(x[:, i], norms.arrivals, n) for n in (5, 40)] for x in (seen.sells, seen.buys))
    swings = [math.sqrt(mean(moves, norms.move**2, n)) / norms.move for n in (5, 40)]
    return {
        "spread": seen.half_spread[t, i] * norms.decay,
        "book_imbalance_3": seen.near[t, i],
        "book_imbalance_10": seen.deep[t, i],
        "microprice_minus_mid": (seen.microprice[t, i] - mid[-1]) * norms.decay,
        "flow_imbalance_fast": (buys[0] - sells[0]) / (buys[0] + sells[0] + 0.1 * norms.arrivals),
        "flow_imbalance_slow": (buys[1] - sells[1]) / (buys[1] + sells[1] + 0.1 * norms.arrivals),
        "arrival_rate": (buys[0] + sells[0]) / (2 * norms.arrivals),
        "volatility_fast": swings[0],
        "volatility_slow": swings[1],
        **{f"return_{w}": (mid[-1] - mid[max(t - w, 0)]) / norms.move / math.sqrt(w) for w in (1, 5, 20)},
        "regime": (seen.regime[t, i] - 1) / 2,
    }


def test_features_are_their_plain_twin(sight):
    norms = Norms(12.0, 0.09, 0.6)
    out = np.zeros((ROWS, 5, len(FEATURES)), dtype=np.float32)
    write_features(out, 2, sight, norms)
    for t in range(ROWS):
        for i in range(2):
            for name, value in plain(sight, norms, t, i).items():
                assert out[t, 2 + i, FEATURES.index(name)] == pytest.approx(value, rel=1e-5, abs=1e-6), (
                    t,
                    name,
                )
    assert not out[:, [0, 1, 4]].any()


def test_a_size_of_zero_scales_by_one():
    assert norms_of(2.0, 0.0, 0.0) == Norms(2.0, 0.5, 1.0)


def test_the_slots_left_out_are_told_by_others():
    tape = MarketMaking().record(Paths.of(0, 16))
    seen = dict(zip(FEATURES, np.moveaxis(tape.features.astype(float), 2, 0), strict=True))
    # imbalance of the first level, from the queues, up to the tick rounding of the touch
    touch = (tape["bid_queue"] - tape["ask_queue"]) / (tape["bid_queue"] + tape["ask_queue"])
    assert np.corrcoef((seen["microprice_minus_mid"] / seen["spread"]).ravel(), touch.ravel())[0, 1] > 0.98
    # arrival rate of the buyers
    buys = seen["arrival_rate"] * (1 + seen["flow_imbalance_fast"])
    came = (tape["buy_reach_1"] > -1e8)[1:]
    assert np.corrcoef(buys[1:].ravel(), came.ravel())[0, 1] > 0.3


def test_spread_and_regime_show_the_weather():
    strategy = MarketMaking()
    tape = strategy.record(Paths.of(0, 256))
    regime = tape.features[:, :, FEATURES.index("regime")]
    spread = tape.features[:, :, FEATURES.index("spread")]
    assert set(np.unique(regime)) == {-0.5, 0.0, 0.5, 1.0}
    assert spread[regime == 1.0].mean() > 2 * spread[regime == 0.0].mean()
