"""A build's credentials, on the only network where SDKs in containers can get them: that of AllThrive's cloud."""

from __future__ import annotations

import pytest

from localcloud.testing.builds import Builder, spec
from localcloud.testing.cloud import Cloud

pytestmark = [pytest.mark.local, pytest.mark.docker]


def test_commands_have_the_role_of_the_project(home_cloud: Cloud) -> None:
    builder = Builder(home_cloud, spec("env | grep -c ^AWS_ACCESS_KEY_ID= || :", "aws sts get-caller-identity"))
    build = builder.run()
    log = "\n".join(builder.log(build))
    assert build["buildStatus"] == "SUCCEEDED", log
    assert f":assumed-role/{builder.role_name}/AWSCodeBuild-{build['id'].split(':')[1]}" in log
    assert "\n0\n" in log  # from the endpoint for container credentials, not from keys in the environment
