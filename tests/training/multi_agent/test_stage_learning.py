"""Short trainings of the stages: a planted signal is learned, and who starts from a rule is at once as good as others.

Minutes of training against the best rule are in `tests/golden/stages.md`.
"""

import pytest

from fund.envs.rounds import Rounds
from fund.grandmodel.stages import stage_named
from fund.training.multi_agent.comparison import versus
from fund.training.multi_agent.stages import train_stage
from fund.training.multi_agent.store import TeamStore

SMALL = {
    "feature_norm": False, "layer_norm": False, "net_arch": [32], "shared": False, "team_reward": True,
    "evaluations": 1, "evaluation_copies": 64, "huber": None, "clip_value": False,
}  # fmt: skip


def trained(stage, folder, **changes):
    """The agents after a short training."""
    store = TeamStore(folder)
    train_stage(stage, store=store, changes={**SMALL, **changes})
    return store.load(Rounds(stage, 1), stage.name, "latest")


@pytest.mark.slow
def test_strategic_experts_learn_the_planted_signal(tmp_path):
    """Only one of three sees it, and needs a second vote: more than a tenth of what all three would earn."""
    stage = stage_named("strategic", "planted", n_steps=100)
    agents = trained(
        stage, tmp_path, steps=64 * 50 * 60, copies=64, rollout=50, gamma=0.5, epochs=4, minibatches=4, start="",
        actor_rate=0.002, world={"control_variate": True, "sharpe_bonus": 0.0, "drawdown_penalty": 0.0},
    )  # fmt: skip
    found = versus(stage, agents, "external", 256)
    assert found.agents_pnl.mean > 3.0 * found.agents_pnl.se
    assert found.agents_pnl.mean > 0.1 * found.rule_pnl.mean


@pytest.mark.slow
def test_tactical_agents_start_from_a_rule_that_their_eyes_allow(tmp_path):
    """On the planted market the rule is the optimum: most of what it earns is earned, never more."""
    stage = stage_named("tactical", "planted", n_steps=250)
    agents = trained(
        stage, tmp_path, steps=64 * 50, copies=64, rollout=50, start="gap_runs", start_rollouts=20, start_values=1,
        epochs=1, minibatches=1, world={"control_variate": True},
    )  # fmt: skip
    found = versus(stage, agents, "gap_runs", 256)
    assert found.agents_pnl.mean > 0.5 * found.rule_pnl.mean > 0.0
    assert found.pnl.mean < 3.0 * found.pnl.se


@pytest.mark.slow
def test_execution_agents_start_above_the_yardstick(tmp_path):
    """Taught the rule that reads the imbalance, they beat the one that does not."""
    stage = stage_named("execution")
    agents = trained(
        stage, tmp_path, steps=128 * 50, copies=128, rollout=50, gamma=1.0, start="imbalance", start_rollouts=24,
        start_values=1, epochs=1, minibatches=1, log_std_init=-1.6, net_arch=[64, 64],
        world={"control_variate": True},
    )  # fmt: skip
    assert versus(stage, agents, "cont_kukanov", 1024).standard_errors > 3.0
