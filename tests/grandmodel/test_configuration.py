"""D0's configuration of the four stages: what it names is set, what it does not know is refused."""

import dataclasses
import json

import pytest

from fund.envs import execution, risk, strategic, tactical
from fund.errors import DataError, InvalidParameter, UnknownName

MODULES = {"strategic": strategic, "tactical": tactical}

STRATEGIC = {
    "strategic_marl": {
        "environment": {
            "matrix_shape": [24, 13], "max_episode_steps": 33, "reward_scaling": 2.0, "observation_noise": 0.5,
        },
        "agents": {
            "mlmi_expert": {"observation_columns": [0, 1], "action_space_size": 5, "expertise_weight": 0.5},
            "nwrqk_expert": {"observation_columns": [4, 5, 6, 7], "action_space_size": 3, "expertise_weight": 0.25},
            "regime_expert": {"observation_columns": [8, 12], "action_space_size": 2, "expertise_weight": 0.25},
        },
    }
}  # fmt: skip

TACTICAL = {
    "tactical_marl": {
        "environment": {
            "matrix_shape": [30, 7], "max_episode_steps": 21, "state_machine": False, "byzantine_tolerance": False,
        },
        "agents": {
            "fvg_agent": {
                "observation_columns": [0, 1, 2], "detection_threshold": 0.9, "confidence_threshold": 0.6,
            },
            "momentum_agent": {"observation_columns": [3, 4], "momentum_window": 10, "trend_threshold": 0.5},
            "entry_opt_agent": {
                "observation_columns": [5, 6], "optimization_steps": 7, "timing_precision": 0.01,
            },
        },
    }
}  # fmt: skip

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

# D0's own values, all of them
DOCUMENT = {
    "strategic": {
        "strategic_marl": {
            "environment": {
                "matrix_shape": [48, 13], "max_episode_steps": 2000, "reward_scaling": 1.0, "observation_noise": 0.01,
            },
            "agents": {
                "mlmi_expert": {
                    "observation_columns": [0, 1, 2, 3], "action_space_size": 3, "expertise_weight": 0.35,
                },
                "nwrqk_expert": {
                    "observation_columns": [4, 5, 6, 7], "action_space_size": 3, "expertise_weight": 0.35,
                },
                "regime_expert": {
                    "observation_columns": [8, 9, 10, 11, 12], "action_space_size": 3, "expertise_weight": 0.30,
                },
            },
        }
    },
    "tactical": {
        "tactical_marl": {
            "environment": {
                "matrix_shape": [60, 7], "max_episode_steps": 1000, "state_machine": True, "byzantine_tolerance": True,
            },
            "agents": {
                "fvg_agent": {
                    "observation_columns": [0, 1, 2], "detection_threshold": 0.7, "confidence_threshold": 0.8,
                },
                "momentum_agent": {"observation_columns": [3, 4], "momentum_window": 14, "trend_threshold": 0.6},
                "entry_opt_agent": {
                    "observation_columns": [5, 6], "optimization_steps": 10, "timing_precision": 0.001,
                },
            },
        }
    },
}  # fmt: skip


@pytest.mark.parametrize("name", MODULES)
def test_the_documents_values_are_the_defaults(name):
    module = MODULES[name]
    assert module.raw_env(DOCUMENT[name]).stage == module.raw_env().stage


def test_strategic_configuration_does_what_it_names():
    environment = strategic.StrategicMarketEnv(STRATEGIC)
    world = environment.stage.strategy
    wanted = {
        "window": 24, "n_steps": 33, "reward_scale": 2.0, "observation_noise": 0.5, "weight_mlmi": 0.5,
        "weight_nwrqk": 0.25, "weight_regime": 0.25,
    }  # fmt: skip
    assert {key: getattr(world, key) for key in wanted} == wanted
    assert environment.observation_space("mlmi_expert").shape == (24, 13)
    assert [environment.action_space(a).n for a in environment.possible_agents] == [5, 3, 2]
    environment.reset(seed=0)
    seen = environment.observe("mlmi_expert")
    assert not seen[:-1, 2:].any()
    assert seen[:, 0].any()
    # choice 3 of 5 is half long: .5 x .5 + .25 + .25 x 1, above the threshold of .5
    for action in (3, 2, 1):
        environment.step(action)
    memory = environment.scene().view.memory
    assert (memory["mlmi"][0], memory["nwrqk"][0], memory["regime"][0]) == (0.5, 1.0, 1.0)


def test_tactical_configuration_does_what_it_names():
    environment = tactical.TacticalMarketEnv(TACTICAL)
    wanted = {
        "window": 30, "n_steps": 21, "state_machine": False, "byzantine_tolerance": False, "detection_threshold": 0.9,
        "confidence": 0.6, "momentum_window": 10, "trend_threshold": 0.5, "optimization_steps": 7,
        "timing_precision": 0.01,
    }  # fmt: skip
    assert {key: getattr(environment.stage.strategy, key) for key in wanted} == wanted
    assert not environment.stage.in_turn
    assert environment.observation_space("fvg_agent").shape == (30, 7)


@pytest.mark.parametrize(
    ("config", "error", "match"),
    [
        ({"strategic_mrl": {}}, UnknownName, 'Did you mean "strategic_marl"'),
        ({"strategic_marl": {"agent": {}}}, UnknownName, 'Did you mean "agents"'),
        ({"strategic_marl": {"agents": {"mlmi": {}}}}, UnknownName, 'Did you mean "mlmi_expert"'),
        ({"strategic_marl": {"environment": {"max_steps": 5}}}, UnknownName, "max_episode_steps"),
        ({"strategic_marl": {"environment": {"max_episode_steps": "5"}}}, InvalidParameter, "finite number"),
        ({"strategic_marl": {"environment": {"max_episode_steps": 5.5}}}, InvalidParameter, "whole number"),
        ({"strategic_marl": {"environment": {"max_episode_steps": 0}}}, InvalidParameter, "wanted 1 to"),
        ({"strategic_marl": {"environment": {"observation_noise": float("nan")}}}, InvalidParameter, "finite"),
        ({"strategic_marl": {"environment": {"matrix_shape": [48, 12]}}}, InvalidParameter, r"\[rows, 13\]"),
        ({"strategic_marl": {"environment": {"superposition": 1}}}, InvalidParameter, "true or false"),
        (
            {"strategic_marl": {"agents": {"mlmi_expert": {"observation_columns": [13]}}}},
            InvalidParameter, "from 0 to 12",
        ),
        (
            {"strategic_marl": {"agents": {"mlmi_expert": {"observation_columns": [1, 1]}}}},
            InvalidParameter, "stands twice",
        ),
        ({"strategic_marl": {"agents": {"mlmi_expert": {"expertise_weight": 0.9}}}}, InvalidParameter, "sum 1"),
        ({"strategic_marl": 3}, InvalidParameter, "keys and values"),
        (3, InvalidParameter, "a dictionary or a file"),
        ("nowhere.yml", DataError, "nowhere.yml"),
    ],
)  # fmt: skip
def test_configurations_that_are_refused(config, error, match):
    with pytest.raises(error, match=match):
        strategic.StrategicMarketEnv(config)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("strategic_marl:\n  environment: {}\n  environment: {}\n", "stands twice"),
        ("a: &x [1]\nb: *x\n", "alias"),
        ("strategic_marl: {environment: {max_episode_steps: 1e3}}", "finite number"),  # YAML reads a word
        ("strategic_marl: {environment: {observation_noise: .nan}}", "finite number"),
        ("strategic_marl: {environment: {superposition: 'no'}}", "true or false"),
        ("- 1\n", "keys and values"),
        ("strategic_marl: !!python/object/apply:os.system ['true']\n", "could not determine a constructor"),
        ("a: [" * 20_000, r"\w"),
        ("x" * 70_000, "65536"),
    ],
)
def test_yaml_that_is_refused(tmp_path, text, match):
    file = tmp_path / "stage.yml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises((DataError, InvalidParameter), match=match):
        strategic.StrategicMarketEnv(file)


def test_the_documents_yaml(tmp_path):
    file = tmp_path / "tactical.yml"
    file.write_text(json.dumps(TACTICAL), encoding="utf-8")  # JSON is YAML
    assert tactical.raw_env(str(file)).stage == tactical.raw_env(TACTICAL).stage


@pytest.mark.parametrize("name", MODULES)
def test_one_letter_wrong_is_answered_with_the_right_word(name):
    """Every key of the document, mutated at each letter: refused, and the nearest is the key itself."""

    def mutated(node, path):
        for key, value in node.items():
            for k in range(0, len(key), 3):
                wrong = key[:k] + "q" + key[k + 1 :]
                if wrong != key:
                    yield (*path, wrong), key, value
            if isinstance(value, dict):
                yield from mutated(value, (*path, key))

    for path, key, value in mutated(DOCUMENT[name], ()):
        config = value
        for step in reversed(path):
            config = {step: config}
        with pytest.raises(UnknownName, match=f'Did you mean "{key}"'):
            MODULES[name].raw_env(config)


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
