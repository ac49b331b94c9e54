"""A new account of a local cloud for each test, and AllThrive in it."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from localcloud import keys
from localcloud.settings import Settings
from localcloud.testing.plain import Plain, plain, resources
from products import Product
from slipway_cli import cloud
from slipway_cli.doctor.command import places
from slipway_cli.doctor.model import Finding
from slipway_cli.doctor.scene import Check, Scene
from tests.support.manifests import product
from tests.support.on_hosts import compose

__all__ = ["plain"]

REGION = "us-east-1"


class Account:
    """An empty account, with what tests do in it."""

    def __init__(self, plain: Plain, folder: Path) -> None:
        self.plain, self.policies = plain, folder
        self.id = f"{random.randrange(10**11, 10**12)}"
        self.settings = replace(cloud.OURS, port=plain.port, state=plain.state, docker=False)
        self._key = keys.root(Settings(port=plain.port, state=plain.state), self.id)

    def client(self, service: str, region: str = REGION) -> Any:
        """Returns a client of the account's root."""
        return self.plain.client(service, self._key.credentials(), region)

    def product(self, changes: Mapping[str, Any] | None = None) -> Product:
        """Returns AllThrive in this account, with values set at dotted paths."""
        parts = ("tooling", "environments.staging", "environments.production")
        connection = f"arn:aws:codeconnections:{REGION}:{self.id}:connection/0f1e2d3c-0000-4000-8000-000000000000"
        own = {**{f"{part}.account": self.id for part in parts}, "pipeline.connection": connection}
        return product({**own, **(changes or {})})

    def scene(self, part: str, changes: Mapping[str, Any] | None = None) -> Scene:
        """Returns what checks ask, with the account's own credentials."""
        found = self.product(changes)
        [place] = places(found, [part])
        cloud.Cloud(local=self.settings).enter(place.account, place.region)
        return Scene(found, place, self.policies)

    def ask(self, check: Check, part: str, changes: Mapping[str, Any] | None = None) -> list[Finding]:
        """Returns the findings of one check about one part of the product."""
        return list(check.ask(self.scene(part, changes)))

    def hosts(self, check: Check, **hosts: Any) -> list[Finding]:
        """Returns the findings of one check about a staging on hosts."""
        found = compose({"account": self.id, "environments/staging/hosts": {"instance": "t4g.small", **hosts}})
        [place] = places(found, ["staging"])
        cloud.Cloud(local=self.settings).enter(place.account, place.region)
        return list(check.ask(Scene(found, place, self.policies)))

    def deploy(self, name: str, **named: Any) -> dict[str, str]:
        """Deploys a stack, and returns the physical ids of its resources."""
        stacks = self.client("cloudformation")
        stacks.create_stack(StackName=name, TemplateBody=json.dumps(resources(**named)))
        stacks.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
        found = stacks.describe_stack_resources(StackName=name)["StackResources"]
        return {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in found}

    def mailed_token(self, topic: str) -> str:
        """Returns the token that confirms a subscription by e-mail; the server's log has the mail."""
        log = (self.plain.state / "run" / "server.log").read_text(encoding="utf-8")
        return str(re.findall(rf"--topic-arn {re.escape(topic)} --token (\w+)", log)[-1])


@pytest.fixture
def account(plain: Plain, tmp_path: Path) -> Account:
    """Returns an empty account."""
    return Account(plain, tmp_path / "policies")
