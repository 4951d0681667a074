"""The risk and execution environments as PettingZoo's own tests and D0's documentation want them."""

import subprocess
import sys

import numpy as np
import pytest

from fund.envs import execution, risk
from fund.errors import InvalidParameter, UnknownName


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
    with pytest.raises(InvalidParameter, match="order_size is nan"):
        environment.get_market_impact_estimate(float("nan"))
    with pytest.raises(UnknownName, match='Did you mean "venue_c"'):
        environment.get_venue_latency("venue_z")
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
