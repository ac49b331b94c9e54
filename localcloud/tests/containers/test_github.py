"""The local GitHub in a container: through the relay, with the repository's token."""

from __future__ import annotations

import json
from typing import Any

import docker
import pytest

from localcloud.github.repositories import Repositories
from localcloud.testing.cloud import IMAGE, Cloud
from localcloud.testing.plain import unique

pytestmark = [pytest.mark.local, pytest.mark.docker]

ASK = """
import json, sys, urllib.error, urllib.request
found = []
for path, token in json.loads(sys.argv[2]):
    request = urllib.request.Request(sys.argv[1] + path, headers={"Authorization": "Bearer " + token} if token else {})
    try:
        found.append(urllib.request.urlopen(request, timeout=20).status)
    except urllib.error.HTTPError as error:
        found.append(error.code)
print(json.dumps(found))
"""


def statuses(cloud: Cloud, *requests: tuple[str, str]) -> list[int]:
    """Returns the statuses of requests that a container sends."""
    address = cloud.settings.github_api.removesuffix("/api/v3")
    command = ["python", "-c", ASK, address, json.dumps(requests)]
    output: Any = docker.from_env().containers.run(IMAGE, command, network=cloud.settings.network, remove=True)
    found: list[int] = json.loads(output)
    return found


def test_a_container_calls_the_api_and_pushes_only_with_the_token(cloud: Cloud) -> None:
    secret, name = unique("github"), f"acme/{unique('shop')}"
    cloud.client("secretsmanager").create_secret(Name=secret, SecretString="ghp_token")
    Repositories(cloud.settings.repositories).create(name, "main", {"secret": secret, "published": "true"})
    push = f"/{name}.git/info/refs?service=git-receive-pack"

    found = statuses(
        cloud,
        (f"/api/v3/repos/{name}", "ghp_token"),
        (f"/api/v3/repos/{name}", "wrong"),
        (f"/{name}.git/info/refs?service=git-upload-pack", ""),
        (push, ""),
        (push, "ghp_token"),
    )

    assert found == [200, 401, 200, 401, 200]
