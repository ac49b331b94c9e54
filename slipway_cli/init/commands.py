"""Commands, durations and sizes, as files of other tools write them, in the forms of the manifest."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from typing import Any

from products import beats
from products.field_checks import fargate_size
from slipway_cli.init.findings import Kind

_SHELL_COMMAND = re.compile(r"((?:/bin/|/usr/bin/)?(?:ba|da|a)?sh)\s+(-l?e?c)\s+([\"']).*\3", re.DOTALL)
_SHELL = re.compile(r"[|&;<>$`*?(){}\n]|(^|\s)(exec|cd|export)\s")
_DEVELOPMENT = re.compile(
    r"\brunserver(_plus)?\b|\bflask\b.*\brun\b|--reload\b|\bnodemon\b|\bnext dev\b|\bvite( |$)(?!build)"
    r"|\bts-node-dev\b"
    r"|\b(npm|yarn|pnpm|bun)( run)? (dev|start:dev|serve|develop|watch)\b|\bwatchmedo\b|\bwatchfiles\b|\bdebugpy\b"
    r"|\b(sleep infinity|tail -f /dev/null)\b|\bstart-dev\b"
)
_WORKER = re.compile(
    r"\bcelery\b.*\bworker\b|celery-?worker|\brq worker\b|\brqworker\b|\bdramatiq\b|\bsidekiq\b|\brun_huey\b"
    r"|\bqcluster\b|\barq\b|\bbullmq\b|\bresque\b|\bgood_job\b|\bworkers?(\.[jt]s|\.py|\.sh)?\b",
    re.IGNORECASE,
)
_MIGRATION = re.compile(
    r"\bmigrate\b|\balembic\b.*\bupgrade\b|\bdb:migrate\b|\bprisma\b.*\bdeploy\b|\bmigration:run\b|\bdb upgrade\b"
)
_SERVER = re.compile(
    r"\b(gunicorn|uvicorn|daphne|hypercorn|granian|waitress-serve|uwsgi|puma|unicorn|runserver|flask run)\b"
    r"|\bfastapi run\b|\brails s(erver)?\b|\bnext start\b|\bphp-fpm\b|\bnginx\b"
)
# The part of a command that migrates before the server starts.
_STEP = re.compile(r"[^&;]*\b(?:manage\.py|django-admin)\s+(?:migrate|makemigrations)\b[^&;]*(?:&&|;)\s*")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?")
# A unit between two numbers, so that there is one way to read a text.
_DURATIONS = re.compile(r"(?:\d+(?:\.\d+)?\s*(?:ms|[smhd])\s*)*(?:\d+(?:\.\d+)?)?")
_LONGEST_DURATION, _LONGEST_COMMAND = 40, 8000
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "": 1}
_MEMORY = re.compile(r"(\d+(?:\.\d+)?)\s*([kmg]?)i?b?", re.IGNORECASE)
_MIB = {"": 1 / 1024 / 1024, "k": 1 / 1024, "m": 1, "g": 1024}
_CPUS = (256, 512, 1024, 2048, 4096, 8192, 16384)


def words(command: Any) -> tuple[str, ...] | None:
    """Returns a command in exec form: a list as it is, a text through a shell where it needs one; None without one.

    A command of more than 8,000 characters is none: no person wrote it.
    """
    if len(str(command)) > _LONGEST_COMMAND:
        return None
    if isinstance(command, list):
        return tuple(str(word) for word in command) or None
    if not isinstance(command, str) or not command.strip():
        return None
    text = " ".join(command.split()) if "\n" in command and "<<" not in command else command.strip()
    if (shell := _SHELL_COMMAND.fullmatch(text)) and (inner := _split(text)) and len(inner) == 3:  # noqa: PLR2004 - shell, -c, text
        return (shell[1], shell[2], inner[2])
    if _SHELL.search(text):
        return ("sh", "-c", text)
    return tuple(_split(text) or ("sh", "-c", text))


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:  # an open quote
        return []


def line(command: Sequence[str] | None) -> str:
    """Returns a command as one line, without the shell around it."""
    found = list(command or ())
    if len(found) == 3 and found[1] in ("-c", "-lc", "-ec") and found[0].endswith("sh"):  # noqa: PLR2004 - shell, -c, text
        return found[2]
    return " ".join(found)


_BY_COMMAND: tuple[tuple[re.Pattern[str], Kind], ...] = (
    (re.compile(r"\bflower\b"), "other"),
    (_SERVER, "web"),
    (_WORKER, "worker"),
    (_MIGRATION, "release"),
)
_BY_NAME: tuple[tuple[re.Pattern[str], Kind], ...] = (
    (re.compile(r"flower"), "other"),
    (re.compile(r"beat|scheduler|clock"), "beat"),
    (re.compile(r"worker|celery|queue|consumer"), "worker"),
    (re.compile(r"(^|[-_])(migrat\w*|release)($|[-_])"), "release"),
    (
        re.compile(
            r"(^|[-_])(web|app|api|server|backend|frontend|django|www|site|ui|client|gateway|nginx)($|[-_])",
        ),
        "web",
    ),
)


def kind(command: Sequence[str] | None, name: str) -> Kind:
    """Returns what a process does, by its command and then by its name."""
    scheduler = beats.of(command)
    if scheduler and not scheduler.in_worker:
        return "beat"
    for patterns, text in ((_BY_COMMAND, line(command)), (_BY_NAME, name.lower())):
        for pattern, found in patterns:
            if pattern.search(text):
                return found
    return "other"


def is_development(command: Sequence[str] | None) -> bool:
    """True if a command runs a server for development only."""
    return bool(_DEVELOPMENT.search(line(command)))


def without_migration(command: tuple[str, ...]) -> tuple[str, ...]:
    """Returns a command without the migration before the server: the migration runs once per release."""
    text = line(command)
    shorter = _STEP.sub("", text).strip()
    return command if shorter == text or not shorter else words(shorter) or command


def without_waiting(command: tuple[str, ...], names: Iterable[str]) -> tuple[str, ...]:
    """Returns a command that does not wait for other services by their names, which AWS does not know."""
    host = "|".join(re.escape(name) for name in names)
    text = line(command)
    named = re.compile(rf"(?:[\s/@]|^)(?:{host})[:/\s]\s*\d{{2,5}}\b") if host else None
    if named is None or not named.search(text):
        return command
    shorter = re.sub(
        r"\b(?:while|until)\b[^&]*?\bdone\b\s*(?:;|&&)?\s*", lambda loop: "" if named.search(loop[0]) else loop[0], text
    )
    steps = [step for step in re.split(r"\s*&&\s*", shorter) if not named.search(step) or " -- " in step]
    shorter = " && ".join(step.partition(" -- ")[2] if named.search(step) else step for step in steps).strip()
    return words(shorter) or command


def seconds(value: Any, low: int, high: int) -> int | None:
    """Returns a duration such as `1m30s` in whole seconds within limits; None if it is none."""
    text = str(value)[:_LONGEST_DURATION].strip().strip("\"'")
    found = _DURATION.findall(text)
    if not found or not _DURATIONS.fullmatch(text):
        return None
    total = sum(float(number) * _SECONDS[unit] for number, unit in found[:8])
    return min(max(round(min(total, 10**6)), low), high)


def check(test: Any, *, interval: Any = None, timeout: Any = None, start: Any = None) -> dict[str, Any] | None:
    """Returns a `health_check` of the manifest for a container's check by command; None if there is none."""
    command = list(test) if isinstance(test, list) else test
    if isinstance(command, list) and command[:1] == ["NONE"]:
        return None
    if isinstance(command, list) and command[:1] == ["CMD-SHELL"]:
        command = " ".join(str(word) for word in command[1:])
    if isinstance(command, list):
        exec_form: tuple[str, ...] | None = tuple(str(word) for word in command if word != "CMD")
    else:
        exec_form = ("sh", "-c", command.strip()) if isinstance(command, str) and command.strip() else None
    if not exec_form:
        return None
    if "inspect ping" in line(exec_form) and not re.search(r"(^|\s)(-d|--destination)\b", line(exec_form)):
        # Without it, any worker may answer for this one: docs/manifest.md, "Health checks".
        exec_form = ("sh", "-c", f"{line(exec_form)} -d celery@$(hostname)")
    found: dict[str, Any] = {"command": list(exec_form)}
    between = seconds(interval, 5, 300) or 30
    allowed = min(seconds(timeout, 2, 60) or 10, between - 1)
    if interval is not None:
        found["interval_seconds"] = between
    if timeout is not None or interval is not None:
        found["timeout_seconds"] = max(2, allowed)
    if start is not None and (wait := seconds(start, 0, 300)) is not None:
        found["start_seconds"] = wait
    return found


def mebibytes(value: Any) -> int | None:
    """Returns an amount of memory such as `512M` in MiB; None if it is none."""
    found = _MEMORY.fullmatch(str(value).strip())
    return round(min(float(found[1]), 10**12) * _MIB[found[2].lower()]) if found else None


def size(cpu: float | None, memory: float | None) -> dict[str, int] | None:
    """Returns the smallest size of a Fargate task with at least these CPU units and this memory in MiB."""
    if not cpu and not memory:
        return None
    for units in _CPUS:
        if cpu and units < cpu:
            continue
        for mib in range(512, 122881, 512):
            if (memory or 0) <= mib and _offered(units, mib):
                return {"cpu": units, "memory": mib}
    return {"cpu": 16384, "memory": 122880}


def _offered(cpu: int, memory: int) -> bool:
    try:
        fargate_size(cpu, memory)
    except ValueError:
        return False
    return True


def whole(value: Any, low: int, high: int) -> int | None:
    """Returns a whole number within limits; None if the value is none."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    text = str(value).strip()
    return min(max(int(text), low), high) if re.fullmatch(r"\d{1,9}", text) else None
