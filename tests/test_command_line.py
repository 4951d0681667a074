"""The command line: exit codes, nearest names, one JSON object on the last line."""

import json
import os
import subprocess
import sys

import pytest

from fund.__main__ import HANDLERS, overrides
from fund.command_line import each_set_alone, parser
from tests.commands import run


def test_help_is_light_and_quick():
    script = (
        "import sys, fund, fund.__main__ as m\n"
        "try: m.main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'stable_baselines3', 'pettingzoo', 'plotly', 'matplotlib', 'pandas', 'numba'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    times = []
    for _ in range(3):
        start = spent()
        subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
        times.append(spent() - start)
    assert min(times) < 0.5


def spent():
    """Seconds of processor time of the commands so far: other work on the machine does not count."""
    return sum(os.times()[2:4])


@pytest.mark.parametrize("command", HANDLERS)
def test_every_command_has_help_with_an_example(command, capsys):
    code, out, _ = run(command, "--help", capsys=capsys)
    assert code == 0
    assert f"example: fund {command}" in out
    assert "--json" in out
    assert "--seed" in out


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("evaluat",), 'did you mean "evaluate"'),
        (("run", "--quik"), 'did you mean "--quick"'),
        (("evaluate", "market_makng", "--policy", "flat"), 'Did you mean "market_making"'),
        (("evaluate", "market_making", "--policy", "symetric"), 'Did you mean "symmetric"'),
        (("evaluate", "market_making", "--policy", "flat", "--preset", "avellaneda"), "avellaneda_stoikov"),
        (("evaluate", "market_making", "--policy", "flat", "--set", "gama=1"), 'Did you mean "gamma"'),
        (("evaluate", "market_making", "--policy", "flat", "--set", "gamma"), "wanted key=value"),
        (("evaluate", "market_making", "--policy", "flat", "--set", "gamma=high"), "wanted a number"),
        (("evaluate", "market_making", "--policy", "flat", "--set", "n_steps=nan"), "n_steps"),
        (
            ("evaluate", "market_making", "--policy", "flat", "--episodes", "0"),
            "found 0, wanted a whole number above 0",
        ),
        (
            ("evaluate", "market_making", "--policy", "flat", "--episodes", "many"),
            "wanted a whole number above 0",
        ),
        (
            ("evaluate", "market_making", "--policy", "flat", "--episodes", "1.5"),
            "wanted a whole number above 0",
        ),
        (
            ("evaluate", "volatility_trading", "--policy", "flat", "--set", "jump_rate=300"),
            "below one a step",
        ),
        (("evaluate", "market_making", "--policy", "flat", "--set", "weather=off"), "wanted true or false"),
        (("evaluate", "market_making", "--policy", "flat", "--set", "history=a.csv"), "--data"),
        (("train", "market_makin"), 'Did you mean "market_making"'),
        (("list", "factor_trackin"), 'Did you mean "factor_tracking"'),
        (("evaluate", "market_making"), "--policy"),
    ],
)
def test_wrong_usage_exits_2_with_the_nearest_name(words, hint, capsys):
    code, out, err = run(*words, capsys=capsys)
    assert code == 2
    assert hint in err
    assert len(err.strip().splitlines()) == 1
    assert out == ""


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("evaluate", "market_making", "--policy", "best"), "fund train market_making"),
        (("evaluate", "market_making", "--policy", "nowhere.zip"), "no such model file"),
        (("export", "market_making"), "nothing is trained"),
        (("run", "--data", "nowhere", "--quick"), "nowhere"),
    ],
)
def test_failed_work_exits_1_with_one_line(words, reason, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, err = run(*words, capsys=capsys)
    assert code == 1
    assert reason in err
    assert len(err.strip().splitlines()) == 1


def test_evaluate_prints_the_documented_object(capsys):
    words = ("evaluate", "market_making", "--policy", "symmetric", "--preset", "avellaneda_stoikov")
    code, out, _ = run(*words, "--episodes", "500", "--json", capsys=capsys)
    assert code == 0
    told = json.loads(out.strip().splitlines()[-1])
    assert list(told) == [
        "name", "policy", "preset", "episodes", "seed", "pnl", "reward", "certainty_equivalent", "statistics",
    ]  # fmt: skip
    assert list(told["pnl"]) == ["mean", "std", "se"]
    # Avellaneda & Stoikov (2008), table 1: 68.4 and 12.7; the closed form on this grid 68.02 and 13.27
    assert abs(told["pnl"]["mean"] - 68.02) < 4 * told["pnl"]["se"]
    common = {"sharpe", "max_drawdown", "turnover", "costs"}
    assert common | {"average_spread", "final_inventory_mean", "final_inventory_std"} <= set(
        told["statistics"]
    )


def test_the_same_command_prints_the_same(capsys):
    words = ("evaluate", "statistical_arbitrage", "--policy", "random", "--episodes", "50", "--json")
    assert run(*words, capsys=capsys) == run(*words, capsys=capsys)
    other = run(*words, "--seed", "1", capsys=capsys)
    assert other != run(*words, capsys=capsys)


def test_set_overrides_any_parameter(capsys):
    words = ("evaluate", "market_making", "--preset", "avellaneda_stoikov", "--policy", "symmetric", "--json")
    _, out, _ = run(*words, "--episodes", "200", "--set", "gamma=0.5", capsys=capsys)
    # total spread at t = 0 is gamma sigma^2 T + (2/gamma) ln(1 + gamma/k); its mean over time has half the first term
    expected = 0.5 * 0.5 * 4.0 + (2 / 0.5) * 0.28768207245178085
    assert abs(json.loads(out)["statistics"]["average_spread"] - expected) < 0.01


@pytest.mark.parametrize("words", [
    ("evaluate", "market_making", "--set", "gamma=0.5", "sigma=1", "--policy", "flat"),
    ("evaluate", "--policy", "flat", "--set", "gamma=0.5", "--set=sigma=1", "market_making"),
    ("evaluate", "--set", "gamma=0.5", "sigma=1", "market_making", "--policy", "flat"),
])  # fmt: skip
def test_one_set_takes_several_pairs(words):
    options = parser().parse_args(each_set_alone(words))
    assert options.set == ["gamma=0.5", "sigma=1"]
    assert (options.name, options.policy) == ("market_making", "flat")


def test_overrides_read_numbers_truths_and_texts():
    read = overrides(["a=1", "b=1e-3", "c=true", "d=KO", "e=-2.5"])
    assert read == {"a": 1, "b": 1e-3, "c": True, "d": "KO", "e": -2.5}


def test_list_names_every_parameter_with_unit(capsys):
    code, out, _ = run("list", "market_making", "--json", capsys=capsys)
    told = json.loads(out)
    assert code == 0
    assert told["parameters"]["gamma"]["unit"]
    assert {"gamma", "sigma", "horizon", "n_steps", "arrival_rate", "depth_decay"} <= set(told["parameters"])
    _, out, _ = run("list", "--json", capsys=capsys)
    assert {"statistical_arbitrage", "market_making", "factor_tracking", "cio_allocator"} <= set(
        json.loads(out)
    )


def test_every_strategy_documents_every_parameter(capsys):
    _, out, _ = run("list", "--json", capsys=capsys)
    for name in json.loads(out):
        _, detail, _ = run("list", name, "--json", capsys=capsys)
        missing = [key for key, value in json.loads(detail)["parameters"].items() if not value["unit"]]
        assert not missing, f"{name}: {missing}"


def test_check_runs_the_contract_on_a_strategy_of_ones_own(capsys):
    code, out, _ = run("check", "trend_following:TrendFollowing", "--json", capsys=capsys)
    told = json.loads(out.strip().splitlines()[-1])
    assert code == 0
    assert set(told["checks"].values()) == {"ok"}
    assert told["broken"] == 0


def test_an_unknown_module_of_ones_own_is_refused(capsys):
    code, _, err = run("check", "no_such_module:Thing", capsys=capsys)
    assert code == 2
    assert "no_such_module" in err


def test_the_parser_knows_every_handler():
    choices = parser()._subparsers._group_actions[0].choices
    assert set(choices) == set(HANDLERS)


def test_the_module_runs_as_a_program():
    done = subprocess.run(
        [sys.executable, "-m", "fund", "list", "market_makin"], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert "market_making" in done.stderr


@pytest.mark.parametrize("stage", ["strategic", "tactical", "risk", "execution"])
def test_stages_are_known_to_the_commands(stage, capsys):
    code, out, _ = run("list", stage, "--json", capsys=capsys)
    result = json.loads(out.splitlines()[-1])
    assert code == 0
    assert result["id"] == f"fund/{stage}-v0"
    words = ("evaluate", stage, "--policy", result["rules"][0], "--episodes", "4", "--json")
    code, out, _ = run(*words, capsys=capsys)
    assert code == 0
    assert json.loads(out.splitlines()[-1])["policy"] == result["rules"][0]


def test_a_stage_is_trained(tmp_path, capsys):
    small = tmp_path / "small.yml"
    small.write_text(
        "{copies: 16, rollout: 10, evaluation_copies: 16, evaluations: 1, start: '', net_arch: [8]}\n"
    )
    words = ["train", "execution", "--steps", "500", "--settings", str(small), "--models", str(tmp_path)]
    code, out, _ = run(*words, "--json", capsys=capsys)
    assert code == 0
    told = json.loads(out.splitlines()[-1])
    assert 500 <= told["steps"] < 1000
    assert (tmp_path / "grandmodel" / "execution" / "execution_latest.safetensors").exists()
