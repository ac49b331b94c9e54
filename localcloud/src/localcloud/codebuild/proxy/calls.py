"""Rules about calls of the Docker API: the table that holds them, and the data they decide on."""

from __future__ import annotations

import enum
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from localcloud.codebuild.proxy import images
from localcloud.codebuild.proxy.container_rules import RefusedError
from localcloud.codebuild.proxy.daemon import Owned
from localcloud.codebuild.proxy.names import Image, parse

PUSH, PULL = "ecr:PutImage", "ecr:BatchGetImage"
Query = dict[str, list[str]]

#: Parameters of which the daemon reads every value; of all others it reads the first.
_LISTS = {"t", "names", "changes", "extrahosts"}


class Body(enum.Enum):
    """Kind of a request's body; the value is the content type that is sent to the daemon."""

    NOTHING = ""
    JSON = "application/json"
    ARCHIVE = "application/x-tar"


@dataclass
class Call:
    """A request of the docker command, and what is sent to the daemon in its place."""

    method: str
    path: str
    query: Query
    carries: Body = Body.NOTHING
    body: Any = None  # JSON that replaces the request's body
    archive: Callable[[str], Awaitable[str]] | None = None  # file of the client's archive -> file of what is sent
    hijacks: bool = False
    grpc: bool = False
    renames: bool = False  # the answer is JSON in which the local registry's names occur
    names: bool = False  # gives a name to an image, whether the client waits for the answer or not
    answer: Any = None  # answered here
    created: Callable[[Any], Awaitable[None]] | None = None  # runs after the daemon's answer

    def first(self, name: str) -> str:
        """The value of a parameter, empty without one."""
        return (self.query.get(name) or [""])[0]


@dataclass
class Build:
    """The build that sent a request, as the rules see it."""

    owned: Owned
    labels: dict[str, str]
    source_volume: str
    cloud_network: str
    hosts: Callable[[], Awaitable[list[str]]]
    may: Callable[[str, str], Awaitable[str]]  # action, repository -> why not
    agent: str = "localcloud-build"  # user agent of the requests to the daemon for this build
    building: int = 0  # image builds that run now

    @property
    def id(self) -> str:
        """The build's id."""
        return self.owned.build

    @contextmanager
    def works(self, builds: bool) -> Iterator[None]:
        """Count a build of an image while it runs."""
        self.building += builds
        try:
            yield
        finally:
            self.building -= builds

    async def allowed(self, action: str, *repositories: str) -> None:
        """Raise if the build's role may not do this with a repository of the local registry."""
        for repository in repositories:
            if repository and (why := await self.may(action, repository)):
                raise RefusedError(why)

    async def seen(self, image: Image) -> None:
        """Raise if the build may not use an image by this name."""
        await self.allowed(PULL, image.repository)
        images.check_seen(self.id, image)

    async def give(self, *named: Image) -> None:
        """Raise if the build may not give these names to images of its own."""
        await self.allowed(PUSH, *(image.repository for image in named))
        await images.take(self.id, list(named))


Rule = Callable[[Call, re.Match[str], Build], Awaitable[None]]


@dataclass(frozen=True)
class Entry:
    """A line of the table: which calls, what they carry, and the rule that decides.

    Only the client's parameters in `query` and headers in `headers` are sent on. All others are dropped: a daemon of
    API version 1.41 (`daemon.API`) would ignore them as well.
    """

    methods: tuple[str, ...]
    pattern: re.Pattern[str]
    rule: Rule
    body: Body
    query: frozenset[str]
    headers: tuple[str, ...]

    def parameters(self, given: Query) -> Query:
        """The parameters of a request that its rule gets; raises if one has two values."""
        kept = {name: values for name, values in given.items() if name in self.query}
        for name, values in kept.items():
            if len(values) > 1 and name not in _LISTS:
                raise RefusedError(f"the parameter {name} comes {len(values)} times; give it once")
        return kept

    def passes(self, header: str) -> bool:
        """True if a header of the client is sent on to the daemon."""
        return header.startswith(self.headers) if self.headers else False


class Table:
    """Rules by method and path."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries)

    def on(
        self, methods: str, pattern: str, *, body: Body = Body.NOTHING, query: str = "", headers: str = ""
    ) -> Callable[[Rule], Rule]:
        """Let a rule decide on calls; parameters and the beginnings of headers are words of a text."""

        def register(rule: Rule) -> Rule:
            compiled = re.compile(rf"(?:{pattern})\Z")
            words = frozenset(query.split())
            self._entries.append(Entry(tuple(methods.split()), compiled, rule, body, words, tuple(headers.split())))
            return rule

        return register


def image_in(text: str) -> Image | None:
    """The image of a name; None for an id, which is no name."""
    if re.fullmatch(r"(sha256:)?[0-9a-f]{64}", text):
        return None
    return parse(text)
