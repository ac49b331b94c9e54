# What a build says when something fails. Sourced by the scripts of builds.

fail() {
  printf '\nFAILED: %s\n' "$*" >&2
  exit 1
}

# failed <what happened> <what to do if the log does not say more>
failed() { fail "$1 $(python3 "$WORK/build_log.py" install "$WORK/log" "$2")"; }

# failed_command <what happened> <what to do>: of the log, only what the shell and the package manager say counts. The rest is
# the command's own output: tests may well print that a server has refused them.
failed_command() { fail "$1 $(python3 "$WORK/build_log.py" command "$WORK/log" "$2")"; }

# Prints a log and keeps it for `failed`, without the values of SECRETS.
keep() { python3 -u "$WORK/build_log.py" keep "$WORK/log"; }

# pull <image>: by itself, so that a registry's refusal is not taken for a failure of what comes next.
pull() {
  docker image inspect "$1" >/dev/null 2>&1 || docker pull --quiet "$1" >"$WORK/log" 2>&1 || {
    cat "$WORK/log" >&2
    failed "the image $1 cannot be pulled." "Is its name right, and can this machine reach its registry?"
  }
}
