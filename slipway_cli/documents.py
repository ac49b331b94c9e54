"""`slipway docs`: regenerates documents and prints which of them changed."""

from __future__ import annotations

import subprocess
import sys

from paths import ROOT
from slipway_cli.errors import CommandError
from slipway_cli.typed import again

GENERATORS = (
    "products.schema",
    "products.reference",
    "products.profile_table",
    "products.document",
    "slipway_cli.review.diagrams",
    "slipway_cli.gate.document",
    "slipway_cli.gate.controls",
    "policy.execution",
)
_END = 1500  # characters of a failed generator's output that are printed


def write() -> None:
    """Run every generator in its own process, since some of them load the CDK.

    Raises:
        CommandError: if one fails.
    """
    for module in GENERATORS:
        print(module, flush=True)  # noqa: T201 - progress for the user
        done = subprocess.run(  # noqa: S603 - our own modules
            [sys.executable, "-m", module], cwd=ROOT, capture_output=True, text=True, check=False
        )
        sys.stdout.write(done.stdout)
        if done.returncode:
            raise CommandError(
                f"{module} failed with exit code {done.returncode}:\n{done.stderr[-_END:].strip()}", again()
            )
