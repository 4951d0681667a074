"""Set up this project and run it: `python run.py [test] [WORDS]`.

    python run.py                        make .venv, install the pinned set, run `python -m fund run`, the main job
    python run.py WORDS                  the same, but run `python -m fund WORDS`
    python run.py test [PYTEST OPTIONS]  the same with the development packages, then style, types, layers, tests

Needs Python 3.11 or newer with pip or ensurepip. A stamp in .venv lets a repeat start at once. What each step
took goes to standard error, the output of pip to .venv/setup.log. The exit code is that of the job, or of the
first check that failed; 1 where the set-up failed, with one line that says why.

    FUND_TORCH_INDEX   address of an extra package index to take torch from, such as one of CPU wheels
    FUND_TORCH         "default": accept the registry's torch even where it brings gigabytes for accelerators
"""

import sys

if sys.version_info < (3, 11):
    sys.exit("set-up failed: this is Python %d.%d; wanted 3.11 or newer." % sys.version_info[:2])

import hashlib
import importlib.metadata
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
CONSTRAINTS = ROOT / "constraints.txt"
DEVELOPMENT_MARK = "# --- development"  # the line of constraints.txt from which on only tests need the pins
NEEDED_BYTES = 3 * 10**9  # 2.1 GB stay; the rest is pip's room to unpack
ACCELERATOR_PACKAGES = ("nvidia", "triton", "cuda-")
NETWORK_WORDS = ("ConnectionError", "ConnectTimeout", "ReadTimeout", "ProxyError", "SSLError", "getaddrinfo")

CHECKS = (
    ("ruff check", ("-m", "ruff", "check", ".")),
    ("ruff format", ("-m", "ruff", "format", "--check", ".")),
    ("mypy", ("-m", "mypy", "fund")),
    ("import-linter", ("-c", "from importlinter.cli import lint_imports_command as c; c(['--no-logo'])")),
    ("pytest", ("-m", "pytest", "-n", "2", "--dist", "loadgroup")),  # it takes the words behind `test`
)


class SetupFailed(Exception):
    """The set-up cannot go on; the text is one line."""


def main(words: list[str]) -> int:
    """Set up, then run the checks or the job; the exit code of what ran."""
    testing = words[:1] == ["test"]
    try:
        set_up(testing)
    except (SetupFailed, OSError) as error:
        say(f"set-up failed: {error}")
        return 1
    except KeyboardInterrupt:
        say("set-up stopped; the next start goes on from here.")
        return 130
    return check(words[1:]) if testing else job(words or ["run"])


def say(text: str) -> None:
    """Print a line to standard error; standard output belongs to the job."""
    print(text, file=sys.stderr, flush=True)


# ---------------------------------------------------------------- the job and the checks


def job(words: list[str]) -> int:
    """Run `python -m fund WORDS` in the caller's folder, as this very process where the system can."""
    command = [str(PYTHON), "-m", "fund", *words]
    environment = dict(os.environ)
    if Path.cwd() != ROOT:  # words name paths as the caller sees them, but models stay in one place
        environment.setdefault("FUND_MODELS", str(ROOT / "models"))
    if os.name == "posix":  # signals and exit codes then need no forwarding
        os.execve(PYTHON, command, environment)
    process = subprocess.Popen(command, env=environment)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the job's to answer: it leaves a usable model
    return process.wait()


def check(words: list[str]) -> int:
    """Run every check in turn; the exit code of the first that fails."""
    environment = {**os.environ, "PYTHONUTF8": "1"}  # the linters' ticks and arrows on any Windows console
    for name, arguments in CHECKS:
        say(f"== {name}")
        begin = time.perf_counter()
        command = [str(PYTHON), *arguments, *(words if name == "pytest" else ())]
        try:
            code = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
        except KeyboardInterrupt:
            return 130
        if code:
            say(f"test: {name} failed (exit code {code}).")
            return code if code > 0 else 128 - code
        say(f"   {name} passed, {time.perf_counter() - begin:.1f} s")
    return 0


# ---------------------------------------------------------------- the set-up


def set_up(testing: bool) -> None:
    """Bring .venv to the pinned set; nothing to do where the stamp says so."""
    begin = time.perf_counter()
    if stamp_holds(testing):
        say(f"set-up: nothing to do, {time.perf_counter() - begin:.2f} s")
        return
    require_room()
    step("virtual environment", make_environment)
    stamp().unlink(missing_ok=True)
    forget_half_installed()
    torch, *pins = read_pins(testing)
    if not is_installed(torch):
        step(torch, install_torch, torch)
    # torch once more, so that nothing may ask for another; what is there satisfies it.
    step(f"{len(pins)} pinned packages", pip, "install", torch, *pins)
    step("this project", pip, "install", "--no-deps", "--no-build-isolation", "-e", str(ROOT))
    step("pip check", pip, "check")
    stamp().write_text(json.dumps({"state": state(), "testing": testing}))
    say(f"set-up: done, {time.perf_counter() - begin:.1f} s")


def step(name: str, act: Callable[..., object], *arguments: str) -> None:
    """Do one step and say what it took."""
    print(f"set-up: {name} ...", end="", file=sys.stderr, flush=True)
    begin = time.perf_counter()
    try:
        act(*arguments)
    except BaseException:
        say("")
        raise
    say(f" {time.perf_counter() - begin:.1f} s")


def stamp() -> Path:
    """File that tells what .venv was made from; it goes when .venv goes."""
    return VENV / "fund-stamp.json"


def state() -> str:
    """Digest of all that the environment was made from."""
    digest = hashlib.sha256(f"{sys.version_info[:2]} {ROOT}".encode())
    for name in ("constraints.txt", "pyproject.toml"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def stamp_holds(testing: bool) -> bool:
    """Whether .venv was made from this state; one made for tests serves the job, too."""
    try:
        found = json.loads(stamp().read_text())
        return PYTHON.exists() and found["state"] == state() and found["testing"] >= testing
    except (OSError, ValueError, KeyError, TypeError):
        return False


def require_room() -> None:
    """Refuse to begin an installation that the disk cannot hold."""
    free = shutil.disk_usage(ROOT).free
    if free < NEEDED_BYTES and not (site_packages() / "torch").exists():
        raise SetupFailed(f"{free / 1e9:.1f} GB are free on this disk; wanted {NEEDED_BYTES / 1e9:.0f} GB.")


def make_environment() -> None:
    """Make .venv, without pip where this Python cannot supply it (Debian without python3-venv)."""
    if PYTHON.exists() and site_packages().exists():
        return
    venv = [sys.executable, "-m", "venv", "--clear"]
    tried = [run([*venv, str(VENV)])] if importlib.util.find_spec("ensurepip") else []
    if not tried or tried[0].returncode:
        tried.append(run([*venv, "--without-pip", str(VENV)]))
    if tried[-1].returncode:
        raise SetupFailed(f"no virtual environment: {reason(tried[-1].stdout + tried[-1].stderr)}")


def site_packages() -> Path:
    """Where .venv keeps packages for this Python; absent when .venv is of another Python."""
    if os.name == "nt":
        made = VENV / "pyvenv.cfg"
        same = made.is_file() and "version = %d.%d." % sys.version_info[:2] in made.read_text()
        return VENV / ("Lib/site-packages" if same else "absent")
    return VENV / "lib" / ("python%d.%d" % sys.version_info[:2]) / "site-packages"


def forget_half_installed() -> None:
    """Drop the records of packages whose installation was killed: RECORD is what pip writes last."""
    for record in site_packages().glob("*.dist-info"):
        if not (record / "RECORD").exists():
            shutil.rmtree(record)


def read_pins(testing: bool) -> list[str]:
    """Lines `name==version` of constraints.txt, torch first; those for development only for tests."""
    text = CONSTRAINTS.read_text()
    needed = text if testing else text.partition(DEVELOPMENT_MARK)[0]
    return [line for line in needed.splitlines() if line.strip() and not line.startswith("#")]


def is_installed(pin: str) -> bool:
    """Whether .venv has the version of the pin, in any build of it ("2.13.0+cpu" is a 2.13.0)."""
    name, _, version = pin.partition("==")
    found = importlib.metadata.distributions(name=name, path=[str(site_packages())])
    return any(distribution.version.partition("+")[0] == version for distribution in found)


def install_torch(pin: str) -> None:
    """Install torch alone, after a dry run has shown that it brings no gigabytes for accelerators.

    First and alone, because on Linux whatever depends on torch pulls the accelerator build when torch is not
    there yet. Exactly the pin, because a range lets the resolver wander.
    """
    accepted = os.environ.get("FUND_TORCH", "")
    if accepted not in ("", "default"):
        raise SetupFailed(f'FUND_TORCH is "{accepted}"; wanted "default" or nothing.')
    source = torch_source(pin)
    if not accepted:
        heavy = [name for name in planned(pin, *source) if name.startswith(ACCELERATOR_PACKAGES)]
        if heavy:
            raise SetupFailed(
                f"{pin} from this registry brings {len(heavy)} accelerator packages ({heavy[0]}, ...), 2.7 GB; set "
                "FUND_TORCH_INDEX to the address of an index of CPU wheels, or FUND_TORCH=default to accept."
            )
    pip("install", "-c", str(CONSTRAINTS), *source, pin)


def planned(*arguments: str) -> list[str]:
    """Names of the packages that pip would install."""
    report = VENV / "plan.json"
    pip("install", "--dry-run", "--report", str(report), *arguments)
    return [item["metadata"]["name"].lower() for item in json.loads(report.read_text("utf-8"))["install"]]


def torch_source(pin: str) -> tuple[str, ...]:
    """Options for the extra index, once it has answered; it gets one try, because pip's own take 77 s."""
    index = os.environ.get("FUND_TORCH_INDEX", "")
    if not index:
        return ()
    once = ("--retries", "0", "--timeout", "5", "--dry-run", "--ignore-installed", "--no-deps")
    try:
        pip("install", *once, "--index-url", index, pin)
    except SetupFailed as error:
        raise SetupFailed(f'FUND_TORCH_INDEX="{index}" gives no {pin}: {error}') from None
    return ("--extra-index-url", index)


# ---------------------------------------------------------------- pip


def pip(*arguments: str) -> str:
    """Run pip for .venv under the machine's own settings; its standard output."""
    if (site_packages() / "pip").exists():
        command = [str(PYTHON), "-m", "pip"]
    elif importlib.util.find_spec("pip"):
        command = [sys.executable, "-m", "pip", "--python", str(PYTHON)]
    else:
        raise SetupFailed("this Python has neither pip nor ensurepip (on Debian: apt install python3-venv).")
    # PIP_USER, which some machines set, cannot work inside a virtual environment.
    done = run([*command, "--no-input", "--disable-pip-version-check", *arguments], PIP_USER="0")
    with open(VENV / "setup.log", "a", encoding="utf-8") as log:
        log.write(f"$ pip {' '.join(arguments)}\n{done.stdout}{done.stderr}\n")
    if done.returncode:
        raise SetupFailed(f"{reason(done.stdout + done.stderr)} (all of it in {VENV / 'setup.log'})")
    return done.stdout


def run(command: list[str], **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command without showing it."""
    environment = {**os.environ, "PYTHONUTF8": "1", **variables}
    return subprocess.run(
        command, env=environment, capture_output=True, check=False, encoding="utf-8", errors="replace"
    )


def reason(output: str) -> str:
    """The one line of an output that says what went wrong."""
    if "No space left on device" in output or "Errno 28" in output:
        return "the disk is full."
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("ERROR:", "Error:"))]
    last = (errors or lines or ["no word why"])[-1]
    if any(word in output for word in NETWORK_WORDS):
        return f"a package index did not answer; look at the network, the proxy, pip's settings. {last}"
    if "(from versions: none)" in output:  # pip says no more when it is told not to try again
        return f"no package index has it for this Python, or none answered. {last}"
    return last


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
