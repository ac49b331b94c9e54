"""`python -m policy.privileges`: prints the table, writes its page; a file of decisions is taken in before."""

from __future__ import annotations

import sys
from pathlib import Path

from policy.privileges import evidence
from policy.privileges.table import PAGE, lines, page, shipped_roles


def main(arguments: list[str]) -> int:
    """Print, write."""
    if arguments:
        decisions = Path(arguments[0]).read_text(encoding="utf-8").splitlines()
        known = evidence.load()
        evidence.Evidence(known.removed, evidence.traced(shipped_roles(), decisions)).write()
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write("\n".join(lines()) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
