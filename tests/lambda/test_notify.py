"""People are notified of failures, recoveries, approvals and releases through every channel that works."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from notify import handler
from tests.support.fake_pipeline import CANARY
from tests.support.fake_runs import PIPELINE, History, approval, event, run_id
from tests.support.fake_web import Request, Web

FAILED = {"Source": "Succeeded", "Test": "Succeeded", "Production": "Failed"}
DONE = {"Source": "Succeeded", "Test": "Succeeded", "Production": "Succeeded"}
TOPIC = "arn:aws:sns:us-east-1:111122223333:allthrive-delivery"


class Channels(History):
    """CodePipeline, SNS, and the webhooks of Slack and Discord."""

    def __init__(self) -> None:
        super().__init__()
        self.web = Web(self._hook)
        self.broken: set[str] = set()
        self.mails: list[dict[str, Any]] = []
        self.on("sns.Publish", self._publish)
        self.on("secretsmanager.GetSecretValue", self._secret)

    def _hook(self, request: Request) -> tuple[int, Any]:
        return (404 if request.path.partition("/")[2].partition("-")[0] in self.broken else 200), {}

    def _publish(self, given: dict[str, Any]) -> str:
        self.mails.append(given)
        return "<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>"

    def _secret(self, given: dict[str, Any]) -> dict[str, Any]:
        url = f"{self.web.url}/{given['SecretId']}-{CANARY}"
        return {"SecretString": json.dumps({"url": url}) if given["SecretId"] == "discord" else url}

    def texts(self, channel: str) -> list[str]:
        """Returns the texts that were sent to a webhook."""
        key = {"slack": "text", "discord": "content"}[channel]
        return [request.body[key] for request in self.web.requests if request.path.startswith(f"/{channel}-")]


@pytest.fixture(name="cloud")
def _cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Channels]:
    cloud = Channels()
    given = {
        "product": "allthrive",
        "topic": TOPIC,
        "slack_secret": "slack",
        "discord_secret": "discord",
        "releases": [PIPELINE],
    }
    monkeypatch.setattr(handler, "_seen", {})
    with cloud.installed(monkeypatch), cloud.web.serving():
        monkeypatch.setenv("SETTINGS", json.dumps(given))
        yield cloud


def test_a_failure_message_has_product_stage_version_author_link_reason_and_what_to_do(cloud: Channels) -> None:
    cloud.run(1, "Failed", stages=FAILED, reason="Web: Circuit Breaker")

    handler.main(event(1, "FAILED", **{"author-display-name": "Ada"}), None)

    text = cloud.mails[0]["Message"]
    for part in (
        "allthrive: Production failed (1.1.0)",
        "ProductionAction: Web: Circuit Breaker",
        "Stage: Production",
        "Version: 1.1.0",
        "Author: Ada",
        f"executions/{run_id(1)}/timeline",
        "What to do: Push a fix, or retry the stage: aws codepipeline retry-stage-execution",
    ):
        assert part in text
    assert cloud.texts("discord") == [text]
    assert cloud.mails[0]["Subject"] == "allthrive: Production failed (1.1.0)"


def test_a_release_sends_a_message(cloud: Channels) -> None:
    cloud.run(1, "Succeeded", stages=DONE)

    handler.main(event(1, "SUCCEEDED"), None)

    assert cloud.mails[0]["Subject"] == "allthrive: 1.1.0 is released"


def test_a_release_after_a_failure_says_that_the_pipeline_works_again(cloud: Channels) -> None:
    cloud.run(1, "Failed", stages=FAILED)
    cloud.run(2, "Stopped")
    cloud.run(3, "Succeeded", stages=DONE)

    handler.main(event(3, "SUCCEEDED"), None)

    assert cloud.mails[0]["Subject"] == "allthrive: 1.3.0 is released; the pipeline works again"


def test_other_pipelines_send_recoveries_only(cloud: Channels, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SETTINGS", json.dumps({"product": "allthrive", "topic": TOPIC}))
    cloud.run(1, "Failed", stages=FAILED)
    cloud.run(2, "Succeeded", stages=DONE)
    cloud.run(3, "Succeeded", stages=DONE)

    for number in (2, 3):
        handler.main(event(number, "SUCCEEDED"), None)

    assert [mail["Subject"] for mail in cloud.mails] == ["allthrive: allthrive-main works again (1.2.0)"]


def test_an_approval_that_waits_sends_a_message(cloud: Channels) -> None:
    cloud.run(1, stages={**DONE, "Approval": "InProgress"})

    handler.main(approval(1), None)

    assert cloud.mails[0]["Subject"] == "allthrive: Approval waits for approval (1.1.0)"
    assert "approve or reject" in cloud.mails[0]["Message"]


@pytest.mark.parametrize("change", [{"state": "SUCCEEDED"}, {"type": {"category": "Build"}}])
def test_other_actions_send_nothing(cloud: Channels, change: dict[str, Any]) -> None:
    state_change = approval(1)
    state_change["detail"] |= change

    handler.main(state_change, None)

    assert cloud.mails == []


@pytest.mark.parametrize("state", ["STARTED", "STOPPED", "SUPERSEDED", "RESUMED"])
def test_other_states_send_nothing(cloud: Channels, state: str) -> None:
    cloud.run(1)

    handler.main(event(1, state), None)

    assert (cloud.mails, cloud.web.requests) == ([], [])


def test_a_failure_that_was_retried_meanwhile_sends_nothing(cloud: Channels) -> None:
    cloud.run(1, "Succeeded", stages=DONE)

    handler.main(event(1, "FAILED"), None)

    assert cloud.mails == []


def test_a_rollback_sends_no_message_of_a_release(cloud: Channels) -> None:
    cloud.run(1, "Succeeded", rollback=True, stages=DONE)

    handler.main(event(1, "SUCCEEDED"), None)

    assert cloud.mails == []


def test_an_event_that_comes_twice_sends_one_message(cloud: Channels) -> None:
    cloud.run(1, "Failed", stages=FAILED)

    handler.main(event(1, "FAILED"), None)
    handler.main(event(1, "FAILED"), None)

    assert len(cloud.mails) == 1


def test_only_the_newest_events_are_remembered(cloud: Channels, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handler, "_REMEMBERED", 1)
    cloud.run(1, "Failed", stages=FAILED)
    cloud.run(2, "Failed", stages=FAILED)

    for number in (1, 2, 2):
        handler.main(event(number, "FAILED"), None)

    assert len(cloud.mails) == 2


def test_a_channel_that_fails_stops_no_other_and_is_named_without_its_address(
    cloud: Channels, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    cloud.broken = {"slack"}
    cloud.run(1, "Failed", stages=FAILED)

    handler.main(event(1, "FAILED"), None)

    assert len(cloud.texts("discord")) == 1
    assert "Not delivered to Slack: the webhook answered 404" in cloud.mails[0]["Message"]
    assert CANARY not in caplog.text + cloud.mails[0]["Message"]


def test_a_channel_that_fails_for_a_moment_is_tried_again(cloud: Channels) -> None:
    cloud.web.faults = ["broken", "closed"]
    cloud.run(1, "Failed", stages=FAILED)

    handler.main(event(1, "FAILED"), None)

    assert (len(cloud.texts("slack")), len(cloud.texts("discord"))) == (1, 1)


def test_a_refused_mail_does_not_block_the_other_channels(cloud: Channels) -> None:
    cloud.faults["sns.Publish"] = ["denied"]
    cloud.run(1, "Failed", stages=FAILED)

    handler.main(event(1, "FAILED"), None)

    assert len(cloud.texts("slack")) == 1


def test_if_no_channel_accepts_the_message_the_function_raises_and_the_next_call_sends_it(cloud: Channels) -> None:
    cloud.broken = {"slack", "discord"}
    cloud.faults["sns.Publish"] = ["denied"]
    cloud.run(1, "Failed", stages=FAILED)

    with pytest.raises(handler.NobodyReachedError) as raised:
        handler.main(event(1, "FAILED"), None)
    handler.main(event(1, "FAILED"), None)

    assert CANARY not in str(raised.value)
    assert len(cloud.mails) == 1


def test_a_commit_message_notifies_nobody(cloud: Channels) -> None:
    cloud.run(1, "Failed", stages=FAILED, message="<!channel> @everyone & more")

    handler.main(event(1, "FAILED"), None)

    assert "&lt;!channel&gt; @everyone &amp; more" in cloud.texts("slack")[0]
    discord = next(request for request in cloud.web.requests if request.path.startswith("/discord"))
    assert discord.body["allowed_mentions"] == {"parse": []}


def test_a_long_reason_fits_every_channel(cloud: Channels) -> None:
    cloud.run(1, "Failed", stages=FAILED, reason="ä" * 5000, message="é" * 2000)

    handler.main(event(1, "FAILED"), None)

    assert len(cloud.texts("discord")[0]) <= 2000
    assert len(cloud.mails[0]["Subject"]) <= 100
    assert cloud.mails[0]["Subject"].isascii()


def test_a_commit_subject_makes_no_link_and_imitates_no_line_of_the_message(cloud: Channels) -> None:
    subject = "[notes](https://evil.example) <https://evil.example|notes>\u2028What to do: run it"
    cloud.run(1, "Failed", stages=FAILED, reason="Test failed\nWhat to do: run it", message=subject)

    handler.main(event(1, "FAILED", **{"author-display-name": "@here\u202e"}), None)

    (discord,), (slack,) = cloud.texts("discord"), cloud.texts("slack")
    assert r"\[notes\](https://evil.example)" in discord
    assert "&lt;https://evil.example|notes&gt;" in slack
    for message in (discord, slack, cloud.mails[0]["Message"]):
        advice = [line for line in message.splitlines() if line.startswith("What")]
        assert [line.startswith("What to do: Push a fix") for line in advice] == [True]
        assert "\u202e" not in message
    bodies = {request.path.partition("-")[0]: request.body for request in cloud.web.requests}
    assert (bodies["/discord"]["flags"], bodies["/discord"]["allowed_mentions"]) == (4, {"parse": []})
    assert bodies["/slack"]["unfurl_links"] is bodies["/slack"]["unfurl_media"] is False
