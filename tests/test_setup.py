"""What is pinned, who may import whom, and the one line that a failed set-up says."""

from __future__ import annotations

import ast
import importlib.metadata
import importlib.util
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def load_run():
    """run.py as a module; it is no part of any package."""
    specification = importlib.util.spec_from_file_location("run_py", ROOT / "run.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def pins(testing: bool = True) -> dict[str, str]:
    """Versions by canonical name, of the lines that hold on this system."""
    found = {}
    for line in load_run().read_pins(testing):
        requirement, _, marker = line.partition(";")
        name, version = requirement.strip().split("==")
        if not marker or Marker(marker).evaluate():
            found[canonicalize_name(name)] = version
    return found


# ---------------------------------------------------------------- what is pinned


def test_every_line_is_one_exact_version_and_torch_comes_first():
    lines = load_run().read_pins(testing=True)
    assert re.fullmatch(r"torch==\d+\.\d+\.\d+", (ROOT / "constraints.txt").read_text().splitlines()[0])
    assert [line for line in lines if line.startswith("torch")] == lines[:1]
    for line in lines:
        assert re.fullmatch(r"[\w.-]+==[\w.]+(; sys_platform == \"win32\")?", line), line
    names = [canonicalize_name(line.split("==")[0]) for line in lines]
    assert len(names) == len(set(names))


def test_the_job_needs_fewer_pins_than_the_tests():
    assert {"pytest", "ruff", "mypy"} <= pins().keys() - pins(testing=False).keys()
    assert pins(testing=False).items() <= pins().items()


@pytest.mark.skipif(Path(sys.prefix) != ROOT / ".venv", reason="this environment was not made by run.py")
def test_what_is_installed_is_what_is_pinned():
    installed = {
        canonicalize_name(package.name): package.version.partition("+")[0]
        for package in importlib.metadata.distributions()
    }
    for own in ("fund", "pip"):
        installed.pop(own, None)
    assert installed == pins()


def test_each_pin_lies_in_the_range_of_the_project():
    ranges = PROJECT["project"]["dependencies"]
    for extra in PROJECT["project"]["optional-dependencies"].values():
        ranges = ranges + extra
    for line in ranges:
        requirement = Requirement(line)
        assert pins()[canonicalize_name(requirement.name)] in requirement.specifier, line
    for line in PROJECT["project"]["dependencies"]:
        assert canonicalize_name(Requirement(line).name) in pins(testing=False), line


def test_ci_and_smoke_say_the_documented_commands():
    ci = (ROOT / ".ci" / "run").read_text().splitlines()
    assert ci[0] == "#!/usr/bin/env bash"
    assert "set -e" in ci
    assert ci[-1] == "python run.py test"
    assert '-m fund smoke "$@"' in (ROOT / "tests" / "smoke.sh").read_text()
    assert "-m fund smoke @args" in (ROOT / "tests" / "smoke.ps1").read_text()


# ---------------------------------------------------------------- who may import whom


def test_every_part_of_fund_has_its_layer():
    layers = " ".join(PROJECT["tool"]["importlinter"]["contracts"][0]["layers"])
    placed = set(re.findall(r"fund\.(\w+)", layers))
    entries = [path for path in (ROOT / "fund").iterdir() if path.suffix == ".py" or any(path.glob("*.py"))]
    assert {path.stem for path in entries} - {"__init__", "__pycache__"} <= placed


def tree(folder: Path, files: dict[str, str]) -> Path:
    for package in (
        "fund",
        "fund/market",
        "fund/envs",
        "fund/report",
        "fund/training",
        "specialists",
        "allocator",
    ):
        (folder / package).mkdir()
        (folder / package / "__init__.py").write_text("")
    for name, text in {"fund/errors.py": "", "fund/__main__.py": "", "specialists/b.py": "", **files}.items():
        (folder / name).write_text(text + "\n")
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    (arguments,) = [arguments for name, arguments in load_run().CHECKS if name == "import-linter"]
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )


def test_what_may_be_imported_passes(tmp_path):
    files = {
        "fund/__main__.py": "import allocator, specialists, fund.training",
        "fund/training/__init__.py": "import torch, pandas, fund.envs",
        "fund/envs/vec.py": "import stable_baselines3.common.vec_env, fund.market",
        "fund/report/__init__.py": "import plotly.graph_objects",
        "fund/paths.py": "import fund.errors",
        "specialists/__init__.py": "from specialists import a, b",
        "specialists/a.py": "import fund.envs",
        "allocator/__init__.py": "import specialists.a",
    }
    done = lint(tree(tmp_path, files))
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("fund/market/tape.py", "import fund.envs", "fund.market is not allowed to import fund.envs"),
        ("fund/market/tape.py", "import specialists.b", "fund.market is not allowed to import specialists"),
        ("fund/report/plots.py", "import fund.envs", "fund.report is not allowed to import fund.envs"),
        ("fund/errors.py", "import fund.market", "fund.errors is not allowed to import fund.market"),
        (
            "fund/training/x.py",
            "import fund.__main__",
            "fund.training is not allowed to import fund.__main__",
        ),
        ("specialists/a.py", "import specialists.b", "specialists.a is not allowed to import specialists.b"),
        ("specialists/a.py", "import allocator", "specialists is not allowed to import allocator"),
        ("specialists/a.py", "import torch", "specialists.a is not allowed to import torch"),
        (
            "fund/envs/gym.py",
            "import stable_baselines3",
            "fund.envs.gym is not allowed to import stable_baselines3",
        ),
        ("fund/envs/gym.py", "import pettingzoo", "fund.envs.gym is not allowed to import pettingzoo"),
        ("fund/__main__.py", "import plotly", "fund.__main__ is not allowed to import plotly"),
        ("fund/envs/gym.py", "import pandas", "fund.envs.gym is not allowed to import pandas"),
    ],
)
def test_what_may_not_be_imported_is_caught(tmp_path, name, text, found):
    done = lint(tree(tmp_path, {name: text}))
    assert done.returncode == 1
    assert found in done.stdout


# ---------------------------------------------------------------- one clear line


def test_an_old_python_is_told_so():
    code = f"import runpy, sys; sys.version_info = (3, 10, 4, 'final', 0); runpy.run_path({str(ROOT / 'run.py')!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "set-up failed: this is Python 3.10; wanted 3.11 or newer.\n"


def test_run_py_reads_on_any_python_3():
    """Syntax that an old Python cannot read would hide the line that says so."""
    ast.parse((ROOT / "run.py").read_text(), feature_version=(3, 7))


@pytest.mark.parametrize(
    ("output", "line"),
    [
        ("Collecting x\nERROR: [Errno 28] No space left on device\n", "the disk is full."),
        (
            "ERROR: first\nnote: see\nERROR: No matching distribution found for x\n",
            "ERROR: No matching distribution found for x",
        ),
        ("something\nlast line\n", "last line"),
        ("", "no word why"),
    ],
)
def test_reason_is_the_line_that_matters(output, line):
    assert load_run().reason(output) == line


def test_a_full_disk_is_refused_before_anything_is_made(tmp_path, monkeypatch, capsys):
    run = load_run()
    monkeypatch.setattr(run, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(run.shutil, "disk_usage", lambda _path: shutil._ntuple_diskusage(9, 8, 10**9))
    assert run.main([]) == 1
    assert capsys.readouterr().err == "set-up failed: 1.0 GB are free on this disk; wanted 3 GB.\n"
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_named(tmp_path, monkeypatch, capsys):
    (tmp_path / ".venv").write_text("a file")
    run = load_run()
    monkeypatch.setattr(run, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(run, "PYTHON", tmp_path / ".venv" / "bin" / "python")
    assert run.main([]) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("set-up failed: ")
    assert str(tmp_path / ".venv") in last
