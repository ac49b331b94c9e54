"""Why a command stopped, in a person's words: what, why, and what to type next."""

from __future__ import annotations


class CommandError(Exception):
    """A command that cannot go on; `str()` says what and why, `then` what to type next."""

    def __init__(self, message: str, then: str = "", *, exit_code: int = 1) -> None:
        super().__init__(message)
        self.then = then
        self.exit_code = exit_code


def usage(message: str, then: str = "") -> CommandError:
    """Returns the error of a command that was typed wrongly: exit code 2."""
    return CommandError(message, then, exit_code=2)
