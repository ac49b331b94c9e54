"""Validates requests against botocore's model of CodePipeline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localcloud import validation
from localcloud.codepipeline.errors import ServiceError


def model() -> Any:
    """Returns botocore's model of CodePipeline."""
    return validation.model("codepipeline")


def check(operation: str, request: Mapping[str, Any]) -> None:
    """Validates a request.

    Raises:
        ServiceError: with all violations of the model, if there are any.
    """
    message = validation.violation("codepipeline", operation, request)
    if message:
        raise ServiceError("ValidationException", message)
