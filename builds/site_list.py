"""The list of a site's files, by which CloudFront's function tells files from pages: a CloudFront KeyValueStore.

`slipway release` imports this module; the build publish-frontend contains its text and runs it with the AWS CLI, of
which only version 2 can sign requests to the store (Signature Version 4A). Standard library only.

Limits of 2026-11-30, docs.aws.amazon.com/AmazonCloudFront, "Quotas on key value stores": 5 MB in a store, 512 bytes in
a key, 1 KB in a value, 50 keys in a request.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

LIMIT = 5 * 1024 * 1024
_KEY_BYTES, _VALUE_BYTES, _BATCH = 512, 1024, 50
_IS_FILE = "1"
_ATTEMPTS = 10  # of writing, when the builds of other frontends write at the same time


class Conflict(Exception):  # noqa: N818 - AWS's name
    """Someone else changed the store since its version was read."""


class Store(Protocol):
    """A key value store of CloudFront."""

    def version(self) -> str:
        """Returns the store's version, without which nobody may change it."""

    def read(self) -> dict[str, str]:
        """Returns all pairs."""

    def write(self, version: str, puts: Mapping[str, str], deletes: Sequence[str]) -> str:
        """Writes and deletes pairs at once, and returns the new version.

        Raises:
            Conflict: if the store has another version.
        """


class Frontend(NamedTuple):
    """The files of a frontend, and where they are."""

    base: str
    """Its path: `/`, or e.g. `/admin/`."""
    others: Sequence[str]
    """Folders that belong to other frontends, e.g. `admin/`."""
    names: Iterable[str]
    """The files of its newest release, by their names below the path."""
    hashed: Iterable[str]
    """Those among them with a hash in their name."""
    kept: Iterable[str] = ()
    """The files of older releases that are kept."""

    def pairs(self) -> dict[str, str]:
        """Returns what the store should have: a key for each file, and the folders of hashed names for the path.

        A name that is too long for a key is left out: its ending decides.
        """
        keys = (f"{self.base}{name}" for name in {*self.names, *self.kept})
        found = {key: _IS_FILE for key in sorted(keys) if len(key.encode()) <= _KEY_BYTES}
        return {**found, self.base: self._folders()}

    def _folders(self) -> str:
        """Returns the folders in which all names have a hash, separated by spaces; as many as fit into a value."""
        hashed = set(self.hashed)
        mixed = {name.rpartition("/")[0] for name in self.names if name not in hashed}
        text = ""
        for folder in sorted({name.rpartition("/")[0] for name in hashed} - mixed - {""}):
            longer = f"{text} {folder}/".lstrip()
            if " " not in folder and len(longer.encode()) <= _VALUE_BYTES:
                text = longer
        return text

    def owns(self, key: str) -> bool:
        """True if a key is of this frontend, now or before."""
        return key.startswith(self.base) and not key.startswith(tuple(f"{self.base}{other}" for other in self.others))


def add(store: Store, frontend: Frontend) -> str:
    """Lists the files of a release that is about to be published; returns a sentence for the log.

    If the store would become too large, nothing is written: the endings of names decide then.
    """
    wanted, present = frontend.pairs(), store.read()
    size = sum(len(key.encode()) + len(value.encode()) for key, value in {**present, **wanted}.items())
    if size > LIMIT:
        return (
            f"The list of files would have {size} bytes, and CloudFront allows {LIMIT}: new files are not listed, and "
            "a file is known by its ending. Keep fewer releases, or leave files out of the bundle."
        )
    puts = {key: value for key, value in wanted.items() if present.get(key) != value}
    _write(store, puts, [])
    return f"The list of files has {len(puts)} new entries."


def remove(store: Store, frontend: Frontend) -> str:
    """Removes from the list what no kept release has; returns a sentence for the log."""
    wanted = frontend.pairs()
    gone = [key for key in store.read() if frontend.owns(key) and key not in wanted]
    _write(store, {}, gone)
    return f"{len(gone)} entries left the list of files."


def _write(store: Store, puts: Mapping[str, str], deletes: Sequence[str]) -> None:
    version = ""
    for some, gone in _batches(puts, deletes):
        for attempt in range(_ATTEMPTS):
            try:
                version = store.write(version or store.version(), some, gone)
                break
            except Conflict:
                if attempt == _ATTEMPTS - 1:
                    raise
                version = ""
                time.sleep(attempt / 2)


def _batches(puts: Mapping[str, str], deletes: Sequence[str]) -> Iterator[tuple[dict[str, str], list[str]]]:
    """Yields as many changes at a time as one request may have."""
    changes: list[tuple[str, str | None]] = [*puts.items(), *((key, None) for key in deletes)]
    for start in range(0, len(changes), _BATCH):
        part = changes[start : start + _BATCH]
        yield {key: value for key, value in part if value is not None}, [key for key, value in part if value is None]


class CommandLine:
    """A store that the AWS CLI reads and writes."""

    def __init__(self, arn: str, options: Sequence[str]) -> None:
        self._arn, self._options = arn, options

    def version(self) -> str:
        """Returns the store's ETag."""
        return str(self._run("describe-key-value-store")["ETag"])

    def read(self) -> dict[str, str]:
        """Returns all pairs; the CLI reads all pages."""
        items = self._run("list-keys", "--kvs-arn", self._arn, "--page-size", str(_BATCH)).get("Items") or []
        return {str(item["Key"]): str(item["Value"]) for item in items}

    def write(self, version: str, puts: Mapping[str, str], deletes: Sequence[str]) -> str:
        """Writes and deletes pairs, and returns the new ETag."""
        body = {
            "KvsARN": self._arn,
            "IfMatch": version,
            "Puts": [{"Key": key, "Value": value} for key, value in puts.items()],
            "Deletes": [{"Key": key} for key in deletes],
        }
        return str(self._run("update-keys", "--cli-input-json", json.dumps(body))["ETag"])

    def _run(self, operation: str, *arguments: str) -> dict[str, Any]:
        given = arguments or ("--kvs-arn", self._arn)
        command = ["aws", "cloudfront-keyvaluestore", operation, *given, "--output", "json", *self._options]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
        if done.returncode:
            if "ConflictException" in done.stderr:
                raise Conflict(done.stderr)
            sys.exit(
                f"\n{done.stderr.strip()}\nFAILED: the list of the site's files cannot be read or written. The role "
                "needs cloudfront-keyvaluestore:DescribeKeyValueStore, ListKeys and UpdateKeys, and the AWS CLI must "
                "be version 2."
            )
        return dict(json.loads(done.stdout or "{}"))


def main(arguments: list[str]) -> None:
    """Runs `add` or `remove` with the files of publish-frontend: `site_list.py add ARN WORK BASE OTHERS OPTIONS…`."""
    step, arn, work, base, others, *options = arguments
    place = Path(work)
    hashed, unhashed = ((place / part).read_text(encoding="utf-8").splitlines() for part in ("hashed", "unhashed"))
    kept = (place / "kept").read_text(encoding="utf-8").splitlines() if step == "remove" else []
    frontend = Frontend(base, others.split(), [*hashed, *unhashed], hashed, kept)
    change: Callable[[Store, Frontend], str] = {"add": add, "remove": remove}[step]
    sys.stdout.write(f"{change(CommandLine(arn, options), frontend)}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
