"""The local cloud of the tests of Systems Manager, without Docker; its hosts are processes."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.ssm.samples import AGENT

from localcloud import process
from localcloud.settings import Settings
from localcloud.testing.plain import Plain, free_port, unique

HERE = Path(__file__).resolve().parents[2]
Start = Callable[..., str]


class Managed(Plain):
    """A cloud whose instances can have a host."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings.port, settings.state)
        self.settings = settings

    def host(self, *statements: dict[str, Any], **tags: str) -> str:
        """Starts an instance with a host; `statements` are added to the policy of its role."""
        trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
        role = self.role(unique("host"), *(AGENT, *statements), trust=trust)
        return self.bare_host(role, **tags)

    def bare_host(self, role: str, **tags: str) -> str:
        """Starts an instance with a host and this role."""
        listed = [{"Key": key, "Value": value} for key, value in tags.items()] or [{"Key": "Name", "Value": "host"}]
        made = self.client("ec2").run_instances(
            ImageId="ami-0c2023a1b2c3d4e5f",
            MinCount=1,
            MaxCount=1,
            InstanceType="t4g.small",
            TagSpecifications=[{"ResourceType": "instance", "Tags": listed}],
        )
        instance: str = made["Instances"][0]["InstanceId"]
        self.power(instance, role)
        return instance

    def power(self, instance: str, role: str) -> None:
        """Starts the host of an instance."""
        self._tell("POST", f"{instance}?role={role}")

    def cut(self, instance: str) -> None:
        """Stops the host of an instance."""
        self._tell("DELETE", instance)

    def _tell(self, method: str, what: str) -> None:
        request = urllib.request.Request(f"{self.url}/_test/hosts/{what}", method=method)
        urllib.request.urlopen(request, timeout=10).close()


@pytest.fixture(scope="session")
def managed(tmp_path_factory: pytest.TempPathFactory, common: Settings) -> Iterator[Managed]:
    extensions = (*common.extensions, "tests.ssm.process_hosts")
    state, port = tmp_path_factory.mktemp("managed-cloud"), free_port()
    settings = replace(common, port=port, state=state, docker=False, extensions=extensions, extensions_from=HERE)
    process.start(settings)
    yield Managed(settings)
    process.stop(settings)


@pytest.fixture(scope="session")
def plain(managed: Managed) -> Plain:
    return managed
