"""AWS as handlers see it: bounded waits, a role to act in where one is given, faults told apart."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionError, HTTPClientError  # noqa: A004 - botocore's name for it

from shared.parameters import Parameters

# Three attempts of at most 20 seconds: one call never costs more than the minute a function has.
_CONFIG = Config(connect_timeout=5, read_timeout=15, retries={"mode": "standard", "total_max_attempts": 3})
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


# At DEBUG botocore logs what it sends and receives: secrets among it.
logging.getLogger("botocore").setLevel(logging.INFO)


class Unanswered(Exception):  # noqa: N818 - an event, not a mistake: the same call may succeed a minute later
    """Somebody other than AWS did not answer, or asked for patience."""


@dataclass(frozen=True)
class Place:
    """Where a handler acts: a region, and in another account the role it takes on."""

    region: str | None
    role: str | None

    @classmethod
    def of(cls, parameters: Parameters) -> Place:
        """By the parameters `region` and `role`, both optional."""
        return cls(parameters.maybe("region"), parameters.maybe("role"))

    def client(self, service: str) -> Any:
        """A client of a service, there."""
        if self.role is None:
            return boto3.client(service, region_name=self.region, config=_CONFIG)
        taken = HERE.client("sts").assume_role(RoleArn=self.role, RoleSessionName="slipway")["Credentials"]
        return boto3.client(
            service,
            region_name=self.region,
            config=_CONFIG,
            aws_access_key_id=taken["AccessKeyId"],
            aws_secret_access_key=taken["SecretAccessKey"],
            aws_session_token=taken["SessionToken"],
        )

    def outputs(self, stack: str) -> dict[str, str]:
        """The outputs of a deployed stack."""
        found = self.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
        return {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])}


HERE = Place(None, None)


def code(error: Exception) -> str:
    """AWS's name of an error; empty for what is not AWS's."""
    return str(error.response["Error"].get("Code", "")) if isinstance(error, ClientError) else ""


def transient(error: Exception) -> bool:
    """Whether the same call may succeed a minute later."""
    if isinstance(error, ClientError):
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        return code(error) in _THROTTLES or status >= _SERVER_ERROR or status == _TOO_MANY
    return isinstance(error, (HTTPClientError, ConnectionError, Unanswered))


def denied(error: Exception) -> bool:
    """Whether a right is missing."""
    return code(error) in _DENIED
