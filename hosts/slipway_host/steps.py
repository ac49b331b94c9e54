"""The steps that a release takes on this host: apply, restore, migrate and report."""

from __future__ import annotations

import time
from typing import Any, Callable

from slipway_host.folder import Folder
from slipway_host.host import Host
from slipway_host.migration import run_migration
from slipway_host.output import Failed
from slipway_host.pgpass import place
from slipway_host.probe import probe
from slipway_host.release import Release
from slipway_host.report import explain, report, troubles
from slipway_host.settings import Record
from slipway_host.state import State


def apply(host: Host, wanted: str, *, fall_back: bool = True) -> tuple[int, dict[str, Any]]:
    """Runs a release; if it fails, the one that ran before comes back. Returns exit code and report."""
    state, say = host.memory.read(), host.output.say
    sha = host.store.current() if wanted == "current" else wanted
    if sha is None:
        say("no release yet: this environment has never run one")
        return 0, report(State(), None, [], "none")
    before = state.current
    try:
        release = host.store.release(sha, host.configuration)
        say(f"release {release.record.version} ({release.record.commit[:7]}, {sha[:12]})")
        if wanted == "current" and _runs(host, state, release):
            say("it runs already, with the same files and secrets: nothing to do")
            return 0, _now(host, state)
        _prepare(host, release)
    except Failed as failure:
        say(f"FAILED before anything was changed: {failure}")
        return 1, _unchanged(host, state)
    try:
        _bring_up(host, state, release)
    except Failed as failure:
        say(f"FAILED: {failure}")
        explain(host.daemon, host.output, host.configuration.verify.port if host.configuration.verify else None)
        return 1, _after_failure(host, state, before if fall_back and before != sha else "", before)
    _settle(host, state, release)
    say(f"{release.record.version} runs")
    return 0, _now(host, state)


def migrate(host: Host, sha: str) -> tuple[int, dict[str, Any]]:
    """Runs the migrations of a release once; what runs keeps running. Returns exit code and report."""
    state = host.memory.read()
    try:
        _migrate(host, state, sha)
    except Failed as failure:
        host.output.say(f"FAILED: {failure}")
        return 1, _now(host, state)
    host.output.say("migrations are applied")
    return 0, _now(host, state, None if state.current else "none")


def _migrate(host: Host, state: State, sha: str) -> None:
    migration = host.configuration.migration
    if migration is None:
        raise Failed("the configuration names no migration: remove the action, or add `migration` to the manifest")
    release = host.store.release(sha, host.configuration)
    host.output.say(f"migrations of {release.record.version} ({release.record.commit[:7]}, {sha[:12]})")
    _prepare(host, release)
    if any(container.status == "running" for container in host.daemon.containers()):
        with host.memory.scratch("migration") as scratch:
            beside = Folder(scratch)
            release.write(beside)
            run_migration(host, release, migration, beside, beside=True)
    else:  # nothing runs that could be disturbed, and what the migration depends on has to be started
        _install(host, state, release)
        run_migration(host, release, migration, Folder(host.configuration.folder), beside=False)


def tell(host: Host) -> tuple[int, dict[str, Any]]:
    """Returns what runs."""
    return 0, _now(host, host.memory.read())


def _now(host: Host, state: State, outcome: str | None = None) -> dict[str, Any]:
    try:
        containers = host.daemon.containers()
    except Failed as failure:
        host.output.say(f"the containers cannot be described: {failure}")
        containers, outcome = [], "failed"
    return report(state, _record(host, state.current), containers, outcome)


def _unchanged(host: Host, state: State) -> dict[str, Any]:
    """Returns the report of a release that changed nothing: the one before runs, or is as broken as it was."""
    found = _now(host, state)
    return {**found, "state": "restored" if found["state"] == "running" else "failed"}


def _record(host: Host, sha: str) -> Record | None:
    try:
        return host.store.record(sha) if sha else None
    except Failed:
        return None


def _runs(host: Host, state: State, release: Release) -> bool:
    same = state.current == release.sha and not state.attempt and state.content == release.content
    return same and not troubles(host.daemon.containers(), release.record)


def _prepare(host: Host, release: Release) -> None:
    """Checks the files and pulls the images, beside what runs."""
    if host.configuration.registry:
        host.daemon.login(host.configuration.registry, host.store.registry_password())
    with host.memory.scratch("next") as scratch:
        folder = Folder(scratch)
        release.write(folder)
        project = host.project(folder)
        project.resolved()
        host.output.say("pulling the images that are missing")
        project.pull()


def _install(host: Host, state: State, release: Release) -> Folder:
    """Writes the release's files into the folder, and removes those of earlier releases that it lacks."""
    folder = Folder(host.configuration.folder)
    old = set(state.files) - set(release.files)
    state.attempt, state.files = release.sha, sorted(set(state.files) | set(release.files))
    host.memory.write(state)
    for name in sorted(old, reverse=True):
        folder.remove(name)
    release.write(folder)
    state.files = sorted(release.files)
    host.memory.write(state)
    return folder


def _bring_up(host: Host, state: State, release: Release) -> None:
    folder = _install(host, state, release)
    host.output.say(f"recreating the containers; they have {host.configuration.wait_seconds} s to become healthy")
    done = host.project(folder).up(_placing(host, release) if release.pgpass else None)
    if done.code:
        _wait_for_ended_ones(host, release, done.tail(8))
    if host.configuration.verify:
        try:
            host.output.say(f"the status page answered after {probe(host.configuration.verify)} tries")
        except Failed as failure:
            raise Failed(f"{failure}; docker compose said: {done.tail(8)}" if done.code else str(failure)) from None
    wrong = troubles(host.daemon.containers(), release.record)
    if wrong:
        raise Failed("; ".join(wrong))


def _placing(host: Host, release: Release) -> Callable[[], None]:
    def prepare() -> None:
        for container in host.daemon.containers():
            place(host.daemon, container, release.pgpass)

    return prepare


def _wait_for_ended_ones(host: Host, release: Release, said: str) -> None:
    """Waits for health where compose gives up: it counts a container as failed that has done its work and ended."""
    end = time.monotonic() + host.configuration.wait_seconds
    while True:
        containers = host.daemon.containers()
        wrong = troubles(containers, release.record)
        if not any(container.status == "exited" and container.code == 0 for container in containers):
            raise Failed(f"docker compose could not start all containers: {said}")
        if not wrong:
            return
        if time.monotonic() >= end or any(not trouble.endswith("is starting") for trouble in wrong):
            raise Failed(f"{'; '.join(wrong)}; docker compose said: {said}")
        time.sleep(1)


def _after_failure(host: Host, state: State, back_to: str, before: str) -> dict[str, Any]:
    if not back_to:
        host.output.say(
            "there is no other release to go back to; the containers stay as they are, for you to look at"
            if not before
            else "this step does not go back to another release; the containers stay as they are"
        )
        return _now(host, state, "failed")
    try:
        release = host.store.release(back_to, host.configuration)
        host.output.say(f"\ngoing back to {release.record.version} ({back_to[:12]}), which ran before")
        _bring_up(host, state, release)
    except Failed as failure:
        host.output.say(f"FAILED to go back: {failure}")
        explain(host.daemon, host.output, None)
        return _now(host, state, "failed")
    _settle(host, state, release)
    host.output.say(f"{release.record.version} runs again")
    return _now(host, state, "restored")


def _settle(host: Host, state: State, release: Release) -> None:
    """Remembers the release that runs, and removes what no release needs that one may go back to."""
    state.current, state.attempt, state.content = release.sha, "", release.content
    others = [sha for sha in state.releases if sha != release.sha]
    state.releases = [release.sha, *others][: host.configuration.keep_releases]
    host.memory.write(state)
    try:
        host.store.keep_only(state.releases)
        kept = {digest for sha in state.releases for digest in host.store.record(sha).repositories.values()}
        gone = host.daemon.remove_images(host.configuration.registry, kept) if host.configuration.registry else []
        if gone:
            host.output.say(f"removed {len(gone)} images of older releases")
    except (Failed, OSError) as error:  # the release runs; tidying up is tried again by the next one
        host.output.say(f"older images or files could not be removed: {error}")
