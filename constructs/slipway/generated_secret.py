"""A secret with a value that Secrets Manager generates, so that no template contains it."""

from __future__ import annotations

import json

import aws_cdk as cdk
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from slipway.accepted import accept, accept_aws_key, audits


class GeneratedSecret(secretsmanager.Secret):
    """A random value of letters and digits, which is safe in URLs and in Redis's AUTH.

    With `username` the secret is JSON, `{"username": …, "password": …}`; otherwise it is the value alone.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        description: str,
        length: int,
        keep: bool,
        username: str | None = None,
    ) -> None:
        template = json.dumps({"username": username}) if username else None
        super().__init__(
            scope,
            construct_id,
            description=description,
            generate_secret_string=secretsmanager.SecretStringGenerator(
                password_length=length,
                exclude_punctuation=True,
                secret_string_template=template,
                generate_string_key="password" if template else None,
            ),
            removal_policy=cdk.RemovalPolicy.RETAIN if keep else cdk.RemovalPolicy.DESTROY,
        )
        accept_secret(self)


def accept_secret(secret: secretsmanager.Secret) -> None:
    """Accept that Secrets Manager's own key encrypts a secret, and that the secret has no rotation schedule."""
    accept_aws_key(secret, *audits("SecretsManagerUsingKMSKey"), "CKV_AWS_149")
    accept(
        secret,
        "a new value cuts off who holds the old one, so people renew it (docs/runbook.md); the database's password "
        "has a schedule where the manifest wants one, in another stack, which the rule does not see",
        *audits("SecretsManagerRotationEnabled", "NIST", "HIPAA"),
        "AwsSolutions-SMG4",
    )
