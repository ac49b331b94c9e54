"""EventBridge: the targets of events, and the roles with which they are called."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

from localcloud.testing.plain import ACCOUNT, REGION, Plain, plain, resources, unique

__all__ = ["plain"]

pytestmark = pytest.mark.local


def until(found: Callable[[], Any], seconds: float = 10) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = found()
        if answer:
            return answer
    raise AssertionError(f"nothing was found within {seconds:g} s")


def rule(target: dict[str, Any], source: str, **more: Any) -> dict[str, Any]:
    return resources(
        Rule=("AWS::Events::Rule", {"EventPattern": {"source": [source]}, "Targets": [{"Id": "t", **target}]}), **more
    )


def send(plain: Plain, source: str, **detail: Any) -> None:
    entry = {"Source": source, "DetailType": "test", "Detail": json.dumps(detail)}
    plain.client("events").put_events(Entries=[entry])


def messages(plain: Plain, group: str) -> list[Any]:
    events = plain.client("logs").filter_log_events(logGroupName=group)["events"]
    return [json.loads(event["message"]) for event in events]


def test_an_event_reaches_a_log_group(plain: Plain) -> None:
    source, group = unique("logs"), f"/{unique('events')}"
    arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}"
    plain.deploy(rule({"Arn": arn}, source, Group=("AWS::Logs::LogGroup", {"LogGroupName": group})))
    send(plain, source, word="hello")
    found = until(lambda: messages(plain, group))
    assert found[0]["detail"] == {"word": "hello"}


def project(plain: Plain) -> str:
    name = unique("build")
    plain.client("codebuild").create_project(
        name=name,
        source={"type": "NO_SOURCE", "buildspec": "version: 0.2"},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={"type": "LINUX_CONTAINER", "image": "x", "computeType": "BUILD_GENERAL1_SMALL"},
        serviceRole=plain.role(unique("service")),
    )
    return name


def events_role(plain: Plain, *actions: str) -> str:
    trust = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sts:AssumeRole"}
    allow = {"Effect": "Allow", "Action": list(actions) or ["sqs:ListQueues"], "Resource": "*"}
    return plain.role(unique("events"), allow, trust=trust)


def builds(plain: Plain, name: str) -> list[str]:
    ids: list[str] = plain.client("codebuild").list_builds_for_project(projectName=name)["ids"]
    return ids


def test_an_event_starts_a_build_with_the_targets_role(plain: Plain) -> None:
    source, name = unique("build"), project(plain)
    arn = f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/{name}"
    plain.deploy(rule({"Arn": arn, "RoleArn": events_role(plain, "codebuild:StartBuild")}, source))
    send(plain, source)
    assert until(lambda: builds(plain, name))


def test_an_event_goes_to_the_dead_letter_queue_if_the_targets_role_lacks_permission(plain: Plain) -> None:
    source, name, queue = unique("denied"), project(plain), unique("dead")
    sqs = plain.client("sqs")
    url = sqs.create_queue(QueueName=queue)["QueueUrl"]
    target = {
        "Arn": f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/{name}",
        "RoleArn": events_role(plain),
        "DeadLetterConfig": {"Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}"},
    }
    plain.deploy(rule(target, source))
    send(plain, source)
    assert until(lambda: sqs.receive_message(QueueUrl=url).get("Messages"))
    assert builds(plain, name) == []


def test_pushing_an_image_emits_an_event(plain: Plain) -> None:
    group, name = f"/{unique('push')}", unique("image")
    pattern = {"source": ["aws.ecr"], "detail": {"repository-name": [name], "action-type": ["PUSH"]}}
    target = {"Id": "t", "Arn": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}"}
    plain.deploy(
        resources(
            Group=("AWS::Logs::LogGroup", {"LogGroupName": group}),
            Repository=("AWS::ECR::Repository", {"RepositoryName": name}),
            Rule=("AWS::Events::Rule", {"EventPattern": pattern, "Targets": [target]}),
        )
    )
    request = urllib.request.Request(f"{plain.url}/v2/{name}/manifests/v1", data=b'{"layers": []}', method="PUT")
    urllib.request.urlopen(request).close()
    found = until(lambda: messages(plain, group))
    assert found[0]["detail"]["image-tag"] == "v1"
