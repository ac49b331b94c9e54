"""Only this cloud's own root key belongs to the root user, and its signatures are verified like all others.

MiniStack accepts an empty access key, `test` and every 12-digit number as the root user's and does not check their
signatures. Here those keys are unknown, a request without a key is anonymous, and containers cannot use a root key: a
task, a build or a function has the credentials of its role and no others.
"""

from __future__ import annotations

import contextvars
from typing import Any

from ministack.core import iam_evaluator

from localcloud import keys, settings
from localcloud.symbols import replace_everywhere

SYMBOLS: tuple[str, ...] = (
    "ministack.core.iam_evaluator:AuthError",
    "ministack.core.iam_evaluator:CredentialResolutionError",
    "ministack.core.iam_evaluator:ResolvedCredential",
    "ministack.core.iam_evaluator:_anonymous",
    "ministack.core.iam_evaluator:_served_unsigned",
    "ministack.core.iam_evaluator:_unknown_access_key",
    "ministack.core.iam_evaluator:_validate_session_token",
    "ministack.core.iam_evaluator:check_credentials",
    "ministack.core.iam_evaluator:enforce",
    "ministack.core.iam_evaluator:find_iam_access_key_account",
    "ministack.core.iam_evaluator:is_root_access_key",
    "ministack.core.iam_evaluator:resolve_credential",
)

#: True while a request from a container is served, that is, one that came through the unix socket.
from_container: contextvars.ContextVar[bool] = contextvars.ContextVar("localcloud_from_container", default=False)

#: S3 actions that no bucket policy can make public.
_NEVER_ANONYMOUS = frozenset({"s3:ListAllMyBuckets", "s3:CreateBucket"})

#: Endpoints whose requests carry a token of their own instead of a signature.
_OWN_TOKENS = frozenset({"ecs-metadata", "imds"})


def _resolving(original: Any) -> Any:
    def resolve(access_key_id: str, account_id: str | None = None, *token: Any, **more: Any) -> Any:
        account = keys.account_of(settings.current(), access_key_id)
        if account is None:
            return original(access_key_id, account_id, *token, **more)
        if from_container.get() or account_id not in {None, account}:
            return iam_evaluator._unknown_access_key()
        if token or "session_token" in more:
            failure = iam_evaluator._validate_session_token(None, token[0] if token else more["session_token"])
            if failure is not None:
                return failure
        return iam_evaluator.ResolvedCredential(
            access_key_id=access_key_id,
            secret_access_key=keys.root(settings.current(), account).secret_access_key,
            account_id=account,
            principal_arn=f"arn:aws:iam::{account}:root",
            principal_id=account,
            principal_type="Root",
            source_access_key_id=access_key_id,
        )

    return resolve


def _finding(original: Any) -> Any:
    def find(access_key_id: str) -> Any:
        return keys.account_of(settings.current(), access_key_id) or original(access_key_id)

    return find


def _enforcing(original: Any) -> Any:
    """Serves requests without credentials where AWS does: unsigned operations, public buckets, function URLs."""

    def enforce(access_key_id: str, iam_action: str, service: str, region: str, **about: Any) -> Any:
        if access_key_id or not iam_evaluator._anonymous.get():
            return original(access_key_id, iam_action, service, region, **about)
        if iam_action in _NEVER_ANONYMOUS:
            return iam_evaluator.AuthError("AccessDenied", "Access Denied")
        # S3 and function URLs check themselves whether their owner made them public.
        public = service == "s3" or iam_action == "lambda:InvokeFunctionUrl"
        if public or iam_evaluator._served_unsigned(service, iam_action):
            return None
        return original(access_key_id, iam_action, service, region, **about)

    return enforce


def _checking(original: Any) -> Any:
    """Exempts the metadata and credentials endpoints of containers, which check a token of their own."""

    def check(access_key_id: str, service: str | None = None) -> Any:
        return None if service in _OWN_TOKENS else original(access_key_id, service)

    return check


def install() -> None:
    """Replace MiniStack's rules for the root user, in every module that imported them."""
    replace_everywhere(iam_evaluator, "is_root_access_key", lambda _original: lambda _access_key_id: False)
    replace_everywhere(iam_evaluator, "resolve_credential", _resolving)
    replace_everywhere(iam_evaluator, "find_iam_access_key_account", _finding)
    replace_everywhere(iam_evaluator, "enforce", _enforcing)
    replace_everywhere(iam_evaluator, "check_credentials", _checking)
