"""Being on the roster is being tested: the contract over every strategy."""

import pytest
from trend_following import TrendFollowing

from fund.envs.contract import CHECKS
from fund.roster import rosters

NAMES = ("trend_following", *rosters())


def strategy_of(name):
    return TrendFollowing() if name == "trend_following" else rosters()[name].cls()


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
@pytest.mark.parametrize("name", NAMES)
def test_contract(name, check):
    check(strategy_of(name))
