"""A quiet market worked by hand: one price, known depth, queue and flow."""

import dataclasses

import numpy as np
import pytest

from fund.grandmodel.broker import Session
from fund.grandmodel.execution.market import record
from fund.grandmodel.execution.strategy import Execution
from fund.market.streams import Paths

MARKET = Execution(n_steps=12, random_start=False, permanent=0.0)
ORDERS = np.array([[12_000.0, -8_000.0]])


@pytest.fixture(name="session")
def _session():
    """The generated market, world 0."""
    return Session.of(MARKET, record(MARKET, Paths.of(0, 1), None, ORDERS))


@pytest.fixture(name="quiet")
def _quiet():
    """Mid 50, half-spread .01, depth 10,000 at venue a and 5,000 at b; queue 300, outflow 500 a step at each."""
    rows, session = 5, Session.of(MARKET, record(MARKET, Paths.of(0, 1), None, ORDERS))
    flat = np.ones((rows, 2))
    venues = np.ones((rows, 2, 3))
    return dataclasses.replace(
        session,
        mid=50.0 * flat,
        half_spread=0.01 * flat,
        volatility=0.05 * flat,
        volume=12_000.0 * flat,
        depth=venues * np.array([10_000.0, 5_000.0, 0.0]),
        queue=300.0 * venues,
        outflow=500.0 * venues,
    )
