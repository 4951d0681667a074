"""The no-transaction band (`fund.training.band`) as nodes of an ONNX graph."""

from __future__ import annotations

from typing import Any

import numpy as np

from fund.training.band import REACH, SLOTS, SPREAD, TINY, NoTransaction


def band_nodes(band: NoTransaction, outputs: str) -> tuple[list[Any], list[Any]]:
    """Nodes and constants from the last layer's outputs (n, 2), not yet within one, to `multiple` (n, 1)."""
    from onnx import helper, numpy_helper

    steps: list[tuple[str, list[str], str, dict[str, Any]]] = [
        *[("Gather", ["obs", f"slot_{name}"], name, {"axis": 1}) for name in SLOTS],
        ("Tanh", [outputs], "within_one", {}),
        ("Gather", ["within_one", "first"], "moved", {"axis": 1}),
        ("Gather", ["within_one", "second"], "spread", {"axis": 1}),
        ("Mul", ["moved", "reach"], "shift", {}),
        ("Add", ["centre", "shift"], "middle", {}),
        ("Mul", ["spread", "spreading"], "log_ratio", {}),
        ("Exp", ["log_ratio"], "ratio", {}),
        ("Mul", ["width", "ratio"], "half", {}),
        ("Sub", ["middle", "half"], "lower", {}),
        ("Add", ["middle", "half"], "upper", {}),
        ("Max", ["held", "lower"], "raised", {}),
        ("Min", ["raised", "upper"], "target", {}),
        ("Mul", ["target", "unit"], "projected", {}),
        ("Mul", ["unit", "unit"], "square", {}),
        ("Add", ["square", "tiny"], "divisor", {}),
        ("Div", ["projected", "divisor"], "multiple", {}),
    ]
    nodes = [helper.make_node(kind, given, [out], **more) for kind, given, out, more in steps]
    return nodes, [numpy_helper.from_array(x, name) for name, x in _arrays(band).items()]


def _arrays(band: NoTransaction) -> dict[str, Any]:
    numbers = {"reach": REACH, "spreading": SPREAD, "tiny": TINY}
    places = {f"slot_{name}": band.slots[k : k + 1].numpy() for k, name in enumerate(SLOTS)}
    return {
        **places, "first": np.array([0]), "second": np.array([1]),
        **{name: np.array(x, dtype=np.float32) for name, x in numbers.items()},
    }  # fmt: skip
