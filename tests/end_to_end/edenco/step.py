"""Does one step of a release to Edenco's hosts, with the credentials of the environment, as the function does it.

python -m tests.end_to_end.edenco.step {apply,verify,migrate} ENVIRONMENT VERSION CHECKOUT IMAGE=URI…
"""

from __future__ import annotations

import sys
from functools import cached_property
from pathlib import Path
from typing import Any

from products import names
from slipway_cli.release.errors import ReleaseError
from slipway_cli.release.hosts import HostRelease, bundle
from slipway_cli.release.source import contents
from slipway_cli.release.target import Target
from tests.end_to_end.edenco.product import PRODUCT


class _AsTheFunction(HostRelease):
    """A release with the parameters that the function has in a pipeline besides: it also reports the address."""

    @cached_property
    def _parameters(self) -> dict[str, Any]:
        edge = names.stack(self.target.environment, PRODUCT.name, "edge")
        return {**super()._parameters, "edge": edge}


def _log(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def main(step: str, environment: str, version: str, source: Path, images: dict[str, str]) -> int:
    """Does the step; returns 1 and prints why if it fails."""
    release = _AsTheFunction(
        Target(PRODUCT, environment), version, images, bundle(PRODUCT, "hosts", source, contents(source))
    )
    steps = {"apply": release.apply, "verify": release.verify, "migrate": release.migrate}
    try:
        steps[step](_log)
    except Exception as error:  # noqa: BLE001 - a refused call is what the caller reads
        sys.stderr.write(f"{error if isinstance(error, ReleaseError) else repr(error)}\n")
        return 1
    return 0


if __name__ == "__main__":
    step, environment, version, source, *pairs = sys.argv[1:]
    sys.exit(main(step, environment, version, Path(source), dict(pair.split("=", 1) for pair in pairs)))
