"""Finds schedulers, such as Celery beat, that a product would run twice at once: they would start every job twice.

A command is refused only if it certainly runs a scheduler that must be alone. The image's own command is not known.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from products.containers import Service
from products.model import Product

_SHELLS = frozenset({"sh", "bash", "ash", "dash"})
_SEPARATORS = frozenset({"&&", "||", ";", "|", "&"})
_PREFIXES = frozenset({"exec", "nice", "tini", "dumb-init", "--", "env"})
# Programs that start jobs from a table of times, each process on its own.
_CRON_DAEMONS = frozenset({"cron", "crond", "supercronic", "yacron"})
# Of `celery` itself: `celery --help`, Celery 5.5.
_OPTIONS_WITH_A_VALUE = frozenset(
    {"-A", "--app", "-b", "--broker", "--result-backend", "--loader", "--config", "--workdir"}
)
_BEAT_SCRIPT = re.compile(r"start[-_]celery[-_]?beat(\.sh)?|celerybeat")


@dataclass(frozen=True)
class Scheduler:
    """A scheduler in a command."""

    name: str
    """The scheduler that the command runs, e.g. `celery beat`."""
    app: str = ""
    """The Celery app, as the command names it."""
    in_worker: bool = False
    """True if it is part of a worker, of which there may be one without harm."""


def problems(product: Product) -> Iterator[str]:
    """Yields an error message for each scheduler that would run twice."""
    found = {name: scheduler for name, service in product.services.items() if (scheduler := of(service.command))}
    for name, scheduler in found.items():
        place = f"services.{name}"
        alone = _alone(product.services[name], scheduler)
        yield from (f"{place}.{problem}" for problem in alone)
        if not alone:
            yield from _in_environments(product, name, scheduler)
    yield from _twins(product, found)
    for name, schedule in product.schedules.items():
        if scheduler := of(schedule.command):
            yield (
                f"schedules.{name}.command: {scheduler.name} never ends, so each run would start another one; make it "
                "a service with singleton: true"
            )


def _alone(service: Service, scheduler: Scheduler) -> list[str]:
    """Returns an error message, beginning with a key, if a service may run its scheduler twice at once."""
    why = f"the command runs {scheduler.name}, and two of them start every job twice"
    if scheduler.in_worker:
        instead = "run beat in a service of its own with singleton: true, and remove it from this command"
        if service.count > 1:
            return [f"count: got {service.count}; {why}: {instead}"]
        return [f"scaling: {why}: {instead}"] if service.scaling else []
    if service.singleton:
        return []  # which excludes other counts and scaling
    return [f"singleton: missing; {why}, even for a moment during a deployment: write singleton: true and count: 1"]


def _in_environments(product: Product, name: str, scheduler: Scheduler) -> Iterator[str]:
    for environment in product.environments:
        overridden = product.services_in(environment)[name]
        if overridden != product.services[name]:
            for problem in _alone(overridden, scheduler):
                yield f"environments.{environment}.services.{name}.{problem}"


def _twins(product: Product, found: dict[str, Scheduler]) -> Iterator[str]:
    """Yields an error message for each service that runs the scheduler of another service."""
    first: dict[tuple[str, str], str] = {}
    for name, scheduler in found.items():
        if scheduler.name in _CRON_DAEMONS:
            continue  # their tables are in files
        key = (product.services[name].image, scheduler.app)
        if key in first:
            yield (
                f"services.{name}.command: it runs {scheduler.name}, as '{first[key]}' does, and two of them start "
                "every job twice; remove one of them"
            )
        first.setdefault(key, name)


def of(command: Sequence[str] | None) -> Scheduler | None:
    """Returns the scheduler that a command certainly runs, or None."""
    for words in _programs(list(command or ())):
        if scheduler := _scheduler(words):
            return scheduler
    return None


def _programs(command: list[str]) -> Iterator[list[str]]:
    """Yields each program of a command with its arguments; those that a shell starts instead of the shell."""
    if len(command) > 2 and _base(command[0]) in _SHELLS and re.fullmatch(r"-[a-z]*c", command[1]):  # noqa: PLR2004 - shell, -c, text
        try:
            lexer = shlex.shlex(command[2], posix=True, punctuation_chars=True)
            lexer.whitespace_split = True
            words = list(lexer)
        except ValueError:  # an open quote
            return
    else:
        words = command
    program: list[str] = []
    for word in words:
        if word in _SEPARATORS:
            yield program
            program = []
        elif program or (word not in _PREFIXES and not re.match(r"[A-Za-z_]\w*=", word)):
            program.append(word)
    yield program


def _scheduler(words: list[str]) -> Scheduler | None:
    if not words:
        return None
    base = _base(words[0])
    if base in _CRON_DAEMONS:
        return Scheduler(base)
    if _BEAT_SCRIPT.fullmatch(base):
        return Scheduler(base)
    if any(_base(word) == "manage.py" for word in words) and "runapscheduler" in words:
        return Scheduler("runapscheduler")
    for index, word in enumerate(words):
        if _base(word) == "celery":
            return _celery(words[index + 1 :])
    return None


def _celery(arguments: list[str]) -> Scheduler | None:
    """Returns the scheduler of a `celery` command. RedBeat takes a lock, so there may be several."""
    if any("redbeat" in argument.lower() for argument in arguments):
        return None
    app, subcommand = _app(arguments), _subcommand(arguments)
    if subcommand == "beat":
        return Scheduler("celery beat", app)
    flag = next((argument for argument in arguments if argument in ("-B", "--beat")), None)
    if subcommand == "worker" and flag:
        return Scheduler(f"celery worker {flag}", app, in_worker=True)
    return None


def _subcommand(arguments: list[str]) -> str:
    """Returns the first argument that is neither an option nor its value."""
    skip = False
    for argument in arguments:
        if skip:
            skip = False
        elif argument in _OPTIONS_WITH_A_VALUE:
            skip = True
        elif not argument.startswith("-"):
            return argument
    return ""


def _app(arguments: list[str]) -> str:
    for index, argument in enumerate(arguments):
        if argument in ("-A", "--app"):
            return arguments[index + 1] if index + 1 < len(arguments) else ""
        if argument.startswith("--app="):
            return argument.partition("=")[2]
    return ""


def _base(word: str) -> str:
    return word.rpartition("/")[2]
