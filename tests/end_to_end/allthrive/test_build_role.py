"""A build's credentials, on the one network where SDKs in containers take them: that of AllThrive's cloud."""

from __future__ import annotations

import pytest

from localcloud.testing.builds import Builder, spec
from localcloud.testing.cloud import Cloud

pytestmark = [pytest.mark.local, pytest.mark.docker]


def test_commands_act_as_the_role_of_the_project(home_cloud: Cloud) -> None:
    builder = Builder(home_cloud, spec("env | grep -c ^AWS_ACCESS_KEY_ID= || :", "aws sts get-caller-identity"))
    build = builder.run()
    log = "\n".join(builder.log(build))
    assert build["buildStatus"] == "SUCCEEDED", log
    assert f":assumed-role/{builder.role_name}/AWSCodeBuild-{build['id'].split(':')[1]}" in log
    assert "\n0\n" in log  # by the endpoint of container credentials, not by keys
