"""The pinned CDK CLI: synthesizes manifests, and bootstraps an account and region."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from paths import ROOT
from slipway_cli.errors import CommandError
from slipway_cli.typed import again

_CDK = ROOT / "node_modules" / "aws-cdk" / "bin" / "cdk"
_NODE = ROOT / "node_modules" / "node" / "bin"
_TAIL = 2000  # characters of a failed command's output that are printed


def synth(product: str, folder: Path) -> None:
    """Synthesize a product into a folder, without CDK's own rules, which `cdk synth` applies.

    Raises:
        CommandError: if it fails.
    """
    words = ["synth", "--quiet", "--no-validation", "--output", str(folder), "--context", f"product={product}"]
    _run(words, ROOT, f"npx cdk synth -q -c product={product}")


def bootstrap(account: str, region: str, policies: Sequence[str], trusted: str, folder: Path) -> None:
    """Create or update the bootstrap stack, whose execution role gets policies by their ARNs.

    `trusted` is another account that may deploy here, or empty. `folder` is one without an app.

    Raises:
        CommandError: if it fails.
    """
    words = ["bootstrap", f"aws://{account}/{region}", "--termination-protection"]
    words += ["--cloudformation-execution-policies", ",".join(policies)]
    _run([*words, *(["--trust", trusted] if trusted else [])], folder, again())


def _run(words: Sequence[str], folder: Path, then: str) -> None:
    if not _CDK.exists():
        raise CommandError("the CDK CLI is not installed", f"make setup, then {again()}")
    environment = {**os.environ, "PATH": f"{_NODE}:{os.environ.get('PATH', '')}", "CI": "true"}
    done = subprocess.run(  # noqa: S603 - the pinned CLI
        [str(_NODE / "node"), str(_CDK), *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = (done.stdout + done.stderr).strip()[-_TAIL:]
        raise CommandError(f"cdk {words[0]} failed with exit code {done.returncode}:\n{said}", then)
