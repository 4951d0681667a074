"""A network and a training loop of one's own on a team: each landmark attended to, REINFORCE in forty lines.

    python tests/examples/custom_torch_policy.py

`fund.envs.team.Team` is all that a loop needs: `reset`, `step`, `renew`, `alive`. The network is any torch module from
what an agent sees (n, k) to its actions; as `act(agent, seen)` it can be played by
`fund.training.multi_agent.acting.play_team` beside the trainer's own agents, and replace them in a stage.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from simple_spread import SimpleSpread
from torch import nn

from fund.envs.team import Team


class Attention(nn.Module):
    """Looks at three landmarks and two colleagues with one pair of eyes, and weighs them by what it sees itself."""

    def __init__(self, width: int = 32, actions: int = 5) -> None:
        super().__init__()
        self.own, self.thing = nn.Linear(4, width), nn.Linear(3, width)
        self.head = nn.Sequential(nn.Linear(2 * width, width), nn.Tanh(), nn.Linear(width, actions))

    def forward(self, seen: torch.Tensor) -> torch.Tensor:
        """Logits (n, actions) of what an agent of simple_spread sees (n, 18)."""
        own = torch.tanh(self.own(seen[:, :4]))
        things = seen[:, 4:14].view(-1, 5, 2)
        kind = torch.tensor([0.0, 0.0, 0.0, 1.0, 1.0]).view(1, 5, 1).expand(len(seen), 5, 1)
        keys = torch.tanh(self.thing(torch.cat([things, kind], dim=-1)))
        weight = torch.softmax((keys * own.unsqueeze(1)).sum(-1), dim=-1)
        return self.head(torch.cat([own, (weight.unsqueeze(-1) * keys).sum(1)], dim=-1))


class AttentivePolicy:
    """The network as a policy that `play_team` plays."""

    def __init__(self, network: nn.Module) -> None:
        self.network = network

    def begin(self, n: int) -> None:
        """Nothing is remembered."""

    @torch.no_grad()
    def act(self, agent: str, seen: NDArray[np.float32]) -> NDArray[Any]:
        """The likeliest action (n,)."""
        return self.network(torch.from_numpy(seen)).argmax(-1).numpy()


def train(
    team: Team, network: nn.Module, episodes: int, rate: float = 3e-3, gamma: float = 0.9, seed: int = 0
) -> list[float]:
    """REINFORCE (Williams, 1992) with the mean of the copies as baseline; mean returns an agent, one a round."""
    optimiser, generator = (
        torch.optim.Adam(network.parameters(), lr=rate),
        torch.Generator().manual_seed(seed),
    )
    seen, history = team.reset(seed), []
    for _ in range(episodes):
        log_probs, rewards, over = [], [], np.zeros(team.n, dtype=bool)
        while not over.all():
            actions, chosen = {}, []
            for agent in team.agents:
                log_p = torch.log_softmax(network(torch.from_numpy(seen[agent].copy())), -1)
                action = torch.multinomial(log_p.detach().exp(), 1, generator=generator)
                chosen.append(log_p.gather(1, action)[:, 0])
                actions[agent] = action[:, 0].numpy()
            out = team.step(actions)
            seen, over = out.observation, out.terminated | out.truncated
            log_probs.append(torch.stack(chosen, dim=1))
            rewards.append(torch.from_numpy(out.reward).float())
        ahead, weighted = torch.zeros_like(rewards[0]), []
        for reward in reversed(rewards):
            ahead = reward + gamma * ahead
            weighted.insert(0, ahead)
        returns = torch.stack(weighted)
        advantage = (returns - returns.mean(dim=1, keepdim=True)) / (returns.std() + 1e-8)
        optimiser.zero_grad()
        (-(torch.stack(log_probs) * advantage).mean()).backward()
        optimiser.step()
        history.append(float(torch.stack(rewards).sum(0).mean()))
        seen = team.renew(over)
    return history


if __name__ == "__main__":
    torch.manual_seed(0)
    returns = train(SimpleSpread(128), Attention(), 200)
    print(f"first {np.mean(returns[:10]):.2f}  last {np.mean(returns[-10:]):.2f}")
