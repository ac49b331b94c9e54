"""`make docs`: renews docs/architecture.md and docs/diagrams."""

from __future__ import annotations

from products import load
from products.loader import FOLDER
from slipway_cli.review.diagrams.page import DOCS, files
from slipway_cli.review.synth import assembly


def main() -> None:
    """Write what is drawn, remove what is not any more."""
    shipped = [load(path.stem) for path in sorted(FOLDER.glob("*.yaml"))]
    wanted = files(
        {it.name: (it.description or it.name, assembly(it, it.environments, tooling=True)) for it in shipped}
    )
    (DOCS / "diagrams").mkdir(exist_ok=True)
    for gone in set((DOCS / "diagrams").glob("*.svg")) - set(wanted):
        gone.unlink()
    for path, text in wanted.items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
