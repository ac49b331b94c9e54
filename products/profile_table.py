"""Writes the table of docs/profiles.md from products/profiles.py: `python -m products.profile_table`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from paths import ROOT
from products.profiles import PROFILES

PAGE = ROOT / "docs" / "profiles.md"
BEGIN = "<!-- profiles: written by `python -m products.profile_table`, do not edit below -->"
END = "<!-- end of profiles -->"


def table() -> str:
    """Returns what each profile sets, as a Markdown table."""
    columns = {name: dict(_flat(settings)) for name, settings in PROFILES.items()}
    keys = dict.fromkeys(key for column in columns.values() for key in column)
    rows = [[f"`{key}`", *(_shown(column.get(key)) for column in columns.values())] for key in keys]
    heads = ["key", *(f"`{name}`" for name in PROFILES)]
    return "\n".join("| " + " | ".join(row) + " |" for row in (heads, ["---"] * len(heads), *rows))


def page(current: str) -> str:
    """Returns the page with its table renewed."""
    head, _, rest = current.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n\n{table()}\n\n{END}{tail}"


def main() -> None:
    """Renew docs/profiles.md."""
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


def _flat(settings: dict[str, Any], place: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in settings.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{place}{key}.")
        else:
            yield f"{place}{key}", value


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


if __name__ == "__main__":
    main()
