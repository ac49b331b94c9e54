"""The review of an infrastructure change is one comment on its commit, whatever the review's build wrote."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest

from comment_review import handler
from tests.support.fake_github import REPOSITORY, TOKEN, GitHubWeb
from tests.support.fake_pipeline import Action

COMMIT = "c" * 40
PARAMETERS: dict[str, Any] = {"repository": REPOSITORY, "secret": "allthrive/github", "commit": COMMIT}
TEXT = "## 1 stack changes\n\nNothing stateful is replaced.\n"


class Commenting(Action):
    """The action, with fakes of GitHub, Secrets Manager and the artifact."""

    def __init__(self, parameters: dict[str, Any] | None = None) -> None:
        super().__init__(handler.main, parameters or PARAMETERS)
        self.github = GitHubWeb()
        self.content = b""
        self.artifact({"comment.md": TEXT})
        self.on("secretsmanager.GetSecretValue", lambda _: {"SecretString": json.dumps({"token": TOKEN})})
        self.on("s3.GetObject", lambda _: self.content)
        place = {"type": "S3", "s3Location": {"bucketName": "artifacts", "objectKey": "review.zip"}}
        self.artifacts = [{"name": "Review", "location": place}]

    def artifact(self, files: dict[str, str]) -> None:
        """Sets the files of the artifact."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for name, text in files.items():
                archive.writestr(name, text)
        self.content = packed.getvalue()


@pytest.fixture(name="action")
def _action(monkeypatch: pytest.MonkeyPatch) -> Iterator[Commenting]:
    action = Commenting()
    with action.installed(monkeypatch), action.github.serving():
        monkeypatch.setenv("GITHUB_API_URL", action.github.url)
        yield action


def test_the_review_becomes_a_comment_on_the_commit_and_its_address_a_variable(action: Commenting) -> None:
    action.run()

    (comment,) = action.github.commit_comments[COMMIT]
    assert (action.status, comment["body"]) == ("Succeeded", TEXT)
    assert action.variables == {"Url": comment["html_url"]}


def test_a_second_call_writes_no_second_comment(action: Commenting) -> None:
    action.github.commit_comments[COMMIT] = [{"body": TEXT.strip(), "html_url": "https://github.com/x"}]

    action.run()

    assert len(action.github.commit_comments[COMMIT]) == 1
    assert action.variables == {"Url": "https://github.com/x"}


@pytest.mark.parametrize(("content", "said"), [(b"PK", "no comment.md"), (None, "no comment.md")])
def test_an_artifact_without_the_comment_is_refused(action: Commenting, content: bytes | None, said: str) -> None:
    if content is None:
        action.artifact({"report.md": TEXT})
    else:
        action.content = content

    action.run()

    assert action.status == "Failed"
    assert said in action.message


def test_a_comment_that_is_too_long_for_github_is_cut(action: Commenting) -> None:
    action.artifact({"comment.md": "x" * 70_000})

    action.run()

    assert len(action.github.commit_comments[COMMIT][0]["body"]) == 65_536


def test_a_commit_that_is_no_full_sha_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    action = Commenting({**PARAMETERS, "commit": "../../issues"})
    with action.installed(monkeypatch):
        action.run()

    assert "full SHA" in action.message
