"""The review in the pipeline has the packages that it imports: its build installs no others."""

from __future__ import annotations

import re
import subprocess
import sys

from paths import ROOT

IMPORTED = """
import sys
from importlib.metadata import packages_distributions
import slipway_cli.review.infrastructure
found = packages_distributions()
print(*{name for module in list(sys.modules) for name in found.get(module.partition(".")[0], ())}, sep="\\n")
"""
OPTIONAL = {"awscrt", "certifi", "setuptools"}  # boto3 and Python do without them


def test_every_package_that_it_imports_is_in_its_lock() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    lock = (ROOT / "requirements-review.lock").read_text(encoding="utf-8")
    locked = {name.lower().replace("_", "-") for name in re.findall(r"^([\w.-]+)==", lock, re.MULTILINE)}

    imported = {name.lower().replace("_", "-") for name in done.stdout.split()}

    assert "pyyaml" in imported
    assert imported - locked - OPTIONAL == set()
