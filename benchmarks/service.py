"""The service beside MLServer's own way: an echo of each, asked by the same client, on the same tensors.

MLServer's runtime is written as its documentation does it, with its NumPy codec, and started by its own
command. Nothing is timed before both gave back what was sent.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import onnx
from side_by_side import machine

from nanosieve.errors import ToolError
from nanosieve.farm.service.client import Target, connect
from nanosieve.farm.service.load import closed_loop, make_work
from nanosieve.farm.service.process import running_service

WIDTH = 18
"""Numbers of an event, as in FACILE of arXiv:2010.08556."""
RUNTIME = """\
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceResponse


class Echo(MLModel):
    async def load(self):
        return True

    async def predict(self, payload):
        outputs = [NumpyCodec.encode_output("y", self.decode(each, NumpyCodec)) for each in payload.inputs]
        return InferenceResponse(model_name=self.name, outputs=outputs)
"""
TENSORS = {
    "inputs": [{"name": "x", "datatype": "FP32", "shape": [-1, WIDTH]}],
    "outputs": [{"name": "y", "datatype": "FP32", "shape": [-1, WIDTH]}],
}


def write_echo(path: Path) -> Path:
    """An ONNX file that gives back what it gets."""
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    value = [helper.make_tensor_value_info(name, kind, ["events", WIDTH]) for name in ("x", "y")]
    node = helper.make_node("Identity", ["x"], ["y"])
    graph = helper.make_graph([node], "echo", [value[0]], [value[1]])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path


@contextmanager
def stock_server(folder: Path) -> Iterator[dict[str, str]]:
    """MLServer as it comes, with its echo; URLs by protocol."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(3)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        http, grpc, metrics = (each.getsockname()[1] for each in sockets)
    settings = {"http_port": http, "grpc_port": grpc, "metrics_port": metrics, "host": "127.0.0.1"}
    settings |= {"debug": False, "parallel_workers": 0, "grpc_max_message_length": 1 << 26}
    (folder / "settings.json").write_text(json.dumps(settings))
    (folder / "echo.py").write_text(RUNTIME)
    (folder / "model-settings.json").write_text(
        json.dumps({"name": "echo", "implementation": "echo.Echo", **TENSORS})
    )
    command = [sys.executable, "-c", "from mlserver.cli import main; main()", "start", "."]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([".", *filter(None, sys.path)])}
    process = subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.DEVNULL)
    try:
        urls = {"grpc": f"grpc://127.0.0.1:{grpc}", "http": f"http://127.0.0.1:{http}"}
        for _ in range(600):
            try:
                with connect(Target(urls["grpc"], "echo", timeout=2)):
                    break
            except ToolError:
                time.sleep(0.1)
        yield urls
    finally:
        process.kill()
        process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batches", default="1,1024,16384")
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("out/benchmarks/service.json"))
    options = parser.parse_args()
    print(machine())
    found = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "stock").mkdir()
        ours = stack.enter_context(running_service([f"echo={write_echo(folder / 'echo.onnx')}"]))
        stock = stack.enter_context(stock_server(folder / "stock"))
        print(f"\n{'':32s}{'p50 [ms]':>12s}{'events/s':>14s}{'ours / it':>12s}")
        for batch in map(int, options.batches.split(",")):
            # MLServer has no binary tensors over REST, so that gRPC is what both do
            targets = {
                "nanosieve": Target(ours.url("grpc"), "echo"),
                "MLServer": Target(stock["grpc"], "echo"),
            }
            runs: dict[str, list] = {name: [] for name in targets}
            for _ in range(options.turns):
                for name, target in targets.items():
                    with connect(target) as client:
                        work = make_work(
                            client.inputs, client.outputs, batch, compute=lambda x: {"y": np.asarray(x["x"])}
                        )
                    runs[name].append(closed_loop(target, work, seconds=options.seconds))
            best = {name: min(each, key=lambda r: r.quantiles.values[0.5][0]) for name, each in runs.items()}
            for name, run in best.items():
                if run.wrong or run.lost:
                    message = f"{name}: {run.wrong} answers are wrong, {run.lost} lost; nothing to compare"
                    raise SystemExit(message)
                ratio = best["nanosieve"].throughput / run.throughput
                median = 1e3 * run.quantiles.values[0.5][0]
                print(
                    f"gRPC, batch {batch:,}: {name:16s}".ljust(32)
                    + f"{median:12.3f}{run.throughput:14,.0f}{ratio:12.2f}"
                )
                found.append({"server": name, **run.to_dict()})
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps({"machine": machine(), "runs": found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
