"""EC2 hosts in tests: instances of Amazon Linux 2023, and commands in them."""

from __future__ import annotations

import base64
import json
import subprocess
from typing import Any

from localcloud.machine_images import image_id
from localcloud.testing.cloud import Cloud, until
from localcloud.testing.plain import unique

IMAGE = image_id("/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64")


class Host:
    """An instance of a cloud and its container."""

    def __init__(self, cloud: Cloud, instance_id: str) -> None:
        self.cloud, self.id = cloud, instance_id
        self.container = f"{cloud.settings.network}-{instance_id}"

    def sh(self, command: str) -> str:
        """Runs a shell command as root and returns its output; CalledProcessError has both."""
        argv = ["docker", "exec", self.container, "sh", "-c", command]
        done = subprocess.run(argv, check=False, capture_output=True, text=True)
        if done.returncode:
            error = subprocess.CalledProcessError(done.returncode, command, done.stdout, done.stderr)
            error.add_note(f"{done.stdout}\n{done.stderr}")
            raise error
        return done.stdout.strip()

    def write(self, path: str, content: str) -> None:
        """Writes a file, with its folders."""
        script = 'mkdir -p "$(dirname "$1")" && cat > "$1"'
        argv = ["docker", "exec", "-i", self.container, "sh", "-c", script, "sh", path]
        subprocess.run(argv, check=True, capture_output=True, input=content.encode())

    def answers(self) -> bool:
        """True if its container runs."""
        argv = ["docker", "exec", self.container, "test", "-S", "/run/localcloud/agent.sock"]
        return subprocess.run(argv, check=False, capture_output=True).returncode == 0

    def inspect(self) -> dict[str, Any]:
        argv = ["docker", "inspect", self.container]
        found: dict[str, Any] = json.loads(subprocess.run(argv, check=True, capture_output=True).stdout)[0]
        return found

    def booted_at(self) -> str:
        """Returns when it last started; a reboot is over when this has changed."""
        return str(self.inspect()["State"]["StartedAt"])

    def describe(self) -> dict[str, Any]:
        answer = self.cloud.client("ec2").describe_instances(InstanceIds=[self.id])
        found: dict[str, Any] = answer["Reservations"][0]["Instances"][0]
        return found

    def state(self) -> str:
        return str(self.describe()["State"]["Name"])

    def wait(self, state: str) -> None:
        until(f"{self.id} is {state}", lambda: self.state() == state, seconds=120)

    def console(self) -> str:
        output = self.cloud.client("ec2").get_console_output(InstanceId=self.id).get("Output", "")
        return str(output)

    def booted(self) -> None:
        """Waits until the user data has ended; it must have succeeded."""
        self.sh("cloud-init status --wait >/dev/null || { cat /var/log/cloud-init-output.log; false; }")


def template(user_data: str, **more: Any) -> dict[str, Any]:
    """Returns a template with the instance `Host`; with a resource `Role`, the instance gets its profile."""
    properties: dict[str, Any] = {
        "ImageId": IMAGE,
        "InstanceType": "t4g.small",
        "UserData": base64.b64encode(user_data.encode()).decode(),
        "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
    }
    made = dict(more)
    if "Role" in more:
        made["Profile"] = {"Type": "AWS::IAM::InstanceProfile", "Properties": {"Roles": [{"Ref": "Role"}]}}
        properties["IamInstanceProfile"] = {"Ref": "Profile"}
    made["Host"] = {"Type": "AWS::EC2::Instance", "Properties": properties}
    return {"Resources": made}


def launched(cloud: Cloud, wanted: dict[str, Any]) -> Host:
    """Deploys a template of `template` and returns its host, which runs."""
    return Host(cloud, cloud.deploy(wanted, unique("host"))["Host"])
