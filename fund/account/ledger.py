"""The ledger: the one place where money moves.

NAV = cash + sum_k position_k mark_k, after every step, in float64. Only `book` (fills and declared cash flows),
`mark` and `reopen` write. Beside the NAV runs a second account of the same money, in lines that add up to it:

    dNAV = holding + execution - fees + rebates + carry
    holding    sum_k position_k (mark_k,t+1 - mark_k,t), after the step's fills
    execution  sum over fills of q (mark_t - price): spread captured (+) or paid (-)

The step functions are scalar (one path, index i) and compiled into each strategy's loop; `Ledger` holds the
arrays of n paths and gives them names. A fill is a *leg*: both sides of a market maker fit in one step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fund.errors import InvalidParameter

Floats = NDArray[np.float64]

LINES = ("holding", "execution", "fees", "rebates", "carry")


class Fills(NamedTuple):
    """What was traded in one step, one entry a leg."""

    quantity: tuple[float, ...]  # units, + bought, - sold
    price: tuple[float, ...]  # account currency a unit
    fee: tuple[float, ...]  # account currency; below zero a rebate


class Books(NamedTuple):
    """Arrays of the accounts, last axis the paths; views of one block."""

    cash: Floats  # (n,)
    nav: Floats  # (n,)
    peak: Floats  # (n,) highest NAV so far
    traded: Floats  # (n,) value traded so far
    position: Floats  # (instruments, n)
    marks: Floats  # (instruments, n)
    lines: Floats  # (5, n), cumulative, in the order of LINES


@njit
def open_books(block: Floats, instruments: int) -> Books:
    """Name the rows of a block (4 + 2 instruments + 5, n)."""
    k = 4 + instruments
    return Books(
        block[0],
        block[1],
        block[2],
        block[3],
        block[4:k],
        block[k : k + instruments],
        block[k + instruments :],
    )


@njit(forceinline=True)
def book(books: Books, i: int, legs: Any, fills: Fills, carry: float) -> None:
    """Exchange cash for units at the fill prices, pay the fees, receive the declared cash flow."""
    # sums in registers: a sum kept in memory waits for its own store at every leg
    cash, traded = books.cash[i] + carry, books.traded[i]
    execution, fees, rebates = books.lines[1, i], books.lines[2, i], books.lines[3, i]
    for leg in range(len(legs)):
        k = legs[leg]
        quantity, price, fee = fills.quantity[leg], fills.price[leg], fills.fee[leg]
        cash -= quantity * price + fee
        books.position[k, i] += quantity
        traded += abs(quantity * price)
        execution += quantity * (books.marks[k, i] - price)
        fees -= max(fee, 0.0)
        rebates -= min(fee, 0.0)
    books.cash[i], books.traded[i] = cash, traded
    books.lines[1, i], books.lines[2, i], books.lines[3, i] = execution, fees, rebates
    books.lines[4, i] += carry


@njit(forceinline=True)
def mark(books: Books, i: int, prices: Any) -> None:
    """Value the positions at new prices; the NAV is an identity, not a running sum."""
    nav, holding = books.cash[i], books.lines[0, i]
    for k in range(len(prices)):
        position = books.position[k, i]
        holding += position * (prices[k] - books.marks[k, i])
        books.marks[k, i] = prices[k]
        nav += position * prices[k]
    books.lines[0, i] = holding
    books.nav[i] = nav
    books.peak[i] = max(books.peak[i], nav)


@njit
def reopen(books: Books, i: int, capital: float, position: Any, prices: Any) -> None:
    """Start a new account: opening positions are paid for at the mark, so that NAV = capital."""
    books.cash[i] = capital
    for k in range(len(prices)):
        books.position[k, i] = position[k]
        books.marks[k, i] = prices[k]
        books.cash[i] -= position[k] * prices[k]
    books.nav[i] = capital
    books.peak[i] = capital
    books.traded[i] = 0.0
    for line in range(len(books.lines)):
        books.lines[line, i] = 0.0


@dataclass
class Ledger:
    """Accounts of n paths over some instruments."""

    instruments: tuple[str, ...]
    block: Floats  # (4 + 2 instruments + 5, n)

    @classmethod
    def empty(cls, instruments: tuple[str, ...], n: int) -> Ledger:
        """Accounts without money; `reopen` each path before use."""
        # what belongs to one path lies side by side in memory
        return cls(instruments, np.zeros((n, 9 + 2 * len(instruments))).T)

    @property
    def books(self) -> Books:
        """The arrays by name."""
        return open_books(self.block, len(self.instruments))

    def attribution(self) -> dict[str, Floats]:
        """The cumulative lines by name, each (n,); their sum is NAV - capital."""
        lines = self.books.lines
        return {name: lines[k].copy() for k, name in enumerate(LINES)}

    def check(self, capital: float, tolerance: float = 1e-9) -> None:
        """Raise where cash and positions do not give the NAV, or the lines its change."""
        books = self.books
        worth = books.cash + (books.position * books.marks).sum(axis=0)
        scale = np.maximum(abs(capital), np.abs(books.position * books.marks).sum(axis=0))
        scale = np.maximum(np.maximum(scale, np.abs(books.cash)), 1.0)
        for name, error in (
            ("NAV", worth - books.nav),
            ("attribution", books.lines.sum(axis=0) + capital - books.nav),
        ):
            worst = int(np.argmax(np.abs(error) / scale))
            if abs(error[worst]) > tolerance * scale[worst]:
                raise InvalidParameter(f"ledger: {name} of path {worst} is off by {error[worst]}")
