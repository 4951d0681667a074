"""The ledger: the one place where money moves.

NAV = cash + sum_k position_k mark_k, after every step, in float64. Only `book` (fills and declared cash flows),
`mark` and `reopen` write. Beside the NAV runs a second account of the same money, in lines that add up to it:

    dNAV = holding + execution - fees + rebates + carry
    holding    sum_k position_k (mark_k,t+1 - mark_k,t), after the step's fills
    execution  sum over fills of q (mark_t - price): spread captured (+) or paid (-)

The step functions are scalar (one path, index i) and compiled into each strategy's loop; `Ledger` holds the
numbers of n paths and gives them names. A fill is a *leg*: both sides of a market maker fit in one step.
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


def open_books(block: Floats, instruments: int) -> Books:
    """Name the rows of a block (4 + 2 instruments + 5, n)."""
    k = HELD + instruments
    return Books(
        block[CASH], block[NAV], block[PEAK], block[TRADED],
        block[HELD:k], block[k : k + instruments], block[k + instruments :],
    )  # fmt: skip


# In the compiled loop one array holds all of a path's numbers side by side: with a view for each of them, the
# processor would spend its registers on where they begin.
CASH, NAV, PEAK, TRADED, HELD = 0, 1, 2, 3, 4


@njit(forceinline=True)
def book(accounts: Floats, i: int, instruments: int, legs: Any, fills: Fills, carry: float) -> None:
    """Exchange cash for units at the fill prices, pay the fees, receive the declared cash flow."""
    marks, lines = HELD + instruments, HELD + 2 * instruments
    # sums in registers: a sum kept in memory waits for its own store at every leg
    cash, traded = accounts[i, CASH] + carry, accounts[i, TRADED]
    execution, fees, rebates = accounts[i, lines + 1], accounts[i, lines + 2], accounts[i, lines + 3]
    for leg in range(len(legs)):
        k = legs[leg]
        quantity, price, fee = fills.quantity[leg], fills.price[leg], fills.fee[leg]
        cash -= quantity * price + fee
        accounts[i, HELD + k] += quantity
        traded += abs(quantity * price)
        execution += quantity * (accounts[i, marks + k] - price)
        fees -= max(fee, 0.0)
        rebates -= min(fee, 0.0)
    accounts[i, CASH], accounts[i, TRADED] = cash, traded
    accounts[i, lines + 1], accounts[i, lines + 2], accounts[i, lines + 3] = execution, fees, rebates
    accounts[i, lines + 4] += carry


@njit(forceinline=True)
def mark(accounts: Floats, i: int, prices: Any) -> None:
    """Value the positions at new prices; the NAV is an identity, not a running sum."""
    marks, lines = HELD + len(prices), HELD + 2 * len(prices)
    nav, holding = accounts[i, CASH], accounts[i, lines]
    for k in range(len(prices)):
        position = accounts[i, HELD + k]
        holding += position * (prices[k] - accounts[i, marks + k])
        accounts[i, marks + k] = prices[k]
        nav += position * prices[k]
    accounts[i, lines] = holding
    accounts[i, NAV] = nav
    accounts[i, PEAK] = max(accounts[i, PEAK], nav)


@njit
def reopen(accounts: Floats, i: int, capital: float, position: Any, prices: Any) -> None:
    """Start a new account: opening positions are paid for at the mark, so that NAV = capital."""
    for place in range(accounts.shape[1]):
        accounts[i, place] = 0.0
    accounts[i, CASH] = capital
    for k in range(len(prices)):
        accounts[i, HELD + k] = position[k]
        accounts[i, HELD + len(prices) + k] = prices[k]
        accounts[i, CASH] -= position[k] * prices[k]
    accounts[i, NAV] = capital
    accounts[i, PEAK] = capital


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
    def accounts(self) -> Floats:
        """The same numbers as they lie in memory, (n, 4 + 2 instruments + 5): what `book` and `mark` write."""
        return self.block.T

    @property
    def books(self) -> Books:
        """The arrays by name."""
        return open_books(self.block, len(self.instruments))

    def attribution(self) -> dict[str, Floats]:
        """The cumulative lines by name, each (n,); their sum is NAV - capital."""
        lines = self.books.lines
        return {name: lines[k].copy() for k, name in enumerate(LINES)}

    def check(self, capital: float, tolerance: float = 1e-9) -> None:
        """Raise where cash and positions do not give the NAV, or the lines its change.

        Raises InvalidParameter with the path and the difference.
        """
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
