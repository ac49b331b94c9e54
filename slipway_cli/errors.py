"""Errors of commands: what happened, why, and what to type next."""

from __future__ import annotations


class CommandError(Exception):
    """A command failed; `str()` says what happened and why, `then` is what to type next."""

    def __init__(self, message: str, then: str = "", *, exit_code: int = 1) -> None:
        super().__init__(message)
        self.then = then
        self.exit_code = exit_code


def usage(message: str, then: str = "") -> CommandError:
    """Returns a usage error: exit code 2."""
    return CommandError(message, then, exit_code=2)
