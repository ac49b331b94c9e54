"""Invalidates the cached pages in CloudFront and waits until the invalidation is completed.

Only pages need it, and assets that changed under the same name. The caller reference is the job's key, so a request
whose response was lost makes no second invalidation, while a retried stage does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from shared.aws import Place, code
from shared.job import Done, Job, Wait, answer
from shared.parameters import ParameterError, Parameters

_MINUTES = 15
_PATHS = "/index.html"


@dataclass(frozen=True)
class Settings:
    """The parameters of the action."""

    stack: str
    """The Edge stack, whose output DistributionId names the distribution."""
    paths: tuple[str, ...]
    """URL paths, encoded as CloudFront requires (builds/site_files.py)."""
    place: Place

    @classmethod
    def from_parameters(cls, parameters: Parameters) -> Settings:
        """Reads and checks the parameters."""
        settings = cls(
            parameters.text("stack"),
            tuple((parameters.optional_text("paths") or _PATHS).split()),
            Place.from_parameters(parameters),
        )
        parameters.refuse_unknown()
        return settings

    def distribution(self) -> str:
        """Returns the id of the distribution."""
        found = self.place.outputs(self.stack).get("DistributionId")
        if found is None:
            raise ParameterError(f"stack {self.stack} has no output DistributionId")
        return found


def main(event: dict[str, Any], _context: object) -> None:
    """Creates the invalidation, or checks whether it is completed."""
    answer(event, invalidate, minutes=_MINUTES)


def invalidate(job: Job) -> Done | Wait:
    """Does the next step of the job."""
    settings = Settings.from_parameters(job.parameters)
    cloudfront, distribution = settings.place.client("cloudfront"), settings.distribution()
    if "invalidation" not in job.state:
        try:
            created = cloudfront.create_invalidation(
                DistributionId=distribution,
                InvalidationBatch={
                    "Paths": {"Quantity": len(settings.paths), "Items": list(settings.paths)},
                    "CallerReference": job.key,
                },
            )["Invalidation"]
        except ClientError as error:
            if code(error) == "TooManyInvalidationsInProgress":
                return Wait(f"{distribution} has too many invalidations in progress")
            raise
        job.state["invalidation"] = created["Id"]
    invalidation = str(job.state["invalidation"])
    found = cloudfront.get_invalidation(DistributionId=distribution, Id=invalidation)["Invalidation"]
    if found["Status"] == "Completed":
        return Done(f"{', '.join(settings.paths)} is invalidated in {distribution}", invalidation)
    return Wait(f"invalidation {invalidation} is {found['Status']}", invalidation)
