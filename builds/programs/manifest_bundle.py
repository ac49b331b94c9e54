"""The bundle of a release for Kubernetes: the objects of the product's manifests, as JSON, for each environment.

KUBERNETES is what the manifest says, as JSON. The same files give the same bytes: sorted, without times and owners.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import sys
import tarfile
from pathlib import Path
from typing import Any, Dict, List

from checkout import fail
from compose_yaml import Unreadable
from manifest_checks import Expected, Problems, check
from manifest_yaml import Manifest, plain, read


def main(wanted: Dict[str, Any], target: Path) -> None:
    """Checks the manifests of all environments and writes the bundle; all problems are reported together."""
    problems, files = Problems(), {}
    for name, environment in sorted(wanted["environments"].items()):
        manifests = _read(environment["files"], problems)
        if not problems.lines:
            check(Expected(name=name, **environment), manifests, problems)
        files[f"kubernetes/{name}.json"] = json.dumps([plain(manifest.content) for manifest in manifests], indent=1)
        for manifest in manifests:
            print(f"{name}: {manifest.kind} {manifest.name} ({manifest.where()})")
    if problems.lines:
        print("\n" + "\n".join(problems.lines), file=sys.stderr)
        count = len(problems.lines)
        fail(f"{count} problem{'s' if count > 1 else ''} in the manifests, listed above; nothing was deployed.")
    target.write_bytes(packed({name: text.encode() for name, text in files.items()}))


def packed(files: Dict[str, bytes]) -> bytes:
    """Returns a tar.gz of files."""
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in sorted(files.items()):
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o644
            archive.addfile(member, io.BytesIO(content))
    return gzip.compress(whole.getvalue(), mtime=0)


def _read(names: List[str], problems: Problems) -> List[Manifest]:
    found: List[Manifest] = []
    for name in names:
        path = Path(name)
        if not path.is_file() or not path.resolve().is_relative_to(Path.cwd().resolve()):
            problems.add("products/*.yaml", f"kubernetes.manifests names {name}, which is not a file in the repository")
            continue
        try:
            found += read(path)
        except Unreadable as error:
            problems.add(f"{name}:{error.line}", error.why)
    return found


if __name__ == "__main__":
    main(json.loads(os.environ["KUBERNETES"]), Path(sys.argv[1]))
