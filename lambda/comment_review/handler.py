"""Writes the review of an infrastructure change as a comment on its commit.

The build that makes the review has no token of GitHub, because other people's packages run in it.
"""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import dataclass
from typing import Any

from shared.github import GitHub
from shared.job import Artifact, Done, Failed, Job, answer
from shared.parameters import ParameterError, Parameters

_MINUTES = 5
_ARTIFACT, _FILE = "Review", "comment.md"
_LIMIT = 20_000_000  # bytes of the artifact; the function has 256 MiB of memory
_COMMENT = 65_536  # characters that GitHub accepts
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class Settings:
    """The parameters of the action."""

    repository: str
    secret: str
    commit: str

    @classmethod
    def from_parameters(cls, parameters: Parameters) -> Settings:
        """Reads and checks the parameters."""
        settings = cls(parameters.text("repository"), parameters.text("secret"), parameters.text("commit"))
        parameters.refuse_unknown()
        if not _COMMIT.fullmatch(settings.commit):
            raise ParameterError(f"parameter 'commit' must be a commit's full SHA, got '{settings.commit}'")
        return settings


def main(event: dict[str, Any], _context: object) -> None:
    """Writes the comment, unless the same comment is there already."""
    answer(event, comment, minutes=_MINUTES)


def comment(job: Job) -> Done:
    """Writes the comment, unless the same comment is there already; the variable `Url` is its address."""
    settings = Settings.from_parameters(job.parameters)
    text = _text(_read(job.artifact(_ARTIFACT)))
    github = GitHub(settings.repository, settings.secret)
    path = f"/commits/{settings.commit}/comments"
    same = next((found for found in github.pages(path) if str(found.get("body")).strip() == text.strip()), None)
    written = same or github.post(path, {"body": text})
    url = str(written["html_url"])
    return Done(f"the review is a comment: {url}", url, {"Url": url})


def _read(artifact: Artifact) -> bytes:
    content: bytes = artifact.client().get_object(Bucket=artifact.bucket, Key=artifact.key)["Body"].read(_LIMIT + 1)
    if len(content) > _LIMIT:
        raise Failed(f"the artifact {_ARTIFACT} has more than {_LIMIT} bytes")
    return content


def _text(packed: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            if archive.getinfo(_FILE).file_size > _LIMIT:
                raise Failed(f"{_FILE} in the artifact {_ARTIFACT} is larger than {_LIMIT} bytes")
            return archive.read(_FILE).decode("utf-8", errors="replace")[:_COMMENT]
    except (KeyError, zipfile.BadZipFile) as error:
        raise Failed(f"the artifact {_ARTIFACT} has no {_FILE}: {error}. It must be the review's") from None
