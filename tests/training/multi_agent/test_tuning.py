"""The search: what it suggests stays in its bounds, the best is written and trained, nothing is hidden."""

import json

import pytest
import yaml

from fund.__main__ import main
from fund.errors import FundError, InvalidParameter
from fund.grandmodel.stages import stage_named
from fund.training.multi_agent.compatible import TrainingMode, UnifiedPettingZooTrainer, UnifiedTrainingConfig
from fund.training.multi_agent.session import Job
from fund.training.multi_agent.settings import Settings
from fund.training.multi_agent.stages import read_settings, stage_job, train_stage
from fund.training.multi_agent.store import TeamStore
from fund.training.multi_agent.tuning import MOST_WEIGHT, reward_weights, suggested, trial_score, tune
from tests.training.multi_agent.games import Walk

optuna = pytest.importorskip("optuna")
SMALL = {"copies": 8, "rollout": 5, "evaluation_copies": 8, "start": ""}


def test_suggestions_are_settings_within_their_bounds():
    stage = stage_named("risk")
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(20):
        found = suggested(study.ask(), stage, "mappo")
        settings = stage_job(stage, changes=found).settings
        assert 1e-5 <= settings.actor_rate <= 1e-2
        assert 0.1 <= settings.clip <= 0.3
        assert set(found["world"]) == {"var_bonus", "drawdown_penalty", "emergency_bonus"}
        assert (
            0.0 <= found["world"]["emergency_bonus"] <= MOST_WEIGHT * reward_weights(stage)["emergency_bonus"]
        )
        assert stage_job(
            stage, changes=suggested(study.ask(), stage, "dqn"), algorithm="dqn"
        ).settings.dueling


class Trial:
    """What Optuna would be asked."""

    def __init__(self, give_up_at=99):
        self.told, self.give_up_at = [], give_up_at

    def report(self, score, step):
        self.told.append((score, step))

    def should_prune(self):
        return len(self.told) >= self.give_up_at


def test_a_trial_is_told_each_look_and_ends_where_it_is_given_up():
    job = Job(
        "walk", Walk, Settings(copies=4, rollout=10, steps=160, evaluations=4, evaluation_copies=8, epochs=1)
    )
    trial = Trial()
    assert trial_score(job, trial, 0, optuna.TrialPruned) == max(score for score, _ in trial.told)
    assert [step for _, step in trial.told] == [1, 2, 3, 4]
    hopeless = Trial(give_up_at=2)
    with pytest.raises(optuna.TrialPruned):
        trial_score(job, hopeless, 0, optuna.TrialPruned)
    assert hopeless.told == trial.told[:2]


def test_a_study_goes_on_and_its_best_is_trained(tmp_path):
    stage, store = stage_named("risk", n_steps=5), TeamStore(tmp_path)
    first = tune(stage, trials=2, steps=200, store=store, changes=SMALL)
    more = tune(stage, trials=2, steps=200, store=store, changes=SMALL)
    assert (len(first.trials), len(more.trials)) == (2, 4)
    assert more.trials[:2] == first.trials
    scores = [t["score"] for t in more.trials if t["state"] == "complete"]
    assert more.score == max(scores) >= first.score
    with pytest.raises(InvalidParameter, match="mappo_risk: its trials had another steps"):
        tune(stage, trials=1, steps=300, store=store, changes=SMALL)
    with pytest.raises(InvalidParameter, match="its trials had another n_steps"):
        tune(stage_named("risk", n_steps=6), trials=1, steps=200, store=store, changes=SMALL)
    assert more.path == tmp_path / "grandmodel" / "risk" / "tuning" / "mappo_risk.yml"
    assert f"best of {len(more.trials)} trials" in more.path.read_text()
    block = read_settings(more.path)
    assert block == json.loads(json.dumps(more.best))
    job = stage_job(stage, changes=block)
    assert job.make(1).stage.strategy.var_bonus == block["world"]["var_bonus"]
    done = train_stage(stage, steps=200, seed=0, store=store, changes={**block, "evaluations": 5})
    assert max(score for _, score in done.history) == pytest.approx(
        more.score, abs=1e-12
    )  # the same training


def test_the_command_searches_and_trains_from_its_file(tmp_path, capsys):
    words = ("--set", "n_steps=5", "--models", str(tmp_path), "--json")
    mine = tmp_path / "mine.yml"
    mine.write_text(
        yaml.safe_dump({**SMALL, "order": "sequential", "agents": {"risk_monitor": {"actor_rate": 0.0}}})
    )
    assert main(["train", "risk", "--steps", "80", "--settings", str(mine), *words]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["steps"] == 80
    card = TeamStore(tmp_path).card("risk", "latest")
    assert (card.settings["order"], card.settings["agents"]) == (
        "sequential",
        {"risk_monitor": {"actor_rate": 0.0}},
    )
    assert main(["train", "risk", "--settings", str(tmp_path / "none.yml"), *words]) == 1
    assert "no settings to read" in capsys.readouterr().err
    mine.write_text("- 3\n")
    assert main(["train", "risk", "--settings", str(mine), *words]) == 1
    assert "list, wanted settings" in capsys.readouterr().err
    assert main(["train", "market_making", "--settings", str(mine)]) == 2
    assert main(["train", "unified", "--settings", str(mine)]) == 2
    assert main(["tune", "market_making"]) == 2
    assert 'No stage "market_making"' in capsys.readouterr().err


def test_the_guides_flags(tmp_path):
    """D1: curriculum and search by a flag each, on one stage."""
    config = UnifiedTrainingConfig(
        training_mode=TrainingMode.RISK, total_episodes=40, models=str(tmp_path), worlds={"risk": {"n_steps": 5}},
        settings={**SMALL, "evaluations": 2}, enable_curriculum_learning=True, enable_hyperparameter_optimization=True,
        optimization_trials=1, optimization_episodes=16,
    )  # fmt: skip
    results = UnifiedPettingZooTrainer(config).train()
    assert {"actor_rate", "curriculum", "world"} <= set(results["best_parameters"])
    assert results["results"]["risk"]["steps"] >= 200
    with pytest.raises(InvalidParameter, match="mixed: a curriculum or a search is of one stage"):
        UnifiedPettingZooTrainer({"training_mode": "mixed", "enable_curriculum_learning": True}).train()


def test_a_study_of_nothing_says_so(tmp_path):
    with pytest.raises(FundError, match="none of 0 trials came to its end"):
        tune(
            stage_named("risk", n_steps=5),
            trials=3,
            steps=40,
            seconds=0.0,
            store=TeamStore(tmp_path),
            changes=SMALL,
        )
