"""Source of a connection: a commit of a local git repository, as a zip without history.

docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-CodestarConnectionSource.html
"""

from __future__ import annotations

import json

from localcloud.codepipeline import git
from localcloud.codepipeline.actions.work import Work
from localcloud.codepipeline.errors import ActionError

_FORMATS = ("CODE_ZIP",)
_SUMMARY = 2000


def run(work: Work) -> dict[str, str]:
    """Upload the commit this run is of: the trigger's, the one asked for, or the branch's newest."""
    connection, name = work.option("ConnectionArn"), work.option("FullRepositoryId")
    form = work.option("OutputArtifactFormat", "CODE_ZIP")
    if form not in _FORMATS:
        raise ActionError(f"OutputArtifactFormat {form} is not made here; use CODE_ZIP", "ConfigurationError")
    work.identity.require(f"{connection.split(':')[2]}:UseConnection", connection)
    known = work.execution.sources.get(work.attempt.action, {})
    repository = git.Repository.named(name)
    commit = repository.commit(known.get("CommitId") or f"refs/heads/{work.option('BranchName')}")
    work.put(repository.archive(commit.id))
    work.note(summary=commit.message, external_id=commit.id)
    _remember(work, commit)
    found = {
        "AuthorDate": commit.date,
        "AuthorDisplayName": commit.author,
        "AuthorEmail": commit.email,
        "CommitId": commit.id,
        "CommitMessage": commit.message,
        "ConnectionArn": connection,
        "FullRepositoryName": name,
    }
    if not known.get("PullRequestId") and not known.get("TagName"):
        found["BranchName"] = work.option("BranchName")
    return {**found, **{key: value for key, value in known.items() if value}, "CommitId": commit.id}


def _remember(work: Work, commit: git.Commit) -> None:
    summary = json.dumps({"ProviderType": "GitHub", "CommitMessage": commit.message[:_SUMMARY]})
    for output in work.attempt.outputs:
        output.revision = commit.id
    with work.store.changed:
        work.execution.revisions[work.attempt.action] = {
            "name": next((output.name for output in work.attempt.outputs), work.attempt.action),
            "revisionId": commit.id,
            "revisionSummary": summary[:2048],
            "created": commit.time,
        }
