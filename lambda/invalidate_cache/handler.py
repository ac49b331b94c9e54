"""Makes CloudFront ask for pages again, and waits until it does.

Hashed assets need none: only the pages that name them. The caller reference is the job's key, so a request whose
answer was lost makes no second invalidation, while a retried stage does make a new one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from shared.aws import Place, code
from shared.job import Done, Job, Wait, answer
from shared.parameters import ParameterError, Parameters

_MINUTES = 15
_PATHS = ("/index.html",)


@dataclass(frozen=True)
class Settings:
    """What the action is told."""

    stack: str
    """The Edge stack: its output DistributionId names the distribution."""
    place: Place

    @classmethod
    def of(cls, parameters: Parameters) -> Settings:
        """Read and check the parameters once."""
        settings = cls(parameters.text("stack"), Place.of(parameters))
        parameters.done()
        return settings

    def distribution(self) -> str:
        """The id of the distribution."""
        found = self.place.outputs(self.stack).get("DistributionId")
        if found is None:
            raise ParameterError(f"stack {self.stack} has no output DistributionId")
        return found


def main(event: dict[str, Any], _context: object) -> None:
    """Ask for the invalidation, or look whether it is through."""
    answer(event, invalidate, minutes=_MINUTES)


def invalidate(job: Job) -> Done | Wait:
    """The next step."""
    settings = Settings.of(job.parameters)
    cloudfront, distribution = settings.place.client("cloudfront"), settings.distribution()
    if "invalidation" not in job.state:
        try:
            made = cloudfront.create_invalidation(
                DistributionId=distribution,
                InvalidationBatch={
                    "Paths": {"Quantity": len(_PATHS), "Items": list(_PATHS)},
                    "CallerReference": job.key,
                },
            )["Invalidation"]
        except ClientError as error:
            if code(error) == "TooManyInvalidationsInProgress":
                return Wait(f"{distribution} has too many invalidations in progress")
            raise
        job.state["invalidation"] = made["Id"]
    name = str(job.state["invalidation"])
    found = cloudfront.get_invalidation(DistributionId=distribution, Id=name)["Invalidation"]
    if found["Status"] == "Completed":
        return Done(f"{distribution} forgot {', '.join(_PATHS)}", name)
    return Wait(f"invalidation {name} is {found['Status']}", name)
