"""Reads Dockerfiles: stages, ports, commands, and what is copied where.

dockerfile-parse joins continued lines and drops comments. Here documents are blanked before: it does not know them.
"""

from __future__ import annotations

import io
import json
import re
import shlex
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any

from dockerfile_parse import DockerfileParser

from slipway_cli.init.findings import Image
from slipway_cli.init.tree import Place, Tree, folder_of, joined, normal

NAMES = ("Dockerfile", "Dockerfile.*", "*.Dockerfile", "*.dockerfile", "Containerfile", "Containerfile.*")
# Words in a path that say that an image is not what production runs.
_ELSEWHERE = re.compile(
    r"(^|[/._-])(dev|develop|development|local|test|tests|testing|e2e|ci|docs?|devcontainer|examples?|samples?|debug"
    r"|dockerignore|benchmarks?|scripts?)([/._-]|$)",
    re.IGNORECASE,
)
_PRODUCTION = re.compile(r"(^|[/._-])prod(uction)?([/._-]|$)", re.IGNORECASE)
# Images of other people's programs: a Dockerfile that begins with one has no code of the product's.
THIRD_PARTY = {
    "database": re.compile(r"(^|/)(postgres|postgis|pgvector|timescaledb)([:/@-]|$)"),
    "cache": re.compile(r"(^|/)(redis|valkey|redis-stack|redis-stack-server|keydb)([:/@-]|$)"),
    "proxy": re.compile(r"(^|/)(nginx|nginx-unprivileged|traefik|caddy|haproxy|httpd|envoy)([:/@-]|$)"),
    "other": re.compile(
        r"(^|/)(mysql|mariadb|mongo|rabbitmq|elasticsearch|opensearch|minio|mailhog|mailpit|maildev|localstack|memcached"
        r"|adminer|pgadmin4?|flower|kafka|zookeeper|clickhouse-server|meilisearch|grafana|prometheus|vault|awscli"
        r"|aws-cli|certbot|keycloak|nats|selenium|jaeger|all-in-one)([:/@-]|$)"
    ),
}
# Arguments that BuildKit or Docker sets: docs.docker.com/reference/dockerfile, "Predefined ARGs".
PREDEFINED = re.compile(
    r"(TARGET|BUILD)(PLATFORM|OS|ARCH|VARIANT)$|BUILDKIT_|SOURCE_DATE_EPOCH$|(?i:(https?|ftp|no|all)_proxy$)"
)
_LONGEST = 8000
"""Characters of a command: a longer one is no command of a person."""
_HEREDOC = re.compile(r"<<-?\s*[\"']?([A-Za-z_]\w*)[\"']?")
_LOCAL_ADDRESS = re.compile(r"https?://(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\])(?::(\d{2,5}))?(/[^\s\"'|;)]*)?")
_PORTS = (
    re.compile(r"(?:-b|--bind)[ =]?[\"']?[\w.\[\]:]*:(?:\$\{?PORT:?-?)?(\d{2,5})"),
    re.compile(r"--(?:port|http-port|listen-port)[ =](?:\$\{?PORT:?-?)?[\"']?(\d{2,5})"),
    re.compile(r"\$\{PORT:?-(\d{2,5})\}"),
    re.compile(r"(?<!\S)(?:-p|-l)[ =]?(\d{2,5})(?!\S)"),
    re.compile(r"runserver\s+(?:[\w.]*:)?(\d{2,5})"),
)


@dataclass(frozen=True)
class Dockerfile:
    """A Dockerfile's last stage, or its target stage."""

    path: str
    base: str = ""
    """The image that its stages begin with."""
    stage: str = ""
    platform: str = ""
    ports: tuple[int, ...] = ()
    command: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    health: tuple[str, ...] | None = None
    folder: str = "/"
    copies: tuple[tuple[str, str], ...] = ()
    """Files that are copied from the context: the path in the image, and in the context."""
    names: frozenset[str] = frozenset()
    """Names of the variables that it sets."""
    required: tuple[str, ...] = ()
    """Build arguments without a default."""
    lines: dict[str, int] = field(default_factory=dict, hash=False)

    def place(self, instruction: str = "") -> Place:
        """Returns the place of its last instruction of a kind."""
        return Place(self.path, self.lines.get(instruction, 0))

    @property
    def third_party(self) -> str:
        """The kind of the program that it packages, if that is not the product's own."""
        return kind_of(self.base)

    @property
    def port(self) -> int | None:
        """The port that it exposes, or that its command or its health check name."""
        if self.ports:
            return self.ports[0]
        words = " ".join(self.command or ())
        found = port_in(words) or port_in(" ".join(self.entrypoint or ()))
        return found or (local_address(" ".join(self.health)) or (None,))[0] if self.health else found


def kind_of(image: str) -> str:
    """Returns the kind of program that an image of other people packages, else an empty text."""
    bare = image.rpartition("@")[0] or image
    return next((kind for kind, pattern in THIRD_PARTY.items() if pattern.search(bare.lower())), "")


def port_in(text: str) -> int | None:
    """Returns the port that a command listens on, as usual servers are told it; None if it names none."""
    for pattern in _PORTS:
        if (found := pattern.search(text)) and 0 < int(found[1]) < 65536:  # noqa: PLR2004 - ports have 16 bits
            return int(found[1])
    return None


def local_address(text: str) -> tuple[int | None, str] | None:
    """Returns the port and the path of the first address of the machine itself in a text."""
    found = _LOCAL_ADDRESS.search(text)
    return (int(found[1]) if found[1] else None, found[2] or "/") if found else None


def candidates(tree: Tree) -> list[str]:
    """Returns the Dockerfiles that production may be built from; the best of each folder."""
    every = [path for path in tree.named(*NAMES) if not path.endswith(".dockerignore")]
    chosen = [path for path in every if not _ELSEWHERE.search(path)] or every
    best: dict[str, str] = {}
    for path in chosen:
        folder = folder_of(path)
        if folder not in best or _rank(path) < _rank(best[folder]):
            best[folder] = path
    return list(best.values())


def _rank(path: str) -> tuple[bool, bool, str]:
    name = PurePosixPath(path).name
    return not _PRODUCTION.search(name), name != "Dockerfile", name


_DEVELOPED = re.compile(
    r"^(dev|develop|development|local|test|tests|testing|debug|ci|lint|builder|build|base|deps)$", re.I
)
_PRODUCED = re.compile(r"(^|[-_])(prod|production|runtime|runner|release|final|deploy)([-_]|$)", re.IGNORECASE)


def stage(tree: Tree, path: str, wanted: str = "") -> str:
    """Returns the stage that production runs: the wanted one if it is not for development; empty for the last stage."""
    if wanted and not _DEVELOPED.match(wanted):
        return wanted
    names = re.findall(r"(?im)^[ \t]*FROM[ \t][^\n]*[ \t]AS[ \t]+([A-Za-z0-9._-]+)[ \t]*$", tree.text(path) or "")
    last = read(tree, path)
    if not last or not last.stage or not _DEVELOPED.match(last.stage):
        return ""
    return next((name for name in names if _PRODUCED.search(name)), "")


def image_of(tree: Tree, path: str) -> Image:
    """Returns the image of a Dockerfile: its context is its folder, or the checkout if it copies files from there."""
    folder = folder_of(path)
    found = read(tree, path)
    sources = [source for _, source in found.copies if source.strip("./*")] if found else []
    here = sum(_exists(tree, folder, source) for source in sources)
    top = sum(_exists(tree, ".", source) for source in sources)
    context = "." if folder == "." or top > here else folder
    below = path if context == "." else PurePosixPath(path).name
    return Image(context, below, Place(path), stage(tree, path))


def _exists(tree: Tree, folder: str, source: str) -> bool:
    path = joined(folder, source.rstrip("/"))
    return bool(path) and (tree.has(path) or path in tree.folders or bool(set("*?[") & set(path)))


def read(tree: Tree, path: str, target: str = "") -> Dockerfile | None:
    """Returns what a Dockerfile says about a stage, by default the last; None if it cannot be read or has no stage."""
    text = tree.text(path)
    if text is None:
        return None
    known = tree.memory.setdefault(("dockerfile", path, target), [])
    if not known:
        known.append(_parsed(path, text, target))
    found = known[0]
    return found if isinstance(found, Dockerfile) else None


def _parsed(path: str, text: str, target: str) -> Dockerfile | None:
    stages: dict[str, Dockerfile] = {}
    current: Dockerfile | None = None
    values: dict[str, str] = {}
    for step in DockerfileParser(fileobj=io.BytesIO(_without_documents(text).encode()), env_replace=False).structure:
        word, value, line = str(step["instruction"]), str(step["value"] or "").strip(), int(step["startline"]) + 1
        if word == "FROM":
            if current is not None and target and current.stage == target:
                break
            current = _stage(path, value, line, stages, values)
        elif word == "ARG" and "=" in value:
            name, _, default = value.partition("=")
            values[name.strip()] = default.strip().strip("\"'")
        elif current is not None:
            current = _after(current, word, _replaced(value, values), line)
        if current is not None and word in ("ARG", "ENV"):
            current = _named(current, word, value)
        if current is not None:
            stages[current.stage or f"#{line if word == 'FROM' else len(stages)}"] = current
    return current


def _without_documents(text: str) -> str:
    """Returns a Dockerfile with empty lines instead of here documents."""
    lines: list[str] = []
    end = ""
    for line in text.split("\n"):
        if end:
            end = "" if line.strip() == end else end
            lines.append("")
            continue
        found = _HEREDOC.search(line) if line.lstrip()[:4].upper() in ("RUN ", "COPY", "ADD ") else None
        end = found[1] if found else ""
        lines.append(line)
    return "\n".join(lines)


def _stage(path: str, value: str, line: int, stages: dict[str, Dockerfile], values: dict[str, str]) -> Dockerfile:
    words = value.split()
    flags = [word for word in words if word.startswith("--")]
    words = [word for word in words if not word.startswith("--")]
    source = _replaced(words[0], values) if words else ""
    name = words[2] if len(words) > 2 and words[1].upper() == "AS" else ""  # noqa: PLR2004 - image AS name
    platform = next((flag.partition("=")[2] for flag in flags if flag.startswith("--platform=")), "")
    parent = stages.get(source)
    if parent:
        return replace(parent, stage=name, lines={**parent.lines, "FROM": line})
    return Dockerfile(path, base=source, stage=name, platform=platform, lines={"FROM": line})


def _after(stage: Dockerfile, word: str, value: str, line: int) -> Dockerfile:
    """Returns a stage after one more instruction."""
    lines = {**stage.lines, word: line}
    if word in ("COPY", "ADD"):
        return replace(stage, copies=(*stage.copies, *_copied(stage, value)), lines=lines)
    return replace(stage, **_changed(stage, word, value), lines=lines)


def _changed(stage: Dockerfile, word: str, value: str) -> dict[str, Any]:
    """Returns the fields of a stage that an instruction sets."""
    found: dict[str, Any] = {}
    if word == "EXPOSE":
        ports = (int(port) for port in re.findall(r"(?<!\S)(\d{1,5})(?:/tcp)?(?!\S)", value))
        found = {"ports": (*stage.ports, *ports)}
    elif word == "CMD":
        found = {"command": form(value)}
    elif word == "ENTRYPOINT":
        found = {"entrypoint": form(value), "command": None}
    elif word == "HEALTHCHECK":
        command = re.sub(r"^(--\S+\s+)*", "", value)
        none = command.upper() == "NONE"
        found = {"health": None if none else form(re.sub(r"^CMD\s+", "", command, flags=re.IGNORECASE))}
    elif word == "WORKDIR":
        found = {"folder": str(PurePosixPath(stage.folder) / value.strip("\"'"))}
    return found


def _named(stage: Dockerfile, word: str, value: str) -> Dockerfile:
    if word == "ARG":
        name = value.partition("=")[0].strip()
        return stage if "=" in value else replace(stage, required=(*stage.required, name))
    names = re.findall(r"(?:^|\s)([A-Za-z_]\w*)=", value) or value.split()[:1]
    return replace(stage, names=stage.names | frozenset(names))


def _copied(stage: Dockerfile, value: str) -> list[tuple[str, str]]:
    """Returns the files that an instruction copies from the context."""
    flags = re.findall(r"(?:^|\s)--[\w-]+(?:=\S+)?", value)
    if any("--from" in flag for flag in flags):
        return []
    words = form(re.sub(r"(?:^|\s)--[\w-]+(?:=\S+)?", " ", value).strip(), shell=False) or ()
    if len(words) < 2 or any(word.startswith(("http:", "https:", "git@")) for word in words):  # noqa: PLR2004 - from, to
        return []
    *sources, target = words
    to = PurePosixPath(stage.folder) / target
    several = len(sources) > 1 or target.endswith("/")
    return [
        (str(to / PurePosixPath(source).name) if several else str(to), normal(source.lstrip("/")) or ".")
        for source in sources
    ]


def form(value: str, *, shell: bool = True) -> tuple[str, ...] | None:
    """Returns the words of an instruction in exec form, or in shell form with the shell; None if it is empty."""
    if value.startswith("["):
        try:
            words = json.loads(value)
        except ValueError:
            words = None
        if isinstance(words, list) and all(isinstance(word, str) for word in words):
            return tuple(words) or None
    if not value or len(value) > _LONGEST:
        return None
    return ("sh", "-c", value) if shell else tuple(_split(value))


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:  # an open quote
        return text.split()


def _replaced(value: str, values: dict[str, str]) -> str:
    """Returns a text with the defaults of build arguments in place of their names."""

    def of(found: re.Match[str]) -> str:
        return values.get(found[1] or found[3], found[2] or found[0])

    return re.sub(r"\$\{(\w+)(?::-([^}]*))?\}|\$(\w+)", of, value)


def script(tree: Tree, image: Image, dockerfile: Dockerfile, command: tuple[str, ...] | None) -> str | None:
    """Returns the path of the script that a command begins with, if the image has it from the checkout."""
    for word in (command or ())[:3]:
        for target, source in dockerfile.copies:
            if word == target or (word.startswith(("./", dockerfile.folder)) and word.endswith(f"/{source}")):
                path = joined(image.context, source)
                if path and tree.has(path):
                    return path
        path = joined(image.context, word.removeprefix(f"{dockerfile.folder}/").removeprefix("./"))
        if word.endswith(".sh") and path and tree.has(path):
            return path
    return None
