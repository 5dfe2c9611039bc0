"""Rewrite ONNX graphs with operators that small runtimes take too, without changing results.

OpenCV's dnn 4.6 reads neither booleans, nor the limits of ``Clip``, nor a mean whose axes are an input. OpenCV up to
5.0 takes every product with a ``HardSigmoid`` for a hard swish. Steps by constants that follow a cast are made one
multiplication and one addition: on a whole frame each pass over the pixels counts.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import NodeProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator


def plain(proto: onnx.ModelProto) -> onnx.ModelProto:
    """The model, changed in place: constants are computed; means over a map, clips and hard sigmoids are rewritten.

    The normalisation of the pixels becomes one multiplication and one addition.
    """
    graph = proto.graph
    values = {weight.name: numpy_helper.to_array(weight) for weight in graph.initializer}
    nodes: list[NodeProto] = []
    for node in graph.node:
        if node.input and all(name in values for name in node.input):
            found = ReferenceEvaluator(_alone(node, proto)).run(None, {name: values[name] for name in node.input})
            values |= zip(node.output, map(np.asarray, found), strict=True)
        elif (hard := _hard_sigmoid(node, values)) is not None:
            # the ReLU changes nothing, but stands between the hard sigmoid and a product
            nodes += [hard, helper.make_node("Relu", hard.output, node.output)]
        elif node.op_type == "ReduceMean" and _over_a_map(node, values):
            nodes.append(helper.make_node("GlobalAveragePool", node.input[:1], node.output, node.name))
        else:
            nodes.append(node)
    nodes = _scaled_at_once(nodes, values, {output.name for output in graph.output})
    used = {name for node in nodes for name in node.input} | {output.name for output in graph.output}
    kept = [numpy_helper.from_array(values[name], name) for name in values if name in used]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend(kept)
    return proto


def _scaled_at_once(nodes: list[NodeProto], values: dict[str, np.ndarray], ends: set[str]) -> list[NodeProto]:
    """The nodes, with the steps by constants after each cast as one multiplication and one addition.

    Adds the two constants to ``values``. ``ends`` are the graph's outputs.
    """
    users: dict[str, list[NodeProto]] = {}
    for node in nodes:
        for name in node.input:
            users.setdefault(name, []).append(node)
    instead: dict[str, list[NodeProto]] = {}
    for cast in (node for node in nodes if node.op_type == "Cast"):
        first = last = cast.output[0]
        chain, scale, shift = [], np.ones(()), np.zeros(())
        while last not in ends and len(users.get(last, ())) == 1:
            step = _step(users[last][0], last, values)
            if step is None:
                break
            scale, shift = scale * step[0], shift * step[0] + step[1]
            chain.append(users[last][0].output[0])
            last = chain[-1]
        if len(chain) > 2:
            # not "scale": onnxruntime's quantiser calls its own constants so
            names = [f"{last}_{part}" for part in ("factor", "offset", "times")]
            values |= {names[0]: np.asarray(scale, np.float32), names[1]: np.asarray(shift, np.float32)}
            steps = [("Mul", [first, names[0]], [names[2]]), ("Add", [names[2], names[1]], [last])]
            instead |= {name: [] for name in chain} | {last: [helper.make_node(*step) for step in steps]}
    return [new for node in nodes for new in instead.get(node.output[0], [node])]


def _step(node: NodeProto, name: str, values: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray] | None:
    """Factor and summand by which the node changes the value with this name; None if it does anything else."""
    if len(node.input) != 2 or node.input[0] != name or node.input[1] not in values:
        return None
    constant = values[node.input[1]].astype(np.float64)
    one, nothing = np.ones(()), np.zeros(())
    steps = {
        "Add": lambda: (one, constant),
        "Sub": lambda: (one, -constant),
        "Mul": lambda: (constant, nothing),
        "Div": lambda: (1 / constant, nothing),
    }
    return steps[node.op_type]() if node.op_type in steps else None


def _alone(node: NodeProto, proto: onnx.ModelProto) -> onnx.ModelProto:
    """A model of this node alone."""
    ins, outs = ([helper.make_empty_tensor_value_info(name) for name in names] for names in (node.input, node.output))
    return helper.make_model(helper.make_graph([node], "constant", ins, outs), opset_imports=proto.opset_import)


def _hard_sigmoid(node: NodeProto, values: dict[str, np.ndarray]) -> NodeProto | None:
    """The hard sigmoid that the node is, under another output name; None for any other node."""
    out = [f"{node.output[0]}_in_range"]
    if node.op_type == "HardSigmoid":
        changed = NodeProto()
        changed.CopyFrom(node)
        changed.output[:] = out
        return changed
    if node.op_type == "Clip" and [float(values.get(name, np.nan)) for name in node.input[1:]] == [0, 1]:
        return helper.make_node("HardSigmoid", node.input[:1], out, node.name, alpha=1.0, beta=0.0)
    return None


def _over_a_map(node: NodeProto, values: dict[str, np.ndarray]) -> bool:
    """True for a mean B×C×H×W → B×C×1×1."""
    kept = all(attribute.i for attribute in node.attribute if attribute.name == "keepdims")
    axes = values.get(node.input[1]) if len(node.input) == 2 else None
    return kept and axes is not None and sorted(axes.ravel().tolist()) in ([2, 3], [-2, -1])
