"""A stack whose rollback failed stops the next deployment, which says how to end it; then deployments go on."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from localcloud.testing.cloud import until
from localcloud.testing.plain import REGION
from products import names
from tests.end_to_end.infrastructure.changes import described
from tests.end_to_end.infrastructure.rehearsal import PRODUCT, Rehearsal

pytestmark = pytest.mark.long  # fifteen stacks

STACK = names.stack("staging", PRODUCT.name, "services")
GRACE = 77  # seconds
CLUSTER = names.cluster("staging", PRODUCT.name)


def waiting(template: dict[str, Any]) -> None:
    """Changes a service; then waits for a signal that a person sends."""
    service = next(key for key, value in template["Resources"].items() if value["Type"] == "AWS::ECS::Service")
    template["Resources"][service]["Properties"]["HealthCheckGracePeriodSeconds"] = GRACE
    template["Resources"]["Signal"] = {"Type": "AWS::CloudFormation::WaitConditionHandle"}
    template["Resources"]["Wait"] = {
        "Type": "AWS::CloudFormation::WaitCondition",
        "DependsOn": [service],
        "Properties": {"Handle": {"Ref": "Signal"}, "Timeout": "600"},
    }


def test_a_failed_rollback_is_ended_as_the_next_deployment_says(rehearsal: Rehearsal) -> None:
    breaking = rehearsal.changed("breaking", "Services", waiting)
    following = rehearsal.changed("after-breaking", "Observability", described("after a failed rollback"))
    rehearsal.review(breaking)
    lost, output = break_rollback(rehearsal, breaking)
    assert rehearsal.state(STACK) == "UPDATE_ROLLBACK_FAILED", output

    code, refused = rehearsal.compare(following)
    if not code:
        code, refused = rehearsal.deploy(following)
    assert code == 1
    assert "UPDATE_ROLLBACK_FAILED" in refused
    command = f"aws cloudformation continue-update-rollback --stack-name {STACK} --region {REGION}"
    assert command in refused
    assert "slipway retry infrastructure" in refused

    restore(rehearsal, lost)
    subprocess.run(command.split(), check=True, env={**os.environ, **rehearsal.settings.environment()})
    until("the end of the rollback", lambda: rehearsal.state(STACK) == "UPDATE_ROLLBACK_COMPLETE")
    rehearsal.review(following)
    code, output = rehearsal.deploy(following)
    assert code == 0, output


def break_rollback(rehearsal: Rehearsal, assembly: Path) -> tuple[dict[str, Any], str]:
    """Deploys, deletes the changed service by hand, and lets the update fail.

    Returns the deleted service, and what the deployment printed.
    """
    ecs, cloudformation = rehearsal.plain.client("ecs"), rehearsal.plain.client("cloudformation")
    (arn,) = ecs.list_services(cluster=CLUSTER)["serviceArns"]
    running = rehearsal.begin_deployment(assembly)

    def service() -> dict[str, Any]:
        return dict(ecs.describe_services(cluster=CLUSTER, services=[arn])["services"][0])

    def handle() -> str | None:
        listed = cloudformation.list_stack_resources(StackName=STACK)["StackResourceSummaries"]
        return next((str(row["PhysicalResourceId"]) for row in listed if row["LogicalResourceId"] == "Signal"), None)

    until("the changed service", lambda: service()["healthCheckGracePeriodSeconds"] == GRACE)
    url = until("the address for signals", handle)
    lost = service()
    ecs.delete_service(cluster=CLUSTER, service=arn, force=True)
    signal = {"Status": "FAILURE", "UniqueId": "1", "Reason": "a rehearsal", "Data": ""}
    request = urllib.request.Request(str(url), json.dumps(signal).encode(), {"Content-Type": ""}, method="PUT")
    urllib.request.urlopen(request, timeout=30).close()
    return lost, running.communicate()[0]


def restore(rehearsal: Rehearsal, lost: dict[str, Any]) -> None:
    """Creates a service again, as it was."""
    kept = ("serviceName", "taskDefinition", "desiredCount", "launchType", "networkConfiguration", "loadBalancers")
    rehearsal.plain.client("ecs").create_service(cluster=CLUSTER, **{name: lost[name] for name in kept if name in lost})
