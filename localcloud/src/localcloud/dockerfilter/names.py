"""Image names: parsed as Docker parses them. Builds use ECR's names, the daemon those of the local registry.

The daemon accepts many spellings of one image (`python`, `docker.io/library/python:latest`) and many addresses of the
local registry (`localhost`, `127.0.0.1`, the relay's). `parse` returns the same name for all of them, so that a check
always applies to the image that the daemon uses.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from localcloud import settings

_ECR = re.compile(
    r"(?:(?<![\w./-])|(?<=docker-image://))(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?(?=/)"
)
_HOST = re.compile(r"^(https?://)?\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?(/.*)?$")
# The grammar of https://pkg.go.dev/github.com/distribution/reference
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_REFERENCE = re.compile(
    rf"(?:(?P<host>(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?)/)?"
    rf"(?P<path>{_COMPONENT}(?:/{_COMPONENT})*)"
    r"(?::(?P<tag>\w[\w.-]{0,127}))?"
    r"(?:@(?P<digest>[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}))?",
    re.ASCII,
)
_HUB = {"docker.io", "index.docker.io"}


class InvalidNameError(ValueError):
    """A string that is not a valid image name."""


@dataclass(frozen=True)
class Image:
    """The name of an image; `host` is empty for Docker Hub's."""

    host: str
    path: str
    tag: str = ""
    digest: str = ""

    @property
    def name(self) -> str:
        """Host and path, without tag and digest."""
        return f"{self.host}/{self.path}" if self.host else self.path

    @property
    def qualified(self) -> str:
        """The name with the default host and folder that Docker omits."""
        hub = "docker.io/" if "/" in self.path else "docker.io/library/"
        return str(self) if self.host else hub + str(self)

    @property
    def repository(self) -> str:
        """The repository in the local registry; empty for an image of another registry."""
        return self.path if self.host == registry() else ""

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return self.name + tag + (f"@{self.digest}" if self.digest else "")


def registry() -> str:
    """Returns the host and port of the local registry in the daemon's image names."""
    return f"localhost:{settings.current().port}"


def _is_registry(host: str, port: str) -> bool:
    """True if an address may be the local registry. Only the port counts, since any name may resolve to loopback."""
    return bool(host) and port.isdigit() and int(port) == settings.current().port


def parse(text: str) -> Image:
    """Returns the image that the daemon means by a name.

    Raises:
        InvalidNameError: if it is not a valid image name.
    """
    text = to_local(text)
    match = _REFERENCE.fullmatch(text)
    if match is None:
        raise InvalidNameError(
            f"{text!r} is not the name of an image: expected [host/]name[:tag][@digest] in lower case"
        )
    host, path = match["host"] or "", match["path"]
    if host and not any(sign in host for sign in ".:") and host != "localhost" and host == host.lower():
        host, path = "", f"{host}/{path}"  # the first folder of a name on Docker Hub
    address, _, port = host.lower().rpartition(":") if re.search(r":\d+$", host) else (host.lower(), "", "")
    host = f"{address}:{int(port)}" if port else address
    if host in _HUB:
        host = ""
    if not host and path.count("/") == 1:
        path = path.removeprefix("library/")
    if _is_registry(address, port):
        host = registry()
    return Image(host, path, match["tag"] or "", match["digest"] or "")


def target(name: str, tag: str = "") -> Image:
    """Returns the name that a command such as `docker tag` gives to an image. It always has a tag.

    Raises:
        InvalidNameError: if it is not a valid image name, or if Docker could read it as an id.
    """
    image = parse(name)
    if tag:
        image = parse(f"{image.name}:{tag}")
    if image.digest or image.path == "sha256" or re.fullmatch("[0-9a-f]{12,}", image.name):
        raise InvalidNameError(f"Docker reads {name!r} as the id of an image; expected a name such as web:1")
    return replace(image, tag=image.tag or "latest")


def to_local(text: str) -> str:
    """Returns the text with the addresses of ECR replaced by that of the local registry."""
    return _ECR.sub(registry(), text)


def to_ecr(text: bytes) -> bytes:
    """Returns an answer of the daemon with the address of the local registry replaced by that of ECR."""
    chosen = settings.current()
    host = f"{chosen.account}.dkr.ecr.{chosen.region}.amazonaws.com"
    return re.sub(rb"(?<![\w./-])" + re.escape(registry().encode()) + rb"(?=/)", host.encode(), text)


def is_ecr_host(server: str) -> bool:
    """True if the server of a `docker login` is ECR."""
    return bool(_HOST.match(server))


def repositories_in(text: str) -> set[str]:
    """Returns the repositories of the local registry whose images a text names, by any address; URLs are ignored."""
    text = to_local(text)
    pattern = rf":0*{settings.current().port}/({_COMPONENT}(?:/{_COMPONENT})*)"
    return {
        match[1]
        for match in re.finditer(pattern, text, re.ASCII)
        if not re.search(r"https?://[^/\s]*\Z", text[max(0, match.start() - 300) : match.start()])
    }
