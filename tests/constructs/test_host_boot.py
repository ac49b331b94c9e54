"""The script of a host's first boot."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from slipway.host_boot import Runner, System, boot_script, runner_asset
from tests.support.stack import empty_stack

RUNNER = Runner("s3://assets/runner.zip", "releases", "/slipway/staging-shop/configuration")


def script(volume: str | None = None, system: System = "docker") -> str:
    return boot_script(
        runner=RUNNER,
        region="us-east-1",
        log_group="/hosts/staging-shop",
        host="host-1",
        metric_name="staging-shop-host-1",
        volume=volume,
        system=system,
    ).render()


def agent(volume: str | None) -> dict[str, Any]:
    (found,) = re.findall(r"^AGENT='(.*)'$", script(volume), flags=re.MULTILINE)
    return dict(json.loads(found))


@pytest.mark.parametrize("system", ["docker", "microk8s"])
def test_the_role_s_credentials_may_be_slow(system: System) -> None:
    """By default the AWS CLI gives up after one second, and nothing repeats a first boot."""
    lines = script("vol-0abc", system).splitlines()

    patience = lines.index("export AWS_METADATA_SERVICE_TIMEOUT=10 AWS_METADATA_SERVICE_NUM_ATTEMPTS=10")
    assert patience < min(number for number, line in enumerate(lines) if "aws --region" in line)


@pytest.mark.parametrize("system", ["docker", "microk8s"])
def test_the_script_is_valid_and_fits_into_user_data(tmp_path: Path, system: System) -> None:
    text = script("vol-0abc", system)
    (tmp_path / "boot.sh").write_text(text, encoding="utf-8")

    assert subprocess.run(["bash", "-n", tmp_path / "boot.sh"], check=False).returncode == 0
    assert text.startswith("#!/bin/bash\n")
    assert len(text.encode()) < 16_384  # EC2's limit for user data


def test_a_failed_command_ends_the_script() -> None:
    assert "set -euo pipefail" in script()


def test_compose_is_downloaded_by_version_and_checksum() -> None:
    text = script()

    assert re.search(r"^COMPOSE_VERSION='\d+\.\d+\.\d+'$", text, flags=re.MULTILINE)
    assert len(re.findall(r"^COMPOSE_\w+='[0-9a-f]{64}'$", text, flags=re.MULTILINE)) == 2
    assert "sha256sum --check" in text


def test_a_disk_gets_a_file_system_only_if_it_certainly_has_none(tmp_path: Path) -> None:
    """An error of blkid that is not `no file system` must not format the disk."""
    function = script("vol-0abc").partition("mount_data() {")[2].partition("\n}\n")[0]
    check = "local found=0" + function.partition("local found=0")[2].partition("mkdir -p /data")[0]
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "mkfs.xfs").write_text(f"#!/bin/sh\ntouch {tmp_path}/formatted\n")
    (programs / "blkid").write_text('#!/bin/sh\nexit "$CODE"\n')
    for program in programs.iterdir():
        program.chmod(0o755)
    formatted = {}
    for code in (0, 2, 4):
        (tmp_path / "formatted").unlink(missing_ok=True)
        text = f"set -euo pipefail\ndevice=/dev/x\ncheck() {{\n{check}\n}}\ncheck"
        environment = {"PATH": f"{programs}:/usr/bin:/bin", "CODE": str(code)}
        assert subprocess.run(["bash", "-c", text], env=environment, check=False).returncode == 0
        formatted[code] = (tmp_path / "formatted").exists()

    assert formatted == {0: False, 2: True, 4: False}


@pytest.mark.parametrize(("volume", "folders"), [(None, ["/"]), ("vol-0abc", ["/", "/data"])])
def test_the_agent_measures_the_disks_and_the_memory_of_a_host(volume: str | None, folders: list[str]) -> None:
    collected = agent(volume)["metrics"]["metrics_collected"]

    assert collected["disk"]["resources"] == folders
    assert {part["append_dimensions"]["Host"] for part in collected.values()} == {"staging-shop-host-1"}


def test_containers_log_to_cloudwatch_under_their_name_and_the_hosts() -> None:
    text = script()

    assert '"log-driver": "awslogs"' in text
    assert '"tag": "{{.Name}}/$HOST"' in text
    assert "LOG_GROUP='/hosts/staging-shop'" in text


def test_a_later_boot_applies_the_current_release() -> None:
    assert "--configuration $CONFIGURATION apply current" in script()
    assert "After=docker.service" in script()


def test_the_runner_does_not_change_with_the_boot_script() -> None:
    found = runner_asset(empty_stack())

    assert found.asset_hash
    assert found.is_zip_archive


def test_microk8s_is_installed_from_one_channel_and_never_refreshed_by_itself() -> None:
    text = script(system="microk8s")

    assert re.search(r"^MICROK8S='1\.\d+/stable'$", text, flags=re.MULTILINE)
    installed, held = text.index("snap install microk8s"), text.index("snap refresh --hold microk8s")
    assert installed < held < text.index("microk8s status --wait-ready")


def test_the_data_disk_is_there_before_the_first_release(tmp_path: Path) -> None:
    text = script("vol-0abc", "microk8s")

    assert text.index("snap install aws-cli") < text.rindex("mount_data") < text.index("snap install microk8s")


def test_the_password_of_the_registry_is_renewed_by_a_timer_before_it_ends() -> None:
    text = script(system="microk8s")

    assert "ExecStart=$program renew current" in text
    (hours,) = re.findall(r"OnUnitActiveSec=(\d+)h", text)
    assert int(hours) <= 6  # of twelve: one renewal may fail
