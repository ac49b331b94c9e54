"""Role sessions are registered on many threads."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from ministack.services import sts

from localcloud.iam import sessions


class Interrupted(dict[str, Any]):
    """A dictionary, during whose iteration another thread tries to register a session."""

    def items(self) -> Any:
        for number, pair in enumerate(super().items()):
            if number == 0:
                other = threading.Thread(target=sts.register_session, args=("AKIAOTHER", {}), daemon=True)
                other.start()
                other.join(0.5)  # the other thread needs far less, unless it waits for its turn
            yield pair


def test_a_session_that_is_registered_at_the_same_time_waits_for_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sts, "_sessions", {"AKIAFIRST": {}, "AKIASECOND": {}})
    monkeypatch.setattr(sts, "handle_request", sts.handle_request)
    monkeypatch.setattr(sts, "register_session", sts.register_session)
    sessions.install()
    kept = Interrupted(sts._sessions)
    monkeypatch.setattr(sts, "_sessions", kept)

    sts.register_session("AKIATHIRD", {})

    for thread in threading.enumerate():
        if thread.daemon and thread is not threading.current_thread():
            thread.join(1)
    assert {"AKIAFIRST", "AKIASECOND", "AKIATHIRD", "AKIAOTHER"} <= set(dict.keys(kept))
