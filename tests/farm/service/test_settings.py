"""Limits, ports, token and rate."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest

from nanosieve.errors import InputFileError, SettingsError
from nanosieve.farm.service import ServiceSettings, read_token, with_free_ports
from nanosieve.farm.service.access import Access


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"most_events": 0}, "most_events = 0 is not accepted"),
        ({"workers": 1.5}, "workers = 1.5 is not accepted"),
        ({"rate": -1.0}, "rate = -1.0 must be zero or more"),
        ({"grace": float("nan")}, "grace = nan"),
        ({"most_waiting": 10}, "most_waiting = 10 is below most_events"),
        ({"certificate": Path("a.pem")}, "TLS takes a certificate and its key"),
    ],
)
def test_what_is_refused(settings, words):
    with pytest.raises(SettingsError, match=words):
        ServiceSettings(**settings)


def test_a_certificate_must_be_there(tmp_path):
    with pytest.raises(InputFileError, match=r"PEM file .* does not exist"):
        ServiceSettings(certificate=tmp_path / "a.pem", key=tmp_path / "b.pem")


def test_free_ports_are_found_and_taken_ones_named():
    found = with_free_ports(ServiceSettings(http_port=0, grpc_port=0, metrics_port=0))
    ports = {found.http_port, found.grpc_port, found.metrics_port}
    assert len(ports) == 3
    assert min(ports) > 0
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(SettingsError, match=r"grpc port .* choose another"):
            with_free_ports(ServiceSettings(http_port=0, grpc_port=taken.getsockname()[1], metrics_port=0))


def test_a_token_is_one_word(tmp_path):
    (tmp_path / "token").write_text("  secret\n")
    assert read_token(tmp_path / "token") == "secret"
    for text in ("", "two words", "ä"):
        (tmp_path / "token").write_text(text)
        with pytest.raises(InputFileError, match="holds no token"):
            read_token(tmp_path / "token")
    with pytest.raises(InputFileError, match="cannot be read"):
        read_token(tmp_path / "none")


def test_who_may_ask():
    assert Access(ServiceSettings()).knows(None)
    access = Access(ServiceSettings(token="secret"))
    assert access.knows("Bearer secret")
    assert access.knows(b"Bearer secret")
    assert not any(access.knows(given) for given in (None, "", "secret", "Bearer secrets", "Bearer \udcff"))


def test_a_rate_lets_a_second_of_requests_through_at_once_and_then_its_share():
    access = Access(ServiceSettings(rate=50.0))
    assert sum(access.admits() for _ in range(200)) in range(50, 55)
    time.sleep(0.2)
    assert sum(access.admits() for _ in range(200)) in range(10, 200)
    assert all(Access(ServiceSettings()).admits() for _ in range(1000))
