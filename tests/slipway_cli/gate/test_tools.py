"""Each pack and each tool runs: it finds the problem that is planted for it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_rds as rds
from aws_cdk import aws_s3 as s3

from slipway.accepted import accept
from slipway_cli.gate import synthesis, tools
from slipway_cli.gate.assembly import Template, roles, templates
from slipway_cli.gate.escalation import PATHS, escalations
from slipway_cli.gate.findings import Finding, Inspection

WORKFLOW = """\
on: pull_request_target
jobs:
  build:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v4
      - run: echo ${{ github.event.pull_request.title }}
"""
pytestmark = pytest.mark.slow
installed = pytest.mark.skipif(not tools.TOOLS.exists(), reason="no .venv-policy; `make policy` creates it")


def unsafe(app: cdk.App) -> None:
    """Adds a stack with one problem for each pack and tool."""
    stack = cdk.Stack(app, "Unsafe", env=cdk.Environment(account="111122223333", region="us-east-1"))
    bucket = s3.Bucket(stack, "Bucket")
    accept(bucket, "planted, so that a test can see what is accepted", "AwsSolutions-S1", "AwsSolutions-S99")
    accept(stack, "planted, so that a test can see what is too wide", "AwsSolutions-S10")
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    passing = ["iam:PassRole", "lambda:CreateFunction", "lambda:InvokeFunction", "s3:GetObjekt"]
    role.add_to_policy(iam.PolicyStatement(actions=passing, resources=["*"]))
    lambda_.CfnFunction(
        stack,
        "Function",
        role=role.role_arn,
        runtime="python3.8",
        handler="x.y",
        code=lambda_.CfnFunction.CodeProperty(zip_file="x"),
    )
    rds.CfnDBInstance(stack, "Database", publicly_accessible=True, db_instance_class="db.t4g.micro", engine="postgres")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("assembly")


@pytest.fixture(scope="module")
def inspection(folder: Path) -> Inspection:
    made = synthesis.inspect("unsafe", unsafe, folder)
    synthesis.write(made, folder)
    return made


@pytest.fixture(scope="module")
def made(inspection: Inspection, folder: Path) -> list[Template]:
    return templates(folder)


def rules(findings: Iterator[Finding] | list[Finding], tool: str, path: str = "") -> set[str]:
    return {finding.rule for finding in findings if finding.tool == tool and finding.path.startswith(path)}


@pytest.mark.parametrize(
    ("pack", "rule", "path"),
    [
        ("AwsSolutions", "AwsSolutions-S1", "Unsafe/Bucket"),
        ("NIST.800.53.R5", "NIST.800.53.R5-RDSInstancePublicAccess", "Unsafe/Database"),
        ("HIPAA.Security", "HIPAA.Security-RDSInstancePublicAccess", "Unsafe/Database"),
        ("PCI.DSS.321", "PCI.DSS.321-RDSInstancePublicAccess", "Unsafe/Database"),
        ("Serverless", "Serverless-LambdaLatestVersion", "Unsafe/Function"),
        ("CloudFormation Validate", "no_public_database", "Unsafe/Database"),
        ("CloudFormation Validate", "passed_roles_are_named", "Unsafe/Role"),
    ],
)
def test_each_pack_runs(inspection: Inspection, pack: str, rule: str, path: str) -> None:
    assert rule in rules(list(inspection.findings), pack, path)


def test_every_pack_has_a_planted_finding(inspection: Inspection) -> None:
    assert set(synthesis.PACKS) <= {finding.tool for finding in inspection.findings}


def test_acceptances_are_matched_and_refused_if_stale_or_for_a_stack(inspection: Inspection) -> None:
    problems = list(inspection.wrong())

    assert "AwsSolutions-S1" not in {finding.rule for finding in inspection.refused()}
    assert any("AwsSolutions-S99: remove it" in problem for problem in problems)
    assert any("accepts at Unsafe, a whole stack or more" in problem for problem in problems)


def test_an_inspection_is_the_same_after_write_and_read(inspection: Inspection, folder: Path) -> None:
    assert synthesis.read(folder) == inspection


def test_acceptances_are_recorded_only_by_the_gate(folder: Path) -> None:
    unsafe(cdk.App(outdir=str(folder / "plain")))

    assert synthesis.inspect("nothing", lambda _: None, folder / "nothing").accepted == ()


def test_cfn_lint_runs(made: list[Template]) -> None:
    assert "W2531" in rules(list(tools.cfn_lint(made)), "cfn-lint", "Unsafe/Function")


@installed
def test_checkov_runs(made: list[Template], folder: Path) -> None:
    assert "CKV_AWS_18" in rules(tools.checkov(folder, made), "checkov", "Unsafe/Bucket/Resource")


@installed
def test_cloudsplaining_and_parliament_run(made: list[Template]) -> None:
    found = list(tools.policies(made))

    assert "cloudsplaining-PassExistingRoleToNewLambdaThenInvoke" in rules(found, "cloudsplaining", "Unsafe/Role")
    assert "parliament-UNKNOWN_ACTION" in rules(found, "parliament", "Unsafe/Role")
    assert "pass-role-to-function" in rules(found, "escalation", "Unsafe/Role")


def test_zizmor_runs_if_there_are_workflows(tmp_path: Path) -> None:
    assert list(tools.workflows(tmp_path)) == []
    (tmp_path / ".github" / "workflows").mkdir(parents=True)
    (tmp_path / ".github" / "workflows" / "ci.yml").write_text(WORKFLOW)

    found = list(tools.workflows(tmp_path))

    assert {"dangerous-triggers", "template-injection", "unpinned-uses"} <= rules(found, "zizmor", ".github/workflows/")


@pytest.mark.parametrize("path", PATHS)
def test_each_privilege_escalation_is_found_for_any_resource(path: str) -> None:
    statements = [{"Effect": "Allow", "Action": action, "Resource": "arn:x"} for action in PATHS[path]]

    assert path in {rule for rule, _ in escalations({"Statement": statements})}
    assert path not in {rule for rule, _ in escalations({"Statement": statements[1:]})}


def test_statements_of_a_role_are_collected_from_all_its_policies(made: list[Template]) -> None:
    (document,) = [role for path, role in roles(made[0]).items() if path.startswith("Unsafe/Role")]

    assert document["Statement"][0]["Resource"] == "*"


def test_a_missing_tool_says_what_to_type(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tools, "TOOLS", tmp_path)

    with pytest.raises(tools.ToolError, match="make policy"):
        list(tools.checkov(tmp_path, []))


def test_a_broken_tool_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shutil.copy("/bin/false", tmp_path / "checkov")  # exits with 1, as checkov does if it has findings
    monkeypatch.setattr(tools, "TOOLS", tmp_path)

    with pytest.raises(tools.ToolError, match="did not return JSON"):
        list(tools.checkov(tmp_path, []))
