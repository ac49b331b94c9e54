"""Rules for every stack of every shipped product."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from products.secrets import looks_secret
from tests.support.synthesis import PRODUCTS, Json, Synthesis, listed, shipped, statements, synthesis, walk

# Actions without resource-level permissions, according to the service authorization reference.
WITHOUT_RESOURCE = {
    "ecr:GetAuthorizationToken",
    "secretsmanager:GetRandomPassword",
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
    "logs:DescribeLogGroups",
    "codepipeline:PutJobFailureResult",
    "codepipeline:PutJobSuccessResult",
    "ecs:DescribeTaskDefinition",
    "ecs:ListTasks",  # its resource is a container instance; a condition names the cluster
    "lambda:ListFunctions",
    "cloudwatch:PutMetricData",  # a condition names the namespace
    "ec2:DescribeInstances",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "elasticloadbalancing:DescribeTargetHealth",
    "ssm:CancelCommand",
    "ssm:DescribeInstanceInformation",
    "ssm:GetCommandInvocation",
    "ssm:ListCommandInvocations",
    # Systems Manager's agent calls these for its own host: AmazonSSMManagedInstanceCore names no resource either.
    "ssm:DescribeAssociation",
    "ssm:DescribeDocument",
    "ssm:GetDeployablePatchSnapshotForInstance",
    "ssm:GetDocument",
    "ssm:ListAssociations",
    "ssm:ListInstanceAssociations",
    "ssm:PutComplianceItems",
    "ssm:PutInventory",
    "ssm:UpdateInstanceAssociationStatus",
    "ssm:UpdateInstanceInformation",
}
SECRET_PROPERTIES = re.compile(r"(Password|AuthToken|SecretString|SecretKey|AccessKey)$")


@pytest.fixture(scope="module", params=PRODUCTS)
def product(request: pytest.FixtureRequest) -> Synthesis:
    return shipped(request.param)


def resources(app: Synthesis) -> Iterator[tuple[str, Json]]:
    for stack, template in app.templates.items():
        for logical_id, resource in template["Resources"].items():
            yield f"{stack}/{logical_id}", resource


def test_no_database_is_public(product: Synthesis) -> None:
    found = product.resources("AWS::RDS::DBInstance")

    assert bool(found) is bool(product.product.database)
    assert {
        place for place, resource in found.items() if resource["Properties"]["PubliclyAccessible"] is not False
    } == set()


def test_no_load_balancer_is_public(product: Synthesis) -> None:
    found = product.resources("AWS::ElasticLoadBalancingV2::LoadBalancer")

    assert found
    assert {place for place, resource in found.items() if resource["Properties"]["Scheme"] != "internal"} == set()


def test_no_bucket_is_public(product: Synthesis) -> None:
    for place, resource in product.resources("AWS::S3::Bucket").items():
        assert resource["Properties"]["PublicAccessBlockConfiguration"] == {
            "BlockPublicAcls": True,
            "BlockPublicPolicy": True,
            "IgnorePublicAcls": True,
            "RestrictPublicBuckets": True,
        }, place


def test_no_bucket_accepts_a_request_without_tls(product: Synthesis) -> None:
    refused = {
        f"{stack}/{statement['Resource'][0]['Fn::GetAtt'][0]}"
        for stack, template in product.templates.items()
        for _, statement in statements(template)
        if statement["Effect"] == "Deny"
        and statement.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}
        and isinstance(statement["Resource"], list)
    }

    assert set(product.resources("AWS::S3::Bucket")) <= refused


def test_no_security_group_admits_the_world(product: Synthesis) -> None:
    for place, resource in resources(product):
        for path, value in walk(resource.get("Properties", {})):
            if path and path[-1] in {"CidrIp", "CidrIpv6"} and "Egress" not in "".join(path) + resource["Type"]:
                assert value not in {"0.0.0.0/0", "::/0"}, place


def test_only_the_nat_instances_security_group_allows_all_outbound_traffic(product: Synthesis) -> None:
    """A group without egress rules allows all outbound traffic: docs.aws.amazon.com, AWS::EC2::SecurityGroup."""
    apart = [rule["Properties"] for rule in product.resources("AWS::EC2::SecurityGroupEgress").values()]
    open_groups = set()
    for place, resource in product.resources("AWS::EC2::SecurityGroup").items():
        name = place.partition("/")[2]
        rules = [
            *resource["Properties"].get("SecurityGroupEgress", []),
            *(rule for rule in apart if name in str(rule["GroupId"])),
        ]
        if not rules or any(rule["IpProtocol"] == "-1" for rule in rules):
            open_groups.add(name)

    assert {name for name in open_groups if "NatSecurityGroup" not in name} == set()


def test_every_log_group_has_a_retention(product: Synthesis) -> None:
    found = product.resources("AWS::Logs::LogGroup")

    assert found
    assert {place for place, resource in found.items() if "RetentionInDays" not in resource["Properties"]} == set()


def test_logs_are_kept_for_the_days_in_the_manifest(product: Synthesis) -> None:
    for name, environment in product.product.environments.items():
        prefix = f"{name}-{product.product.name}-"
        found = {
            place: resource
            for place, resource in product.resources("AWS::Logs::LogGroup").items()
            if place.startswith(prefix)
        }
        assert {resource["Properties"]["RetentionInDays"] for resource in found.values()} == {
            environment.log_retention_days
        }


def test_no_template_contains_a_secrets_value(product: Synthesis) -> None:
    for place, resource in resources(product):
        for path, value in walk(resource.get("Properties", {})):
            if path and SECRET_PROPERTIES.search(path[-1]):
                text = json.dumps(value)
                assert "{{resolve:secretsmanager:" in text or path[-1] == "GenerateSecretString", (
                    f"{place}: {'.'.join(path)}"
                )


# The programs that a build includes: builds/buildspecs.py packs files of this repository.
_PACKED = re.compile(r"<<<'[A-Za-z0-9+/=]+'")


def test_no_template_contains_text_that_looks_secret(product: Synthesis) -> None:
    generated = re.compile(
        r"ExportsOutput|^[A-Za-z0-9-]+[0-9A-F]{8}$|^[0-9a-f]{64}\.zip$|:role/cdk-hnb659fds-|^sha512-"
    )
    for stack, template in product.templates.items():
        for path, value in walk(template):
            if (
                isinstance(value, str)
                and not generated.search(value)
                and "{{resolve:" not in value
                and path[-1] not in {"Ref", "SslPolicy"}
            ):
                # The login of the temporary database that a build starts for its tests, as documented.
                text = _PACKED.sub("", value.replace("postgresql://ci:ci@", ""))
                assert looks_secret(text) is None, f"{stack}: {'.'.join(path)}: {value}"


def test_no_statement_allows_every_action(product: Synthesis) -> None:
    for stack, template in product.templates.items():
        for place, statement in statements(template):
            if statement["Effect"] == "Allow":
                wild = [action for action in listed(statement["Action"]) if action.split(":")[-1] == "*"]
                assert wild == [], f"{stack}/{place}"


# What these return is data or a secret, not a description of a resource.
_DATA = ("s3:Get*", "s3:GetObject", "secretsmanager:Get", "ssm:Get", "kms:", "dynamodb:", "logs:GetLog", "sqs:Receive")


def _only_describes(statement: dict[str, Any]) -> bool:
    """True for the rights of drift detection, which reads every resource of the stacks, and none of their data."""
    actions = listed(statement["Action"])
    return statement.get("Sid") == "ReadResources" and all(
        re.fullmatch(r"[a-z0-9-]+:(Describe|Get|List)\w*\*?", action) and not action.startswith(_DATA)
        for action in actions
    )


def test_no_statement_allows_actions_with_a_wildcard(product: Synthesis) -> None:
    for stack, template in product.templates.items():
        for place, statement in statements(template):
            if statement["Effect"] == "Allow" and "CustomS3AutoDeleteObjects" not in json.dumps(statement):  # CDK's own
                if _only_describes(statement):
                    continue
                assert [action for action in listed(statement["Action"]) if "*" in action] == [], f"{stack}/{place}"


def test_only_actions_without_resource_level_permissions_are_allowed_on_all_resources(product: Synthesis) -> None:
    for stack, template in product.templates.items():
        for place, statement in statements(template):
            if statement["Effect"] == "Allow" and "*" in listed(statement.get("Resource", "")):
                if _only_describes(statement):
                    continue
                assert set(listed(statement["Action"])) <= WITHOUT_RESOURCE, f"{stack}/{place}"


def test_no_trust_policy_contains_a_wildcard_except_for_pull_requests(product: Synthesis) -> None:
    for place, role in product.resources("AWS::IAM::Role").items():
        for statement in role["Properties"]["AssumeRolePolicyDocument"]["Statement"]:
            patterns = set(statement.get("Condition", {}).get("StringLike", {}))
            assert patterns <= {"token.actions.githubusercontent.com:ref"}, (
                place
            )  # of requests: tests/policy/test_trust.py
            assert statement["Principal"] != "*", place
            assert statement["Principal"] != {"AWS": "*"}, place


def test_no_long_lived_key_is_created(product: Synthesis) -> None:
    assert product.resources("AWS::IAM::User") == {}
    assert product.resources("AWS::IAM::AccessKey") == {}


def test_no_image_is_latest(product: Synthesis) -> None:
    for place, task in product.resources("AWS::ECS::TaskDefinition").items():
        for container in task["Properties"]["ContainerDefinitions"]:
            assert ":latest" not in json.dumps(container["Image"]), place


def test_every_data_store_has_a_deletion_policy(product: Synthesis) -> None:
    holding = {"AWS::S3::Bucket", "AWS::RDS::DBInstance", "AWS::ElastiCache::ReplicationGroup", "AWS::ECR::Repository",
               "AWS::SecretsManager::Secret", "AWS::Logs::LogGroup"}  # fmt: skip
    for place, resource in resources(product):
        if resource["Type"] in holding:
            assert {"DeletionPolicy", "UpdateReplacePolicy"} <= set(resource), place


def shape(template: Json, environment: str) -> dict[str, str]:
    """Returns the types of a template's resources by logical id, without ids that contain the environment's name."""
    return {
        logical_id: resource["Type"]
        for logical_id, resource in template["Resources"].items()
        if environment not in logical_id
    }


def test_environments_of_allthrive_differ_only_as_in_the_manifest() -> None:
    app = shipped("allthrive")
    # Parts of the logical ids that lines of the manifest add to one environment only.
    explanations = {
        "production": ["Subnet3", "Subnet2NATGateway", "Subnet2EIP", "PasswordRotation", "WebAcl", "AlarmsTopicops",
                       "WebServiceTaskCountTargetRequests",
                       "Certificate", "Ipv4", "Ipv6", "LoadBalancerHttps", "LoadBalancerfrompl3b927c52443"],
        "staging": ["CustomS3AutoDeleteObjects", "AutoDeleteObjectsCustomResource",
                    "LoadBalancerHttp", "LoadBalancerfrompl3b927c5280"],
    }  # fmt: skip
    for stack in ("network", "data", "services", "edge", "observability"):
        staging = shape(app[f"staging-allthrive-{stack}"], "staging")
        production = shape(app[f"production-allthrive-{stack}"], "production")
        for environment, more in (
            ("staging", staging.keys() - production.keys()),
            ("production", production.keys() - staging.keys()),
        ):
            unexplained = [
                logical_id for logical_id in more if not any(part in logical_id for part in explanations[environment])
            ]
            assert unexplained == [], f"{environment}: {stack}"


def test_two_environments_with_the_same_section_differ_only_in_their_names() -> None:
    section: Any = shipped("allthrive").product.environments["production"].model_dump(mode="json")
    app = synthesis({"environments": {"north": section, "south": section}})
    for stack in ("network", "data", "services", "edge", "observability"):
        north, south = (neutral(app[f"{name}-allthrive-{stack}"], name) for name in ("north", "south"))
        assert north == south, stack


def neutral(template: Json, environment: str) -> list[str]:
    """Returns a template's words without the environment's name and without hashes, which depend on the name."""
    text = re.sub(rf"(?i){environment}", "environment", json.dumps(template["Resources"]))
    return sorted(re.findall(r'[^"{}\[\],: ]+', re.sub(r"[0-9A-F]{8,}", "", text)))
