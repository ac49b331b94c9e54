"""The benchmark of a deployment under load counts failed requests, and lost and doubled tasks."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import UTC, datetime

from bench.load.tasks import Queue, counted, in_hand
from bench.load.traffic import Traffic
from slipway_cli.release.verify import Answer

ONE, TWO, THREE = (f"00000000-0000-0000-0000-00000000000{number}" for number in (1, 2, 3))


def line(task: str, what: str) -> str:
    return f"[2026-11-25 12:00:00,000: INFO/MainProcess] Task api.tasks.count_words[{task}] {what} in 2.0s: {{}}"


def test_a_task_that_never_succeeds_is_lost_and_one_that_succeeds_twice_is_doubled() -> None:
    log = [line(ONE, "received"), line(ONE, "succeeded"), line(ONE, "succeeded"), line(TWO, "received")]

    count = counted([ONE, TWO, THREE], log)

    assert (count.queued, count.lost, count.doubled) == (3, (TWO, THREE), (ONE,))


def test_a_task_that_is_delivered_twice_and_succeeds_once_is_fine() -> None:
    log = [line(ONE, "received"), line(ONE, "received"), line(ONE, "succeeded")]

    count = counted([ONE], log)

    assert (count.lost, count.doubled, count.delivered_again) == ((), (), (ONE,))
    assert count.told() == ["tasks       1 queued, 0 lost, 0 doubled, 1 delivered again after their worker was killed"]


def test_a_worker_has_the_tasks_in_hand_that_it_received_and_did_not_finish() -> None:
    log = [line(ONE, "received"), line(TWO, "received"), line(ONE, "succeeded"), "missed heartbeat from another"]

    held = in_hand("\n".join(f"2026-11-25T12:00:0{second}.250000000Z {message}" for second, message in enumerate(log)))

    assert held == {TWO: datetime(2026, 11, 25, 12, 0, 1, 250000, tzinfo=UTC)}


def traffic_with(answers: Sequence[Answer | OSError]) -> Traffic:
    """Returns the traffic after the given answers."""
    given, enough = iter(answers), threading.Event()

    def ask(_: str) -> Answer:
        answer = next(given, None)
        if answer is None:
            enough.set()
            return Answer(200, {}, b"")
        if isinstance(answer, OSError):
            raise answer
        return answer

    traffic = Traffic(ask, ["http://site/"], rate=500)
    traffic.begin()
    assert enough.wait(20)
    traffic.end()
    return traffic


def test_an_answer_other_than_200_and_a_missing_answer_are_failures() -> None:
    traffic = traffic_with([Answer(200, {}, b""), Answer(503, {}, b"no target"), ConnectionResetError("gone")])

    assert sorted(failure.partition(": ")[2] for failure in traffic.failed) == [
        "ConnectionResetError: gone",
        "HTTP 503 b'no target'",
    ]
    assert traffic.told()[0].endswith("2 failed")


def test_every_request_is_counted_once() -> None:
    traffic = traffic_with([Answer(200, {}, b"")] * 40 + [Answer(500, {}, b"")])

    assert len(traffic.failed) == 1
    assert len(traffic.answered) >= 41


def test_a_task_that_the_api_refuses_is_listed_and_not_counted() -> None:
    taken = threading.Event()

    def post(_address: str, _body: bytes) -> Answer:
        taken.set()
        return Answer(503, {}, b"")

    queue = Queue(post, "http://site", first=1, rate=1000, seconds=1)
    queue.begin()
    assert taken.wait(20)
    queue.end()

    assert queue.ids == []
    assert set(queue.refused) == {"HTTP 503 b''"}
