"""CleanRL's style: independent PPO for agents that share weights, everything in one file, read from top to bottom.

    python tests/examples/cleanrl_ippo.py --total-steps 50000

Arguments are a dataclass; then comes what happens. Nothing of `fund` is used: any PettingZoo parallel environment of
discrete actions whose agents live as long as the episode does.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from mpe2 import simple_spread_v3
from torch import nn


@dataclass
class Args:
    """What can be set on the command line."""

    seed: int = 1
    total_steps: int = 50_000  # of the world, all copies together
    num_envs: int = 8
    num_steps: int = 50
    learning_rate: float = 1e-3
    gamma: float = 0.95
    gae_lambda: float = 0.95
    minibatches: int = 4
    update_epochs: int = 5
    clip_coef: float = 0.2
    ent_coef: float = 0.01
    vf_coef: float = 0.5
    max_grad_norm: float = 0.5


class Agent(nn.Module):
    """Actor and critic of one agent; all agents share it."""

    def __init__(self, sees: int, acts: int) -> None:
        super().__init__()
        self.critic = nn.Sequential(
            nn.Linear(sees, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 1)
        )
        self.actor = nn.Sequential(
            nn.Linear(sees, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, acts)
        )

    def act(self, x: torch.Tensor, action: torch.Tensor | None = None) -> tuple[torch.Tensor, ...]:
        """Action, its log probability, entropy, value."""
        chosen = torch.distributions.Categorical(logits=self.actor(x))
        action = chosen.sample() if action is None else action
        return action, chosen.log_prob(action), chosen.entropy(), self.critic(x).squeeze(-1)


def main(  # noqa: C901, PLR0915 - the point of the style is that all of it stands in one place
    args: Args, make: Callable[[], Any]
) -> tuple[Agent, list[float]]:
    """Train; the agent, and the mean return of an agent over the episodes of each update."""
    torch.manual_seed(args.seed)
    envs = [make() for _ in range(args.num_envs)]
    names = envs[0].possible_agents
    m, sees = len(names), int(np.prod(envs[0].observation_space(names[0]).shape))
    agent = Agent(sees, int(envs[0].action_space(names[0]).n))
    optimizer = torch.optim.Adam(agent.parameters(), lr=args.learning_rate, eps=1e-5)

    def rows(seen: list[dict[str, Any]]) -> torch.Tensor:
        return torch.tensor(np.array([[np.ravel(s[a]) for a in names] for s in seen]), dtype=torch.float32)

    now = [env.reset(seed=args.seed * 10_000 + i)[0] for i, env in enumerate(envs)]
    shape = (args.num_steps, args.num_envs, m)
    obs, actions, logprobs = torch.zeros(*shape, sees), torch.zeros(shape), torch.zeros(shape)
    rewards, dones, values = torch.zeros(shape), torch.zeros(shape), torch.zeros(shape)
    running, history = np.zeros(args.num_envs), []

    for _ in range(args.total_steps // (args.num_steps * args.num_envs)):
        finished: list[float] = []
        for t in range(args.num_steps):
            obs[t] = rows(now)
            with torch.no_grad():
                actions[t], logprobs[t], _, values[t] = agent.act(obs[t])
            for i, env in enumerate(envs):
                chosen = {a: int(actions[t, i, k]) for k, a in enumerate(names)}
                now[i], reward, _, _, _ = env.step(chosen)
                rewards[t, i] = torch.tensor([float(reward[a]) for a in names])
                running[i] += float(rewards[t, i].mean())
                over = not env.agents
                dones[t, i] = float(over)
                if over:
                    finished.append(running[i])
                    now[i], running[i] = env.reset()[0], 0.0

        with torch.no_grad():
            ahead, after = torch.zeros(shape[1:]), agent.act(rows(now))[3]
            advantages = torch.zeros(shape)
            for t in reversed(range(args.num_steps)):
                goes_on = args.gamma * (1.0 - dones[t])
                delta = rewards[t] + goes_on * after - values[t]
                advantages[t] = ahead = delta + goes_on * args.gae_lambda * ahead
                after = values[t]

        flat = [
            x.reshape(-1, *x.shape[3:]) for x in (obs, actions, logprobs, advantages, advantages + values)
        ]
        for _ in range(args.update_epochs):
            for part in torch.randperm(len(flat[0])).chunk(args.minibatches):
                b_obs, b_actions, b_logprobs, b_advantages, b_returns = (x[part] for x in flat)
                _, logprob, entropy, value = agent.act(b_obs, b_actions)
                ratio = (logprob - b_logprobs).exp()
                advantage = (b_advantages - b_advantages.mean()) / (b_advantages.std() + 1e-8)
                clipped = ratio.clamp(1.0 - args.clip_coef, 1.0 + args.clip_coef)
                pg_loss = -torch.minimum(ratio * advantage, clipped * advantage).mean()
                v_loss = 0.5 * (value - b_returns).square().mean()
                loss = pg_loss - args.ent_coef * entropy.mean() + args.vf_coef * v_loss
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(agent.parameters(), args.max_grad_norm)
                optimizer.step()
        if finished:
            history.append(float(np.mean(finished)))
    for env in envs:
        env.close()
    return agent, history


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    for field in dataclasses.fields(Args):
        kind = {"int": int, "float": float}[str(field.type)]
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=kind, default=field.default)
    begin = time.time()
    _, returns = main(Args(**vars(parser.parse_args())), lambda: simple_spread_v3.parallel_env(max_cycles=25))
    print(f"first {np.mean(returns[:5]):.2f}  last {np.mean(returns[-5:]):.2f}  {time.time() - begin:.0f} s")
