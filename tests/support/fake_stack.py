"""A stack of services in CloudFormation and ECS, and `deploy_release` on it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from deploy_release import handler
from tests.support.fake_aws import Refused
from tests.support.fake_pipeline import Action

STACK = "production-allthrive-services"
STACK_ID = f"arn:aws:cloudformation:us-east-1:111122223333:stack/{STACK}/1"
OLD = "111122223333.dkr.ecr.us-east-1.amazonaws.com/allthrive/backend@sha256:" + "a" * 64
NEW = OLD.replace("a" * 64, "b" * 64)
RELEASE = {"BackendImage": NEW, "MigrationImage": NEW, "ReleaseVersion": "1.3.0"}
PARAMETERS: dict[str, Any] = {
    "stack": STACK,
    "parameters": RELEASE,
    "cluster": "production-allthrive-cluster",
    "counts": {"WebDesiredCount": {"service": "production-allthrive-web", "minimum": 2}},
}
EDGE = "production-allthrive-edge"
SITE: dict[str, Any] = {"SiteDomain": {"stack": EDGE, "output": "DistributionDomainName"}}
MIGRATION_ONLY: dict[str, Any] = {"stack": STACK, "parameters": {"MigrationImage": NEW}}


class Deployment(Action):
    """The action, with fakes of CloudFormation and ECS."""

    def __init__(self, parameters: dict[str, Any] | str | None = None) -> None:
        super().__init__(handler.main, parameters or PARAMETERS)
        self.stack = {"BackendImage": OLD, "MigrationImage": OLD, "ReleaseVersion": "1.2.0", "WebDesiredCount": "2"}
        self.before_update = dict(self.stack)
        self.stack_status = "UPDATE_COMPLETE"
        self.events: list[dict[str, str]] = []
        self.updates: list[dict[str, str]] = []
        self.tokens: set[str] = set()
        self.left = -1
        """The number of reads of events before the update in progress ends; -1 without an update."""
        self.takes = 3
        """The value of `left` when an update starts."""
        self.ends = "UPDATE_COMPLETE"
        self.reason = "Web: ECS Deployment Circuit Breaker was triggered"
        self.running = 5
        self.edge = {"DistributionDomainName": "d1.cloudfront.net"}
        self._event("somebody", "old", STACK, "UPDATE_COMPLETE")
        self.on("cloudformation.DescribeStacks", self._stacks)
        self.on("cloudformation.DescribeStackEvents", self._events)
        self.on("cloudformation.UpdateStack", self._update)
        self.on("cloudformation.CancelUpdateStack", self._cancel)
        self.on("ecs.DescribeServices", self._services)

    def _event(self, token: str, key: str, name: str, status: str, reason: str = "") -> None:
        when = datetime.fromtimestamp(self.clock.time, UTC).isoformat()
        physical = STACK_ID if name == STACK else f"{name}-id"
        self.events.insert(
            0,
            {
                "StackId": STACK_ID,
                "EventId": f"{key}-{len(self.events)}",
                "StackName": STACK,
                "LogicalResourceId": name,
                "PhysicalResourceId": physical,
                "ResourceStatus": status,
                "Timestamp": when,
                "ClientRequestToken": token,
                **({"ResourceStatusReason": reason} if reason else {}),
            },
        )

    def _advance(self) -> None:
        """Brings the update in progress one step further: each time its events are read."""
        if self.left < 0:
            return
        self.left -= 1
        if self.left >= 0:
            return
        if self.ends == "UPDATE_COMPLETE":
            self._event(self.token_of_update, "u", "Web", "UPDATE_COMPLETE")
        else:
            self._event(self.token_of_update, "u", "Web", "UPDATE_FAILED", self.reason)
            self._event(self.token_of_update, "u", "Celery", "UPDATE_FAILED", "Resource update cancelled")
            self._event(self.token_of_update, "u", STACK, "UPDATE_ROLLBACK_IN_PROGRESS", "Web failed")
            self._event(self.token_of_update, "u", "Beat", "UPDATE_FAILED", "a consequence")
            self.stack = dict(self.before_update)
        self.stack_status = self.ends
        self._event(self.token_of_update, "u", STACK, self.ends)

    def _stacks(self, given: dict[str, Any]) -> str:
        if given["StackName"] == EDGE:
            return self._edge()
        parameters = "".join(
            f"<member><ParameterKey>{key}</ParameterKey><ParameterValue>{value}</ParameterValue></member>"
            for key, value in self.stack.items()
        )
        return (
            "<DescribeStacksResponse><DescribeStacksResult><Stacks><member>"
            f"<StackName>{STACK}</StackName><StackStatus>{self.stack_status}</StackStatus>"
            f"<Parameters>{parameters}</Parameters>"
            "</member></Stacks></DescribeStacksResult></DescribeStacksResponse>"
        )

    def _edge(self) -> str:
        outputs = "".join(
            f"<member><OutputKey>{key}</OutputKey><OutputValue>{value}</OutputValue></member>"
            for key, value in self.edge.items()
        )
        return (
            "<DescribeStacksResponse><DescribeStacksResult><Stacks><member>"
            f"<StackName>{EDGE}</StackName><Outputs>{outputs}</Outputs>"
            "</member></Stacks></DescribeStacksResult></DescribeStacksResponse>"
        )

    def _events(self, given: dict[str, Any]) -> str:
        if "NextToken" not in given:
            self._advance()
        start = int(given.get("NextToken", 0))
        page = self.events[start : start + 3]
        following = f"<NextToken>{start + 3}</NextToken>" if start + 3 < len(self.events) else ""
        members = "".join(
            "<member>" + "".join(f"<{key}>{value}</{key}>" for key, value in event.items()) + "</member>"
            for event in page
        )
        return (
            "<DescribeStackEventsResponse><DescribeStackEventsResult>"
            f"<StackEvents>{members}</StackEvents>{following}"
            "</DescribeStackEventsResult></DescribeStackEventsResponse>"
        )

    def _update(self, given: dict[str, Any]) -> str:
        assert given["UsePreviousTemplate"] == "true"
        token = given["ClientRequestToken"]
        if token in self.tokens:
            raise Refused("TokenAlreadyExistsException")
        if self.stack_status.endswith("_IN_PROGRESS"):
            raise Refused("ValidationError", f"Stack is in {self.stack_status} state and can not be updated.")
        wanted = dict(self.stack)
        for number in range(1, len(self.stack) + 1):
            key = given[f"Parameters.member.{number}.ParameterKey"]
            wanted[key] = given.get(f"Parameters.member.{number}.ParameterValue", self.stack[key])
        if wanted == self.stack:
            raise Refused("ValidationError", "No updates are to be performed.")
        self.tokens.add(token)
        self.updates.append(wanted)
        self.before_update, self.stack = dict(self.stack), wanted
        self.stack_status, self.left, self.token_of_update = "UPDATE_IN_PROGRESS", self.takes, token
        self._event(token, "u", STACK, "UPDATE_IN_PROGRESS", "User Initiated")
        return "<UpdateStackResponse><UpdateStackResult/></UpdateStackResponse>"

    def _cancel(self, given: dict[str, Any]) -> str:
        self.token_of_update = given["ClientRequestToken"]
        self.ends, self.left = "UPDATE_ROLLBACK_COMPLETE", 2
        return "<CancelUpdateStackResponse/>"

    def _services(self, _: dict[str, Any]) -> dict[str, Any]:
        service = {"serviceName": "production-allthrive-web", "status": "ACTIVE", "desiredCount": self.running}
        return {"services": [service], "failures": []}

    def somebody_updates(self, steps: int) -> None:
        """Starts an update that is not the action's and takes this many steps."""
        self.stack_status, self.left, self.token_of_update = "UPDATE_IN_PROGRESS", steps, "somebody"
        self._event("somebody", "s", STACK, "UPDATE_IN_PROGRESS")

    def replace(self, **changes: Any) -> Deployment:
        self.parameters = json.dumps({**PARAMETERS, **changes})
        return self
