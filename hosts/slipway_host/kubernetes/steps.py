"""The steps that a release takes in a cluster, that of this host or one of EKS: apply, restore, migrate and report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from slipway_host.kubernetes import migration, rendering
from slipway_host.kubernetes.cluster import Cluster
from slipway_host.kubernetes.pods import explain, pods_of, troubles
from slipway_host.kubernetes.rendering import Rendered
from slipway_host.kubernetes.settings import ClusterConfiguration, objects
from slipway_host.output import Failed, Output
from slipway_host.probe import probe
from slipway_host.programs import Programs
from slipway_host.release import Store
from slipway_host.settings import Record
from slipway_host.state import Memory, State

_DEFAULT = "default"


@dataclass(frozen=True)
class Node:
    """One cluster, for one step."""

    configuration: ClusterConfiguration
    programs: Programs
    cluster: Cluster
    store: Store
    memory: Memory
    output: Output


@dataclass(frozen=True)
class Release:
    """A release with the objects that the cluster gets."""

    sha: str
    record: Record
    rendered: Rendered


def apply(node: Node, wanted: str, *, fall_back: bool = True) -> tuple[int, dict[str, Any]]:
    """Runs a release; if it fails, the one that ran before comes back. Returns exit code and report."""
    state, say = node.memory.read(), node.output.say
    sha = node.store.current() if wanted == "current" else wanted
    if sha is None:
        say("no release yet: this environment has never run one")
        return 0, {"release": "", "version": "", "images": {}, "state": "none"}
    before = state.current
    try:
        release = _release(node, sha)
        say(f"release {release.record.version} ({release.record.commit[:7]}, {sha[:12]})")
        if wanted == "current" and _runs(node, state, release):
            say("it runs already, with the same objects and secrets: nothing to do")
            return 0, _now(node, state)
        _prepare(node, release)
        node.cluster.apply([*release.rendered.made, *release.rendered.objects], dry_run=True)
    except Failed as failure:
        say(f"FAILED before anything was changed: {failure}")
        found = _now(node, state)
        return 1, {**found, "state": "restored" if found["state"] == "running" else "failed"}
    try:
        _bring_up(node, state, release)
    except Failed as failure:
        say(f"FAILED: {failure}")
        explain(node.cluster, node.output, release.rendered.rolled_out())
        return 1, _after_failure(node, state, before if fall_back and before != sha else "", before)
    _settle(node, state, release)
    say(f"{release.record.version} runs")
    return 0, _now(node, state)


def migrate(node: Node, sha: str) -> tuple[int, dict[str, Any]]:
    """Runs the migrations of a release once; what runs keeps running. Returns exit code and report."""
    state = node.memory.read()
    try:
        _migrate(node, sha)
    except Failed as failure:
        node.output.say(f"FAILED: {failure}")
        return 1, _now(node, state)
    node.output.say("migrations are applied")
    return 0, _now(node, state, None if state.current else "none")


def _migrate(node: Node, sha: str) -> None:
    wanted = node.configuration.migration
    if wanted is None:
        raise Failed("the configuration names no migration: remove the action, or add `migration` to the manifest")
    release = _release(node, sha)
    node.output.say(f"migrations of {release.record.version} ({release.record.commit[:7]}, {sha[:12]})")
    job = migration.job(release.rendered, node.configuration.place, wanted, sha)
    _prepare(node, release)
    node.cluster.apply(release.rendered.made)
    migration.run(node.cluster, node.output, job, wanted)


def tell(node: Node) -> tuple[int, dict[str, Any]]:
    """Returns what runs."""
    return 0, _now(node, node.memory.read())


def renew(node: Node) -> None:
    """Gives the cluster a new password of the registry, valid for twelve hours; nothing if its nodes need none."""
    place, registry = node.configuration.place, node.configuration.registry
    if not registry:
        return
    password = node.store.registry_password()
    node.output.hide(password)
    made = [] if place.namespace == _DEFAULT else [rendering.namespace(place.namespace)]
    node.cluster.apply([*made, rendering.pull_secret(place.namespace, registry, password)])


def _release(node: Node, sha: str) -> Release:
    """Returns a release with the values that the configuration and the secrets have now."""
    configuration = node.configuration
    record = node.store.record(sha)
    files, values = node.store.files(record), node.store.values(record)
    if configuration.file not in files:
        raise Failed(f"the bundle of this release has no {configuration.file}: run the pipeline again")
    if configuration.place.image not in record.images:
        raise Failed(f"the release has no image {configuration.place.image}; it has {', '.join(sorted(record.images))}")
    rendered = rendering.render(
        objects(files[configuration.file].content, configuration.file),
        configuration.place,
        images=record.images,
        config={name: values.joined(parts, f"{name} of the ConfigMap") for name, parts in configuration.config},
        secret={name: values.joined(parts, f"{name} of the Secret") for name, parts in configuration.secret},
        password=bool(configuration.registry),
    )
    for made in rendered.made:
        if made["kind"] == "Secret":  # a message of the API server may quote an object
            for value in made["data"].values():
                node.output.hide(value)
    return Release(sha, record, rendered)


def _prepare(node: Node, release: Release) -> None:
    """Makes sure that the cluster can pull the images."""
    renewing = "; renewing the registry's password in the cluster" if node.configuration.registry else ""
    node.output.say(f"{len(release.rendered.objects)} objects{renewing}")
    renew(node)


def _bring_up(node: Node, state: State, release: Release) -> None:
    rendered, say = release.rendered, node.output.say
    state.attempt, state.files = release.sha, sorted({*state.files, *rendered.keys})
    node.memory.write(state)
    node.cluster.apply(rendered.made)
    say(node.cluster.apply(rendered.objects))
    for name in rendered.rolled_out():
        say(f"waiting for the rollout of {name}, at most {node.configuration.rollout_seconds} s")
        done = node.cluster.rollout(name, node.configuration.rollout_seconds)
        if done.code:
            raise Failed(f"the rollout of {name} did not end: {done.tail(2)}")
    if node.configuration.verify:
        say(f"the status page answered after {probe(node.configuration.verify)} tries")
    wrong = _troubles(node, release.record)
    if wrong:
        raise Failed("; ".join(wrong))


def _after_failure(node: Node, state: State, back_to: str, before: str) -> dict[str, Any]:
    if not back_to:
        node.output.say(
            "there is no other release to go back to; the pods stay as they are, for you to look at"
            if not before
            else "this step does not go back to another release; the pods stay as they are"
        )
        return _now(node, state, "failed")
    try:
        release = _release(node, back_to)
        node.output.say(f"\nundoing the rollout: {release.record.version} ({back_to[:12]}), which ran before")
        _bring_up(node, state, release)
    except Failed as failure:
        node.output.say(f"FAILED to go back: {failure}")
        return _now(node, state, "failed")
    _settle(node, state, release)
    node.output.say(f"{release.record.version} runs again")
    return _now(node, state, "restored")


def _settle(node: Node, state: State, release: Release) -> None:
    """Remembers the release that runs, and removes what no release needs that one may go back to."""
    gone = set(state.files) - set(release.rendered.keys)
    others = [sha for sha in state.releases if sha != release.sha]
    state.current, state.attempt, state.content = release.sha, "", release.rendered.digest
    state.releases = [release.sha, *others][: node.configuration.keep_releases]
    made = {sha: keys for sha, keys in state.generated.items() if sha in state.releases}
    state.generated = {**made, release.sha: release.rendered.made_keys}
    node.memory.write(state)
    try:
        node.store.keep_only(state.releases)
        kept = {key for keys in state.generated.values() for key in keys} | {f"Secret/{rendering.PULL_SECRET}"}
        kept.update(release.rendered.keys)  # the product may have given its own the same label
        removed = node.cluster.delete(sorted(gone | (node.cluster.made() - kept)))
        state.files = release.rendered.keys
        node.memory.write(state)
        if removed:
            node.output.say(removed)
    except (Failed, OSError) as error:  # the release runs; tidying up is tried again by the next one
        node.output.say(f"objects of older releases could not be removed: {error}")


def _runs(node: Node, state: State, release: Release) -> bool:
    same = state.current == release.sha and not state.attempt and state.content == release.rendered.digest
    return same and not _troubles(node, release.record)


def _troubles(node: Node, record: Record | None) -> list[str]:
    """Returns what differs from the deployment of a release."""
    place = node.configuration.place
    digest = record.images.get(place.image, "").partition("@")[2] if record else ""
    return troubles(node.cluster, place.deployment, place.container, digest) if digest else ["no release runs"]


def _now(node: Node, state: State, outcome: str | None = None) -> dict[str, Any]:
    """Returns the report; without an outcome it says `running` only if every pod runs the release."""
    record, images = _record(node, state.current), dict[str, str]()
    try:
        for found in node.cluster.get("deployment", node.configuration.place.deployment):
            for pod in pods_of(node.cluster, found):
                images |= {f"{pod.name}/{name}": digest for name, digest in pod.images.items() if digest and pod.ready}
        wrong = _troubles(node, record) if outcome is None and record else []
        for line in wrong:
            node.output.say(line)
    except Failed as failure:
        node.output.say(f"the pods cannot be described: {failure}")
        outcome, wrong = "failed", []
    if outcome is None:
        well = record is not None and not state.attempt and not wrong
        outcome = "running" if well else "failed" if images or state.attempt else "none"
    return {
        "release": state.current,
        "version": record.version if record else "",
        "images": images,
        "state": outcome,
    }


def _record(node: Node, sha: str) -> Record | None:
    try:
        return node.store.record(sha) if sha else None
    except Failed:
        return None
