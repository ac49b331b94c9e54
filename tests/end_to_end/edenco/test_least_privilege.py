"""A release to hosts fails without any single statement of the roles that it has, but for those with a reason.

Each statement is really removed, on a local cloud with containers that checks IAM for each call. `make privileges`
records the failures.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from localcloud import shell
from localcloud.testing.cloud import until
from paths import ROOT
from policy.privileges import evidence
from policy.privileges.reasons import reason
from policy.privileges.roles import Statement
from policy.privileges.table import host_roles
from products import names
from tests.end_to_end.edenco.product import LONGEST, PRODUCT, Edenco
from tests.end_to_end.privileges.deployed import Answers, Deployed, Outcome
from tests.end_to_end.privileges.recorded import recorded
from tests.examples import plugins

pytestmark = [pytest.mark.local, pytest.mark.docker, pytest.mark.slow, pytest.mark.long]

ENVIRONMENT = "staging"
ACCESS, HOSTS = (f"{ENVIRONMENT}-edenco-{stack}" for stack in ("access", "hosts"))
REFUSED = re.compile(
    r"not authorized to perform|AccessDenied|UnauthorizedOperation|no basic auth|403|denied|not in a valid state"
)
ALL = sorted(host_roles().statements())
NEEDED = [statement for statement in ALL if reason(statement) is None]
KEPT = [statement for statement in ALL if reason(statement) is not None]


class Hosts:
    """The hosts of an environment that runs a release, and the work that needs their roles."""

    def __init__(self, edenco: Edenco) -> None:
        self._edenco = edenco
        self.deployed = Deployed(edenco.cloud, Answers(edenco.cloud), [ACCESS, HOSTS])
        self._numbers = itertools.count(1)
        self._images = self._running()

    def role(self, kind: str) -> str:
        """Returns the name of a role of a kind."""
        stack, _, name = kind.removeprefix("edenco ").partition(": ")
        return self.deployed.physical({"access": ACCESS, "hosts": HOSTS}[stack], name)

    def _running(self) -> dict[str, str]:
        """Returns the images of the newest release, from its record in the bucket of releases."""
        s3, bucket = self._edenco.client("s3"), self._edenco.output_of(HOSTS, names.RELEASES_OUTPUT)
        listed = s3.list_objects_v2(Bucket=bucket)["Contents"]
        newest = sorted(listed, key=lambda entry: entry["LastModified"], reverse=True)
        for entry in newest:
            if entry["Key"].endswith(".json"):
                record = json.loads(s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read())
                if "images" in record:
                    return dict(record["images"])
        raise AssertionError([entry["Key"] for entry in newest])

    def _step(self, step: str, version: str, credentials: dict[str, str]) -> Outcome:
        settings = self._edenco.cloud.settings
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            **plugins.kept(settings.state / "docker"),
            **settings.environment(),
            **shell.variables(settings),
            **credentials,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }
        images = [f"{image}={uri}" for image, uri in self._images.items()]
        command = [sys.executable, "-m", "tests.end_to_end.edenco.step", step, ENVIRONMENT, version]
        done = subprocess.run(
            [*command, str(self._edenco.clone), *images],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=LONGEST,
        )
        return Outcome(done.returncode == 0, done.stdout + done.stderr)

    def release(self) -> Outcome:
        """Releases to the hosts with the environment's role, and compares what they run."""
        credentials = self.deployed.session(self.role("edenco access: Deploy"))
        version = f"1.5.{next(self._numbers)}"
        applied = self._step("apply", version, credentials)
        return self._step("verify", version, credentials) if applied.succeeded else applied

    def receive(self) -> Outcome:
        """Boots and releases on a host: its program and its disk as at the first boot, then a new release."""
        booted = self._on_host(self._boot())
        return self._step("apply", f"1.6.{next(self._numbers)}", {}) if booted.succeeded else booted

    def _boot(self) -> str:
        """Returns the commands of the first boot that call AWS; a disk that is attached already is none to refuse."""
        content = self._edenco.client("ssm").get_document(Name=names.release_document(ENVIRONMENT, PRODUCT.name))[
            "Content"
        ]
        program = re.search(r"s3://[^' ]+\.zip", content)
        assert program
        volume, instance = self._disk()
        attach = f"aws --region us-east-1 ec2 attach-volume --volume-id {volume} --instance-id {instance}"
        return (
            f"set -e; aws --region us-east-1 s3 cp --only-show-errors '{program[0]}' /tmp/boot.zip; "
            f'said=$({attach} --device /dev/sdf 2>&1) || case $said in *VolumeInUse*) ;; *) echo "$said"; exit 1;; esac'
        )

    def _disk(self) -> tuple[str, str]:
        filters = [{"Name": "tag:slipway:environment", "Values": [ENVIRONMENT]}]
        volumes = self._edenco.client("ec2").describe_volumes(Filters=filters)["Volumes"]
        return next(
            (str(volume["VolumeId"]), str(volume["Attachments"][0]["InstanceId"]))
            for volume in volumes
            if volume["Attachments"]
        )

    def _on_host(self, script: str) -> Outcome:
        ssm, (_, instance) = self._edenco.client("ssm"), self._disk()
        given = {"DocumentName": "AWS-RunShellScript", "Parameters": {"commands": [script]}}
        try:
            sent = ssm.send_command(InstanceIds=[instance], **given)["Command"]["CommandId"]
        except ssm.exceptions.InvalidInstanceId as error:  # its agent may not register, or not fetch commands
            return Outcome(False, str(error))

        def ended() -> dict[str, Any] | None:
            found = ssm.list_command_invocations(CommandId=sent, Details=True)["CommandInvocations"]
            over = found and found[0]["Status"] in ("Success", "Failed", "TimedOut")
            return dict(found[0]) if over else None

        invocation: dict[str, Any] = until("the end of the commands", ended, 120)
        output = "".join(plugin.get("Output", "") for plugin in invocation["CommandPlugins"])
        return Outcome(invocation["Status"] == "Success", output)


DOING: dict[str, Callable[[Hosts], Outcome]] = {
    "edenco access: Deploy": Hosts.release,
    "edenco hosts: Role": Hosts.receive,
}


@pytest.fixture(scope="module")
def hosts(edenco: Edenco) -> Hosts:
    return Hosts(edenco)


@pytest.fixture(scope="module")
def failures() -> Iterator[dict[Statement, str]]:
    """The failure without each statement."""
    yield from recorded(NEEDED)


def test_every_role_has_its_work() -> None:
    assert {statement.role for statement in ALL} == set(DOING)
    assert PRODUCT.on_hosts()


@pytest.mark.parametrize("role", DOING)
def test_the_work_succeeds_without_the_statements_that_only_aws_needs(hosts: Hosts, role: str) -> None:
    with ExitStack() as taken:
        for statement in [kept for kept in KEPT if kept.role == role]:
            taken.enter_context(hosts.deployed.without(hosts.role(role), statement.name))
        outcome = DOING[role](hosts)

    assert outcome.succeeded, outcome.output


@pytest.mark.parametrize("statement", NEEDED, ids=lambda statement: f"{statement.role}, {statement.name}")
def test_the_work_fails_without_a_statement(hosts: Hosts, failures: dict[Statement, str], statement: Statement) -> None:
    role = hosts.role(statement.role)
    assert statement.name in hosts.deployed.statements(role)
    with hosts.deployed.without(role, statement.name):
        outcome = DOING[statement.role](hosts)

    assert not outcome.succeeded
    assert REFUSED.search(outcome.output), outcome.output
    failures[statement] = evidence.summary(outcome.output)
