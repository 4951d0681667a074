"""What watches a training: looks at held-out episodes, keeps the best weights, stops in time or at a bad number."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback

from fund.envs.play import play
from fund.errors import ModelError
from fund.market.streams import Paths
from fund.strategy import Played, Strategy
from fund.training import checkpoint
from fund.training.evaluate import SELECTION_SEEDS, statistics
from fund.training.learners import Settings
from fund.training.network import ACTORS, FRONTS, Network
from fund.training.store import write


def score(strategy: Strategy, played: Played) -> float:
    """What selection maximises: the certainty equivalent where there is one, else the mean reward."""
    equivalent = strategy.certainty_equivalent(played)
    return float(np.mean(played.reward)) if equivalent is None else equivalent


def packed(model: BaseAlgorithm) -> bytes:
    """An SB3 zip in memory."""
    buffer = io.BytesIO()
    model.save(buffer)
    return buffer.getvalue()


class ActingMean:
    """Mean of the weights that act: iterates scatter around what they converge to, their mean less.

    Polyak & Juditsky (1992), "Acceleration of stochastic approximation by averaging", SIAM J. Control Optim.
    30:838-855.
    """

    def __init__(self, model: BaseAlgorithm, algorithm: str) -> None:
        self.acting: list[torch.Tensor] = [
            w
            for key, w in model.policy.named_parameters()
            if key.startswith((*ACTORS[algorithm][0], FRONTS[algorithm]))
        ]
        self.mean = [w.detach().clone() for w in self.acting]
        self.updates = 0

    @torch.no_grad()
    def update(self) -> None:
        """Take the present weights into the mean."""
        self.updates += 1
        torch._foreach_lerp_(self.mean, self.acting, 1.0 / self.updates)

    @contextmanager
    def acts(self) -> Iterator[None]:
        """The model acts by the mean while the block runs, and learns on from where it was."""
        present = [w.detach().clone() for w in self.acting]
        try:
            self._set(self.mean)
            yield
        finally:
            self._set(present)

    @torch.no_grad()
    def _set(self, weights: list[torch.Tensor]) -> None:
        for place, weight in zip(self.acting, weights, strict=True):
            place.copy_(weight)


class Selection(BaseCallback):
    """Evaluates on the selection episodes, keeps the best weights, stops at the time limit or on a signal."""

    def __init__(
        self,
        strategy: Strategy,
        algorithm: str,
        settings: Settings,
        steps: int,
        seconds: float | None = None,
        folder: Path | None = None,
    ) -> None:
        super().__init__()
        self.strategy, self.algorithm, self.settings = strategy, algorithm, settings
        self.steps = steps
        self.every = max(steps // settings.evaluations, 1)
        self.deadline = None if seconds is None else time.monotonic() + seconds
        self.folder = folder
        self.history: list[tuple[int, float]] = []
        self.best_score, self.best = -np.inf, b""
        self.latest = b""
        self.interrupted = 0  # the signal that came
        self.begun = 0  # steps that a resumed model has behind it
        self.first = 0  # looks before the first step: one, where the agent starts from a rule
        self.identity = ""  # of the training, for its checkpoints; none are written where it is empty
        self.stopping = False  # interrupted, and whatever must be written down is
        self.due = False  # whether a checkpoint is to be taken before the next rollout
        self._mean: ActingMean | None = None
        self._random: torch.Tensor | None = None  # of a resumed training, at its next rollout

    def _on_training_start(self) -> None:
        if not self.history:
            self.begun = self.num_timesteps
            if self.first:
                self.look()

    def _on_rollout_start(self) -> None:
        if self._random is not None:  # state-dependent exploration has drawn once more since
            torch.set_rng_state(self._random)
            self._random = None
        self.stopping = bool(self.interrupted)
        if (self.due or self.stopping) and self.history and self.folder is not None and self.identity:
            self.due = False
            checkpoint.save(self.folder, self.model, self, self.identity)
        # the update before this rollout is over: its losses are in the logger until they are written
        for key, value in self.logger.name_to_value.items():
            if key.startswith("train/") and not np.isfinite(value):
                raise ModelError(
                    f"{self.strategy.name}: {key} is {value} at step {self.num_timesteps}; {STAYS}"
                )
        if self.num_timesteps - self.begun >= (1.0 - self.settings.average) * self.steps:
            self._mean = self._mean or ActingMean(self.model, self.algorithm)
            self._mean.update()

    def _on_step(self) -> bool:
        check_finite(self.strategy, self.locals, self.num_timesteps)
        looks = len(self.history) - self.first
        # a rollout may be longer than a training that was cut short
        due = looks < self.settings.evaluations
        if due and self.num_timesteps - self.begun >= self.every * (looks + 1):
            self.look()
        late = self.deadline is not None and time.monotonic() > self.deadline
        return not (late or self.stopping)

    def state(self) -> dict[str, NDArray[Any]]:
        """What has been seen, as arrays."""
        told = {
            "history": self.history, "best": float(self.best_score), "begun": self.begun, "steps": self.steps,
            "every": self.every, "first": self.first,
        }  # fmt: skip
        arrays = {"selection": np.array(json.dumps(told)), "best": np.frombuffer(self.best, dtype=np.uint8)}
        arrays["latest"] = np.frombuffer(self.latest, dtype=np.uint8)
        if self._mean is not None:
            arrays["mean_updates"] = np.array(self._mean.updates)
            arrays |= {f"mean_{k}": w.numpy() for k, w in enumerate(self._mean.mean)}
        return arrays

    def set_state(self, model: BaseAlgorithm, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Go on from `state`."""
        told = json.loads(str(arrays["selection"]))
        self.history = [(int(step), float(value)) for step, value in told["history"]]
        self.best_score, self.begun = told["best"], told["begun"]
        self.steps, self.every, self.first = told["steps"], told["every"], told["first"]
        self.best, self.latest = arrays["best"].tobytes(), arrays["latest"].tobytes()
        self._random = torch.from_numpy(arrays["random_torch"].copy())
        if "mean_updates" in arrays:
            self._mean = ActingMean(model, self.algorithm)
            self._mean.updates = int(arrays["mean_updates"])
            self._mean.mean = [torch.from_numpy(arrays[f"mean_{k}"]) for k in range(len(self._mean.mean))]

    def table(self) -> dict[str, Any]:
        """Steps and scores as arrays, for `evaluations.npz`."""
        steps, scores = zip(*self.history, strict=True)
        return {"timesteps": np.array(steps), "results": np.array(scores)}

    def look(self) -> None:
        """Play the present policy on the selection episodes; keep it if it is the best so far."""
        with nullcontext() if self._mean is None else self._mean.acts():
            self._look()

    def demand_finite_weights(self, cause: Exception | None = None) -> None:
        """Raise ModelError, naming the step, where a weight is not finite."""
        if not all(torch.isfinite(w).all() for w in self.model.policy.state_dict().values()):
            raise ModelError(
                f"{self.strategy.name}: weights are not finite at step {self.num_timesteps}; {STAYS}"
            ) from cause

    def _look(self) -> None:
        self.demand_finite_weights()
        weights = self.model.policy.state_dict()
        network = Network.of(weights, self.algorithm, self.settings.activation, self.strategy.actions)
        played = play(
            self.strategy, network.policy(), Paths.of(SELECTION_SEEDS, self.settings.evaluation_paths)
        )
        now, numbers = score(self.strategy, played), statistics(played)
        self.history.append((self.num_timesteps, now))
        self.due = True
        self.logger.record("eval/mean_reward", float(np.mean(played.reward)))
        self.logger.record("eval/score", now)
        self.logger.record("fund/sharpe", numbers["sharpe"])
        self.logger.record("fund/max_drawdown", numbers["max_drawdown"])
        self.logger.dump(self.num_timesteps)
        self.latest = packed(self.model)
        if self.folder is not None:
            write(self.folder / f"rl_model_{self.num_timesteps}_steps.zip", self.latest)
        if np.isfinite(now) and now > self.best_score:
            self.best_score, self.best = now, self.latest


STAYS = "training stops, the old models stay"


def check_finite(strategy: Strategy, seen: dict[str, Any], step: int) -> None:
    """Raise ModelError, naming step, path and slot, where a reward or an observation is not finite."""
    rewards, observations = seen["rewards"], seen["new_obs"]
    # a sum is not finite where a term is not; looking for the term is left for when there is one
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(rewards.sum()) and np.isfinite(observations.sum()):
            return
    bad = np.flatnonzero(~np.isfinite(rewards))
    if len(bad):
        raise ModelError(
            f"{strategy.name}: reward of path {bad[0]} is {rewards[bad[0]]} at step {step}; {STAYS}"
        )
    wrong = np.argwhere(~np.isfinite(observations))
    if len(wrong):
        path, slot = wrong[0]
        raise ModelError(
            f"{strategy.name}: {strategy.features[slot]} of path {path} is {observations[path, slot]}"
            f" at step {step}; {STAYS}"
        )
