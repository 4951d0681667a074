"""Seats of the chain: agents see there what they see in their environment, and speak by the same rules."""

import numpy as np
import pytest

from fund.envs.play import play
from fund.envs.rounds import Rounds
from fund.errors import DataError, UnknownName
from fund.grandmodel import bar_draw
from fund.grandmodel.chain import EFFECTS, GrandModel
from fund.grandmodel.chain_bars import bar_tape, fours, minutes_of, warm_up_days
from fund.grandmodel.execution.strategy import Execution
from fund.grandmodel.intent import Intent
from fund.grandmodel.seated import execution_by, risk_by, strategic_by, tactical_by
from fund.grandmodel.seats import Seat, sight
from fund.grandmodel.stages import stage_named
from fund.market.streams import Paths
from fund.market.weather import fair
from fund.strategy import Account

MARKET = Execution(n_steps=200)


def intent_of(days=8, worlds=2, instruments=2, seed=0, target=10_000.0, session=200, **changes):
    """Random walks of `days` days of `session` minutes, at 50."""
    draws = np.random.default_rng(seed)
    moves = 0.03 * draws.standard_normal((days * session, worlds, instruments))
    mids = 50.0 + np.cumsum(moves, axis=0)
    shape = (worlds, instruments)
    given = {
        "day": 0, "target": np.full(shape, target), "held": np.zeros(shape), "price": mids[-1] + 0.01,
        "nav": np.full(worlds, 2e7), "peak": np.full(worlds, 2e7), "deviation": np.full(instruments, 0.5),
        "correlation": 0.3, "mids": mids, "volumes": draws.uniform(1e4, 2e4, mids.shape), "session": session,
        "half_spread": 2e-4,
    }  # fmt: skip
    return Intent(**{**given, **changes})


def always(stage, choice):
    """Every agent of a stage says the same for ever."""
    return {agent.name: lambda seen: np.full(len(seen), choice) for agent in stage.agents}


@pytest.mark.parametrize("name", ["strategic", "tactical", "risk", "execution"])
def test_agents_see_what_they_see_in_their_environment(name):
    stage = stage_named(name, n_steps=20)
    rounds = Rounds(stage, 3)
    rounds.start(Paths.of(4, 3))
    for _ in range(3):  # also with something held
        scene = rounds.scene()
        for agent in stage.agents:
            np.testing.assert_array_equal(sight(scene, agent, {}), rounds.view(agent.name))
        rounds.step(stage.split(next(iter(stage.rules.values()))(stage.strategy)(scene.view)))


@pytest.mark.parametrize("name", ["strategic", "tactical"])
def test_bars_of_the_chain_are_seen_as_the_stages_own(name):
    """One-minute bars up to the first row of an episode give that row's columns and features, windows included."""
    stage = stage_named(name, n_steps=20, observation_noise=0.0, weather=False)
    world, paths = stage.strategy, Paths.of(2, 3)
    tape = world.record(paths)
    last = (world.first + 1) * world.minutes
    days = last // 390
    minutes = bar_draw.draw_bars(world, paths, fair(paths, 1), 1, days, world.name, 1)[0].cut(slice(0, last))
    found = bar_tape(world, minutes, world.half_spread)
    np.testing.assert_allclose(found.past, tape.past, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found.features[0], tape.features[0], rtol=1e-5, atol=1e-5)
    for column in ("price", "half_spread", "synergy_kind"):
        np.testing.assert_allclose(found[column][0], tape[column][0], rtol=1e-9)


def test_a_seats_round_is_the_environments():
    """The stage's own rule, spoken at a seat from flat, trades what it trades in the environment."""
    for name, rule in (("strategic", "momentum"), ("tactical", "textbook"), ("risk", "limits_only")):
        stage = stage_named(name, n_steps=5)
        rounds = Rounds(stage, 4)
        rounds.start(Paths.of(0, 4))
        tape, books = rounds.batch.current_tape, rounds.batch.ledger.books
        accounts = [
            Account(float(books.cash[i]), float(books.nav[i]), float(books.peak[i]),
                    tuple(books.position[:, i].tolist()), tuple(books.marks[:, i].tolist()), 0.0, 5.0)
            for i in range(4)
        ]  # fmt: skip
        spoken = Seat.ruled(stage, rule).speak(tape, accounts)
        rounds.batch.step(stage.rules[rule](stage.strategy)(rounds.scene().view))
        np.testing.assert_allclose(spoken.quantity.T, rounds.batch.ledger.books.position, rtol=1e-12)


def test_votes_lean_and_hold_back():
    strategic, tactical = stage_named("strategic"), stage_named("tactical")
    intent = intent_of(days=warm_up_days(200))
    long, short, still = (Seat(strategic, always(strategic, k)) for k in (2, 0, 1))
    leant = [strategic_by(seat, 0.25)(intent) for seat in (long, short, still)]
    stressed = leant[0] / intent.target - 1.0  # the regime's caution cuts a lean
    assert ((stressed > 0.1) & (stressed <= 0.25 + 1e-9)).all()
    np.testing.assert_allclose(leant[1], 2.0 * intent.target - leant[0])
    np.testing.assert_array_equal(leant[2], intent.target)
    shares = [tactical_by(Seat(tactical, always(tactical, k)))(intent) for k in (2, 0, 1)]
    np.testing.assert_allclose(shares[0], 1.0)
    np.testing.assert_allclose(shares[1], 0.0, atol=1e-9)
    np.testing.assert_allclose(shares[2], 1.0)


def test_risk_agents_settings_live_on_from_day_to_day():
    stage = stage_named("risk", rebalance_threshold=0.0)
    decide = risk_by(Seat(stage, always(stage, 0)))
    shares = [decide(intent_of(day=day, instruments=5, target=30_000.0)).max() for day in range(3)]
    # size .75 and cap .5 of what the mandate wants, and half the weights of inverse volatilities
    assert 0.375 <= shares[0] < 1.0
    assert shares[1] == 0.0
    assert decide(intent_of(day=0, instruments=5, target=30_000.0)).max() == pytest.approx(shares[0])
    np.testing.assert_array_equal(risk_by(Seat.ruled(stage, "limits_only"))(intent_of()), 1.0)
    assert fours(5).tolist() == [[0, 1, 2, 3], [4, 0, 1, 2]]


def test_tomorrow_is_not_seen():
    """Whatever follows, a decision stays: the bars end at the open."""
    intent = intent_of(days=8)
    bars = minutes_of(intent)
    assert bars.close[:, -1] == pytest.approx(intent.price.reshape(-1))
    assert bars.rows == 8 * 200
    assert (bars.high >= np.maximum(bars.open, bars.close)).all()


def test_too_short_a_past_and_wrong_names_are_refused():
    strategic = stage_named("strategic")
    with pytest.raises(DataError, match="warm_up is too short"):
        strategic_by(Seat(strategic, always(strategic, 2)), 0.1)(intent_of(days=3))
    with pytest.raises(DataError, match="warm_up is too short"):
        risk_by(Seat.ruled(stage_named("risk"), "prudent"))(intent_of(days=2))
    with pytest.raises(UnknownName, match='Did you mean "prudent"'):
        Seat.ruled(stage_named("risk"), "prudnt")


def test_a_chain_of_rules_keeps_its_books():
    """All four slots taken: the identity of the money, parents = fills + open, and effects where a stage acts."""
    names = {
        "strategic": "momentum",
        "tactical": "momentum",
        "risk": "target_volatility",
        "execution": "imbalance",
    }
    seats = {name: Seat.ruled(stage_named(name), rule) for name, rule in names.items()}
    model = GrandModel(
        MARKET, strategic=strategic_by(seats["strategic"], 0.25), tactical=tactical_by(seats["tactical"]),
        risk=risk_by(seats["risk"]), execution=execution_by(seats["execution"]), warm_up=warm_up_days(200),
    )  # fmt: skip
    wanted = np.random.default_rng(0).integers(-600, 600, (3, 2, 2)) * 100.0
    found = model.run(wanted, 2e7, play)
    told = found.paper + sum(found.effects.values()) - found.cost + found.financing
    np.testing.assert_allclose(np.diff(found.nav, axis=0), told, atol=1e-9 * 2e7)
    assert np.array_equal(found.filled + found.open, found.parents)
    assert all(found.effects[name].any() for name in EFFECTS[:2])
    again = model.run(wanted, 2e7, play)
    np.testing.assert_array_equal(found.nav, again.nav)
