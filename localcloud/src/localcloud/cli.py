"""The command line: `localcloud up|down|reset|status`."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from localcloud import launcher, settings
from localcloud.settings import Settings

_REFUSED, _MISUSED, _INTERRUPTED = 1, 2, 130
_EPILOG = """\
exit codes: 0 done, or running; 1 failed, the message says why; 2 usage error; 3 status: not running.
Each option has a variable: LOCALCLOUD_STATE, _PORT, _ACCOUNT, _REGION, _DOCKER (0), _EXTENSIONS, _EXTENSIONS_FROM."""

VERBS: dict[str, tuple[Callable[[Settings], int], str]] = {
    "up": (launcher.up, "start the cloud, empty, and write the file to source"),
    "down": (launcher.down, "stop the cloud and remove its processes, containers and networks"),
    "reset": (launcher.reset, "delete all stacks, data and containers; the cloud keeps running"),
    "status": (launcher.status, "show what is running, and where"),
}


def parser(program: str) -> argparse.ArgumentParser:
    """Returns the parser of the verbs and their options."""
    made = argparse.ArgumentParser(
        prog=program,
        description="AWS on one machine, with real containers.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--version", action="version", version=f"localcloud {metadata.version('localcloud')}")
    verbs = made.add_subparsers(dest="verb", required=True, metavar="{up,down,reset,status}")
    for name, (_, text) in VERBS.items():
        verb = verbs.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        verb.add_argument("--state", type=Path, metavar="FOLDER", help="folder of the cloud's state (.localcloud)")
        verb.add_argument("--port", type=_port, help="port on loopback (4701)")
        if name == "up":
            _add_options_of_up(verb)
    return made


def _add_options_of_up(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--account", metavar="DIGITS", help="account of the cloud (111122223333)")
    verb.add_argument("--region", metavar="NAME", help="region of the cloud (us-east-1)")
    verb.add_argument("--no-docker", action="store_true", help="do not run databases, caches and containers")
    verb.add_argument(
        "--extension", action="append", metavar="MODULE", help="also serve this module's application; repeatable"
    )
    verb.add_argument("--extensions-from", type=Path, metavar="FOLDER", help="import extensions from this folder")


def _port(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a port; write a number from 1 to 65535, such as 4701")
    return int(text)


def chosen(given: argparse.Namespace) -> Settings:
    """Returns the settings: the options given, over ``LOCALCLOUD_*`` variables, over the defaults.

    Raises:
        SettingsError: if an option or a variable has no usable value.
    """
    options: dict[str, Any] = {
        "port": given.port,
        "state": given.state.absolute() if given.state else None,
        "account": getattr(given, "account", None),
        "region": getattr(given, "region", None),
        "docker": False if getattr(given, "no_docker", False) else None,
        "extensions": tuple(getattr(given, "extension", None) or ()) or None,
        "extensions_from": getattr(given, "extensions_from", None),
    }
    return dataclasses.replace(
        settings.current(), **{name: value for name, value in options.items() if value is not None}
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one verb; returns the exit code."""
    given = parser("localcloud").parse_args(arguments)
    try:
        wanted = chosen(given)
    except settings.SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return _MISUSED
    try:
        return VERBS[given.verb][0](wanted)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        sys.stderr.write(f"{place}{error.strerror or error}. To use another folder: LOCALCLOUD_STATE=<folder>\n")
        return _REFUSED
    except KeyboardInterrupt:
        sys.stderr.write(f"Interrupted. To stop the cloud: {wanted.command} down\n")
        return _INTERRUPTED
