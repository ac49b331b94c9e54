"""The bundle of a release for hosts: compose files, and the files that they mount or the manifest includes.

COMPOSE is what the manifest says, as JSON. The same files give the same bytes: sorted, without times and owners.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import sys
import tarfile
from pathlib import Path
from typing import Any, Dict, Set

from checkout import fail
from compose_checks import bind_mounts, check, relative
from compose_project import Expected, Problems, Project, files_below, inside
from compose_yaml import Table, listed, table

_LIMIT = 100_000_000  # bytes


def main(wanted: Dict[str, Any], target: Path) -> None:
    """Checks the compose files of all environments and writes the bundle; all problems are reported together."""
    problems, files = Problems(), set()
    for name in wanted.get("include", []):
        found = set(files_below(name)) if inside(name) else set()
        if not found:
            problems.add("products/*.yaml", f"compose.include names {name}, which is not in the repository")
        files |= found
    for name, environment in sorted(wanted["environments"].items()):
        files |= _files(_expected(name, environment, wanted), problems, files)
    for file in sorted(files):
        if Path(file).is_symlink():
            problems.add(file, "is a link. A bundle has regular files only: put the file itself there")
    if problems.lines:
        print("\n" + "\n".join(problems.lines), file=sys.stderr)
        count = len(problems.lines)
        fail(
            f"{count} problem{'s' if count > 1 else ''} in the files for the hosts, listed above; nothing was deployed."
        )
    size = sum(Path(file).stat().st_size for file in files)
    if size > _LIMIT:
        fail(f"the files for the hosts have {size:,} bytes, and at most {_LIMIT:,} may. Put large files into an image.")
    target.write_bytes(packed(files))
    print(f"{target} has {len(files)} files:")
    print("\n".join(f"  {file}" for file in sorted(files)))


def packed(files: Set[str]) -> bytes:
    """Returns a tar.gz of files of the working directory."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in sorted(files):
            content = Path(name).read_bytes()
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o755 if os.access(name, os.X_OK) else 0o644
            archive.addfile(member, io.BytesIO(content))
    return gzip.compress(plain.getvalue(), mtime=0)


def _expected(name: str, environment: Dict[str, Any], wanted: Dict[str, Any]) -> Expected:
    return Expected(
        name=name,
        files=environment["files"],
        variables=environment["variables"],
        env_files=environment["env_files"],
        include=wanted.get("include", []),
        profiles=wanted.get("profiles", []),
        proxy=wanted.get("proxy"),
        images=wanted["images"],
        migration=wanted.get("migration"),
    )


def _files(expected: Expected, problems: Problems, included: Set[str]) -> Set[str]:
    """Checks an environment; returns its files."""
    if not expected.files:  # the manifest's `containers`, which need none
        return set()
    project = Project(expected, problems)
    project.read()
    files = set(project.parsed) | included | _named(project)
    if len(project.parsed) and not any(name not in project.parsed for name in expected.files):
        project.resolve(files)
    for service in project.services():
        for source, _, _ in bind_mounts(project, service):
            name = relative(project, source)
            if name not in ("", "."):
                files |= set(files_below(name))
    check(project)
    return files


def _named(project: Project) -> Set[str]:
    """Returns the files of the repository that the compose files read by name: env files, configs and secrets."""
    found = set()
    for content in project.parsed.values():
        for service in table(content, "services").values():
            for item, _ in listed(service.get("env_file") if isinstance(service, Table) else None):
                found.add(str(item.get("path") if isinstance(item, Table) else item))
        for kind in ("configs", "secrets"):
            for definition in table(content, kind).values():
                if isinstance(definition, Table) and isinstance(definition.get("file"), str):
                    found.add(definition["file"])
    names = {os.path.normpath(name) for name in found if inside(name)}
    return {name for name in names if Path(name).is_file() and name not in project.expected.env_files}


if __name__ == "__main__":
    main(json.loads(os.environ["COMPOSE"]), Path(sys.argv[1]))
