"""The trainer on stages of the GrandModel."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from fund.envs.rounds import Rounds, play_rounds
from fund.errors import UnknownName
from fund.grandmodel.execution.stage import ExecutionStage
from fund.grandmodel.execution.strategy import Execution
from fund.grandmodel.stages import stage_named
from fund.market.streams import Paths
from fund.training.multi_agent.acting import Actors, play_team
from fund.training.multi_agent.comparison import versus
from fund.training.multi_agent.learner import Learner
from fund.training.multi_agent.settings import Settings
from fund.training.multi_agent.stages import command, judged, stage_job, train_stage, tuned
from fund.training.multi_agent.store import TeamStore

OPTIMUM = 1_275_356.0  # E + lambda V of Almgren and Chriss's example, PAPERS.md 8.1
SMALL = Settings(copies=16, rollout=10, net_arch=(16,), epochs=2, shared=False, steps=10**6)


def stage(preset="default", **changes):
    return ExecutionStage(strategy=Execution.preset(preset, **changes))


def speaking():
    """Execution in turn: the second agent is told what the first has said."""
    first, second, *rest = stage().agents
    told = replace(second, told=(f"said_{first.name}_0", f"said_{first.name}_1"))
    return ExecutionStage(
        strategy=Execution.preset("default", n_steps=20), agents=(first, told, *rest), in_turn=True
    )


@pytest.fixture(scope="module")
def almgren_chriss(tmp_path_factory):
    """Trained on Almgren and Chriss's example, and its store."""
    store = TeamStore(tmp_path_factory.mktemp("models"))
    changes = {"steps": 256 * 5 * 40, "evaluations": 4}
    return store, train_stage(stage("almgren_chriss"), "almgren_chriss", store=store, changes=changes)


@pytest.mark.slow
def test_in_pure_almgren_chriss_the_agents_reach_the_optimum_and_never_pass_it(almgren_chriss):
    """EX-4: E + lambda V within [1,275,356 - 3 SE, 1,305,000]; TWAP has 1,745,500."""
    store, _ = almgren_chriss
    world = stage("almgren_chriss")
    agents = store.load(Rounds(world, 1), "execution", "best", "almgren_chriss")
    n = 20_000
    rounds = Rounds(world, n)
    play_team(rounds, agents, 2 * 10**9)
    cost = world.strategy.capital - rounds.batch.ledger.books.nav
    around = cost - cost.mean()
    objective = cost.mean() + 1e-6 * cost.var(ddof=1)
    error = np.std(cost + 1e-6 * around**2) / np.sqrt(n)  # of mean and variance together, by the delta method
    assert OPTIMUM - 3 * error <= objective <= 1_305_000
    # without the mid's own moves, the objective of each episode is exact: none may pass the optimum
    sharp = stage("almgren_chriss", control_variate=True)
    played = play_team(Rounds(sharp, 500), agents, 10**9)
    exact = -played.returns.sum(axis=1) / sharp.strategy.reward_of_money
    assert exact.min() >= OPTIMUM - 1.0
    assert exact.mean() <= 1_305_000


@pytest.mark.slow
def test_beside_its_own_optimum_the_agents_come_second(almgren_chriss):
    store, _ = almgren_chriss
    world = stage("almgren_chriss", control_variate=True)
    agents = store.load(Rounds(world, 1), "execution", "best", "almgren_chriss")
    assert versus(world, agents, "almgren_chriss", 200).reward.mean < 0.0
    assert versus(world, agents, "twap", 200).standard_errors > 3.0
    with pytest.raises(UnknownName, match='Did you mean "twap"'):
        versus(world, agents, "twapp", 10)


def test_settings_lie_beside_the_stage():
    assert tuned(stage(), "almgren_chriss")["rollout"] == 5
    assert tuned(stage(), "no_such_preset") == tuned(stage(), "default")
    job = stage_job(stage("almgren_chriss"), "almgren_chriss", {"epochs": 1})
    assert job.settings.epochs == 1
    assert job.make(2).stage.strategy.control_variate  # the training world
    assert job.parameters["control_variate"] is False  # the world that the card speaks of
    with pytest.raises(UnknownName, match='Did you mean "rollout"'):
        stage_job(stage(), changes={"rolout": 1})


def test_looks_compare_in_the_stages_own_world_less_its_noise():
    """The control variate and nothing else of the training world: other episodes say the same with less spread."""
    world = stage_named("strategic", n_steps=20)
    job = stage_job(world)
    (seen,) = job.score.args
    assert seen == world.with_parameters(control_variate=True)
    assert seen.strategy.sharpe_bonus == world.strategy.sharpe_bonus != tuned(world)["world"]["sharpe_bonus"]
    assert judged(world, {"reward_scale": 10.0}) == world


def test_the_command_trains_and_compares(tmp_path):
    result = command(stage("almgren_chriss"), "almgren_chriss", 2560, None, 0, str(tmp_path), False)
    assert result["steps"] == 2560
    assert result["algorithm"] == "MAPPO"
    assert result["rule"] == "cont_kukanov"
    assert np.isfinite(result["paired_pnl_se"])


def test_who_speaks_in_turn_learns_from_what_was_said():
    world = speaking()
    learner = Learner(Rounds(world, 16), SMALL)
    rollouts, _, _ = learner.collect()
    said = rollouts[0].action[:, :, 0].clamp(-1.0, 1.0)
    heard = rollouts[1].seen[:, :, 0, -2:]
    torch.testing.assert_close(heard, said)
    assert all(group.m == 1 for group in learner.groups)


def test_trained_agents_play_a_stage_as_its_own_player_does():
    world = speaking()
    learner = Learner(Rounds(world, 16), SMALL)
    learner.iterate()
    actors = Actors(learner.groups)
    one = play_team(Rounds(world, 32), actors, 5)
    two = play_rounds(world, Actors(learner.groups).speakers(), Paths.of(5, 32))
    np.testing.assert_array_equal(one.returns, two.rewards)


def test_a_stage_resumes_bit_for_bit():
    world = speaking()
    whole = Learner(Rounds(world, 16), SMALL, seed=1)
    whole.iterate()
    named, where = whole.snapshot()
    kept = {key: t.clone() for key, t in named.items()}
    one = [whole.iterate() for _ in range(3)]
    resumed = Learner(Rounds(world, 16), SMALL, seed=2)
    resumed.resume(kept, where)
    assert one == [resumed.iterate() for _ in range(3)]
