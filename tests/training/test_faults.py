"""Numbers that are not finite stop a training where they appear, and harm nothing that was there."""

import numpy as np
import pytest
from stable_baselines3.common.vec_env import VecEnvWrapper

from fund.errors import ModelError
from fund.training import train as training
from fund.training.learners import learner, training_env
from fund.training.store import ModelStore
from fund.training.train import train

STEP, PATHS = 37, 8  # of vector steps, and paths of a subject


class Poisoned(VecEnvWrapper):
    """An environment that gives one bad number at its 37th step."""

    def __init__(self, venv, what):
        super().__init__(venv)
        self.what, self.steps = what, 0

    def reset(self):
        return self.venv.reset()

    def step_wait(self):
        observations, rewards, dones, infos = self.venv.step_wait()
        self.steps += 1
        if self.steps == STEP:
            observations, rewards = observations.copy(), rewards.copy()
            if self.what == "observation":
                observations[3, 1] = np.nan
            if self.what == "reward":
                rewards[3] = np.inf
        return observations, rewards, dones, infos


def poisoned_learner(*arguments):
    """A learner whose first acting layer gets gradients that are not numbers from the 37th step on."""
    model, env = learner(*arguments), arguments[1]
    policy = model.policy
    acting = {"PPO": "mlp_extractor.policy_net.0", "DDPG": "actor.mu.0", "DQN": "q_net.q_net.0"}[arguments[0]]
    weight = policy.get_submodule(acting).weight
    weight.register_hook(lambda gradient: gradient * (np.nan if env.steps >= STEP else 1.0))
    return model


@pytest.mark.parametrize("what", ["observation", "reward", "gradient"])
@pytest.mark.parametrize("algorithm", ["PPO", "DDPG", "DQN"])
def test_a_bad_number_stops_the_training_at_its_step(algorithm, what, subject, tmp_path, monkeypatch):
    spec, strategy = subject(algorithm)
    store = ModelStore(tmp_path)
    train(spec, strategy, store=store)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*_best.*")}
    monkeypatch.setattr(training, "training_env", lambda *a: Poisoned(training_env(*a), what))
    if what == "gradient":
        monkeypatch.setattr(training, "learner", poisoned_learner)
    names = {"observation": f"{strategy.features[1]} of path 3 is nan", "reward": "reward of path 3 is inf"}
    with pytest.raises(ModelError, match=names.get(what, r"is (inf|nan)|weights are not finite")) as caught:
        train(spec, strategy, store=store, seed=1)
    assert strategy.name in str(caught.value)
    step = int(str(caught.value).split("at step ")[1].split(";")[0])
    # a bad gradient shows when its update is over: PPO's is after a rollout, the others' after a step
    assert step == STEP * PATHS or (what == "gradient" and STEP * PATHS < step <= (STEP + 8) * PATHS)
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*_best.*")}
    assert store.load(strategy, "best").layers
