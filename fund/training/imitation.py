"""Start an agent from a rule: its networks learn what the rule does and what that is worth, before they learn on.

The rule plays the training world with noise on its actions and is asked, in every state that the noise leads to, what
it would do (Laskey, Lee, Fox, Dragan & Goldberg, 2017, "DART", CoRL). Then

    PPO    the mean of the policy is regressed on the rule's actions, the value function on what they led to
    DDPG   so is the actor; the replay buffer holds what was played, and the critic is trained for an actor that stands
           still
    DQN    Q is trained for one that follows the rule after the present action, with a large margin for the rule's own
           choice: max_a (Q(s, a) + m [a != rule]) - Q(s, rule) is added to the loss (Hester et al., 2018, "Deep
           Q-learning from demonstrations", AAAI, eq. 3)

All values are those of following the rule: r + gamma V(s'), V of a target that follows slowly. So the first policy is
the rule, and the first step of learning is a step of policy iteration from there. "best" is the rule that does best on
the selection episodes; an optimum, where one is known, is no rule to start from.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3 import DDPG, DQN, PPO
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.utils import polyak_update
from torch.nn.functional import mse_loss, smooth_l1_loss

from fund.envs.play import play
from fund.envs.vec import FundVecEnv
from fund.errors import InvalidParameter, UnknownName
from fund.market.streams import Paths
from fund.strategy import Box, Policy, Strategy
from fund.training.band_policy import BandPolicy
from fund.training.evaluate import SELECTION_SEEDS
from fund.training.learners import Settings
from fund.training.selection import score

BEST, OPTIMUM = "best", "optimum"
BATCH = 1024
RATE = 1e-3  # at the start; falls linearly
ROUNDS = 30.0  # time constants in which a target follows, in all updates
REACH = 0.97  # of a tanh that a rule at the edge of its actions is taken for: beyond it no gradient is left
MARGIN = (
    0.1  # of the standard deviation of a step's reward, by which the rule's choice is put above the others
)

Loss = Callable[[NDArray[np.intp]], torch.Tensor]


@dataclass(frozen=True)
class Demonstration:
    """What the rule did, (rows, paths, ...): time first."""

    observations: torch.Tensor  # (rows, paths, k)
    following: (
        torch.Tensor
    )  # (rows, paths, k) the observations after the step, also after the last of an episode
    wanted: torch.Tensor  # (rows, paths, a), or (rows, paths) whole numbers: what the rule would do
    taken: torch.Tensor  # the same with noise: what was done
    rewards: torch.Tensor  # (rows, paths)
    goes_on: torch.Tensor  # (rows, paths) zero where no value lies beyond the step
    ended: torch.Tensor  # (rows, paths) one where the episode ended, whatever the reason

    def flat(self, name: str) -> torch.Tensor:
        """A field with rows and paths as one."""
        found: torch.Tensor = getattr(self, name)
        return found.flatten(0, 1)


def rule_of(strategy: Strategy, name: str, episodes: int) -> str:
    """The rule to start from: `name`, or of all rules the one that does best on so many selection episodes.

    Raises UnknownName; InvalidParameter where the world does not know the rule.
    """
    if name != BEST:
        if name not in strategy.rules:
            raise UnknownName("rule", name, [*strategy.rules, BEST])
        strategy.rules[name](strategy)
        return name
    return best_rule(strategy, Paths.of(SELECTION_SEEDS, episodes))


def best_rule(strategy: Strategy, paths: Paths) -> str:
    """The rule that does best on some paths; an optimum is none."""
    found = {}
    for rule, make in strategy.rules.items():
        if rule == OPTIMUM:
            continue
        try:
            policy = make(strategy)
        except InvalidParameter:
            continue  # a rule for another world
        found[rule] = score(strategy, play(strategy, policy, paths))
    return max(found, key=lambda rule: found[rule])


def start(model: BaseAlgorithm, env: FundVecEnv, rule: Policy, settings: Settings) -> None:
    """Teach a fresh model a rule; `env` is the environment at the core of the model's own."""
    seen = demonstrate(model, env, rule, settings)
    if isinstance(model, DQN):
        _start_dqn(model, seen, settings)
    elif isinstance(model, DDPG):
        _start_ddpg(model, seen, settings)
    elif isinstance(model, PPO):
        _start_ppo(model, seen, settings)
    if isinstance(model, OffPolicyAlgorithm):
        model.learning_starts = 0  # the buffer is filled


def demonstrate(model: BaseAlgorithm, env: FundVecEnv, policy: Policy, settings: Settings) -> Demonstration:
    """Play the rule with noise in the model's environment, into the model's replay buffer where it has one."""
    outer, space = model.env, env.strategy.actions
    assert outer is not None
    rows = max(settings.start_steps // settings.n_envs, 2)
    lines: list[tuple[NDArray[np.generic], ...]] = []
    model._last_obs = np.array(outer.reset())
    model._last_original_obs = model._last_obs
    for _ in range(rows):
        before = np.array(model._last_obs)
        wanted = np.asarray(policy(env.batch.view()))
        taken = _disturbed(wanted, env.strategy, settings.start_noise)
        after, rewards, dones, infos = outer.step(taken)
        following = np.array(after)
        for i in np.flatnonzero(dones):
            following[i] = infos[i]["terminal_observation"]
        by_clock = np.array([info.get("TimeLimit.truncated", False) for info in infos])
        if isinstance(model, OffPolicyAlgorithm):
            assert model.replay_buffer is not None
            stored = model.policy.scale_action(taken) if isinstance(space, Box) else taken
            model._store_transition(model.replay_buffer, stored, np.array(after), rewards, dones, infos)
        else:
            model._last_obs = np.array(after)
        lines.append((before, following, wanted, taken, rewards, ~dones | by_clock, dones))
    action = np.float32 if isinstance(space, Box) else np.int64
    kinds = (np.float32, np.float32, action, action, np.float32, np.float32, np.float32)
    fields = (np.array(one, dtype=kind) for one, kind in zip(zip(*lines, strict=True), kinds, strict=True))
    return Demonstration(*map(torch.from_numpy, fields))


def _disturbed(wanted: NDArray[Any], strategy: Strategy, noise: float) -> NDArray[Any]:
    # drawn where SB3 draws its exploration
    space = strategy.actions
    if isinstance(space, Box):
        spread = 0.5 * (space.high - space.low) * noise
        return np.clip(wanted + np.random.normal(0.0, spread, wanted.shape), space.low, space.high)  # noqa: NPY002
    free = np.random.random(len(wanted)) < noise  # noqa: NPY002
    return np.where(free, np.random.randint(space.count, size=len(wanted)), wanted)  # noqa: NPY002


def descend(parameters: Iterable[torch.nn.Parameter], samples: int, updates: int, loss: Loss) -> None:
    """Minimise a loss of drawn samples by Adam with a falling rate."""
    optimizer = torch.optim.Adam(list(parameters), lr=RATE)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.05, updates)
    for _ in range(updates):
        found = loss(np.random.randint(samples, size=BATCH))  # noqa: NPY002 - the generator that SB3 draws from
        optimizer.zero_grad()
        found.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()


def _pace(settings: Settings) -> float:
    # by which a target moves to what it follows, an update
    return min(1.0, ROUNDS / settings.start_updates)


def _start_ppo(model: PPO, seen: Demonstration, settings: Settings) -> None:
    policy = model.policy
    worth_net = torch.nn.Sequential(policy.mlp_extractor.value_net, policy.value_net)
    target = copy.deepcopy(worth_net)
    observations, following, wanted = seen.flat("observations"), seen.flat("following"), seen.flat("wanted")
    rewards, kept = seen.flat("rewards")[:, None], model.gamma * seen.flat("goes_on")[:, None]

    def mean(chosen: NDArray[np.intp]) -> torch.Tensor:
        latent = policy.mlp_extractor.forward_actor(observations[chosen])
        return mse_loss(policy.action_net(latent), wanted[chosen])

    def worth(chosen: NDArray[np.intp]) -> torch.Tensor:
        polyak_update(worth_net.parameters(), target.parameters(), _pace(settings))
        with torch.no_grad():
            aim = rewards[chosen] + kept[chosen] * target(following[chosen])
        return mse_loss(worth_net(observations[chosen]), aim)

    actor = [*policy.mlp_extractor.policy_net.parameters(), *policy.action_net.parameters()]
    descend(actor, len(observations), settings.start_updates, mean)
    descend(worth_net.parameters(), len(observations), settings.start_updates, worth)


def _start_ddpg(model: DDPG, seen: Demonstration, settings: Settings) -> None:
    observations = seen.flat("observations")
    wanted = torch.from_numpy(model.policy.scale_action(seen.flat("wanted").numpy())).clamp(-REACH, REACH)

    def imitation(chosen: NDArray[np.intp]) -> torch.Tensor:
        if isinstance(model.policy, BandPolicy):  # of what is held: a multiple of next to nothing says little
            seen = observations[chosen]
            done = model.policy.effect(seen, model.actor(seen))
            return mse_loss(done, model.policy.effect(seen, wanted[chosen]))
        return mse_loss(model.actor(observations[chosen]), wanted[chosen])

    def worth(_: NDArray[np.intp]) -> torch.Tensor:
        polyak_update(model.critic.parameters(), model.critic_target.parameters(), _pace(settings))
        assert model.replay_buffer is not None
        drawn = model.replay_buffer.sample(BATCH, env=model._vec_normalize_env)
        with torch.no_grad():
            next_actions = model.actor_target(drawn.next_observations)
            values = torch.cat(model.critic_target(drawn.next_observations, next_actions), dim=1)
            aim = drawn.rewards + model.gamma * (1.0 - drawn.dones) * values.min(dim=1, keepdim=True).values
        found = [mse_loss(q, aim) for q in model.critic(drawn.observations, drawn.actions)]
        return torch.stack(found).sum()

    descend(model.actor.parameters(), len(observations), settings.start_updates, imitation)
    model.actor_target.load_state_dict(model.actor.state_dict())
    descend(model.critic.parameters(), len(observations), settings.start_updates, worth)
    model.critic_target.load_state_dict(model.critic.state_dict())


def _start_dqn(model: DQN, seen: Demonstration, settings: Settings) -> None:
    # the last row has no next choice of the rule
    fields = {
        name: getattr(seen, name)[:-1].flatten(0, 1)
        for name in ("observations", "following", "wanted", "taken")
    }
    next_wanted = seen.wanted[1:].flatten()[:, None]
    rewards, ended = seen.rewards[:-1].flatten()[:, None], seen.ended[:-1].flatten()[:, None]
    kept = model.gamma * seen.goes_on[:-1].flatten()[:, None]
    margin = MARGIN * float(rewards.std())

    def loss(chosen: NDArray[np.intp]) -> torch.Tensor:
        polyak_update(model.q_net.parameters(), model.q_net_target.parameters(), _pace(settings))
        rule = fields["wanted"][chosen][:, None]
        with torch.no_grad():
            later = model.q_net_target(fields["following"][chosen])
            # after an episode's end by the clock the rule was not asked
            held = torch.where(
                ended[chosen] > 0.0,
                later.max(dim=1, keepdim=True).values,
                later.gather(1, next_wanted[chosen]),
            )
            aim = rewards[chosen] + kept[chosen] * held
        values = model.q_net(fields["observations"][chosen])
        raised = (values + margin).scatter(1, rule, values.gather(1, rule))
        above = raised.max(dim=1, keepdim=True).values - values.gather(1, rule)
        return smooth_l1_loss(values.gather(1, fields["taken"][chosen][:, None]), aim) + above.mean()

    descend(model.q_net.parameters(), len(rewards), settings.start_updates, loss)
    model.q_net_target.load_state_dict(model.q_net.state_dict())
