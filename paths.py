"""The folders of this repository, defined once. Imports nothing of ours, so every module may import it."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
"""The checkout."""
STATE = ROOT / ".slipway"
"""What commands keep between two calls."""
MANIFESTS = ROOT / "products"
"""One YAML file per product."""
CONSTRUCTS, HANDLERS = ROOT / "constructs", ROOT / "lambda"
"""Source roots, not packages: docs/adr/0022."""
NODE = ROOT / "node_modules" / "node" / "bin" / "node"
"""The pinned Node.js, which runs jsii and the CDK CLI."""


def find_constructs() -> None:
    """Put `constructs/` on the import path, after the installed libraries, one of which has that name."""
    if str(CONSTRUCTS) not in sys.path:
        sys.path.append(str(CONSTRUCTS))
