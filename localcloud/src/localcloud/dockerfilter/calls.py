"""The table of rules for Docker API calls, and the call and the build that a rule gets."""

from __future__ import annotations

import asyncio
import enum
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from localcloud.dockerfilter import images
from localcloud.dockerfilter.container_rules import RefusedError
from localcloud.dockerfilter.daemon import Owned
from localcloud.dockerfilter.names import Image, parse

PUSH, PULL = "ecr:PutImage", "ecr:BatchGetImage"
Query = dict[str, list[str]]

#: Parameters that may appear several times. Of all others the daemon reads the first value only.
_LISTS = {"t", "names", "changes", "extrahosts"}


class Body(enum.Enum):
    """The kind of a request's body. The value is the content type that is sent to the daemon."""

    NOTHING = ""
    JSON = "application/json"
    ARCHIVE = "application/x-tar"


@dataclass
class Call:
    """A request of the docker command. A rule changes it to the request that is sent to the daemon."""

    method: str
    path: str
    query: Query
    carries: Body = Body.NOTHING
    body: Any = None  # JSON that replaces the request's body
    #: Path of the client's archive -> path of the archive to send.
    archive: Callable[[str], Awaitable[str]] | None = None
    hijacks: bool = False
    grpc: bool = False
    rewrites_answer: bool = False  # the answer is JSON that contains image names of the local registry
    gives_name: bool = False  # gives a name to an image, even if the client does not wait for the answer
    credentials: bytes = b""  # the client's header X-Registry-Auth
    answer: Any = None  # the proxy's own answer; the daemon gets no request
    on_created: Callable[[Any], Awaitable[None]] | None = None  # gets the daemon's answer to a call that succeeded
    on_streamed: Callable[[], Awaitable[None]] | None = None  # runs before the end of an answer that is a stream

    def first(self, name: str) -> str:
        """Returns the first value of a parameter; empty if the call does not have it."""
        return (self.query.get(name) or [""])[0]


@dataclass
class Build:
    """The client that sends requests, as the rules see it: a build, or a host."""

    owned: Owned
    labels: dict[str, str]
    cloud_network: str
    hosts: Callable[[], Awaitable[list[str]]]
    denial: Callable[[str, str], Awaitable[str]]  # action, repository -> reason; empty if the role allows it
    source_folder: str = ""  # the one folder that may be mounted, which is a volume
    source_volume: str = ""
    agent: str = "localcloud-build"  # the user agent of this build's requests to the daemon
    is_host: bool = False  # containers outlive the client's command, and must not reach a metadata service
    attached: dict[str, set[asyncio.StreamWriter]] = field(default_factory=dict)  # by path: connections to the daemon
    building: int = 0  # number of image builds in progress

    @property
    def id(self) -> str:
        """The id of the client."""
        return self.owned.owner

    def table(self) -> Iterator[Entry]:
        """Yields entries that come before those of the common table."""
        yield from ()

    async def translate(self, call: Call) -> None:
        """Changes names in a request from those that the client uses to the daemon's, before the rules see it."""

    def outward(self, _call: Call, content: bytes) -> bytes:
        """Returns an answer of the daemon with the client's names."""
        return content

    @contextmanager
    def counting(self, is_image_build: bool) -> Iterator[None]:
        """Counts an image build as long as it is in progress."""
        self.building += is_image_build
        try:
            yield
        finally:
            self.building -= is_image_build

    async def check_allowed(self, action: str, *repositories: str) -> None:
        """Raises `RefusedError` if the build's role may not perform the action on the repositories."""
        for repository in repositories:
            if repository and (reason := await self.denial(action, repository)):
                raise RefusedError(reason)

    async def check_visible(self, image: Image) -> None:
        """Raises `RefusedError` if the build may not use the image of this name."""
        await self.check_allowed(PULL, image.repository)
        images.check_visible(self.id, image)

    async def claim(self, *named: Image) -> None:
        """Claims names for images of the build. Raises `RefusedError` if it may not use one of them."""
        await self.check_allowed(PUSH, *(image.repository for image in named))
        await images.claim(self.id, list(named))


Rule = Callable[[Call, re.Match[str], Build], Awaitable[None]]


@dataclass(frozen=True)
class Entry:
    """An entry of the table: methods and paths of calls, the kind of their body, and their rule.

    Only the parameters in `query` and the headers in `headers` are forwarded. All others are dropped: a daemon of API
    version 1.41 (`daemon.API`) ignores them too.
    """

    methods: tuple[str, ...]
    pattern: re.Pattern[str]
    rule: Rule
    body: Body
    query: frozenset[str]
    headers: tuple[str, ...]

    def parameters(self, given: Query) -> Query:
        """Returns the parameters that are forwarded.

        Raises:
            RefusedError: if one of them appears twice.
        """
        kept = {name: values for name, values in given.items() if name in self.query}
        for name, values in kept.items():
            if len(values) > 1 and name not in _LISTS:
                raise RefusedError(f"the parameter {name} appears {len(values)} times; give it once")
        return kept

    def passes(self, header: str) -> bool:
        """True if a header of the client is forwarded to the daemon."""
        return header.startswith(self.headers) if self.headers else False


class Table:
    """A table of rules by method and path."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries)

    def on(
        self, methods: str, pattern: str, *, body: Body = Body.NOTHING, query: str = "", headers: str = ""
    ) -> Callable[[Rule], Rule]:
        """Registers a rule for calls. `query` and `headers` are separated by spaces; headers are prefixes."""

        def register(rule: Rule) -> Rule:
            compiled = re.compile(rf"(?:{pattern})\Z")
            words = frozenset(query.split())
            self._entries.append(Entry(tuple(methods.split()), compiled, rule, body, words, tuple(headers.split())))
            return rule

        return register


def image_in(text: str) -> Image | None:
    """Returns the image of a name; None if the text is an id."""
    if re.fullmatch(r"(sha256:)?[0-9a-f]{64}", text):
        return None
    return parse(text)
