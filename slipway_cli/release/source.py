"""The version and release name of a product's checkout."""

from __future__ import annotations

import hashlib
import json
import subprocess
import tomllib
from pathlib import Path

from slipway_cli.release.errors import ReleaseError

_SNAPSHOT_DIGITS = 7  # as many as git shows of a commit


def contents(folder: Path) -> str:
    """Returns the SHA-256 of a checkout's files, including uncommitted changes."""
    digest = hashlib.sha256()
    for path in sorted(_files(folder)):
        digest.update(path.relative_to(folder).as_posix().encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def snapshot(folder: Path) -> str:
    """Returns the readable name of a checkout's state, `X.Y.Z-SNAPSHOT-<the first 7 digits of its contents>`."""
    digits = contents(folder)[:_SNAPSHOT_DIGITS]
    return f"{version(folder)}-SNAPSHOT-{digits}"


def version(folder: Path) -> str:
    """Returns the product's version from its first `pyproject.toml` or `package.json`."""
    for path in (folder / "pyproject.toml", *sorted(folder.glob("*/pyproject.toml"))):
        if path.exists() and (found := tomllib.loads(path.read_text()).get("project", {}).get("version")):
            return str(found)
    for path in (folder / "package.json", *sorted(folder.glob("*/package.json"))):
        if path.exists() and (found := json.loads(path.read_text()).get("version")):
            return str(found)
    raise ReleaseError(f"no version in {folder}: write one into pyproject.toml ([project] version) or package.json")


def _files(folder: Path) -> list[Path]:
    """Returns the files that git would commit, or all files of a folder without git."""
    if not folder.is_dir():
        raise ReleaseError(f"no folder {folder}; give the product's checkout with --source")
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],  # noqa: S607 - the user's git
        cwd=folder,
        capture_output=True,
        check=False,
        text=True,
    )
    if listed.returncode == 0:
        return [path for name in listed.stdout.split("\0") if name and (path := folder / name).is_file()]
    return [path for path in folder.rglob("*") if path.is_file() and "node_modules" not in path.parts]
