"""Training the desks side by side: what becomes of a process that dies, and what a record's world can take."""

from concurrent.futures.process import BrokenProcessPool

import pytest

from allocator import desks
from fund.errors import ModelError
from specialists import ROSTER
from tests.specialists.records import frame


class Dying:
    """A pool whose processes are killed."""

    def __init__(self, *arguments, **keywords):
        self.closed = False

    def map(self, function, jobs):
        raise BrokenProcessPool

    def shutdown(self, cancel_futures):
        assert cancel_futures


def test_a_killed_process_is_one_clear_line(monkeypatch):
    monkeypatch.setattr(desks, "ProcessPoolExecutor", Dying)
    monkeypatch.setattr(desks.os, "cpu_count", lambda: 2)
    spec = ROSTER["statistical_arbitrage"]
    plans = {name: desks.Plan(spec, spec.cls(), spec.cls(), spec.cls()) for name in ("a", "b")}
    with pytest.raises(ModelError, match="a process that trained a desk was killed"):
        desks.train_desks(plans, 0.5, 0, None)


def test_a_record_takes_what_it_can_of_a_training_world():
    cls = ROSTER["futures_spreads"].cls
    world = {"control_variate": True, "cost_rate": 0.001}
    assert desks.holding(cls(), world) == world
    assert desks.holding(cls.preset("history").on(frame("futures_spreads")), world) == {"cost_rate": 0.001}
