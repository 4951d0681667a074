"""Recorded order books: windows, reaches and fills against the files themselves."""

import numpy as np
import pytest

from fund.envs.batch import Batch
from fund.envs.contract import CHECKS
from fund.envs.play import play, random
from fund.errors import DataError, UnknownName
from fund.market.history import History
from fund.market.lobster import lobster
from fund.market.orderbook import NO_TRADE, executed_beyond, quote_tape
from fund.market.streams import Paths
from specialists.market_making import recorded
from specialists.market_making.strategy import MarketMaking

ROWS = 120


def book(rows=ROWS, seed=0, **columns):
    """A small made-up record: a touch of two ticks around a walk in ticks, a few prints."""
    generator = np.random.default_rng(seed)
    bid = 100.0 + 0.01 * np.cumsum(generator.integers(-1, 2, rows))
    sold, bought = generator.random((2, rows)) < 0.5
    plain = {
        "bid": bid, "ask": bid + 0.02,
        "bid_size": generator.integers(1, 9, rows) * 100.0, "ask_size": generator.integers(1, 9, rows) * 100.0,
        "sell_volume": np.where(sold, 300.0, 0.0), "sell_orders": sold.astype(float),
        "sell_low": np.where(sold, np.roll(bid, 1) - 0.01, NO_TRADE),
        "buy_volume": np.where(bought, 300.0, 0.0), "buy_orders": bought.astype(float),
        "buy_high": np.where(bought, np.roll(bid, 1) + 0.03, -NO_TRADE),
        **columns,
    }  # fmt: skip
    times = np.arange(rows) * 10**6 + 10**15
    values = np.column_stack(list(plain.values()))
    return History(tuple(plain), values, times, "America/New_York", "made up")


def on(history, steps=20, **changes):
    return MarketMaking.preset("history", **changes).on(history).with_steps(steps)


def test_windows_are_rows_of_the_record():
    history = book()
    tape = on(history).record(Paths.of(0, 200))
    mid = (history.column("bid") + history.column("ask")) / 2
    assert tape.rows.min() >= recorded.WARM_UP
    assert tape.rows.max() <= ROWS - 21
    assert len(set(tape.rows.tolist())) > 30
    for i in (0, 7, 199):
        window = slice(tape.rows[i], tape.rows[i] + 21)
        np.testing.assert_array_equal(tape["mid"][:, i], mid[window])
        np.testing.assert_array_equal(tape["ask_queue"][:, i], history.column("ask_size")[window])


def test_rows_keep_their_number_in_the_whole_record():
    part = book().window(10, 90)
    assert on(part).record(Paths.of(0, 50)).rows.min() >= 10 + recorded.WARM_UP


def test_no_row_knows_a_later_one():
    history, strategy = book(), on(book())
    whole = recorded._whole(strategy, history)
    part = recorded._whole(strategy, history.window(0, 80))
    np.testing.assert_array_equal(part.block, whole.block[:80])
    np.testing.assert_array_equal(part.features, whole.features[:80])


def test_windows_open_warm():
    tape = on(book()).record(Paths.of(0, 64))
    early, late = np.argsort(tape.rows)[[0, -1]]
    shift = tape.rows[late] - tape.rows[early]
    assert shift > 0
    other = np.flatnonzero((tape.rows > tape.rows[early]) & (tape.rows <= tape.rows[early] + 20))[0]
    shift = tape.rows[other] - tape.rows[early]
    np.testing.assert_array_equal(tape.features[shift:, early], tape.features[: 21 - shift, other])


def test_volume_that_reached_a_price():
    # 300 sold from the touch down to one tick below it: a third at each of touch, between and deepest
    history = book()
    tape = on(history).record(Paths.of(3, 1))
    t = int(np.flatnonzero(tape["sell_volume"][1:, 0])[0]) + 1
    bid, mid = tape["best_bid"][t - 1, 0], tape["mid"][t - 1, 0]
    reaches = np.array([tape[f"sell_reach_{j}"][t, 0] for j in (1, 2, 3)])
    assert tape["sell_volume"][t, 0] == 100.0
    np.testing.assert_allclose(reaches, mid - bid + np.array([0.01, 0.005, 0.0]), atol=2e-6)


# the touch is 100.00 with 50 shares shown, and 300 were sold down to 99.99: inside the touch a quote has all of it, at
# the touch what the queue leaves, a tick below a third less the queue, below the deepest print nothing
@pytest.mark.parametrize(("ticks", "filled"), [(1, 300.0), (0, 250.0), (-1, 50.0), (-2, 0.0)])
def test_fills_by_hand(ticks, filled):
    flat = {"bid": np.full(ROWS, 100.0), "ask": np.full(ROWS, 100.06), "bid_size": np.full(ROWS, 50.0)}
    sold = {"sell_low": np.full(ROWS, 99.99), "sell_volume": np.full(ROWS, 300.0)}
    strategy = on(book(**flat, **sold), steps=2, quote_size=500.0, max_half_spread=0.3)
    batch = Batch(strategy, 1)
    batch.reset()
    distance = 0.03 - 0.01 * ticks
    batch.step(np.array([[(distance - strategy.centre) / strategy.half_range, 1.0]]))
    assert batch.ledger.books.position[0, 0] == pytest.approx(filled)


def test_no_more_is_filled_than_was_traded():
    queues = {"bid_size": np.full(ROWS, 5.0), "ask_size": np.full(ROWS, 5.0)}
    history = book(sell_volume=np.full(ROWS, 30.0), buy_volume=np.full(ROWS, 45.0), **queues)
    strategy = on(history, quote_size=1000.0, max_inventory=1e6, leverage=1e6)
    batch = Batch(strategy, 64)
    batch.reset(0)
    generator = np.random.default_rng(1)
    for _ in range(19):
        before = batch.memory()["bid_fills"].copy(), batch.memory()["ask_fills"].copy()
        batch.step(generator.uniform(-1, -0.8, (64, 2)))
        assert (batch.memory()["bid_fills"] - 0.9 * before[0] <= 30.0 + 1e-9).all()
        assert (batch.memory()["ask_fills"] - 0.9 * before[1] <= 45.0 + 1e-9).all()
    assert batch.memory()["fills"].any()


def test_the_step_of_the_record_is_the_step_of_the_strategy():
    strategy = on(book(), steps=20)
    assert strategy.steps_per_day == 23_400
    assert strategy.dt == pytest.approx(1 / 23_400)
    assert strategy.sweeps == 0.0


def test_contract_on_a_record():
    strategy = on(book(300), steps=40)
    for name, check in CHECKS.items():
        if name != "features_speak":
            check(strategy)


def test_a_record_too_short_says_how_many_rows_it_wants():
    with pytest.raises(DataError, match=f"{ROWS} rows, wanted {recorded.WARM_UP + 101} "):
        on(book(), steps=100).record(Paths.of(0, 1))


def test_a_missing_column_is_named():
    history = book().rename({"sell_low": "sell_lo"})
    with pytest.raises(UnknownName, match='"sell_low"'):
        on(history).record(Paths.of(0, 1))


@pytest.fixture(scope="module")
def amazon(shared_data):
    files = sorted((shared_data / "lob" / "lobster").glob("AMZN*1.csv.gz"))
    return lobster(*files)


def test_thirds_of_the_volume_against_the_events(amazon):
    tape = recorded.thirds(amazon, 60.0)
    for side, touch, sign in (("sell", "bid", 1.0), ("buy", "ask", -1.0)):
        volume = tape.column(f"{side}_volume")
        for j in (1, 2, 3):
            price = tape.column(f"{side}_price_{j}")
            for row in range(1, len(tape), 37):
                offset = sign * (tape.column(touch)[row - 1] - price[row])
                came = executed_beyond(amazon, tape, np.array([offset]))[0 if sign > 0 else 1][row, 0]
                assert came >= volume[row] * j / 3 - 1e-6
                nearer = executed_beyond(amazon, tape, np.array([offset + 0.01]))[0 if sign > 0 else 1][
                    row, 0
                ]
                assert volume[row] == 0.0 or nearer < volume[row] * j / 3 + 1e-6


def test_a_recorded_day_plays_and_can_be_calibrated(amazon):
    history = quote_tape(amazon, 10.0)
    train, _, test = history.split(0.5, 0.2, 20)
    strategy = recorded.calibrated(MarketMaking.preset("history"), train)
    assert strategy.tick == pytest.approx(0.01)
    assert strategy.half_spread == pytest.approx(np.mean(train.column("ask") - train.column("bid")) / 2)
    assert 1.0 < strategy.sigma < 10.0
    assert 5.0 < strategy.depth_decay < 60.0
    recorded_test = strategy.on(test)
    result = play(recorded_test, random(recorded_test), Paths.of(0, 64))
    assert np.isfinite(result.reward).all()
    assert result.memory["fills"].min() > 0
    assert not result.position.any()
    features = result.tape.features
    assert np.abs(features).mean(axis=(0, 1)).max() < 10.0
