"""The tests of `make check`: those that the uncommitted change can break, nearest first, for 45 seconds at most."""

from __future__ import annotations

import subprocess
import sys

from localcloud.testing.affected import changed_files
from paths import ROOT

_SECONDS = "45"
_QUICK = "not docker and not browser and not slow and not long"
_NOTHING_SELECTED = 5


def main() -> int:
    """Runs them in each distribution that changed; returns the exit code."""
    local = ROOT / "localcloud"
    inside = [path for path in changed_files(ROOT) if path.is_relative_to(local)]
    folders = [local] * bool(inside) + [ROOT]
    return max(_run(folder) for folder in folders)


def _run(folder: object) -> int:
    options = ["--quiet", "--numprocesses", "2", "--affected", "--seconds", _SECONDS, "-p", "no:randomly"]
    command = [sys.executable, "-m", "pytest", *options, "-m", _QUICK]
    code = subprocess.run(command, cwd=str(folder), check=False).returncode
    return 0 if code == _NOTHING_SELECTED else code


if __name__ == "__main__":
    sys.exit(main())
