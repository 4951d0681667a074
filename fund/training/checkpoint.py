"""A training cut short, written down so that it goes on as if nothing had happened.

Taken between two rollouts, where the state is smallest, and written whole as `checkpoints/resume.npz`: weights, targets
and optimisers, the replay buffer's rows, the state of every random generator, the environments' state in plain arrays,
counters, and what the selection has seen. What follows from it is bit for bit what would have followed without the
cut, on the same machine and the same versions. Nothing in the file is executed when it is read.
"""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.buffers import ReplayBuffer
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.vec_env import VecEnv, VecMonitor, VecNormalize

from fund.envs.vec import FundVecEnv
from fund.errors import ModelError
from fund.paths import atomic_write
from fund.training.learners import Paired

if TYPE_CHECKING:
    from fund.training.selection import Selection

FILE = "resume.npz"
COUNTERS = (
    "num_timesteps",
    "_total_timesteps",
    "_num_timesteps_at_start",
    "_episode_num",
    "_n_updates",
    "_n_calls",
    "_current_progress_remaining",
    "exploration_rate",
)
# fields of the replay buffer, as they are
REPLAYED, FLAGS = ("observations", "actions", "rewards"), ("dones", "timeouts")
Arrays = dict[str, NDArray[Any]]
Layer = TypeVar("Layer", bound=VecEnv)


def save(folder: Path, model: BaseAlgorithm, watch: Selection, identity: str) -> None:
    """Write the state; raises ModelError where it cannot be written."""
    arrays = {**_learner(model), **_environment(model), **_replay(model), **watch.state()}
    arrays["identity"] = np.array(identity)
    try:
        # numpy's stub takes the arrays for options
        atomic_write(folder / FILE, lambda file: np.savez(file, **arrays))  # type: ignore[arg-type]
    except OSError as error:
        raise ModelError(f"{FILE}: cannot be written ({error.strerror}); what was there stays") from None


def restore(folder: Path, model: BaseAlgorithm, watch: Selection, identity: str) -> int | None:
    """Set the state that was saved and give the steps still to do; None where there is none.

    Raises ModelError where the file is damaged, or of a training with another environment, settings or seed.
    """
    path = folder / FILE
    if not path.exists():
        return None
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        if str(arrays["identity"]) != identity:
            raise ModelError(
                f"{FILE}: of a training with another environment, settings or seed; train without --resume"
            )
        _set_learner(model, arrays)
        _set_environment(model, arrays)
        _set_replay(model, arrays)
        watch.set_state(model, arrays)
    except ModelError:
        raise
    except (OSError, EOFError, ValueError, KeyError, RuntimeError, zipfile.BadZipFile) as error:
        raise ModelError(
            f"{FILE}: not a readable checkpoint ({type(error).__name__}); train without --resume"
        ) from None
    return int(model._total_timesteps - model.num_timesteps)


def forget(folder: Path) -> None:
    """Remove the state of a training that has come to its end."""
    (folder / FILE).unlink(missing_ok=True)


def _learner(model: BaseAlgorithm) -> Arrays:
    buffer = io.BytesIO()
    torch.save(model.get_parameters(), buffer)
    counters = {name: getattr(model, name) for name in COUNTERS if hasattr(model, name)}
    kind, keys, place, has_gauss, gauss = np.random.get_state()  # noqa: NPY002 - the generator that SB3 draws from
    random = {
        "numpy": [str(kind), int(place), int(has_gauss), float(gauss)],
        "actions": model.action_space.np_random.bit_generator.state,
    }
    return {
        "parameters": np.frombuffer(buffer.getvalue(), dtype=np.uint8),
        "counters": np.array(json.dumps(counters)),
        "random": np.array(json.dumps(random)),
        "random_numpy": np.asarray(keys),
        "random_torch": torch.get_rng_state().numpy(),
        "last_obs": np.asarray(model._last_obs),
        "last_episode_starts": np.asarray(model._last_episode_starts),
    }


def _set_learner(model: BaseAlgorithm, arrays: Arrays) -> None:
    content = io.BytesIO(arrays["parameters"].tobytes())
    model.set_parameters(torch.load(content, map_location="cpu", weights_only=True), device="cpu")
    for name, value in json.loads(str(arrays["counters"])).items():
        setattr(model, name, value)
    random = json.loads(str(arrays["random"]))
    kind, place, has_gauss, gauss = random["numpy"]
    np.random.set_state((kind, arrays["random_numpy"], place, has_gauss, gauss))  # noqa: NPY002 - as above
    model.action_space.np_random.bit_generator.state = random["actions"]
    torch.set_rng_state(torch.from_numpy(arrays["random_torch"].copy()))
    model._last_obs = arrays["last_obs"]
    model._last_episode_starts = arrays["last_episode_starts"]


def layer_of(model: BaseAlgorithm, kind: type[Layer]) -> Layer | None:
    """The model's environment of a kind, from the wrappers outside to the core; None where there is none."""
    env: VecEnv | None = model.env
    while env is not None and not isinstance(env, kind):
        env = getattr(env, "venv", None)
    return env


def core_of(model: BaseAlgorithm) -> FundVecEnv:
    """What is at the core of the model's environment."""
    core = layer_of(model, FundVecEnv)
    assert core is not None  # `training_env` has one at its core
    return core


def _environment(model: BaseAlgorithm) -> Arrays:
    arrays = {f"env_{name}": value for name, value in core_of(model).batch.get_state().items()}
    if (monitor := layer_of(model, VecMonitor)) is not None:
        arrays["monitor_returns"] = monitor.episode_returns
        arrays["monitor_lengths"] = monitor.episode_lengths
    if (pair := layer_of(model, Paired)) is not None:
        arrays |= {f"rule_{name}": value for name, value in pair.twin.get_state().items()}
    if (normal := layer_of(model, VecNormalize)) is not None:
        spread = normal.ret_rms
        arrays["normal"] = np.array([spread.mean, spread.var, spread.count])
        arrays["normal_returns"] = normal.returns
        arrays["normal_last_obs"] = np.asarray(model._last_original_obs)
    return arrays


def _set_environment(model: BaseAlgorithm, arrays: Arrays) -> None:
    assert model.env is not None
    model.env.reset()
    core_of(model).batch.set_state(_named(arrays, "env_"))
    if (monitor := layer_of(model, VecMonitor)) is not None:
        monitor.episode_returns = arrays["monitor_returns"]
        monitor.episode_lengths = arrays["monitor_lengths"]
    if (pair := layer_of(model, Paired)) is not None:
        pair.follow()
        pair.twin.set_state(_named(arrays, "rule_"))
    if (normal := layer_of(model, VecNormalize)) is not None:
        normal.ret_rms.mean, normal.ret_rms.var, normal.ret_rms.count = arrays["normal"]
        normal.returns = arrays["normal_returns"]
        model._last_original_obs = arrays["normal_last_obs"]


def _named(arrays: Arrays, prefix: str) -> Arrays:
    return {name.removeprefix(prefix): value for name, value in arrays.items() if name.startswith(prefix)}


def _replay(model: BaseAlgorithm) -> Arrays:
    if not isinstance(model, OffPolicyAlgorithm):
        return {}
    buffer = model.replay_buffer
    assert isinstance(buffer, ReplayBuffer)
    filled = slice(buffer.size())
    arrays = {f"replay_{name}": getattr(buffer, name)[filled] for name in REPLAYED}
    arrays |= {f"replay_{name}": getattr(buffer, name)[filled].astype(np.bool_) for name in FLAGS}
    # what follows a row stands in the next one, but where an episode ends and where the buffer does
    following = buffer.next_observations[filled]
    apart = (_bits(following) != _bits(np.roll(arrays["replay_observations"], -1, axis=0))).any(axis=2)
    arrays["replay_apart"], arrays["replay_following"] = apart, following[apart]
    arrays["replay"] = np.array([buffer.pos, buffer.full])
    return arrays


def _bits(values: NDArray[np.float32]) -> NDArray[np.uint32]:
    # zeros of both signs differ
    return values.view(np.uint32)


def _set_replay(model: BaseAlgorithm, arrays: Arrays) -> None:
    if not isinstance(model, OffPolicyAlgorithm):
        return
    buffer = model.replay_buffer
    assert isinstance(buffer, ReplayBuffer)
    for name in (*REPLAYED, *FLAGS):
        rows = arrays[f"replay_{name}"]
        getattr(buffer, name)[: len(rows)] = rows
    following = np.roll(arrays["replay_observations"], -1, axis=0)
    following[arrays["replay_apart"]] = arrays["replay_following"]
    buffer.next_observations[: len(following)] = following
    buffer.pos, buffer.full = int(arrays["replay"][0]), bool(arrays["replay"][1])
