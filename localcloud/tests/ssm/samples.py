"""Documents of the tests."""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import ClientError

from localcloud.testing.cloud import until
from localcloud.testing.plain import Plain, unique


def step(*lines: str, name: str = "run", **more: Any) -> dict[str, Any]:
    """Returns a step that runs a shell script; `more` are further inputs, `precondition` the step's."""
    precondition = more.pop("precondition", None)
    found: dict[str, Any] = {"action": "aws:runShellScript", "name": name, "inputs": {"runCommand": [*lines], **more}}
    return {**found, "precondition": precondition} if precondition else found


def document(*steps: dict[str, Any], **parameters: Any) -> dict[str, Any]:
    """Returns the content of a Command document."""
    return {"schemaVersion": "2.2", "description": "A test", "parameters": parameters, "mainSteps": [*steps]}


def text(*steps: dict[str, Any], **parameters: Any) -> str:
    return json.dumps(document(*steps, **parameters))


def code(error: ClientError) -> str:
    return str(error.response["Error"]["Code"])


def message(error: ClientError) -> str:
    return str(error.response["Error"]["Message"])


AGENT = {
    "Effect": "Allow",
    "Action": [
        "ssm:UpdateInstanceInformation",
        "ssmmessages:CreateControlChannel",
        "ssmmessages:OpenControlChannel",
        "ssmmessages:CreateDataChannel",
        "ssmmessages:OpenDataChannel",
    ],
    "Resource": "*",
}
LOGS = {
    "Effect": "Allow",
    "Action": ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
    "Resource": "*",
}
OVER = {"Success", "Failed", "Cancelled", "TimedOut"}


def create(plain: Plain, *steps: dict[str, Any], **parameters: Any) -> str:
    """Creates a document and returns its name."""
    name = unique("document")
    plain.client("ssm").create_document(Name=name, Content=text(*steps, **parameters), DocumentType="Command")
    return name


def send(plain: Plain, document: str, *instances: str, **more: Any) -> str:
    """Sends a command and returns its ID."""
    target = {"InstanceIds": list(instances)} if instances else {}
    answer = plain.client("ssm").send_command(DocumentName=document, **target, **more)
    found: str = answer["Command"]["CommandId"]
    return found


def shell(plain: Plain, instance: str, *lines: str, **more: Any) -> str:
    """Sends lines of shell and returns the command's ID."""
    return send(plain, "AWS-RunShellScript", instance, Parameters={"commands": list(lines)}, **more)


def command(plain: Plain, identifier: str) -> dict[str, Any]:
    found: dict[str, Any] = plain.client("ssm").list_commands(CommandId=identifier)["Commands"][0]
    return found


def over(plain: Plain, identifier: str, seconds: float = 30) -> dict[str, Any]:
    """Waits until a command is over and returns it."""
    until(f"command {identifier} is over", lambda: command(plain, identifier)["Status"] in OVER, seconds)
    return command(plain, identifier)


def invocation(plain: Plain, identifier: str, instance: str, step: str = "") -> dict[str, Any]:
    more = {"PluginName": step} if step else {}
    found: dict[str, Any] = plain.client("ssm").get_command_invocation(
        CommandId=identifier, InstanceId=instance, **more
    )
    return found


def statuses(plain: Plain, identifier: str) -> dict[str, str]:
    """Returns the details of each invocation's status by instance."""
    listed = plain.client("ssm").list_command_invocations(CommandId=identifier)["CommandInvocations"]
    return {row["InstanceId"]: row["StatusDetails"] for row in listed}
