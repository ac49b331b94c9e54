"""Makes CloudFront ask for pages again, and waits until it does.

Hashed assets need none: only the pages that name them. The caller reference is the job's key, so a request whose
answer was lost makes no second invalidation, while a retried stage does make a new one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from shared.aws import Place, code
from shared.job import Done, Failed, Job, Wait, answer
from shared.parameters import ParameterError, Parameters

_MINUTES = 15
_DEFAULT = ("/index.html",)


@dataclass(frozen=True)
class Settings:
    """What the action is told."""

    distribution: str
    paths: tuple[str, ...]
    warn: bool
    """Whether an invalidation that does not end in time is a warning; by default it fails the action."""
    place: Place

    @classmethod
    def of(cls, parameters: Parameters) -> Settings:
        """Read and check the parameters once."""
        place, stack = Place.of(parameters), parameters.maybe("stack")
        late = parameters.text("when_late", "fail")
        if late not in ("fail", "warn"):
            raise ParameterError(f"parameter 'when_late' must be fail or warn, got {late!r}")
        paths = parameters.texts("paths") or _DEFAULT
        wrong = [path for path in paths if not path.startswith("/")]
        if wrong:
            raise ParameterError(f"parameter 'paths' must hold paths that begin with '/', got {wrong[0]!r}")
        distribution = parameters.maybe("distribution")
        parameters.done()
        if distribution is None:
            if stack is None:
                raise ParameterError("parameter 'distribution' is missing, or 'stack' with an output DistributionId")
            distribution = place.outputs(stack).get("DistributionId")
            if distribution is None:
                raise ParameterError(f"stack {stack} has no output DistributionId")
        return cls(distribution, paths, late == "warn", place)


def main(event: dict[str, Any], _context: object) -> None:
    """Ask for the invalidation, or look whether it is through."""
    answer(event, invalidate, minutes=_MINUTES)


def invalidate(job: Job) -> Done | Wait:
    """The next step."""
    settings = Settings.of(job.parameters)
    outcome = _step(job, settings)
    if isinstance(outcome, Wait) and job.overdue and settings.warn:
        return Done(f"warning: {outcome.summary} after {job.minutes:g} minutes; visitors may see old pages a while")
    return outcome


def _step(job: Job, settings: Settings) -> Done | Wait:
    cloudfront = settings.place.client("cloudfront")
    if "invalidation" not in job.state:
        try:
            made = cloudfront.create_invalidation(
                DistributionId=settings.distribution,
                InvalidationBatch={
                    "Paths": {"Quantity": len(settings.paths), "Items": list(settings.paths)},
                    "CallerReference": job.key,
                },
            )["Invalidation"]
        except ClientError as error:
            if code(error) == "TooManyInvalidationsInProgress":
                return Wait(f"{settings.distribution} has too many invalidations in progress")
            if code(error) == "InvalidationBatchAlreadyExists":
                raise Failed(f"other paths were invalidated under this job's reference: {error}") from error
            raise
        job.state["invalidation"] = made["Id"]
    name = str(job.state["invalidation"])
    found = cloudfront.get_invalidation(DistributionId=settings.distribution, Id=name)["Invalidation"]
    if found["Status"] == "Completed":
        return Done(f"{settings.distribution} forgot {', '.join(settings.paths)}", name)
    return Wait(f"invalidation {name} is {found['Status']}", name)
