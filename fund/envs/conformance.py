"""Whether an environment is what PettingZoo and this house promise: `fund verify NAME --level LEVEL`.

    minimal         an episode in both forms
    verify          PettingZoo's own tests
    validate        conventions and invariants that its tests do not see
    comprehensive   the three above
    benchmark       agent steps a second, in turn and all at once

An environment is a module with `env`, `raw_env` and `parallel_env`, ours or a user's. A check takes the module and
raises ContractBroken with one line that says where; `conform` runs a level's and keeps going.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from fund.envs import speed, turns
from fund.envs.conventions import CONVENTIONS, CYCLES, Check, Module, bare, demand
from fund.envs.random_play import drawing, turn, until_over
from fund.errors import InvalidParameter, UnknownName

ENVIRONMENTS = ("strategic", "tactical", "risk", "execution", "unified")


def environment_module(name: str) -> Module:
    """One of ours by name, or a user's by its import path; raises UnknownName, InvalidParameter."""
    if name in ENVIRONMENTS:
        return importlib.import_module(f"fund.envs.{name}")
    try:
        module = importlib.import_module(name)
    except ImportError:
        raise UnknownName("environment or module", name, ENVIRONMENTS) from None
    missing = [needed for needed in ("env", "parallel_env") if not hasattr(module, needed)]
    if missing:
        raise InvalidParameter(f"module {name} has no {missing[0]}(), wanted env, raw_env and parallel_env")
    return module


def verify(name: str, level: str = "comprehensive") -> dict[str, Any]:
    """`fund verify`: one environment, or `all` of ours, at a level; `broken` counts what does not hold."""
    found = {n: conform(environment_module(n), level) for n in (ENVIRONMENTS if name == "all" else (name,))}
    said = [text for checks in found.values() for text in checks.values()]
    broken = 0 if level == "benchmark" else sum(text != "ok" for text in said)
    return {"level": level, "environments": found, "broken": broken}


def conform(module: Module, level: str = "comprehensive") -> dict[str, Any]:
    """Check by check: "ok", or what is wrong; of the benchmark, speeds. Raises UnknownName."""
    if level not in LEVELS:
        raise UnknownName("level", level, LEVELS)
    if level == "benchmark":
        return speeds(module)
    found = {}
    for name, check in LEVELS[level].items():
        try:
            with _quietly():
                check(module)
            found[name] = "ok"
        except Exception as error:  # noqa: BLE001 - whatever an environment raises is what is told
            found[name] = f"{type(error).__name__}: {error}".splitlines()[0]
    return found


def speeds(module: Module) -> dict[str, float]:
    """Agent steps a second of processor time of both forms."""
    with _quietly():
        found = {
            "aec": speed.best(speed.aec_form(bare(module)())),
            "parallel": speed.best(speed.parallel_form(module.parallel_env())),
        }
    return {f"{form}_agent_steps_per_second": steps for form, steps in found.items()}


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    # PettingZoo's tests print, and advise on pictures; standard output is for results
    with warnings.catch_warnings(), contextlib.redirect_stdout(sys.stderr):
        warnings.simplefilter("ignore")
        yield


# ---------------------------------------------------------------- minimal


def an_episode_in_turn(module: Module) -> None:
    """AEC: to the end of an episode, every observation in its space, nobody left."""
    env = module.env(max_cycles=CYCLES)
    env.reset(seed=0)
    draw = drawing(env)
    for agent in env.agent_iter(100 * CYCLES * len(env.possible_agents)):
        seen, reward, *_ = env.last()
        demand(env.observation_space(agent).contains(seen), f"{agent} sees what is outside its space")
        demand(np.isfinite(reward), f"{agent} is paid {reward}")
        turn(env, draw)
    demand(not env.agents, "the episode does not end")


def an_episode_at_once(module: Module) -> None:
    """Parallel: the same."""
    env = module.parallel_env(max_cycles=CYCLES)
    env.reset(seed=0)
    draw = drawing(env)
    for _ in until_over(env):
        seen, rewards, *_ = env.step({agent: draw(agent) for agent in env.agents})
        for agent, value in seen.items():
            demand(env.observation_space(agent).contains(value), f"{agent} sees what is outside its space")
        demand(all(np.isfinite(r) for r in rewards.values()), f"a reward is not finite: {rewards}")


# ---------------------------------------------------------------- PettingZoo's own


def _own(name: str, *make: str) -> Check:
    def check(module: Module) -> None:
        test = getattr(turns.own_tests(), name)
        if not make:
            test(module)
            return
        if name.endswith("seed_test") or name == "render_test":
            test(lambda **given: getattr(module, make[0])(max_cycles=CYCLES, **given))
        else:
            test(*(getattr(module, form)(max_cycles=CYCLES) for form in make))

    check.__name__ = name
    return check


def api_of_the_bare_form(module: Module) -> None:
    """`api_test` on `raw_env`."""
    turns.own_tests().api_test(bare(module)(max_cycles=CYCLES), num_cycles=5 * CYCLES)


MINIMAL: dict[str, Check] = {c.__name__: c for c in (an_episode_in_turn, an_episode_at_once)}
VERIFY: dict[str, Check] = {
    "api_test": _own("api_test", "env"),
    "api_test_raw": api_of_the_bare_form,
    "parallel_api_test": _own("parallel_api_test", "parallel_env"),
    "seed_test": _own("seed_test", "env"),
    "parallel_seed_test": _own("parallel_seed_test", "parallel_env"),
    "max_cycles_test": _own("max_cycles_test"),
    "render_test": _own("render_test", "env"),
    "state_test": _own("state_test", "env", "parallel_env"),
}
LEVELS: dict[str, dict[str, Check]] = {
    "minimal": MINIMAL,
    "verify": VERIFY,
    "validate": CONVENTIONS,
    "comprehensive": {**MINIMAL, **VERIFY, **CONVENTIONS},
    "benchmark": {},
}
