"""A volume that user data attaches while the host's start has not ended is there, as any other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from localcloud.settings import Settings
from localcloud.testing.cloud import Cloud, allow, role
from localcloud.testing.fixtures import elsewhere
from localcloud.testing.hosts import launched, template
from localcloud.testing.plain import REGION

pytestmark = [pytest.mark.local, pytest.mark.docker, pytest.mark.slow]

HERE = Path(__file__).resolve().parents[2]
BOOT = f"""#!/bin/bash
set -eu
token=$(curl -s -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' http://169.254.169.254/latest/api/token)
instance=$(curl -s -H "X-aws-ec2-metadata-token: $token" http://169.254.169.254/latest/meta-data/instance-id)
zone=$(curl -s -H "X-aws-ec2-metadata-token: $token" http://169.254.169.254/latest/meta-data/placement/availability-zone)
aws="aws --region {REGION} ec2 --output text"
volume=$($aws create-volume --availability-zone "$zone" --size 1 --query VolumeId)
$aws attach-volume --volume-id "$volume" --instance-id "$instance" --device /dev/sdf
for _ in $(seq 100); do
  [ ! -e /dev/sdf ] || exit 0
  sleep 0.2
done
exit 1
"""


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory, common: Settings) -> Iterator[Cloud]:
    """A cloud whose hosts have started when their user data has attached a volume."""
    extensions = (*common.extensions, "tests.ec2.attached_late")
    with elsewhere(tmp_path_factory, replace(common, extensions=extensions, extensions_from=HERE)) as running:
        yield running


def test_a_volume_that_is_attached_while_a_host_starts_has_its_device(slow: Cloud) -> None:
    rights = (allow("ec2:CreateVolume"), allow("ec2:AttachVolume"))
    host = launched(slow, template(BOOT, Role=role(*rights, service="ec2.amazonaws.com")))

    host.booted()
