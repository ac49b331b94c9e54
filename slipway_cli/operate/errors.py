"""Errors of commands that use AWS: what happened, why, and what to type next."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from botocore import exceptions
from botocore.exceptions import BotoCoreError, ClientError

from products import Product
from slipway_cli.errors import CommandError
from slipway_cli.texts import plain
from slipway_cli.typed import command

_LOG_IN = "aws sso login (or set AWS_PROFILE), then aws sts get-caller-identity"
_HERE = {"localhost", "127.0.0.1"}
_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}
_UNKNOWN_KEYS = {
    "AuthFailure",
    "IncompleteSignature",
    "IncompleteSignatureException",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
DENIED = {"AccessDenied", "AccessDeniedException", "AuthorizationError", "NotAuthorized", "UnauthorizedOperation"}
"""The error codes for a missing permission."""
_THROTTLED = {
    "RequestLimitExceeded",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
}
_NO_KEYS = (exceptions.NoCredentialsError, exceptions.PartialCredentialsError, exceptions.CredentialRetrievalError)
_STALE = (
    exceptions.LoginError,
    exceptions.SSOError,
    exceptions.TokenRetrievalError,
    exceptions.UnauthorizedSSOTokenError,
)
_UNREACHED = (exceptions.ConnectionError, exceptions.HTTPClientError)


class OperateError(CommandError):
    """A command failed; `str()` says what happened and why, `then` is what to type next."""


def code(error: BaseException) -> str:
    """Returns the error code of AWS; empty for other errors."""
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, ClientError) else ""


def message_of(error: BaseException) -> str:
    """Returns the error message of AWS, on one line."""
    return plain(error.response.get("Error", {}).get("Message", error) if isinstance(error, ClientError) else error)


def passing(error: BaseException) -> bool:
    """True if the same request may succeed in a minute."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return code(error) in _THROTTLED or status >= 500  # noqa: PLR2004 - AWS's own fault
    return isinstance(error, _UNREACHED)


def unusable(error: BaseException) -> bool:
    """True if AWS cannot be used: it rejects the credentials, or does not answer."""
    if isinstance(error, ClientError):
        return code(error) in _EXPIRED | _UNKNOWN_KEYS
    return isinstance(error, BotoCoreError)


def explained(error: ClientError | BotoCoreError, product: Product | None = None) -> OperateError:
    """Returns an error of AWS or of the connection to it with its next step."""
    if isinstance(error, ClientError):
        return _answered(error, product)
    if isinstance(error, _NO_KEYS):
        return OperateError(f"there are no AWS credentials to use: {plain(error)}", _LOG_IN)
    if isinstance(error, exceptions.ProfileNotFound):
        return OperateError(f"AWS_PROFILE names no profile: {plain(error)}", "aws configure list-profiles")
    if isinstance(error, _STALE):
        return OperateError(f"the AWS session has ended: {plain(error)}", _LOG_IN)
    if isinstance(error, _UNREACHED):
        return OperateError(
            f"AWS does not answer: {plain(error)}. Check the network, the proxy, and AWS_ENDPOINT_URL",
            f"{command('status')} in a minute: a change may have been made without an answer",
        )
    return OperateError(f"the AWS SDK cannot do this: {plain(error)}", "aws sts get-caller-identity")


def _answered(error: ClientError, product: Product | None) -> OperateError:
    message, status = message_of(error), command("status")
    known: dict[str, tuple[str, str]] = {
        **dict.fromkeys(_EXPIRED, ("the AWS session has ended", _LOG_IN)),
        **dict.fromkeys(_UNKNOWN_KEYS, ("AWS does not accept these credentials", _LOG_IN)),
        **dict.fromkeys(
            DENIED,
            (
                f"these credentials lack the permission {_right(error, product)}",
                "aws sts get-caller-identity, to see who you are",
            ),
        ),
        **dict.fromkeys(_THROTTLED, ("AWS throttles the requests", f"{status} in a minute")),
        "PipelineNotFoundException": _no_pipeline(product),
        "ConcurrentPipelineExecutionsLimitExceededException": ("too many runs at once", status),
        "ConflictException": ("CodePipeline is busy with this pipeline", f"{status} in a minute"),
    }
    other = (f"AWS refused {error.operation_name} with {code(error) or 'no code'}", status)
    what, then = known.get(code(error), other)
    return OperateError(f"{what}: {message}", then)


def _right(error: ClientError, product: Product | None) -> str:
    if product is None:
        return f"for {error.operation_name}"
    tooling = product.tooling
    arn = f"arn:aws:codepipeline:{tooling.region}:{tooling.account}:{product.name}-*"
    return f"codepipeline:{error.operation_name} on {arn}"


def _no_pipeline(product: Product | None) -> tuple[str, str]:
    if product is None:
        return "there is no such pipeline", command("status")
    tooling = product.tooling
    if urlsplit(os.environ.get("AWS_ENDPOINT_URL", "")).hostname in _HERE:
        return "there is no such pipeline on this local cloud", command("demo", product.name)
    return (
        f"there is no such pipeline; the manifest says account {tooling.account}, region {tooling.region}",
        f"aws sts get-caller-identity; if it is not deployed: npx cdk deploy 'tooling/*' -c product={product.name}",
    )
