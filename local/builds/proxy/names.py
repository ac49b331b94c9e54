"""Image names: ECR's outside, those of the local registry towards the daemon, which reaches it on loopback."""

from __future__ import annotations

import re

from local import settings

_ECR = re.compile(r"(?<![\w./-])(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?(?=/)")
_HOST = re.compile(r"^(https?://)?\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?(/.*)?$")


def registry() -> str:
    """The local registry as the daemon names it."""
    return f"localhost:{settings.current().port}"


def to_local(text: str) -> str:
    """The text with ECR's names replaced by the local registry's."""
    return _ECR.sub(registry(), text)


def to_ecr(text: bytes) -> bytes:
    """The daemon's words with ECR's names again."""
    chosen = settings.current()
    host = f"{chosen.account}.dkr.ecr.{chosen.region}.amazonaws.com"
    return re.sub(rb"(?<![\w./-])" + re.escape(registry().encode()) + rb"(?=/)", host.encode(), text)


def is_ecr_host(server: str) -> bool:
    """Whether `docker login` names ECR."""
    return bool(_HOST.match(server))


def repository(image: str) -> str:
    """The repository of a name in the local registry, empty for every other image."""
    host, _, rest = to_local(image).partition("/")
    if host != registry():
        return ""
    return rest.partition("@")[0].rpartition(":")[0] or rest.partition("@")[0]


def tagged(repository_name: str, tag: str) -> str:
    """One name for one image: with its tag, `latest` if it has none, without Docker Hub's long form."""
    name = to_local(repository_name).removeprefix("docker.io/").removeprefix("library/")
    if tag:
        return f"{name}:{tag}"
    return name if ":" in name.rpartition("/")[2] or "@" in name else f"{name}:latest"
