"""The role of an action: the pipeline's role, which must trust CodePipeline, or one that this role assumes."""

from __future__ import annotations

import json
import secrets
import time
from typing import Any

from botocore.exceptions import ClientError
from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import iam, sts

from localcloud import clients
from localcloud.codepipeline.errors import ActionError, denied, from_client_error

SYMBOLS = (
    "ministack.core.iam_evaluator:EvalContext",
    "ministack.core.iam_evaluator:_service_principal_matches",
    "ministack.core.iam_evaluator:enforce",
    "ministack.core.iam_evaluator:evaluate_trust_policy",
    "ministack.services.iam:_roles",
    "ministack.services.sts:register_session",
)

PRINCIPAL = "codepipeline.amazonaws.com"
SECONDS = 3600
_SESSION_NAME = 64
_RENEWED_BEFORE = 600  # seconds before its end, from which on a session is renewed

Credentials = dict[str, str]


def trusts(document: Any, role_arn: str, source_arn: str) -> bool:
    """True if a trust policy allows CodePipeline to assume the role for that pipeline."""
    parsed = json.loads(document) if isinstance(document, str) else document
    statements = parsed.get("Statement", [])
    relevant = [
        {**statement, "Principal": "*"}
        for statement in (statements if isinstance(statements, list) else [statements])
        if iam_evaluator._service_principal_matches(statement.get("Principal"), PRINCIPAL)
    ]
    account = role_arn.split(":")[4]
    context = iam_evaluator.EvalContext(
        principal_arn=PRINCIPAL,
        principal_type="Service",
        principal_account=account,
        action="sts:AssumeRole",
        resource_arn=role_arn,
        region=get_region(),
        service_context={"aws:sourceaccount": get_account_id(), "aws:sourcearn": source_arn},
    )
    return bool(iam_evaluator.evaluate_trust_policy({"Statement": relevant}, PRINCIPAL, context))


def service_session(role_arn: str, session_name: str, source_arn: str, policy: str = "") -> Credentials:
    """Starts a session of a role for CodePipeline itself.

    CodePipeline has no access key with which it could call AssumeRole. Its trust is checked as AssumeRole does.

    Raises:
        ActionError: if the role does not exist or does not trust CodePipeline.
    """
    account, name = role_arn.split(":")[4], role_arn.rsplit("/", 1)[-1]
    role = iam._roles.get_scoped(account, None, name)
    if role is None or not trusts(role.get("AssumeRolePolicyDocument", "{}"), role_arn, source_arn):
        message = f"CodePipeline may not assume the role {role_arn}: it must exist and trust {PRINCIPAL}"
        raise ActionError(message, "PermissionError")
    key, secret, token = "ASIA" + secrets.token_hex(8).upper(), secrets.token_hex(20), secrets.token_hex(64)
    session = {
        "Arn": f"arn:aws:sts::{account}:assumed-role/{name}/{session_name}",
        "UserId": f"{role.get('RoleId', name)}:{session_name}",
        "SecretAccessKey": secret,
        "SessionToken": token,
        "AccountId": account,
        "PrincipalType": "AssumedRole",
        "Expiration": time.time() + SECONDS,
        "SessionPolicies": {"Policy": policy, "PolicyArns": []} if policy else None,
    }
    sts.register_session(key, session)
    return {"AccessKeyId": key, "SecretAccessKey": secret, "SessionToken": token}


def client(service: str, credentials: Credentials, region: str) -> Any:
    """Returns a client of the local cloud with these credentials."""
    return clients.client(service, credentials, region, retries={"max_attempts": 2}, read_timeout=300)


class Identity:
    """The role of an action or a rule."""

    def __init__(self, pipeline_role: str, action_role: str, pipeline_arn: str) -> None:
        self.role = action_role or pipeline_role
        self._pipeline_role = pipeline_role
        self._source = pipeline_arn
        self._credentials: Credentials = {}
        self._until = 0.0
        self._clients: dict[tuple[str, str], Any] = {}

    def client(self, service: str, region: str = "") -> Any:
        """Returns a client that acts as the role. The session is renewed before it ends."""
        if time.time() > self._until - _RENEWED_BEFORE:
            self._credentials, self._until = self.credentials(), time.time() + SECONDS
            self._clients.clear()
        key = (service, region or get_region())
        if key not in self._clients:
            self._clients[key] = client(service, self._credentials, key[1])
        return self._clients[key]

    def credentials(self, policy: str = "") -> Credentials:
        """Returns credentials of a new session of the role, restricted to `policy` if it is given."""
        name = f"codepipeline.{self._source.rsplit(':', 1)[-1]}"[
            :_SESSION_NAME
        ]  # CodeBuild derives the initiator of a build from it
        if self.role == self._pipeline_role:
            return service_session(self.role, name, self._source, policy)
        own = client("sts", service_session(self._pipeline_role, name, self._source), get_region())
        extra = {"Policy": policy} if policy else {}
        try:
            made = own.assume_role(RoleArn=self.role, RoleSessionName=name, **extra)["Credentials"]
        except ClientError as error:
            if error.response["Error"]["Code"] not in {"AccessDenied", "AccessDeniedException"}:
                raise from_client_error(error, self._pipeline_role) from error
            raise self._assume_role_denied() from error
        return {name: str(made[name]) for name in ("AccessKeyId", "SecretAccessKey", "SessionToken")}

    def _assume_role_denied(self) -> ActionError:
        denial = denied(self._pipeline_role, "sts:AssumeRole", self.role)
        return ActionError(f"{denial} The role {self.role} must exist and trust {self._pipeline_role}", denial.code)

    def require(self, action: str, resource: str) -> None:
        """Checks with IAM an action for which there is no API call, such as the use of a connection.

        Raises:
            ActionError: if the role may not perform it.
        """
        self.client("sts")
        service = action.split(":", 1)[0]
        key = self._credentials["AccessKeyId"]
        if iam_evaluator.enforce(key, action, service, get_region(), resource_arn=resource) is not None:
            raise denied(self.role, action, resource)
