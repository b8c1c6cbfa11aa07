"""Clients that are slow, gone or too many, access that is refused, and an end under load."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import threading
import time
from collections import Counter

import numpy as np
import pytest

from helpers.services import NEEDS_SERVE, events, get, json_request, post
from nanosieve.errors import ToolError
from nanosieve.farm.service.client import Target, connect
from nanosieve.farm.service.load import Arrivals, closed_loop, make_work, open_loop
from nanosieve.farm.service.load.loops import WARM_UP
from nanosieve.farm.service.process import running_service

pytestmark = [NEEDS_SERVE, pytest.mark.slow]
INFER = "/v2/models/toy/infer"


def half_a_request(service, *, body: bytes = b'{"inputs":') -> socket.socket:
    """A connection that promises more than it sends."""
    client = socket.create_connection((service.host, service.ports["http"]), timeout=60)
    head = f"POST {INFER} HTTP/1.1\r\nHost: {service.host}\r\nContent-Length: 500\r\n\r\n"
    client.sendall(head.encode() + body)
    return client


def succeeded(service) -> float:
    """Requests that the service has answered, as its metrics say."""
    _, text = get(service, "/metrics", "metrics")
    return sum(float(n) for n in re.findall(r"^model_infer_request_success_total\{.*\} (.*)$", text, re.M))


def still_serves(service, model) -> None:
    for protocol in ("grpc", "http"):
        with connect(Target(service.url(protocol), "toy")) as client:
            x = events(4)
            assert np.array_equal(client.infer(x).outputs["score"], model(x)["score"])


def test_slow_clients_hold_nobody_up(service, model):
    slow = [half_a_request(service) for _ in range(50)]
    still_serves(service, model)
    body = json.dumps(json_request(events(1)["x"])).encode().ljust(500)
    slow[0].sendall(body[len('{"inputs":') :])
    assert slow[0].recv(100).startswith(b"HTTP/1.1 200")
    for client in slow:
        client.close()


def test_clients_that_go_take_nothing_with_them(service, model):
    grpc = pytest.importorskip("tritonclient.grpc")
    for _ in range(30):
        half_a_request(service).close()
        client = socket.create_connection((service.host, service.ports["http"]))
        body = json.dumps(json_request(events(60)["x"])).encode()
        head = f"POST {INFER} HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n"
        client.sendall(head.encode() + body)
        client.close()
    client = grpc.InferenceServerClient(f"{service.host}:{service.ports['grpc']}")
    tensor = grpc.InferInput("x", [60, 5], "FP32")
    tensor.set_data_from_numpy(events(60)["x"])
    for _ in range(100):
        client.async_infer("toy", [tensor], lambda result, error: None).cancel()
    client.close()
    still_serves(service, model)


def test_a_thousand_connections(service, model):
    """All open at one time; every one of them is answered."""
    body = json.dumps(json_request(events(1)["x"])).encode()
    head = f"POST {INFER} HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    clients = []
    for _ in range(1000):
        clients.append(socket.create_connection((service.host, service.ports["http"]), timeout=120))
    still_serves(service, model)
    for client in clients:
        client.sendall(head + body)
    answers = Counter(client.recv(12) for client in clients)
    for client in clients:
        client.close()
    assert answers == {b"HTTP/1.1 200": 1000}
    still_serves(service, model)


def test_too_many_events_wait(toy):
    """More than may wait are refused as such, and what was accepted is answered."""
    options = ("--max-batch", "2048", "--max-waiting", "2048")
    with running_service([str(toy)], *options) as service:
        grpc = pytest.importorskip("tritonclient.grpc")
        client = grpc.InferenceServerClient(f"{service.host}:{service.ports['grpc']}")
        tensor = grpc.InferInput("x", [2048, 5], "FP32")
        tensor.set_data_from_numpy(events(2048)["x"])
        found: list[str] = []
        done = threading.Semaphore(0)

        def answered(result, error):
            found.append(error.status() if error else "answer")
            done.release()

        for _ in range(300):
            client.async_infer("toy", [tensor], answered)
        for _ in range(300):
            assert done.acquire(timeout=120)
        client.close()
        assert set(found) <= {"answer", "StatusCode.RESOURCE_EXHAUSTED"}
        assert "answer" in found


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_the_end_under_load_loses_nothing_that_was_accepted(toy, model, protocol):
    """Each request ends with its right answer, or with the refusal of a server that takes none any more.

    The server counts what it has accepted; all of it has reached the client as an answer.
    """
    with running_service([str(toy)]) as service:
        target = Target(service.url(protocol), "toy", timeout=30)
        work = make_work(model.inputs, model.outputs, 256, compute=model)
        runs = []
        load = threading.Thread(
            target=lambda: runs.append(closed_loop(target, work, connections=6, seconds=10))
        )
        load.start()
        until = time.monotonic() + 120
        while succeeded(service) < 6 * WARM_UP + 20 and time.monotonic() < until:
            time.sleep(0.05)
        before = time.monotonic()
        assert service.stop() == 0
        assert time.monotonic() - before < 30
        load.join()
    (run,) = runs
    assert run.answered > 10
    assert run.wrong == 0
    warm_up = 6 * WARM_UP
    assert service.counts["accepted"] == service.counts["answered"] == run.answered + warm_up
    allowed = ("UNAVAILABLE", "refused", "reset", "closed", "Connection", "GOAWAY", "CANCELLED", "ends")
    accepted = [error for error in run.errors if not any(word in error for word in allowed)]
    assert accepted == []


def test_an_open_load_in_bursts_gets_all_its_answers(service, model):
    work = make_work(model.inputs, model.outputs, 16, compute=model)
    for burst in (1, 20):
        target = Target(service.url("grpc"), "toy")
        run = open_loop(target, work, Arrivals(100.0, burst, seed=2), connections=8, seconds=3)
        assert (run.lost, run.wrong) == (0, 0)
        assert run.answered == sum(1 for _ in Arrivals(100.0, burst, seed=2).times(3))


def test_a_rate_is_kept_and_said(toy):
    with running_service([str(toy)], "--rate", "5") as service:
        body = json_request(events(1)["x"])
        statuses = Counter(post(service, INFER, body)[0] for _ in range(15))
        assert set(statuses) == {200, 429}
        assert statuses[200] >= 5
        with (
            connect(Target(service.url("grpc"), "toy")) as client,
            pytest.raises(ToolError, match="too many requests"),
        ):
            _ = [client.infer(events(1)) for _ in range(20)]
        time.sleep(1)
        assert post(service, INFER, body)[0] == 200


def test_token_and_tls(toy, model, tmp_path):
    """Both protocols ask for the token and speak TLS; health can be seen by everyone."""
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    made = subprocess.run([*command, "-keyout", key, "-out", certificate], capture_output=True, check=False)
    if made.returncode:
        pytest.skip("needs openssl")
    (tmp_path / "token").write_text("secret")
    options = ("--tls-cert", str(certificate), "--tls-key", str(key), "--token-file", str(tmp_path / "token"))
    with running_service([str(toy)], *options) as service:
        for protocol in ("grpc", "http"):
            known = Target(service.url(protocol), "toy", token="secret", authority=certificate)
            with connect(known) as client:
                x = events(3)
                assert np.array_equal(client.infer(x).outputs["score"], model(x)["score"])
            for token in ("", "wrong"):
                with pytest.raises(ToolError, match="authorization: Bearer TOKEN"):
                    connect(Target(service.url(protocol), "toy", token=token, authority=certificate))
        plain = f"grpc://{service.host}:{service.ports['grpc']}"
        with pytest.raises(ToolError):
            connect(Target(plain, "toy", token="secret", timeout=3))


def test_a_port_that_is_taken_is_named(service, toy):
    with (
        pytest.raises(ToolError, match=r"http port .* choose another"),
        running_service([str(toy)], "--http-port", str(service.ports["http"])),
    ):
        pass


def test_health_goes_with_the_service(toy):
    with running_service([str(toy)]) as service:
        assert get(service, "/v2/health/ready")[0] == 200
        assert service.stop() == 0
        with pytest.raises(OSError, match="refused"):
            get(service, "/v2/health/ready")
