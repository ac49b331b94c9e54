"""A machine for the host's program: an `aws` that serves files from a folder, and releases that a test makes."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from paths import ROOT
from tests.support import fake_programs

PROGRAM = ROOT / "hosts"
REGION, BUCKET = "us-east-1", "releases"
PASSWORD = 'it\'s a $ecret \\ "word"'

# Serves s3/<key>, secrets/<name>, parameters/<name>, and fails as the file `faults` says: one operation a line.
_AWS = """\
words = sys.argv[1:]
service, verb = words[2], words[3]
option = lambda name: words[words.index(name) + 1]
with (folder / "calls").open("a") as log:
    log.write(" ".join(words) + "\\n")
faults = folder / "faults"
if faults.exists() and verb in faults.read_text().split():
    sys.exit(f"An error occurred (AccessDeniedException) when calling {verb}: not authorized")
if verb == "get-parameter":
    print(json.dumps({"Parameter": {"Value": (folder / "parameter").read_text()}}))
elif verb == "get-secret-value":
    path = folder / "secrets" / option("--secret-id")
    if not path.exists():
        sys.exit("An error occurred (ResourceNotFoundException) when calling GetSecretValue: no such secret")
    print(json.dumps({"SecretString": path.read_text()}))
elif verb == "get-login-password":
    print("token-of-the-registry")
elif verb == "get-object":
    source = folder / "s3" / option("--key")
    if not source.exists():
        sys.exit("An error occurred (NoSuchKey) when calling the GetObject operation: no such key")
    with source.open("rb") as file, Path(words[-1]).open("wb") as copy:
        copy.write(file.read())
else:
    sys.exit(f"unexpected call: {words}")
"""


@dataclass(frozen=True)
class Ended:
    """The end of a step: its exit code, what it printed, and its last line."""

    code: int
    printed: str
    report: dict[str, Any] = field(default_factory=dict)


class Machine:
    """One host. `folder` is where releases go, `aws` what AWS has."""

    def __init__(self, path: Path, project: str) -> None:
        self.folder, self.aws, self.project = path / "srv" / project, path / "aws", project
        (self.aws / "secrets").mkdir(parents=True)
        self._bin = path / "bin"
        self._bin.mkdir()
        self.install("aws", _AWS)
        self.secret("database", json.dumps({"username": "shop", "password": PASSWORD}))
        self.configuration: dict[str, Any] = {
            "project": project,
            "folder": str(self.folder),
            "compose": ["docker-compose.yml"],
            "profiles": [],
            "rendered": None,
            "files": {},
            "pgpass": None,
            "registry": "",
            "migration": None,
            "wait_seconds": 30,
            "verify": None,
            "keep_releases": 2,
        }

    def install(self, name: str, body: str) -> None:
        """Adds a program that comes first on the PATH; in it, `folder` is that of AWS."""
        fake_programs.install(self._bin / name, f"folder = Path({str(self.aws)!r})\n{body}")

    def secret(self, name: str, value: str) -> None:
        """Sets a secret."""
        (self.aws / "secrets" / name).write_text(value)

    def fail(self, *verbs: str) -> None:
        """Makes AWS refuse these calls."""
        (self.aws / "faults").write_text("\n".join(verbs))

    def put(self, key: str, content: bytes) -> None:
        """Puts an object into the bucket."""
        path = self.aws / "s3" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    @property
    def parameter(self) -> str:
        """The configuration's name, by which steps find programs of killed ones: those of this machine only."""
        return f"/slipway/{self._bin}/configuration"

    def release(self, version: str, images: dict[str, str], files: dict[str, str]) -> str:
        """Puts a release into the bucket; returns its SHA-256."""
        packed = bundle({name: text.encode() for name, text in files.items()})
        digest = hashlib.sha256(packed).hexdigest()
        self.put(f"bundles/{digest}.tar.gz", packed)
        record = {"version": version, "commit": "c" * 40, "images": images, "bundle": digest}
        content = json.dumps(record, sort_keys=True, separators=(",", ":")).encode()
        sha = hashlib.sha256(content).hexdigest()
        self.put(f"releases/{sha}.json", content)
        return sha

    def make_current(self, sha: str) -> None:
        """Makes a release the one that the environment runs."""
        self.put("current.json", (self.aws / "s3" / f"releases/{sha}.json").read_bytes())

    def start(self, step: str, release: str) -> subprocess.Popen[str]:
        """Starts a step."""
        (self.aws / "parameter").write_text(json.dumps(self.configuration))
        options = ("--region", REGION, "--bucket", BUCKET, "--configuration", self.parameter)
        return subprocess.Popen(
            [sys.executable, "-I", str(PROGRAM), *options, step, release],
            env={**os.environ, "PATH": f"{self._bin}{os.pathsep}{os.environ['PATH']}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, step: str, release: str = "current") -> Ended:
        """Runs a step to its end."""
        process = self.start(step, release)
        printed, errors = process.communicate()
        assert not errors, errors
        *_, last = printed.rstrip("\n").splitlines()
        assert last.startswith("SLIPWAY "), printed
        return Ended(process.returncode, printed, json.loads(last.removeprefix("SLIPWAY ")))

    @property
    def calls(self) -> list[str]:
        """The calls of the AWS CLI."""
        log = self.aws / "calls"
        return log.read_text().splitlines() if log.exists() else []


def bundle(files: dict[str, bytes], *members: tarfile.TarInfo) -> bytes:
    """Returns a tar.gz of files, and of further members without content."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        for member in members:
            archive.addfile(member)
    return gzip.compress(plain.getvalue(), mtime=0)
