"""The source action of a connection: a commit of a local git repository, as a zip archive without history.

docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-CodestarConnectionSource.html
"""

from __future__ import annotations

import json

from localcloud.codepipeline import git
from localcloud.codepipeline.actions.work import Work
from localcloud.codepipeline.errors import ActionError

_FORMATS = ("CODE_ZIP",)
_MAX_MESSAGE = 2000


def run(work: Work) -> dict[str, str]:
    """Uploads the commit of this run: that of the trigger or of the request, or else the newest one of the branch."""
    connection, name = work.option("ConnectionArn"), work.option("FullRepositoryId")
    output_format = work.option("OutputArtifactFormat", "CODE_ZIP")
    if output_format not in _FORMATS:
        raise ActionError(
            f"The local cloud does not support OutputArtifactFormat {output_format}; use CODE_ZIP", "ConfigurationError"
        )
    work.identity.require(f"{connection.split(':')[2]}:UseConnection", connection)
    known = work.execution.sources.get(work.attempt.action, {})
    repository = git.Repository.named(name)
    commit = repository.commit(known.get("CommitId") or f"refs/heads/{work.option('BranchName')}")
    work.put(repository.archive(commit.id))
    work.note(summary=commit.message, external_id=commit.id)
    _set_revision(work, commit)
    variables = {
        "AuthorDate": commit.date,
        "AuthorDisplayName": commit.author,
        "AuthorEmail": commit.email,
        "CommitId": commit.id,
        "CommitMessage": commit.message,
        "ConnectionArn": connection,
        "FullRepositoryName": name,
    }
    if not known.get("PullRequestId") and not known.get("TagName"):
        variables["BranchName"] = work.option("BranchName")
    return {**variables, **{key: value for key, value in known.items() if value}, "CommitId": commit.id}


def _set_revision(work: Work, commit: git.Commit) -> None:
    summary = json.dumps({"ProviderType": "GitHub", "CommitMessage": commit.message[:_MAX_MESSAGE]})
    for output in work.attempt.outputs:
        output.revision = commit.id
    with work.store.changed:
        work.execution.revisions[work.attempt.action] = {
            "name": next((output.name for output in work.attempt.outputs), work.attempt.action),
            "revisionId": commit.id,
            "revisionSummary": summary[:2048],
            "created": commit.time,
        }
