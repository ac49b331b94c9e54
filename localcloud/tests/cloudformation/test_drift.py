"""CloudFormation finds what was changed outside of a stack, by property."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.testing.plain import Plain, plain, resources, unique

__all__ = ["plain"]

pytestmark = pytest.mark.local

HTTPS = {"CidrIp": "10.0.0.0/8", "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "Description": "inside"}
ALARM = {
    "AlarmActions": [],
    "ComparisonOperator": "GreaterThanOrEqualToThreshold",
    "EvaluationPeriods": 5,
    "MetricName": "Errors",
    "Namespace": "Shop",
    "Period": 60,
    "Statistic": "Sum",
    "Threshold": 10,
}
ALLOW = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}]}


def template(name: str) -> dict[str, Any]:
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
    container = {"Name": "main", "Image": "python:3.13-slim", "Command": ["true"]}
    return resources(
        Group=(
            "AWS::EC2::SecurityGroup",
            {"GroupDescription": "the group", "SecurityGroupIngress": [HTTPS], "SecurityGroupEgress": [HTTPS]},
        ),
        Own=(
            "AWS::EC2::SecurityGroupIngress",
            {
                "GroupId": {"Fn::GetAtt": ["Group", "GroupId"]},
                "SourceSecurityGroupId": {"Fn::GetAtt": ["Group", "GroupId"]},
                "IpProtocol": "tcp",
                "FromPort": 8000,
                "ToPort": 8000,
            },
        ),
        Alarm=("AWS::CloudWatch::Alarm", {"AlarmName": name, **ALARM}),
        Role=("AWS::IAM::Role", {"RoleName": name, "AssumeRolePolicyDocument": trust}),
        Policy=("AWS::IAM::Policy", {"PolicyName": "own", "PolicyDocument": ALLOW, "Roles": [{"Ref": "Role"}]}),
        Cluster=("AWS::ECS::Cluster", {"ClusterName": name}),
        Task=("AWS::ECS::TaskDefinition", {"Family": name, "ContainerDefinitions": [container]}),
        Service=(
            "AWS::ECS::Service",
            {
                "Cluster": {"Ref": "Cluster"},
                "ServiceName": name,
                "DesiredCount": 0,
                "TaskDefinition": {"Ref": "Task"},
                "LaunchType": "FARGATE",
            },
        ),
        Secret=("AWS::SecretsManager::Secret", {"Name": name, "Description": "of the shop", "SecretString": "hunter2"}),
        Topic=("AWS::SNS::Topic", {"TopicName": name, "DisplayName": "Alarms"}),
    )


@pytest.fixture(name="stack")
def _stack(plain: Plain) -> str:
    name = unique("drift")
    plain.deploy(template(name), name)
    return name


def detected(plain: Plain, stack: str) -> dict[str, dict[str, Any]]:
    """Returns the drift of each resource by its logical id."""
    cloudformation = plain.client("cloudformation")
    detection = cloudformation.detect_stack_drift(StackName=stack)["StackDriftDetectionId"]
    status = cloudformation.describe_stack_drift_detection_status(StackDriftDetectionId=detection)
    assert status["DetectionStatus"] == "DETECTION_COMPLETE", status
    found = cloudformation.describe_stack_resource_drifts(StackName=stack)["StackResourceDrifts"]
    return {drift["LogicalResourceId"]: drift for drift in found}


def physical(plain: Plain, stack: str, logical_id: str) -> str:
    resource = plain.client("cloudformation").describe_stack_resource(StackName=stack, LogicalResourceId=logical_id)
    return str(resource["StackResourceDetail"]["PhysicalResourceId"])


def test_a_stack_that_nobody_touched_has_no_drift_and_other_types_are_not_checked(plain: Plain, stack: str) -> None:
    found = detected(plain, stack)

    assert {name: drift["StackResourceDriftStatus"] for name, drift in found.items()} == dict.fromkeys(
        ("Group", "Alarm", "Role", "Policy", "Cluster", "Service", "Secret", "Topic"), "IN_SYNC"
    )
    listed = plain.client("cloudformation").describe_stack_resources(StackName=stack)["StackResources"]
    unchecked = {
        resource["LogicalResourceId"]
        for resource in listed
        if resource["DriftInformation"]["StackResourceDriftStatus"] == "NOT_CHECKED"
    }
    assert unchecked == {"Own", "Task"}


def open_ssh(plain: Plain, stack: str) -> None:
    rule = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    group = physical(plain, stack, "Group")
    plain.client("ec2").authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])


def raise_threshold(plain: Plain, stack: str) -> None:
    plain.client("cloudwatch").put_metric_alarm(**{"AlarmName": stack, **ALARM, "Threshold": 50})


def widen_policy(plain: Plain, stack: str) -> None:
    wide = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}'
    plain.client("iam").put_role_policy(RoleName=stack, PolicyName="own", PolicyDocument=wide)


def rename_topic(plain: Plain, stack: str) -> None:
    arn = physical(plain, stack, "Topic")
    plain.client("sns").set_topic_attributes(TopicArn=arn, AttributeName="DisplayName", AttributeValue="Silence")


def describe_secret(plain: Plain, stack: str) -> None:
    plain.client("secretsmanager").update_secret(SecretId=stack, Description="of nobody")


def stop_service(plain: Plain, stack: str) -> None:
    plain.client("ecs").update_service(cluster=stack, service=stack, enableExecuteCommand=True, desiredCount=0)
    plain.client("ecs").update_service(cluster=stack, service=stack, healthCheckGracePeriodSeconds=7)


@pytest.mark.parametrize(
    ("change", "resource", "path", "expected", "actual"),
    [
        (open_ssh, "Group", "/SecurityGroupIngress/1", "null", "0.0.0.0/0"),
        (raise_threshold, "Alarm", "/Threshold", "10", "50"),
        (widen_policy, "Policy", "/PolicyDocument/Statement/0/Action", "s3:ListAllMyBuckets", "s3:*"),
        (describe_secret, "Secret", "/Description", "of the shop", "of nobody"),
        (rename_topic, "Topic", "/DisplayName", "Alarms", "Silence"),
    ],
)
def test_a_change_by_hand_is_named_by_property_with_both_values(
    plain: Plain,
    stack: str,
    *,
    change: Callable[[Plain, str], None],
    resource: str,
    path: str,
    expected: str,
    actual: str,
) -> None:
    change(plain, stack)

    found = detected(plain, stack)

    assert [name for name, drift in found.items() if drift["StackResourceDriftStatus"] != "IN_SYNC"] == [resource]
    (difference,) = found[resource]["PropertyDifferences"]
    assert difference["PropertyPath"] == path
    assert difference["ExpectedValue"] == expected
    assert actual in difference["ActualValue"]


def test_a_deleted_resource_is_deleted_and_what_is_undone_is_in_sync_again(plain: Plain, stack: str) -> None:
    plain.client("cloudwatch").delete_alarms(AlarmNames=[stack])
    assert detected(plain, stack)["Alarm"]["StackResourceDriftStatus"] == "DELETED"

    plain.client("cloudwatch").put_metric_alarm(AlarmName=stack, **ALARM)
    assert detected(plain, stack)["Alarm"]["StackResourceDriftStatus"] == "IN_SYNC"


def test_a_setting_that_the_template_does_not_write_is_no_drift(plain: Plain, stack: str) -> None:
    stop_service(plain, stack)

    assert detected(plain, stack)["Service"]["StackResourceDriftStatus"] == "IN_SYNC"


def test_drift_of_a_stack_that_does_not_exist_is_refused(plain: Plain) -> None:
    with pytest.raises(ClientError, match="does not exist"):
        plain.client("cloudformation").detect_stack_drift(StackName=unique("absent"))
