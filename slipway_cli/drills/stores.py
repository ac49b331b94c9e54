"""Restarts of database and cache, and a change of the password, while people use the site."""

from __future__ import annotations

import json
import time
from functools import partial
from typing import Any

import psycopg2

from localcloud import network
from slipway_cli.drills import rows
from slipway_cli.drills.releases import Before
from slipway_cli.drills.scene import Scene, SceneError
from slipway_cli.release.verify import get
from slipway_cli.typed import command

_CALM_SECONDS = 5.0  # visitors must be served this long before a fault counts as over


def _calm(scene: Scene, visitor: Any, seconds: float = 300) -> None:
    """Wait until visitors have been served without failures for some seconds."""

    def served() -> bool:
        recent = [visit for visit in visitor.visits if visit.at + visit.took > visitor.visits[-1].at - _CALM_SECONDS]
        return not any(visit.problem for visit in recent) and visitor.visits[-1].at > _CALM_SECONDS

    time.sleep(_CALM_SECONDS)
    scene.until("visitors being served", served, seconds)


def _task_works(scene: Scene) -> float:
    """Start a task of the workers. Returns the seconds until it was done."""
    began = time.monotonic()
    body = json.dumps({"text": "five words make one task"}).encode()

    def done() -> bool:
        try:
            started = get(f"{scene.url}/api/v1/tasks/", method="POST", body=body, content_type="application/json")
            where = f"{scene.url}/api/v1/tasks/{started.json()['id']}/"
            deadline = time.monotonic() + 20
            while time.monotonic() < deadline:
                if get(where).json().get("state") == "SUCCESS":
                    return True
                time.sleep(0.5)
        except (OSError, ValueError, KeyError):
            pass
        return False

    scene.until("a task to be done", done, 300)
    return time.monotonic() - began


def database_restart(scene: Scene) -> None:
    """RDS restarts the database, as it does for maintenance or a failover."""
    before, report = Before.of(scene), scene.report
    tasks = {name: scene.tasks(name) for name in scene.product.services}
    with scene.visitor() as visitor:
        scene.documented("The database restarts", 0)
        _calm(scene, visitor)
        report.say(f"a worker finished a task {_task_works(scene):.1f} s after its start")
    report.promise("visitors are served again automatically", not visitor.visits[-1].problem, visitor.summary())
    report.promise("no task was restarted", {name: scene.tasks(name) for name in tasks} == tasks, "the same tasks run")
    report.promise("the old release serves", scene.status().get("version") == before.version, before.version)
    before.intact(scene)
    report.say("no alarm: RequestsFail needs ten failures in each of five minutes")


def redis_failover(scene: Scene) -> None:
    """The primary of Redis stops and comes back empty. That is worse than a failover, which keeps most of the data."""
    before, report = Before.of(scene), scene.report
    tasks = {name: scene.tasks(name) for name in scene.product.services}
    container = _cache_container(scene)
    with scene.visitor() as visitor:
        report.say("the local cache is one container without a replica: it is killed and started again, empty")
        container.kill()
        container.start()
        _calm(scene, visitor)
        report.say(f"a worker finished a task {_task_works(scene):.1f} s after its start")
        scene.documented("Redis fails over", 0)
        worker = scene.until("beat's heartbeat", lambda: scene.status().get("worker", {}).get("ok"), 180)
    report.promise("visitors are served again automatically", not visitor.visits[-1].problem, visitor.summary())
    report.promise("workers and beat reconnected", worker, "a task was finished, and beat's heartbeat arrived")
    kept = {name: scene.tasks(name) for name in tasks}
    report.promise(
        "no task was restarted", kept == tasks, "the same tasks run" if kept == tasks else "see describe-services"
    )
    before.intact(scene)
    report.say("the tasks queued at that moment are lost. On AWS a replica takes over and loses only the last second")


def _cache_container(scene: Scene) -> Any:
    if scene.product.cache is None:
        raise SceneError(f"{scene.product.name} has no cache: choose a drill for another part")
    group = scene.client("elasticache").describe_replication_groups()["ReplicationGroups"]
    prefix = f"{scene.environment}-{scene.product.name}"
    name = next(
        (
            description["ReplicationGroupId"]
            for description in group
            if description["ReplicationGroupId"].startswith(prefix)
        ),
        "",
    )
    docker = network.connect()
    if docker is None or not name:
        raise SceneError(f"{scene.environment} has no running cache; type: {command('demo')}, with Docker running")
    found = [
        container
        for container in docker.containers.list(filters={"label": "ministack=elasticache"})
        if name in str(container.name)
    ]
    if not found:
        raise SceneError(f"no container of the cache {name} is running; type: docker ps")
    return found[0]


def secret_rotation(scene: Scene) -> None:
    """The database password is changed while people use the site."""
    rotated = [
        name
        for name, environment in scene.product.environments.items()
        if environment.database and environment.database.rotate_password_days
    ]
    if scene.environment not in rotated:
        raise SceneError(
            f"{scene.environment} does not rotate its password; type: "
            + command("drill", "secret-rotation", environment=next(iter(rotated), ""))
        )
    before, report = Before.of(scene), scene.report
    old = scene.database_url
    tasks = {name: scene.tasks(name) for name in scene.product.services}
    with scene.visitor() as visitor:
        began = time.monotonic()
        scene.documented("Rotate the database password now", 0)
        scene.until("a new password", lambda: scene.database_url != old, 300)
        report.say("the secret has a new password")
        for name, old_tasks in tasks.items():
            scene.until(f"new tasks of {name}", partial(_renewed, scene, name, old_tasks), 600)
            report.say(f"{name} uses it")
        _calm(scene, visitor)
        seconds = time.monotonic() - began
    report.promise("every task has the new password", True, f"after {seconds:.0f} s")
    report.promise("visitors are served again automatically", not visitor.visits[-1].problem, visitor.summary())
    kept = not _refused(old)
    report.promise(
        "the old login works until the next rotation", kept, "no task lost its access before it was replaced"
    )
    report.promise("the same release serves", scene.status().get("version") == before.version, before.version)
    before.intact(scene)
    if visitor.failed:
        report.say(f"visitors were not served for at most {visitor.longest_gap:.1f} s, while tasks were replaced")


def _renewed(scene: Scene, service: str, old_tasks: list[str]) -> bool:
    found = scene.client("ecs").describe_services(cluster=scene.cluster, services=[scene.service(service)])["services"][
        0
    ]
    return (
        not set(scene.tasks(service)) & set(old_tasks)
        and len(found["deployments"]) == 1
        and found["deployments"][0]["rolloutState"] == "COMPLETED"
    )


def _refused(url: str) -> bool:
    try:
        rows.connect(url).close()
    except psycopg2.OperationalError as error:
        return "password" in str(error)
    return False
