"""What GitHub Actions of one repository may do, without a long-lived key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from slipway.rights import give

_ISSUER = "token.actions.githubusercontent.com"
_AUDIENCE = "sts.amazonaws.com"


@dataclass(frozen=True)
class GitHubRepository:
    """A repository by its names and by its ids, which no renaming changes."""

    owner: str
    name: str
    owner_id: int
    repository_id: int
    subject_formats: Sequence[str]

    def subjects(self, suffix: str) -> list[str]:
        """The OIDC subjects of the repository, e.g. suffix `:pull_request`.

        Repositories made or renamed after 2026-07-15 send the second form:
        github.blog/changelog/2026-04-23-immutable-subject-claims-for-github-actions-oidc-tokens
        """
        forms = {
            "names": f"repo:{self.owner}/{self.name}{suffix}",
            "ids": f"repo:{self.owner}@{self.owner_id}/{self.name}@{self.repository_id}{suffix}",
        }
        return [forms[each] for each in self.subject_formats]


class GitHubProvider(Construct):
    """GitHub as an identity provider of the account, made here or found there (an account has one)."""

    arn: str

    def __init__(self, scope: Construct, construct_id: str, *, existing: bool) -> None:
        super().__init__(scope, construct_id)
        if existing:
            self.arn = cdk.Stack.of(self).format_arn(
                service="iam", region="", resource="oidc-provider", resource_name=_ISSUER
            )
        else:
            self.arn = iam.OidcProviderNative(
                self, "Provider", url=f"https://{_ISSUER}", client_ids=[_AUDIENCE]
            ).oidc_provider_arn


class GitHubRole(iam.Role):
    """A role that exactly one kind of job of one repository can take, for an hour.

    `suffix` is the end of the subject, `ref` the git reference that must be checked out, with `*` for any text. The
    subject alone does not pin it: `environment:production` would admit every branch, and `pull_request` a
    `pull_request_target`, which runs on a stranger's request with the rights of the branch it wants to reach.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        role_name: str | None,
        description: str,
        provider: GitHubProvider,
        repository: GitHubRepository,
        suffix: str,
        ref: str,
        statements: Sequence[iam.PolicyStatement],
    ) -> None:
        equals: dict[str, str | list[str]] = {
            f"{_ISSUER}:aud": _AUDIENCE,
            f"{_ISSUER}:sub": repository.subjects(suffix),
            f"{_ISSUER}:repository_id": str(repository.repository_id),
        }
        like = {f"{_ISSUER}:ref": ref} if "*" in ref else {}
        if not like:
            equals[f"{_ISSUER}:ref"] = ref
        super().__init__(
            scope,
            construct_id,
            role_name=role_name,
            description=description,
            assumed_by=iam.WebIdentityPrincipal(
                provider.arn, {"StringEquals": equals, **({"StringLike": like} if like else {})}
            ),
            max_session_duration=cdk.Duration.hours(1),
        )
        give(self, statements)
