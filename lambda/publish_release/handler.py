"""Publishes a release on GitHub: tags the released commit, and lists what was merged since the previous release."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from shared.github import GitHub, Refused
from shared.job import Done, Failed, Job, answer
from shared.parameters import Parameters, digest

_MINUTES = 15


@dataclass(frozen=True)
class Settings:
    """The parameters of the action."""

    repository: str
    secret: str
    tag: str
    commit: str
    images: tuple[str, ...]

    @classmethod
    def from_parameters(cls, parameters: Parameters) -> Settings:
        """Reads and checks the parameters."""
        settings = cls(
            parameters.text("repository"),
            parameters.text("secret"),
            parameters.text("tag"),
            parameters.text("commit"),
            parameters.texts("images"),
        )
        for image in settings.images:
            digest(image)
        parameters.refuse_unknown()
        return settings


def main(event: dict[str, Any], _context: object) -> None:
    """Publishes the release, unless it is already published."""
    answer(event, publish, minutes=_MINUTES)


def publish(job: Job) -> Done:
    """Publishes the release, unless it is already published; fails if its tag is on another commit."""
    settings = Settings.from_parameters(job.parameters)
    github = GitHub(settings.repository, settings.secret)
    _refuse_other_commit(github, settings)
    release = github.get(f"/releases/tags/{settings.tag}")
    if release is None:
        release = _created(github, settings)
        _refuse_other_commit(github, settings)
    return Done(f"{settings.tag} is published: {release['html_url']}", release["html_url"])


def _created(github: GitHub, settings: Settings) -> dict[str, Any]:
    body = "\n".join(f"- `{image}`" for image in settings.images)
    try:
        created: dict[str, Any] = github.post(
            "/releases",
            {
                "tag_name": settings.tag,
                "target_commitish": settings.commit,
                "name": settings.tag,
                "body": f"Images:\n{body}" if body else "",
                "generate_release_notes": True,
            },
        )
    except Refused as refused:
        # A duplicate, or a request whose response was lost, has published it.
        found = github.get(f"/releases/tags/{settings.tag}")
        if refused.status != HTTPStatus.UNPROCESSABLE_ENTITY or found is None:
            raise
        created = found
    return created


def _refuse_other_commit(github: GitHub, settings: Settings) -> None:
    found = github.commit_of(settings.tag)
    if found not in (None, settings.commit):
        raise Failed(
            f"tag {settings.tag} is on commit {found}, not {settings.commit}: a release's tag never moves; "
            "raise the version"
        )
