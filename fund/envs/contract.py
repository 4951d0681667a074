"""The contract: what must hold for every strategy, as a kit that a user calls on his own.

    for name, check in CHECKS.items():
        check(strategy)          # raises ContractBroken with one line that says where

`fund check NAME` runs it from the command line; the tests run it over the roster. Each check plays a small world
with seeded adversarial actions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fund.account.ledger import LINES
from fund.envs import play as players
from fund.envs.batch import Batch
from fund.envs.twin import Twin
from fund.errors import ContractBroken, InvalidAction
from fund.market.streams import Paths
from fund.strategy import Box, Strategy, names

STEPS = 40  # of the short episodes that most checks play


def _short(strategy: Strategy) -> Strategy:
    return strategy.with_steps(min(STEPS, strategy.n_steps))


def adversarial(strategy: Strategy, steps: int, n: int, seed: int = 0) -> NDArray[Any]:
    """Actions (steps, n, a) that swing between the bounds, beyond them, and everything between."""
    generator = np.random.default_rng(seed)
    space = strategy.actions
    if not isinstance(space, Box):
        return generator.integers(space.count, size=(steps, n, 1))
    inside = generator.uniform(space.low, space.high, (steps, n, space.size))
    corner = generator.choice([space.low, space.high, 1e6, -1e6], size=inside.shape)
    return np.where(generator.random(inside.shape) < 0.5, inside, corner)


def _trajectory(batch: Batch, actions: NDArray[Any], seed: int) -> list[NDArray[Any]]:
    """Observation, reward, NAV, ends of every step, autoreset at the end of an episode."""
    rows: list[NDArray[Any]] = [batch.reset(seed).copy()]
    for action in actions:
        out = batch.step(action)
        nav = batch.ledger.books.nav.copy()
        rows += [out.observation.copy(), out.reward.copy(), nav, out.terminated, out.truncated]
        # a row in any case: paths end at different times, and rows must stay side by side
        rows.append((batch.renew(batch.ended.copy()) if batch.ended.any() else out.observation).copy())
    return rows


def _demand(holds: bool | np.bool_, strategy: Strategy, text: str) -> None:
    if not holds:
        raise ContractBroken(f"{strategy.name}: {text}")


def batch_is_singles(strategy: Strategy) -> None:
    """A batch of n is n single episodes, bit for bit, through ends and resets."""
    short = _short(strategy)
    for n in (1, 2, 7, 64):
        actions = adversarial(short, short.n_steps + 3, n)
        together = _trajectory(Batch(short, n), actions, 11)
        for i in {0, n // 2, n - 1}:
            alone = _trajectory(Batch(short, 1), actions[:, i : i + 1], 11 + i)
            same = all(np.array_equal(a[i], b[0]) for a, b in zip(together, alone, strict=False))
            _demand(same, strategy, f"path {i} of a batch of {n} is not the single episode of its seed")


def same_seed_same_trajectory(strategy: Strategy) -> None:
    """Two instances, a used one, and any global random state give one trajectory."""
    short = _short(strategy)
    actions = adversarial(short, 2 * short.n_steps, 3)
    used = Batch(short, 3)
    _trajectory(used, actions[:5], 99)
    state = np.random.get_state()  # noqa: NPY002 - the global state is what must not matter
    try:
        first = _trajectory(Batch(short, 3), actions, 5)
        np.random.seed(1)  # noqa: NPY002 - as above
        again = [_trajectory(Batch(short, 3), actions, 5), _trajectory(used, actions, 5)]
    finally:
        np.random.set_state(state)  # noqa: NPY002 - as above
    for other in again:
        same = all(np.array_equal(a, b) for a, b in zip(first, other, strict=True))
        _demand(same, strategy, "the same seed gave another trajectory")


def future_is_invisible(strategy: Strategy) -> None:
    """Rows after t changed or cut away: everything up to t stays, bit for bit."""
    short = _short(strategy)
    paths, steps = Paths.of(3, 8), short.n_steps
    actions = adversarial(short, steps, 8)
    whole = _play_rows(short, paths, actions, None)
    for t in np.unique(np.linspace(1, steps - 1, 20).astype(int)):
        tape = short.record(paths)
        tape.block[t + 1 :] *= 1.7
        tape.features[t + 1 :] += 3.0
        changed = _play_rows(short, paths, actions[:t], tape)
        # row t+1 may speak in the fills and marks of step t+1, not before
        same = all(np.array_equal(a, b) for a, b in zip(whole[: len(changed)], changed, strict=True))
        _demand(same, strategy, f"rows after {t} changed what happened up to {t}")
    prefix, tape = short.with_steps(steps // 2).record(paths), short.record(paths)
    same = np.array_equal(prefix.block, tape.block[: prefix.steps + 1])
    same = same and np.array_equal(prefix.features, tape.features[: prefix.steps + 1])
    begins = same or strategy.history is not None
    _demand(begins, strategy, "a shorter recording is not the beginning of the longer one")


def _play_rows(strategy: Strategy, paths: Paths, actions: NDArray[Any], tape: Any) -> list[NDArray[Any]]:
    batch = Batch(strategy, len(paths), tape=tape)
    rows: list[NDArray[Any]] = [batch.start(paths).copy()]
    for action in actions:
        out = batch.step(action)
        rows += [out.observation.copy(), out.reward.copy(), batch.ledger.books.nav.copy()]
    return rows


def money_adds_up(strategy: Strategy) -> None:
    """NAV identity and attribution at every step, against a second ledger in plain Python."""
    short = _short(strategy)
    paths = Paths.of(21, 4)
    batch = Batch(short, 4)
    batch.start(paths)
    twins = [Twin(short, batch.current_tape, i) for i in range(4)]
    for action in adversarial(short, short.n_steps, 4):
        going = ~batch.ended
        out = batch.step(action)
        batch.ledger.check(short.capital)
        for i in np.flatnonzero(going):
            twins[i].step(action[i])
            twins[i].compare(batch, int(i), out)


def reward_is_its_parts(strategy: Strategy) -> None:
    """The parts add up to the reward, and the part `pnl` is the change of NAV."""
    short = _short(strategy)
    batch = Batch(short, 16)
    batch.reset(8)
    scale = short.reward_scale / short.capital
    _demand("pnl" in batch.part_names, strategy, "the reward has no part `pnl`")
    for action in adversarial(short, short.n_steps, 16):
        if batch.ended.all():
            break
        going, before = ~batch.ended, batch.ledger.books.nav.copy()
        out = batch.step(action)
        gap = np.abs(batch.parts.sum(axis=0) - out.reward) / np.maximum(1.0, np.abs(out.reward))
        _demand(gap.max() < 1e-12, strategy, f"the parts of the reward miss it by {gap.max()}")
        pnl = (batch.ledger.books.nav - before) * scale
        wrong = np.abs(batch.parts[batch.part_names.index("pnl")] - pnl)[going]
        close = wrong.max() <= 1e-9 * max(1.0, scale * short.capital)
        _demand(close, strategy, "the part `pnl` is not the change of NAV")


def limits_hold(strategy: Strategy) -> None:
    """No sequence of actions gets past the strategy's own limits."""
    short = _short(strategy)
    batch = Batch(short, 64)
    batch.reset(31)
    books = batch.ledger.books
    for action in adversarial(short, short.n_steps, 64, seed=2):
        nav, marks, held = books.nav.copy(), books.marks.copy(), books.position.copy()
        batch.step(action)
        over = short.over_limit(held, books.position, marks, nav)
        _demand(not over.any(), strategy, f"path {int(np.argmax(over))} is over its limit")
        if batch.ended.any():
            batch.renew(batch.ended.copy())


def bad_actions_are_refused(strategy: Strategy) -> None:
    """A non-finite action raises and changes nothing; one out of range acts as the clipped one."""
    short = _short(strategy)
    batch = Batch(short, 2)
    batch.reset(1)
    size = getattr(short.actions, "size", 1)
    before = batch.get_state()
    for bad in (np.nan, np.inf, -np.inf):
        try:
            batch.step(np.full((2, size), bad))
        except InvalidAction:
            pass
        else:
            _demand(False, strategy, f"an action of {bad} was taken")
    after = batch.get_state()
    same = all(np.array_equal(before[k], after[k]) for k in before)
    _demand(same, strategy, "a refused action changed the state")
    if isinstance(short.actions, Box):
        far = batch.step(np.full((2, size), 1e308)).reward.copy()
        batch.set_state(before)
        near = batch.step(np.full((2, size), short.actions.high)).reward
        _demand(np.array_equal(far, near), strategy, "an action out of range is not the clipped one")


def ends_are_named(strategy: Strategy) -> None:
    """The horizon truncates, ruin terminates."""
    short = _short(strategy)
    batch = Batch(short, 2)
    batch.reset(1)
    flat = players.constant(short, np.zeros(getattr(short.actions, "size", 1)))
    for _ in range(short.n_steps):
        out = batch.step(flat(batch.view()))
    truncated = out.truncated.all() and not out.terminated.any()
    _demand(truncated, strategy, "the end of the tape is not `truncated`")
    ruined = Batch(short.with_parameters(ruin=1e9), 2)
    ruined.reset(1)
    out = ruined.step(flat(ruined.view()))
    _demand(out.terminated.all() and not out.truncated.any(), strategy, "ruin is not `terminated`")


def flat_earns_its_financing(strategy: Strategy) -> None:
    """The flat policy trades nothing: its NAV moves by the declared cash flows alone."""
    if strategy.flat_action is None:
        return
    short = _short(strategy)
    played = players.play(short, players.flat(short), Paths.of(4, 16))
    moved = played.nav[-1] - played.nav[0]
    opened = bool(np.abs(played.position).any()) and not played.traded.any()
    _demand(opened or not played.traded.any(), strategy, "the flat policy trades")
    carry = played.lines["carry"] + (played.lines["holding"] if opened else 0.0)
    close = np.abs(moved - carry).max() <= 1e-9 * max(abs(short.capital), 1.0)
    _demand(close, strategy, "the flat policy earns something beside its financing")


def features_speak(strategy: Strategy) -> None:
    """Every slot of the observation varies, is of order one, and is no copy of another."""
    n = 64
    batch = Batch(strategy, n)
    batch.reset(17)
    rows, generator = [], np.random.default_rng(0)
    actions = adversarial(strategy, strategy.n_steps, n)
    held = actions[0]
    for action in actions:
        held = np.where(generator.random((n, 1)) < 0.2, action, held)
        rows.append(batch.step(held).observation.copy())
        if batch.ended.any():
            batch.renew(batch.ended.copy())
    seen = np.concatenate(rows).astype(np.float64)
    spread = seen.std(axis=0)
    for k, name in enumerate(strategy.features):
        _demand(np.isfinite(seen[:, k]).all(), strategy, f'feature "{name}" is not finite')
        _demand(spread[k] > 1e-6, strategy, f'feature "{name}" is constant')
        _demand(np.abs(seen[:, k]).mean() < 30.0, strategy, f'feature "{name}" is not of order one')
    alike = np.abs(np.corrcoef(seen.T)) - np.eye(len(spread))
    i, j = np.unravel_index(np.argmax(alike), alike.shape)
    one, two = strategy.features[i], strategy.features[j]
    told = f'features "{one}" and "{two}" are the same (correlation {alike[i, j]:.6f})'
    _demand(alike[i, j] < 0.9999, strategy, told)


def state_round_trips(strategy: Strategy) -> None:
    """Saved in plain arrays and set again, an episode goes on identically."""
    short = _short(strategy)
    actions = adversarial(short, short.n_steps, 3)
    batch = Batch(short, 3)
    batch.reset(9)
    half = short.n_steps // 2
    for action in actions[:half]:
        batch.step(action)
    other = Batch(short, 3, seed=1234)
    other.set_state(batch.get_state())
    for action in actions[half:]:
        one, two = batch.step(action), other.step(action)
        same = np.array_equal(one.observation, two.observation) and np.array_equal(one.reward, two.reward)
        _demand(same, strategy, "an episode set from its saved state goes on differently")


def names_fit(strategy: Strategy) -> None:
    """Own features are slots of the observation, marks are columns, rules and presets exist."""
    own, columns = names(strategy.step.own), names(strategy.step.columns)
    for name in own:
        _demand(name in strategy.features, strategy, f'own feature "{name}" has no slot in the observation')
    for name in strategy.step.marks:
        _demand(name in columns, strategy, f'mark "{name}" is not a column')
    _demand(len(set(strategy.features)) == len(strategy.features), strategy, "a feature's name stands twice")
    _demand(len(strategy.rules) > 0, strategy, "there is no textbook rule")
    for needed in ("default", "null", "planted"):
        _demand(needed in strategy.presets, strategy, f'there is no preset "{needed}"')
    tape = strategy.record(Paths.of(0, 2))
    _demand(tape.columns == columns, strategy, f"the tape's columns are {tape.columns}, wanted {columns}")
    width = tape.features.shape[2]
    _demand(width == len(strategy.features), strategy, "the tape's features have another width")
    _demand(len(LINES) == 5, strategy, "the ledger's lines changed")


CHECKS: dict[str, Callable[[Strategy], None]] = {
    check.__name__: check
    for check in (
        names_fit, batch_is_singles, same_seed_same_trajectory, future_is_invisible, money_adds_up,
        reward_is_its_parts, limits_hold, bad_actions_are_refused, ends_are_named, flat_earns_its_financing,
        features_speak, state_round_trips,
    )
}  # fmt: skip
