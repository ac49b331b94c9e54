"""Application Auto Scaling: its API, the capacity range, and IAM."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.testing.plain import ACCOUNT, Plain, plain, resources, unique

__all__ = ["plain"]

pytestmark = pytest.mark.local

DIMENSION = "ecs:service:DesiredCount"


def template(name: str, lowest: int, highest: int, target: int = 60) -> dict[str, Any]:
    tracking = {
        "TargetValue": target,
        "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"},
        "ScaleInCooldown": 60,
    }
    container = {"Name": "main", "Image": "python:3.13-slim", "Command": ["true"]}
    return resources(
        Cluster=("AWS::ECS::Cluster", {"ClusterName": name}),
        Task=("AWS::ECS::TaskDefinition", {"Family": name, "ContainerDefinitions": [container]}),
        Service=(
            "AWS::ECS::Service",
            {
                "Cluster": {"Ref": "Cluster"},
                "ServiceName": name,
                "DesiredCount": 1,
                "TaskDefinition": {"Ref": "Task"},
            },
        ),
        Target=(
            "AWS::ApplicationAutoScaling::ScalableTarget",
            {
                "ServiceNamespace": "ecs",
                "ResourceId": {"Fn::Sub": f"service/{name}/${{Service.Name}}"},
                "ScalableDimension": DIMENSION,
                "MinCapacity": lowest,
                "MaxCapacity": highest,
                "ScheduledActions": [{"ScheduledActionName": "night", "Schedule": "cron(0 22 * * ? *)"}],
            },
        ),
        Policy=(
            "AWS::ApplicationAutoScaling::ScalingPolicy",
            {
                "PolicyName": name,
                "PolicyType": "TargetTrackingScaling",
                "ScalingTargetId": {"Ref": "Target"},
                "TargetTrackingScalingPolicyConfiguration": tracking,
            },
        ),
    )


def desired(plain: Plain, name: str) -> int:
    count: int = plain.client("ecs").describe_services(cluster=name, services=[name])["services"][0]["desiredCount"]
    return count


def test_a_service_is_raised_to_the_minimum_and_lowered_to_the_maximum(plain: Plain) -> None:
    name = unique("range")
    plain.deploy(template(name, 2, 4), name)
    assert desired(plain, name) == 2
    plain.deploy(template(name, 3, 4), name)
    assert desired(plain, name) == 3
    activities = plain.client("application-autoscaling").describe_scaling_activities(ServiceNamespace="ecs")
    descriptions = [activity["Description"] for activity in activities["ScalingActivities"]]
    assert any("Setting desired count to 3" in description for description in descriptions)


def test_targets_and_policies_of_a_stack_can_be_described_and_are_deleted_with_it(plain: Plain) -> None:
    name = unique("kept")
    plain.deploy(template(name, 1, 4), name)
    api = plain.client("application-autoscaling")
    key = {"ServiceNamespace": "ecs", "ResourceId": f"service/{name}/{name}"}
    plain.deploy(template(name, 1, 4, target=75), name)
    policy = api.describe_scaling_policies(**key)["ScalingPolicies"][0]
    assert policy["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] == 75
    found = api.describe_scalable_targets(ServiceNamespace="ecs", ResourceIds=[key["ResourceId"]])
    assert [(target["MinCapacity"], target["MaxCapacity"]) for target in found["ScalableTargets"]] == [(1, 4)]
    assert len(api.describe_scheduled_actions(**key)["ScheduledActions"]) == 1
    assert plain.delete(name) == "DELETE_COMPLETE"
    assert api.describe_scaling_policies(**key)["ScalingPolicies"] == []
    found = api.describe_scalable_targets(ServiceNamespace="ecs", ResourceIds=[key["ResourceId"]])
    assert found["ScalableTargets"] == []


def test_a_policy_without_a_target_is_refused(plain: Plain) -> None:
    api = plain.client("application-autoscaling")
    with pytest.raises(api.exceptions.ObjectNotFoundException):
        api.put_scaling_policy(
            PolicyName="p", ServiceNamespace="ecs", ResourceId="service/no/no", ScalableDimension=DIMENSION
        )


def test_iam_authorizes_its_calls(plain: Plain) -> None:
    role = plain.role(unique("no-scaling"), {"Effect": "Allow", "Action": "ecs:*", "Resource": "*"})
    api = plain.client("application-autoscaling", plain.session(role))
    assert role.startswith(f"arn:aws:iam::{ACCOUNT}:role/")
    with pytest.raises(api.exceptions.ClientError, match="application-autoscaling:DescribeScalableTargets"):
        api.describe_scalable_targets(ServiceNamespace="ecs")
