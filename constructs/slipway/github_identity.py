"""Roles for GitHub Actions of one repository, without long-lived keys."""

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
    """A repository by its names and by its ids, which stay the same when it is renamed."""

    owner: str
    name: str
    owner_id: int
    repository_id: int
    subject_formats: Sequence[str]

    def subjects(self, suffix: str) -> list[str]:
        """Returns the OIDC subjects of the repository that end with a suffix, e.g. `:pull_request`.

        GitHub sends the second format for repositories created or renamed after 2026-07-15:
        github.blog/changelog/2026-04-23-immutable-subject-claims-for-github-actions-oidc-tokens
        """
        subjects = {
            "names": f"repo:{self.owner}/{self.name}{suffix}",
            "ids": f"repo:{self.owner}@{self.owner_id}/{self.name}@{self.repository_id}{suffix}",
        }
        return [subjects[subject_format] for subject_format in self.subject_formats]


class GitHubProvider(Construct):
    """GitHub as an identity provider of the account: created here, or existing, since an account can have only one."""

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
    """A role that exactly one kind of job of one repository can assume, for at most an hour.

    `suffix` is the end of the OIDC subject, `ref` the git reference of the workflow run, where `*` matches any text.
    The subject alone is not enough: `environment:production` would admit every branch, and `pull_request` would admit
    `pull_request_target`, which anybody's pull request starts with the rights of the target branch.
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
