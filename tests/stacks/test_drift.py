"""The nightly check for drift reads, and changes nothing."""

from __future__ import annotations

import re

from localcloud.cloudformation import needs
from products import names
from stacks.drift import READS
from tests.support.synthesis import Json, shipped

# Rights that read data or secrets, or do more than read. Without them, CloudFormation does not check what needs them.
LEFT_OUT = {
    "iam:PassRole",
    "kms:Decrypt",
    "kms:DescribeKey",
    "secretsmanager:GetSecretValue",
    "vpc-lattice:DescribeServiceNetworkVpcEndpointAssociation",
}
ENVIRONMENTS = ("dev", "staging", "production")


def resources() -> list[Json]:
    return [
        resource
        for environment in ENVIRONMENTS
        for stack in names.environment_stacks("fargate")
        for resource in shipped("showcase")[names.stack(environment, "showcase", stack)]["Resources"].values()
    ]


def test_every_documented_read_of_the_types_in_the_stacks_is_granted() -> None:
    wanted = {
        action
        for resource in resources()
        for action in needs.reference()["types"].get(resource["Type"], {}).get("read", ())
    }
    s3 = {action for action in wanted if action.startswith("s3:")}  # of settings that our buckets do not have

    lacking = wanted - s3 - set(READS)

    assert lacking <= LEFT_OUT, lacking - LEFT_OUT


def test_no_right_changes_anything() -> None:
    verbs = {re.match(r"[A-Z][a-z]+", action.partition(":")[2]) for action in READS}

    assert {verb[0] for verb in verbs if verb} == {"Describe", "Get", "List"}
    assert not {
        action for action in READS if "SecretValue" in action or action.startswith(("s3:GetObject", "ssm:GetParam"))
    }


def test_the_role_of_each_environment_detects_drift_in_its_own_stacks_only() -> None:
    for environment in ENVIRONMENTS:
        statements = [
            statement
            for resource in shipped("showcase")[f"{environment}-showcase-access"]["Resources"].values()
            if resource["Type"] == "AWS::IAM::Policy"
            for statement in resource["Properties"]["PolicyDocument"]["Statement"]
            if statement.get("Sid") == "DetectDrift"
        ]

        (detect,) = statements
        assert detect["Resource"].endswith(f":stack/{environment}-showcase-*")
