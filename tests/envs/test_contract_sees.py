"""Every check of the contract fails when its law is broken."""

import dataclasses
from typing import ClassVar, NamedTuple

import pytest
import trend_following
from trend_following import TrendFollowing, observe, opening, reward, trade

from fund.account.ledger import Fills
from fund.envs.contract import CHECKS
from fund.errors import ContractBroken
from fund.strategy import Step


def broken(check, strategy, text):
    with pytest.raises(ContractBroken, match=text):
        CHECKS[check](strategy)


def variant(**changes):
    """The example with another scalar function."""

    @dataclasses.dataclass(frozen=True)
    class Variant(TrendFollowing):
        step: ClassVar[Step] = dataclasses.replace(TrendFollowing.step, **changes)

    return Variant()


def test_a_feature_that_sees_tomorrow():
    @dataclasses.dataclass(frozen=True)
    class Peeking(TrendFollowing):
        def record(self, paths, weather=None):
            tape = super().record(paths, weather)
            tape.features[:-1, :, 0] = tape["price"][1:] / tape["price"][:-1] - 1.0
            tape.features[-1, :, 0] = 0.0
            return tape

    broken("future_is_invisible", Peeking(), "a shorter recording is not the beginning")


def test_draws_that_depend_on_the_company():
    @dataclasses.dataclass(frozen=True)
    class Mixed(TrendFollowing):
        def record(self, paths, weather=None):
            tape = super().record(paths, weather)
            tape.block[:] *= 1.0 + 0.01 * tape.block[0, 0].mean()
            return tape

    broken("batch_is_singles", Mixed(), "not the single episode")


def test_a_global_random_state_that_matters():
    import numpy as np

    @dataclasses.dataclass(frozen=True)
    class Global(TrendFollowing):
        def record(self, paths, weather=None):
            tape = super().record(paths, weather)
            tape.block[:] *= np.random.rand()  # noqa: NPY002
            return tape

    broken("same_seed_same_trajectory", Global(), "another trajectory")


def test_a_part_of_the_reward_that_is_not_money():
    def generous(p, before, account, memory):
        return trend_following.Parts((account.nav - before.nav) / p.capital * p.reward_scale + 0.001)

    broken("reward_is_its_parts", variant(reward=generous), "not the change of NAV")


def test_a_limit_that_does_not_hold():
    def greedy(p, now, nxt, account, memory, action):
        quantity = 3.0 * action[0] * account.nav / now.price - account.position[0]
        return Fills((quantity,), (now.price,), (0.0,)), 0.0, memory

    broken("limits_hold", variant(trade=greedy), "over its limit")


def test_a_flat_policy_that_earns():
    def gift(p, now, nxt, account, memory, action):
        return Fills((1.0,), (now.price - 1.0,), (0.0,)), 0.0, memory

    broken("flat_earns_its_financing", variant(trade=gift), "flat policy trades")


def test_a_kernel_that_is_not_its_twin():
    from fund.envs import contract, twin

    class Generous(twin.Twin):
        def step(self, action):
            super().step(action)
            self.cash += 0.01

    original, contract.Twin = contract.Twin, Generous
    try:
        broken("money_adds_up", TrendFollowing(), "the plain twin has")
    finally:
        contract.Twin = original


def test_features_that_say_nothing():
    def silent(p, now, account, memory):
        return trend_following.Own(0.5, account.nav / p.capital - 1.0, 1.0 - account.nav / account.peak)

    broken("features_speak", variant(observe=silent), '"position" is constant')

    def twice(p, now, account, memory):
        drawdown = 1.0 - account.nav / account.peak
        return trend_following.Own(account.position[0] * now.price / p.capital, drawdown, drawdown)

    broken("features_speak", variant(observe=twice), "are the same")


def test_names_that_do_not_fit():
    class Strange(NamedTuple):
        position: float
        unrealised: float
        drawdwn: float

    broken("names_fit", variant(own=Strange), "has no slot")
    broken("names_fit", variant(marks=("prise",)), "is not a column")


def test_a_whole_strategy_passes():
    assert opening and trade and reward and observe
    for check in CHECKS.values():
        check(TrendFollowing())
