#!/bin/sh
# run.sh SHELL BLOCK SUCCEEDING: runs the commands of a block in order until one fails. Only the name of the failed
# command's file goes to stderr.
agent=${0%/*}
mkdir -p "$agent/state"
printf '%s\n' "$3" >"$agent/state/succeeding"
exec 3>&2 2>&1
for file in "$agent/blocks/$2"/*; do
  printf '[Container] %s Running command ' "$(date -u '+%Y/%m/%d %H:%M:%S')"
  cat "$file"
  cp "$file" "$agent/command"
  "$1" "$agent/step.$1" 3>&-
  status=$?
  if [ "$status" != 0 ]; then
    printf '%s' "${file##*/}" >&3
    exit "$status"
  fi
done
