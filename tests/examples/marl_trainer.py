"""A trainer of one's own on PettingZoo's AEC form: one torch network an agent, REINFORCE with a running baseline.

    python tests/examples/marl_trainer.py --episodes 20

The loop of the GrandModel's guide, with a loss that teaches: of an action that was followed by more than usual the
probability rises (Williams, 1992). `env.last()` gives an agent what it was paid since it last spoke, so that a reward
belongs to the action before. Any environment of discrete actions will do; nothing but torch is used.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn


class Policy(nn.Module):
    """From an observation, flattened, to log odds of the choices."""

    def __init__(self, env: Any, agent: str, width: int = 32) -> None:
        super().__init__()
        sees = int(np.prod(env.observation_space(agent).shape))
        self.layers = nn.Sequential(
            nn.Linear(sees, width), nn.Tanh(), nn.Linear(width, int(env.action_space(agent).n))
        )

    def forward(self, observation: torch.Tensor) -> torch.Tensor:
        """(count,)."""
        return self.layers(observation.flatten())


class MARLTrainer:
    """Trains a mapping of agents to networks on one environment."""

    def __init__(self, env: Any, agents: Mapping[str, nn.Module], config: Mapping[str, float]) -> None:
        self.env, self.agents = env, agents
        self.gamma = config.get("gamma", 0.95)
        self.optimizers = {
            name: torch.optim.Adam(agent.parameters(), lr=config["learning_rate"])
            for name, agent in agents.items()
        }
        self.generator = torch.Generator().manual_seed(int(config.get("seed", 0)))
        self.episodes = 0
        self.usual: dict[str, float] = defaultdict(float)  # return of an action, a running mean

    def play(self, seed: int) -> tuple[dict[str, list[torch.Tensor]], dict[str, list[float]]]:
        """One episode: log probabilities of what was done, and what each action was paid, by agent."""
        log_probs, rewards = defaultdict(list), defaultdict(list)
        self.env.reset(seed=seed)
        for name in self.env.agent_iter():
            observation, reward, terminated, truncated, _ = self.env.last()
            if log_probs[name]:
                rewards[name].append(float(reward))
            if terminated or truncated:
                self.env.step(None)
                continue
            log_p = torch.log_softmax(
                self.agents[name](torch.as_tensor(observation, dtype=torch.float32)), -1
            )
            action = int(torch.multinomial(log_p.detach().exp(), 1, generator=self.generator))
            log_probs[name].append(log_p[action])
            self.env.step(action)
        return log_probs, rewards

    def train_episode(self) -> tuple[dict[str, float], dict[str, float]]:
        """Play one episode and learn from it; rewards and losses by agent."""
        log_probs, rewards = self.play(self.episodes)
        self.episodes += 1
        losses = {}
        for name, chosen in log_probs.items():
            returns, ahead = [], 0.0
            for reward in reversed(rewards[name]):
                ahead = reward + self.gamma * ahead
                returns.append(ahead)
            worth = torch.tensor(returns[::-1]) - self.usual[name]
            self.usual[name] += 0.1 * float(worth.mean())
            loss = -(torch.stack(chosen) * worth / (worth.std(correction=0) + 1e-6)).mean()
            self.optimizers[name].zero_grad()
            loss.backward()
            self.optimizers[name].step()
            losses[name] = float(loss.detach())
        return {name: sum(paid) for name, paid in rewards.items()}, losses

    def train(self, num_episodes: int) -> list[float]:
        """Mean return of an agent, one an episode."""
        return [float(np.mean(list(self.train_episode()[0].values()))) for _ in range(num_episodes)]


def trainer_for(env: Any, config: Mapping[str, float]) -> MARLTrainer:
    """With a fresh network for every agent of an environment."""
    torch.manual_seed(int(config.get("seed", 0)))
    return MARLTrainer(env, {name: Policy(env, name) for name in env.possible_agents}, config)


if __name__ == "__main__":
    from fund.envs.tactical import TacticalMarketEnv

    parser = argparse.ArgumentParser()
    parser.add_argument("--episodes", type=int, default=20)
    options = parser.parse_args()
    trainer = trainer_for(TacticalMarketEnv(max_cycles=100), {"learning_rate": 3e-3})
    for episode, total in enumerate(trainer.train(options.episodes)):
        print(f"episode {episode}  mean return of an agent {total:.5f}")
