"""The functions of a cluster of EKS: what they hold, and who may call them."""

from __future__ import annotations

from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_logs as logs
from aws_cdk.assertions import Template

from slipway.auto_cluster import AutoCluster
from slipway.cluster_functions import ClusterFunctions
from tests.support.stack import any_vpc, empty_stack, only, properties


@pytest.fixture(scope="module")
def stack() -> cdk.Stack:
    made = empty_stack()
    vpc = any_vpc(made)
    cluster = AutoCluster(
        made,
        "Cluster",
        name="production-shop",
        version="1.34",
        vpc=vpc,
        nodes=ec2.SecurityGroup(made, "NodesGroup", vpc=vpc, allow_all_outbound=False),
        repositories=["arn:aws:ecr:us-east-1:111122223333:repository/shop/app"],
        deletion_protection=False,
        log_retention=logs.RetentionDays.ONE_MONTH,
    )
    functions = ClusterFunctions(
        made,
        "Functions",
        cluster=cluster,
        vpc=vpc,
        group="releases",
        environment={"BUCKET": "releases"},
        statements=[],
        log_retention=logs.RetentionDays.ONE_MONTH,
        log_group_name="/hosts/production-shop/commands",
    )
    functions.apply([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}])
    return made


@pytest.fixture(scope="module")
def template(stack: cdk.Stack) -> Template:
    return Template.from_stack(stack)


def test_both_functions_have_a_role_an_entry_and_the_longest_time_they_need(template: Template) -> None:
    found = {
        function["Properties"]["Handler"]: function["Properties"]["Timeout"]
        for function in template.find_resources("AWS::Lambda::Function").values()
    }

    assert found == {"slipway_host.eks.function.main": 900, "slipway_host.eks.prepare.main": 600}
    assert len(template.find_resources("AWS::EKS::AccessEntry")) == 3  # and that of the nodes


def test_the_objects_are_applied_when_the_functions_are_let_in(template: Template) -> None:
    prepared = only(template, "Custom::ClusterObjects")

    assert '"kind":"Namespace"' in prepared["Properties"]["Objects"]
    assert len([name for name in prepared["DependsOn"] if name.startswith("Cluster")]) == 3


def test_a_release_that_fails_is_not_repeated(template: Template) -> None:
    assert properties(template, "AWS::Lambda::EventInvokeConfig")["MaximumRetryAttempts"] == 0


@pytest.mark.slow
def test_the_package_is_the_program_of_hosts_without_their_boot_scripts(stack: cdk.Stack) -> None:
    app = cdk.App.of(stack)
    assert isinstance(app, cdk.App)
    packed = [path for path in Path(app.synth().directory).glob("asset.*") if (path / "slipway_host").is_dir()]

    assert [sorted(found.name for found in path.iterdir()) for path in packed] == [["slipway_host"]]
    assert sum(path.stat().st_size for path in packed[0].rglob("*") if path.is_file()) < 150_000
