"""Lambda functions with Docker, in the image of their runtime."""

from __future__ import annotations

from typing import Any

import pytest
from tests.awslambda.test_functions import function, invoke, logged
from tests.cloudformation.test_custom_resources import provider_template

from localcloud.testing.cloud import Cloud
from localcloud.testing.plain import ACCOUNT, unique

pytestmark = [pytest.mark.local, pytest.mark.docker]

WHERE = """
import json, os, sys, boto3
def handler(event, context):
    print("seen", event.get("word"))
    return {
        "python": sys.version.split()[0],
        "root": os.environ.get("LAMBDA_TASK_ROOT"),
        "server": [name for name in os.environ if name.startswith(("LOCALCLOUD_", "MINISTACK_"))],
        "who": boto3.client("sts").get_caller_identity()["Arn"],
    }
"""


@pytest.fixture
def where(cloud: Cloud) -> str:
    return cloud.deploy(function(Code={"ZipFile": WHERE}))["Function"]


def test_a_function_runs_in_its_runtimes_image_as_its_role(cloud: Cloud, where: str) -> None:
    word = unique("word")
    answer: Any
    answer, error = invoke(cloud, where, word=word)
    assert error is None, answer
    assert answer["python"].startswith("3.13")
    assert (answer["root"], answer["server"]) == ("/var/task", [])
    assert answer["who"].startswith(f"arn:aws:sts::{ACCOUNT}:assumed-role/")
    assert f"seen {word}" in logged(cloud, f"/aws/lambda/{where}", word)


def test_an_invocation_has_one_request_id_in_its_log(cloud: Cloud, where: str) -> None:
    word = unique("word")
    invoke(cloud, where, word=word)
    logged(cloud, f"/aws/lambda/{where}", word)

    events = cloud.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{where}")["events"]

    kinds = ("START", "END", "REPORT")
    lines = {
        kind: [event["message"] for event in events if event["message"].startswith(f"{kind} RequestId: ")]
        for kind in kinds
    }
    assert [len(lines[kind]) for kind in kinds] == [1, 1, 1]
    assert len({line.split()[2] for kind in kinds for line in lines[kind]}) == 1


def test_a_provider_in_a_container_can_send_its_response(cloud: Cloud) -> None:
    stack = unique("provider")
    cloud.deploy(provider_template(Word="one"), stack)
    assert cloud.outputs(stack)["Echo"] == "Create one"
    assert cloud.delete(stack) == "DELETE_COMPLETE"


def test_the_error_of_a_function_without_its_image_names_the_image(cloud: Cloud) -> None:
    """It never runs on this machine instead: anybody who may create a function would control the machine."""
    function_name = cloud.deploy(function(Code={"ZipFile": WHERE}, Runtime="python3.9"))["Function"]
    answer, error = invoke(cloud, function_name)
    assert error is not None
    assert "docker pull public.ecr.aws/lambda/python:3.9" in answer["errorMessage"]
    assert answer["errorType"] == "Runtime.ImageMissing"
