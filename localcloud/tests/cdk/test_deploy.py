"""The quick start of the README: up, source, bootstrap, deploy with the real CDK CLI, down."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud import process
from localcloud.settings import Settings
from localcloud.testing.fixtures import cannot
from localcloud.testing.plain import REGION, Plain, free_port

pytestmark = [pytest.mark.local, pytest.mark.slow]

HERE = Path(__file__).parent
NODE_MODULES = [folder / "node_modules" for folder in HERE.parents]


@dataclass(frozen=True)
class Terminal:
    """Runs shells one after another in one folder, as a user types in them."""

    folder: Path
    environment: dict[str, str]

    def type(self, *lines: str) -> str:
        """Runs lines in bash until one fails; returns their output."""
        script = "\n".join(["set -e", *lines])
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def path_with_cdk() -> str:
    """The PATH with the CDK CLI and Node.js, as npm finds them: installed globally, or in a folder above."""
    programs = [str(folder / name) for folder in NODE_MODULES for name in ("node/bin", ".bin") if folder.is_dir()]
    path = os.pathsep.join([*programs, str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    for program in ("cdk", "node"):
        if shutil.which(program, path=path) is None:
            cannot(f"no {program} on the PATH: npm install --global aws-cdk")
    return path


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    own = {"PATH": path_with_cdk(), "HOME": str(tmp_path), "CI": "true", "CDK_DISABLE_CLI_TELEMETRY": "true"}
    kept = {name: os.environ[name] for name in ("LANG", "PYTHONPATH", "TMPDIR") if name in os.environ}
    return Terminal(tmp_path, {**kept, **own})


@pytest.fixture
def cloud(terminal: Terminal) -> Iterator[Plain]:
    """A cloud that is started and stopped by command."""
    settings = Settings(port=free_port(), state=terminal.folder / ".localcloud")
    localcloud = f"{shlex.quote(sys.executable)} -m localcloud"
    terminal.type(f"{localcloud} up --no-docker --port {settings.port}")
    yield Plain(settings.port, settings.state)
    assert "is down" in terminal.type(f"{localcloud} down")
    assert not process.port_taken(settings)


def deployed(terminal: Terminal, *, timeout: int) -> dict[str, str]:
    app = f"{shlex.quote(sys.executable)} {HERE / 'app.py'}"
    terminal.type(
        "source .localcloud/local.env",
        f"cdk deploy Orders --app {shlex.quote(app)} --context timeout={timeout} --require-approval never "
        "--no-notices --output cdk.out --outputs-file outputs.json",
    )
    outputs: dict[str, str] = json.loads((terminal.folder / "outputs.json").read_text())["Orders"]
    return outputs


def message(cloud: Plain, queue_url: str) -> str:
    """Returns the next message of a queue, read with the client's permissions."""
    received = cloud.client("sqs").receive_message(QueueUrl=queue_url, WaitTimeSeconds=10)
    body: str = received["Messages"][0]["Body"]
    return body


def visibility(cloud: Plain, queue_url: str) -> str:
    shown = cloud.client("sqs").get_queue_attributes(QueueUrl=queue_url, AttributeNames=["VisibilityTimeout"])
    timeout: str = shown["Attributes"]["VisibilityTimeout"]
    return timeout


def body(answer: dict[str, Any]) -> bytes:
    content: bytes = answer["Body"].read()
    return content


def test_a_cdk_app_is_bootstrapped_deployed_changed_and_destroyed(terminal: Terminal, cloud: Plain) -> None:
    terminal.type("source .localcloud/local.env", "cdk bootstrap --no-notices aws://$CDK_DEFAULT_ACCOUNT/" + REGION)

    first = deployed(terminal, timeout=30)
    assert cloud.client("ssm").get_parameter(Name="/orders/bucket")["Parameter"]["Value"] == first["BucketName"]
    cloud.client("sns").publish(TopicArn=first["TopicArn"], Message="an order")
    assert message(cloud, first["QueueUrl"]) == "an order"
    assert visibility(cloud, first["QueueUrl"]) == "30"
    assets, _, key = first["AssetUrl"].removeprefix("s3://").partition("/")
    assert body(cloud.client("s3").get_object(Bucket=assets, Key=key)) == (HERE / "greeting.txt").read_bytes()

    session = cloud.session(first["ReaderArn"])
    cloud.client("s3").put_object(Bucket=first["BucketName"], Key="order", Body=b"1")
    assert body(cloud.client("s3", session).get_object(Bucket=first["BucketName"], Key="order")) == b"1"
    with pytest.raises(ClientError, match="AccessDenied"):
        cloud.client("s3", session).put_object(Bucket=first["BucketName"], Key="order", Body=b"2")

    second = deployed(terminal, timeout=60)
    assert second == first
    assert visibility(cloud, first["QueueUrl"]) == "60"

    cloud.client("s3").delete_object(Bucket=first["BucketName"], Key="order")
    terminal.type("source .localcloud/local.env", "cdk destroy Orders --app cdk.out --force --no-notices")
    names = [stack["StackName"] for stack in cloud.client("cloudformation").describe_stacks()["Stacks"]]
    assert names == ["CDKToolkit"]
