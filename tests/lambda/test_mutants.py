"""Mutation tests: each defect planted in a handler makes the named test of that handler fail."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from paths import ROOT

SOURCE = ROOT / "lambda"
TESTS = Path(__file__).parent


@dataclass(frozen=True)
class Defect:
    """A change to the source of a handler that a test must notice."""

    wrong: str
    """The consequence of the change."""
    file: str
    before: str
    after: str
    test: str
    """The test that must fail: `module::test`, both without `test_`."""


JOB = "shared/job.py"
MIGRATIONS = "run_migrations/handler.py"
DEPLOY = "deploy_release/handler.py"
PROMOTE = "promote_image/handler.py"
REGISTRY = "shared/registry.py"
PAGE = "shared/status_page.py"
ROLLOUT = "deploy_hosts/rollout.py"
COMMANDS = "deploy_hosts/commands.py"
VERIFY = "verify_release/handler.py"
CANCEL = "cancel_superseded/handler.py"
REPORT = "report_failure/handler.py"
_BROKEN = r"\b(Name|Attribute|Type|Import|ModuleNotFound|Syntax|Indentation)Error\b"
RANDOM = '__import__("uuid").uuid4().hex'

DEFECTS = (
    Defect(
        "each continuation is a job of its own, with a client token of its own: a second migration starts",
        JOB,
        'self.state.setdefault("key", str(inner(event, _JOB, "id")))',
        'str(inner(event, _JOB, "id"))',
        "run_migrations::a_task_whose_start_was_never_confirmed_is_found_and_stopped_at_the_deadline",
    ),
    Defect(
        "an unexpected exception leaves the job without an answer",
        JOB,
        'except Exception as error:\n        log.exception("the handler failed")',
        'except ZeroDivisionError as error:\n        log.exception("the handler failed")',
        "job::an_exception_is_a_failure_that_names_it",
    ),
    Defect(
        "a failure is logged, but not reported to CodePipeline: the action hangs for 20 minutes",
        JOB,
        "        _fail(job_id, failure)\n        return",
        "        return",
        "job::there_is_exactly_one_answer",
    ),
    Defect(
        "CodePipeline refuses a failure's message for its length",
        JOB,
        'shortened(str(failure) or "no reason was given", _MESSAGE_LIMIT)',
        "str(failure)",
        "run_migrations::a_long_log_is_shortened_and_keeps_its_beginning_and_end",
    ),
    Defect(
        "an action that never ends is waited for without a limit",
        JOB,
        "if job.overdue:",
        "if False:",
        "job::an_action_that_never_ends_fails_at_the_deadline",
    ),
    Defect(
        "every call moves the deadline",
        JOB,
        'self.number("until", int(now() + 60 * self.minutes))',
        "self.extend(self.minutes)",
        "job::an_action_that_never_ends_fails_at_the_deadline",
    ),
    Defect(
        "an action in progress is reported as a success",
        JOB,
        'answer["continuationToken"] = result.token',
        "pass",
        "job::there_is_exactly_one_answer",
    ),
    Defect(
        "a transient fault ends the action",
        JOB,
        "if not transient(error):",
        "if True:",
        "publish_release::a_rate_limit_is_waited_for",
    ),
    Defect(
        "an answer that never arrived counts as given, and Lambda does not call again",
        JOB,
        "if code(error) not in _ANSWERED:\n            raise",
        "if False:\n            raise",
        "job::if_codepipeline_cannot_be_reached_the_function_raises_so_that_lambda_calls_again",
    ),
    Defect(
        "each call uses a new client token: a second migration starts",
        MIGRATIONS,
        "clientToken=job.key",
        f"clientToken={RANDOM}",
        "run_migrations::a_task_whose_start_was_never_confirmed_is_found_and_stopped_at_the_deadline",
    ),
    Defect(
        "RunTask's `failures` are ignored: a lack of capacity crashes the handler",
        MIGRATIONS,
        'if not started["tasks"]:',
        "if False:",
        "run_migrations::a_lack_of_capacity_is_waited_for",
    ),
    Defect(
        "any reason not to start is waited for like a lack of capacity",
        MIGRATIONS,
        "if all(_lacks_capacity(reason) for reason in reasons):",
        "if True:",
        "run_migrations::another_reason_not_to_start_fails_at_once",
    ),
    Defect(
        "a missing exit code counts as 0",
        MIGRATIONS,
        '.get("exitCode") != 0',
        '.get("exitCode", 0) != 0',
        "run_migrations::a_missing_exit_code_never_counts_as_0",
    ),
    Defect(
        "a task that was stopped counts as migrated if it ended with 0",
        MIGRATIONS,
        ' and task.get("stopCode", "EssentialContainerExited") == "EssentialContainerExited"',
        "",
        "run_migrations::a_task_that_somebody_stopped_fails_even_with_exit_code_0",
    ),
    Defect(
        "a task that ECS does not list yet is given up, and keeps running",
        MIGRATIONS,
        'if job.seconds_since("begun") > _UNKNOWN_SECONDS:',
        "if True:",
        "run_migrations::a_task_that_ecs_does_not_list_yet_is_read_again",
    ),
    Defect(
        "the migration keeps running after the deadline",
        MIGRATIONS,
        ", abandon=stop",
        "",
        "run_migrations::at_the_deadline_the_task_is_stopped_and_the_action_fails",
    ),
    Defect(
        "the migrations of another image run",
        MIGRATIONS,
        'if not any(image.endswith(f"@{settings.image}") for image in images):',
        "if False:",
        "run_migrations::a_stack_that_names_another_image_is_refused_before_anything_runs",
    ),
    Defect(
        "a release that was rolled back counts as a success",
        DEPLOY,
        'if status != "UPDATE_COMPLETE":',
        'if status == "UPDATE_ROLLBACK_COMPLETE":\n        return Done(status)\n    if status != "UPDATE_COMPLETE":',
        "deploy_release::a_failure_names_its_first_cause_and_the_release_that_runs_again",
    ),
    Defect(
        "an update of somebody else counts as ours",
        DEPLOY,
        'if event.get("ClientRequestToken") in tokens:',
        "if True:",
        "deploy_release::a_failed_update_of_somebody_else_does_not_count_as_ours",
    ),
    Defect(
        "a release under load scales the service in",
        DEPLOY,
        "str(max(running, count.minimum))",
        "str(count.minimum)",
        "deploy_release::a_release_changes_its_parameters_and_nothing_else",
    ),
    Defect(
        "the update is not cancelled at the deadline",
        DEPLOY,
        "_cancel(job, settings, cloudformation)\n        done",
        "pass\n        done",
        "deploy_release::at_the_deadline_the_update_is_cancelled_and_its_rollback_is_waited_for",
    ),
    Defect(
        "hosts that got the release before another failed keep it",
        ROLLOUT,
        '            state["back"] = at - 1',
        '            state["back"] = -1',
        "deploy_hosts::a_host_that_fails_returns_all_hosts_to_the_release_before",
    ),
    Defect(
        "a host is replaced while the load balancer sends it requests",
        ROLLOUT,
        "self._fleet.leave(self._job, host)\n            state",
        "None\n            state",
        "deploy_hosts::a_release_reaches_host_after_host",
    ),
    Defect(
        "a host with another exit code than 0 counts as released",
        ROLLOUT,
        "if ended.good and report",
        "if True or report",
        "deploy_hosts::a_host_that_fails_returns_all_hosts_to_the_release_before",
    ),
    Defect(
        "a command whose confirmation was lost is sent again",
        COMMANDS,
        'if invocation.get("Comment") == _comment(job):',
        "if False:",
        "deploy_hosts::a_command_whose_confirmation_was_lost_is_found_and_not_sent_again",
    ),
    Defect(
        "a command that hangs is left running at the deadline",
        COMMANDS,
        'self._ssm.cancel_command(CommandId=job.state["command"])',
        "pass",
        "deploy_hosts::a_command_that_hangs_is_cancelled_at_the_deadline_and_all_hosts_return",
    ),
    Defect(
        "another number of hosts than expected is released",
        "deploy_hosts/fleet.py",
        "if len(hosts) != expected else",
        "if False else",
        "deploy_hosts::another_number_of_hosts_than_expected_fails_before_anything_is_sent",
    ),
    Defect(
        "an artifact that was changed after the build reaches the hosts",
        "deploy_hosts/releases.py",
        "if found != release.bundle:",
        "if False:",
        "deploy_hosts_inputs::a_bundle_that_is_not_the_builds_is_refused",
    ),
    Defect(
        "the manifest's bytes are not compared with the digest",
        REGISTRY,
        "if actual != image.digest:",
        "if False:",
        "promote_image::a_manifest_whose_bytes_differ_from_its_digest_is_never_tagged",
    ),
    Defect(
        "the tag is not verified after the registry accepted it",
        PROMOTE,
        "if found != image.digest:",
        "if False:",
        "promote_image::a_registry_that_accepts_a_tag_but_stores_another_digest_is_detected",
    ),
    Defect(
        "one image of a release is tagged although another cannot be",
        PROMOTE,
        "if found not in (None, image.digest):",
        "if False:",
        "promote_image::a_tag_that_names_another_image_fails_before_any_image_is_tagged",
    ),
    Defect(
        "a product that reports another digest counts as verified",
        PAGE,
        ' or digest_or_uri.rpartition("@")[2] not in digests',
        "",
        "verify_release::any_other_report_is_a_failure",
    ),
    Defect(
        "tasks with the old image count as verified",
        VERIFY,
        "if not _intended(container, settings.digests):",
        "if False:",
        "verify_release::a_difference_that_ecs_reports_is_a_failure",
    ),
    Defect(
        "a late event stops the newer run",
        CANCEL,
        "entry.started < own.started",
        "entry.id != own.id",
        "cancel_superseded::a_newer_run_is_never_stopped_by_a_late_event",
    ),
    Defect(
        "a run that releases to production is stopped half way",
        CANCEL,
        "if reached:",
        "if False:",
        "cancel_superseded::a_run_that_has_entered_a_protected_stage_is_not_stopped",
    ),
    Defect(
        "runs of other branches are stopped",
        CANCEL,
        "if settings.branch or read(change.pipeline, entry.id).group == group:",
        "if True:",
        "cancel_superseded::a_run_of_another_branch_is_not_stopped",
    ),
    Defect(
        "each failure opens an issue",
        REPORT,
        "if not issues:",
        "if True:",
        "report_failure::a_second_failure_is_a_comment",
    ),
    Defect(
        "a late event opens an issue for a pipeline that works again",
        REPORT,
        ' and not self._newer("Succeeded", listed)',
        "",
        "report_failure::a_late_failure_opens_no_issue_for_a_pipeline_that_works_again",
    ),
    Defect(
        "a release overwrites the tag of another commit",
        "publish_release/handler.py",
        "if found not in (None, settings.commit):",
        "if False:",
        "publish_release::a_tag_on_another_commit_is_never_moved",
    ),
    Defect(
        "each call uses a new caller reference: invalidations pile up",
        "invalidate_cache/handler.py",
        '"CallerReference": job.key',
        f'"CallerReference": {RANDOM}',
        "invalidate_cache::whatever_fails_there_is_one_invalidation_and_one_answer",
    ),
    Defect(
        "a channel that fails silences the others",
        "notify/handler.py",
        "except Exception as error:  # noqa: BLE001",
        "except ZeroDivisionError as error:  # noqa: BLE001",
        "notify::a_channel_that_fails_stops_no_other_and_is_named_without_its_address",
    ),
    Defect(
        "a repeated step generates another password than the database has",
        "rotate_database_password/handler.py",
        'if "AWSPENDING" in self._stages().get(self._version, []) and self._has_value():',
        "if False:",
        "rotate_database_password::creating_twice_keeps_the_first_password",
    ),
    Defect(
        "the password of the running tasks is changed",
        "rotate_database_password/handler.py",
        "and not self._is_current()",
        "and False",
        "rotate_database_password::a_pending_password_of_the_user_in_use_is_not_set",
    ),
    Defect(
        "a server that does not know the password counts as the database",
        "database/postgres.py",
        "if not self._signature or not hmac.compare_digest(expected.encode(), answer.encode()):",
        "if not self._signature:",
        "postgres::a_server_that_does_not_know_the_password_is_not_the_database",
    ),
)


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.wrong)
def test_a_planted_defect_is_caught(defect: Defect, tmp_path: Path) -> None:
    source = copied(tmp_path)
    plant(defect, source)

    code, output = run([defect.test], source)

    assert code == pytest.ExitCode.TESTS_FAILED, output
    assert re.search(r"^1 failed", output, re.MULTILINE), output
    assert not re.search(_BROKEN, output), f"the changed source does not run at all:\n{output}"


@pytest.mark.slow
@pytest.mark.long
def test_the_same_tests_pass_without_a_defect(tmp_path: Path) -> None:
    code, output = run(sorted({defect.test for defect in DEFECTS}), copied(tmp_path))

    assert code == pytest.ExitCode.OK, output


def test_every_defect_can_be_planted(tmp_path: Path) -> None:
    for defect in DEFECTS:
        plant(defect, copied(tmp_path / str(DEFECTS.index(defect))))


def copied(folder: Path) -> Path:
    return Path(shutil.copytree(SOURCE, folder / "lambda", ignore=shutil.ignore_patterns("__pycache__")))


def plant(defect: Defect, source: Path) -> None:
    path = source / defect.file
    text = path.read_text(encoding="utf-8")
    found = text.count(defect.before)
    assert found == 1, f"DEFECTS is stale: {defect.file} contains this {found} times, not once:\n{defect.before}"
    path.write_text(text.replace(defect.before, defect.after), encoding="utf-8")


def run(tests: Sequence[str], source: Path) -> tuple[int, str]:
    """Runs pytest with another source of the handlers; returns its exit code and output."""
    named = ["{}/test_{}.py::test_{}".format(TESTS, *test.split("::")) for test in tests]
    options = ["-x", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", "--tb=short", "--hypothesis-profile=planted"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "--override-ini", f"pythonpath=. constructs {source}", *named],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "400"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr
