"""The risk and execution environments as PettingZoo's own tests and D0's documentation want them."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest

from fund.envs import execution, risk
from fund.errors import InvalidParameter, UnknownName

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


def test_importing_a_stage_does_not_load_pettingzoo():
    code = "import sys, fund.grandmodel.risk.stage, fund.grandmodel.execution.stage; print('pettingzoo' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "False"
