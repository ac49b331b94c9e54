"""`make docs`: renews docs/architecture.md and docs/diagrams."""

from __future__ import annotations

from products import load, product_names
from slipway_cli.review.diagrams.page import DOCS, files
from slipway_cli.review.synth import assembly


def main() -> None:
    """Writes the diagrams and their page, and removes diagrams of products that are gone."""
    products = [load(name) for name in product_names()]
    wanted = files(
        {
            product.name: (product.description or product.name, assembly(product, product.environments, tooling=True))
            for product in products
        }
    )
    (DOCS / "diagrams").mkdir(exist_ok=True)
    for gone in set((DOCS / "diagrams").glob("*.svg")) - set(wanted):
        gone.unlink()
    for path, text in wanted.items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
