"""The risk and execution environments as PettingZoo's own tests and D0's documentation want them."""

import dataclasses
import subprocess
import sys
import warnings

import numpy as np
import pettingzoo
import pytest

with warnings.catch_warnings():  # its own tests import its own deprecated worlds
    warnings.simplefilter("ignore")
    from pettingzoo.test import api_test, parallel_api_test, parallel_seed_test, render_test, seed_test

from fund.envs import execution, risk
from fund.errors import InvalidParameter, ResetNeeded, UnknownName

MODULES = {"risk": risk, "execution": execution}
RISK = {
    "risk_management": {
        "environment": {
            "observation_space": 10, "max_episode_steps": 40, "var_confidence": 0.99, "correlation_threshold": 0.4,
        },
        "agents": {
            "position_sizing": {"kelly_fraction": 0.2, "max_position": 0.05, "risk_free_rate": 0.01},
            "stop_target": {"atr_multiplier": 3.0, "profit_target_ratio": 1.5, "dynamic_adjustment": False},
            "risk_monitor": {"var_threshold": 0.04, "correlation_shock_threshold": 0.2, "emergency_protocols": False},
            "portfolio_optimizer": {"max_weight": 0.3, "correlation_limit": 0.6, "rebalance_threshold": 0.1},
        },
    }
}  # fmt: skip
EXECUTION = {
    "execution": {
        "environment": {"max_episode_steps": 30, "execution_venues": ["x", "y"], "latency_target": 0.002},
        "agents": {
            "position_sizing": {"min_size": 200, "max_size": 5000, "size_increment": 200},
            "stop_target": {"execution_slippage_tolerance": 0.002},
            "risk_monitor": {"execution_risk_limit": 0.01},
            "portfolio_optimizer": {"execution_cost_weight": 0.5},
            "routing": {"venue_selection_algorithm": "agents", "market_impact_model": "square_root"},
        },
    }
}  # fmt: skip


@pytest.mark.filterwarnings("ignore::UserWarning")  # the checkers advise on unbounded or unusual spaces
@pytest.mark.parametrize("module", MODULES.values(), ids=MODULES)
class TestPettingZoo:
    """Its own checks."""

    def test_api(self, module):
        api_test(module.env(max_cycles=20), num_cycles=100)
        api_test(module.raw_env(max_cycles=20), num_cycles=100)

    def test_parallel_api(self, module):
        parallel_api_test(module.parallel_env(max_cycles=20), num_cycles=100)

    def test_seeds(self, module):
        seed_test(lambda: module.env(max_cycles=20), num_cycles=60)
        parallel_seed_test(lambda: module.parallel_env(max_cycles=20))

    def test_render(self, module):
        render_test(lambda **given: module.env(max_cycles=20, **given))

    def test_max_cycles(self, module):
        environment = module.parallel_env(max_cycles=4)
        environment.reset(seed=0)
        for k in range(4):
            actions = {a: environment.action_space(a).sample() for a in environment.agents}
            _, _, ended, cut, _ = environment.step(actions)
            assert all(cut.values()) is (k == 3)
            assert not any(ended.values())
        assert environment.agents == []


@pytest.mark.parametrize("name", MODULES)
def test_registry(name):
    one = pettingzoo.make("aec", f"fund/{name}-v0", max_cycles=5)
    two = pettingzoo.make("parallel", f"fund/{name}-v0", max_cycles=5)
    assert one.unwrapped.possible_agents == two.possible_agents


@pytest.mark.parametrize("name", MODULES)
def test_aec_and_parallel_agree(name):
    """G1: rewards, observations and ledger, bit for bit, over a whole episode."""
    module = MODULES[name]
    turn, together = module.raw_env(max_cycles=25), module.parallel_env(max_cycles=25)
    turn.reset(seed=4)
    seen, _ = together.reset(seed=4)
    for agent in together.agents:
        together.action_space(agent).seed(1)
    while together.agents:
        live = list(together.agents)
        for agent in live:
            assert np.array_equal(turn.observe(agent), seen[agent])
        actions = {agent: together.action_space(agent).sample() for agent in live}
        for agent in live:
            turn.step(actions[agent])
        seen, rewards, _, _, _ = together.step(actions)
        assert rewards == turn.rewards
        assert np.array_equal(turn.ledger.block, together.ledger.block)


@pytest.mark.parametrize("name", MODULES)
def test_spaces_and_state(name):
    environment = MODULES[name].parallel_env()
    environment.reset(seed=0)
    assert environment.state().shape == environment.state_space.shape
    assert all(
        environment.observation_space(a) is environment.observation_space(a) for a in environment.agents
    )
    assert np.isfinite(environment.state()).all()


def test_risk_spaces_are_those_of_the_document():
    """S117, S122: four agents, ten numbers, five choices."""
    environment = risk.create_risk_environment()
    assert environment.possible_agents == [
        "position_sizing",
        "stop_target",
        "risk_monitor",
        "portfolio_optimizer",
    ]
    for agent in environment.possible_agents:
        assert environment.observation_space(agent).shape == (10,)
        assert environment.action_space(agent).n == 5


def test_execution_spaces_are_those_of_the_document():
    """S135, S140: five agents, boxes of numbers."""
    environment = execution.create_execution_environment()
    assert environment.possible_agents == [
        "position_sizing", "stop_target", "risk_monitor", "portfolio_optimizer", "routing",
    ]  # fmt: skip
    shapes = [environment.action_space(agent).shape for agent in environment.possible_agents]
    assert shapes == [(2,), (2,), (1,), (1,), (7,)]
    features = environment.stage.strategy.features
    # S138, S139: depth of the books and latency of the venues are observed
    assert {"depth_a1", "depth_b3", "queue_a2", "latency_1", "latency_3"} <= set(features)


def test_risk_configuration_sets_what_it_names():
    strategy = risk.RiskManagementEnv(RISK).stage.strategy
    wanted = {
        "n_steps": 40, "var_confidence": 0.99, "correlation_threshold": 0.4, "kelly_fraction": 0.2,
        "max_position": 0.05, "risk_free_rate": 0.01, "atr_multiplier": 3.0, "profit_target_ratio": 1.5,
        "dynamic_adjustment": False, "var_threshold": 0.04, "correlation_shock_threshold": 0.2,
        "emergency_protocols": False, "max_weight": 0.3, "correlation_limit": 0.6, "rebalance_threshold": 0.1,
    }  # fmt: skip
    assert {key: getattr(strategy, key) for key in wanted} == wanted


def test_execution_configuration_sets_what_it_names():
    environment = execution.ExecutionEnvironment(EXECUTION)
    strategy = environment.stage.strategy
    wanted = {
        "n_steps": 30, "execution_venues": ("x", "y"), "latency_target": 0.002, "min_size": 200, "max_size": 5000,
        "size_increment": 200, "execution_slippage_tolerance": 0.002, "execution_risk_limit": 0.01,
        "execution_cost_weight": 0.5, "venue_selection_algorithm": "agents", "market_impact_model": "square_root",
    }  # fmt: skip
    assert {key: getattr(strategy, key) for key in wanted} == wanted
    assert environment.get_execution_venues() == ["x", "y"]


def test_documents_defaults_are_ours():
    """D0's own values, given or not, make the same world."""
    given = {"risk_management": {"environment": {"var_confidence": 0.95, "correlation_threshold": 0.5}}}
    assert risk.RiskManagementEnv(given).stage.strategy == risk.RiskManagementEnv().stage.strategy
    strategy = execution.ExecutionEnvironment().stage.strategy
    assert dataclasses.asdict(strategy)["execution_venues"] == ("venue_a", "venue_b", "venue_c")
    assert (strategy.min_size, strategy.max_size, strategy.size_increment) == (100.0, 10_000.0, 100.0)


@pytest.mark.parametrize(
    ("config", "match"),
    [
        ({"risk_managment": {}}, "risk_management"),
        ({"risk_management": {"agents": {"risk_monitr": {}}}}, "risk_monitor"),
        ({"risk_management": {"agents": {"risk_monitor": {"var_treshold": 1}}}}, "var_threshold"),
    ],
)  # fmt: skip
def test_unknown_keys_are_answered_with_the_nearest(config, match):
    with pytest.raises(UnknownName, match=match):
        risk.RiskManagementEnv(config)


def test_wrong_values_are_refused():
    with pytest.raises(InvalidParameter, match="observation_space"):
        risk.RiskManagementEnv({"risk_management": {"environment": {"observation_space": 11}}})
    config = {"execution": {"agents": {"routing": {"market_impact_model": "almgren"}}}}
    with pytest.raises(UnknownName, match="almgren_chriss"):
        execution.ExecutionEnvironment(config)


def test_yaml_file(tmp_path):
    file = tmp_path / "execution.yml"
    file.write_text("execution:\n  environment:\n    max_episode_steps: 7\n", encoding="utf-8")
    assert execution.ExecutionEnvironment(str(file)).stage.strategy.n_steps == 7


def test_risk_methods_answer_from_the_episode():
    environment = risk.RiskManagementEnv(max_cycles=60)
    environment.reset(seed=1)
    before = environment.get_var_metrics()["parametric_var"]
    for _ in range(40 * 4):
        environment.step(2)
    after = environment.get_var_metrics()
    assert before == 0.0 < after["parametric_var"]
    assert environment.get_correlation_matrix().shape == (4, 4)
    assert isinstance(environment.get_risk_alerts(), list)


def test_execution_methods_answer_from_the_episode():
    environment = execution.ExecutionEnvironment(max_cycles=20)
    environment.reset(seed=1)
    assert environment.get_market_impact_estimate(1000) > environment.get_market_impact_estimate(500) > 0.0
    assert environment.get_market_impact_estimate(0) == 0.0
    assert 0.0 < environment.get_venue_latency("venue_a") < environment.get_venue_latency("venue_c")
    assert environment.get_execution_metrics()["shortfall"] == 0.0
    for _ in range(20):
        for agent in list(environment.agents):
            environment.step(np.zeros(environment.action_space(agent).shape, dtype=np.float32))
    metrics = environment.get_execution_metrics()
    assert metrics["open_a"] == metrics["open_b"] == 0.0
    assert metrics["made"] + metrics["taken"] == abs(metrics["parent_a"]) + abs(metrics["parent_b"])
    loss = environment.stage.strategy.capital - float(environment.ledger.books.nav[0])
    assert metrics["shortfall"] == pytest.approx(loss, abs=1e-6)


@pytest.mark.parametrize("name", MODULES)
def test_step_before_reset(name):
    with pytest.raises(ResetNeeded):
        MODULES[name].raw_env().step(2)


def test_importing_a_stage_does_not_load_pettingzoo():
    code = "import sys, fund.grandmodel.risk.stage, fund.grandmodel.execution.stage; print('pettingzoo' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "False"
