"""Our own handlers, deployed to a cloud of tests as they are."""

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
    """What CDK packs of a handler, and files beside it."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path in sorted(each for folder in (name, "shared") for each in (ROOT / "lambda" / folder).glob("*.py")):
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
    """A function that may do these actions; `entry` is its own main unless one of `files` stands before it."""
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
