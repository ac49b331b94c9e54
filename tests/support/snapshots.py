"""One template per stack, as text that people review."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.support.synthesis import ROOT, Json, shipped

FOLDER = ROOT / "tests" / "snapshots"
_ASSET = re.compile(r"\b[0-9a-f]{64}\b")


def normalized(template: Json) -> str:
    """A template without what changes by itself: asset hashes, and what CDK adds to every stack."""
    kept = {
        section: value
        for section, value in template.items()
        if section != "Rules" or "CheckBootstrapVersion" not in value
    }
    if "Parameters" in kept:
        kept["Parameters"] = {name: it for name, it in kept["Parameters"].items() if name != "BootstrapVersion"}
    text = json.dumps({name: it for name, it in kept.items() if it != {}}, indent=1, sort_keys=True, ensure_ascii=False)
    return _ASSET.sub("<asset>", text) + "\n"


def expected(product: str) -> dict[Path, str]:
    """What should stand in the folder of a product, by path."""
    return {
        FOLDER / product / f"{stack}.json": normalized(template)
        for stack, template in shipped(product).templates.items()
    }
