"""A secret whose value is composed of texts and of values of other secrets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from slipway.generated_secret import accept_secret


@dataclass(frozen=True, eq=False)
class SecretPart:
    """A part of a value that is in another secret."""

    secret: secretsmanager.ISecret
    key: str | None = None
    """Key in a JSON secret; None for the whole value of the secret."""
    in_address: bool = False
    """True if the part is in an address, so that whoever composes the value again must percent-encode it."""

    def reference(self) -> str:
        """Returns CloudFormation's dynamic reference to the part."""
        value = self.secret.secret_value_from_json(self.key) if self.key else self.secret.secret_value
        return value.unsafe_unwrap()  # unwrapped it is a reference, not the value itself


Part = str | SecretPart


class ComposedSecret(secretsmanager.Secret):
    """A secret that CloudFormation composes when it creates it, so that no template contains its value.

    CloudFormation does not notice a new value of a part. Whoever changes one writes this secret too: PasswordRotation
    does, operators follow docs/runbook.md.
    """

    parts: tuple[Part, ...]

    def __init__(
        self, scope: Construct, construct_id: str, *, description: str, parts: Sequence[Part], keep: bool
    ) -> None:
        value = cdk.Fn.join("", [part if isinstance(part, str) else part.reference() for part in parts])
        super().__init__(
            scope,
            construct_id,
            description=description,
            secret_string_value=cdk.SecretValue.unsafe_plain_text(value),  # all secret parts of it are references
            removal_policy=cdk.RemovalPolicy.RETAIN if keep else cdk.RemovalPolicy.DESTROY,
        )
        self.parts = tuple(parts)
        accept_secret(self)

    def sources(self) -> list[secretsmanager.ISecret]:
        """Returns the secrets that the value is composed of, each once."""
        return list(dict.fromkeys(part.secret for part in self.parts if isinstance(part, SecretPart)))
