"""The ledger, by hand."""

import numpy as np
import pytest

from fund.account.ledger import Fills, Ledger, book, mark, reopen
from fund.errors import InvalidParameter


def opened(capital=100.0, prices=(10.0, 5.0)):
    ledger = Ledger.empty(("a", "b"), 1)
    reopen(ledger.accounts, 0, capital, (0.0, 0.0), prices)
    return ledger


def test_a_hand_worked_step():
    ledger = opened()
    books = ledger.books
    # buy 3 a at 10.1 for a fee of .5, sell 2 b at 4.9 for a rebate of .2, receive .25 of carry
    book(ledger.accounts, 0, 2, (0, 1), Fills((3.0, -2.0), (10.1, 4.9), (0.5, -0.2)), 0.25)
    assert books.cash[0] == pytest.approx(100 - 30.3 - 0.5 + 9.8 + 0.2 + 0.25, abs=1e-12)
    assert books.position[:, 0].tolist() == [3.0, -2.0]
    mark(ledger.accounts, 0, (11.0, 5.5))
    assert books.nav[0] == pytest.approx(79.45 + 33.0 - 11.0, abs=1e-12)
    lines = {name: values[0] for name, values in ledger.attribution().items()}
    assert lines["holding"] == pytest.approx(3 * 1.0 - 2 * 0.5, abs=1e-12)
    assert lines["execution"] == pytest.approx(3 * (10.0 - 10.1) - 2 * (5.0 - 4.9), abs=1e-12)
    assert lines["fees"] == pytest.approx(-0.5, abs=1e-12)
    assert lines["rebates"] == pytest.approx(0.2, abs=1e-12)
    assert lines["carry"] == pytest.approx(0.25, abs=1e-12)
    assert sum(lines.values()) == pytest.approx(books.nav[0] - 100.0, abs=1e-12)
    assert books.traded[0] == pytest.approx(30.3 + 9.8, abs=1e-12)
    assert books.peak[0] == pytest.approx(max(100.0, books.nav[0]), abs=1e-12)
    ledger.check(100.0)


def test_two_legs_in_one_instrument():
    ledger = Ledger.empty(("asset",), 1)
    reopen(ledger.accounts, 0, 0.0, (0.0,), (100.0,))
    book(ledger.accounts, 0, 1, (0, 0), Fills((1.0, -1.0), (99.0, 101.0), (0.0, 0.0)), 0.0)
    mark(ledger.accounts, 0, (107.0,))
    assert ledger.books.position[0, 0] == 0.0
    assert ledger.books.nav[0] == 2.0  # the whole spread, whatever the price did


def test_nothing_traded_in_a_flat_market_changes_nothing():
    ledger = opened()
    before = ledger.block.copy()
    for _ in range(50):
        book(ledger.accounts, 0, 2, (0, 1), Fills((0.0, 0.0), (10.0, 5.0), (0.0, 0.0)), 0.0)
        mark(ledger.accounts, 0, (10.0, 5.0))
    assert np.array_equal(before, ledger.block)


def test_opening_positions_are_paid_for_at_the_mark():
    ledger = Ledger.empty(("a",), 1)
    reopen(ledger.accounts, 0, 50.0, (-4.0,), (10.0,))
    assert ledger.books.cash[0] == 90.0
    assert ledger.books.nav[0] == 50.0
    ledger.check(50.0)


@pytest.mark.parametrize("row", [0, 1, 4, 8])
def test_check_sees_a_cent_that_is_missing(row):
    ledger = opened(capital=1e6)
    book(ledger.accounts, 0, 2, (0, 1), Fills((3.0, -2.0), (10.0, 5.0), (0.0, 0.0)), 0.0)
    mark(ledger.accounts, 0, (10.0, 5.0))
    ledger.block[row, 0] += 0.01
    with pytest.raises(InvalidParameter, match="off by"):
        ledger.check(1e6)


def test_a_million_trades_stay_exact_to_a_billionth_of_cash():
    ledger = opened(capital=1e6, prices=(10.0, 5.0))
    generator = np.random.default_rng(0)
    for quantity, price in zip(
        generator.normal(size=20_000), 10 + generator.normal(size=20_000), strict=True
    ):
        book(ledger.accounts, 0, 2, (0, 1), Fills((quantity, -quantity), (price, 5.0), (0.01, 0.0)), 0.0)
        mark(ledger.accounts, 0, (price, 5.0))
    ledger.check(1e6, tolerance=1e-12)
