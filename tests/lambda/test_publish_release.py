"""A release is published once on GitHub, with its tag on the released commit; the token stays secret."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from publish_release import handler
from tests.support.fake_github import REPOSITORY, TOKEN, GitHubWeb
from tests.support.fake_pipeline import TRANSIENT, Action, call_again_within, played
from tests.support.fake_web import WEB_FAULTS, Reply, Request

COMMIT = "c" * 40
IMAGE = "111122223333.dkr.ecr.us-east-1.amazonaws.com/allthrive/backend@sha256:" + "b" * 64
PARAMETERS: dict[str, Any] = {
    "repository": REPOSITORY,
    "secret": "allthrive/github",
    "tag": "v1.3.0",
    "commit": COMMIT,
    "images": [IMAGE],
}


class Publication(Action):
    """The action, with fakes of GitHub, Secrets Manager and KMS."""

    def __init__(self) -> None:
        super().__init__(handler.main, PARAMETERS)
        self.github = GitHubWeb()
        self.secret = json.dumps({"token": TOKEN})
        self.on("secretsmanager.GetSecretValue", lambda _: {"SecretString": self.secret})
        self.on("kms.Sign", lambda _: {"Signature": base64.b64encode(b"signed").decode()})


@pytest.fixture(name="action")
def _action(monkeypatch: pytest.MonkeyPatch) -> Iterator[Publication]:
    action = Publication()
    with action.installed(monkeypatch), action.github.serving():
        monkeypatch.setenv("GITHUB_API_URL", action.github.url)
        yield action


def test_a_tag_and_a_release_with_generated_notes_and_the_images_appear(action: Publication) -> None:
    action.run()

    release = action.github.releases["v1.3.0"]
    assert (action.status, action.github.tags) == ("Succeeded", {"v1.3.0": COMMIT})
    assert release["generate_release_notes"] is True
    assert IMAGE in release["body"]
    assert action.reference == release["html_url"]


def test_publishing_twice_makes_one_release(action: Publication, monkeypatch: pytest.MonkeyPatch) -> None:
    action.run()
    again = Publication()
    again.github = action.github
    with again.installed(monkeypatch):
        monkeypatch.setenv("GITHUB_API_URL", action.github.url)
        again.run()

    assert again.status == "Succeeded"
    assert action.github.asked().count(f"POST /repos/{REPOSITORY}/releases") == 1


def test_a_release_that_a_duplicate_makes_at_the_same_moment_is_a_success(action: Publication) -> None:
    plain = action.github.reply

    def twice(request: Request) -> Reply:
        if request.method == "POST":
            plain(request)
        return plain(request)

    action.github.reply = twice

    action.run()

    assert (action.status, len(action.github.releases)) == ("Succeeded", 1)


def test_a_release_that_github_refuses_fails_with_the_reason_of_github(action: Publication) -> None:
    plain = action.github.reply
    refusal = {"message": "Validation Failed", "errors": [{"code": "custom", "message": "Published releases must"}]}
    action.github.reply = lambda request: (422, refusal) if request.method == "POST" else plain(request)

    action.run()

    assert action.status == "Failed"
    assert "Validation Failed (Published releases must)" in action.message


def test_a_tag_on_another_commit_is_never_moved(action: Publication) -> None:
    action.github.tags["v1.3.0"] = "d" * 40

    action.run()

    assert (action.status, action.github.releases) == ("Failed", {})
    assert "a release's tag never moves; raise the version" in action.message


def test_an_annotated_tag_on_the_same_commit_is_a_success(action: Publication) -> None:
    action.github.annotated["v1.3.0"] = COMMIT

    assert action.run().status == "Succeeded"


@pytest.mark.parametrize("secret", [TOKEN, f" {TOKEN}\n", json.dumps({"token": TOKEN})])
def test_the_secret_may_be_a_plain_token(action: Publication, secret: str) -> None:
    action.secret = secret

    assert action.run().status == "Succeeded"


def test_an_app_signs_with_its_key_in_kms_and_requests_a_token_for_this_repository_only(action: Publication) -> None:
    action.secret = json.dumps({"app_id": 7, "installation_id": 42, "kms_key_id": "alias/github"})

    action.run()

    request = action.github.requests[0]
    header, claims, _ = request.headers["authorization"].removeprefix("Bearer ").split(".")
    assert (action.status, request.body) == ("Succeeded", {"repositories": ["allthrive"]})
    assert json.loads(base64.urlsafe_b64decode(header + "==")) == {"alg": "RS256", "typ": "JWT"}
    claimed = json.loads(base64.urlsafe_b64decode(claims + "=="))
    assert (claimed["iss"], claimed["exp"] - claimed["iat"] <= 600) == ("7", True)
    signed = next(given for name, given in action.calls if name == "kms.Sign")
    assert (signed["MessageType"], signed["SigningAlgorithm"]) == ("DIGEST", "RSASSA_PKCS1_V1_5_SHA_256")


def test_a_secret_of_another_form_says_what_to_write(action: Publication) -> None:
    action.secret = json.dumps({"pem": "-----BEGIN"})

    action.run()

    assert action.kind == "ConfigurationError"
    assert "must hold a token, or a JSON object with token, or with app_id" in action.message
    assert "BEGIN" not in action.message


def test_a_rate_limit_is_waited_for(action: Publication) -> None:
    action.github.faults = ["limited"] * 5

    assert action.run().status == "Succeeded"


def test_a_refusal_that_is_not_githubs_own_is_quoted_in_short(action: Publication) -> None:
    action.github.reply = lambda _: (418, b"<html>" + b"a proxy " * 1000)

    action.run()

    assert (action.status, action.calls_made) == ("Failed", 1)
    assert (
        "GitHub answered 418 to GET /repos/allthrive-ai/allthrive/git/ref/tags/v1.3.0: <html>a proxy" in action.message
    )
    assert len(action.message) < 500


def test_bad_credentials_fail_at_once_with_a_hint(action: Publication) -> None:
    action.secret = "wrong"

    action.run()

    assert (action.status, action.calls_made) == ("Failed", 1)
    assert "Bad credentials. Does the token or App have access to" in action.message


def test_a_github_that_never_answers_fails_at_the_deadline(action: Publication) -> None:
    action.github.faults = ["broken"] * 10**4

    action.run()

    assert (action.status, action.accepted) == ("Failed", 1)
    assert "GitHub answered 500" in action.message
    assert "gave up 15 minutes" in action.message


def test_the_token_appears_in_no_log_message_or_call(action: Publication, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    action.github.faults = ["broken", "closed"]
    action.github.tags["v1.3.0"] = "d" * 40

    action.run()

    assert TOKEN not in caplog.text + action.message + json.dumps(action.calls, default=str)


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_whatever_fails_there_is_one_release_on_the_commit(data: st.DataObject) -> None:
    action = Publication()
    faults = st.lists(st.none() | st.sampled_from(TRANSIENT), max_size=5)
    operations = ("secretsmanager.GetSecretValue", "codepipeline.PutJobSuccessResult")
    action.faults = {name: data.draw(faults, label=name) for name in operations}
    action.github.faults = data.draw(st.lists(st.none() | st.sampled_from(WEB_FAULTS), max_size=8), label="GitHub")
    action.duplicates = data.draw(st.dictionaries(st.integers(0, 3), st.integers(0, 2), max_size=2), label="duplicates")
    nested = data.draw(st.none() | st.integers(0, 3), label="duplicate within request")
    with played(action) as monkeypatch, action.github.serving():
        monkeypatch.setenv("GITHUB_API_URL", action.github.url)
        call_again_within(action, nested)
        action.run()

    assert (action.status, action.accepted) == ("Succeeded", 1)
    assert action.github.tags == {"v1.3.0": COMMIT}
    assert len(action.github.releases) == 1
