"""The execution modes: the order in which runs enter a stage."""

from __future__ import annotations

from localcloud.codepipeline.modes import PARALLEL, QUEUED, SUPERSEDED, Gate


def entered(gate: Gate, mode: str, execution: str, *, enabled: bool = True) -> bool:
    if not gate.may_enter(mode, execution, enabled=enabled):
        return False
    gate.enter(execution)
    return True


def test_a_stage_is_locked_while_a_run_is_in_it() -> None:
    for mode in (SUPERSEDED, QUEUED):
        gate = Gate()
        gate.arrive(mode, 1, "a")
        assert entered(gate, mode, "a")
        gate.arrive(mode, 2, "b")
        assert not entered(gate, mode, "b")
        gate.leave("a")
        assert entered(gate, mode, "b")


def test_superseded_lets_the_newest_waiting_run_replace_the_older_ones() -> None:
    gate = Gate()
    gate.arrive(SUPERSEDED, 1, "a")
    gate.enter("a")
    assert gate.arrive(SUPERSEDED, 2, "b") == []
    assert gate.arrive(SUPERSEDED, 3, "c") == ["b"]


def test_superseded_never_replaces_a_newer_run_by_an_older_one() -> None:
    gate = Gate()
    gate.arrive(SUPERSEDED, 3, "c")
    assert gate.arrive(SUPERSEDED, 2, "b") == []


def test_queued_runs_enter_in_order_of_arrival() -> None:
    gate = Gate()
    for number, run in enumerate("abc"):
        assert gate.arrive(QUEUED, number, run) == []
    assert not gate.may_enter(QUEUED, "b", enabled=True)
    assert entered(gate, QUEUED, "a")
    gate.leave("a")
    assert not gate.may_enter(QUEUED, "c", enabled=True)
    assert entered(gate, QUEUED, "b")


def test_a_queued_run_that_gives_up_lets_the_next_one_in() -> None:
    gate = Gate()
    gate.arrive(QUEUED, 1, "a")
    gate.arrive(QUEUED, 2, "b")
    gate.give_up("a")
    assert entered(gate, QUEUED, "b")


def test_parallel_runs_can_be_in_the_same_stage() -> None:
    gate = Gate()
    for number, run in enumerate("abc"):
        gate.arrive(PARALLEL, number, run)
        assert entered(gate, PARALLEL, run)
    assert gate.holders == set("abc")


def test_no_run_enters_through_a_disabled_transition() -> None:
    for mode in (SUPERSEDED, QUEUED, PARALLEL):
        gate = Gate()
        gate.arrive(mode, 1, "a")
        assert not gate.may_enter(mode, "a", enabled=False)
        assert gate.may_enter(mode, "a", enabled=True)
