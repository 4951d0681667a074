"""The loop: play a rollout, judge it, improve; PPO (`losses`) for every group of agents."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fund.envs.team import Observations, Outcome, Team, seen_by, tell
from fund.errors import ModelError
from fund.training.multi_agent.group import Group, Rollout, below, flat, groups_of
from fund.training.multi_agent.losses import Batch, Losses, descend, losses_of, picked, prepared
from fund.training.multi_agent.returns import advantages
from fund.training.multi_agent.sequential import likelier, weighed
from fund.training.multi_agent.settings import Settings, at

LARGEST_SEED = 2**29  # selection and test seeds begin far above


class Learner:
    """A team, its groups of agents, and where the training stands."""

    def __init__(self, team: Team, settings: Settings, seed: int = 0) -> None:
        self.team, self.settings, self.seed = team, settings, seed
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.groups = groups_of(team, settings)
        self.generator = torch.Generator().manual_seed(seed)
        self.steps = self.updates = 0
        self.finished: list[tuple[float, int]] = []  # mean return over agents, length; of the last rollout
        self._begin(team.reset(seed))

    def _begin(self, observation: Observations) -> None:
        self.observation = observation
        self.begins, self._lived = torch.ones(self.team.n), self._alive()
        self.total = np.zeros((self.team.n, len(self.team.agents)))
        self.length = np.zeros(self.team.n, dtype=np.int64)
        for group in self.groups:
            group.forget()

    def restart(self) -> None:
        """New episodes everywhere, by a seed that follows from the training's seed and where it stands."""
        drawn = np.random.SeedSequence([self.seed, self.updates]).generate_state(1)[0]
        self._begin(self.team.reset(int(drawn) % LARGEST_SEED))

    @property
    def progress(self) -> float:
        """Share of the training that is done."""
        return self.steps / self.settings.steps

    def iterate(self) -> dict[str, float]:
        """One rollout and what is learned from it; numbers for the log, by tag."""
        rollouts, reward, ended = self.collect()
        numbers: dict[str, list[float]] = {}
        changed = torch.ones(ended.shape)
        for k in self._order():
            group, rollout = self.groups[k], rollouts[k]
            for key, number in self._improve(group, rollout, reward, ended, changed).items():
                numbers.setdefault(f"train/{key}", []).append(number)
            if self.settings.order == "sequential":
                changed = changed * likelier(group, rollout)
        self.updates += 1
        means = {key: float(np.mean(found)) for key, found in numbers.items()}
        if self.finished:
            returns, lengths = zip(*self.finished, strict=True)
            means |= {
                "rollout/ep_rew_mean": float(np.mean(returns)),
                "rollout/ep_len_mean": float(np.mean(lengths)),
            }
        return means

    # ---------------------------------------------------------------- play

    @torch.no_grad()
    def collect(self) -> tuple[list[Rollout], NDArray[np.float64], NDArray[np.bool_]]:
        """Play `rollout` steps: what each group saw and did, rewards (T, n, agents), ends of episodes (T, n)."""
        steps, n = self.settings.rollout, self.team.n
        rollouts = [Rollout.empty(group, steps) for group in self.groups]
        reward, ended = np.empty((steps, n, len(self.team.agents))), np.empty((steps, n), dtype=np.bool_)
        self.finished = []
        for t in range(steps):
            actions = self._act(rollouts, t)
            outcome = self.team.step(actions)
            reward[t], ended[t] = outcome.reward, outcome.terminated | outcome.truncated
            self._count(outcome, ended[t])
            self.observation = outcome.observation
            self.begins = torch.from_numpy(ended[t].astype(np.float32))
            if ended[t].any():
                if self.settings.bootstrap and outcome.truncated.any():
                    reward[t] += self.settings.gamma * self._values() * outcome.truncated[:, None]
                self.observation = self.team.renew(ended[t])
        self.steps += steps * n
        self._refuse_bad_numbers(rollouts, reward)
        if self.settings.team_reward:
            reward[:] = reward.mean(axis=2, keepdims=True)
        return rollouts, reward, ended

    def _act(self, rollouts: list[Rollout], t: int) -> dict[str, NDArray[np.generic]]:
        alive, state = self._alive(), self.team.state()
        self._lived = alive
        actions: dict[str, NDArray[np.generic]] = {}
        for group, rollout in zip(self.groups, rollouts, strict=True):
            living = alive[:, group.members]
            begins = self.begins[:, None].expand(-1, group.m)
            now = {agent: seen_by(self.team, agent, self.observation) for agent in group.agents}
            seen, judged = group.sees_of(now, living), group.judges_of(now, state, living)
            rollout.actor_memory[t], rollout.critic_memory[t] = group.actor_memory, group.critic_memory
            acted, memory = group.actor(flat(seen, group.actor_memory, begins))
            action = acted.sample(self.generator)
            predicted, group.critic_memory = group.value(judged, begins)
            group.actor_memory = memory.view(self.team.n, group.m, -1)
            rollout.seen[t], rollout.judged[t], rollout.alive[t] = seen, judged, living
            rollout.begins[t], rollout.predicted[t] = begins, predicted
            rollout.value[t] = group.norm.out_of(predicted)
            rollout.log_prob[t] = acted.log_prob(action).view(self.team.n, group.m)
            rollout.action[t] = action.view(rollout.action[t].shape)
            chosen = group.bounded(action.view(self.team.n, group.m, *action.shape[2:]).numpy())
            for k, agent in enumerate(group.agents):
                actions[agent] = chosen[:, k]
                tell(self.team, agent, actions[agent])
        return actions

    def _alive(self) -> Tensor:
        return torch.from_numpy(np.array(self.team.alive(), dtype=np.float32))

    @torch.no_grad()
    def _values(self) -> NDArray[np.float64]:
        # (n, agents) of what every copy stands at now; who was alive when a copy ended counts as living there
        values, state = np.empty((self.team.n, len(self.team.agents))), self.team.state()
        alive = self._alive()
        ended = alive.sum(dim=1) == 0
        alive[ended] = self._lived[ended]
        for group in self.groups:
            judged = group.judges_of(self.observation, state, alive[:, group.members])
            value, _ = group.value(judged, torch.zeros(self.team.n, group.m))
            values[:, group.members] = group.norm.out_of(value).numpy()
        return values

    def _count(self, outcome: Outcome, ended: NDArray[np.bool_]) -> None:
        self.total += outcome.reward
        self.length += 1
        for i in np.flatnonzero(ended).tolist():
            self.finished.append((float(self.total[i].mean()), int(self.length[i])))
        self.total[ended], self.length[ended] = 0.0, 0

    def _refuse_bad_numbers(self, rollouts: list[Rollout], reward: NDArray[np.float64]) -> None:
        where = f"in the {self.settings.rollout} steps up to step {self.steps}"
        for group, rollout in zip(self.groups, rollouts, strict=True):
            for what, numbers in (("observations", rollout.seen), ("states", rollout.judged)):
                if not torch.isfinite(numbers).all():
                    raise ModelError(f"{what} of {', '.join(group.agents)} are not finite {where}")
        for k in np.flatnonzero(~np.isfinite(reward).all(axis=(0, 1))).tolist():
            raise ModelError(f"rewards of {self.team.agents[k]} are not finite {where}")

    # ---------------------------------------------------------------- learn

    def _order(self) -> list[int]:
        # of the groups; sequential: drawn anew for each rollout
        if self.settings.order == "together":
            return list(range(len(self.groups)))
        return [int(k) for k in torch.randperm(len(self.groups), generator=self.generator)]

    def _improve(
        self,
        group: Group,
        rollout: Rollout,
        reward: NDArray[np.float64],
        ended: NDArray[np.bool_],
        changed: Tensor | None = None,
    ) -> dict[str, float]:
        settings, progress = group.settings, self.progress
        last = self._values()[:, group.members]
        value = rollout.value.double().numpy()
        worth = advantages(
            reward[:, :, group.members], value, last, ended, settings.gamma, settings.gae_lambda
        )
        whole = prepared(group, rollout, worth, settings)
        if settings.order == "sequential" and changed is not None:
            whole = weighed(whole, changed, group.m, settings.length)
        waits = bool(settings.start) and self.updates < settings.start_values
        for optimiser, rate in (
            (group.actor_optimiser, 0.0 if waits else settings.actor_rate),
            (group.critic_optimiser, settings.critic_rate),
        ):
            optimiser.param_groups[0]["lr"] = at(rate, progress)
        clip, weight = at(settings.clip, progress), at(settings.entropy, progress)
        found: list[list[float]] = []
        size = whole.action.shape[1]
        for _ in range(settings.epochs):
            order = torch.randperm(size, generator=self.generator)
            for part in order.chunk(settings.minibatches):
                batch = whole if settings.minibatches == 1 else picked(whole, part)
                found.append([*self.descend(group, batch, clip, weight)])
        keys = (*Losses._fields, "actor_gradient", "critic_gradient")
        return dict(zip(keys, np.mean(found, axis=0).tolist(), strict=True))

    def descend(self, group: Group, batch: Batch, clip: float, weight: float) -> tuple[float, ...]:
        """One step on a batch; losses and norms of gradients as plain numbers."""
        losses = losses_of(group, batch, group.settings, clip)
        return descend(group, losses, weight, group.settings.max_grad_norm)

    # ---------------------------------------------------------------- checkpoints

    def snapshot(self) -> tuple[dict[str, Tensor], dict[str, int]]:
        """All that going on exactly needs. A world that cannot say its state begins new episodes here."""
        state = self.team.get_state()
        if state is None:
            self.restart()
        named = {f"groups/{k}/{key}": t for k, g in enumerate(self.groups) for key, t in g.tensors().items()}
        named |= {"generator": self.generator.get_state(), "begins": self.begins}
        named |= {"total": torch.from_numpy(self.total), "length": torch.from_numpy(self.length)}
        for key, array in (state or {}).items():
            named[f"team/{key}"] = torch.from_numpy(np.ascontiguousarray(array))
        return named, {"steps": self.steps, "updates": self.updates, "seed": self.seed}

    def resume(self, named: Mapping[str, Tensor], where: Mapping[str, int]) -> None:
        """Go on from a snapshot; raises ModelError where it is of another team or other settings."""
        self.steps, self.updates, self.seed = where["steps"], where["updates"], where["seed"]
        try:
            for k, group in enumerate(self.groups):
                group.load(below(named, f"groups/{k}"))
        except (RuntimeError, KeyError, ValueError) as error:
            raise ModelError(f"the checkpoint is of another team or settings: {str(error)[:160]}") from None
        state = below(named, "team")
        if state:
            self.observation = self.team.set_state({key: t.numpy() for key, t in state.items()})
            self.begins = named["begins"]
            self.total, self.length = named["total"].numpy().copy(), named["length"].numpy().copy()
        else:
            self.restart()
        self.generator.set_state(named["generator"])
