"""A release on this host: its files, its values, and how both come here."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway_host import bundle
from slipway_host.cloud import Cloud
from slipway_host.folder import Folder
from slipway_host.output import Failed, Output
from slipway_host.settings import RENDERED, Configuration, Record
from slipway_host.state import Memory
from slipway_host.values import Values, env_file


@dataclass(frozen=True)
class Release:
    """A release with everything that its containers need, except the images."""

    sha: str
    record: Record
    files: dict[str, bundle.File]
    pgpass: str
    content: str
    """A digest of the files and values, to notice that a secret has changed."""

    def write(self, folder: Folder) -> None:
        """Writes the files."""
        for name, file in self.files.items():
            folder.write(name, file.content, file.mode)


class Store:
    """The releases in the bucket, of which this host keeps those that it may go back to."""

    def __init__(self, cloud: Cloud, memory: Memory, output: Output) -> None:
        self._cloud, self._memory, self._output = cloud, memory, output

    def current(self) -> str | None:
        """Returns the release that the environment runs; None before the first one."""
        with self._memory.scratch("fetched") as scratch:
            if not self._cloud.fetch("current.json", scratch / "record"):
                return None
            sha = bundle.sha256(scratch / "record")
            shutil.move(str(scratch / "record"), self._memory.kept("records", sha))
        return sha

    def record(self, sha: str) -> Record:
        """Returns the record of a release.

        Raises:
            Failed: if there is none, or its bytes do not have this SHA-256.
        """
        return Record.parse(self._kept("records", sha, f"releases/{sha}.json").read_text(encoding="utf-8"))

    def release(self, sha: str, configuration: Configuration) -> Release:
        """Returns a release with the values that the configuration and the secrets have now."""
        record = self.record(sha)
        files, values = self.files(record), self.values(record)
        for name, variables in configuration.files.items():
            lines = [(variable, values.joined(parts, f"{variable} in {name}")) for variable, parts in variables]
            files[name] = bundle.File(env_file(lines), 0o600)
        if configuration.rendered is not None:
            files[RENDERED] = bundle.File(_json(configuration.rendered), 0o600)
        lines_of_pgpass = [values.joined(parts, "pgpass") for parts in configuration.pgpass or []]
        missing = [file for file in configuration.compose if file not in files]
        if missing:
            raise Failed(
                f"the bundle of this release has no {', '.join(missing)}: name it in compose.files, or add the file"
            )
        pgpass = "".join(f"{line}\n" for line in lines_of_pgpass)
        return Release(sha, record, files, pgpass, _digest(files, pgpass))

    def files(self, record: Record) -> dict[str, bundle.File]:
        """Returns the files of a release's bundle by name."""
        path = self._kept("bundles", record.bundle, f"bundles/{record.bundle}.tar.gz")
        return bundle.unpacked(path, record.bundle)

    def values(self, record: Record) -> Values:
        """Returns what gives a release's variables their values, with the secrets as they are now."""
        return Values(record, self._cloud, self._output)

    def registry_password(self) -> str:
        """Returns the password of the registry that holds the images."""
        return self._cloud.registry_password()

    def keep_only(self, releases: list[str]) -> None:
        """Removes the records and bundles of other releases."""
        self._memory.forget("records", set(releases))
        self._memory.forget("bundles", {self.record(sha).bundle for sha in releases})

    def _kept(self, kind: str, sha: str, key: str) -> Path:
        path = self._memory.kept(kind, sha)
        if not path.is_file() or bundle.sha256(path) != sha:
            with self._memory.scratch("fetched") as scratch:
                if not self._cloud.fetch(key, scratch / "object"):
                    raise Failed(f"the bucket of releases has no {key}: run the pipeline again")
                found = bundle.sha256(scratch / "object")
                if found != sha:
                    raise Failed(f"{key} has the SHA-256 {found}: it was changed after the build; nothing was unpacked")
                shutil.move(str(scratch / "object"), path)
        return path


def _digest(files: dict[str, bundle.File], pgpass: str) -> str:
    found = hashlib.sha256(pgpass.encode())
    for name, file in sorted(files.items()):
        found.update(f"{name}\0{file.mode}\0{len(file.content)}\0".encode() + file.content)
    return found.hexdigest()


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=1, sort_keys=True).encode()
