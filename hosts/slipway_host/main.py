"""`python3 <zip> [options] apply|migrate|renew|report|restore RELEASE`, as the SSM document calls it.

`renew` gives MicroK8s a new password of the registry; a timer on the host calls it.

Exit code 0: done. 1: the release does not run; the last line says if the one before runs again. 2: wrong arguments.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
from pathlib import Path
from typing import Iterator, Sequence

from slipway_host.cloud import Cloud
from slipway_host.containers import Daemon
from slipway_host.host import Host
from slipway_host.kubernetes import steps as cluster_steps
from slipway_host.kubernetes.cluster import Cluster
from slipway_host.kubernetes.settings import ClusterConfiguration, is_cluster
from slipway_host.kubernetes.steps import Node
from slipway_host.output import Failed, Output
from slipway_host.programs import Programs
from slipway_host.release import Store
from slipway_host.settings import SHA, Configuration
from slipway_host.state import Memory
from slipway_host.steps import apply, migrate, tell


def main(words: Sequence[str]) -> int:
    """Runs a step; returns the exit code. The last line of the output is `SLIPWAY {…}`, whatever happens."""
    arguments = _arguments(words)
    os.umask(0o022)
    output = Output()
    try:
        code, report = _run(arguments, output)
    except (Failed, OSError) as failure:  # OSError: a full disk
        output.say(f"FAILED: {failure}")
        code, report = 1, {"release": "", "version": "", "images": {}, "state": "failed"}
    output.end(report)
    return code


def _run(arguments: argparse.Namespace, output: Output) -> tuple[int, dict[str, object]]:
    programs = Programs(arguments.configuration)
    cloud = Cloud(programs, arguments.region, arguments.bucket)
    text = cloud.parameter(arguments.configuration)
    if is_cluster(text):
        return _step_in_cluster(_node(text, programs, cloud, output), arguments.step, arguments.release)
    return _step(_host(text, programs, cloud, output), arguments.step, arguments.release)


def _step(host: Host, step: str, release: str) -> tuple[int, dict[str, object]]:
    if step == "report":
        return tell(host)
    if step == "renew":
        raise Failed("this host has no MicroK8s whose registry's password could be renewed")
    with _alone(host.memory, host.programs, host.output), _docker_settings(host):
        if step == "migrate":
            return migrate(host, release)
        return apply(host, release, fall_back=step == "apply")


def _step_in_cluster(node: Node, step: str, release: str) -> tuple[int, dict[str, object]]:
    if step == "report":
        return cluster_steps.tell(node)
    with _alone(node.memory, node.programs, node.output):
        if step == "renew":
            cluster_steps.renew(node)
            return cluster_steps.tell(node)
        if step == "migrate":
            return cluster_steps.migrate(node, release)
        return cluster_steps.apply(node, release, fall_back=step == "apply")


@contextlib.contextmanager
def _alone(memory: Memory, programs: Programs, output: Output) -> Iterator[None]:
    """Waits until no other step runs, and ends what a killed one has left."""
    with memory.locked(output):
        ended = programs.end_leftovers()
        if ended:
            output.say(f"ended {ended} programs of a step that was killed")
        yield


@contextlib.contextmanager
def _docker_settings(host: Host) -> Iterator[None]:
    """Gives docker a folder for the registry's password, which is removed at the end."""
    programs = host.programs
    with host.memory.scratch("docker") as docker:
        own = Path(os.environ.get("DOCKER_CONFIG", Path(programs.environment["HOME"]) / ".docker")) / "cli-plugins"
        if own.is_dir():
            (docker / "cli-plugins").symlink_to(own)
        programs.environment["DOCKER_CONFIG"] = str(docker)
        yield


def _host(text: str, programs: Programs, cloud: Cloud, output: Output) -> Host:
    configuration = Configuration.parse(text)
    memory = Memory(configuration.folder)
    daemon = Daemon(programs, configuration.project)
    return Host(configuration, programs, daemon, Store(cloud, memory, output), memory, output)


def _node(text: str, programs: Programs, cloud: Cloud, output: Output) -> Node:
    configuration = ClusterConfiguration.parse(text)
    memory = Memory(configuration.folder)
    cluster = Cluster(programs, configuration.place.namespace)
    return Node(configuration, programs, cluster, Store(cloud, memory, output), memory, output)


def _arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="slipway-host", description="Runs a release on this host.")
    parser.add_argument("--region", required=True)
    parser.add_argument("--bucket", required=True, help="the bucket of releases")
    parser.add_argument("--configuration", required=True, help="name of the parameter with the configuration")
    parser.add_argument("step", choices=["apply", "migrate", "renew", "report", "restore"])
    parser.add_argument("release", help="SHA-256 of a release's record, or current")
    arguments = parser.parse_args(words)
    if arguments.release != "current" and not SHA.fullmatch(arguments.release):
        parser.error(f"RELEASE is {arguments.release!r}; give 64 hexadecimal digits, or current")
    if not re.fullmatch(r"/[\w./-]+", arguments.configuration):
        parser.error("--configuration is the name of a parameter, e.g. /slipway/staging-edenco/configuration")
    if arguments.step == "migrate" and arguments.release == "current":
        parser.error("migrate needs the SHA-256 of a release")
    return arguments
