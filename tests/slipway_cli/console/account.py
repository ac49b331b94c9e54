"""An AWS account in memory for the console: CodePipeline, builds and logs, each answer measured by botocore's model."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

import boto3
import botocore.session
from botocore.validate import ParamValidator

from slipway_cli.console.pages import answer
from slipway_cli.console.web import BASE, Console, Reply, Request
from tests.support.fake_aws import Refused
from tests.support.fake_codepipeline import FakeCodePipeline, FakeRun

Json = dict[str, Any]
PIPELINE = "allthrive-main"
BUILD = "allthrive-e2e:11111111-2222-4333-8444-555555555555"


@functools.cache
def model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


def checked(service: str, operation: str, content: Json) -> Json:
    """An answer that the service may give."""
    shape = model(service).operation_model(operation).output_shape
    assert not ParamValidator().validate(content, shape).has_errors(), content
    return content


class Account(FakeCodePipeline):
    """One account with the pipelines of a product."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: dict[str, list[Json]] = {}
        self.builds: dict[str, Json] = {}
        self.cases: list[Json] = []
        self.serve(
            "codepipeline", "ListPipelines", lambda _: {"pipelines": [{"name": name} for name in self.pipelines]}
        )
        self.serve("codepipeline", "GetPipeline", self._declared)
        self.serve("codepipeline", "ListActionExecutions", self._every_action)
        self.serve("codebuild", "BatchGetBuilds", lambda given: {"builds": [self.builds[it] for it in given["ids"]]})
        self.serve("codebuild", "BatchGetReports", self._reported)
        self.serve("codebuild", "DescribeTestCases", self._failed_cases)
        self.serve("logs", "GetLogEvents", self._events)
        self.serve("logs", "FilterLogEvents", lambda given: {"events": self.lines.get(given["logGroupName"], [])})
        self.serve("lambda", "GetFunctionConfiguration", lambda _: {"LoggingConfig": {"LogGroup": "functions"}})

    def serve(self, service: str, operation: str, handler: Callable[[Json], Json]) -> None:
        event = {"logs": "cloudwatchlogs"}.get(service, service)
        self.on(f"{event}.{operation}", lambda given: checked(service, operation, handler(given)))

    def _declared(self, given: Json) -> Json:
        stages = [
            {
                "name": stage.name,
                "actions": [
                    {
                        "name": each.name,
                        "runOrder": each.run_order,
                        "actionTypeId": {"category": "Build", "owner": "AWS", "provider": "CodeBuild", "version": "1"},
                    }
                    for each in stage.actions
                ],
            }
            for stage in self._pipeline(given["name"]).delivery.stages
        ]
        return {"pipeline": {"name": given["name"], "roleArn": "arn:aws:iam::111122223333:role/p", "stages": stages}}

    def _every_action(self, given: Json) -> Json:
        if given.get("filter"):
            return self._actions(given)
        runs = self._pipeline(given["pipelineName"]).runs
        return {"actionExecutionDetails": [step for run in runs[::-1] for step in run.steps[::-1]]}

    def _events(self, given: Json) -> Json:
        found, first = self.lines[given["logStreamName"]], int(given.get("nextToken", "f/0").removeprefix("f/"))
        first = first if "nextToken" in given else max(len(found) - given.get("limit", 10000), 0)
        events = [{"timestamp": each["timestamp"], "message": each["message"]} for each in found[first:]]
        return {"events": events, "nextForwardToken": f"f/{len(found)}", "nextBackwardToken": "b/0"}

    def _reported(self, given: Json) -> Json:
        counts = {"SUCCEEDED": 11 - len(self.cases), "FAILED": len(self.cases)}
        summary = {"total": 11, "statusCounts": counts, "durationInNanoSeconds": 1}
        group = "arn:aws:codebuild:us-east-1:111122223333:report-group/e2e-tests"
        return {
            "reports": [
                {"arn": arn, "type": "TEST", "reportGroupArn": group, "testSummary": summary}
                for arn in given["reportArns"]
            ]
        }

    def _failed_cases(self, given: Json) -> Json:
        return {"testCases": self.cases if given["filter"]["status"] == "FAILED" else []}

    # --- what a test sets --------------------------------------------------------------------------------------------

    def build(self, step: Json, *lines: str, over: bool = True) -> None:
        """Make an action one that CodeBuild does, with this log."""
        step["input"]["actionTypeId"]["provider"] = "CodeBuild"
        step["input"]["region"] = "us-east-1"
        step["input"]["configuration"] = {"ProjectName": "allthrive-e2e"}
        step["output"].setdefault("executionResult", {})["externalExecutionId"] = BUILD
        self.lines["stream"] = self.logged(step, *lines)
        logs = {"groupName": "/aws/codebuild/allthrive-e2e", "streamName": "stream"}
        phase = "COMPLETED" if over else "BUILD"
        self.builds[BUILD] = {
            "id": BUILD,
            "logs": logs,
            "buildComplete": over,
            "currentPhase": phase,
            "reportArns": ["arn:aws:codebuild:us-east-1:111122223333:report/e2e-tests:1"],
        }

    def function(self, step: Json, *lines: str) -> None:
        """Make an action one that a function does, with these lines."""
        step["input"]["actionTypeId"] |= {"category": "Invoke", "provider": "Lambda"}
        step["input"]["region"] = "us-east-1"
        step["input"]["configuration"] = {"FunctionName": "deploy-release", "UserParameters": "canary-of-parameters"}
        self.lines["functions"] = self.logged(step, *lines)

    @staticmethod
    def logged(step: Json, *lines: str) -> list[Json]:
        start = int(step["startTime"] * 1000)
        return [{"timestamp": start + index, "message": line} for index, line in enumerate(lines)]

    def asked(self, operation: str) -> list[Json]:
        """The request of an operation."""
        return [given for name, given in self.calls if name == f"codepipeline.{operation}"]


class Desk:
    """A person at the console."""

    def __init__(self, account: Account, *, actions: bool = True) -> None:
        self.account = account
        self.console = Console(
            clients=lambda service, region: boto3.client(service, region_name=region),
            region="us-east-1",
            github="https://github.example",
            actions=actions,
            every=1.0,
            now=lambda: datetime.fromtimestamp(account.clock.time, UTC),
        )

    def get(self, path: str = "", **query: str) -> Reply:
        return answer(self.console, Request("GET", BASE + path, query))

    def page(self, run: FakeRun, **query: str) -> str:
        """The text of a run's page."""
        reply = self.get(f"/{PIPELINE}/executions/{run.id}/visualization", **query)
        assert reply.status == 200, reply.body
        return reply.body.decode()

    def send(
        self, run: FakeRun, verb: str, *, site: str = "same-origin", key: str | None = None, **fields: str
    ) -> Reply:
        """Send a form of a run's page."""
        given = {"key": self.console.key if key is None else key, **fields}
        path = f"{BASE}/{PIPELINE}/executions/{run.id}/{verb}"
        headers = {"sec-fetch-site": site, "host": "localhost:1"}
        return answer(self.console, Request("POST", path, {}, headers, urlencode(given).encode()))

    def log(self, run: FakeRun, stage: str, action: str, cursor: str = "") -> Json:
        """The part of a log that the script reads."""
        path = f"/{PIPELINE}/executions/{run.id}/log"
        found: Json = json.loads(self.get(path, stage=stage, action=action, cursor=cursor).body)
        return found


def location(reply: Reply) -> str:
    """Where a reply leads."""
    return urlsplit(reply.headers["Location"]).path


__all__ = ["BUILD", "PIPELINE", "Account", "Desk", "Refused", "location"]
