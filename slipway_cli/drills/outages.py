"""Failures of other systems: GitHub's token, AWS's API, the artifact bucket."""

from __future__ import annotations

import json
import time
import urllib.error
from http import HTTPStatus
from typing import Any
from uuid import uuid4

from products import names
from slipway_cli.drills.releases import Before, ended, flow, stop
from slipway_cli.drills.scene import Scene, SceneError
from slipway_cli.release import services
from slipway_cli.release.errors import ReleaseError
from slipway_cli.texts import plain
from slipway_cli.typed import command


def expired_token(scene: Scene) -> None:
    """GitHub refuses the token: releases continue, but the functions cannot report to GitHub."""
    before, report = Before.of(scene), scene.report
    pipeline, secrets = flow(scene), scene.client("secretsmanager")
    if scene.product.pipeline is None:
        raise SceneError(f"{scene.product.name} has no pipeline")
    name = scene.product.pipeline.github.secret
    old = json.loads(secrets.get_secret_value(SecretId=name)["SecretString"])["token"]
    queue = _queue(scene)
    waiting = _waiting(scene, queue)
    try:
        scene.faults({"service": "github", "answer": "expired", "token": old})
        report.say(f"GitHub refuses the token in {name} from now on")
        with scene.visitor() as visitor:
            scene.type(f"slipway start {pipeline.flow} --product $P")
            run = next(entry.id for entry in pipeline.entries(5) if entry.active)
            scene.until(
                "the run's commit", lambda: any(entry.id == run and entry.commit for entry in pipeline.entries(5)), 60
            )
            stop(scene, pipeline, run)  # its end is the first event to report: at its start a run has no commit yet
            kept = scene.until("undelivered events", lambda: _waiting(scene, queue) - waiting, 300)
            report.promise("undelivered events are kept", kept > 0, f"{kept} in the queue")
            reason = scene.until("the alarm PipelineNewsWasLost", lambda: _alarm_reason(scene, queue), 180)
        report.promise("the alarm PipelineNewsWasLost starts", reason, reason)
        report.promise("visitors are served the whole time", visitor.unnoticed, visitor.summary())
        new = f"local-{uuid4().hex}"
        scene.documented("GitHub's token has expired", 0, replace={"<new token>": new, "allthrive/github": name})
        report.promise("the old token is still refused", _refused(scene, old), "HTTP 401")
        report.promise("the new token is accepted", isinstance(scene.issues(), list), "issues can be read")
    finally:
        scene.faults()
    empty = scene.until("an empty queue", lambda: _waiting(scene, queue) == 0, 60)
    report.promise("the queue is empty again", empty, "purged")
    before.intact(scene)


def _refused(scene: Scene, token: str) -> bool:
    try:
        scene.github("/issues", token)
    except urllib.error.HTTPError as error:
        return error.code == HTTPStatus.UNAUTHORIZED
    return False


def _queue(scene: Scene) -> str:
    prefix = f"tooling-{scene.product.name}-delivery-Undelivered"
    found = scene.client("sqs").list_queues(QueueNamePrefix=prefix).get("QueueUrls", [])
    if not found:
        raise SceneError(f"no queue {prefix}…: the tooling is not deployed; type: {command('demo')}")
    return str(found[0])


def _waiting(scene: Scene, queue: str) -> int:
    found = scene.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["ApproximateNumberOfMessages"])
    return int(found["Attributes"]["ApproximateNumberOfMessages"])


def _alarm_reason(scene: Scene, queue: str) -> str:
    """Returns the reason of the alarm on a queue; empty if there is no alarm."""
    alarms = scene.client("cloudwatch").describe_alarms(StateValue="ALARM")["MetricAlarms"]
    name = queue.rsplit("/", 1)[-1]
    return next(
        (
            str(alarm.get("StateReason"))
            for alarm in alarms
            if any(value["Value"] == name for value in alarm.get("Dimensions", []))
        ),
        "",
    )


def _injected(faults: list[dict[str, Any]]) -> int:
    """Returns the number of calls that faults have answered."""
    return sum(int(fault["given"]) for fault in faults)


def _release(scene: Scene, version: str) -> None:
    """Deploy the running images again under another version, as `slipway release` does."""
    stack = scene.client("cloudformation").describe_stacks(StackName=scene.target.stack("services"))["Stacks"][0]
    known = {parameter["ParameterKey"]: parameter["ParameterValue"] for parameter in stack["Parameters"]}
    images = {name: known[names.image_parameter(name)] for name in scene.product.images}
    services.deploy(scene.target, version, images)


def throttled_api(scene: Scene) -> None:
    """AWS throttles every second call during a release."""
    before, report = Before.of(scene), scene.report
    version = f"{before.version}-throttled"
    faults = [{"service": name, "answer": "throttle", "every": 2} for name in ("cloudformation", "ecs", "codepipeline")]
    try:
        with scene.visitor() as visitor:
            scene.faults(*faults)
            report.say("every second call of CloudFormation, ECS and CodePipeline is throttled")
            began = time.monotonic()
            _release(scene, version)
            report.promise(
                "a release is deployed nevertheless",
                scene.status().get("version") == version,
                f"{time.monotonic() - began:.0f} s",
            )
            scene.documented("AWS throttles", 0)
            count = _injected(scene.faults())
            report.promise("calls were really throttled", count > 0, f"{count} calls")
            _release(scene, before.version)
    finally:
        scene.faults()
    report.promise("the old release serves again", scene.status().get("version") == before.version, before.version)
    report.promise("visitors are served the whole time", visitor.unnoticed, visitor.summary())
    before.intact(scene)


def endpoint_down(scene: Scene) -> None:
    """The region's CloudFormation and CodePipeline are down: the site must serve, and commands must say so."""
    before, report = Before.of(scene), scene.report
    try:
        with scene.visitor() as visitor:
            scene.faults(*({"service": name, "answer": "down"} for name in ("cloudformation", "codepipeline")))
            report.say("CloudFormation and CodePipeline answer 503 to every call")
            printed = scene.documented("An AWS endpoint is down", 0, may_fail=True)
            error_line = next((line for line in printed.splitlines() if line.startswith("status failed: ")), "")
            report.promise(
                "slipway status reports it, without a traceback",
                error_line and "Traceback" not in printed,
                error_line[:110],
            )
            try:
                _release_that_must_fail(scene, before.version)
                report.promise("a release fails before it changes anything", kept=False)
            except ReleaseError as error:
                report.promise("a release fails before it changes anything", True, str(error).splitlines()[0][:110])
            report.promise("the old release serves", scene.status().get("version") == before.version, before.version)
            count = _injected(scene.faults())
            report.say(f"the endpoints are back; {count} calls had failed")
            scene.documented("An AWS endpoint is down", 0)
    finally:
        scene.faults()
    report.promise("visitors are served the whole time", visitor.unnoticed, visitor.summary())
    before.intact(scene)


def _release_that_must_fail(scene: Scene, version: str) -> None:
    services.deploy(scene.target, f"{version}-never", dict.fromkeys(scene.product.images, "none"))


def bucket_full(scene: Scene) -> None:
    """The artifact bucket refuses uploads: a run fails before it builds, and the site continues to serve."""
    before, report, pipeline = Before.of(scene), scene.report, flow(scene)
    bucket = pipeline.desk.client.get_pipeline(name=pipeline.name)["pipeline"]["artifactStore"]["location"]
    try:
        with scene.visitor() as visitor:
            scene.faults({"service": "s3", "method": "PUT", "path": f"/{bucket}/", "answer": "full"})
            report.say(f"no object can be put into {bucket}")
            known = {entry.id for entry in pipeline.entries(20)}
            scene.push("Drill: nothing can be stored")
            # The run cannot be found by its commit: a run that could not store its source has none.
            new = scene.until("a run", lambda: {entry.id for entry in pipeline.entries(20)} - known, 120)
            failed = ended(scene, pipeline, new.pop())
            at = next(
                (f"{step.name}: {plain(step.reason)}" for step in failed.steps if step.status == "Failed"), "nowhere"
            )
            report.promise("the run fails when it stores its source", "Source" in at, at[:110])
            issues = scene.until(
                "an issue", lambda: [issue for issue in scene.issues() if pipeline.name in issue["title"]], 120
            )
            report.promise("an issue is open", issues, f"#{issues[0]['number']} {issues[0]['title']}")
            report.promise("the old release serves", scene.status().get("version") == before.version, before.version)
            count = _injected(scene.faults())
            report.say(f"the bucket accepts uploads again; {count} had been refused")
            scene.documented("The artifacts bucket refuses uploads", 0)
            again = scene.until(
                "another run", lambda: next((entry for entry in pipeline.entries(5) if entry.active), None), 60
            )
            scene.until(
                "its source to be stored",
                lambda: any(
                    step.stage == "Source" and step.status == "Succeeded" for step in pipeline.run(again).steps
                ),
                120,
            )
            report.promise("the repair works: a run stores its source", True, again.id[:8])
            stop(scene, pipeline, again.id)
    finally:
        scene.faults()
    report.promise("visitors are served the whole time", visitor.unnoticed, visitor.summary())
    before.intact(scene)
