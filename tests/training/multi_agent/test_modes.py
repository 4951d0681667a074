"""The unified trainer: one stage, all as one team, all at the same time."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from fund.envs.rounds import Rounds
from fund.envs.together import Together
from fund.errors import InvalidParameter, UnknownName
from fund.training.multi_agent.acting import play_team
from fund.training.multi_agent.modes import MODES, OneStage, all_stages, command, train_mixed, train_mode
from fund.training.multi_agent.session import Job, train_team
from fund.training.multi_agent.settings import Settings
from fund.training.multi_agent.store import TeamStore, unpacked

SHORT = {
    "strategic": {"n_steps": 3}, "tactical": {"n_steps": 5}, "risk": {"n_steps": 4}, "execution": {"n_steps": 4},
}  # fmt: skip
TINY = {"copies": 8, "rollout": 5, "net_arch": [8], "epochs": 1, "evaluations": 1, "evaluation_copies": 8}
SMALL = Settings(
    steps=16 * 8 * 6, copies=16, rollout=8, net_arch=(16,), epochs=2, gamma=0.5, evaluations=3, evaluation_copies=32,
)  # fmt: skip


def test_the_modes_are_those_of_the_guide():
    assert set(MODES) == {"strategic", "tactical", "execution", "risk", "unified", "mixed"}
    with pytest.raises(UnknownName, match='Did you mean "tactical"'):
        train_mode("tactcal")
    with pytest.raises(UnknownName, match='Did you mean "risk"'):
        train_mode("risk", changes={"rsk": {}})
    with pytest.raises(InvalidParameter, match="share one process"):
        train_mode("mixed", workers=2)


def test_unified_trains_all_fifteen_as_one_team_and_each_stage_can_be_judged(tmp_path):
    store = TeamStore(tmp_path)
    done = train_mode("unified", 8 * 5 * 2, store=store, changes=SHORT, settings=TINY)
    card = done["unified"].card
    assert (card.algorithm, card.steps, len(card.agents)) == ("MAPPO", 80, 15)
    stages = all_stages(SHORT)
    policy = store.load(Together(stages, 1), "unified")
    whole = play_team(Together(stages, 8), policy, 5)
    alone = play_team(Rounds(stages["risk"], 8), OneStage(policy, "risk"), 5)
    first = list(Together(stages, 1).agents).index("risk.position_sizing")
    np.testing.assert_array_equal(whole.returns[:, first : first + 4], alone.returns)


def test_mixed_trains_all_four_at_the_same_time(tmp_path):
    store = TeamStore(tmp_path)
    done = train_mode(
        "mixed", 80, store=store, algorithm="ippo", changes=SHORT, settings={**TINY, "start": ""}
    )
    assert set(done) == set(SHORT)
    for name in SHORT:
        assert store.card(name, "latest").steps == 80
        assert store.card(name).algorithm == "IPPO"


def test_parameters_on_the_command_line_name_their_stage(tmp_path):
    with pytest.raises(InvalidParameter, match=r"such as risk\.n_steps"):
        command("mixed", 80, None, 0, str(tmp_path), False, None, {"n_steps": 3})


@pytest.fixture
def jobs(guess):
    slow = replace(SMALL, steps=SMALL.steps * 2)
    return [Job("one", guess, SMALL), Job("two", partial(guess, agents=3), slow)]


def test_trainings_side_by_side_come_to_what_each_comes_to_alone(jobs, tmp_path):
    mixed = train_mixed(jobs, 1, TeamStore(tmp_path / "mixed"))
    for job in jobs:
        alone = train_team(job, 1, TeamStore(tmp_path / "alone"))
        assert mixed[job.name].history == alone.history
        one, two = (
            unpacked(TeamStore(tmp_path / where).path(job.name, "latest").read_bytes(), "")[0]
            for where in ("mixed", "alone")
        )
        assert all(torch.equal(t, two[key]) for key, t in one.items())


def test_they_take_turns_and_stop_together(jobs, tmp_path, guess):
    """Each step is the next of who is behind: shares never differ by more than one rollout of the shorter."""
    shares = []

    class Watched(guess):
        def step(self, actions):
            if self.n == 16:
                shares.append(len(self.agents))
            return super().step(actions)

    watched = [replace(jobs[0], make=Watched), replace(jobs[1], make=partial(Watched, agents=3))]
    store = TeamStore(tmp_path)
    train_mixed(watched, 1, store)
    turns = shares[::8]
    assert turns == [2, 3, 3] * 6
    endless = [replace(job, settings=replace(job.settings, steps=10**9)) for job in jobs]
    done = train_mixed(endless, 1, TeamStore(tmp_path / "endless"), seconds=0.3)
    assert all(0 < trained.card.steps < 10**9 for trained in done.values())
    first = {name: trained.card.steps for name, trained in done.items()}
    again = train_mixed(endless, 1, TeamStore(tmp_path / "endless"), seconds=0.3, resume=True)
    assert all(trained.card.steps > first[name] for name, trained in again.items())
