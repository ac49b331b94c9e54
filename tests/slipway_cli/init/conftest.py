"""Checkouts of strangers: files in one text, each after a line `=== path`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from products import Product, load
from slipway_cli.init.answers import Answers
from slipway_cli.init.command import Wanted, run

LAYOUTS = Path(__file__).parent / "layouts"
ANSWERS = Answers(
    account="222233334444",
    region="us-east-1",
    owner="somebody",
    repository="something",
    owner_id="7",
    repository_id="8",
    email="ops@example.org",
)


@dataclass
class Initialized:
    """The result of `slipway init` in a checkout."""

    folder: Path
    """The folder of the manifest."""
    output: str
    code: int = 0

    @property
    def path(self) -> Path:
        (found,) = self.folder.glob("*.yaml")
        return found

    @property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def data(self) -> Any:
        return yaml.safe_load(self.text)

    @property
    def product(self) -> Product:
        return load(self.path.stem, self.folder)

    def why(self, key: str) -> str:
        """The comment at the first line with a key, or above it."""
        lines = self.text.splitlines()
        index = next(number for number, line in enumerate(lines) if line.strip().startswith(f"{key}:"))
        return lines[index].partition("# ")[2] or lines[index - 1].strip().removeprefix("# ")


Init = Callable[..., Initialized]


def unpack(text: str, folder: Path) -> Path:
    """Write the files of a layout."""
    for block in text.split("=== ")[1:]:
        path, _, content = block.partition("\n")
        file = folder / path.strip()
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
    return folder


@pytest.fixture(name="checkout")
def _checkout(tmp_path: Path) -> Callable[[str], Path]:
    """Makes a checkout of a text, or of the layout of a name."""

    def make(layout: str) -> Path:
        named = LAYOUTS / f"{layout}.txt"
        text = layout if "=== " in layout else named.read_text(encoding="utf-8")
        folder = tmp_path / ("checkout" if "=== " in layout else layout)
        folder.mkdir()
        return unpack(text, folder)

    return make


@pytest.fixture(name="init")
def _init(checkout: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Init:
    """Runs `slipway init` on a layout, or on a folder, with all answers unless others are given."""

    def play(layout: str | Path, answers: Answers = ANSWERS, **wanted: Any) -> Initialized:
        folder = layout if isinstance(layout, Path) else checkout(layout)
        manifests = tmp_path / "products"
        manifests.mkdir(exist_ok=True)
        code = run(replace(Wanted(folder, manifests=manifests), **wanted), answers)
        return Initialized(manifests, capsys.readouterr().out, code)

    return play
