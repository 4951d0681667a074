"""An exported policy is the trained policy."""

import json

import numpy as np
import pytest
import torch

from fund.errors import ModelError
from fund.roster import Roster
from fund.training import export as exporting
from fund.training.export import export_all, from_safetensors, onnx_bytes, recorded_observations, run_onnx
from fund.training.network import Network
from fund.training.store import ModelStore

BOUNDS = (-0.5, 1.5)


@pytest.fixture
def roster(monkeypatch, spec):
    monkeypatch.setattr(exporting, "rosters", lambda: Roster((spec,)))


def network(head):
    generator = torch.Generator().manual_seed(0)
    shapes = ((8, 5), (8, 8), (3, 8))
    layers = tuple(
        (torch.randn(s, generator=generator), torch.randn(s[0], generator=generator)) for s in shapes
    )
    return Network(layers, "relu" if head == "argmax" else "tanh", head, *BOUNDS)


def by_hand(net, x):
    """The layers once more, in numpy and double precision."""
    x = x.astype(np.float64)
    for k, (weight, bias) in enumerate(net.layers):
        x = x @ weight.double().numpy().T + bias.double().numpy()
        if k < len(net.layers) - 1:
            x = np.tanh(x) if net.activation == "tanh" else np.maximum(x, 0)
    heads = {
        "clip": lambda v: np.clip(v, *BOUNDS),
        "tanh": lambda v: 0.5 + np.tanh(v),
        "argmax": lambda v: v.argmax(axis=1),
    }
    return heads[net.head](x)


@pytest.mark.parametrize("head", ["clip", "tanh", "argmax"])
def test_network_onnx_and_a_plain_twin_agree(head):
    net, x = network(head), np.random.default_rng(0).normal(size=(500, 5)).astype(np.float32)
    assert np.abs(net(x) - by_hand(net, x)).max() < 1e-5
    assert np.abs(run_onnx(onnx_bytes(net, 5), x) - by_hand(net, x)).max() < 1e-5
    assert np.array_equal(run_onnx(onnx_bytes(net, 5), x[:1]), run_onnx(onnx_bytes(net, 5), x)[:1])


@pytest.mark.parametrize("kind", ["onnx", "safetensors"])
def test_export_writes_the_policy_and_its_record(kind, roster, trained, strategy, tmp_path):
    store, _ = trained
    told = export_all("all", kind, tmp_path, store)["trend_following"]
    content = (tmp_path / f"trend_following.{kind}").read_bytes()
    observations = recorded_observations(strategy, 2000)
    again = run_onnx(content, observations) if kind == "onnx" else from_safetensors(content)(observations)
    assert np.abs(again - store.load(strategy)(observations)).max() < 1e-5
    record = json.loads((tmp_path / "trend_following.json").read_text())
    assert record["inputs"] == 10_000
    assert record["max_error"] == told["max_error"] < 1e-5
    assert record["card"]["name"] == "trend_following"


def test_nothing_trained_is_said(roster, tmp_path):
    with pytest.raises(ModelError, match="nothing is trained"):
        export_all("all", "onnx", tmp_path, ModelStore(tmp_path))


def test_an_export_that_differs_is_not_written(roster, trained, tmp_path, monkeypatch):
    monkeypatch.setattr(exporting, "TOLERANCE", -1.0)
    with pytest.raises(ModelError, match="differs from the model"):
        export_all("trend_following", "onnx", tmp_path / "out", trained[0])
    assert not (tmp_path / "out").exists()
