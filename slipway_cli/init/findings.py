"""The findings about a product, whatever file they come from: the model between the readers and the writer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from slipway_cli.init.tree import Place


@dataclass(frozen=True)
class Note:
    """A sentence for the user, and what it is about."""

    text: str
    place: Place | None = None

    def __str__(self) -> str:
        return f"{self.text} ({self.place})" if self.place else self.text


@dataclass(frozen=True)
class Image:
    """A Dockerfile with its build context."""

    context: str
    dockerfile: str
    """Its path below the context."""
    place: Place
    target: str = ""
    arguments: tuple[tuple[str, str], ...] = ()
    name: str = ""
    """A name that a file suggests."""

    @property
    def path(self) -> str:
        """The Dockerfile's path in the checkout."""
        return self.dockerfile if self.context == "." else f"{self.context}/{self.dockerfile}"


TO_CREATE = "?"
"""Stands for the name of a secret that does not exist yet."""


@dataclass(frozen=True)
class Setting:
    """An environment variable that a container is given."""

    place: Place
    value: str | None = None
    """In the manifest's syntax; None if only its name may be known, as that of a secret."""
    secret: str = ""
    """The name of the secret that it comes from, if it is known; `name:key` for a key of it."""


@dataclass(frozen=True)
class Read:
    """An environment variable that the product's code reads."""

    name: str
    place: Place
    required: bool
    kind: str = "text"
    """text, bool, int, list, url, json."""


Kind = Literal["web", "worker", "beat", "release", "job", "other"]


@dataclass
class Process:
    """A program that runs in a container."""

    name: str
    kind: Kind
    place: Place
    image: Image | None = None
    command: tuple[str, ...] | None = None
    """None for the image's own."""
    port: int | None = None
    public: bool = False
    """True if visitors reach it."""
    paths: tuple[str, ...] = ()
    """Path patterns, if a file names them."""
    cached: tuple[str, ...] = ()
    """Path patterns that CloudFront may cache."""
    keys: dict[str, Any] = field(default_factory=dict)
    """More keys of the manifest's section, e.g. `count`, `size`, `health_check`."""
    settings: dict[str, Setting] = field(default_factory=dict)
    overrides: dict[str, dict[str, Any]] = field(default_factory=dict)
    """For each environment: its `services` section."""
    why: str = ""


@dataclass(frozen=True)
class Store:
    """A database, a cache, or a bucket for uploads that the product uses."""

    place: Place
    why: str
    engine: str = ""
    version: str = ""


@dataclass
class Frontend:
    """Pages that a bundler writes."""

    directory: str
    output: str
    place: Place
    bundler: str
    install: str = ""
    build: str = ""
    folders: bool = False
    """True if each page has a file of its own."""


@dataclass
class Environment:
    """An environment that the product had elsewhere."""

    name: str
    place: Place
    cidr: str = ""
    domain: str = ""
    hosted_zone: str = ""
    approval: bool = False
    variables: dict[str, str] = field(default_factory=dict)


@dataclass
class Compose:
    """The compose files, for a product that hosts run."""

    files: list[str]
    place: Place
    proxy: str = ""
    port: int = 0
    variables: dict[str, Place] = field(default_factory=dict)
    """Variables that the files take from `.env`."""
    env_files: dict[str, dict[str, Place]] = field(default_factory=dict)
    """The names of the variables in each file with variables, as far as the checkout has it."""
    profiles: list[str] = field(default_factory=list)
    volumes: bool = False
    """True if a database keeps its files in a volume."""
    unnamed: list[str] = field(default_factory=list)
    """Services with `build` whose `image` is not that of the release."""


@dataclass
class Findings:
    """All that was found. Readers append to it; the draft chooses."""

    name: str = ""
    owner: str = ""
    repository: str = ""
    branch: str = ""
    architecture: str = ""
    version_file: str = ""
    routes: dict[str, list[str]] = field(default_factory=dict)
    """The first parts of the paths that Django answers, by the folder of the project."""
    images: list[Image] = field(default_factory=list)
    processes: list[Process] = field(default_factory=list)
    jobs: list[Process] = field(default_factory=list)
    """Scheduled tasks; `keys` has `cron` or `rate`."""
    migration: Process | None = None
    frontends: list[Frontend] = field(default_factory=list)
    database: Store | None = None
    cache: Store | None = None
    media: Store | None = None
    static: Place | None = None
    """Where it says that the product's own server has the static files."""
    reads: dict[str, Read] = field(default_factory=dict)
    environments: list[Environment] = field(default_factory=list)
    compose: Compose | None = None
    foreign_database: Place | None = None
    """Where it says that the product uses a database that Slipway does not run."""
    kept: set[str] = field(default_factory=set)
    """On hosts: `database` and `cache`, if the compose files have one of their own."""
    wants_domain: Place | None = None
    """The setting that only an environment with a domain satisfies."""
    variables: dict[str, tuple[str, Place | None]] = field(default_factory=dict)
    """Variables with values that follow from the layout, e.g. DJANGO_SETTINGS_MODULE."""
    assumed: list[Note] = field(default_factory=list)
    left: list[Note] = field(default_factory=list)
    todo: list[Note] = field(default_factory=list)

    def assume(self, text: str, place: Place | None = None) -> None:
        """Record an assumption."""
        _once(self.assumed, Note(text, place))

    def leave(self, text: str, place: Place | None = None) -> None:
        """Record what is left out, and why."""
        _once(self.left, Note(text, place))

    def ask(self, text: str, place: Place | None = None) -> None:
        """Record what the user does next."""
        _once(self.todo, Note(text, place))

    def read(self, name: str, place: Place, *, required: bool, kind: str = "text") -> None:
        """Record that the code reads a variable; the last place without a default stays, else the last one."""
        known = self.reads.get(name)
        if known is None or known.required <= required:
            self.reads[name] = Read(name, place, required, kind)

    def say(self, kind: Literal["database", "cache", "media"], store: Store) -> None:
        """Record a store; the first record stays, a later one adds the version."""
        known: Store | None = getattr(self, kind)
        if known is None:
            setattr(self, kind, store)
        elif store.version and not known.version:
            setattr(self, kind, Store(known.place, known.why, store.engine or known.engine, store.version))


def _once(notes: list[Note], note: Note) -> None:
    if note not in notes:
        notes.append(note)
