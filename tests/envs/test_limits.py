"""Limits hold, money adds up and observations stay in their space, whatever the sequence of actions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fund.envs.batch import Batch
from fund.envs.contract import adversarial
from fund.grandmodel.stages import STAGES
from fund.roster import rosters
from fund.strategy import Box

STEPS = 12


def actions_of(space):
    if isinstance(space, Box):
        wild = st.one_of(
            st.floats(space.low, space.high),
            st.sampled_from([space.low, space.high, 0.0, 1e6, -1e6, 1e308, -1e308]),
        )
        return arrays(np.float64, (STEPS, 1, space.size), elements=wild)
    return arrays(np.float64, (STEPS, 1, 1), elements=st.integers(0, space.count - 1).map(float))


@pytest.mark.parametrize("name", list(rosters()))
def test_any_sequence_of_actions(name):
    strategy = rosters()[name].cls()
    batch = Batch(strategy.with_steps(STEPS), 1)
    books = batch.ledger.books

    @settings(max_examples=60)
    @given(actions_of(strategy.actions), st.integers(0, 50))
    def holds(actions, seed):
        batch.reset(seed)
        for action in actions:
            nav, marks, held = books.nav.copy(), books.marks.copy(), books.position.copy()
            out = batch.step(action)
            assert not strategy.over_limit(held, books.position, marks, nav).any()
            batch.ledger.check(strategy.capital)
            assert np.isfinite(out.observation).all()
            assert np.isfinite(out.reward).all()
            if batch.ended.any():
                break

    holds()


EVERYTHING = {name: spec.cls for roster in (rosters(), STAGES) for name, spec in roster.items()}


@pytest.mark.parametrize("name", EVERYTHING)
def test_a_thousand_episodes_of_wild_actions(name):
    """INVARIANTS A1, E3, E4, E5: 10^5 adversarial steps; books, limits, observations and rewards at every one."""
    strategy = EVERYTHING[name]()
    strategy = strategy.with_steps(min(strategy.n_steps, 100))
    batch = Batch(strategy, 1000)
    batch.reset(5)
    books, steps = batch.ledger.books, 0
    for action in adversarial(strategy, 100, 1000, seed=6):
        nav, marks, held = books.nav.copy(), books.marks.copy(), books.position.copy()
        out = batch.step(action)
        batch.ledger.check(strategy.capital)
        assert not strategy.over_limit(held, books.position, marks, nav).any()
        assert np.isfinite(out.observation).all() and np.isfinite(out.reward).all()
        steps += 1000
        if batch.ended.any():
            batch.renew(batch.ended.copy())
    assert steps == 10**5
