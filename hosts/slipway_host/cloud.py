"""AWS as a host sees it, through the AWS CLI and the role of the instance."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from slipway_host.output import Failed
from slipway_host.programs import Programs

_SECONDS = 120  # for one call, with its retries
# By default the AWS CLI asks once for the role's credentials, and waits a second.
_PATIENCE = {
    "AWS_MAX_ATTEMPTS": "5",
    "AWS_RETRY_MODE": "standard",
    "AWS_METADATA_SERVICE_TIMEOUT": "10",
    "AWS_METADATA_SERVICE_NUM_ATTEMPTS": "10",
}
_MISSING = re.compile(r"\((NoSuchKey|404)\)")


class Cloud:
    """The services that a release needs."""

    def __init__(self, programs: Programs, region: str, bucket: str) -> None:
        self._programs, self._region, self._bucket = programs, region, bucket
        own = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
        self._environment = {**own, **_PATIENCE, "AWS_PAGER": ""}

    def parameter(self, name: str) -> str:
        """Returns the value of a parameter in Parameter Store."""
        return str(self._ask("ssm", "get-parameter", "--name", name)["Parameter"]["Value"])

    def secret(self, arn: str) -> str:
        """Returns the value of a secret."""
        found = self._ask("secretsmanager", "get-secret-value", "--secret-id", arn)
        if not isinstance(found.get("SecretString"), str):
            raise Failed(f"the secret {arn} has no text: put a value into it")
        return str(found["SecretString"])

    def registry_password(self) -> str:
        """Returns a password for the registry, which is valid for twelve hours."""
        return self._call("ecr", "get-login-password", "--output", "text").strip()

    def fetch(self, key: str, target: Path) -> bool:
        """Writes an object of the bucket of releases to a file; returns False if there is no such object."""
        words = ("s3api", "get-object", "--bucket", self._bucket, "--key", key, str(target))
        done = self._programs.run(self._words(*words), timeout=_SECONDS, environment=self._environment)
        if done.code and not _MISSING.search(done.out):
            raise Failed(f"s3://{self._bucket}/{key} cannot be read: {done.tail(3)}")
        return not done.code

    def _ask(self, *words: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._call(*words, "--output", "json"))
        return found

    def _call(self, *words: str) -> str:
        done = self._programs.run(self._words(*words), timeout=_SECONDS, environment=self._environment, apart=True)
        if done.code:
            cause = done.lines[len(done.out) :].strip() or f"exit code {done.code}"
            raise Failed(f"'aws {' '.join(words[:4])}' failed: {cause}")
        return done.out

    def _words(self, *words: str) -> list[str]:
        return ["aws", "--region", self._region, *words]
