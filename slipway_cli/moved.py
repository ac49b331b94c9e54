"""Names the replacement of a removed command: for 0.1.0 only."""

from __future__ import annotations

import sys

from slipway_cli.typed import program

_VERBS = {
    "status": "status [FLOW]",
    "start": "start FLOW [--commit SHA]",
    "follow": "follow [FLOW] [--run ID]",
    "approve": "approve [FLOW] [--stage STAGE] [--reason TEXT]",
    "reject": "reject [FLOW] --reason TEXT [--stage STAGE]",
    "retry": "retry [FLOW] [--run ID]",
    "rollback": "rollback ENVIRONMENT --to RELEASE",
    "stop": "stop [FLOW] [--run ID] [--reason TEXT] [--abandon]",
    "drill": "drill [NAME] [--environment ENVIRONMENT]",
    "review": "review [--base main]",
    "cost": "cost [ENVIRONMENT] [--details]",
}
_LOCAL = {f"local-{verb}": f"local {verb}" for verb in ("up", "down", "reset", "status")}
_MODULES = {
    "demo": "demo [PRODUCT]",
    "operate": "status, start, follow, approve, reject, retry, rollback or stop",
    "release": "release ENVIRONMENT --source FOLDER",
    "review": _VERBS["review"],
    "review.cost": _VERBS["cost"],
    "gate": "policy",
    "drills": _VERBS["drill"],
    "console": "console",
    "local": "local up, down, reset or status",
    "local.demo": "demo [PRODUCT]",
    "local.console": "console",
}
REPLACED = {
    **{f"make {name}": f"slipway {line}" for name, line in {**_VERBS, **_LOCAL}.items()},
    "make test-push": ".venv/bin/pytest tests/end_to_end/allthrive/test_push.py",
    **{f"python -m {name}": f"slipway {line}" for name, line in _MODULES.items()},
}


def replacement(old: str) -> str:
    """Returns a sentence that names the replacement of an old command."""
    new = REPLACED.get(old, "slipway --help")
    return f"{old} is now: {new.replace('slipway', program(), 1) if new.startswith('slipway') else new}"


def module(name: str) -> None:
    """End `python -m <old module>`: exit code 2."""
    line = sys.orig_argv
    named = line[line.index("-m") + 1] if "-m" in line[:-1] else name
    # Python imports `local` for `local.demo` too, so the command line is more precise than the module's name.
    old = named if named == name or named.startswith(f"{name}.") else name
    _end(f"python -m {old}")


def _end(old: str) -> None:
    print(replacement(old), file=sys.stderr)  # noqa: T201 - the user reads it
    sys.exit(2)


if __name__ == "__main__":
    _end(" ".join(sys.argv[1:]))
