"""Image names: how Docker reads them, and ECR's outside for those of the local registry towards the daemon.

The daemon knows one image under many spellings (`python`, `docker.io/library/python:latest`), and the local registry
under many addresses (`localhost`, `127.0.0.1`, the relay's). `parse` gives one spelling to all of them, so that every
check is about the image that the daemon means.
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
    """A text that Docker does not take for the name of an image."""


@dataclass(frozen=True)
class Image:
    """The name of an image; `host` is empty for Docker Hub's."""

    host: str
    path: str
    tag: str = ""
    digest: str = ""

    @property
    def name(self) -> str:
        """Host and path, as `docker images` shows them."""
        return f"{self.host}/{self.path}" if self.host else self.path

    @property
    def qualified(self) -> str:
        """The name with the host and folder that Docker leaves out."""
        hub = "docker.io/" if "/" in self.path else "docker.io/library/"
        return str(self) if self.host else hub + str(self)

    @property
    def repository(self) -> str:
        """The repository in the local registry, empty for an image of another one."""
        return self.path if self.host == registry() else ""

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return self.name + tag + (f"@{self.digest}" if self.digest else "")


def registry() -> str:
    """The local registry as the daemon names it."""
    return f"localhost:{settings.current().port}"


def _is_registry(host: str, port: str) -> bool:
    """True if an address leads to the local registry: its port decides, since any name may resolve to loopback."""
    return bool(host) and port.isdigit() and int(port) == settings.current().port


def parse(text: str) -> Image:
    """The image that the daemon understands by a name.

    Raises:
        InvalidNameError: if it is no name of an image.
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
    """The name that `docker tag` and its siblings give: always with a tag.

    Raises:
        InvalidNameError: if Docker takes it for the name of no image, or for an id.
    """
    image = parse(name)
    if tag:
        image = parse(f"{image.name}:{tag}")
    if image.digest or image.path == "sha256" or re.fullmatch("[0-9a-f]{12,}", image.name):
        raise InvalidNameError(f"{name!r} is read as the id of an image: give a name of another form")
    return replace(image, tag=image.tag or "latest")


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


def repositories_in(text: str) -> set[str]:
    """The repositories of the local registry that a text names, by whatever address; none of a web address."""
    text = to_local(text)
    pattern = rf":0*{settings.current().port}/({_COMPONENT}(?:/{_COMPONENT})*)"
    return {
        match[1]
        for match in re.finditer(pattern, text, re.ASCII)
        if not re.search(r"https?://[^/\s]*\Z", text[max(0, match.start() - 300) : match.start()])
    }
