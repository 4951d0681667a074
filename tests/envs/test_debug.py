"""Debug mode sees what is wrong, and a configuration can be checked before anything is built."""

import numpy as np
import pytest

from fund.envs import risk, strategic, unified
from fund.envs.unified import validate_config
from fund.errors import DataError, InvalidParameter, UnknownName
from fund.grandmodel.risk.positions import limit_scale
from fund.grandmodel.risk.strategy import RiskManagement

WATCH = {"state_validation": True}


def played(module, config, spoil=None):
    env = module.parallel_env(config, max_cycles=4)
    env.reset(seed=0)
    if spoil:
        spoil(env)
    env.step({agent: env.action_space(agent).n // 2 for agent in env.agents})
    return env


def test_money_from_nowhere_is_seen_where_it_is_watched_for():
    """Cash that no fill moved, and a line of the account that says otherwise."""

    def gift(env):
        env.ledger.books.cash[0] += 1e6
        env.ledger.books.lines[4, 0] -= 5.0

    for module in (strategic, risk):
        with pytest.raises(InvalidParameter, match=r"ledger: \w+ of path 0 is off by"):
            played(module, WATCH, gift)
        played(module, {}, gift)


def test_what_is_outside_its_space_is_seen():
    def blind(env):
        env.observation_spaces["risk_monitor"].high[:] = -1.0

    with pytest.raises(InvalidParameter, match="risk_monitor sees what is outside its space"):
        played(risk, WATCH, blind)


def test_one_word_switches_all_three_on_in_all_fifteen():
    env = unified.parallel_env({"debug": True}, max_cycles=3)
    for stage in env.stages.values():
        assert stage.debug.verbose_logging
        assert stage.debug.performance_monitoring
        assert stage.debug.state_validation
    env.reset(seed=0)
    for agent in env.possible_agents:
        env.action_space(agent).seed(0)
    env.step({agent: env.action_space(agent).sample() for agent in env.agents})
    for stage in env.stages.values():
        assert stage.performance["rounds"] == 1
        assert stage.performance["seconds"] > 0.0


def test_a_configuration_is_checked_before_it_is_used(tmp_path):
    whole = {
        "strategic_marl": {"environment": {"matrix_shape": [48, 13], "max_episode_steps": 2000}},
        "tactical_marl": {"agents": {"fvg_agent": {"detection_threshold": 0.7}}},
        "risk_management": {"environment": {"observation_space": 10}},
        "execution": {"environment": {"execution_venues": ["a", "b"]}},
        "debug": True,
    }
    assert validate_config(whole)
    assert validate_config({})
    assert validate_config(None)
    with pytest.raises(UnknownName, match='Did you mean "execution"'):
        validate_config({"executon": {}})
    with pytest.raises(UnknownName, match='Did you mean "detection_threshold"'):
        validate_config({"tactical_marl": {"agents": {"fvg_agent": {"detection_treshold": 0.7}}}})
    with pytest.raises(InvalidParameter, match="risk_management.environment.observation_space"):
        validate_config({**whole, "risk_management": {"environment": {"observation_space": 11}}})
    with pytest.raises(InvalidParameter, match="debug: found 'yes', wanted true or false"):
        validate_config({"debug": "yes"})
    file = tmp_path / "all.yml"
    file.write_text("execution:\n  environment: {max_episode_steps: 0}\n", encoding="utf-8")
    with pytest.raises(InvalidParameter, match="execution.environment.max_episode_steps"):
        validate_config(file)
    with pytest.raises(DataError, match="nowhere"):
        validate_config("nowhere.yml")


def test_a_correlation_shock_halves_what_the_limits_leave():
    """S124: beyond the threshold half is kept; without emergency protocols everything."""
    rounds = risk.parallel_env()._rounds
    rounds.reset(0)
    names = rounds.batch.current_tape.columns
    row = dict(zip(names, rounds.batch.current_tape.block[0, :, 0].tolist(), strict=True))
    scale = getattr(limit_scale, "py_func", limit_scale)
    small = _four(1.0)
    for shock, protocols, wanted in ((0.31, True, 0.5), (0.29, True, 1.0), (0.31, False, 1.0)):
        world = RiskManagement(correlation_shock_threshold=0.3, emergency_protocols=protocols)
        now = _row({**row, "correlation_shock": shock})
        assert scale(world.parameters(), now, small, 1e6) == wanted


def _four(size):
    from fund.grandmodel.risk.positions import Four

    return Four(size, size, size, size)


def _row(values):
    from fund.grandmodel.risk.layout import Columns

    return Columns(**{name: np.float64(values[name]) for name in Columns._fields})
