"""Conventions and invariants of a PettingZoo environment that its own tests do not see.

A check takes a module with `env`, `raw_env` and `parallel_env`, plays short seeded episodes, and raises ContractBroken
with one line that says where. `fund.envs.conformance` runs them; numbers are rows of what users of PettingZoo expect.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import gymnasium as gym
import numpy as np

from fund.envs import turns
from fund.envs.random_play import bury, drawing, turn, until_over
from fund.errors import ContractBroken, FundError, UnknownName

CYCLES, LONG = 12, 150  # of the episodes that checks play
Module = Any
Check = Callable[[Module], None]


def bare(module: Module) -> Any:
    """The constructor of the AEC form without guards, where there is one."""
    return getattr(module, "raw_env", module.env)


def demand(holds: Any, text: str) -> None:
    """Raise ContractBroken where something does not hold."""
    if not holds:
        raise ContractBroken(text)


def constructors_are_there(module: Module) -> None:
    """ECOSYSTEM 16, 19: three constructors that take `max_cycles`; metadata."""
    for name in ("env", "raw_env", "parallel_env"):
        demand(hasattr(module, name), f"the module has no {name}()")
        env = getattr(module, name)(max_cycles=3)
        for key in ("name", "render_modes", "is_parallelizable"):
            demand(key in env.metadata, f'{name}: metadata has no "{key}"')


def registered(module: Module) -> None:
    """ECOSYSTEM 18: an id of both forms makes it. A user's module need not be registered."""
    name = module.env(max_cycles=3).metadata["name"].replace("_v", "-v")
    if not module.__name__.startswith("fund."):
        return
    for form in ("aec", "parallel"):
        env = turns.registered(form, f"fund/{name}", max_cycles=3)
        demand(env.possible_agents == module.parallel_env().possible_agents, f"fund/{name} has other agents")


def guards_are_on(module: Module) -> None:
    """ECOSYSTEM 17: `env()` refuses a choice that is none, clips numbers, and wants `reset` first."""
    env, first = module.env(max_cycles=CYCLES), module.parallel_env().possible_agents[0]
    _refused(lambda: env.step(env.action_space(first).sample()), "step before reset")
    _refused(lambda: env.agents, "agents before reset", AttributeError)
    env.reset(seed=0)
    draw, checked = drawing(env), set[str]()
    while env.agents and len(checked) < len(env.possible_agents):
        agent = env.agent_selection
        space = env.action_space(agent)
        if isinstance(space, gym.spaces.Discrete):
            _refused(partial(env.step, space.n), f"a choice of {agent} that is none", AssertionError)
        elif isinstance(space, gym.spaces.Box) and agent not in checked:
            demand(
                _same_as_clipped(module, agent, space),
                f"a number of {agent} beyond its bounds is not clipped",
            )
        checked.add(agent)
        turn(env, draw)


def _same_as_clipped(module: Module, agent: str, space: gym.spaces.Box) -> bool:
    # the round's rewards, of an action far beyond the bounds and of the bound
    paid = []
    for value in (space.high + np.float32(10.0), space.high):
        env = module.env(max_cycles=CYCLES)
        env.reset(seed=1)
        draw = drawing(env, 5)
        for _ in range(len(env.possible_agents)):
            now = env.agent_selection
            env.step(np.asarray(value, dtype=space.dtype) if now == agent else draw(now))
        paid.append(dict(env.rewards))
    return paid[0] == paid[1]


def _refused(call: Callable[[], Any], what: str, kind: type[Exception] = Exception) -> None:
    try:
        call()
    except kind:
        return
    raise ContractBroken(f"{what} is taken")


def agents_and_spaces_stay(module: Module) -> None:
    """ECOSYSTEM 20: the same agents and the same space objects at every call; nobody left at the end."""
    env = module.parallel_env(max_cycles=CYCLES)
    agents = list(env.possible_agents)
    spaces = {a: (env.observation_space(a), env.action_space(a)) for a in agents}
    draw = drawing(env)
    for _ in range(2):
        env.reset(seed=0)
        demand(list(env.agents) == agents, "reset leaves other agents than possible_agents")
        for _ in until_over(env):
            env.step({agent: draw(agent) for agent in env.agents})
        for agent in agents:
            same = (
                env.observation_space(agent) is spaces[agent][0]
                and env.action_space(agent) is spaces[agent][1]
            )
            demand(same, f"{agent} has another space than before")
        demand(list(env.possible_agents) == agents, "possible_agents changed")


def a_state_for_the_critic(module: Module) -> None:
    """ECOSYSTEM 21: `state()` is in `state_space`, the same in both forms, and changes as the episode goes."""
    one, two = bare(module)(max_cycles=CYCLES), module.parallel_env(max_cycles=CYCLES)
    one.reset(seed=2)
    two.reset(seed=2)
    first = two.state()
    demand(two.state_space.contains(first), "the state is outside its space")
    demand(np.array_equal(one.state(), first), "the two forms have different states")
    draw = drawing(two)
    two.step({agent: draw(agent) for agent in two.agents})
    demand(not np.array_equal(first, two.state()), "the state does not change")


def forms_agree(module: Module) -> None:
    """ECOSYSTEM 23, G1: on the same actions, the same rewards, observations and ends, bit for bit."""
    in_turn, together = bare(module)(max_cycles=CYCLES), module.parallel_env(max_cycles=CYCLES)
    in_turn.reset(seed=4)
    seen, _ = together.reset(seed=4)
    draw = drawing(together)
    for _ in until_over(together):
        live = list(together.agents)
        for agent in live:
            demand(np.array_equal(in_turn.observe(agent), seen[agent]), f"{agent} sees something else")
        actions, paid = {agent: draw(agent) for agent in live}, dict.fromkeys(in_turn.possible_agents, 0.0)
        for agent in live:
            demand(in_turn.agent_selection == agent, f"{in_turn.agent_selection} has the turn of {agent}")
            in_turn.step(actions[agent])
            for name, reward in in_turn.rewards.items():
                paid[name] += reward
            bury(in_turn)
        seen, rewards, *_ = together.step(actions)
        demand(all(paid[a] == r for a, r in rewards.items()), f"rewards {paid} in turn, {rewards} at once")
        demand(in_turn.agents == together.agents, f"{in_turn.agents} live in turn, {together.agents} at once")


def a_seed_is_an_episode(module: Module) -> None:
    """A new instance and a used one give the same episode, and another seed another."""
    used = module.parallel_env(max_cycles=CYCLES)
    _trajectory(used, 9)
    first, again = _trajectory(module.parallel_env(max_cycles=CYCLES), 3), _trajectory(used, 3)
    same = len(first) == len(again) and all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    demand(same, "the same seed gave another episode")
    other = _trajectory(used, 4)
    demand(not np.array_equal(first[0], other[0]), "another seed gave the same episode")


def _trajectory(env: Any, seed: int) -> list[Any]:
    seen, _ = env.reset(seed=seed)
    draw, rows = drawing(env), []
    for _ in until_over(env):
        rows.append(np.concatenate([np.ravel(value) for value in seen.values()]))
        seen, rewards, *_ = env.step({agent: draw(agent) for agent in env.agents})
        rows.append(np.array(list(rewards.values())))
    return rows


def order_of_words_is_nothing(module: Module) -> None:
    """G3: at once means at once: the same actions, named in another order, are the same round."""
    paid: list[list[Any]] = [[], []]
    for backwards in (0, 1):
        env = module.parallel_env(max_cycles=CYCLES)
        env.reset(seed=8)
        draw = drawing(env)
        for _ in until_over(env):
            actions = {agent: draw(agent) for agent in env.agents}
            paid[backwards].append(env.step(dict(reversed(actions.items())) if backwards else actions)[1])
    demand(paid[0] == paid[1], "the order in which actions are named changes the rewards")


def actions_matter(module: Module) -> None:
    """What each agent does changes what somebody is paid, or what the critic sees: its least against its most."""
    for agent in module.parallel_env().possible_agents:
        one, two = (_episode_with(module, agent, most) for most in (False, True))
        demand(one != two, f"nothing that {agent} does changes anything")


def _episode_with(module: Module, agent: str, most: bool) -> list[Any]:
    # an episode in which an agent always says its least, or its most; the others draw the same
    env, draw = module.parallel_env(max_cycles=LONG), drawing(module.parallel_env())
    env.reset(seed=6)
    space, rows = env.action_space(agent), []
    extreme = (
        (space.n - 1 if most else 0)
        if isinstance(space, gym.spaces.Discrete)
        else space.high
        if most
        else space.low
    )
    for _ in until_over(env):
        actions = {a: draw(a) for a in env.possible_agents}
        _, rewards, *_ = env.step({a: extreme if a == agent else actions[a] for a in env.agents})
        rows.append((rewards, env.state().tobytes()))
    return rows


def money_adds_up(module: Module) -> None:
    """A1, G2: where there is a ledger, its identity at every step, and the agents' rewards are the team's, once."""
    env = module.parallel_env(max_cycles=CYCLES)
    env.reset(seed=7)
    draw, inner = drawing(env), getattr(env, "stages", {"": env})
    for _ in until_over(env):
        live = list(env.agents)
        _, rewards, _, _, infos = env.step({agent: draw(agent) for agent in live})
        for name, stage in inner.items():
            own = [agent for agent in live if agent.startswith(name)]
            if own and hasattr(stage, "ledger"):
                stage.ledger.check(stage.stage.strategy.capital)
                team = sum(infos[own[0]]["reward_parts"].values())
                paid = sum(rewards[agent] for agent in own)
                close = abs(paid - team) <= 1e-12 * max(1.0, abs(team))
                demand(close, f"{name}: agents are paid {paid}, their team earned {team}")


def wrong_use_is_named(module: Module) -> None:
    """E1, E2, ECOSYSTEM 24: early and late steps, missing, unknown and dead agents, bad actions; nothing changes."""
    env = module.parallel_env(max_cycles=2)
    agents = list(env.possible_agents)
    _refused(lambda: env.step({}), "a Parallel step before reset", FundError)
    env.reset(seed=0)
    draw = drawing(env)
    sound, before = {agent: draw(agent) for agent in agents}, env.state().copy()
    _refused(lambda: env.step({a: sound[a] for a in agents[1:]}), f"a step without {agents[0]}", FundError)
    _refused(lambda: env.step({**sound, "nobody": 0}), "an action of nobody", UnknownName)
    for agent in agents:
        for bad in _bad_actions(env.action_space(agent)):
            _refused(partial(env.step, {**sound, agent: bad}), f"{agent}: the action {bad!r}")
    demand(np.array_equal(before, env.state()), "a refused action changed the state")
    for _ in range(2):
        env.step({agent: draw(agent) for agent in env.agents})
    demand(env.step({}) == ({}, {}, {}, {}, {}), "a step after the end gives something")
    _dead_agents(bare(module)(max_cycles=1))


def _bad_actions(space: gym.Space[Any]) -> list[Any]:
    if isinstance(space, gym.spaces.Discrete):
        return [int(space.n), -1, 0.5, float("nan"), [0, 0], None]
    shape = space.shape or (1,)
    return [
        np.zeros(shape[0] + 1),
        np.full(shape, np.nan),
        np.full(shape, np.inf),
        0.0 if shape != (1,) else "x",
        None,
    ]


def _dead_agents(env: Any) -> None:
    draw, first = drawing(env), env.possible_agents[0]
    _refused(lambda: env.step(draw(first)), "an AEC step before reset", FundError)
    env.reset(seed=0)
    _refused(lambda: env.step(None), "no action of the living", FundError)
    while not (env.terminations[env.agent_selection] or env.truncations[env.agent_selection]):
        turn(env, draw)
    dead = env.agent_selection
    _refused(lambda: env.step(draw(dead)), f"an action of {dead}, which is dead,", ValueError)
    bury(env)
    demand(dead not in env.agents, f"{dead} is dead, and still among the agents")
    for _ in until_over(env):
        turn(env, draw)
    _refused(lambda: env.step(None), "an AEC step after the end", FundError)


def masks_fit(module: Module) -> None:
    """ECOSYSTEM 24: an agent that chooses has `info["action_mask"]`, by which its space can be sampled."""
    env = module.parallel_env(max_cycles=2)
    _, infos = env.reset(seed=0)
    for agent in env.agents:
        space = env.action_space(agent)
        if isinstance(space, gym.spaces.Discrete):
            mask = infos[agent].get("action_mask")
            fits = isinstance(mask, np.ndarray) and mask.shape == (space.n,) and mask.dtype == np.int8
            demand(fits, f"{agent} has no action_mask of {space.n} int8")
            demand(space.contains(space.sample(mask)), f"{agent}: nothing can be chosen under its mask")


CONVENTIONS: dict[str, Check] = {
    check.__name__: check
    for check in (
        constructors_are_there, registered, guards_are_on, agents_and_spaces_stay, a_state_for_the_critic, forms_agree,
        a_seed_is_an_episode, order_of_words_is_nothing, actions_matter, money_adds_up, wrong_use_is_named, masks_fit,
    )
}  # fmt: skip
