"""Pulls the images of pods: by the registry's names, with the credentials that a kubelet would have."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Iterable, Mapping
from typing import Any

import docker
from docker.errors import APIError, ImageNotFound
from ministack.core import iam_evaluator
from ministack.core.responses import request_scope

from localcloud import containers
from localcloud.ecr import login
from localcloud.kubernetes.api import Json

SYMBOLS: tuple[str, ...] = (
    "ministack.core.iam_evaluator:enforce",
    "ministack.core.responses:request_scope",
    *login.SYMBOLS,
)

_ECR = re.compile(r"^(?P<registry>(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com)/(?P<rest>.+)$")
_NAME = re.compile(r"^[a-zA-Z0-9][\w.-]*(:\d+)?(/[a-z0-9._-]+)*(:[\w.-]{1,128})?(@sha256:[0-9a-f]{64})?$")
_PULL = ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")


class PullError(Exception):
    """An image could not be pulled; ``reason`` is the kubelet's word for it."""

    def __init__(self, message: str, reason: str = "ErrImagePull") -> None:
        super().__init__(message)
        self.reason = reason


def repository_of(image: str) -> str:
    """Returns an image's name without tag and digest."""
    name = image.partition("@")[0]
    return name.rpartition(":")[0] if ":" in name.rpartition("/")[2] else name


def tagged(image: str) -> str:
    """Returns an image's name with the tag `latest` if it has neither tag nor digest."""
    return image if "@" in image or ":" in image.rpartition("/")[2] else f"{image}:latest"


def default_policy(image: str) -> str:
    """Returns the pull policy of an image that has none: Always for the tag `latest`."""
    return "Always" if tagged(image).endswith(":latest") else "IfNotPresent"


def passwords(secrets: Iterable[Json], registry: str) -> list[str]:
    """Returns the passwords for a registry in pull secrets, in the order of the secrets."""
    found = []
    for secret in secrets:
        encoded = (secret.get("data") or {}).get(".dockerconfigjson")
        if secret.get("type") != "kubernetes.io/dockerconfigjson" or not encoded:
            continue
        try:
            auths = json.loads(base64.b64decode(encoded))["auths"]
        except (ValueError, KeyError, TypeError):
            continue
        for server, given in auths.items():
            if re.sub(r"^https?://", "", server).partition("/")[0] == registry:
                found.append(_password(given))
    return [password for password in found if password]


def _password(given: Mapping[str, Any]) -> str:
    if given.get("password"):
        return str(given["password"])
    try:
        return base64.b64decode(given.get("auth", "")).decode().partition(":")[2]
    except ValueError:
        return ""


class Puller:
    """The images of one node."""

    def __init__(self) -> None:
        self._present: set[str] = set()
        self._lock = threading.Lock()

    def ensure(self, image: str, policy: str, secrets: Iterable[Json]) -> bool:
        """Makes an image present; returns True if it was pulled.

        Raises:
            PullError: if that is not possible.
        """
        if not _NAME.match(image):
            raise PullError(
                f'Failed to apply default image tag "{image}": invalid reference format', "InvalidImageName"
            )
        name = tagged(image)
        client = docker.from_env(timeout=600)
        with self._lock:
            known = name in self._present
        if policy == "Never" or (policy == "IfNotPresent" and known):
            if policy == "Never" and not _is_here(client, name):
                raise PullError(
                    f'Container image "{name}" is not present with pull policy of Never', "ErrImageNeverPull"
                )
            if _is_here(client, name):
                return False
        registry = _ECR.match(name)
        if registry is not None:
            self._authorize(registry, name, list(secrets))
        self._pull(client, name, is_ours=registry is not None)
        with self._lock:
            self._present.add(name)
        return True

    def _pull(self, client: docker.DockerClient, name: str, *, is_ours: bool) -> None:
        if not is_ours and _is_here(client, name):  # a machine that reaches no registry has stand-ins of such images
            return
        repository, suffix = repository_of(name), name[len(repository_of(name)) :]
        try:
            client.images.pull(repository, tag=suffix[1:])
        except (APIError, ImageNotFound) as error:
            detail = getattr(error, "explanation", None) or str(error)
            raise PullError(f'failed to pull and unpack image "{name}": {detail}') from error

    def _keys(self, registry: str, secrets: list[Json]) -> list[str]:
        """Returns the access keys that may pull: those to whom the passwords in pull secrets belong."""
        keys = [login.holder(password) for password in passwords(secrets, registry)]
        return [key for key in keys if key]

    def _authorize(self, match: re.Match[str], name: str, secrets: list[Json]) -> None:
        keys = self._keys(match["registry"], secrets)
        prefix = f'failed to pull and unpack image "{name}": failed to resolve reference "{name}": '
        if not keys:
            raise PullError(
                f"{prefix}pull access denied, repository does not exist or may require authorization: "
                "authorization failed: no basic auth credentials"
            )
        repository = repository_of(match["rest"])
        arn = f"arn:aws:ecr:{match['region']}:{match['account']}:repository/{repository}"
        with request_scope(match["account"], match["region"]):
            for key in keys:
                denied = [
                    action
                    for action in _PULL
                    if iam_evaluator.enforce(key, action, "ecr", match["region"], resource_arn=arn) is not None
                ]
                if not denied:
                    return
        raise PullError(f"{prefix}403 Forbidden: not authorized to perform {denied[0]} on {arn}")


def _is_here(client: docker.DockerClient, name: str) -> bool:
    try:
        client.images.get(name)
    except ImageNotFound:
        return False
    return True


def identity(image: Any, name: str) -> str:
    """Returns an image's ID as the kubelet writes it: its name with the digest in the registry."""
    repository = repository_of(name)
    local = containers.local_name(repository)
    for digest in image.attrs.get("RepoDigests") or ():
        if digest.partition("@")[0] in (repository, local, f"docker.io/library/{repository}"):
            return f"{repository}@{digest.partition('@')[2]}"
    return str(image.id)
