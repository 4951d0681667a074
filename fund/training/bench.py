"""How fast: every environment's step, its tapes, its single form, and training, beside their limits.

step_only    a batch on a ready tape with actions drawn beforehand: the kernel and the observation
with_tapes   the same with drawing the tapes counted in
single_env   one environment: Gymnasium for a desk, PettingZoo's Parallel form for a stage, autoreset by hand
copy_limit   copying the observations' bytes, which no environment can beat
training     PPO's frames a second on the strategy, and on an environment of the same shape that costs nothing
reference    Gymnasium's own CartPole in a SyncVectorEnv, and a published PettingZoo environment in its Parallel form

Desks count steps of a path, stages agent steps: one decision of one agent, every agent's observation made. `unified`
is all fifteen agents. All is the process's own processor time on one core, the best of three rounds. Where drawing
tapes would take long, a batch has fewer paths; each row says how many.
"""

from __future__ import annotations

import platform
import time
from typing import Any

import numpy as np

from fund.envs.batch import Batch
from fund.envs.gym import FundEnv
from fund.envs.speed import ROUNDS, Batched, Work, best, drawn, parallel_form
from fund.grandmodel.stages import STAGES, stage_named
from fund.market.streams import Paths
from fund.roster import Spec, rosters
from fund.strategy import Strategy

MOST_DRAWING = 3.0  # seconds for the tapes of a batch
STAGE_STEPS, STAGE_PATHS = 100, 1024  # of an episode, and of a batch, of a stage
Speeds = dict[str, float]


def bench(paths: int = 4096, training: bool = True, seed: int = 0) -> dict[str, Any]:
    """Steps a second per core of every strategy of the rosters and of every stage; `text` is the table."""
    specs = rosters()
    result: dict[str, Any] = {
        "machine": machine(), "paths": paths,
        "environments": {name: environment(spec.cls(), paths, seed) for name, spec in specs.items()},
        "stages": stages(min(paths, STAGE_PATHS)),
    }  # fmt: skip
    if training:
        result["training"] = {
            name: training_speed(spec) for name, spec in specs.items() if spec.algorithm == "PPO"
        }
    result["reference"] = {"cartpole_sync_64": cartpole(), **published()}
    return {**result, "text": table(result)}


def machine() -> dict[str, Any]:
    """What the numbers were measured on."""
    import os

    return {"system": platform.system(), "processor": _processor(), "cores": os.cpu_count(),
            "python": platform.python_version()}  # fmt: skip


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as info:
            named = [line.partition(":")[2].strip() for line in info if line.startswith("model name")]
        return named[0] if named else platform.processor()
    except OSError:
        return platform.processor()


def environment(strategy: Strategy, paths: int, seed: int) -> Speeds:
    """The four speeds of one strategy, steps a second."""
    paths = fitting(strategy, paths)
    batch = Batch(strategy, paths, seed)
    batch.reset(seed)
    actions = drawn(strategy.actions, strategy.n_steps, paths)
    batch.step(actions[0])
    tape = batch.current_tape
    ready = Batch(strategy, tape=tape)

    def episode(of: Batch) -> int:
        of.reset()
        for action in actions:
            of.step(action)
        return len(actions) * paths

    rows = [np.empty((paths, len(strategy.features)), dtype=np.float32) for _ in range(2)]

    def copies() -> int:
        for t in range(tape.steps):
            rows[t % 2][:] = tape.features[t]
        return tape.steps * paths

    speed, limit = best(lambda: episode(ready)), best(copies)
    return {
        "paths": paths, "step_only": speed, "with_tapes": best(lambda: episode(batch)),
        "single_env": best(single(strategy)), "copy_limit": limit, "share_of_limit": speed / limit,
        "tape_megabytes": (tape.block.nbytes + tape.features.nbytes + batch.ledger.block.nbytes) / 2**20,
    }  # fmt: skip


def fitting(strategy: Strategy, paths: int, few: int = 32) -> int:
    """Paths whose tapes are drawn in `MOST_DRAWING` seconds: as many as asked, or half, a quarter, ..."""
    if paths <= few:
        return paths
    strategy.record(Paths.of(0, few))  # compiles
    start = time.process_time()
    strategy.record(Paths.of(few, few))
    each = (time.process_time() - start) / few
    while paths > few and each * paths > MOST_DRAWING:
        paths //= 2
    return paths


def single(strategy: Strategy) -> Work:
    """One Gymnasium environment, stepped until several episodes are over."""
    env = FundEnv(strategy)
    env.reset(seed=0)
    action = env.action_space.sample()

    def work() -> int:
        for _ in range(5000):
            _, _, terminated, truncated, _ = env.step(action)
            if terminated or truncated:
                env.reset()
        return 5000

    return work


def stages(paths: int = STAGE_PATHS, steps: int = STAGE_STEPS, cycles: int = 2000) -> dict[str, Speeds]:
    """Agent steps a second of each stage, and of all of them as the unified environment."""
    from fund.envs.unified import STAGES as MODULES
    from fund.envs.unified import parallel_env

    kinds = {name: [stage_named(name)] for name in STAGES}
    kinds["unified"] = [stage for (stage,) in kinds.values()]
    found = {}
    for name, parts in kinds.items():
        batch = Batched(parts, paths, steps)
        env = parallel_env() if name == "unified" else MODULES[name].parallel_env()
        found[name] = {
            "paths": paths, "agents": sum(len(stage.agents) for stage in parts),
            "step_only": best(batch.step_only), "with_tapes": best(batch.with_tapes),
            "single_env": best(parallel_form(env, cycles)),
        }  # fmt: skip
    return found


def published(cycles: int = 2000) -> Speeds:
    """Agent steps a second of a PettingZoo environment that others wrote, by its name, in its Parallel form."""
    import importlib
    import warnings

    for name in ("mpe2.simple_spread_v3", "pettingzoo.butterfly.knights_archers_zombies_v11"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its own deprecations
            try:
                env = importlib.import_module(name).parallel_env()
            except ImportError:
                continue
            return {name.rpartition(".")[2]: best(parallel_form(env, cycles))}
    return {}


def training_speed(spec: Spec) -> Speeds:
    """PPO's frames a second here and on an environment of the same shape that costs nothing."""
    from fund.envs.vec import FundVecEnv
    from fund.training.null import NullVecEnv
    from fund.training.train import settings_of

    strategy, settings = spec.cls(), settings_of(spec)
    frames = settings.n_envs * int(settings.model.get("n_steps", 64)) * 2
    real: Any = FundVecEnv(strategy, settings.n_envs)
    null: Any = NullVecEnv(strategy, settings.n_envs)
    for env in (real, null):
        _learn(spec, strategy, env, frames // 2)
    # interleaved, so that a busy neighbour slows both alike
    pairs = [
        (_learn(spec, strategy, real, frames), _learn(spec, strategy, null, frames)) for _ in range(ROUNDS)
    ]
    ours, free = max(p[0] for p in pairs), max(p[1] for p in pairs)
    return {"frames_per_second": ours, "null_frames_per_second": free, "share_of_null": ours / free}


def _learn(spec: Spec, strategy: Strategy, env: Any, frames: int) -> float:
    from fund.training.learners import learner
    from fund.training.train import settings_of

    model = learner(spec.algorithm, env, strategy, settings_of(spec), seed=0)
    start = time.perf_counter()
    model.learn(frames)
    return model.num_timesteps / (time.perf_counter() - start)


def cartpole() -> float:
    """Gymnasium's CartPole-v1 in a SyncVectorEnv of 64: steps a second."""
    import gymnasium as gym

    envs = gym.make_vec("CartPole-v1", num_envs=64, vectorization_mode="sync")
    envs.reset(seed=0)
    actions = envs.action_space.sample()

    def work() -> int:
        for _ in range(200):
            envs.step(actions)
        return 200 * 64

    speed = best(work)
    envs.close()
    return speed


def table(found: dict[str, Any]) -> str:
    """The speeds as a table: steps a second of one core."""
    m = found["machine"]
    rows: list[tuple[str, ...]] = [("environment", "paths", "step only", "with tapes", "single env")]
    rows += [(name, *_cells(row)) for name, row in found["environments"].items()]
    rows += [(f"{name}, {row['agents']} agents", *_cells(row)) for name, row in found["stages"].items()]
    reference = dict(found["reference"])
    rows.append(("CartPole-v1, SyncVectorEnv", "64", _short(reference.pop("cartpole_sync_64")), "", ""))
    rows += [(f"{name}, Parallel", "1", "", "", _short(speed)) for name, speed in reference.items()]
    for name, row in found.get("training", {}).items():
        rows.append((f"PPO on {name}", "", f"{_short(row['frames_per_second'])} frames", "",
                     f"{row['share_of_null']:.2f} of a free one"))  # fmt: skip
    where = f"{m['processor']}, {m['cores']} cores, {m['system']}, Python {m['python']}."
    what = "Steps a second of processor time on one core; of stages, unified and Parallel: agent steps."
    return "\n".join([where, what, "", *_aligned(rows)])


def _cells(row: Speeds) -> list[str]:
    return [str(row["paths"]), *(_short(row[key]) for key in ("step_only", "with_tapes", "single_env"))]


def _short(speed: float) -> str:
    return f"{speed / 1e6:.1f} M" if speed >= 1e6 else f"{speed / 1e3:.0f} k"


def _aligned(rows: list[tuple[str, ...]]) -> list[str]:
    wide = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    return [
        "  ".join(
            [row[0].ljust(wide[0]), *(c.rjust(w) for c, w in zip(row[1:], wide[1:], strict=True))]
        ).rstrip()
        for row in rows
    ]
