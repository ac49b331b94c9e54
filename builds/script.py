"""Translates a buildspec into a bash program that behaves like CodeBuild's agent.

Each command runs in a shell of its own, with the exported variables and the working directory of the previous one;
functions and shell options do not outlive a command. A failed install or pre_build phase ends the build; after a failed
build phase post_build still runs, unless `on-failure: ABORT`; `finally` runs in each phase that was started. From:
docs.aws.amazon.com/codebuild, "Build specification reference" and "Build phase transitions".
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

PHASES = ("install", "pre_build", "build", "post_build")

# $1 is the command. The trap saves variables and folder for the next command, even if this one calls `exit`.
_AGENT = """\
. "$BUILD_STATE/variables"
cd "$(cat "$BUILD_STATE/folder")" || exit
trap 'left=$?; export -p >"$BUILD_STATE/variables"; pwd >"$BUILD_STATE/folder"; exit "$left"' EXIT
eval "$1"
"""

_PROGRAM = """\
# An interrupted build still cleans up: the terminal interrupts the current command, and `finally` runs next.
trap 'interrupted=1' INT TERM
export BUILD_STATE CODEBUILD_BUILD_SUCCEEDING=1
export -p >"$BUILD_STATE/variables"
pwd >"$BUILD_STATE/folder"
result=0 built='' interrupted=''

run() {
  printf '\\n[%s] %s\\n' "$phase" "$(head -n 1 <<<"$1")"
  bash -c "$BUILD_AGENT" agent "$1"
}

# Runs the commands until one fails, then all those of `finally`.
commands() {
  failed=0
  for command; do
    [ "$command" != "$separator" ] || { finally=1; continue; }
    if [ -n "${finally:-}" ]; then run "$command" || failed=1
    elif [ "$failed" = 0 ] && [ -z "$interrupted" ]; then run "$command" || failed=$?
    fi
  done
  finally=''
  if [ "$failed" != 0 ] || [ -n "$interrupted" ]; then
    result=1
    echo 'export CODEBUILD_BUILD_SUCCEEDING=0' >>"$BUILD_STATE/variables"
    printf '\\n[%s] failed\\n' "$phase"
  fi
}
"""


def program(spec: dict[str, Any]) -> str:
    """Returns the program. It is started in the source folder, with an empty folder in the variable `BUILD_STATE`.

    It exits with 1 if any phase failed, and writes each exported variable to `$BUILD_STATE/exported/<name>`.
    """
    lines = [f"BUILD_AGENT={shlex.quote(_AGENT)}", "separator=$'\\x1f'", _PROGRAM]
    for phase in PHASES:
        lines += _phase(phase, spec["phases"].get(phase, {}))
    lines += ['. "$BUILD_STATE/variables"', 'mkdir -p "$BUILD_STATE/exported"']
    for name in spec.get("env", {}).get("exported-variables", []):
        lines.append(f'if [ -n "${{{name}+set}}" ]; then printf %s "${name}" >"$BUILD_STATE/exported/{name}"; fi')
    return "\n".join([*lines, 'exit "$result"', ""])


def _phase(name: str, phase: dict[str, Any]) -> Iterator[str]:
    commands = [*phase.get("commands", []), "\x1f", *phase.get("finally", [])]
    words = " ".join("$'\\x1f'" if command == "\x1f" else shlex.quote(command) for command in commands)
    begins = '[ -n "$built" ]' if name == "post_build" else '[ "$result" = 0 ]'
    yield f"if {begins}; then phase={name}; {'built=1; ' if name == 'build' else ''}commands {words}; fi"
    if phase.get("on-failure") == "ABORT":
        yield '[ "$result" = 0 ] || built='
