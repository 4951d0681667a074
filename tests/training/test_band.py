"""The no-transaction band: by hand, inside SB3's learner, played, exported and loaded alike."""

import io
import warnings

import numpy as np
import pytest
import torch

from fund.errors import InvalidParameter, UnknownName
from fund.roster import rosters
from fund.training.band import REACH, SPREAD, NoTransaction, band_slots
from fund.training.learners import Settings, learner, training_env
from fund.training.network import Network

BAND = ("current_hedge", "delta", "band_width", "delta")
MODEL = {"learning_starts": 32, "batch_size": 16, "buffer_size": 512, "train_freq": 1, "gradient_steps": 1}
PLAIN = {"n_envs": 8, "net_arch": [8], "activation": "relu", "network": "band", "band": BAND, "model": MODEL}


@pytest.fixture(scope="module")
def desk():
    return rosters()["delta_hedging"].cls().with_steps(20)


def agent_of(desk, **changes):
    settings = Settings.of({**PLAIN, **changes})
    return learner("DDPG", training_env(desk, settings, 0), desk, settings, 0)


@pytest.fixture(scope="module")
def agent(desk):
    made = agent_of(desk)
    made.learn(8 * 40)
    return made


@pytest.fixture(scope="module")
def network(agent, desk):
    return Network.of(agent.policy.state_dict(), "DDPG", "relu", desk.actions)


@pytest.fixture
def seen(desk):
    return np.random.default_rng(0).normal(scale=0.5, size=(500, len(desk.features))).astype(np.float32)


def test_the_band_by_hand():
    """Below it one buys to the lower edge, above it one sells to the upper one, inside nothing happens."""
    band = NoTransaction([0, 1, 2, 3])
    seen = torch.tensor([[0.20, 0.5, 0.1, 0.5], [0.45, 0.5, 0.1, 0.5], [0.90, 0.5, 0.1, 0.5]])
    np.testing.assert_allclose(band(seen, torch.zeros(3, 2))[:, 0], [0.8, 0.9, 1.2], rtol=1e-6)
    moved = torch.tensor([[0.4, 0.0]]).expand(3, 2)  # the centre, by a tenth
    np.testing.assert_allclose(
        band(seen, moved)[:, 0] * 0.5, [0.5 + 0.4 * REACH - 0.1, 0.5, 0.5 + 0.4 * REACH + 0.1], rtol=1e-6
    )
    wide = torch.tensor([[0.0, np.log(4.0) / SPREAD]]).expand(3, 2).float()  # four times as wide
    np.testing.assert_allclose(band(seen, wide)[:, 0] * 0.5, [0.20, 0.45, 0.90], rtol=1e-6)


def test_what_actions_lead_to_by_hand():
    band = NoTransaction([0, 1, 2, 3])
    seen = torch.tensor([[0.2, 0.5, 0.1, 0.5], [0.6, 0.5, 0.1, -0.4]])
    led = band.effect(seen, torch.tensor([[0.8], [-1.0]]))
    np.testing.assert_allclose(led, [[-0.1, 0.2, 0.2], [-0.1, -0.2, 0.2]], atol=1e-7)


def test_a_unit_of_nothing_reaches_nothing():
    action = NoTransaction([0, 1, 2, 3])(torch.tensor([[0.3, 0.0, 0.1, 0.0]]), torch.zeros(1, 2))
    assert action.item() == 0.0


def test_edges_learn_where_they_are_crossed_and_nowhere_else():
    band = NoTransaction([0, 1, 2, 3])
    seen = torch.tensor([[0.20, 0.5, 0.1, 0.5], [0.45, 0.5, 0.1, 0.5]])
    outputs = torch.zeros(2, 2, requires_grad=True)
    (slope,) = torch.autograd.grad(band(seen, outputs).sum(), outputs)
    # d/dy0 = REACH / unit, d/dy1 = -width SPREAD / unit at the lower edge
    np.testing.assert_allclose(slope, [[REACH / 0.5, -0.1 * SPREAD / 0.5], [0.0, 0.0]], rtol=1e-6)


def test_names_of_the_band_are_features(desk):
    assert band_slots(desk.features, BAND) == [desk.features.index(name) for name in BAND]
    with pytest.raises(InvalidParameter, match="wanted the features of held, centre, width, unit"):
        band_slots(desk.features, ("delta",))
    with pytest.raises(UnknownName, match='"current_hedg"'):
        agent_of(desk, band=("current_hedg", "delta", "band_width", "delta"))


def test_a_band_is_for_one_number_and_an_actor_that_is_certain(desk):
    settings = Settings.of({**PLAIN, "model": {}})
    with pytest.raises(InvalidParameter, match="network is band for PPO, wanted DDPG"):
        learner("PPO", training_env(desk, settings, 0), desk, settings, 0)
    with pytest.raises(InvalidParameter, match="wanted DDPG and actions of one number"):
        agent_of(desk.with_parameters(action_form="band"))


def test_it_is_played_as_sb3_would(agent, network, desk, seen):
    network.check(desk)
    np.testing.assert_allclose(network(seen), agent.predict(seen, deterministic=True)[0], atol=1e-6)
    assert len(np.unique(network(seen))) > 50


def test_inside_its_band_a_trained_hedger_does_not_trade(network, desk):
    """On the desk's own tape, where multiples of delta come and go: steps without a trade, exactly."""
    from fund.envs.batch import Batch

    batch, policy = Batch(desk.with_parameters(least_trade=1e-6), 64), network.policy()
    batch.reset(5)
    stood = 0
    for _ in range(desk.n_steps - 1):
        held = batch.ledger.books.position[0].copy()
        batch.step(policy(batch.view()))
        stood += int((batch.ledger.books.position[0] == held).sum())
    assert stood > 64


def test_exports_act_alike(network, seen):
    from fund.training.export import from_safetensors, onnx_bytes, run_onnx, safetensors_bytes

    class Card:
        name = "delta_hedging"

    found = run_onnx(onnx_bytes(network, seen.shape[1]), seen)
    assert found.shape == (len(seen), 1)
    np.testing.assert_allclose(found, network(seen), atol=1e-5)
    np.testing.assert_array_equal(from_safetensors(safetensors_bytes(network, Card()))(seen), network(seen))


def test_sb3_loads_it_and_learns_on(agent, desk, seen):
    from stable_baselines3 import DDPG

    kept = io.BytesIO()
    agent.save(kept)
    kept.seek(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SB3's own, of a learning rate that is a class
        again = DDPG.load(kept, env=training_env(desk, Settings.of(PLAIN), 0))
    np.testing.assert_array_equal(again.predict(seen)[0], agent.predict(seen)[0])
    again.learn(16)


def test_hidden_slots_are_hidden_from_both_networks(desk, seen):
    """But for what the band itself reads."""
    agent = agent_of(desk, features=("delta", "time_to_expiry"))
    agent.learn(8 * 10)
    other, hidden = seen.copy(), desk.features.index("pnl")
    other[:, hidden] += 3.0
    np.testing.assert_array_equal(agent.predict(other)[0], agent.predict(seen)[0])
    actions = torch.zeros(len(seen), 1)
    worth = [agent.critic.q1_forward(torch.from_numpy(x), actions) for x in (seen, other)]
    assert torch.equal(*worth)


def test_the_mean_of_weights_has_the_band_network(agent):
    from fund.training.selection import ActingMean

    acting = {id(w) for w in ActingMean(agent, "DDPG").acting}
    assert {id(w) for w in agent.actor.mu.parameters()} == acting


def test_an_agent_starts_from_a_band(desk):
    """Imitation is of hedges: after it the network stands close to the rule's, also where delta is next to nothing."""
    from fund.training import imitation
    from fund.training.checkpoint import core_of

    agent = agent_of(desk, net_arch=[32, 32])
    settings = Settings.of({**PLAIN, "start_steps": 8 * 60, "start_updates": 400, "start_noise": 0.1})
    rule = desk.rules["whalley_wilmott"](desk)
    imitation.start(agent, core_of(agent), rule, settings)
    batch = core_of(agent).batch
    view = batch.view()
    network = Network.of(agent.policy.state_dict(), "DDPG", "relu", desk.actions)
    delta = view.row["delta"]
    apart = np.abs(network(view.observation)[:, 0] - rule(view)[:, 0]) * np.abs(delta)
    assert np.mean(apart) < 0.02


def test_a_training_that_was_stopped_goes_on_in_the_same_bits(desk, tmp_path, monkeypatch):
    """Stopped by its own hand, in the midst of the mean of weights, paired with a rule and started from it."""
    from fund.training.selection import Selection
    from fund.training.store import ModelStore
    from fund.training.train import train

    spec = rosters()["delta_hedging"]
    settings = Settings.of({**PLAIN, "steps": 640, "evaluations": 2, "evaluation_paths": 16, "average": 0.6,
                            "start": "whalley_wilmott", "start_steps": 200, "start_updates": 20, "paired": True,
                            "world": {"control_variate": True, "hedge_alone": True, "risk_skew": -0.13}})  # fmt: skip
    whole, cut = ModelStore(tmp_path / "whole"), ModelStore(tmp_path / "cut")
    uninterrupted = train(spec, desk, store=whole, settings=settings)
    real = Selection._on_step

    def interrupts(self):
        if self.num_timesteps == 480:
            self.interrupted = 2
        return real(self)

    with monkeypatch.context() as patch:
        patch.setattr(Selection, "_on_step", interrupts)
        assert train(spec, desk, store=cut, settings=settings).interrupted
    resumed = train(spec, desk, store=cut, settings=settings, resume=True)
    assert resumed.history == uninterrupted.history
    assert resumed.card.settings["band"] == BAND
    for (a, b), (c, e) in zip(
        whole.load(desk, "latest").layers, cut.load(desk, "latest").layers, strict=True
    ):
        assert torch.equal(a, c)
        assert torch.equal(b, e)
