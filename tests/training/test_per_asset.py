"""Per-asset encoders and attention: permutations, what is heard of others, and the network inside every learner."""

import numpy as np
import pytest
import torch

from fund.errors import InvalidParameter, UnknownName
from fund.roster import rosters
from fund.training.learners import Settings, learner, training_env
from fund.training.network import Network
from fund.training.per_asset import PerAsset, slots_of

FEATURES = (
    "a_return",
    "b_return",
    "market",
    "a_size",
    "weight_b",
    "c_size",
    "b_size",
    "weight_a",
    "c_return",
    "weight_c",
)
SLOTS = [[0, 3, 7], [1, 6, 4], [8, 5, 9]]  # return, size, weight of a, b, c
OFF_POLICY = {
    "learning_starts": 64,
    "batch_size": 64,
    "buffer_size": 2048,
    "train_freq": 1,
    "gradient_steps": 2,
}
DESKS = {
    "factor_tracking": ("DQN", ("value", "momentum", "quality"), OFF_POLICY),
    "fx_arbitrage": ("DDPG", ("base_home", "home_terms", "cross"), OFF_POLICY),
}


def test_slots_are_found_by_name_before_and_behind():
    assert slots_of(FEATURES, ("a", "b", "c")) == (SLOTS, [2])
    assert slots_of(FEATURES, ("c", "a")) == ([[5, 8, 9], [3, 0, 7]], [1, 2, 4, 6])
    with pytest.raises(InvalidParameter, match=r"assets are \['a'\], wanted the names of two"):
        slots_of(FEATURES, ("a",))
    with pytest.raises(InvalidParameter, match="no feature is there for each of a, z"):
        slots_of(FEATURES, ("a", "z"))


def test_desks_of_several_assets_have_the_same_of_each():
    """Seven numbers a pair, six a factor; of the CIO's seven strategies twelve each and the weight."""
    for name, assets, count in (
        ("fx_arbitrage", DESKS["fx_arbitrage"][1], 7),
        ("factor_tracking", DESKS["factor_tracking"][1], 6),
        ("cio_allocator", [n for n in rosters() if n != "cio_allocator"], 13),
    ):
        features = rosters()[name].cls().features
        slots, rest = slots_of(features, assets)
        assert {len(row) for row in slots} == {count}
        assert len(rest) + count * len(assets) == len(features)


def test_a_permutation_of_assets_permutes_their_embeddings_and_nothing_else():
    torch.manual_seed(0)
    encoder, x = PerAsset(SLOTS, [2]), torch.randn(40, 10)
    slots = torch.tensor(SLOTS)
    for order in ([1, 2, 0], [2, 1, 0], [0, 2, 1]):
        moved = x.clone()
        moved[:, slots.flatten()] = x[:, slots[order].flatten()]
        torch.testing.assert_close(encoder.embeddings(moved), encoder.embeddings(x)[:, order])
        torch.testing.assert_close(encoder(moved)[:, -1], x[:, 2])


def test_attention_by_hand():
    """One observation, in NumPy."""
    torch.manual_seed(1)
    encoder = PerAsset(SLOTS, [2], width=4)
    x = torch.randn(1, 10)
    w = {key: t.numpy() for key, t in encoder.state_dict().items()}
    rows = np.concatenate([x.numpy()[0][np.array(SLOTS)], np.full((3, 1), float(x[0, 2]))], axis=1)
    h = np.tanh(rows @ w["encode.0.weight"].T + w["encode.0.bias"])
    h = np.tanh(h @ w["encode.2.weight"].T + w["encode.2.bias"])
    q, k = h @ w["query.weight"].T + w["query.bias"], h @ w["key.weight"].T
    v = h @ w["value.weight"].T + w["value.bias"]
    score = np.exp(q @ k.T / 2.0)
    by_hand = h + score / score.sum(axis=1, keepdims=True) @ v
    np.testing.assert_allclose(encoder.embeddings(x)[0].detach().numpy(), by_hand, atol=1e-6)


def test_each_asset_hears_of_all_others():
    torch.manual_seed(2)
    encoder, x = PerAsset(SLOTS, [2]), torch.randn(1, 10, requires_grad=True)
    for i in range(3):
        (slope,) = torch.autograd.grad(encoder.embeddings(x)[0, i].sum(), x)
        assert (slope[0, torch.tensor(SLOTS).flatten()].abs() > 1e-6).all()


@pytest.mark.parametrize("desk", DESKS)
def test_a_desk_learns_by_it_and_is_played_alike(desk):
    """From the desk's settings; what is played without SB3 is what SB3 would do."""
    algorithm, assets, model = DESKS[desk]
    strategy = rosters()[desk].cls().with_parameters(n_steps=20)
    settings = Settings.of(
        {"n_envs": 16, "net_arch": [8], "network": "per_asset", "assets": list(assets), "model": model}
    )
    agent = learner(algorithm, training_env(strategy, settings, 0), strategy, settings, 0)
    before = {key: w.clone() for key, w in agent.policy.state_dict().items()}
    agent.learn(16 * 20)
    after = agent.policy.state_dict()
    assert not torch.equal(before[_key(after, "query.weight")], after[_key(after, "query.weight")])
    network = Network.of(after, algorithm, settings.activation, strategy.actions)
    network.check(strategy)
    seen = np.random.default_rng(0).normal(size=(50, len(strategy.features))).astype(np.float32)
    np.testing.assert_allclose(network(seen), agent.predict(seen, deterministic=True)[0], atol=1e-6)


@pytest.mark.parametrize("desk", DESKS)
def test_an_export_acts_alike_without_torch(desk):
    from fund.training.export import from_safetensors, onnx_bytes, run_onnx, safetensors_bytes

    class Card:
        name = desk

    algorithm, assets, model = DESKS[desk]
    strategy = rosters()[desk].cls().with_parameters(n_steps=10)
    settings = Settings.of(
        {"n_envs": 4, "net_arch": [8], "network": "per_asset", "assets": list(assets), "model": model}
    )
    agent = learner(algorithm, training_env(strategy, settings, 0), strategy, settings, 0)
    network = Network.of(agent.policy.state_dict(), algorithm, settings.activation, strategy.actions)
    seen = np.random.default_rng(0).normal(size=(300, len(strategy.features))).astype(np.float32)
    found = run_onnx(onnx_bytes(network, seen.shape[1]), seen)
    np.testing.assert_allclose(found, network(seen), atol=1e-5)
    assert len(np.unique(found)) > 1
    np.testing.assert_array_equal(from_safetensors(safetensors_bytes(network, Card()))(seen), network(seen))


def _key(weights, ending):
    return next(key for key in weights if key.endswith(ending))


def test_ppo_shares_the_backbone_and_the_mean_of_weights_has_it_too(strategy):
    from fund.training.selection import ActingMean

    desk = rosters()["fx_arbitrage"].cls().with_parameters(n_steps=10)
    settings = Settings.of({"n_envs": 4, "net_arch": [4], "network": "per_asset", "assets": ["base_home", "cross"],
                            "model": {"n_steps": 8, "batch_size": 32}})  # fmt: skip
    agent = learner("PPO", training_env(desk, settings, 0), desk, settings, 0)
    acting = {id(w) for w in ActingMean(agent, "PPO").acting}
    assert id(agent.policy.features_extractor.assets.query.weight) in acting
    agent.learn(64)
    network = Network.of(agent.policy.state_dict(), "PPO", "tanh", desk.actions)
    seen = np.random.default_rng(0).normal(size=(50, len(desk.features))).astype(np.float32)
    np.testing.assert_allclose(network(seen), agent.predict(seen, deterministic=True)[0], atol=1e-6)


def test_networks_that_cannot_be_are_refused(strategy):
    env = training_env(strategy, Settings(n_envs=2), 0)
    for changes, error, text in (
        ({"network": "per_aset"}, UnknownName, 'Did you mean "per_asset"'),
        (
            {"network": "per_asset", "assets": ("x", "y")},
            InvalidParameter,
            "no feature is there for each of x, y",
        ),
        ({"network": "per_asset", "features": (strategy.features[0],)}, InvalidParameter, "cannot be hidden"),
    ):
        with pytest.raises(error, match=text):
            learner("PPO", env, strategy, Settings(n_envs=2, **changes), 0)
