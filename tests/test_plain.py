"""The rewriting of exported graphs: the normalisation of pixels in two steps, with the same results."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from fauxface.export.plain import plain

PIXELS = np.random.default_rng(0).integers(0, 256, (1, 3, 4, 5), np.uint8)
COLOURS = np.array([0.485, 0.456, 0.406], np.float32).reshape(3, 1, 1)
NORMALISED = [("Div", np.float32(255)), ("Sub", COLOURS), ("Div", COLOURS / 2)]


def chain(*steps: tuple[str, Any], more: tuple[str, ...] = ()) -> onnx.ModelProto:
    """A model that casts pixels to float and takes these steps with constants; ``more`` are further outputs."""
    nodes, weights, last = [helper.make_node("Cast", ["image"], ["x0"], to=TensorProto.FLOAT)], [], "x0"
    for i, (kind, constant) in enumerate(steps, 1):
        weights.append(numpy_helper.from_array(np.asarray(constant), f"c{i}"))
        nodes.append(helper.make_node(kind, [last, f"c{i}"], [f"x{i}"]))
        last = f"x{i}"
    nodes.append(helper.make_node("Relu", [last], ["out"]))
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, PIXELS.shape) for name in ("out", *more)]
    start = [helper.make_tensor_value_info("image", TensorProto.UINT8, PIXELS.shape)]
    graph = helper.make_graph(nodes, "chain", start, ends, weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])


def run(proto: onnx.ModelProto) -> list[np.ndarray]:
    return [np.asarray(found) for found in ReferenceEvaluator(proto).run(None, {"image": PIXELS})]


@pytest.mark.parametrize("steps", [NORMALISED, [*NORMALISED, ("Mul", np.float32(3)), ("Add", COLOURS)]])
def test_steps_after_the_cast_become_two(steps: list[tuple[str, Any]]):
    wanted = run(chain(*steps))
    found = plain(chain(*steps))
    assert [node.op_type for node in found.graph.node] == ["Cast", "Mul", "Add", "Relu"]
    assert len(found.graph.initializer) == 2
    onnx.checker.check_model(found)
    np.testing.assert_allclose(run(found)[0], wanted[0], atol=1e-5)


@pytest.mark.parametrize(
    ("proto", "kept"),
    [
        (chain(*NORMALISED[:2]), 2),  # no shorter
        (chain(*NORMALISED, more=("x1",)), 3),  # a value between is an output
        (chain(NORMALISED[0], ("Pow", np.float32(2)), *NORMALISED[1:]), 4),  # not a step that scales or shifts
    ],
)
def test_other_steps_are_left_alone(proto: onnx.ModelProto, kept: int):
    wanted = run(proto)
    found = plain(proto)
    assert len(found.graph.node) == kept + 2
    for theirs, ours in zip(run(found), wanted, strict=True):
        np.testing.assert_array_equal(theirs, ours)


def test_a_value_that_two_steps_need_stays():
    proto = chain(*NORMALISED)
    proto.graph.node.append(helper.make_node("Neg", ["x2"], ["other"]))
    proto.graph.output.append(helper.make_tensor_value_info("other", TensorProto.FLOAT, PIXELS.shape))
    wanted = run(proto)
    found = plain(proto)
    assert [node.op_type for node in found.graph.node] == ["Cast", "Div", "Sub", "Div", "Relu", "Neg"]
    for theirs, ours in zip(run(found), wanted, strict=True):
        np.testing.assert_array_equal(theirs, ours)
