"""Deploys Slipway's own handlers, unchanged, to a local cloud for tests."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

from localcloud.testing.plain import Plain, unique
from paths import ROOT

_TRUST = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}


def packed(name: str, files: Mapping[str, str] | None = None) -> bytes:
    """Returns the asset that the CDK builds for a handler, with additional files."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path in sorted(path for folder in (name, "shared") for path in (ROOT / "lambda" / folder).glob("*.py")):
            archive.writestr(str(path.relative_to(ROOT / "lambda")), path.read_text(encoding="utf-8"))
        for path_name, text in (files or {}).items():
            archive.writestr(path_name, text)
    return content.getvalue()


def deploy_handler(
    plain: Plain,
    name: str,
    settings: Mapping[str, Any],
    *actions: str,
    entry: str = "",
    files: Mapping[str, str] | None = None,
) -> str:
    """Deploys a function that may do these actions, and returns its name. By default `entry` is the handler's main."""
    made = unique(name.replace("_", "-"))
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    plain.client("lambda").create_function(
        FunctionName=made,
        Runtime="python3.13",
        Role=plain.role(unique("handler"), statement, trust=_TRUST),
        Handler=entry or f"{name}.handler.main",
        Timeout=60,
        Code={"ZipFile": packed(name, files)},
        Environment={"Variables": {"SETTINGS": json.dumps(dict(settings))}},
    )
    return made
