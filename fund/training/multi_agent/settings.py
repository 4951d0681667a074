"""How a team is trained. The tuned values stand as data beside the world that they are for."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Self

from fund.errors import InvalidParameter, UnknownName

Schedule = float | tuple[float, float]
"""A number, or (at the start, at the end) with a straight line between."""

CRITICS = ("central", "own")
CRITIC_OF = {"mappo": "central", "ippo": "own"}
ACTIVATIONS = ("tanh", "relu")
ORDERS = ("together", "sequential")
OF_ALL = (
    "steps", "copies", "rollout", "gamma", "bootstrap", "team_reward", "shared", "names", "order", "agents",
    "evaluations", "evaluation_copies",
)  # fmt: skip
"""What all agents of a team have in common, as they have all of how they `start`: no agent has its own."""


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
    start: str = ""  # the rule that the actors learn first (`imitation`); best: the best one; a+b: both
    start_rollouts: int = 20  # of it
    start_smooth: float = 0.02  # share of the choices that are left to all alike, to be tried later
    start_values: int = 10  # rollouts after it in which the critic alone learns
    evaluations: int = 10  # during training, on the selection episodes
    evaluation_copies: int = 256
    order: str = "together"  # all learn from a rollout at once; sequential: one after another (`sequential`)
    agents: Mapping[str, Mapping[str, Any]] = field(
        default_factory=dict
    )  # settings of its own, by agent; `own`

    def __post_init__(self) -> None:
        """Raises InvalidParameter, UnknownName."""
        object.__setattr__(self, "agents", frozen(self.agents))
        demand_within(
            self,
            words={"critic": CRITICS, "activation": ACTIVATIONS, "order": ORDERS},
            counts=("steps", "copies", "rollout", "chunk", "epochs", "minibatches", "evaluations"),
            shares=("gamma", "gae_lambda", "norm_memory", "start_smooth"),
            rates=("actor_rate", "critic_rate", "clip", "entropy"),
        )
        if self.recurrent and self.rollout % self.chunk:
            raise InvalidParameter(f"rollout is {self.rollout}, wanted a multiple of chunk, {self.chunk}")
        for agent in self.agents:
            self.own(agent)

    def own(self, agent: str) -> Settings:
        """The settings of one agent: these with its changes, where `algorithm` may be mappo or ippo.

        Whose algorithm is another has none of PPO (`several`). Raises InvalidParameter, UnknownName.
        """
        if not self.by_ppo(agent):
            return self
        changes = dict(self.agents.get(agent, {}))
        for key in changes:
            if key in OF_ALL or key.startswith("start"):
                raise InvalidParameter(f"{agent}: {key} is the same for all agents; set it for the team")
        critic = CRITIC_OF[str(changes.pop("algorithm", self.algorithm)).lower()]
        return replace(self, agents={}, **plain_settings(Settings, {"critic": critic, **changes}))

    def by_ppo(self, agent: str) -> bool:
        """Whether an agent learns by PPO, as all do that have no other algorithm of their own."""
        return str(self.agents.get(agent, {}).get("algorithm", self.algorithm)).lower() in CRITIC_OF

    @property
    def algorithm(self) -> str:
        """MAPPO or IPPO."""
        return "MAPPO" if self.critic == "central" else "IPPO"

    @property
    def length(self) -> int:
        """Steps of the sequences on which the networks are trained."""
        return self.chunk if self.recurrent else 1

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Self:
        """From a mapping; raises UnknownName with the nearest setting."""
        return cls(**plain_settings(cls, plain))


def plain_settings(of: type[Any], plain: Mapping[str, Any]) -> dict[str, Any]:
    """A mapping as a dataclass takes it, lists as tuples at any depth; raises UnknownName with the nearest field."""
    known = {f.name for f in fields(of)}
    for key in plain:
        if key not in known:
            raise UnknownName("setting", key, known)
    return {key: frozen(value) for key, value in plain.items()}


def frozen(value: Any) -> Any:
    """Lists as tuples, at any depth of mappings."""
    if isinstance(value, Mapping):
        return {key: frozen(one) for key, one in value.items()}
    return tuple(value) if isinstance(value, list) else value


def at(schedule: Schedule, progress: float) -> float:
    """The value after a share of the training, 0 to 1."""
    if isinstance(schedule, tuple):
        start, end = schedule
        return float(start + (end - start) * min(max(progress, 0.0), 1.0))
    return float(schedule)
