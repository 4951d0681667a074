"""Start a team from a rule: its actors learn what the rule would do, before anything else is learned.

Rule and agents share the copies of the world between them. In rollout k of K the rule leads all copies of the first
half of the rollouts, and a falling share of them in the second, down to none; in the others the agents act, drawing
their actions. In every state so met the rule is asked what it would do (Ross, Gordon & Bagnell, 2011, "DAgger"), and
the actors descend

    choices    -w ((1 - e) ln p(rule's choice) + e mean ln p(any choice)): e, the settings' `start_smooth`, keeps all
               choices alive to learn on; w, one over the root of how often the rule makes that choice, lets rare ones
               be learned
    numbers    |mean - rule's numbers|^2; the spread stays what the settings say

What agents see is their own: where a rule knows more than they do, they learn the best guess at it. Afterwards PPO's
first `start_values` rollouts teach the critic alone what following the rule is worth.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fund.envs.team import seen_by, tell
from fund.errors import InvalidParameter
from fund.training.multi_agent.group import Group, flat
from fund.training.multi_agent.learner import Learner
from fund.training.multi_agent.networks import Categorical, Gaussian, Sequence

RATE = 2e-3  # of Adam; falls linearly to a twentieth
BATCH = 512
PASSES = 3  # over each rollout

Teacher = Callable[[Any], Mapping[str, NDArray[Any]]]
"""A team in: what each of its agents would do now, {agent: (n,) choices or (n, a) numbers}."""


def imitate(learner: Learner, teacher: Teacher) -> float:
    """Teach a fresh learner's actors; the loss of the last rollout. Raises InvalidParameter where they remember."""
    settings = learner.settings
    if settings.recurrent:
        raise InvalidParameter(
            "start: networks with a memory cannot start from a rule; set recurrent to false"
        )
    optimisers = [torch.optim.Adam(group.actor.torso.parameters(), lr=RATE) for group in learner.groups]
    for optimiser, group in zip(optimisers, learner.groups, strict=True):
        optimiser.add_param_group({"params": group.actor.head.parameters()})
    loss, rollouts = 0.0, settings.start_rollouts
    for k in range(rollouts):
        done = k / rollouts
        lessons = lessons_of(learner, teacher, min(2.0 - 2.0 * done, 1.0))
        found = []
        for group, optimiser, lesson in zip(learner.groups, optimisers, lessons, strict=True):
            for part in optimiser.param_groups:
                part["lr"] = RATE * (1.0 - 0.95 * done)
            found.append(study(group, optimiser, *lesson, learner.generator, settings.start_smooth))
        loss = float(np.mean(found))
    learner.restart()
    return loss


@torch.no_grad()
def lessons_of(learner: Learner, teacher: Teacher, share: float) -> list[tuple[Tensor, Tensor]]:
    """One rollout in which the rule leads a share of the copies: what groups saw, (rows, k), and the rule's actions.

    Rows are time, copies and members of the group.
    """
    team, seen, wanted = learner.team, [[] for _ in learner.groups], [[] for _ in learner.groups]  # type: ignore[var-annotated]
    led = np.arange(team.n) < share * team.n
    for _ in range(learner.settings.rollout):
        told = teacher(team)
        alive = torch.from_numpy(np.array(team.alive(), dtype=np.float32))
        actions: dict[str, NDArray[Any]] = {}
        for k, group in enumerate(learner.groups):
            now = {agent: seen_by(team, agent, learner.observation) for agent in group.agents}
            saw = group.sees_of(now, alive[:, group.members])
            own = _drawn(group, saw, learner.generator)
            for j, agent in enumerate(group.agents):
                rule = np.asarray(told[agent])
                rows = led.reshape((-1,) + (1,) * (rule.ndim - 1))
                actions[agent] = np.where(rows, rule, own[:, j])
                tell(team, agent, actions[agent])
            seen[k].append(saw.flatten(0, 1))
            rules = np.stack([told[agent] for agent in group.agents], axis=1)
            wanted[k].append(torch.from_numpy(rules.astype(np.float32)).flatten(0, 1))
        outcome = team.step(actions)
        ended = outcome.terminated | outcome.truncated
        learner.observation = team.renew(ended) if ended.any() else outcome.observation
    return [(torch.cat(saw), torch.cat(rule)) for saw, rule in zip(seen, wanted, strict=True)]


def _drawn(group: Group, saw: Tensor, generator: torch.Generator) -> NDArray[Any]:
    n, m = saw.shape[:2]
    acted, _ = group.actor(flat(saw, torch.zeros(n, m, 0), torch.zeros(n, m)))
    action = acted.sample(generator)
    return group.bounded(action.view(n, m, *action.shape[2:]).numpy())


def study(
    group: Group,
    optimiser: torch.optim.Adam,
    saw: Tensor,
    wanted: Tensor,
    generator: torch.Generator,
    smooth: float,
) -> float:
    """Descend on one rollout's lessons; the mean loss."""
    found, weight = [], rarity(wanted) if group.discrete else torch.ones(len(wanted))
    for _ in range(PASSES):
        for part in torch.randperm(len(saw), generator=generator).chunk(-(-len(saw) // BATCH)):
            acted, _ = group.actor(_rows(saw[part]))
            loss = (weight[part] * miss(acted, wanted[part].unsqueeze(0), smooth)).mean()
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            found.append(float(loss.detach()))
    return float(np.mean(found))


def _rows(saw: Tensor) -> Sequence:
    return Sequence(saw.unsqueeze(0), torch.zeros(len(saw), 0), torch.zeros(1, len(saw)))


def miss(acted: Categorical | Gaussian, wanted: Tensor, smooth: float) -> Tensor:
    """How far a distribution is from the rule's actions (1, rows) or (1, rows, a), row by row."""
    if isinstance(acted, Categorical):
        return -(1.0 - smooth) * acted.log_prob(wanted) - smooth * acted.log_p.mean(dim=-1)
    return ((acted.mean - wanted) ** 2).mean(dim=-1)


def rarity(choices: Tensor) -> Tensor:
    """(rows,) one over the root of how often each row's choice is made, of mean 1."""
    often = torch.bincount(choices.long()).float()[choices.long()]
    weight = often.rsqrt()
    return weight / weight.mean()
