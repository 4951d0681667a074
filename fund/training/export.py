"""Trained policies for use elsewhere: ONNX or safetensors, each with a record that it is the same policy.

Names of inputs and outputs are `obs` and `action`; the batch axis is dynamic. The graph is written node by node
from the plain layers, so that nothing of the learner comes along. An export that differs from the model by more
than the tolerance is not written.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fund.errors import ModelError
from fund.paths import atomic_write
from fund.roster import Spec, rosters
from fund.strategy import Strategy
from fund.training.band import NoTransaction
from fund.training.band_onnx import band_nodes
from fund.training.evaluate import held_out
from fund.training.front_onnx import front_nodes
from fund.training.network import Network
from fund.training.per_asset import PerAsset
from fund.training.store import Card, ModelStore

TOLERANCE = 1e-5
OPSET = 17


def export_all(name: str, kind: str, out: str | Path, store: ModelStore) -> dict[str, Any]:
    """Export one strategy's best model, or all; raises UnknownName, ModelError."""
    specs = rosters()
    chosen = list(specs.values()) if name == "all" else [specs[name]]
    trained = [s for s in chosen if store.path(s.name, "best").exists()]
    if not trained:
        raise ModelError(
            f"{name}: nothing is trained yet in {store.root.name}/; run: fund train {chosen[0].name}"
        )
    return {spec.name: export_one(spec, kind, Path(out), store) for spec in trained}


def export_one(spec: Spec, kind: str, out: Path, store: ModelStore) -> dict[str, Any]:
    """Write `<name>.<kind>` and `<name>.json` (card and parity record)."""
    strategy = spec.cls()
    network, card = store.load(strategy), store.card(spec.name)
    assert card is not None  # load has read it
    observations = recorded_observations(strategy)
    content = (
        onnx_bytes(network, len(strategy.features)) if kind == "onnx" else safetensors_bytes(network, card)
    )
    again = run_onnx(content, observations) if kind == "onnx" else from_safetensors(content)(observations)
    error = float(np.max(np.abs(np.asarray(again, dtype=np.float64) - network(observations))))
    if not error <= TOLERANCE:
        raise ModelError(
            f"{spec.name}: the {kind} export differs from the model by {error}, wanted at most {TOLERANCE}"
        )
    out.mkdir(parents=True, exist_ok=True)
    atomic_write(out / f"{spec.name}.{kind}", content)
    record = {
        "format": kind,
        "max_error": error,
        "inputs": len(observations),
        "features": list(strategy.features),
    }
    sidecar = {**record, "card": {**card.__dict__}}
    atomic_write(out / f"{spec.name}.json", (json.dumps(sidecar, indent=1) + "\n").encode())
    return {"file": str(out / f"{spec.name}.{kind}"), "max_error": error, "inputs": len(observations)}


def recorded_observations(strategy: Strategy, count: int = 10_000) -> NDArray[np.float32]:
    """Observations as they occur: tapes' rows with the account's slots drawn at random."""
    short = strategy.with_steps(min(strategy.n_steps, 50))
    tape = short.record(held_out(-(-count // (short.n_steps + 1))))
    rows = tape.features.reshape(-1, tape.features.shape[2])[:count].copy()
    own = [k for k in range(rows.shape[1]) if not rows[:, k].any()]
    rows[:, own] = np.random.default_rng(0).normal(size=(len(rows), len(own)))
    return rows


def onnx_bytes(network: Network, width: int) -> bytes:
    """The policy as an ONNX model."""
    from onnx import TensorProto, checker, helper, numpy_helper

    nodes, weights, last = front_nodes(network)
    for k, (weight, bias) in enumerate(network.layers):
        weights += [
            numpy_helper.from_array(np.ascontiguousarray(weight.numpy().T), f"weight_{k}"),
            numpy_helper.from_array(bias.numpy(), f"bias_{k}"),
        ]
        nodes.append(helper.make_node("Gemm", [last, f"weight_{k}", f"bias_{k}"], [f"linear_{k}"]))
        last = f"linear_{k}"
        if k < len(network.layers) - 1:
            nodes.append(helper.make_node(network.activation.capitalize(), [last], [f"active_{k}"]))
            last = f"active_{k}"
    more, constants = _head(network, last)
    action = (
        helper.make_tensor_value_info("action", TensorProto.INT64, ["batch"])
        if network.head == "argmax"
        else helper.make_tensor_value_info("action", TensorProto.FLOAT, ["batch", _actions(network)])
    )
    graph = helper.make_graph(
        [*nodes, *more], "policy",
        [helper.make_tensor_value_info("obs", TensorProto.FLOAT, ["batch", width])], [action],
        [*weights, *constants],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9)
    checker.check_model(model)
    return bytes(model.SerializeToString())


def _actions(network: Network) -> int:
    # numbers of an action; a band's outputs are one
    return 1 if network.band is not None else int(network.layers[-1][0].shape[0])


def _head(network: Network, last: str) -> tuple[list[Any], list[Any]]:
    # nodes and weights from the last layer's output to the action
    from onnx import helper

    if network.head == "argmax":
        return [helper.make_node("ArgMax", [last], ["action"], axis=1, keepdims=0)], []
    if network.head == "tanh" and network.band is None:
        nodes = [
            helper.make_node("Tanh", [last], ["within_one"]),
            helper.make_node("Mul", ["within_one", "half_range"], ["scaled"]),
            helper.make_node("Add", ["scaled", "centre"], ["action"]),
        ]
        return nodes, _constants(half_range=network.half_range, centre=network.centre)
    nodes, constants = ([], []) if network.band is None else band_nodes(network.band, last)
    clipped = last if network.band is None else "multiple"
    nodes = [*nodes, helper.make_node("Clip", [clipped, "low", "high"], ["action"])]
    return nodes, [*constants, *_constants(low=network.low, high=network.high)]


def _constants(**numbers: float) -> list[Any]:
    from onnx import numpy_helper

    return [numpy_helper.from_array(np.array(v, dtype=np.float32), name) for name, v in numbers.items()]


def run_onnx(content: bytes, observations: NDArray[np.float32]) -> NDArray[Any]:
    """Actions of an ONNX policy."""
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(["action"], {"obs": observations})[0])


def safetensors_bytes(network: Network, card: Card) -> bytes:
    """The layers as safetensors, with what is needed to run them in the metadata."""
    from safetensors.torch import save

    front = {} if network.front is None else network.front.state_dict()
    tensors = {f"front.{key}": t.contiguous() for key, t in front.items()}
    if network.band is not None:
        tensors["band.slots"] = network.band.slots
    for k, (weight, bias) in enumerate(network.layers):
        tensors[f"weight_{k}"], tensors[f"bias_{k}"] = weight.contiguous(), bias.contiguous()
    meta = {"activation": network.activation, "head": network.head, "name": card.name}
    return bytes(save(tensors, {**meta, "low": str(network.low), "high": str(network.high)}))


def from_safetensors(content: bytes) -> Network:
    """The policy in a safetensors file."""
    from safetensors.torch import load

    tensors = load(content)
    length = int.from_bytes(content[:8], "little")
    meta = json.loads(content[8 : 8 + length])["__metadata__"]
    count = sum(key.startswith("weight_") for key in tensors)
    layers = tuple((tensors[f"weight_{k}"], tensors[f"bias_{k}"]) for k in range(count))
    front = PerAsset.of(tensors, "front.", meta["activation"])
    band = NoTransaction.of(tensors, "band.")
    return Network(
        layers, meta["activation"], meta["head"], float(meta["low"]), float(meta["high"]), front, band
    )
