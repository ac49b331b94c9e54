"""The commands in the runbook. Drills run exactly these commands, as an operator would copy them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from localcloud.settings import Settings
from paths import ROOT
from products import names

PAGE = ROOT / "docs" / "runbook.md"
_BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)


class RunbookError(Exception):
    """Raised if the runbook lacks a heading or definition that a drill needs."""


def anchor(heading: str) -> str:
    """Returns GitHub's anchor of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def section(heading: str, page: Path = PAGE) -> str:
    """Returns the text from a heading to the next one.

    Raises:
        RunbookError: if there is no such heading.
    """
    text = page.read_text(encoding="utf-8")
    found = re.search(
        rf"^(#+) {re.escape(heading)}\n(.*?)(?=^#+ |\Z)", _without_comments(text), re.MULTILINE | re.DOTALL
    )
    if found is None:
        raise RunbookError(f"{page} has no heading '{heading}'")
    return found[2].replace("\0", "#")


def blocks(heading: str, page: Path = PAGE) -> list[str]:
    """Returns the blocks of shell commands under a heading."""
    return [str(block) for block in _BLOCK.findall(section(heading, page))]


def preamble(environment: str, product: str, page: Path = PAGE) -> str:
    """Returns the variable definitions that all commands share, for an environment and a product."""
    first, plain = str(_BLOCK.findall(page.read_text(encoding="utf-8"))[0]), "E=production P=allthrive;"
    if plain not in first:
        raise RunbookError(f"{page} does not begin with '{plain}'")
    pipeline = next((block for block in blocks("Tasks", page) if block.startswith("PIPELINE=")), "")
    stage = pipeline.replace("PIPELINE=allthrive-", f"PIPELINE={product}-").replace(
        "STAGE=Production", f"STAGE={names.pascal(environment)}"
    )
    return first.replace(plain, f"E={environment} P={product};") + stage


def _path() -> str:
    """The path of a shell in which `slipway` is this one."""
    return f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"


def _without_comments(text: str) -> str:
    """Returns the page with `#` inside code blocks replaced, so that shell comments do not look like headings."""
    return re.sub(r"```.*?```", lambda block: block[0].replace("#", "\0"), text, flags=re.DOTALL)


@dataclass(frozen=True)
class Shell:
    """An operator's shell that is connected to the local cloud."""

    settings: Settings
    environment: str
    product: str

    def run(self, script: str, seconds: float = 900) -> subprocess.CompletedProcess[str]:
        """Run commands after `source .slipway/local.env` and the runbook's definitions."""
        lines = [f"source '{self.settings.state}/local.env'", preamble(self.environment, self.product), script]
        return subprocess.run(  # noqa: S603 - the runbook's own words
            ["bash", "-c", "\n".join(lines)],  # noqa: S607 - the operator's own bash
            cwd=ROOT,
            env={**os.environ, **self.settings.environment(), "AWS_PAGER": "", "PAGER": "", "PATH": _path()},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds,
        )
