"""The pages: what they show and hide, that strangers' words do nothing, and that forms are obeyed only from here."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import boto3
import pytest
from botocore.config import Config
from hypothesis import given
from hypothesis import strategies as st

from slipway_cli.console.masking import masked
from slipway_cli.console.pages import answer
from slipway_cli.console.web import BASE, Request
from tests.slipway_cli.console.account import PIPELINE, Account, Desk, Refused, location
from tests.support.fake_codepipeline import FakeRun, run_id

EVIL = """<script>alert(1)</script>"><img src=x onerror=alert(1)>{title}' onmouseover='alert(1)"""
TAGS = {
    *("html", "head", "meta", "title", "link", "style", "script", "body", "header", "nav", "main", "section", "div"),
    *(
        "p",
        "a",
        "h1",
        "h2",
        "h3",
        "span",
        "ol",
        "ul",
        "li",
        "b",
        "code",
        "pre",
        "time",
        "details",
        "summary",
        "svg",
        "rect",
    ),
    *(
        "form",
        "input",
        "label",
        "textarea",
        "button",
        "table",
        "caption",
        "colgroup",
        "col",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
    ),
}


class Elements(HTMLParser):
    """The elements of a page, as a browser would parse it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.addresses: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.addresses += [value or "" for name, value in attrs if name in {"href", "src", "action"}]


def harmless(text: str) -> None:
    found = Elements(text)
    assert set(found.tags) <= TAGS
    assert found.tags.count("script") == found.tags.count("style") == 1
    assert not [name for name in found.attributes if name.startswith("on") or name in {"src", "style", "srcdoc"}]
    assert all(re.match(r"(https?://|/(?!/)|data:,$)", address) for address in found.addresses), found.addresses


def asks(account: Account, number: int = 1) -> FakeRun:
    """A run that waits for approval."""
    return account.run("main", number, "InProgress", at="Approval")


def test_strangers_words_are_shown_and_do_nothing(account: Account, desk: Desk) -> None:
    run = account.run("main", 1, "Failed", at="Staging", reason=EVIL, summary=EVIL)
    source, last = run.steps[0], run.steps[-1]
    source["output"]["outputVariables"] |= {
        "CommitMessage": EVIL,
        "BranchName": EVIL,
        "AuthorDisplayName": EVIL,
        "FullRepositoryName": EVIL,
        "CommitId": EVIL,
        "RELEASE_TAG": EVIL,
        "Url": f"https://x/{EVIL}",
    }
    last["output"]["executionResult"]["externalExecutionUrl"] = f"https://x/{EVIL}"
    account.cases = [{"name": EVIL, "status": "FAILED", "message": EVIL}]
    account.build(last, EVIL, f"\x1b[31m{EVIL}\x1b]0;{EVIL}\x07")
    waiting = asks(account, 2)
    waiting.steps[-1]["input"]["resolvedConfiguration"] = {
        "CustomData": EVIL,
        "ExternalEntityLink": "javascript:alert(1)",
    }

    for text in (
        desk.page(run),
        desk.page(waiting),
        desk.get().body.decode(),
        desk.get(f"/{PIPELINE}/view").body.decode(),
    ):
        harmless(text)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in desk.page(run)
    for path in (f"/{EVIL}", f"/{PIPELINE}/executions/{EVIL}/log"):
        assert desk.get(path).status == 404
        harmless(desk.get(path).body.decode())


def test_nothing_but_our_own_style_and_script_may_run(account: Account, desk: Desk) -> None:
    policy = desk.get().headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy


def test_the_list_tells_each_pipelines_newest_run(account: Account, desk: Desk) -> None:
    account.run("main", 1)
    run = account.run("main", 2, "Failed", at="Staging")
    text = desk.get().body.decode()
    for word in ("Failed", "main", run.commit[:7], "Ada", "Improve the page", "Staging/Deploy"):
        assert word in text, word
    assert text.count("It has never run.") == 2


def test_the_newest_run_of_a_pipeline_is_first_and_rollbacks_are_marked(account: Account, desk: Desk) -> None:
    target = account.run("main", 1)
    account.run("main", 2, "Failed", at="Production")
    account.rolled_back("main", 3, "Production", target)
    text = desk.get(f"/{PIPELINE}/view").body.decode()
    assert text.index("Rollback of Production") < text.index("Failed") < text.rindex("Improve the page")
    assert f"Rollback to run {target.id[:8]}" in text


def test_older_runs_are_a_page_away(account: Account, desk: Desk) -> None:
    for number in range(1, 24):
        account.run("main", number)
    first = desk.get(f"/{PIPELINE}/view").body.decode()
    assert "Older runs" in first
    assert "Older runs" not in desk.get(f"/{PIPELINE}/view", token="20").body.decode()


def test_a_state_is_said_in_words_and_by_a_sign_not_by_colour_alone(account: Account, desk: Desk) -> None:
    text = desk.page(account.run("main", 1, "Failed", at="Staging"))
    for sign, word in (("✓", "Succeeded"), ("✗", "Failed"), ("○", "Not started")):
        assert f'aria-hidden="true">{sign}</span>{word}</span>' in text


def test_a_failure_is_shown_in_full(account: Account, desk: Desk) -> None:
    reason = "\n".join(f"line {number}" for number in range(200))
    assert reason in desk.page(account.run("main", 1, "Failed", at="Staging", reason=reason))


def test_the_commit_leads_to_its_repository(account: Account, desk: Desk) -> None:
    run = account.run("main", 1)
    run.steps[0]["output"]["outputVariables"]["FullRepositoryName"] = "acme/shop"
    assert f'href="https://github.example/acme/shop/commit/{run.commit}"' in desk.page(run)


# --- logs ------------------------------------------------------------------------------------------------------------


def test_the_end_of_a_builds_log_is_shown_and_goes_on_where_it_stopped(account: Account, desk: Desk) -> None:
    run = account.run("main", 1, "InProgress", at="E2E")
    account.build(run.steps[-1], "\x1b[32mfirst\x1b[0m", "10 %\r20 %\rsecond", over=False)
    text = desk.page(run)
    assert "first\n</span>" in text
    assert "20 %" not in text
    assert "\x1b" not in text
    account.lines["stream"] += account.logged(run.steps[-1], "third")
    found = desk.log(run, "E2E", "Playwright", "f/2")
    assert [line for _, line in found["lines"]] == ["third"]
    assert (found["cursor"], found["over"]) == ("f/3", False)


def test_a_long_log_is_shown_from_its_end_and_whole_on_demand(account: Account, desk: Desk) -> None:
    run = account.run("main", 1, "Failed", at="E2E")
    account.build(run.steps[-1], *(f"number {number}." for number in range(600)))
    text = desk.page(run)
    assert "number 99." not in text
    assert "number 100." in text
    whole = desk.get(f"/{PIPELINE}/executions/{run.id}/log.txt", stage="E2E", action="Playwright")
    assert whole.headers["Content-Type"].startswith("text/plain")
    assert whole.body.count(b"\n") == 600


def test_a_functions_lines_are_those_of_calls_that_began_while_the_action_ran(account: Account, desk: Desk) -> None:
    run = account.run("main", 1, "Failed", at="Staging")
    account.function(run.steps[-1], "START RequestId: a", "failed: no such task definition")
    later = int(run.steps[-1]["lastUpdateTime"] * 1000) + 5000
    account.lines["functions"] += [{"timestamp": later, "message": "END RequestId: a"}]
    account.lines["functions"] += [{"timestamp": later + 1, "message": "START RequestId: b"}]
    account.lines["functions"] += [{"timestamp": later + 2, "message": "another's words"}]
    text = desk.page(run)
    assert "no such task definition" in text
    assert "END RequestId: a" in text
    assert "another&#x27;s words" not in text


def test_who_may_not_read_a_log_is_told_so_and_sees_the_run_all_the_same(account: Account, desk: Desk) -> None:
    run = account.run("main", 1, "Failed", at="E2E", reason="2 tests failed")
    account.build(run.steps[-1])

    def refuse(_given: object) -> dict[str, object]:
        raise Refused("AccessDeniedException", "not authorized to perform: logs:GetLogEvents")

    account.on("cloudwatchlogs.GetLogEvents", refuse)
    text = desk.page(run)
    assert "The log cannot be read" in text
    assert "2 tests failed" in text


def test_what_tests_reported_is_told_and_those_that_failed_are_named(account: Account, desk: Desk) -> None:
    run = account.run("main", 1, "Failed", at="E2E")
    account.build(run.steps[-1])
    account.cases = [{"name": "signs in", "status": "FAILED", "message": "expected /home\ngot /login"}]
    text = desk.page(run)
    assert "E2E/Playwright: 1 of 11 tests failed" in text
    assert "✗ signs in" in text
    assert "expected /home\ngot /login" in text


def test_a_build_that_is_over_is_asked_for_once(account: Account, desk: Desk) -> None:
    run = account.run("main", 1, "Failed", at="E2E")
    account.build(run.steps[-1])
    for _ in range(3):
        desk.page(run)
    assert account.names().count("codebuild.BatchGetBuilds") == 1


# --- secrets ---------------------------------------------------------------------------------------------------------


def test_neither_parameters_nor_tokens_nor_keys_are_shown(account: Account, desk: Desk) -> None:
    run = asks(account)
    account.function(run.steps[1], "token=ghp_0123456789abcdefghijABCDEFGHIJ012345")
    run.steps[1]["output"]["outputVariables"] = {"DATABASE_PASSWORD": "canary-of-variables"}
    text = desk.page(run, stage=run.steps[1]["stageName"], action=run.steps[1]["actionName"])
    assert "token=***" in text
    token = "aaaaaaaa-0000-4000-8000-000000000001"
    for secret in ("canary", "ghp_0123456789", token, "EnvironmentVariables"):
        assert secret not in text, secret


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("key AKIAIOSFODNN7EXAMPLE here", "key *** here"),
        ("https://ada:hunter22@example.com/x", "https://***@example.com/x"),
        ("AWS_SECRET_ACCESS_KEY=abcdef/ghi", "AWS_SECRET_ACCESS_KEY=***"),
        ('{"password": "hunter22", "user": "ada"}', '{"password": ***, "user": "ada"}'),
        ("POST /?X-Amz-Security-Token=abc&x=1", "POST /?X-Amz-Security-Token=***&x=1"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----\nend", "***\nend"),
        ("the secret: slipway/github was not found", "the secret: slipway/github was not found"),
        ("arn:aws:secretsmanager:us-east-1:1:secret:a-b", "arn:aws:secretsmanager:us-east-1:1:secret:a-b"),
        ("https://example.com:8080/a@b", "https://example.com:8080/a@b"),
    ],
)
def test_what_looks_like_a_key_is_masked_and_nothing_else(text: str, shown: str) -> None:
    assert masked(text) == shown


@given(st.text(alphabet="<>&:/@=\"' abcpassword_secretAKI-\n", max_size=300))
def test_masking_ends_and_keeps_the_lines(text: str) -> None:
    assert masked(text).count("\n") <= text.count("\n")


# --- forms -----------------------------------------------------------------------------------------------------------


def test_an_approval_is_answered_with_its_comment(account: Account, desk: Desk) -> None:
    run = asks(account)
    assert "May 1.1.0-" in desk.page(run)
    reply = desk.send(run, "answer", stage="Approval", action="Approve", answer="Approved", comment=" looks good ")
    assert (reply.status, location(reply).endswith(f"{run.id}/visualization")) == (303, True)
    (given,) = account.asked("PutApprovalResult")
    assert given["result"] == {"summary": "looks good", "status": "Approved"}


def test_a_rejection_needs_a_reason(account: Account, desk: Desk) -> None:
    run = asks(account)
    fields = {"stage": "Approval", "action": "Approve", "answer": "Rejected"}
    assert b"needs a comment" in desk.send(run, "answer", **fields, comment=" ").body
    assert account.asked("PutApprovalResult") == []
    assert desk.send(run, "answer", **fields, comment="no").status == 303


def test_an_answer_is_for_the_run_that_was_seen_and_for_no_other(account: Account, desk: Desk) -> None:
    seen = asks(account)
    asks(account, 2)
    reply = desk.send(seen, "answer", stage="Approval", action="Approve", answer="Approved")
    assert reply.status == 403
    assert account.asked("PutApprovalResult") == []


def test_a_failed_stage_is_retried(account: Account, desk: Desk) -> None:
    run = account.run("main", 1, "Failed", at="Staging")
    assert "Retry the failed actions of Staging" in desk.page(run)
    assert desk.send(run, "retry", stage="Staging").status == 303
    (given,) = account.asked("RetryStageExecution")
    assert (given["stageName"], given["retryMode"]) == ("Staging", "FAILED_ACTIONS")
    assert desk.send(run, "retry", stage="Test").status == 403


def test_a_run_is_stopped_or_abandoned(account: Account, desk: Desk) -> None:
    run = account.run("main", 1, "InProgress", at="Staging")
    desk.send(run, "stop", reason="wrong branch")
    desk.send(run, "stop", reason="", abandon="yes")
    first, second = account.asked("StopPipelineExecution")
    assert (first["abandon"], first["reason"]) == (False, "wrong branch")
    assert (second["abandon"], "reason" in second) == (True, False)


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none", ""])
def test_a_form_from_elsewhere_does_nothing(account: Account, desk: Desk, site: str) -> None:
    run = account.run("main", 1, "InProgress", at="Staging")
    assert desk.send(run, "stop", site=site).status == 403
    assert account.asked("StopPipelineExecution") == []


@pytest.mark.parametrize("key", ["", "guessed", "\ufffd"])
def test_a_form_without_our_key_does_nothing(account: Account, desk: Desk, key: str) -> None:
    run = account.run("main", 1, "InProgress", at="Staging")
    assert desk.send(run, "stop", key=key).status == 403
    assert account.asked("StopPipelineExecution") == []


def test_a_console_that_only_looks_shows_no_form_and_takes_none(account: Account) -> None:
    desk, run = Desk(account, actions=False), asks(account)
    assert "<form" not in desk.page(run)
    assert "waits for approval" in desk.page(run)
    assert b"--allow-actions" in desk.send(run, "stop").body
    assert account.asked("StopPipelineExecution") == []


def test_what_aws_refuses_is_said(account: Account, desk: Desk) -> None:
    run = account.run("main", 1)
    reply = desk.send(run, "stop")
    assert reply.status == 502
    assert b"PipelineExecutionNotStoppableException" in reply.body


# --- errors ----------------------------------------------------------------------------------------------------------


def test_an_unknown_pipeline_run_or_region_is_no_page(account: Account, desk: Desk) -> None:
    assert desk.get("/absent/view").status == 404
    assert desk.get(f"/{PIPELINE}/executions/{run_id(9)}/visualization").status == 404
    assert desk.get(f"/{PIPELINE}/executions/{'0' * 36}/visualization").status == 404
    assert desk.get(region="us/../x").status == 404


def test_a_person_without_rights_is_told_what_is_missing(account: Account, desk: Desk) -> None:
    def refuse(_given: object) -> dict[str, object]:
        raise Refused("AccessDeniedException", "may not perform: codepipeline:ListPipelines")

    account.on("codepipeline.ListPipelines", refuse)
    reply = desk.get()
    assert reply.status == 403
    assert b"may not perform: codepipeline:ListPipelines" in reply.body


def test_an_aws_that_cannot_be_reached_is_told(account: Account, desk: Desk) -> None:
    nowhere = {"endpoint_url": "http://127.0.0.1:9", "aws_access_key_id": "x", "aws_secret_access_key": "x"}
    once = Config(retries={"max_attempts": 0})
    session = boto3.session.Session()
    console = replace(desk.console, clients=lambda service, _: session.client(service, config=once, **nowhere))
    reply = answer(console, Request("GET", BASE, {}))
    assert reply.status == 502
    assert b"AWS cannot be reached" in reply.body
