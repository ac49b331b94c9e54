"""Creates two real git commits whose hashes begin with the same seven characters, which takes only a second."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SHORT = 7  # the length of an abbreviated hash and of `{sha7}`: 28 bits, so 2^14 tries on each side make a match likely
_TRIES = 1 << 18
_WHO = "A <a@example.com> 1764000000 +0000"


@dataclass(frozen=True)
class Twins:
    """A git repository whose branches `main` and `feature/twin` have commits with the same abbreviated hash."""

    folder: Path
    main: str
    feature: str

    def check_out(self, commit: str, folder: Path) -> Path:
        """Checks out the files of a commit into a new folder."""
        folder.mkdir(parents=True)
        _git(self.folder, "--work-tree", str(folder), "checkout", "--quiet", "--force", commit, "--", ".")
        return folder


def twins(folder: Path, main: Mapping[str, str], feature: Mapping[str, str]) -> Twins:
    """Creates the two commits with these files."""
    folder.mkdir(parents=True)
    _git(folder, "init", "--quiet", "--initial-branch", "main")
    trees = [_tree(folder, files) for files in (main, feature)]
    seen: dict[str, bytes] = {}
    bodies = [f"tree {tree}\nauthor {_WHO}\ncommitter {_WHO}\n\n{{}}\n" for tree in trees]
    for number in range(_TRIES):
        ours, theirs = (body.format(number).encode() for body in bodies)
        seen[_name(ours)[:SHORT]] = ours
        other = seen.get(_name(theirs)[:SHORT])
        if other:
            found = Twins(folder, _commit(folder, "main", other), _commit(folder, "feature/twin", theirs))
            assert found.main != found.feature
            assert found.main[:SHORT] == found.feature[:SHORT]
            return found
    raise AssertionError(f"no two of {_TRIES} commits have the same first {SHORT} characters")


def _name(body: bytes) -> str:
    return hashlib.sha1(b"commit %d\0%b" % (len(body), body)).hexdigest()


def _tree(folder: Path, files: Mapping[str, str]) -> str:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    _git(folder, "add", "--all")
    return _git(folder, "write-tree")


def _commit(folder: Path, branch: str, body: bytes) -> str:
    name = _git(folder, "hash-object", "-t", "commit", "-w", "--stdin", given=body)
    _git(folder, "update-ref", f"refs/heads/{branch}", name)
    return name


def _git(folder: Path, *arguments: str, given: bytes = b"") -> str:
    done = subprocess.run(["git", "-C", str(folder), *arguments], input=given, capture_output=True, check=True)
    return done.stdout.decode().strip()
