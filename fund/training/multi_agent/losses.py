"""What a rollout teaches: its sequences, the losses of PPO, one step of descent.

    ratio = exp(log pi(a) - log pi_old(a))
    policy loss = -mean min(ratio A, clip(ratio, 1 - e, 1 + e) A)           (Schulman et al., 2017, eq. 7)
    value loss  = mean max(h(V - R), h(V_old + clip(V - V_old, -e, e) - R))  (Yu et al., 2022, with Huber's h)

A dead agent's steps are no part of the policy's loss; its value is learned from zeros and its label, so that what the
team still earns counts for it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from fund.errors import ModelError
from fund.training.multi_agent.group import Group, Rollout
from fund.training.multi_agent.networks import Sequence
from fund.training.multi_agent.settings import Settings


class Batch(NamedTuple):
    """What one gradient step learns from: sequences (L, B, ...)."""

    seen: Sequence
    judged: Sequence
    action: Tensor
    log_prob: Tensor
    predicted: Tensor
    alive: Tensor
    advantage: Tensor
    target: Tensor  # returns in the critic's units


class Losses(NamedTuple):
    """Of one batch; the first three are what is minimised or, the entropy, made large."""

    policy: Tensor
    value: Tensor
    entropy: Tensor
    divergence: Tensor  # estimate of KL(old, new) (Schulman, 2020)
    clipped: Tensor  # share of ratios outside the clip range


def prepared(group: Group, rollout: Rollout, worth: NDArray[np.float64], settings: Settings) -> Batch:
    """A rollout as sequences to learn from, with advantages (T, n, m) and targets; the normaliser counts them in."""
    advantage = torch.from_numpy(worth).to(rollout.value.dtype)
    returns = advantage + rollout.value
    target = returns
    if settings.value_norm:
        group.norm.update(returns)
        target = group.norm.into(returns)
    if settings.normalize_advantage:
        living = advantage[rollout.alive > 0]
        if len(living) > 1:
            advantage = (advantage - living.mean()) / (living.std() + 1e-8)
    length = settings.length

    def cut(x: Tensor) -> Tensor:
        return sequences(x, length)

    begins = cut(rollout.begins)
    seen = Sequence(cut(rollout.seen), cut(rollout.actor_memory)[0], begins)
    judged = Sequence(cut(rollout.judged), cut(rollout.critic_memory)[0], begins)
    rest = (rollout.action, rollout.log_prob, rollout.predicted, rollout.alive, advantage, target)
    return Batch(seen, judged, *(cut(x) for x in rest))


def sequences(x: Tensor, length: int) -> Tensor:
    """(T, n, m, ...) as sequences (L, B, ...) of L steps each."""
    parts, rows, more = x.shape[0] // length, x.shape[1] * x.shape[2], x.shape[3:]
    return x.reshape(parts, length, rows, *more).transpose(0, 1).reshape(length, parts * rows, *more)


def picked(batch: Batch, which: Tensor) -> Batch:
    """Some of the sequences."""

    def part(of: Sequence) -> Sequence:
        return Sequence(of.x.index_select(1, which), of.memory[which], of.begins.index_select(1, which))

    return Batch(part(batch.seen), part(batch.judged), *(x.index_select(1, which) for x in batch[2:]))


def losses_of(group: Group, batch: Batch, settings: Settings, clip: float) -> Losses:
    """The losses of the module's head, over the living; the value's over all."""
    acted, _ = group.actor(batch.seen)
    log_ratio = acted.log_prob(batch.action) - batch.log_prob
    ratio = log_ratio.exp()
    surrogate = torch.minimum(ratio * batch.advantage, ratio.clamp(1.0 - clip, 1.0 + clip) * batch.advantage)
    living = batch.alive.sum().clamp(min=1.0)

    def mean(x: Tensor) -> Tensor:
        return (x * batch.alive).sum() / living

    with torch.no_grad():
        divergence = mean(ratio - 1.0 - log_ratio)
        clipped = mean(((ratio - 1.0).abs() > clip).float())
    value, _ = group.critic(batch.judged)
    return Losses(-mean(surrogate), value_loss(value, batch, settings, clip), mean(acted.entropy()), divergence,
                  clipped)  # fmt: skip


def value_loss(value: Tensor, batch: Batch, settings: Settings, clip: float) -> Tensor:
    """Mean squared or Huber loss of values (L, B), the larger of that and of the value held near the old one."""

    def loss(of: Tensor) -> Tensor:
        if settings.huber is None:
            return (of - batch.target) ** 2
        return functional.huber_loss(of, batch.target, reduction="none", delta=settings.huber)

    if not settings.clip_value:
        return loss(value).mean()
    near = batch.predicted + (value - batch.predicted).clamp(-clip, clip)
    return torch.maximum(loss(value), loss(near)).mean()


def descend(group: Group, losses: Losses, entropy_weight: float, max_norm: float) -> tuple[float, ...]:
    """One step of both optimisers; the losses and the norms of both gradients as plain numbers."""
    norms = []
    for optimiser, network, loss in (
        (group.actor_optimiser, group.actor, losses.policy - entropy_weight * losses.entropy),
        (group.critic_optimiser, group.critic, losses.value),
    ):
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch gives it no types
        norm = torch.nn.utils.clip_grad_norm_(network.parameters(), max_norm)
        if not torch.isfinite(norm):
            raise ModelError(f"{group.name}: a gradient is not finite; the last checkpoint stays")
        optimiser.step()
        norms.append(float(norm))
    return (*(float(loss.detach()) for loss in losses), *norms)
