"""The server closes what its clients have closed."""

from __future__ import annotations

import http.client
from pathlib import Path

import pytest

from localcloud import process
from localcloud.settings import Settings
from localcloud.testing.cloud import until
from localcloud.testing.plain import Plain, plain

__all__ = ["plain"]
pytestmark = pytest.mark.local

REQUESTS = 40


def open_files(plain: Plain) -> int:
    running = process.running(Settings(port=plain.port, state=plain.state, docker=False))
    return len(list(Path(f"/proc/{running}/fd").iterdir()))


def test_a_connection_that_its_client_closed_leaves_no_open_file(plain: Plain) -> None:
    before = open_files(plain)
    for _ in range(REQUESTS):
        connection = http.client.HTTPConnection("127.0.0.1", plain.port, timeout=30)
        connection.request("GET", "/_localcloud/health")
        assert connection.getresponse().read() is not None
        connection.close()

    until("the server closes them", lambda: open_files(plain) < before + REQUESTS / 2, 20)


def test_a_connection_serves_several_requests(plain: Plain) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", plain.port, timeout=30)
    for _ in range(3):
        connection.request("GET", "/_localcloud/health")
        connection.getresponse().read()
        assert connection.sock is not None
    connection.close()
