"""A cluster of EKS in Auto Mode: its log, its key, and the way to the API server."""

from __future__ import annotations

import json

import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_logs as logs
from aws_cdk.assertions import Template

from slipway.auto_cluster import AutoCluster
from tests.support.stack import any_vpc, empty_stack, only, properties

REPOSITORY = "arn:aws:ecr:us-east-1:111122223333:repository/shop/app"


@pytest.fixture(scope="module")
def template() -> Template:
    stack = empty_stack()
    vpc = any_vpc(stack)
    nodes = ec2.SecurityGroup(stack, "NodesGroup", vpc=vpc, allow_all_outbound=False)
    AutoCluster(
        stack,
        "Cluster",
        name="production-shop",
        version="1.34",
        vpc=vpc,
        nodes=nodes,
        repositories=[REPOSITORY],
        deletion_protection=True,
        log_retention=logs.RetentionDays.ONE_MONTH,
    )
    return Template.from_stack(stack)


def test_the_log_has_the_name_that_eks_gives_it_and_a_retention(template: Template) -> None:
    found = properties(template, "AWS::Logs::LogGroup")

    assert (found["LogGroupName"], found["RetentionInDays"]) == ("/aws/eks/production-shop/cluster", 30)
    assert any("Logs" in name for name in only(template, "AWS::EKS::Cluster")["DependsOn"])


def test_the_key_of_secrets_is_rotated(template: Template) -> None:
    assert properties(template, "AWS::KMS::Key")["EnableKeyRotation"] is True


def test_nodes_reach_the_api_server_and_it_reaches_their_kubelets_only(template: Template) -> None:
    rules = template.find_resources("AWS::EC2::SecurityGroupIngress").values()

    assert sorted(rule["Properties"]["FromPort"] for rule in rules) == [443, 10250]


def test_nodes_pull_from_these_repositories_only(template: Template) -> None:
    statements = [
        statement
        for policy in template.find_resources("AWS::IAM::Policy").values()
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    ]
    named = {statement.get("Sid"): statement for statement in statements}

    assert named["PullImages"]["Resource"] == REPOSITORY
    assert named["GiveNodesTheirRole"]["Condition"] == {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}
    assert "production-shop" in json.dumps(named["TellPodsTheirRoles"]["Resource"])
