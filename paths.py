"""The folders of this repository, defined once. It imports no module of this repository, so every module may use it."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
"""The checkout."""
STATE = ROOT / ".slipway"
"""State that commands keep between two runs."""
MANIFESTS = ROOT / "products"
"""One YAML file per product."""
CONSTRUCTS, HANDLERS, HOSTS = ROOT / "constructs", ROOT / "lambda", ROOT / "hosts"
"""Folders on `sys.path`, not packages: docs/adr/0022."""
NODE = ROOT / "node_modules" / "node" / "bin" / "node"
"""The pinned Node.js, which runs jsii and the CDK CLI."""


def find_constructs() -> None:
    """Append `constructs/` to `sys.path`: after the installed libraries, because one of them is named `constructs`."""
    if str(CONSTRUCTS) not in sys.path:
        sys.path.append(str(CONSTRUCTS))
