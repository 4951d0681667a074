"""The backbone of several assets (`per_asset`) as nodes of an ONNX graph."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fund.training.network import Network
from fund.training.per_asset import PerAsset


def front_nodes(network: Network) -> tuple[list[Any], list[Any], str]:
    """Nodes, constants, and the name of what the layers read: `obs` where there is no backbone."""
    if network.front is None:
        return [], [], "obs"
    from onnx import helper, numpy_helper

    front, act = network.front, network.activation.capitalize()
    steps: list[tuple[str, list[str], str, dict[str, Any]]] = [
        ("Gather", ["obs", "slots"], "said_flat", {"axis": 1}),
        ("Reshape", ["said_flat", "by_asset"], "said", {}),
        ("Gather", ["obs", "rest"], "common", {"axis": 1}),
        ("Unsqueeze", ["common", "once"], "common_once", {}),
        ("Tile", ["common_once", "for_all"], "common_all", {}),
        ("Concat", ["said", "common_all"], "read", {"axis": 2}),
        *_linear("read", "encode_0"), (act, ["encode_0"], "inner", {}),
        *_linear("inner", "encode_2"), (act, ["encode_2"], "h", {}),
        *_linear("h", "query"), ("MatMul", ["h", "key_weight"], "key", {}), *_linear("h", "value"),
        ("Transpose", ["key"], "key_turned", {"perm": [0, 2, 1]}),
        ("MatMul", ["query", "key_turned"], "product", {}),
        ("Div", ["product", "root"], "score", {}),
        ("Softmax", ["score"], "attention", {"axis": -1}),
        ("MatMul", ["attention", "value"], "heard", {}),
        ("Add", ["h", "heard"], "z", {}),
        ("Reshape", ["z", "in_a_row"], "z_flat", {}),
        ("Concat", ["z_flat", "common"], "front", {"axis": 1}),
    ]  # fmt: skip
    nodes = [helper.make_node(kind, given, [out], **more) for kind, given, out, more in steps]
    return nodes, [numpy_helper.from_array(x, name) for name, x in _arrays(front).items()], "front"


def _arrays(front: PerAsset) -> dict[str, Any]:
    count = len(front.slots)
    arrays: dict[str, Any] = {
        "slots": front.slots.flatten().numpy(), "rest": front.rest.numpy(),
        "by_asset": np.array([-1, count, front.slots.shape[1]]), "once": np.array([1]),
        "for_all": np.array([1, count, 1]), "in_a_row": np.array([-1, count * front.width]),
        "root": np.array(math.sqrt(front.width), dtype=np.float32),
    }  # fmt: skip
    layers: dict[str, Any] = {
        "encode_0": front.encode[0], "encode_2": front.encode[2], "query": front.query, "key": front.key,
        "value": front.value,
    }  # fmt: skip
    for name, layer in layers.items():
        arrays[f"{name}_weight"] = np.ascontiguousarray(layer.weight.numpy().T)
        if layer.bias is not None:
            arrays[f"{name}_bias"] = layer.bias.numpy()
    return arrays


def _linear(given: str, name: str) -> list[tuple[str, list[str], str, dict[str, Any]]]:
    return [
        ("MatMul", [given, f"{name}_weight"], f"{name}_product", {}),
        ("Add", [f"{name}_product", f"{name}_bias"], name, {}),
    ]
