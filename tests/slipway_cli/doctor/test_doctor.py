"""`slipway doctor` as it is typed: its table, its exit codes, and the rights that it needs."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import boto3
import botocore.session
import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from localcloud.testing.plain import ACCOUNT, Plain, unique
from paths import ROOT
from slipway_cli import cloud
from slipway_cli.doctor import permissions
from slipway_cli.doctor.asking import ask
from slipway_cli.doctor.command import examined, places
from slipway_cli.doctor.model import Finding, Place, exit_code, missing, ok, unknown
from slipway_cli.doctor.registry import CHECKS
from slipway_cli.doctor.scene import Check, Scene
from slipway_cli.doctor.table import as_json, table
from tests.slipway_cli.doctor.conftest import REGION, Account

pytestmark = pytest.mark.local

NO_CREDENTIALS = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}


def slipway(*words: str, state: Path, **shell: str) -> subprocess.CompletedProcess[str]:
    """Runs the command in a shell without credentials, and with the given variables."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SLIPWAY_"))}
    return subprocess.run(
        [sys.executable, "-m", "slipway_cli", *words],
        cwd=ROOT,
        env={
            **inherited,
            **NO_CREDENTIALS,
            "LOCALCLOUD_STATE": str(state),
            "AWS_EC2_METADATA_DISABLED": "true",
            **shell,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_a_table_names_what_is_missing_and_what_to_type(plain: Plain) -> None:
    done = slipway("doctor", "staging", "--product", "allthrive", state=plain.state)
    lines = done.stdout.splitlines()
    assert done.returncode == 1, done.stderr
    assert lines[:2] == [f"the local cloud at http://localhost:{plain.port}", f"account {ACCOUNT}, {REGION}: staging"]
    [bootstrap] = [line for line in lines if line.startswith("  bootstrap ")]
    assert re.search(r"  missing  the CDK's bootstrap .*; next: .*slipway\S* prepare --product allthrive$", bootstrap)
    assert any(line.startswith("  zones of staging ") and "  ok       us-east-1a" in line for line in lines)
    assert re.fullmatch(r"\d+ missing, \d+ unknown, \d+ ok", lines[-1])


def test_programs_read_json(plain: Plain) -> None:
    done = slipway("doctor", "--json", "--product", "edenco", state=plain.state)
    [place] = json.loads(done.stdout)["places"]
    assert (place["account"], place["parts"]) == (ACCOUNT, ["tooling", "staging", "production"])
    found = {finding["check"]: finding for finding in place["findings"]}
    assert found["connection to GitHub"]["result"] == "missing"
    assert set(found["connection to GitHub"]) == {"check", "result", "detail", "fix"}
    assert done.returncode == 1


def test_without_credentials_aws_cannot_be_asked(plain: Plain) -> None:
    done = slipway("doctor", "--aws", "--product", "allthrive", state=plain.state)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("doctor failed: there are no AWS credentials to use")


def test_an_endpoint_that_does_not_answer_is_one_sentence(plain: Plain) -> None:
    keys = {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "x", "AWS_MAX_ATTEMPTS": "1"}
    nowhere = {"AWS_ENDPOINT_URL": "http://nowhere.invalid"}
    done = slipway("doctor", "--aws", "--product", "allthrive", state=plain.state, **keys, **nowhere)
    assert done.returncode == 2
    assert done.stderr.startswith("doctor failed: AWS does not answer")
    assert done.stderr.splitlines()[1].endswith("doctor --aws --product allthrive in a minute")


def test_an_unknown_environment_is_named(plain: Plain) -> None:
    done = slipway("doctor", "stagin", "--product", "allthrive", state=plain.state)
    assert done.returncode == 2
    assert "no environment 'stagin' in allthrive" in done.stderr


def test_the_policy_needs_no_cloud(tmp_path: Path) -> None:
    done = slipway("doctor", "--policy", state=tmp_path)
    assert done.returncode == 0
    assert json.loads(done.stdout) == permissions.policy()


def test_an_account_of_other_credentials_is_not_asked(account: Account) -> None:
    product = account.product({"environments.production.account": "999988887777"})
    mine = cloud.Cloud(account=account.id)
    found = examined(product, mine, ["production"])
    [finding] = found[Place("999988887777", REGION, ("production",))]
    assert (finding.check, finding.result) == ("credentials", "unknown")
    assert re.fullmatch(r"AWS_PROFILE=<a profile of account 999988887777> \S*slipway doctor production", finding.fix)


def test_parts_are_grouped_by_account_and_region(account: Account) -> None:
    product = account.product({"environments.staging.region": "eu-west-1"})
    assert places(product, ["tooling", "staging", "production"]) == [
        Place(account.id, REGION, ("tooling", "production")),
        Place(account.id, "eu-west-1", ("staging",)),
    ]


@pytest.mark.parametrize(
    ("findings", "code"),
    [
        ([ok("a", "x")], 0),
        ([ok("a", "x"), unknown("b", "y")], 2),
        ([unknown("b", "y"), missing("c", "z", "type it")], 1),
    ],
)
def test_the_exit_code_is_that_of_the_worst_finding(findings: list[Finding], code: int) -> None:
    assert exit_code(findings) == code


def test_a_strangers_text_cannot_control_the_terminal() -> None:
    found = {Place("1", "r", ("p",)): [missing("c", "named \x1b[2J\nsecond line", "fix\x07")]}
    printed = list(table(found))
    assert printed[1] == "  c  missing  named [2J second line; next: fix"
    assert json.loads(as_json(found))["places"][0]["findings"][0]["fix"] == "fix\x07"


# --- rights ----------------------------------------------------------------------------------------------------------


def scene_of(account: Account, *statements: object) -> Scene:
    """Returns what checks ask, with the credentials of a role with one policy."""
    iam, sts, name = account.client("iam"), account.client("sts"), unique("doctor")
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{account.id}:root"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    policy = {"Version": "2012-10-17", "Statement": list(statements)}
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=json.dumps(policy))
    scene = account.scene("tooling", EVERYTHING)
    for key, value in sts.assume_role(RoleArn=arn, RoleSessionName="doctor")["Credentials"].items():
        variable = {
            "AccessKeyId": "ACCESS_KEY_ID",
            "SecretAccessKey": "SECRET_ACCESS_KEY",
            "SessionToken": "SESSION_TOKEN",
        }.get(key)
        if variable:
            os.environ[f"AWS_{variable}"] = value
    boto3.DEFAULT_SESSION = None
    [place] = places(scene.product, ["tooling", "staging", "production"])
    return Scene(scene.product, place, account.policies)


DOMAIN = "shop.example"
EVERYTHING = {
    "secrets": {"OPENAI_API_KEY": {"name": "allthrive/openai"}},
    "environments.staging.alarm_emails": ["ops@example.com"],
}


def everything(account: Account) -> None:
    """Creates something for every check to find, so that every call is made."""
    account.deploy("tooling-allthrive-delivery", Topic=("AWS::SNS::Topic", {}))
    account.deploy("staging-allthrive-observability", Topic=("AWS::SNS::Topic", {}))


def state(plain: Plain, account: Account) -> str:
    """Returns what the account contains, as its administration sees it."""
    reads = {
        "iam": ["list_roles", "list_policies", "list_open_id_connect_providers"],
        "secretsmanager": ["list_secrets"],
        "ec2": ["describe_vpcs", "describe_addresses", "describe_prefix_lists"],
        "cloudformation": ["list_stacks"],
        "sns": ["list_topics", "list_subscriptions"],
        "route53": ["list_hosted_zones"],
        "acm": ["list_certificates"],
        "ecr": ["describe_repositories"],
        "codeconnections": ["list_connections"],
        "service-quotas": ["list_requested_service_quota_change_history"],
        "ssm": ["describe_parameters"],
        "s3": ["list_buckets"],
    }
    found = {
        f"{service}.{operation}": getattr(account.client(service), operation)()
        for service, operations in reads.items()
        for operation in operations
    }
    return json.dumps({name: {**value, "ResponseMetadata": None} for name, value in found.items()}, default=str)


def test_the_listed_actions_are_enough_and_change_nothing(plain: Plain, account: Account) -> None:
    everything(account)
    scene = scene_of(account, *permissions.policy()["Statement"])
    before = state(plain, account)

    found = ask(scene, CHECKS)

    assert [finding for finding in found if finding.result == "unknown" and "action" in finding.detail] == []
    assert {finding.result for finding in found} >= {"ok", "missing"}
    assert state(plain, account) == before


def test_the_role_of_the_policy_may_do_nothing_else(account: Account) -> None:
    scene = scene_of(account, *permissions.policy()["Statement"])
    refused: tuple[tuple[str, str, dict[str, str]], ...] = (
        ("secretsmanager", "get_secret_value", {"SecretId": "allthrive/github"}),
        ("iam", "create_role", {"RoleName": "x", "AssumeRolePolicyDocument": "{}"}),
        ("ssm", "get_parameter", {"Name": "/production/password"}),
        ("s3", "list_buckets", {}),
    )
    for service, operation, arguments in refused:
        with pytest.raises(ClientError, match=r"(not authorized|Access ?Denied)"):
            getattr(scene.client(service), operation)(**arguments)


def test_a_missing_permission_is_named_and_stops_no_other_check(account: Account) -> None:
    everything(account)
    scene = scene_of(account, {"Effect": "Allow", "Action": "ec2:*", "Resource": "*"})

    found = ask(scene, CHECKS)

    results = {finding.check: finding for finding in found}
    assert results["bootstrap"].result == "unknown"
    assert results["bootstrap"].detail == "needs the action ssm:GetParameter"
    assert results["zones of staging"].result == "ok"
    named = {
        finding.detail.removeprefix("needs the action ") for finding in found if "needs the action" in finding.detail
    }
    assert named <= set(permissions.ACTIONS)
    assert {"cloudformation:DescribeStacks", "secretsmanager:DescribeSecret", "servicequotas:GetServiceQuota"} <= named


def test_credentials_that_end_meanwhile_are_not_many_findings(account: Account) -> None:
    scene = scene_of(account, *permissions.policy()["Statement"])
    os.environ["AWS_SECRET_ACCESS_KEY"] = "wrong"
    ended = Scene(scene.product, scene.place, account.policies)
    with pytest.raises(Exception, match=r"(Signature|security token)"):
        ask(ended, CHECKS)


def test_a_check_without_an_answer_is_unknown(account: Account) -> None:
    def unanswered(_: Scene) -> list[object]:
        raise ConnectionResetError("reset by peer")

    [found] = ask(account.scene("staging"), [Check("network", unanswered)])  # type: ignore[arg-type]  # it never returns
    assert (found.check, found.result, found.detail) == ("network", "unknown", "AWS does not answer: reset by peer")


def test_every_listed_action_reads_and_is_an_operation_of_aws() -> None:
    session = botocore.session.get_session()
    services = {"servicequotas": "service-quotas"}
    for action in permissions.ACTIONS:
        service, _, operation = action.partition(":")
        assert operation in session.get_service_model(services.get(service, service)).operation_names, action
        assert re.match(r"(Describe|List|Get|BatchGet)", operation), action


def test_every_call_of_the_checks_is_in_the_list() -> None:
    """Reads the names of the calls from the source, so that a new one cannot be forgotten."""
    known = {xform_name(action.partition(":")[2]) for action in permissions.ACTIONS}
    called = set()
    for file in (ROOT / "slipway_cli" / "doctor").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and re.match(r"(describe|list|get|batch_get)_", node.attr):
                called.add(node.attr)
            elif isinstance(node, ast.Constant) and re.match(r"(describe|list)_\w+$", str(node.value)):
                called.add(str(node.value))
    called -= {"get_paginator"}
    assert called <= known
    assert known <= called  # no more rights than calls
