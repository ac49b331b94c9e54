"""A release by hand builds the frontend with the package manager that the checkout has."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from products import load
from products.frontend import Frontend
from slipway_cli.release.flow import Build


@pytest.mark.parametrize(
    ("lock", "calls"),
    [
        ("package-lock.json", ["npm ci", "npm run build"]),
        ("pnpm-lock.yaml", ["pnpm install --frozen-lockfile", "pnpm run build"]),
        ("bun.lock", ["bun install --frozen-lockfile", "bun run build"]),
    ],
)
def test_the_lock_file_names_the_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lock: str, calls: list[str]
) -> None:
    source, programs = tmp_path / "source", tmp_path / "bin"
    (source / "web").mkdir(parents=True)
    (source / "web" / "package.json").write_text(json.dumps({"name": "web"}))
    (source / "web" / lock).write_text("{}")
    programs.mkdir()
    for name in ("npm", "pnpm", "bun"):
        (programs / name).write_text(f'#!/bin/sh\necho {name} "$@" in "$PWD" >>{tmp_path}/calls\n')
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    product = load("allthrive").model_copy(update={"frontend": Frontend(directory="web")})
    (site,) = Build(product, source, "1", "x").sites(lambda _: None)
    assert site.folder == source / "web" / "dist"
    assert (tmp_path / "calls").read_text().splitlines() == [f"{call} in {source / 'web'}" for call in calls]
