"""How fast: every environment's step, its tapes, its single form, and training, beside their limits.

step_only    a batch on a ready tape with actions drawn beforehand: the kernel and the observation
with_tapes   the same with drawing the tapes counted in
single_env   one Gymnasium environment, autoreset by hand
copy_limit   copying the observations' bytes, which no environment can beat
training     PPO's frames a second on the strategy, and on an environment of the same shape that costs nothing
reference    Gymnasium's own CartPole in a SyncVectorEnv, measured in the same run
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fund.envs.batch import Batch
from fund.envs.gym import FundEnv
from fund.roster import Spec, rosters
from fund.strategy import Box, Strategy

ROUNDS = 3


def bench(paths: int = 4096, training: bool = True, seed: int = 0) -> dict[str, Any]:
    """Steps a second per core of every strategy of the rosters."""
    specs = rosters()
    environments = {name: environment(spec.cls(), paths, seed) for name, spec in specs.items()}
    result: dict[str, Any] = {"machine": machine(), "paths": paths, "environments": environments}
    if training:
        result["training"] = {
            name: training_speed(spec) for name, spec in specs.items() if spec.algorithm == "PPO"
        }
    result["reference"] = {"cartpole_sync_64": cartpole()}
    return result


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


def _best(work: Callable[[], int]) -> float:
    """Steps a second of this process's own processor time, the best of some rounds: the machine is shared."""
    speeds = []
    for _ in range(ROUNDS):
        start = time.process_time()
        steps = work()
        speeds.append(steps / (time.process_time() - start))
    return max(speeds)


def drawn_actions(strategy: Strategy, steps: int, n: int) -> list[NDArray[Any]]:
    """Random actions, one array a step."""
    generator, space = np.random.default_rng(0), strategy.actions
    if isinstance(space, Box):
        return [generator.uniform(space.low, space.high, (n, space.size)) for _ in range(steps)]
    return [generator.integers(space.count, size=(n, 1)).astype(float) for _ in range(steps)]


def environment(strategy: Strategy, paths: int, seed: int) -> dict[str, float]:
    """The four speeds of one strategy, steps a second."""
    batch = Batch(strategy, paths, seed)
    batch.reset(seed)
    actions = drawn_actions(strategy, strategy.n_steps, paths)
    batch.step(actions[0])
    tape = batch.current_tape
    ready = Batch(strategy, tape=tape)

    def step_only() -> int:
        for action in actions:
            ready.step(action)
        return len(actions) * paths

    def from_the_start() -> int:
        ready.reset()
        return step_only()

    def with_tapes() -> int:
        batch.reset()
        for action in actions:
            batch.step(action)
        return len(actions) * paths

    rows = [np.empty((paths, len(strategy.features)), dtype=np.float32) for _ in range(2)]

    def copies() -> int:
        for t in range(tape.steps):
            rows[t % 2][:] = tape.features[t]
        return tape.steps * paths

    speeds = {
        "step_only": _best(from_the_start),
        "with_tapes": _best(with_tapes),
        "single_env": _best(single(strategy)),
    }
    limit = _best(copies)
    megabytes = (tape.block.nbytes + tape.features.nbytes + batch.ledger.block.nbytes) / 2**20
    return {
        **speeds,
        "copy_limit": limit,
        "share_of_limit": speeds["step_only"] / limit,
        "tape_megabytes": megabytes,
    }


def single(strategy: Strategy) -> Callable[[], int]:
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


def training_speed(spec: Spec) -> dict[str, float]:
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

    speed = _best(work)
    envs.close()
    return speed
