"""Read a QONNX file, as Brevitas and QKeras write it, and compare the graph with the file.

Run: python examples/onnx_to_graph.py
"""

from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

import nanosieve as ns

QONNX = "qonnx.custom_op.general"


def main() -> None:
    # Eight inputs of 6 bits, a dense layer with 4-bit weights, ReLU, and 3-bit activations of scale 0.3.
    rng = np.random.default_rng(0)
    numbers = {
        "w": rng.normal(size=(8, 4)),
        "step": 0.25,
        "scale": 0.3,
        "zero": 0,
        "six": 6,
        "four": 4,
        "three": 3,
    }
    stated = {"domain": QONNX, "signed": 1, "narrow": 0, "rounding_mode": "ROUND"}
    nodes = [
        helper.make_node("Quant", ["x", "step", "zero", "six"], ["xq"], name="input", **stated),
        helper.make_node("Quant", ["w", "step", "zero", "four"], ["wq"], name="weights", **stated),
        helper.make_node("MatMul", ["xq", "wq"], ["h"], name="dense"),
        helper.make_node("Relu", ["h"], ["r"], name="relu"),
        helper.make_node(
            "Quant", ["r", "scale", "zero", "three"], ["y"], name="output", **{**stated, "signed": 0}
        ),
    ]
    graph = helper.make_graph(
        nodes,
        "tagger",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["events", 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["events", 4])],
        [
            numpy_helper.from_array(np.asarray(array, dtype=np.float32), name)
            for name, array in numbers.items()
        ],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(QONNX, 1)]
    model = helper.make_model(graph, opset_imports=opsets)
    Path("tagger.onnx").write_bytes(model.SerializeToString())

    loaded = ns.load("tagger.onnx")
    print(loaded)
    design = ns.compile(loaded, ns.Budget(latency="50 ns", device="alveo-u50"), out="out/tagger")
    print(design.verify(random=2000))


if __name__ == "__main__":
    main()
