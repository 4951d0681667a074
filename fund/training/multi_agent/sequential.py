"""Agents that learn from a rollout one after another, each knowing how those before it have changed (HAPPO).

    M_k = product over the agents j before k of  pi_j_new(a_j | o_j) / pi_j_old(a_j | o_j)
    policy loss of k = -mean M_k min(ratio A, clip(ratio, 1 - e, 1 + e) A)

The order is drawn anew for each rollout. What a team earns by a joint policy never falls where every step stays small
(theorem 2 there), if A is the team's: rewards that all share, or `team_reward`. Agents that share a network change
together, as one of those in the order.

Kuba, Chen, Wen, Wen, Sun, Wang & Yang (2022), "Trust region policy optimisation in multi-agent reinforcement learning",
ICLR, section 4.2.
"""

from __future__ import annotations

import torch
from torch import Tensor

from fund.training.multi_agent.group import Group, Rollout
from fund.training.multi_agent.losses import Batch, sequences
from fund.training.multi_agent.networks import Sequence


@torch.no_grad()
def likelier(group: Group, rollout: Rollout) -> Tensor:
    """(T, n) how much likelier the group's joint actions have become since the rollout; 1 where all are dead."""
    length = group.settings.length
    memory = sequences(rollout.actor_memory, length)[0]
    seen = Sequence(sequences(rollout.seen, length), memory, sequences(rollout.begins, length))
    acted, _ = group.actor(seen)
    now = acted.log_prob(sequences(rollout.action, length))
    steps, n, m = rollout.log_prob.shape
    ratio = together(now, steps, n, m) - rollout.log_prob
    return (ratio * rollout.alive).sum(dim=2).exp()


def weighed(batch: Batch, changed: Tensor, members: int, length: int) -> Batch:
    """A batch whose advantages count by `changed` (T, n): the M of the module's head."""
    weight = sequences(changed.unsqueeze(-1).expand(-1, -1, members), length)
    return batch._replace(advantage=batch.advantage * weight)


def together(x: Tensor, steps: int, n: int, m: int) -> Tensor:
    """Sequences (L, B) of `losses.sequences` as they were: (T, n, m)."""
    length = len(x)
    return x.reshape(length, steps // length, n * m).transpose(0, 1).reshape(steps, n, m)
