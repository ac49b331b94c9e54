"""The document by which Systems Manager runs releases on hosts."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template

from slipway.host_boot import Runner
from slipway.host_document import HostDocument
from tests.support.stack import empty_stack, properties


@pytest.fixture(scope="module")
def template() -> Template:
    stack = empty_stack()
    HostDocument(
        stack,
        "Document",
        name="staging-shop-release",
        association_name="staging-shop-join",
        region="us-east-1",
        runner=Runner("s3://assets/runner.zip", "releases", "/slipway/staging-shop/configuration"),
        runner_hash="0" * 64,
        tags={"slipway:product": "shop", "slipway:environment": "staging"},
        timeout=cdk.Duration.minutes(20),
    )
    return Template.from_stack(stack)


def content(template: Template) -> Any:
    return properties(template, "AWS::SSM::Document")["Content"]


def associations(template: Template) -> dict[str, Any]:
    return {
        "Patches" if part["Properties"]["Name"] == "AWS-RunPatchBaseline" else "Join": part["Properties"]
        for part in template.find_resources("AWS::SSM::Association").values()
    }


@pytest.mark.parametrize(
    ("release", "accepted"),
    [("current", True), ("0" * 64, True), ("0" * 63, False), ("x; reboot", False), ("current\n", False), ("", False)],
)
def test_a_release_is_a_digest_or_the_current_one(template: Template, release: str, accepted: bool) -> None:
    pattern = content(template)["parameters"]["Release"]["allowedPattern"]

    assert bool(re.fullmatch(pattern, release)) is accepted


def test_a_step_is_one_of_four(template: Template) -> None:
    assert content(template)["parameters"]["Step"]["allowedValues"] == ["apply", "migrate", "report", "restore"]


def test_the_script_is_valid_and_ends_after_its_timeout(template: Template) -> None:
    (step,) = content(template)["mainSteps"]
    text = "\n".join(step["inputs"]["runCommand"]).replace("{{ Step }}", "apply").replace("{{ Release }}", "current")

    assert subprocess.run(["bash", "-n"], input=text, text=True, check=False).returncode == 0
    assert step["inputs"]["timeoutSeconds"] == "1200"
    assert text.endswith("apply current")


# The fake `aws` has the file of both commands before either may go on.
_AWS = """#!/bin/bash
touch "${!#}" "$FOLDER/started.$$"
until [ "$(ls "$FOLDER" | grep -c started)" = 2 ]; do :; done
"""


def test_two_commands_at_once_fetch_the_program_on_a_new_host(template: Template, tmp_path: Path) -> None:
    """The command of a pipeline, and that of the association for hosts that join."""
    programs = {"aws": _AWS, "python3": "#!/bin/sh\necho ran\n", "cloud-init": "#!/bin/sh\n"}
    commands = [_started(template, tmp_path, programs) for _ in range(2)]

    assert [command.communicate()[0] for command in commands] == ["ran\n", "ran\n"]


def test_a_release_ends_with_the_cause_if_the_first_boot_failed(template: Template, tmp_path: Path) -> None:
    (tmp_path / "boot.log").write_text("Complete!\ncurl: (6) Could not resolve host: github.com\n")
    programs = {"cloud-init": '#!/bin/sh\n[ "$*" = "status --wait" ] && exit 1\n', "python3": "#!/bin/sh\necho ran\n"}
    command = _started(template, tmp_path, programs)

    output = command.communicate()[0]
    assert command.returncode == 1
    assert "the first boot of this host failed" in output
    assert output.endswith("Could not resolve host: github.com\n")


def _started(template: Template, folder: Path, programs: dict[str, str]) -> subprocess.Popen[str]:
    """Starts the document's script in a folder, with programs that replace those of a host."""
    script = "\n".join(content(template)["mainSteps"][0]["inputs"]["runCommand"])
    script = script.replace("/opt/slipway", str(folder / "program")).replace("{{ ", "").replace(" }}", "")
    script = script.replace("/var/log/cloud-init-output.log", str(folder / "boot.log"))
    (folder / "bin").mkdir(exist_ok=True)
    for name, body in programs.items():
        program = folder / "bin" / name
        if not program.exists():
            program.write_text(body)
            program.chmod(0o755)
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "FOLDER": str(folder)}
    return subprocess.Popen(
        ["bash", "-c", script], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def test_hosts_that_join_apply_the_current_release(template: Template) -> None:
    join = associations(template)["Join"]

    assert join["Parameters"] == {"Step": ["apply"], "Release": ["current"]}
    assert join["Targets"] == [
        {"Key": "tag:slipway:product", "Values": ["shop"]},
        {"Key": "tag:slipway:environment", "Values": ["staging"]},
    ]


def test_patches_reach_one_host_after_the_other_and_stop_at_the_first_failure(template: Template) -> None:
    patches = associations(template)["Patches"]

    assert (patches["MaxConcurrency"], patches["MaxErrors"]) == ("1", "0")
    assert patches["ApplyOnlyAtCronInterval"] is True
