"""The review in the flow `infrastructure`: what a person must approve, environment by environment.

`python -m slipway_cli.review.infrastructure` runs in the build of builds/infrastructure-review.yml, which names the
environment variables that it reads.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shlex
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from products import infrastructure_flow
from slipway_cli.review import forbidden
from slipway_cli.review.access import actions
from slipway_cli.review.assembly import Assembly, Stack, read
from slipway_cli.review.compare import compare, template_errors
from slipway_cli.review.cost.estimate import estimate
from slipway_cli.review.errors import ReviewError
from slipway_cli.review.html.page import Sides, write_page
from slipway_cli.review.markdown import markdown
from slipway_cli.review.model import Action, Report, ResourceChange, Section, StackChange
from slipway_cli.review.sections import with_cost_and_diagrams
from slipway_cli.texts import plain

_POLL_SECONDS = 10
_LONGEST = 180  # characters of a reason, which the approval shows
# Every change replaces these, and nothing is lost: their identity is their content.
_VERSIONS = frozenset({"AWS::ECS::TaskDefinition", "AWS::Lambda::Version"})
_ASKING = {
    "replace-stateful": "data store replaced",
    "delete-stateful": "data store deleted",
    "broaden-iam": "permissions grow",
    "open-network": "network opens",
    "weaken-protection": "protection weakened",
    "deployment-fails": "the deployment would fail",
    "stack-removed": "stack removed from the app",
}


@dataclass(frozen=True)
class Verdict:
    """Whether a person must approve the change of a target, and why."""

    target: str
    reasons: tuple[str, ...]

    @property
    def why(self) -> str:
        """The reasons as one short line, without characters that a variable of CodePipeline may not have."""
        text = plain("; ".join(self.reasons)) or "nothing to approve"
        return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def verdict(target: str, report: Report, more: Decimal, *, limit: int, always: bool = False) -> Verdict:
    """Returns the verdict about one target. `more` is the increase of its cost, in US dollars per month."""
    stacks = [stack for stack in report.stacks if stack.environment == target]
    names = {stack.name for stack in stacks}
    counted: dict[str, int] = {}
    for finding in report.findings:
        if finding.rule in _ASKING and (finding.stack in names or finding.rule == "stack-removed"):
            counted[_ASKING[finding.rule]] = counted.get(_ASKING[finding.rule], 0) + 1
    gone = [change for stack in stacks for change in stack.resources if _gone(stack, change)]
    reasons = [words if count == 1 else f"{words} ({count})" for words, count in counted.items()]
    if gone:
        first = f"{gone[0].stack}/{gone[0].path}"
        reasons.append(f"replaced or deleted: {first}{f' and {len(gone) - 1} more' if len(gone) > 1 else ''}")
    if more > limit:
        reasons.append(f"+${more:.0f} a month, limit ${limit}")
    if always and stacks:
        reasons.append("the manifest asks always")
    return Verdict(target, tuple(reasons))


def _gone(stack: StackChange, change: ResourceChange) -> bool:
    removed = change.action is Action.REMOVE or stack.action is Action.REMOVE
    return (removed or change.replaced) and change.type not in _VERSIONS


def deployed(like: Assembly, client: Callable[[Stack], Any]) -> Assembly:
    """Returns the deployed stacks with the names of an assembly; those that do not exist yet are left out.

    `client` returns None for a stack of an environment without a role that reads it.

    Raises:
        ReviewError: if one cannot be read, or is not a template of the CDK.
    """
    found = []
    for stack in like.stacks:
        reader = client(stack)
        if reader is None:
            continue
        try:
            body = reader.get_template(StackName=stack.name, TemplateStage="Original")["TemplateBody"]
        except ClientError as error:
            if "does not exist" in str(error):
                continue
            raise ReviewError(f"CloudFormation does not return the template of {stack.name}: {error}") from None
        if not isinstance(body, Mapping):
            raise ReviewError(
                f"the deployed template of {stack.name} was not written by the CDK; deploy it by hand once"
            )
        found.append(replace(stack, template=body))
    return Assembly(tuple(found), like.version)


def template_digest(template: object) -> str:
    """Returns the digest of a template that builds/programs/cloud_assembly.py computes before the deployment."""
    return hashlib.sha256(json.dumps(template, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def wait_for_older(codepipeline: Any, pipeline: str, execution: str, stages: Iterable[str], minutes: float) -> None:
    """Waits until no other run is in one of the stages: it would change what this run compares with.

    Raises:
        ReviewError: if another run is still there after this time, with what to type.
    """
    later, deadline = set(stages), time.monotonic() + 60 * minutes
    while True:
        states = codepipeline.get_pipeline_state(name=pipeline)["stageStates"]
        other = [
            (state["stageName"], state["latestExecution"]["pipelineExecutionId"])
            for state in states
            if state["stageName"] in later
            and state.get("latestExecution", {}).get("status") == "InProgress"
            and state["latestExecution"]["pipelineExecutionId"] != execution
        ]
        if not other:
            return
        stage, run = other[0]
        if time.monotonic() >= deadline:
            raise ReviewError(
                f"run {run[:8]} is in {stage} since more than {minutes:g} minutes, and would change what this run is "
                "compared with. If it waits for approval, answer it: slipway approve infrastructure, or slipway reject "
                "infrastructure --reason '…'; then: slipway retry infrastructure"
            )
        print(f"Run {run[:8]} is in {stage}; waiting until it has ended.", flush=True)  # noqa: T201 - the build's log
        time.sleep(_POLL_SECONDS)


def wait_for_tests(codepipeline: Any, pipeline: str, commit: str, actions: Iterable[str], minutes: float) -> None:
    """Waits until the actions of another pipeline have succeeded with the same commit.

    Raises:
        ReviewError: if one has failed, or not all have succeeded after this time, with what to type.
    """
    wanted, deadline = tuple(actions), time.monotonic() + 60 * minutes
    retry = f"then: slipway retry {infrastructure_flow.NAME}"
    while True:
        run, ended, states = _tested(codepipeline, pipeline, commit)
        left = [action for action in wanted if states.get(action) != "Succeeded"]
        if run and not left:
            return
        if ended:
            raise ReviewError(
                f"{left[0]} of {pipeline} did not succeed with commit {commit[:7]} (run {run[:8]} is {ended}), so "
                f"nothing is deployed. Push a fix, or repair that run: slipway retry; {retry}"
            )
        if time.monotonic() >= deadline:
            seen = f"run {run[:8]} of {pipeline} has not passed {left[0]}" if run else f"{pipeline} has no run"
            raise ReviewError(
                f"{seen} of commit {commit[:7]} since more than {minutes:g} minutes. See: slipway status; when it has, "
                f"{retry}"
            )
        print(f"Waiting for {left[0]} of {pipeline} with {commit[:7]}.", flush=True)  # noqa: T201 - as below
        time.sleep(_POLL_SECONDS)


def _tested(codepipeline: Any, pipeline: str, commit: str) -> tuple[str, str, dict[str, str]]:
    """Returns the newest run of a commit, its status if it has ended, and the status of each action's last attempt."""
    summaries = codepipeline.list_pipeline_executions(pipelineName=pipeline)["pipelineExecutionSummaries"]
    found = next(
        (run for run in summaries if commit in {source.get("revisionId") for source in run.get("sourceRevisions", ())}),
        None,
    )
    if found is None:
        return "", "", {}
    run, status = str(found["pipelineExecutionId"]), str(found["status"])
    pages = codepipeline.get_paginator("list_action_executions")
    details = [
        detail
        for page in pages.paginate(pipelineName=pipeline, filter={"pipelineExecutionId": run})
        for detail in page["actionExecutionDetails"]
    ]
    states = {f"{detail['stageName']}/{detail['actionName']}": str(detail["status"]) for detail in reversed(details)}
    return run, "" if status in ("InProgress", "Stopping") else status, states


class Sessions:
    """Clients of CloudFormation: each target's as the role that may read its stacks."""

    def __init__(self, roles: Mapping[str, str]) -> None:
        self._roles = roles
        self._clients: dict[tuple[str, str], Any] = {}
        self.unread: set[str] = set()
        """The targets whose role cannot be assumed, since it does not exist before the first deployment."""

    def client(self, stack: Stack) -> Any:
        """Returns the client for a stack; None if its target cannot be read."""
        key = (stack.environment, stack.region)
        if key not in self._clients and stack.environment not in self.unread:
            try:
                keys = self._keys(stack.environment)
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") != "AccessDenied":
                    raise
                self.unread.add(stack.environment)
            else:
                self._clients[key] = boto3.client("cloudformation", region_name=stack.region, **keys)
        return self._clients.get(key)

    def _keys(self, target: str) -> dict[str, str]:
        role = self._roles.get(target)
        if not role:
            return {}
        answer = boto3.client("sts").assume_role(RoleArn=role, RoleSessionName="slipway-review")["Credentials"]
        return {
            "aws_access_key_id": answer["AccessKeyId"],
            "aws_secret_access_key": answer["SecretAccessKey"],
            "aws_session_token": answer["SessionToken"],
        }


def run(folder: Path, output: Path, variables: Mapping[str, str]) -> list[Verdict]:
    """Writes the report and the variables of the build; returns the verdicts.

    Raises:
        ReviewError: if a stack cannot be compared.
    """
    wanted, roles = read(folder), json.loads(variables["ROLES"])
    codepipeline, minutes = boto3.client("codepipeline"), float(variables["MINUTES"])
    if after := variables.get("AFTER"):
        wait_for_tests(codepipeline, after, variables["COMMIT"], variables["AFTER_ACTIONS"].split(), minutes)
    wait_for_older(codepipeline, variables["PIPELINE"], variables["EXECUTION"], variables["STAGES"].split(), minutes)
    actions.everything()
    sessions = Sessions(roles)
    current = deployed(wanted, sessions.client)
    report = compare(current, wanted, product=variables["PRODUCT"], base="the deployed stacks")
    was, now = estimate(current.stacks), estimate(wanted.stacks)
    limit, always = int(variables["COST_LIMIT"]), variables["APPROVAL"] == "always"
    verdicts = [
        verdict(target, report, now.total(target) - was.total(target), limit=limit, always=always) for target in roles
    ]
    verdicts = [_unread(found, roles[found.target]) if found.target in sessions.unread else found for found in verdicts]
    with template_errors("costs and diagrams"):
        report = with_cost_and_diagrams(replace(report, sections=(_asked(verdicts),)), current, wanted)
    _write(output, report, Sides(current, wanted))
    reviewed = json.dumps(
        {stack.name: template_digest(stack.template) for stack in current.stacks}, sort_keys=True
    ).encode()
    (output / "reviewed.json").write_bytes(reviewed)
    _export(output, verdicts, hashlib.sha256(reviewed).hexdigest())
    return verdicts


def _unread(found: Verdict, role: str) -> Verdict:
    why = f"first deployment: {role.rpartition('/')[2]} does not exist, or may not be assumed"
    return replace(found, reasons=(why, *found.reasons))


def _asked(verdicts: Iterable[Verdict]) -> Section:
    lines = [
        f"- **{found.target}**: {'waits for a person: ' if found.reasons else ''}{found.why}" for found in verdicts
    ]
    count = sum(bool(found.reasons) for found in verdicts)
    return Section("Approval", "\n".join(lines), f"{count} approvals" if count != 1 else "1 approval")


def _write(output: Path, report: Report, sides: Sides) -> None:
    output.mkdir(parents=True, exist_ok=True)
    judged = forbidden.Verdict()
    (output / "report.md").write_text(markdown(report, verdict=judged, limit=sys.maxsize), encoding="utf-8")
    (output / "comment.md").write_text(markdown(report, verdict=judged, full="the artifact Review"), encoding="utf-8")
    with template_errors("the page"):
        write_page(output / "report.html", report, sides, judged)


def _export(output: Path, verdicts: Iterable[Verdict], digest: str) -> None:
    lines = [f"export REVIEWED={digest}"]
    for found in verdicts:
        name = found.target.upper().replace("-", "_")
        lines.append(f"export APPROVE_{name}={'needed' if found.reasons else 'not-needed'}")
        lines.append(f"export WHY_{name}={shlex.quote(found.why)}")
    (output / "variables.sh").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> int:
    """Runs the command line; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--assembly", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    try:
        verdicts = run(arguments.assembly, arguments.output, os.environ)
    except (ReviewError, BotoCoreError, ClientError) as error:
        print(f"FAILED: {error}", file=sys.stderr)  # noqa: T201 - why the build fails
        return 1
    for found in verdicts:
        print(f"{found.target}: {'a person must approve: ' if found.reasons else ''}{found.why}")  # noqa: T201 - the log
    return 0


if __name__ == "__main__":
    sys.exit(main())
