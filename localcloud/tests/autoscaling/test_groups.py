"""EC2 Auto Scaling groups with hosts, behind a load balancer with targets of the type instance."""

from __future__ import annotations

import base64
import subprocess
from typing import Any

import pytest

from localcloud.testing.cloud import Cloud, balancer, until
from localcloud.testing.hosts import IMAGE, Host
from localcloud.testing.plain import unique

pytestmark = [pytest.mark.local, pytest.mark.docker, pytest.mark.slow]

BOOT = """#!/bin/sh
mkdir -p /srv/www && cd /srv/www && hostname > index.html && echo ok > healthz
nohup python3 -m http.server 8000 >/dev/null 2>&1 &
"""


def stack(name: str, size: int = 1, health: str = "EC2") -> dict[str, Any]:
    made = balancer(name)
    made["Group"]["Properties"] |= {
        "TargetType": "instance",
        "HealthCheckIntervalSeconds": 5,
        "UnhealthyThresholdCount": 2,
        "TargetGroupAttributes": [{"Key": "deregistration_delay.timeout_seconds", "Value": "5"}],
    }
    data = {"ImageId": IMAGE, "InstanceType": "t4g.small", "UserData": base64.b64encode(BOOT.encode()).decode()}
    made["Template"] = {"Type": "AWS::EC2::LaunchTemplate", "Properties": {"LaunchTemplateData": data}}
    version = {"Fn::GetAtt": ["Template", "LatestVersionNumber"]}
    made["Hosts"] = {
        "Type": "AWS::AutoScaling::AutoScalingGroup",
        "Properties": {
            "MinSize": str(size),
            "MaxSize": str(size),
            "DesiredCapacity": str(size),
            "HealthCheckType": health,
            "HealthCheckGracePeriod": 0,
            "LaunchTemplate": {"LaunchTemplateId": {"Ref": "Template"}, "Version": version},
            "TargetGroupARNs": [{"Ref": "Group"}],
            "Tags": [{"Key": "shop", "Value": "yes", "PropagateAtLaunch": True}],
        },
    }
    return {"Resources": made}


def instances(cloud: Cloud, group: str) -> list[str]:
    api = cloud.client("autoscaling")
    found = api.describe_auto_scaling_groups(AutoScalingGroupNames=[group])["AutoScalingGroups"][0]["Instances"]
    return [entry["InstanceId"] for entry in found if entry["LifecycleState"] == "InService"]


def states(cloud: Cloud, group: str) -> dict[str, str]:
    found = cloud.client("elbv2").describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    return {entry["Target"]["Id"]: entry["TargetHealth"]["State"] for entry in found}


def served(cloud: Cloud, name: str) -> str:
    return cloud.get(name).decode().strip()


def name_of(cloud: Cloud, instance: str) -> str:
    return Host(cloud, instance).sh("hostname")


def test_a_group_replaces_a_terminated_and_a_dead_host_and_the_balancer_follows(cloud: Cloud) -> None:
    name = unique("asg")
    made = cloud.deploy(stack(name), name)
    group, targets = made["Hosts"], made["Group"]
    (first,) = instances(cloud, group)
    host = Host(cloud, first)
    tags = {tag["Key"]: tag["Value"] for tag in host.describe()["Tags"]}
    assert (tags["shop"], tags["aws:autoscaling:groupName"]) == ("yes", group)
    until("the host is healthy", lambda: states(cloud, targets) == {first: "healthy"})
    assert served(cloud, name) == name_of(cloud, first)

    cloud.client("ec2").terminate_instances(InstanceIds=[first])
    until(
        "another is healthy",
        lambda: list(states(cloud, targets).values()) == ["healthy"] and first not in states(cloud, targets),
    )
    (second,) = instances(cloud, group)
    assert served(cloud, name) == name_of(cloud, second)

    subprocess.run(["docker", "kill", Host(cloud, second).container], check=True, capture_output=True)
    until("a third is in service", lambda: instances(cloud, group) not in ([], [second]))
    until("the dead one is gone", lambda: Host(cloud, second).state() == "terminated")
    assert cloud.delete(name) == "DELETE_COMPLETE"


def test_an_unhealthy_target_is_not_routed_to_and_comes_back(cloud: Cloud) -> None:
    name = unique("asg")
    made = cloud.deploy(stack(name, 2), name)
    group, targets = made["Hosts"], made["Group"]
    until("both are healthy", lambda: list(states(cloud, targets).values()) == ["healthy", "healthy"])
    sick, well = instances(cloud, group)
    Host(cloud, sick).sh("mv /srv/www/healthz /srv/www/away")
    until("one is unhealthy", lambda: states(cloud, targets) == {sick: "unhealthy", well: "healthy"})
    assert {served(cloud, name) for _ in range(10)} == {name_of(cloud, well)}
    Host(cloud, sick).sh("mv /srv/www/away /srv/www/healthz")
    until("it is healthy again", lambda: states(cloud, targets)[sick] == "healthy")

    elb = cloud.client("elbv2")
    elb.deregister_targets(TargetGroupArn=targets, Targets=[{"Id": sick}])
    until("it is out of the group", lambda: sick not in states(cloud, targets))
    asked = elb.describe_target_health(TargetGroupArn=targets, Targets=[{"Id": sick}])["TargetHealthDescriptions"]
    assert asked[0]["TargetHealth"]["Reason"] == "Target.NotRegistered"
    assert {served(cloud, name) for _ in range(10)} == {name_of(cloud, well)}
    elb.register_targets(TargetGroupArn=targets, Targets=[{"Id": sick, "Port": 8000}])
    until("it is healthy again", lambda: states(cloud, targets).get(sick) == "healthy")

    api = cloud.client("autoscaling")
    api.terminate_instance_in_auto_scaling_group(InstanceId=sick, ShouldDecrementDesiredCapacity=False)
    until("it is replaced", lambda: len(instances(cloud, group)) == 2 and sick not in instances(cloud, group))
    assert cloud.delete(name) == "DELETE_COMPLETE"
