"""How a team is trained. The tuned values stand as data beside the world that they are for."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from fund.errors import InvalidParameter, UnknownName

Schedule = float | tuple[float, float]
"""A number, or (at the start, at the end) with a straight line between."""

CRITICS = ("central", "own")
ACTIVATIONS = ("tanh", "relu")


def demand_within(
    settings: Any,
    words: Mapping[str, Collection[str]],
    counts: Iterable[str],
    shares: Iterable[str],
    rates: Iterable[str],
) -> None:
    """Refuse settings out of bounds: words unknown, counts below 1, shares beyond 0 to 1, rates or schedules below 0.

    Raises InvalidParameter, UnknownName.
    """
    for name, known in words.items():
        if getattr(settings, name) not in known:
            raise UnknownName(name, getattr(settings, name), known)
    for name in counts:
        if getattr(settings, name) < 1:
            raise InvalidParameter(f"{name} is {getattr(settings, name)}, wanted at least 1")
    for name in shares:
        if not 0.0 <= getattr(settings, name) <= 1.0:
            raise InvalidParameter(f"{name} is {getattr(settings, name)}, wanted 0 to 1")
    for name in rates:
        ends = (at(getattr(settings, name), 0.0), at(getattr(settings, name), 1.0))
        if not all(math.isfinite(x) and x >= 0.0 for x in ends):
            raise InvalidParameter(f"{name} is {getattr(settings, name)}, wanted finite and not negative")


@dataclass(frozen=True)
class Settings:
    """The defaults are those of Yu et al. (2022) for dense cooperative tasks, where they name one."""

    steps: int = 1_000_000  # of the world, all copies together; agents are not counted
    copies: int = 128  # of the world, stepped together
    rollout: int = 25  # steps of each copy between two updates
    critic: str = "central"  # central: sees the state (MAPPO); own: sees what its agent sees (IPPO)
    own_view: bool = True  # the central critic sees its agent's observation beside the state
    shared: bool = True  # agents whose spaces are alike share one policy; False: one policy each
    names: bool = True  # networks that several agents share are told which agent it is
    net_arch: tuple[int, ...] = (64, 64)
    activation: str = "tanh"
    recurrent: bool = False  # a GRU behind the layers, in actor and critic
    chunk: int = 10  # steps through which the GRU is trained
    feature_norm: bool = True  # layer norm of the input
    layer_norm: bool = True  # and behind each layer
    output_gain: float = 0.01  # of the actor's last layer, orthogonal as all are
    critic_gain: float = (
        1.0  # of the critic's; small where rewards are: a first guess of 1 would drown returns of .01
    )
    log_std_init: float = 0.0  # of continuous actions
    actor_rate: Schedule = 7e-4
    critic_rate: Schedule = 7e-4
    clip: Schedule = 0.2  # of the probability ratio, and of the value's change
    entropy: Schedule = 0.01  # weight of the entropy
    epochs: int = 10
    minibatches: int = 1
    gamma: float = 0.99
    gae_lambda: float = 0.95
    huber: float | None = 10.0  # where the value loss turns linear; None: squares
    clip_value: bool = True
    value_norm: bool = True  # the critic learns returns in units of their own deviation
    norm_memory: float = 0.99  # share of the old in each update of those units
    normalize_advantage: bool = True
    max_grad_norm: float = 10.0
    bootstrap: bool = (
        True  # a value lies behind an end by the clock; False: the horizon is the objective's own
    )
    team_reward: bool = False  # every agent learns from the mean over agents
    start: str = ""  # the rule that the actors learn first (`imitation`), best: the best one; empty: none
    start_rollouts: int = 20  # of it
    start_values: int = 10  # rollouts after it in which the critic alone learns
    evaluations: int = 10  # during training, on the selection episodes
    evaluation_copies: int = 256

    def __post_init__(self) -> None:
        """Raises InvalidParameter, UnknownName."""
        demand_within(
            self,
            words={"critic": CRITICS, "activation": ACTIVATIONS},
            counts=("steps", "copies", "rollout", "chunk", "epochs", "minibatches", "evaluations"),
            shares=("gamma", "gae_lambda", "norm_memory"),
            rates=("actor_rate", "critic_rate", "clip", "entropy"),
        )
        if self.recurrent and self.rollout % self.chunk:
            raise InvalidParameter(f"rollout is {self.rollout}, wanted a multiple of chunk, {self.chunk}")

    @property
    def algorithm(self) -> str:
        """MAPPO or IPPO."""
        return "MAPPO" if self.critic == "central" else "IPPO"

    @property
    def length(self) -> int:
        """Steps of the sequences on which the networks are trained."""
        return self.chunk if self.recurrent else 1

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Settings:
        """From a mapping; raises UnknownName with the nearest setting."""
        known = {f.name for f in fields(cls)}
        for key in plain:
            if key not in known:
                raise UnknownName("setting", key, known)
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in plain.items()}
        return cls(**values)


def at(schedule: Schedule, progress: float) -> float:
    """The value after a share of the training, 0 to 1."""
    if isinstance(schedule, tuple):
        start, end = schedule
        return float(start + (end - start) * min(max(progress, 0.0), 1.0))
    return float(schedule)
