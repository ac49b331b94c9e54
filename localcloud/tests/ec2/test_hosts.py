"""Instances of Amazon Linux 2023 are containers that run their user data and act as the role of their profile."""

from __future__ import annotations

import base64
import subprocess
from typing import Any

import pytest

from localcloud.testing.cloud import Cloud, allow, role, until
from localcloud.testing.hosts import IMAGE, Host, launched, template
from localcloud.testing.plain import ACCOUNT, REGION, unique

pytestmark = [pytest.mark.local, pytest.mark.docker, pytest.mark.slow]

BOOT = """#!/bin/bash
set -eux
dnf install -y docker-25.0.14-1.amzn2023.0.1.x86_64 amazon-cloudwatch-agent
systemctl enable --now docker
cloud-init status || true
echo "user $(id -un)" > /var/lib/booted
echo boot >> /var/lib/boots
"""


@pytest.fixture(scope="module")
def host(cloud: Cloud) -> Host:
    """A host of a stack, with a role and user data."""
    statement = allow("s3:CreateBucket")
    made = launched(cloud, template(BOOT, Role=role(statement, service="ec2.amazonaws.com")))
    made.booted()
    return made


def test_the_user_data_runs_once_as_root_and_its_output_is_on_the_console(cloud: Cloud, host: Host) -> None:
    assert host.sh("cat /var/lib/booted") == "user root"
    assert "already installed" in host.sh("cat /var/log/cloud-init-output.log")
    assert "status: running" in host.console()
    assert "Cloud-init finished: done" in host.console()


def test_a_host_acts_as_the_role_of_its_instance_profile_and_iam_is_enforced(cloud: Cloud, host: Host) -> None:
    name = unique("bucket")
    arn = host.sh("aws sts get-caller-identity --query Arn --output text")
    assert arn.startswith(f"arn:aws:sts::{ACCOUNT}:assumed-role/")
    assert arn.endswith(f"/{host.id}")
    host.sh(f"aws s3api create-bucket --bucket {name}")
    with pytest.raises(subprocess.CalledProcessError) as denied:
        host.sh(f"aws s3api delete-bucket --bucket {name} 2>&1")
    assert "AccessDenied" in denied.value.stdout


def test_metadata_needs_a_token_if_the_template_requires_it(host: Host) -> None:
    url = "http://169.254.169.254/latest"
    code = "curl -s -o /dev/null -w '%{http_code}'"
    assert host.sh(f"{code} {url}/meta-data/instance-id") == "401"
    token = f"TOKEN=$(curl -s -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' {url}/api/token)"
    ask = 'curl -s -H "X-aws-ec2-metadata-token: $TOKEN"'
    assert host.sh(f"{token}; {ask} {url}/meta-data/instance-id") == host.id
    assert host.sh(f"{token}; {ask} {url}/meta-data/placement/region") == REGION
    assert host.sh(f"{token}; {ask} {url}/meta-data/nothing") == "Not Found"


def test_a_host_is_a_container_without_privileges(cloud: Cloud, host: Host) -> None:
    inspected = host.inspect()
    assert not inspected["HostConfig"]["Privileged"]
    assert not inspected["HostConfig"]["CapAdd"]
    assert inspected["HostConfig"]["NetworkMode"] == cloud.settings.network
    described = host.describe()
    assert described["PrivateIpAddress"] == host.sh("hostname -i").split()[0]
    assert described["MetadataOptions"]["HttpTokens"] == "required"


def test_a_stopped_host_keeps_its_disk_and_address_and_runs_no_user_data_again(cloud: Cloud, host: Host) -> None:
    ec2, before = cloud.client("ec2"), host.describe()
    host.sh("echo kept > /srv/file")
    ec2.stop_instances(InstanceIds=[host.id])
    host.wait("stopped")
    assert not host.inspect()["State"]["Running"]
    ec2.start_instances(InstanceIds=[host.id])
    host.wait("running")
    assert host.sh("cat /srv/file /var/lib/boots") == "kept\nboot"
    assert host.describe()["PrivateIpAddress"] == before["PrivateIpAddress"]
    booted = host.booted_at()
    ec2.reboot_instances(InstanceIds=[host.id])  # answers before the host goes down; its state may stay `running`
    until(
        "the host has booted again",
        lambda: host.booted_at() != booted and host.state() == "running" and host.answers(),
    )
    assert host.sh("cat /var/lib/boots") == "boot"


def test_a_host_that_dies_is_reported_as_stopped(cloud: Cloud) -> None:
    dying = launched(cloud, template("#!/bin/sh\n"))
    subprocess.run(["docker", "kill", dying.container], check=True, capture_output=True)
    dying.wait("stopped")
    assert "ended" in dying.describe()["StateReason"]["Message"]


def test_user_data_that_fails_is_visible(cloud: Cloud) -> None:
    failing = launched(cloud, template("#!/bin/bash\necho before\nexit 7\n"))
    until("the user data has failed", lambda: "exit code 7" in failing.console())
    with pytest.raises(subprocess.CalledProcessError) as status:
        failing.sh("cloud-init status --wait")
    assert "status: error" in status.value.stdout


def test_cloud_config_is_refused_visibly(cloud: Cloud) -> None:
    failing = launched(cloud, template("#cloud-config\npackages: [nginx]\n"))
    until("it is refused", lambda: "'#cloud-config' is not supported" in failing.console())


def test_a_data_volume_outlives_its_host_and_keeps_its_file_system(cloud: Cloud) -> None:
    ec2 = cloud.client("ec2")
    first = launched(cloud, template("#!/bin/sh\n"))
    zone = first.describe()["Placement"]["AvailabilityZone"]
    volume = ec2.create_volume(AvailabilityZone=zone, Size=5, VolumeType="gp3")["VolumeId"]
    path = f"/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_{volume.replace('-', '')}"
    ec2.attach_volume(VolumeId=volume, InstanceId=first.id, Device="/dev/sdf")
    first.sh(f"test -e /dev/sdf && test -e {path} && ! blkid {path} && mkfs.xfs {path} && mount {path} /srv")
    assert first.sh(f"blkid -o value -s TYPE {path}; mountpoint -q /srv && echo mounted") == "xfs\nmounted"
    assert "VolumeInUse" in _error(ec2, VolumeId=volume, InstanceId=first.id)
    ec2.terminate_instances(InstanceIds=[first.id])
    first.wait("terminated")
    assert ec2.describe_volumes(VolumeIds=[volume])["Volumes"][0]["State"] == "available"
    second = launched(cloud, template("#!/bin/sh\n"))
    ec2.attach_volume(VolumeId=volume, InstanceId=second.id, Device="/dev/sdf")
    assert second.sh("blkid -o value -s TYPE /dev/sdf") == "xfs"


def _error(ec2: Any, **arguments: str) -> str:
    with pytest.raises(ec2.exceptions.ClientError) as refused:
        ec2.attach_volume(Device="/dev/sdg", **arguments)
    return str(refused.value)


def test_run_instances_takes_a_launch_template_with_its_tags(cloud: Cloud) -> None:
    ec2 = cloud.client("ec2")
    data = {
        "ImageId": IMAGE,
        "InstanceType": "t4g.small",
        "UserData": base64.b64encode(b"#!/bin/sh\necho from-template").decode(),
        "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
        "TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "shop", "Value": "yes"}]}],
    }
    name = unique("template")
    ec2.create_launch_template(LaunchTemplateName=name, LaunchTemplateData=data)
    wanted = {"LaunchTemplateName": name, "Version": "$Latest"}
    made = ec2.run_instances(LaunchTemplate=wanted, MinCount=1, MaxCount=1)["Instances"][0]
    assert made["State"]["Name"] == "pending"
    found = Host(cloud, made["InstanceId"])
    found.wait("running")
    until("its user data ran", lambda: "from-template" in found.console())
    assert {"Key": "shop", "Value": "yes"} in found.describe()["Tags"]
    ec2.terminate_instances(InstanceIds=[found.id])
    found.wait("terminated")


def test_an_instance_without_source_check_is_on_record_only(cloud: Cloud) -> None:
    nat = template("#!/bin/sh\n")
    nat["Resources"]["Host"]["Properties"]["SourceDestCheck"] = False
    made = cloud.deploy(nat, unique("nat"))["Host"]
    recorded = Host(cloud, made)
    assert recorded.state() == "running"
    assert not recorded.answers()
