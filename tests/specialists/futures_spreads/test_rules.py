"""Rules on rows whose answer is known, and the training settings."""

from types import SimpleNamespace

import numpy as np
import pytest

from fund.envs import play as players
from fund.envs.batch import Batch
from fund.errors import InvalidParameter
from fund.market.streams import Paths
from fund.training.train import settings_of
from specialists.futures_spreads import SPEC
from specialists.futures_spreads.strategy import FuturesSpreads


def actions(desk, rule, paths=64, steps=200):
    batch, policy = Batch(desk, paths), desk.rules[rule](desk)
    batch.reset(0)
    rows, seen = [], []
    for _ in range(steps):
        rows.append(np.array(policy(batch.view()))[:, 0])
        seen.append(batch.view().observation.copy())
        batch.step(rows[-1][:, None])
    return np.array(rows), np.array(seen).astype(float)


def test_the_threshold_rule_enters_at_two_and_leaves_at_the_mean():
    desk = FuturesSpreads()
    taken, seen = actions(desk, "zscore_threshold")
    z = seen[:, :, desk.features.index("zscore_60")]
    assert set(np.unique(taken)) == {-1.0, 0.0, 1.0}
    assert (taken * z <= 0.0).all()
    opened = (taken[1:] != 0.0) & (taken[:-1] == 0.0)
    assert (np.abs(z[1:][opened]) >= 2.0).all()
    assert ((np.abs(z) < 2.0) | (taken == -np.sign(z))).all()


def test_curve_reversion_waits_for_what_a_round_trip_costs_and_leaves_where_the_front_is_right():
    # prices 100 (1 + m), 100 (1 + m), 100: no basis in front, and m over the three months behind as the next one
    desk = FuturesSpreads()
    front, cost = np.array([0.0, 0.003, 0.005, 0.001, -0.001, -0.003, -0.005, -0.001, 0.001]), 0.001
    behind = front / (3 * 21 / 252)
    rule, taken = desk.rules["curve_reversion"](desk), []
    for clock, m in enumerate(behind):
        seen = SimpleNamespace(
            n=1, clock=np.array([clock]), row={"cost": np.array([cost])},
            slot=lambda name, m=m: np.array([{"curvature": 8.0 * (0.0 - m)}[name]]),
        )  # fmt: skip
        taken.append(float(rule(seen)[0, 0]))
    # dear by more than four tenths of a per cent, and until it is no longer; then the same on the other side
    assert taken == [0.0, 0.0, -1.0, -1.0, 0.0, 0.0, 1.0, 1.0, 0.0]


def test_carry_takes_the_side_that_is_paid():
    desk = FuturesSpreads()
    taken, seen = actions(desk, "carry")
    assert np.array_equal(taken, np.sign(seen[:, :, desk.features.index("carry")]))


def test_merton_is_one_constant_and_scales_with_risk_aversion():
    log = FuturesSpreads.preset("schwartz_smith")
    careful = FuturesSpreads.preset("schwartz_smith", utility_power=-3.0)
    assert np.ptp(actions(log, "merton", 4, 20)[0]) == 0.0
    assert actions(log, "merton", 4, 2)[0][0, 0] == pytest.approx(0.5, abs=0.002)
    assert actions(careful, "merton", 4, 2)[0][0, 0] == pytest.approx(0.125, abs=0.001)
    assert actions(careful, "optimum", 4, 2)[0][0, 0] == pytest.approx(0.125, abs=0.001)


def test_the_optimum_times_a_premium_with_a_slope():
    # weight (lc0 + b chi) / sigma_chi^2 over the spread's loading: better than the constant one, by more than chance
    desk = FuturesSpreads.preset("schwartz_smith", legs="dollars", premium_slope=0.6, position_limit=40.0)
    paths = Paths.of(0, 1024)
    tape = desk.record(paths)
    timed, constant = (
        np.log(np.maximum(players.play(desk, desk.rules[rule](desk), paths, tape).nav[-1], 1.0))
        for rule in ("optimum", "merton")
    )
    gain = timed - constant
    assert gain.mean() > 4.0 * gain.std() / 32.0


def test_no_optimum_is_claimed_where_there_is_none():
    for world in (FuturesSpreads(), FuturesSpreads.preset("schwartz_smith", cost_rate=0.0002),
                  FuturesSpreads.preset("planted", utility_power=0.0)):  # fmt: skip
        with pytest.raises(InvalidParameter, match="schwartz_smith"):
            world.rules["optimum"](world)


def test_default_rules_earn_after_costs_and_an_agent_has_room():
    desk = FuturesSpreads()
    paths = Paths.of(0, 2048)
    tape = desk.record(paths)
    for rule in ("zscore_threshold", "carry", "merton"):
        played = players.play(desk, desk.rules[rule](desk), paths, tape)
        pnl = (played.nav[-1] - played.nav[0]) / desk.capital
        assert pnl.mean() > 2.0 * pnl.std() / np.sqrt(2048)
        assert pnl.mean() < 0.15
    # what the curve shows is worth several times as much, and agents find more (tests/golden)
    played = players.play(desk, desk.rules["curve_reversion"](desk), paths, tape)
    pnl = (played.nav[-1] - played.nav[0]) / desk.capital
    assert pnl.mean() > 4.0 * pnl.std() / np.sqrt(2048)
    assert pnl.mean() < 0.27


def test_settings_train_in_a_world_without_noise():
    for preset in ("default", "planted", "schwartz_smith"):
        settings = settings_of(SPEC, preset)
        assert settings.world == {"control_variate": True}
        assert FuturesSpreads.preset(preset, **settings.world).control_variate
