"""The server process listens on loopback only, and keeps idle connections open."""

from __future__ import annotations

from localcloud import server
from localcloud.settings import Settings

AN_HOUR = 3600


def test_no_client_that_pauses_between_two_calls_finds_its_connection_closed() -> None:
    """Botocore keeps connections; a call on one that is closed in that moment fails: nobody knows what was done."""
    assert server.config(Settings()).keep_alive_timeout > AN_HOUR


def test_it_listens_on_loopback_alone() -> None:
    assert server.config(Settings(port=4702, docker=False)).bind == ["127.0.0.1:4702"]
