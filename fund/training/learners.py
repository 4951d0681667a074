"""Stable-Baselines3 learners from a strategy's tuned settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3 import DDPG, DQN, PPO
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.noise import NormalActionNoise, VectorizedActionNoise
from stable_baselines3.common.utils import LinearSchedule
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper, VecMonitor, VecNormalize
from stable_baselines3.common.vec_env.base_vec_env import VecEnvObs, VecEnvStepReturn

from fund.envs.batch import Batch
from fund.envs.vec import FundVecEnv
from fund.errors import InvalidParameter, UnknownName
from fund.strategy import Box, Policy, Strategy
from fund.training.band import band_slots
from fund.training.band_policy import BandPolicy
from fund.training.dueling import DuelingDQN
from fund.training.extractor import PerAssetExtractor
from fund.training.per_asset import slots_of


class TwoRates(DDPG):
    """DDPG whose actor learns at a share of the critic's rate.

    Adam's steps are as long for a slope that is noise as for one that is known: a critic that has yet to learn what
    actions are worth leads the actor away at full speed. Two time scales: Konda & Tsitsiklis (2003), SIAM J. Control
    Optim. 42:1143-1166.
    """

    actor_rate = 1.0

    def _update_learning_rate(self, optimizers: list[torch.optim.Optimizer] | torch.optim.Optimizer) -> None:
        super()._update_learning_rate(optimizers)
        for group in self.actor.optimizer.param_groups:
            group["lr"] *= self.actor_rate


ALGORITHMS: dict[str, type[BaseAlgorithm]] = {
    "PPO": PPO,
    "DDPG": TwoRates,
    "DQN": DQN,
    "DuelingDQN": DuelingDQN,
}
ACTIVATIONS = {"tanh": torch.nn.Tanh, "relu": torch.nn.ReLU}
NETWORKS = ("mlp", "per_asset", "band")


@dataclass(frozen=True)
class Settings:
    """How one strategy is trained; the tuned values stand beside the strategy, in its SPEC."""

    steps: int = 1_000_000  # environment steps in all
    n_envs: int = 256  # paths stepped together
    net_arch: tuple[int, ...] = (64, 64)
    activation: str = "tanh"  # tanh or relu
    network: str = "mlp"  # mlp, per_asset (one encoder for all, and attention) or band (no trade inside)
    assets: tuple[str, ...] = ()  # their names in the features, for per_asset; see `fund.training.per_asset`
    band: tuple[str, ...] = ()  # features that are its held, centre, width and unit; see `fund.training.band`
    learning_rate: float = 3e-4  # at the start
    final_learning_rate: float = 3e-5  # at the end, linearly
    noise: float = 0.0  # standard deviation of exploration noise on actions (DDPG)
    average: float = 0.0  # share of training, at its end, of which the acting weights are the mean
    features: tuple[str, ...] = ()  # what the networks see of the observation; everything where empty
    policy_delay: int = 1  # updates of the critic for one of the actor (DDPG)
    actor_rate: float = 1.0  # learning rate of the actor over the critic's (DDPG)
    normalize_reward: bool = False  # divide rewards by a running standard deviation (VecNormalize)
    reward_offset: float = 0.0  # taken from every reward of training; see `Centred`
    log_std_init: float = 0.0  # of the Gaussian policy (PPO)
    world: Mapping[str, Any] = field(default_factory=dict)  # parameters of the training world alone
    rule: str = ""  # what a comparison measures the agent against; the desk's best where empty
    start: str = ""  # rule that the agent starts from, or "best"; see `fund.training.imitation`
    start_episodes: int = 1024  # of selection, on which "best" is chosen
    start_steps: int = 200_000  # environment steps of the rule that it watches
    start_noise: float = (
        0.2  # of the rule's actions: standard deviation over half the range, or share of free choices
    )
    start_updates: int = 3000  # of actor and critic each
    paired: bool = (
        False  # rewards of training are those over what that rule earns on the same tape; see `Paired`
    )
    evaluations: int = 10  # during training, on the selection episodes
    evaluation_paths: int = 1024
    model: Mapping[str, Any] = field(default_factory=dict)  # passed to the algorithm as it is

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Settings:
        """From a mapping; raises UnknownName with the nearest setting."""
        known = {f.name for f in fields(cls)}
        for key in plain:
            if key not in known:
                raise UnknownName("setting", key, known)
        values = dict(plain)
        for key in {"net_arch", "features", "assets", "band"} & values.keys():
            values[key] = tuple(values[key])
        return cls(**values)


class GaussianNoise(VectorizedActionNoise):
    """Exploration noise for all rows in one draw."""

    def __init__(self, sigma: float, rows: int, size: int) -> None:
        super().__init__(NormalActionNoise(np.zeros(size), np.full(size, sigma)), rows)
        self.sigma, self.shape = sigma, (rows, size)

    def __call__(self) -> NDArray[np.float32]:
        """One draw, (rows, size)."""
        # SB3 seeds NumPy's global generator; exploration is drawn where SB3 draws the rest
        return np.random.normal(0.0, self.sigma, self.shape).astype(np.float32)  # noqa: NPY002


class Centred(VecEnvWrapper):
    """Rewards less a constant.

    Where episodes end by the clock alone it changes no comparison of policies, and values need not be learnt that grow
    with the time left; Naik, Wan, Tomar & Sutton (2024), "Reward centering", RLJ 1.
    """

    def __init__(self, env: VecEnv, offset: float) -> None:
        super().__init__(env)
        self.offset = np.float32(offset)

    def reset(self) -> VecEnvObs:
        """First observations."""
        return self.venv.reset()

    def step_wait(self) -> VecEnvStepReturn:
        """A step, with the reward less the offset."""
        observations, rewards, dones, infos = self.venv.step_wait()
        return observations, rewards - self.offset, dones, infos


class Paired(VecEnvWrapper):
    """Rewards over those of a rule that plays the same tape with an account of its own.

    What a tape pays whoever plays it like the rule is noise to a learner. The rule's reward does not depend on the
    agent's actions, so that no comparison of policies changes; Mao, Venkatakrishnan, Schwarzkopf & Alizadeh (2019),
    "Variance reduction for reinforcement learning in input-driven environments", ICLR.
    """

    def __init__(self, env: VecEnv, core: FundVecEnv, rule: Policy) -> None:
        super().__init__(env)
        self.core, self.rule = core, rule
        self.twin = core.batch
        self._earned = np.zeros(core.num_envs, dtype=np.float32)

    def follow(self) -> None:
        """Begin the rule's episodes on the tape that the agent plays."""
        tape, paths = self.core.batch.current_tape, self.core.batch.paths
        self.twin = Batch(self.core.strategy, self.core.num_envs, tape=tape)
        self.twin.start(paths)

    def reset(self) -> VecEnvObs:
        """First observations."""
        observations = self.venv.reset()
        self.follow()
        return observations

    def step_async(self, actions: NDArray[Any]) -> None:
        """Step the rule while the tape is still that of both."""
        self._earned[:] = self.twin.step(self.rule(self.twin.view())).reward
        self.venv.step_async(actions)

    def step_wait(self) -> VecEnvStepReturn:
        """A step, with the reward less the rule's."""
        observations, rewards, dones, infos = self.venv.step_wait()
        if dones.all():
            self.follow()
        elif dones.any():
            self.twin.renew(dones)
        return observations, rewards - self._earned, dones, infos


def training_env(strategy: Strategy, settings: Settings, seed: int, rule: Policy | None = None) -> VecEnv:
    """The strategy's VecEnv under SB3's usual wrappers, and against a rule where the settings pair it with one."""
    core = FundVecEnv(strategy, settings.n_envs, seed, horizon_ends=True)
    env: VecEnv = VecMonitor(core)
    if settings.paired and rule is not None:
        env = Paired(env, core, rule)
    if settings.reward_offset:
        env = Centred(env, settings.reward_offset)
    if settings.normalize_reward:
        gamma = float(settings.model.get("gamma", 0.99))
        env = VecNormalize(env, norm_obs=False, norm_reward=True, gamma=gamma)
    return env


def learner(algorithm: str, env: VecEnv, strategy: Strategy, settings: Settings, seed: int) -> BaseAlgorithm:
    """An SB3 model, ready to learn; raises UnknownName for an algorithm, InvalidParameter for a setting."""
    if algorithm not in ALGORITHMS:
        raise UnknownName("algorithm", algorithm, ALGORITHMS)
    torch.set_num_threads(1)
    policy: dict[str, Any] = {
        "net_arch": list(settings.net_arch),
        "activation_fn": ACTIVATIONS[settings.activation],
    }
    policy |= backbone(strategy, settings, algorithm)
    policy_class = BandPolicy if settings.network == "band" else "MlpPolicy"
    keywords = dict(settings.model)
    if algorithm == "PPO":
        policy["log_std_init"] = settings.log_std_init
    elif isinstance(strategy.actions, Box) and settings.noise > 0.0:
        keywords["action_noise"] = GaussianNoise(settings.noise, settings.n_envs, strategy.actions.size)
    rate = LinearSchedule(settings.learning_rate, settings.final_learning_rate, 1.0)
    try:
        model = ALGORITHMS[algorithm](
            policy_class, env, learning_rate=rate, policy_kwargs=policy, seed=seed, device="cpu", **keywords
        )
    except TypeError as error:
        raise InvalidParameter(f"{strategy.name}: settings for {algorithm}: {error}") from None
    if isinstance(model, TwoRates):
        model.policy_delay, model.actor_rate = settings.policy_delay, settings.actor_rate
    if settings.features:
        blind(model, visible(strategy, settings.features))
    return model


def backbone(strategy: Strategy, settings: Settings, algorithm: str) -> dict[str, Any]:
    """What SB3's policies take for the settings' network; raises UnknownName, InvalidParameter."""
    if settings.network not in NETWORKS:
        raise UnknownName("network", settings.network, NETWORKS)
    if settings.network == "mlp":
        return {}
    if settings.network == "band":
        if algorithm != "DDPG" or getattr(strategy.actions, "size", 0) != 1:
            raise InvalidParameter(
                f"{strategy.name}: network is band for {algorithm}, wanted DDPG and actions of one number"
            )
        return {"slots": band_slots(strategy.features, settings.band)}
    if settings.features:
        raise InvalidParameter(f"{strategy.name}: features cannot be hidden from a per_asset network")
    slots, rest = slots_of(strategy.features, settings.assets)
    given = {"slots": slots, "rest": rest, "activation": settings.activation}
    return {"features_extractor_class": PerAssetExtractor, "features_extractor_kwargs": given}


def visible(strategy: Strategy, names: Sequence[str]) -> NDArray[np.bool_]:
    """(k,) which slots of the observation have these names; raises UnknownName."""
    for name in names:
        if name not in strategy.features:
            raise UnknownName("feature", name, strategy.features)
    return np.array([name in names for name in strategy.features])


def blind(model: BaseAlgorithm, seen: NDArray[np.bool_]) -> None:
    """Hide slots of the observation from a model's networks, for good.

    The weights of hidden slots are zero in every first layer, and no gradient moves them. So the model stays an
    ordinary one: whatever loads, resumes or exports it needs no word of this.
    """
    for part in model.policy.modules():
        if isinstance(part, torch.nn.Sequential) and len(part) and isinstance(part[0], torch.nn.Linear):
            weight = part[0].weight
            mask = torch.ones_like(weight)
            mask[:, : len(seen)] = torch.from_numpy(seen).to(weight)
            with torch.no_grad():
                weight.mul_(mask)
            if weight.requires_grad:
                weight.register_hook(partial(torch.mul, mask))  # type: ignore[no-untyped-call]


def restore(model: BaseAlgorithm, content: Mapping[str, Any]) -> None:
    """Set weights and optimiser states; nothing in them is executed."""
    model.set_parameters(dict(content), exact_match=False, device="cpu")
