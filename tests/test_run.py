"""`python run.py` from zero, on a stub project and a package index of a few tiny wheels: real pip, no network."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

STUB_JOB = """
import json, os, sys
print(json.dumps([sys.argv[1:], os.getcwd(), os.environ.get("FUND_MODELS")]))
sys.exit(7)
"""
STUB_CHECK = """
import os, sys
print("{name}", *sys.argv[1:], flush=True)
sys.exit(3 if os.environ.get("BREAK") == "{name}" else 0)
"""


class House:
    """A copy of run.py with a stub project, and a package index of tiny wheels."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "house with space"
        self.index = folder / "index"
        setuptools = importlib.metadata.version("setuptools")
        self.write("run.py", (ROOT / "run.py").read_text())
        self.write(
            "constraints.txt",
            f"torch==2.13.0\n# a note\ndemo==1.0\nsetuptools=={setuptools}\n# --- development\ntool==1.0\n",
        )
        self.write(
            "pyproject.toml",
            '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
            '[project]\nname = "fund"\nversion = "0"\n[tool.setuptools]\npackages = ["fund"]\n',
        )
        self.write("fund/__init__.py", "")
        self.write("fund/__main__.py", STUB_JOB)
        for name in ("ruff", "mypy", "pytest"):
            self.write(f"{name}.py", STUB_CHECK.replace("{name}", name))
        self.write(
            "importlinter/cli.py", "def lint_imports_command(words):\n    print('lint', *words, flush=True)\n"
        )
        self.wheel("demo", "1.0", ["torch>=2"])
        self.wheel("tool", "1.0")
        self.wheel("torch", "2.13.0")
        self.wheel("torch", "2.14.0")
        self.repack("setuptools")

    def write(self, name: str, text: str) -> None:
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_text(text)

    def wheel(self, name: str, version: str, requires: list[str] | None = None, index: str = "index") -> None:
        folder = self.index.with_name(index) / name
        folder.mkdir(parents=True, exist_ok=True)
        needs = "".join(f"Requires-Dist: {line}\n" for line in requires or [])
        stem = f"{name.replace('-', '_')}-{version}"
        with zipfile.ZipFile(folder / f"{stem}-py3-none-any.whl", "w") as file:
            file.writestr(f"{name}.py", f"version = {version!r}\n")
            file.writestr(
                f"{stem}.dist-info/METADATA",
                f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}",
            )
            file.writestr(
                f"{stem}.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
            )
            file.writestr(f"{stem}.dist-info/RECORD", "")
        self.list(folder)

    def repack(self, name: str) -> None:
        """Make a wheel of an installed package again: the build backend, without a network."""
        package = importlib.metadata.distribution(name)
        folder = self.index / name
        folder.mkdir(parents=True)
        with zipfile.ZipFile(folder / f"{name}-{package.version}-py3-none-any.whl", "w") as file:
            for path in package.files:
                if ".." not in path.parts and path.suffix != ".pyc":
                    file.write(path.locate(), str(path))
        self.list(folder)

    def list(self, folder: Path) -> None:
        links = (f'<a href="{path.name}">{path.name}</a>' for path in sorted(folder.glob("*.whl")))
        (folder / "index.html").write_text(
            "<!DOCTYPE html><html><body>" + "\n".join(links) + "</body></html>"
        )

    def run(self, *words: str, via: str = "", cwd: Path | None = None, **variables: str):
        """Start run.py; `via` is code to put before it."""
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "FUND_"))
        }
        environment |= {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": self.index.as_uri(), **variables}
        script = str(self.root / "run.py")
        if via:
            code = f"{via}; sys.argv = {[script, *words]!r}; runpy.run_path({script!r}, run_name='__main__')"
            command = [sys.executable, "-c", "import runpy, sys; " + code]
        else:
            command = [sys.executable, script, *words]
        return subprocess.run(
            command, cwd=cwd or self.root, env=environment, capture_output=True, text=True, check=False
        )

    def site_packages(self) -> Path:
        (found,) = (
            *self.root.glob(".venv/lib/python*/site-packages"),
            *self.root.glob(".venv/Lib/site-packages"),
        )
        return found

    def versions(self) -> dict[str, str]:
        names = (
            path.name.removesuffix(".dist-info").split("-")
            for path in self.site_packages().glob("*.dist-info")
        )
        return {name: version for name, version in names if name in ("demo", "tool", "torch", "fund")}

    def forget(self, name: str) -> None:
        """Take a package out, and the stamp."""
        for path in self.site_packages().glob(f"{name}*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        (self.root / ".venv" / "fund-stamp.json").unlink(missing_ok=True)


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    made = House(tmp_path_factory.mktemp("setup"))
    made.first = made.run()
    return made


@pytest.mark.slow
@pytest.mark.xdist_group("set-up")
class TestSetUp:
    """On one environment: making it anew for each would take minutes. Each brings about what it needs."""

    def test_from_zero_to_the_main_job(self, house):
        assert house.first.returncode == 7, house.first.stderr
        assert json.loads(house.first.stdout) == [["run"], str(house.root), None]
        assert house.versions() == {"torch": "2.13.0", "demo": "1.0", "fund": "0"}
        for step in (
            "virtual environment",
            "torch==2.13.0",
            "2 pinned packages",
            "this project",
            "pip check",
            "done,",
        ):
            assert re.search(rf"^set-up: {re.escape(step)}.* \d+\.\d s$", house.first.stderr, re.MULTILINE)

    def test_a_repeat_starts_at_once_with_any_words_from_any_folder(self, house, tmp_path):
        begin = sum(
            os.times()[2:4]
        )  # processor time of the commands: other work on the machine does not count
        done = house.run("train", "market_making", "--out", "a b", cwd=tmp_path)
        assert sum(os.times()[2:4]) - begin < 2
        assert done.returncode == 7
        assert json.loads(done.stdout) == [
            ["train", "market_making", "--out", "a b"], str(tmp_path), str(house.root / "models")
        ]  # fmt: skip
        assert "nothing to do" in done.stderr

    def test_the_checks_in_order_and_words_for_pytest_only(self, house):
        done = house.run("test", "-k", "ledger")
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines() == [
            "ruff check .",
            "ruff format --check .",
            "mypy fund",
            "lint --no-logo",
            "pytest -n 2 --dist loadgroup -k ledger",
        ]
        assert house.versions()["tool"] == "1.0"
        assert "nothing to do" in house.run().stderr  # what serves the tests serves the job

    def test_the_first_check_that_fails_ends_it(self, house):
        done = house.run("test", BREAK="mypy")
        assert done.returncode == 3
        assert done.stdout.splitlines()[-1] == "mypy fund"
        assert done.stderr.splitlines()[-1] == "test: mypy failed (exit code 3)."

    def test_a_changed_pin_is_installed(self, house):
        house.wheel("demo", "1.1", ["torch>=2"])
        before = (house.root / "constraints.txt").read_text()
        house.write("constraints.txt", before.replace("demo==1.0", "demo==1.1"))
        assert house.run().returncode == 7
        assert house.versions()["demo"] == "1.1"

    def test_a_killed_installation_is_made_good(self, house):
        (house.root / ".venv" / "fund-stamp.json").unlink()
        (house.site_packages() / "demo.py").unlink()
        next(house.site_packages().glob("demo-*.dist-info/RECORD")).unlink()
        assert house.run().returncode == 7
        assert (house.site_packages() / "demo.py").exists()

    def test_accelerator_builds_are_refused_until_accepted(self, house):
        house.forget("torch")
        house.wheel("torch", "2.13.0", ["nvidia-demo"])
        house.wheel("nvidia-demo", "1.0")
        done = house.run()
        assert done.returncode == 1
        line = done.stderr.splitlines()[-1]
        assert "nvidia-demo" in line
        assert "FUND_TORCH_INDEX" in line
        assert "FUND_TORCH=default" in line
        assert "torch" not in house.versions()
        assert 'FUND_TORCH is "cpu"' in house.run(FUND_TORCH="cpu").stderr
        assert house.run(FUND_TORCH="default").returncode == 7
        assert house.versions()["torch"] == "2.13.0"

    def test_an_extra_index_gives_the_light_build_and_that_build_stays(self, house):
        house.forget("torch")
        house.wheel("torch", "2.13.0+cpu", index="light")
        light = house.index.with_name("light").as_uri()
        assert house.run(FUND_TORCH_INDEX=light).returncode == 7
        assert house.versions()["torch"] == "2.13.0+cpu"
        (house.root / ".venv" / "fund-stamp.json").unlink()
        again = house.run()
        assert again.returncode == 7
        assert "torch==" not in again.stderr
        assert house.versions()["torch"] == "2.13.0+cpu"

    def test_a_dead_index_is_named_within_seconds(self, house):
        house.forget("torch")
        begin = time.perf_counter()
        done = house.run(FUND_TORCH_INDEX="http://127.0.0.1:9/simple")
        assert time.perf_counter() - begin < 30  # pip's own tries take 77 s
        assert done.returncode == 1
        assert (
            'FUND_TORCH_INDEX="http://127.0.0.1:9/simple" gives no torch==2.13.0: no package index'
            in done.stderr
        )
        dead = house.run(PIP_INDEX_URL="http://127.0.0.1:9/simple", PIP_RETRIES="0")
        assert dead.returncode == 1
        assert "or none answered" in dead.stderr.splitlines()[-1]
        tried = house.run(PIP_INDEX_URL="http://127.0.0.1:9/simple", PIP_RETRIES="1")
        assert "a package index did not answer" in tried.stderr.splitlines()[-1]

    def test_a_pin_that_nobody_has_is_named(self, house):
        before = (house.root / "constraints.txt").read_text()
        house.write("constraints.txt", re.sub("demo==.*", "demo==1.2", before))
        done = house.run(FUND_TORCH="default")
        house.write("constraints.txt", before)
        assert done.returncode == 1
        assert "No matching distribution found for demo==1.2" in done.stderr.splitlines()[-1]


@pytest.mark.slow
def test_a_python_without_ensurepip_uses_its_own_pip(tmp_path):
    house = House(tmp_path)
    without = "sys.modules['ensurepip'] = None"
    neither = house.run(via=without + "; sys.modules['pip'] = None")
    assert neither.returncode == 1
    assert neither.stderr.splitlines()[-1] == (
        "set-up failed: this Python has neither pip nor ensurepip (on Debian: apt install python3-venv)."
    )
    done = house.run(via=without)
    assert done.returncode == 7, done.stderr
    assert not (house.site_packages() / "pip").exists()
    assert house.versions() == {"torch": "2.13.0", "demo": "1.0", "fund": "0"}
