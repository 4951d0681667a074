"""What `python -m specialists.<name>` shows: ten steps of a desk by name, and one line where something is wrong."""

import runpy
import sys

import pytest

from fund.training.desk import main
from specialists import ROSTER


@pytest.mark.parametrize("spec", ROSTER.values(), ids=lambda spec: spec.name)
def test_a_desk_shows_ten_steps_of_its_rule(spec, capsys):
    assert main(spec, ["--seed", "3"]) == 0
    told = capsys.readouterr().out
    assert told.startswith(f"{spec.name}: 10 steps of the rule {next(iter(spec.cls.rules))}, seed 3")
    assert told.count("\n  observe") == told.count("\n  ledger") == told.count("\n  reward") == 10
    for name in (*spec.cls().features, *spec.cls().step.marks):
        assert f"{name}=" in told
    main(spec, ["--seed", "3"])
    assert capsys.readouterr().out == told


def test_the_module_of_a_desk_runs(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["specialists.market_making", "--preset", "avellaneda_stoikov"])
    with pytest.raises(SystemExit) as end:
        runpy.run_module("specialists.market_making", run_name="__main__")
    assert end.value.code == 0
    assert "market_making: 10 steps of the rule symmetric, seed 0" in capsys.readouterr().out


def test_a_wrong_preset_is_one_line(capsys):
    assert main(ROSTER["market_making"], ["--preset", "avelaneda"]) == 2
    printed = capsys.readouterr()
    assert 'Did you mean "avellaneda_stoikov"' in printed.err
    assert len(printed.err.strip().splitlines()) == 1 and printed.out == ""
