"""Smaller resource types are created, updated and deleted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.testing.plain import ACCOUNT, REGION, Plain, plain, resources, unique

__all__ = ["plain"]

pytestmark = pytest.mark.local

TRUST = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}


def policy(plain: Plain) -> str:
    document = json.dumps({"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]})
    arn: str = plain.client("iam").create_policy(PolicyName=unique("p"), PolicyDocument=document)["Policy"]["Arn"]
    return arn


# --- IAM -------------------------------------------------------------------------------------------------------------


def test_every_property_of_a_role_is_applied_and_updated(plain: Plain) -> None:
    stack, iam, boundary = unique("role"), plain.client("iam"), policy(plain)
    base = {"AssumeRolePolicyDocument": TRUST, "Path": "/team/"}
    first = {
        **base,
        "PermissionsBoundary": boundary,
        "MaxSessionDuration": 7200,
        "Description": "one",
        "Tags": [{"Key": "a", "Value": "1"}],
        "Policies": [{"PolicyName": "x", "PolicyDocument": {"Statement": []}}],
        "ManagedPolicyArns": [boundary],
    }
    name = plain.deploy(resources(Role=("AWS::IAM::Role", first)), stack)["Role"]
    role = iam.get_role(RoleName=name)["Role"]
    assert role["PermissionsBoundary"]["PermissionsBoundaryArn"] == boundary
    assert (role["MaxSessionDuration"], role["Path"], role["Description"]) == (7200, "/team/", "one")
    assert iam.list_role_policies(RoleName=name)["PolicyNames"] == ["x"]
    assert iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"][0]["PolicyArn"] == boundary
    again = plain.deploy(resources(Role=("AWS::IAM::Role", base)), stack)["Role"]
    role = iam.get_role(RoleName=again)["Role"]
    assert (again, "PermissionsBoundary" in role, role["MaxSessionDuration"]) == (name, False, 3600)
    assert iam.list_role_policies(RoleName=name)["PolicyNames"] == []
    assert iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"] == []


def test_the_client_ids_of_an_oidc_provider_are_updated(plain: Plain) -> None:
    stack, iam = unique("oidc"), plain.client("iam")

    def template(*clients: str) -> dict[str, Any]:
        props = {"Url": f"https://{stack}.example.com", "ClientIdList": list(clients)}
        return resources(Provider=("AWS::IAM::OIDCProvider", props))

    arn = plain.deploy(template("a", "b"), stack)["Provider"]
    plain.deploy(template("b", "c"), stack)
    assert sorted(iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)["ClientIDList"]) == ["b", "c"]
    plain.delete(stack)
    with pytest.raises(ClientError, match="NoSuchEntity"):
        iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)


def test_the_policies_of_a_group_are_updated(plain: Plain) -> None:
    stack, iam, arn = unique("group"), plain.client("iam"), policy(plain)
    name = plain.deploy(resources(Group=("AWS::IAM::Group", {"ManagedPolicyArns": [arn]})), stack)["Group"]
    assert iam.list_attached_group_policies(GroupName=name)["AttachedPolicies"][0]["PolicyArn"] == arn
    plain.deploy(resources(Group=("AWS::IAM::Group", {})), stack)
    assert iam.list_attached_group_policies(GroupName=name)["AttachedPolicies"] == []


# --- KMS, SNS, logs, alarms ------------------------------------------------------------------------------------------


def test_the_policy_and_rotation_of_a_key_are_updated(plain: Plain) -> None:
    stack, kms = unique("key"), plain.client("kms")

    def template(*, rotate: bool, sid: str) -> dict[str, Any]:
        root = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
        statement = {"Sid": sid, "Effect": "Allow", "Principal": root, "Action": "kms:*", "Resource": "*"}
        key = {"EnableKeyRotation": rotate, "KeyPolicy": {"Version": "2012-10-17", "Statement": [statement]}}
        alias = {"AliasName": f"alias/{stack}", "TargetKeyId": {"Ref": "Key"}}
        return resources(Key=("AWS::KMS::Key", key), Alias=("AWS::KMS::Alias", alias))

    key = plain.deploy(template(rotate=True, sid="one"), stack)["Key"]
    assert kms.get_key_rotation_status(KeyId=f"alias/{stack}")["KeyRotationEnabled"]
    plain.deploy(template(rotate=False, sid="two"), stack)
    assert not kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"]
    assert '"two"' in kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]
    plain.delete(stack)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingDeletion"


def test_the_attributes_of_a_topic_are_updated(plain: Plain) -> None:
    stack, sns = unique("topic"), plain.client("sns")
    first = {"KmsMasterKeyId": "alias/aws/sns", "SignatureVersion": "2", "TracingConfig": "Active"}
    arn = plain.deploy(resources(Topic=("AWS::SNS::Topic", first)), stack)["Topic"]
    shown = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    assert {key: shown[key] for key in first} == first
    plain.deploy(resources(Topic=("AWS::SNS::Topic", {"SignatureVersion": "1"})), stack)
    shown = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    assert (shown.get("KmsMasterKeyId", ""), shown["SignatureVersion"]) == ("", "1")


def test_the_retention_and_tags_of_a_log_group_are_updated(plain: Plain) -> None:
    stack, logs, name = unique("logs"), plain.client("logs"), f"/{unique('g')}"

    def template(days: int | None, tag: str) -> dict[str, Any]:
        props: dict[str, Any] = {"LogGroupName": name, "Tags": [{"Key": "a", "Value": tag}]}
        return resources(Group=("AWS::Logs::LogGroup", {**props, **({"RetentionInDays": days} if days else {})}))

    def group() -> dict[str, Any]:
        found: dict[str, Any] = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"][0]
        return found

    plain.deploy(template(7, "1"), stack)
    assert group()["retentionInDays"] == 7
    plain.deploy(template(30, "2"), stack)
    arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{name}"
    assert (group()["retentionInDays"], logs.list_tags_for_resource(resourceArn=arn)["tags"]["a"]) == (30, "2")
    plain.deploy(template(None, "2"), stack)
    assert "retentionInDays" not in group()


def alarm(**more: Any) -> dict[str, Any]:
    return {"EvaluationPeriods": 2, "ComparisonOperator": "GreaterThanThreshold", "Threshold": 5, **more}


def test_the_threshold_and_missing_data_treatment_of_an_alarm_are_updated(plain: Plain) -> None:
    stack, cloudwatch = unique("alarm"), plain.client("cloudwatch")
    metric = {"Namespace": "N", "MetricName": "M", "Statistic": "Sum", "Period": 60, "TreatMissingData": "notBreaching"}
    name = plain.deploy(resources(Alarm=("AWS::CloudWatch::Alarm", alarm(**metric))), stack)["Alarm"]
    plain.deploy(resources(Alarm=("AWS::CloudWatch::Alarm", {**alarm(**metric), "Threshold": 9})), stack)
    shown = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]
    assert (shown["Threshold"], shown["TreatMissingData"]) == (9, "notBreaching")


def test_an_alarm_on_metric_math_and_a_composite_alarm_can_be_created(plain: Plain) -> None:
    stat = {"Metric": {"Namespace": "N", "MetricName": "M"}, "Period": 60, "Stat": "Sum"}
    metrics = [
        {"Id": "rate", "Expression": "m / 2", "ReturnData": True},
        {"Id": "m", "MetricStat": stat, "ReturnData": False},
    ]
    both = {"AlarmRule": {"Fn::Sub": "ALARM(${Rate})"}}
    stack = unique("math")
    made = plain.deploy(
        resources(
            Rate=("AWS::CloudWatch::Alarm", alarm(Metrics=metrics)), Both=("AWS::CloudWatch::CompositeAlarm", both)
        ),
        stack,
    )
    shown = plain.client("cloudwatch").describe_alarms(AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    assert made["Both"] in [item["AlarmName"] for item in shown["CompositeAlarms"]]
    assert plain.delete(stack) == "DELETE_COMPLETE"


# --- edge ------------------------------------------------------------------------------------------------------------


def test_the_addresses_of_an_ip_set_are_updated(plain: Plain) -> None:
    stack, waf = unique("set"), plain.client("wafv2")

    def template(*addresses: str) -> dict[str, Any]:
        props = {"Scope": "REGIONAL", "IPAddressVersion": "IPV4", "Addresses": list(addresses)}
        return resources(Set=("AWS::WAFv2::IPSet", props))

    name, identity, scope = plain.deploy(template("10.0.0.0/8"), stack)["Set"].split("|")
    plain.deploy(template("192.168.0.0/16"), stack)
    found = waf.get_ip_set(Name=name, Id=identity, Scope=scope)["IPSet"]
    assert found["Addresses"] == ["192.168.0.0/16"]
    assert plain.delete(stack) == "DELETE_COMPLETE"


def test_a_web_acl_has_its_rules(plain: Plain) -> None:
    shown = {"SampledRequestsEnabled": True, "CloudWatchMetricsEnabled": True, "MetricName": "m"}
    managed = {"ManagedRuleGroupStatement": {"VendorName": "AWS", "Name": "AWSManagedRulesCommonRuleSet"}}
    rule = {"Name": "r", "Priority": 0, "Statement": managed, "OverrideAction": {"None": {}}, "VisibilityConfig": shown}
    props = {"Scope": "CLOUDFRONT", "DefaultAction": {"Allow": {}}, "VisibilityConfig": shown, "Rules": [rule]}
    made = plain.deploy(resources(Acl=("AWS::WAFv2::WebACL", props)))["Acl"]
    name, identity, scope = made.split("|")
    found = plain.client("wafv2").get_web_acl(Name=name, Id=identity, Scope=scope)["WebACL"]
    assert [item["Name"] for item in found["Rules"]] == ["r"]


def test_the_ports_of_a_vpc_origin_are_updated(plain: Plain) -> None:
    stack, cloudfront = unique("origin"), plain.client("cloudfront")

    def template(port: int) -> dict[str, Any]:
        endpoint = {
            "Name": stack,
            "Arn": {"Ref": "Balancer"},
            "HTTPPort": port,
            "OriginProtocolPolicy": "http-only",
        }
        return resources(
            Balancer=("AWS::ElasticLoadBalancingV2::LoadBalancer", {"Scheme": "internal", "Type": "application"}),
            Origin=("AWS::CloudFront::VpcOrigin", {"VpcOriginEndpointConfig": endpoint}),
        )

    identity = plain.deploy(template(8080), stack)["Origin"]
    assert plain.deploy(template(9090), stack)["Origin"] == identity
    assert cloudfront.get_vpc_origin(Id=identity)["VpcOrigin"]["VpcOriginEndpointConfig"]["HTTPPort"] == 9090
    assert plain.delete(stack) == "DELETE_COMPLETE"


# --- operations and developer tools ----------------------------------------------------------------------------------


def test_the_limit_of_a_budget_is_updated(plain: Plain) -> None:
    stack, budgets = unique("budget"), plain.client("budgets")

    def template(amount: int) -> dict[str, Any]:
        limit = {"Amount": amount, "Unit": "USD"}
        budget = {"BudgetType": "COST", "TimeUnit": "MONTHLY", "BudgetLimit": limit}
        return resources(Budget=("AWS::Budgets::Budget", {"Budget": budget}))

    name = plain.deploy(template(10), stack)["Budget"]
    plain.deploy(template(20), stack)
    found = budgets.describe_budget(AccountId=ACCOUNT, BudgetName=name)["Budget"]
    assert float(found["BudgetLimit"]["Amount"]) == 20
    assert plain.delete(stack) == "DELETE_COMPLETE"


def test_a_backup_plan_has_its_selection(plain: Plain) -> None:
    stack = unique("backup")
    rule = {"RuleName": "daily", "TargetBackupVault": {"Ref": "Vault"}}
    selection = {
        "SelectionName": "all",
        "IamRoleArn": plain.role(unique("backup")),
        "Resources": [f"arn:aws:rds:{REGION}:{ACCOUNT}:db:*"],
    }
    made = plain.deploy(
        resources(
            Vault=("AWS::Backup::BackupVault", {"BackupVaultName": stack}),
            Plan=("AWS::Backup::BackupPlan", {"BackupPlan": {"BackupPlanName": stack, "BackupPlanRule": [rule]}}),
            Selection=("AWS::Backup::BackupSelection", {"BackupPlanId": {"Ref": "Plan"}, "BackupSelection": selection}),
        ),
        stack,
    )
    listed = plain.client("backup").list_backup_selections(BackupPlanId=made["Plan"])["BackupSelectionsList"]
    assert [item["SelectionName"] for item in listed] == ["all"]
    assert plain.delete(stack) == "DELETE_COMPLETE"


def build(role: str, **more: Any) -> dict[str, Any]:
    return {
        "ServiceRole": role,
        "Source": {"Type": "NO_SOURCE", "BuildSpec": "version: 0.2"},
        "Artifacts": {"Type": "NO_ARTIFACTS"},
        "Environment": {
            "Type": "LINUX_CONTAINER",
            "Image": "aws/codebuild/standard:7.0",
            "ComputeType": "BUILD_GENERAL1_SMALL",
            "PrivilegedMode": True,
            "EnvironmentVariables": [{"Name": "A", "Value": "1", "Type": "PLAINTEXT"}],
        },
        **more,
    }


def test_every_property_of_a_build_project_is_applied_and_updated(plain: Plain) -> None:
    stack, codebuild, role = unique("project"), plain.client("codebuild"), plain.role(unique("build"))
    more = {
        "QueuedTimeoutInMinutes": 60,
        "ConcurrentBuildLimit": 1,
        "LogsConfig": {"CloudWatchLogs": {"Status": "ENABLED", "GroupName": "/builds"}},
        "Cache": {"Type": "LOCAL", "Modes": ["LOCAL_DOCKER_LAYER_CACHE"]},
        "Tags": [{"Key": "a", "Value": "1"}],
    }
    name = plain.deploy(resources(Project=("AWS::CodeBuild::Project", build(role, **more))), stack)["Project"]
    found = codebuild.batch_get_projects(names=[name])["projects"][0]
    assert found["environment"]["privilegedMode"] is True
    assert found["environment"]["environmentVariables"][0]["name"] == "A"
    assert found["source"]["buildspec"] == "version: 0.2"
    assert {"key": "a", "value": "1"} in found["tags"]
    plain.deploy(resources(Project=("AWS::CodeBuild::Project", build(role, TimeoutInMinutes=7))), stack)
    assert codebuild.batch_get_projects(names=[name])["projects"][0]["timeoutInMinutes"] == 7


def test_a_connection_is_available_at_once(plain: Plain) -> None:
    template = resources(
        Connection=("AWS::CodeConnections::Connection", {"ConnectionName": "github", "ProviderType": "GitHub"})
    )
    template["Outputs"] = {"Status": {"Value": {"Fn::GetAtt": ["Connection", "ConnectionStatus"]}}}
    stack = unique("connection")
    made = plain.deploy(template, stack)
    assert made["Connection"].startswith(f"arn:aws:codeconnections:{REGION}:{ACCOUNT}:connection/")
    assert plain.outputs(stack)["Status"] == "AVAILABLE"
