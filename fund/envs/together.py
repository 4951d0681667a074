"""Several stages as one team, under one weather: all fifteen agents of the GrandModel, batched.

Agents are named `<stage>.<agent>`, as in `fund.envs.unified`, of which this is the trainer's form. Equal seeds mean
equal weather. A stage whose episode is over leaves: its agents are dead until all stages' episodes are over, which is
when a copy ends. The central state is those of all stages in a row.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fund.envs.rounds import Rounds
from fund.envs.team import Actions, Observations, Outcome
from fund.errors import UnknownName
from fund.stage import Stage

Views = dict[str, NDArray[np.float32]]


class Together:
    """n copies of the stages side by side; a `fund.envs.team.Team`."""

    def __init__(self, stages: Mapping[str, Stage], n: int = 1) -> None:
        self.n = n
        self.rounds = {name: Rounds(stage, n) for name, stage in stages.items()}
        self._place = {f"{s}.{agent}": (s, agent) for s, of in self.rounds.items() for agent in of.agents}
        self.agents = tuple(self._place)
        self.observed = {name: self.rounds[s].observed[agent] for name, (s, agent) in self._place.items()}
        self.actions = {name: self.rounds[s].actions[agent] for name, (s, agent) in self._place.items()}
        self.state_size = sum(of.state_size for of in self.rounds.values())
        self.in_turn = any(stage.in_turn for stage in stages.values())

    def reset(self, seed: int | None = None) -> Observations:
        """Begin an episode of every stage in every copy, of one weather."""
        return self._named({s: of.reset(seed) for s, of in self.rounds.items()})

    def renew(self, ended: NDArray[np.bool_]) -> Observations:
        """Begin the next episode of the copies that have ended."""
        return self._named({s: of.renew(ended) for s, of in self.rounds.items()})

    def step(self, actions: Actions) -> Outcome:
        """A round of every stage that goes on."""
        outs = {
            s: of.step({agent: actions[f"{s}.{agent}"] for agent in of.agents})
            for s, of in self.rounds.items()
        }
        over = np.all([of.batch.ended for of in self.rounds.values()], axis=0)
        by_clock = over & np.any([out.truncated for out in outs.values()], axis=0)
        reward = np.concatenate([out.reward for out in outs.values()], axis=1)
        seen = self._named({s: out.observation for s, out in outs.items()})
        return Outcome(seen, reward, over & ~by_clock, by_clock)

    def view(self, name: str) -> NDArray[np.float32]:
        """What one agent sees now, with what was said before it; raises UnknownName."""
        stage, agent = self._known(name)
        return self.rounds[stage].view(agent)

    def announce(self, name: str, action: Any) -> None:
        """Take an agent's decision of this round; later speakers of its stage are told."""
        stage, agent = self._known(name)
        self.rounds[stage].announce(agent, action)

    def state(self) -> NDArray[np.float32]:
        """(n, s)."""
        return np.concatenate([of.state() for of in self.rounds.values()], axis=1)

    def alive(self) -> NDArray[np.bool_]:
        """(n, agents): a stage's agents leave together."""
        return np.concatenate([of.alive() for of in self.rounds.values()], axis=1)

    def get_state(self) -> dict[str, NDArray[Any]]:
        """The whole state in plain arrays."""
        return {f"{s}.{key}": x for s, of in self.rounds.items() for key, x in of.get_state().items()}

    def set_state(self, state: Mapping[str, NDArray[Any]]) -> Observations:
        """Continue from `get_state`."""
        parts = {
            s: {key[len(s) + 1 :]: x for key, x in state.items() if key.startswith(f"{s}.")}
            for s in self.rounds
        }
        return self._named({s: of.set_state(parts[s]) for s, of in self.rounds.items()})

    def _named(self, seen: Mapping[str, Observations]) -> Views:
        return {name: seen[s][agent] for name, (s, agent) in self._place.items()}

    def _known(self, name: str) -> tuple[str, str]:
        if name not in self._place:
            raise UnknownName("agent", name, self._place)
        return self._place[name]
