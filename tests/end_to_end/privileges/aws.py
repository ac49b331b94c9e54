"""The `aws` of a build that runs on this machine, for key value stores of CloudFront; the installed one does the rest.

Version 1 of the AWS CLI cannot sign such requests without awscrt, which .venv has. Both versions put the account before
the endpoint's name, and nobody knows such a name of this machine.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import Any

import boto3
from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import ClientError

SERVICE = "cloudfront-keyvaluestore"
_REFUSED = 254  # as the AWS CLI exits


def install(folder: Path) -> str:
    """Writes `aws` into a folder; returns a PATH on which it is first."""
    real = shutil.which("aws")
    assert real, "no aws on the PATH: install the AWS CLI"
    folder.mkdir(exist_ok=True)
    ours = f"exec {shlex.quote(sys.executable)} {shlex.quote(__file__)}"
    script = f'#!/bin/sh\n[ "$1" = {SERVICE} ] && {ours} "$@"\nexec {shlex.quote(real)} "$@"\n'
    (folder / "aws").write_text(script, encoding="utf-8")
    (folder / "aws").chmod(0o700)
    return f"{folder}:{os.environ['PATH']}"


def _options(words: list[str]) -> dict[str, str]:
    return dict(zip(words[::2], words[1::2], strict=True))


def _without_account(request: AWSPreparedRequest, **_: object) -> None:
    scheme, _separator, rest = request.url.partition("://")
    request.url = f"{scheme}://{rest.partition('.')[2]}"


def _answer(operation: str, options: dict[str, str]) -> dict[str, Any]:
    client: Any = boto3.Session(profile_name=options.get("--profile")).client(SERVICE)
    client.meta.events.register("before-send.*", _without_account)
    if operation == "list-keys":
        pages = client.get_paginator("list_keys").paginate(KvsARN=options["--kvs-arn"])
        return {"Items": [item for page in pages for item in page.get("Items", [])]}
    if operation == "describe-key-value-store":
        return {"ETag": client.describe_key_value_store(KvsARN=options["--kvs-arn"])["ETag"]}
    return {"ETag": client.update_keys(**json.loads(options["--cli-input-json"]))["ETag"]}


if __name__ == "__main__":
    try:
        sys.stdout.write(json.dumps(_answer(sys.argv[2], _options(sys.argv[3:]))))
    except ClientError as error:
        sys.stderr.write(f"\n{error}\n")
        sys.exit(_REFUSED)
