"""A small Lambda function with the code in `lambda/<name>`."""

from __future__ import annotations

from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_logs as logs
from aws_cdk.assertions import Template

from slipway.handler import Handler
from tests.support.stack import empty_stack, only, properties

NAME = "rotate_database_password"


@pytest.fixture(scope="module")
def stack() -> cdk.Stack:
    made = empty_stack()
    Handler(
        made,
        "Handler",
        name=NAME,
        description="any",
        timeout=cdk.Duration.seconds(30),
        environment={},
        log_retention=logs.RetentionDays.ONE_WEEK,
        statements=[],
    )
    return made


@pytest.fixture(scope="module")
def template(stack: cdk.Stack) -> Template:
    return Template.from_stack(stack)


def test_runs_python_3_13_on_graviton_with_256_mib(template: Template) -> None:
    found = properties(template, "AWS::Lambda::Function")

    assert (found["Runtime"], found["Architectures"], found["MemorySize"]) == ("python3.13", ["arm64"], 256)


def test_its_asset_contains_only_its_own_folder_and_shared(stack: cdk.Stack, template: Template) -> None:
    key = properties(template, "AWS::Lambda::Function")["Code"]["S3Key"]
    out = cdk.App.of(stack)
    assert isinstance(out, cdk.App)
    asset = Path(out.synth().directory) / f"asset.{key.removesuffix('.zip')}"

    assert (asset / NAME / "handler.py").is_file()
    assert {path.name for path in asset.iterdir()} <= {NAME, "shared"}
    assert list(asset.rglob("__pycache__")) == []


def test_its_log_group_has_a_retention_and_is_deleted_with_its_stack(template: Template) -> None:
    group = only(template, "AWS::Logs::LogGroup")

    assert group["Properties"]["RetentionInDays"] == 7
    assert group["DeletionPolicy"] == "Delete"
    assert "LogGroup" in properties(template, "AWS::Lambda::Function")["LoggingConfig"]
