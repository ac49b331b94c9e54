"""AWS clients for handlers: bounded retries, an optional role in another account, and a classification of errors."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionError, HTTPClientError  # noqa: A004 - botocore's name for it

from shared.parameters import Parameters

# Three attempts of at most 20 seconds each: one request takes a minute at most, and a function has three.
_CONFIG = Config(connect_timeout=5, read_timeout=15, retries={"mode": "standard", "total_max_attempts": 3})
_ONCE = _CONFIG.merge(Config(retries={"mode": "standard", "total_max_attempts": 1}))
_SERVER_ERROR = 500
_TOO_MANY = 429
_THROTTLES = frozenset(
    {
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "NotAuthorized"})


# At DEBUG, botocore logs requests and responses, and some of them contain secrets.
logging.getLogger("botocore").setLevel(logging.INFO)


class Unanswered(Exception):  # noqa: N818 - an event, not a mistake: the same call may succeed a minute later
    """A server other than AWS did not answer, or asked to be called later."""


@dataclass(frozen=True)
class Place:
    """The region and the role in which a handler calls AWS; None is the function's own."""

    region: str | None
    role: str | None

    @classmethod
    def from_parameters(cls, parameters: Parameters) -> Place:
        """Returns the place that the optional parameters `region` and `role` name."""
        return cls(parameters.optional_text("region"), parameters.optional_text("role"))

    def client(self, service: str, *, retries: bool = True) -> Any:
        """Returns a boto3 client of a service for this region and role; it makes three attempts, or one."""
        config = _CONFIG if retries else _ONCE
        if self.role is None:
            return boto3.client(service, region_name=self.region, config=config)
        credentials = HERE.client("sts").assume_role(RoleArn=self.role, RoleSessionName="slipway")["Credentials"]
        return boto3.client(
            service,
            region_name=self.region,
            config=config,
            aws_access_key_id=credentials["AccessKeyId"],
            aws_secret_access_key=credentials["SecretAccessKey"],
            aws_session_token=credentials["SessionToken"],
        )

    def outputs(self, stack: str) -> dict[str, str]:
        """Returns the outputs of a deployed stack."""
        found = self.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
        return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}


HERE = Place(None, None)


def with_keys(service: str, keys: Mapping[str, str]) -> Any:
    """Returns a boto3 client with the credentials that a job's event carries."""
    return boto3.client(
        service,
        config=_CONFIG,
        aws_access_key_id=keys["accessKeyId"],
        aws_secret_access_key=keys["secretAccessKey"],
        aws_session_token=keys["sessionToken"],
    )


def code(error: Exception) -> str:
    """Returns AWS's error code, or an empty string if the error is not AWS's."""
    return str(error.response["Error"].get("Code", "")) if isinstance(error, ClientError) else ""


def transient(error: Exception) -> bool:
    """True if the same call may succeed a minute later."""
    if isinstance(error, ClientError):
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        return code(error) in _THROTTLES or status >= _SERVER_ERROR or status == _TOO_MANY
    return isinstance(error, (HTTPClientError, ConnectionError, Unanswered))


def denied(error: Exception) -> bool:
    """True if the error is a permission denial."""
    return code(error) in _DENIED
