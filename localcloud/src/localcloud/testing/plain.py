"""A separate local cloud for tests without containers: a real server process, its own port and state folder."""

from __future__ import annotations

import json
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from localcloud import clients, keys, process
from localcloud.settings import Settings

ACCOUNT = "111122223333"
REGION = "us-east-1"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Plain:
    """A running cloud, with helpers for common calls."""

    def __init__(self, port: int, state: Path) -> None:
        self.port = port
        self.state = state
        self.url = f"http://127.0.0.1:{port}"
        self.key = keys.root(Settings(port=port, state=state, account=ACCOUNT))
        self._clients: dict[tuple[str, str], Any] = {}

    def client(self, service: str, credentials: dict[str, Any] | None = None, region: str = REGION) -> Any:
        """Returns a client of the account's root, or with the credentials of a session."""
        known = self._clients.get((service, region)) if credentials is None else None
        if known is not None:
            return known
        made = clients.client(service, credentials or self.key.credentials(), region, url=self.url)
        if credentials is None:
            self._clients[service, region] = made
        return made

    def signing(self, service: str, credentials: dict[str, Any], version: str) -> Any:
        """Returns a client that signs with a version of AWS's signature."""
        return clients.client(service, credentials, REGION, url=self.url, signature_version=version)

    def role(self, name: str, *statements: dict[str, Any], trust: dict[str, Any] | None = None, **more: Any) -> str:
        """Creates a role with one inline policy, which the account may assume."""
        trust = trust or {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
            "Action": "sts:AssumeRole",
        }
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        iam = self.client("iam")
        arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document, **more)["Role"]["Arn"]
        if statements:
            policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
            iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=policy)
        return arn

    def session(self, role_arn: str, **more: Any) -> dict[str, Any]:
        """Returns the credentials of a session of a role."""
        sts = self.client("sts")
        credentials: dict[str, Any] = sts.assume_role(RoleArn=role_arn, RoleSessionName="test", **more)["Credentials"]
        return credentials

    def deploy(self, template: dict[str, Any], name: str = "", **more: Any) -> dict[str, str]:
        """Create or update a stack and return its physical ids by logical id; a failure raises its first reason."""
        cfn = self.client("cloudformation")
        name = name or unique("stack")
        body = {"TemplateBody": json.dumps(template), "Capabilities": ["CAPABILITY_NAMED_IAM"], **more}
        known = [s["StackName"] for s in cfn.list_stacks()["StackSummaries"] if s["StackStatus"] != "DELETE_COMPLETE"]
        (cfn.update_stack if name in known else cfn.create_stack)(StackName=name, **body)
        status = self.settled(name)
        if status not in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
            raise AssertionError(f"{status}: {self.failures(name)}")
        found = cfn.describe_stack_resources(StackName=name)["StackResources"]
        return {item["LogicalResourceId"]: item.get("PhysicalResourceId", "") for item in found}

    def settled(self, name: str, seconds: float = 60) -> str:
        """Waits until no operation runs on a stack and returns its status."""
        cfn = self.client("cloudformation")
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            status: str = cfn.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
            if not status.endswith("_IN_PROGRESS"):
                return status
            time.sleep(0.05)
        raise TimeoutError(f"{name} still {status}")

    def failures(self, name: str) -> list[str]:
        """Returns the reasons of a stack's failures, first failure first."""
        events = self.client("cloudformation").describe_stack_events(StackName=name)["StackEvents"]
        return [
            f"{event['LogicalResourceId']}: {event['ResourceStatusReason']}"
            for event in reversed(events)
            if event["ResourceStatus"].endswith("_FAILED") and event.get("ResourceStatusReason")
        ]

    def outputs(self, name: str) -> dict[str, str]:
        stack = self.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
        return {item["OutputKey"]: item["OutputValue"] for item in stack.get("Outputs", [])}

    def make_policy(self, name: str) -> None:
        """Creates the boundary that every role of a product needs; it allows everything here."""
        statement = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam = self.client("iam")
        with suppress(iam.exceptions.EntityAlreadyExistsException):
            iam.create_policy(PolicyName=name, PolicyDocument=document)

    def delete(self, name: str) -> str:
        cfn = self.client("cloudformation")
        stack_id = cfn.describe_stacks(StackName=name)["Stacks"][0]["StackId"]
        cfn.delete_stack(StackName=name)
        return self.settled(stack_id)


def unique(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


def resources(**named: tuple[str, dict[str, Any]] | dict[str, Any]) -> dict[str, Any]:
    """Returns a template of `Name=("AWS::Type", {...})`."""
    return {
        "Resources": {
            name: value if isinstance(value, dict) else {"Type": value[0], "Properties": value[1]}
            for name, value in named.items()
        }
    }


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory, common: Settings) -> Iterator[Plain]:
    """One cloud without Docker for all tests of a run."""
    state, port = tmp_path_factory.mktemp("plain-cloud"), free_port()
    settings = replace(common, port=port, state=state, docker=False)
    process.start(settings)
    yield Plain(port, state)
    process.stop(settings)
