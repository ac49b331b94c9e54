"""Puts a release onto hosts. It only reads its parameters yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shared.aws import Place
from shared.job import Done, Failed, Job, Wait, answer
from shared.parameters import Parameters, digest

_MINUTES = 60


@dataclass(frozen=True)
class Settings:
    """The parameters of the action."""

    step: str
    version: str
    commit: str
    images: dict[str, str]
    """By digest, by the image's name."""
    bundle: str
    stack: str
    """The Hosts stack, whose outputs are the bucket and the target group."""
    edge: str | None
    """The Edge stack, whose output is the URL; None if nobody asks for it."""
    path: str | None
    document: str
    tags: dict[str, str]
    expected: int
    log_group: str
    protection: dict[str, str]
    place: Place

    @classmethod
    def from_parameters(cls, parameters: Parameters) -> Settings:
        """Reads and checks the parameters."""
        images = parameters.table("images")
        for uri in images.values():
            digest(uri)
        settings = cls(
            parameters.text("step"),
            parameters.text("version"),
            parameters.text("commit"),
            images,
            parameters.text("bundle"),
            parameters.text("stack"),
            parameters.optional_text("edge"),
            parameters.optional_text("path"),
            parameters.text("document"),
            parameters.table("tags"),
            int(parameters.number("expected", 1, minimum=1, maximum=20)),
            parameters.text("log_group"),
            parameters.table("protection"),
            Place.from_parameters(parameters),
        )
        parameters.refuse_unknown()
        return settings


def main(event: dict[str, Any], _context: object) -> None:
    """Answers the job."""
    answer(event, deploy, minutes=_MINUTES)


def deploy(job: Job) -> Done | Wait:
    """Raises Failed: this version releases to no host."""
    settings = Settings.from_parameters(job.parameters)
    raise Failed(f"this version cannot do the step {settings.step} on hosts")
