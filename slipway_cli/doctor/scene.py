"""The subject of checks: a product's parts in one account and region, and AWS's APIs there with time limits."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from policy.execution.account import HOME
from products import Environment, Product, names
from slipway_cli.doctor.model import TOOLING, Finding, Place
from slipway_cli.operate.errors import code

# A check asks a few times; an answer takes AWS less than a second.
_PATIENCE = Config(connect_timeout=4, read_timeout=8, retries={"mode": "standard", "total_max_attempts": 2})
_PRESENT = {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE"}
GLOBAL_REGION = "us-east-1"
"""The region of CloudFront's certificates and quotas."""


class Scene:
    """A product's parts in one place, and clients of AWS there."""

    def __init__(self, product: Product, place: Place, policies: Path = HOME) -> None:
        """`policies` is the folder with a folder for each account, in which its policies are: policy/execution."""
        self.product = product
        self.place = place
        self._policies = policies
        self.environments: dict[str, Environment] = {
            name: product.environments[name] for name in place.parts if name in product.environments
        }
        self._clients: dict[tuple[str, str], Any] = {}
        self._making = threading.RLock()  # a session is not thread-safe, its clients are
        self._session = boto3.session.Session()

    @property
    def account(self) -> str:
        """The account."""
        return self.place.account

    @property
    def region(self) -> str:
        """The region."""
        return self.place.region

    @property
    def tooling(self) -> bool:
        """True if registry, GitHub roles and pipelines are here."""
        return TOOLING in self.place.parts

    def client(self, service: str, region: str = "") -> Any:
        """Returns a client, by default of the place's region."""
        key = (service, region or self.region)
        with self._making:
            if key not in self._clients:
                self._clients[key] = self._session.client(service, region_name=key[1], config=_PATIENCE)
            return self._clients[key]

    def policies(self) -> dict[str, str]:
        """Returns the policies that the account should have, by name, as policy/execution has them."""
        return {path.stem: path.read_text("utf-8") for path in sorted((self._policies / self.account).glob("*.json"))}

    @cached_property
    def _stacks(self) -> dict[str, dict[str, Any]]:
        pages = self.client("cloudformation").get_paginator("describe_stacks").paginate()
        return {stack["StackName"]: stack for page in pages for stack in page["Stacks"]}

    def stack(self, part: str, name: str) -> dict[str, Any] | None:
        """Returns a stack of the product by its part and name, e.g. `staging` and `network`; None if there is none."""
        with self._making:
            return self._stacks.get(names.stack(part, self.product.name, name))

    def stacks(self) -> list[dict[str, Any]]:
        """Returns the product's stacks in this place."""
        prefixes = tuple(f"{names.prefix(part, self.product.name)}-" for part in self.place.parts)
        with self._making:
            return [stack for name, stack in sorted(self._stacks.items()) if name.startswith(prefixes)]

    def resources(self, part: str, name: str, kind: str) -> list[str]:
        """Returns the physical ids of a stack's resources of one type; none if the stack does not exist."""
        if self.stack(part, name) is None:
            return []
        stack = names.stack(part, self.product.name, name)
        pages = self.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
        listed = (resource for page in pages for resource in page["StackResourceSummaries"])
        return [
            str(resource["PhysicalResourceId"])
            for resource in listed
            if resource["ResourceType"] == kind and resource["ResourceStatus"] in _PRESENT
        ]

    def new(self) -> dict[str, Environment]:
        """Returns the environments whose network does not exist yet."""
        return {name: found for name, found in self.environments.items() if self.stack(name, "network") is None}


@dataclass(frozen=True)
class Check:
    """A question about one account and region."""

    name: str
    """Names the finding if AWS does not answer."""
    ask: Callable[[Scene], Iterable[Finding]]
    """Returns the findings; none if the manifest has nothing to check."""


def none_if(error_codes: set[str], call: Any, **arguments: Any) -> Any:
    """Returns the answer of a call; None if AWS answers with one of the error codes."""
    try:
        return call(**arguments)
    except ClientError as error:
        if code(error) in error_codes:
            return None
        raise
