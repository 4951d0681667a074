"""The chain with trained agents in its slots, and the command that plays it."""

import json
from dataclasses import asdict

import numpy as np
import pytest

from fund.__main__ import main
from fund.envs.play import play
from fund.errors import ModelError, UnknownName
from fund.grandmodel.chain import EFFECTS
from fund.grandmodel.stages import STAGES, stage_named
from fund.training.multi_agent.chained import Slots, attribution, chain_of, mandates, seat_of
from fund.training.multi_agent.stages import train_stage
from fund.training.multi_agent.store import TeamStore

FEW = {
    "copies": 2, "rollout": 10, "steps": 40, "epochs": 1, "minibatches": 1, "evaluations": 1, "evaluation_copies": 2,
    "start": "", "net_arch": [8],
}  # fmt: skip


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """All four stages, trained for two updates."""
    kept = TeamStore(tmp_path_factory.mktemp("models"))
    for name in STAGES:
        train_stage(stage_named(name, n_steps=20), store=kept, changes=FEW)
    return kept


def test_any_stage_may_be_a_trained_one(store):
    """Parent = fills + open at all times; P&L is the sum of its parts; the same again gives the same."""
    model = chain_of(Slots(**dict.fromkeys(STAGES, "latest")), store)
    wanted = mandates(3, 2, 3)
    found = model.run(wanted, 2e7, play)
    assert np.array_equal(found.filled + found.open, found.parents)
    before = np.concatenate([np.zeros_like(found.position[:1]), found.position[:-1]])
    assert np.array_equal(found.position, before + found.filled)
    told = found.paper + sum(found.effects.values()) - found.cost + found.financing
    np.testing.assert_allclose(np.diff(found.nav, axis=0), told, atol=1e-9 * 2e7)
    assert any(found.effects[name].any() for name in EFFECTS)
    again = chain_of(Slots(**dict.fromkeys(STAGES, "latest")), store).run(wanted, 2e7, play)
    np.testing.assert_array_equal(found.nav, again.nav)
    lines = attribution(found)
    parts = sum(line.mean for name, line in lines.items() if name != "fund")
    assert lines["fund"].mean == pytest.approx(parts, abs=1e-6 * 2e7)


def test_trained_execution_plays_as_in_its_environment(store):
    """The policy that the chain hands over says what the agents say in their rounds."""
    from fund.envs.rounds import Rounds
    from fund.grandmodel.seated import execution_by
    from fund.market.streams import Paths

    stage = stage_named("execution", n_steps=20)
    seat = seat_of("execution", "best", store)
    rounds = Rounds(stage, 4)
    seen = rounds.start(Paths.of(0, 4))
    said = {agent: seat.speakers[agent](seen[agent]) for agent in stage.names}
    np.testing.assert_allclose(execution_by(seat)(rounds.scene().view), stage.joint(said))


def test_rules_by_name_and_what_is_no_name(store):
    model = chain_of(Slots(), store)
    assert model.warm_up == 0  # nobody looks back
    with pytest.raises(UnknownName, match='Did you mean "crisis_response"'):
        chain_of(Slots(risk="crisis_respond"), store)
    with pytest.raises(ModelError, match="train it first"):
        seat_of("risk", "best", TeamStore(store.root / "empty"))


def test_the_command_prints_the_attribution(store, capsys):
    arguments = [
        "chain",
        "--risk",
        "best",
        "--days",
        "2",
        "--worlds",
        "2",
        "--models",
        str(store.root),
        "--json",
    ]
    assert main(arguments) == 0
    printed = capsys.readouterr().out.strip().splitlines()
    table = json.loads(printed[-1])
    assert list(table["lines"]) == ["paper", *EFFECTS, "execution", "financing", "fund"]
    assert table["slots"] == asdict(Slots(risk="best"))
    assert any(line.startswith("risk") and "best" in line for line in printed)
    assert main(["chain", "--risk", "crisis_respond"]) == 2


def test_mandates_are_whole_lots_and_their_own():
    one = mandates(6, 4, 2, seed=3)
    np.testing.assert_array_equal(one[:, :2], mandates(6, 2, 2, seed=3))
    assert not (one % 100.0).any()
    assert one.std() > 20_000
