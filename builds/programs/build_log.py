"""Keeps the log of a command without secrets, and says what a failure in it means.

`build_log.py keep <file>` copies standard input to standard output and to the file, and replaces the values of the
environment variables that SECRETS names. `build_log.py install <file> <otherwise>` prints the advice of hints.txt on a
log; `command` uses fewer of them. Advice is printed only if the log proves its cause: a wrong one costs more than none.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import List, Tuple
from urllib.parse import quote, urlsplit

Hint = Tuple[str, List[str], str]
"""A section, patterns, and the advice."""
_SHORTEST_SECRET = 4  # a shorter text is in many words


def hints() -> List[Hint]:
    """Returns the entries of hints.txt."""
    text = Path(__file__).with_name("hints.txt").read_text(encoding="utf-8")
    section, found = "", []
    for block in re.split(r"\n{2,}", text):
        lines = [line for line in block.strip().splitlines() if not line.startswith("#")]
        patterns = [line[2:] for line in lines if line.startswith("~ ")]
        if patterns:
            found.append((section, patterns, lines[-1]))
        elif lines:
            section = lines[0].strip("[]")
    return found


def explain(log: str, kind: str, otherwise: str) -> str:
    """Returns the advice on the log of an `install` or a `command`."""
    for section, patterns, advice in hints():
        matches = (re.search(pattern, log, re.MULTILINE) for pattern in patterns if section in ("command", kind))
        found = next((match for match in matches if match), None)
        if found:
            return _filled(advice, [str(group).strip() for group in found.groups()])
    return otherwise


def _filled(advice: str, groups: List[str]) -> str:
    return re.sub(r"\{(\d)\}", lambda place: groups[int(place[1])], advice)


def secrets() -> List[str]:
    """Returns the texts that no log may show, longest first: secrets, and the credentials in one that is an address."""
    values = [os.environ.get(name, "") for name in os.environ.get("SECRETS", "").split()]
    for value in list(values):
        parts = urlsplit(value) if "://" in value else None
        values += [parts.password or "", parts.username or ""] if parts else []
    values += [quote(value, safe="") for value in values]
    return sorted({value for value in values if len(value) >= _SHORTEST_SECRET}, key=len, reverse=True)


def keep(path: Path) -> None:
    """Copies standard input, line by line."""
    hidden = secrets()
    with path.open("w", encoding="utf-8") as file:
        for raw in sys.stdin.buffer:
            line = raw.decode("utf-8", "replace")
            for value in hidden:
                line = line.replace(value, "***")
            sys.stdout.write(line)
            sys.stdout.flush()
            file.write(line)


def main() -> None:
    """Runs the command line."""
    kind, path = sys.argv[1], Path(sys.argv[2])
    if kind == "keep":
        keep(path)
    else:
        log = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
        print(explain(log, kind, sys.argv[3]))


if __name__ == "__main__":
    main()
