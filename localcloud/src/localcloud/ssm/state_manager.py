"""State Manager's operations on associations.

docs.aws.amazon.com/systems-manager/latest/APIReference/API_CreateAssociation.html
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from ministack.core.responses import new_uuid

from localcloud.scheduler import times
from localcloud.ssm import documents, interpolation, pages, records, targets
from localcloud.ssm.associations import ASSOCIATIONS, GUARD, Association, Execution, find, mine, place, run_everywhere
from localcloud.ssm.errors import ServiceError, unsupported
from localcloud.ssm.records import STORE, Command

SYMBOLS: tuple[str, ...] = ("ministack.core.responses:new_uuid",)

Request = Mapping[str, Any]
Answer = dict[str, Any]
SHORTEST_INTERVAL = 1800
"""Seconds: reference-cron-and-rate-expressions.html, "cron and rate expressions for associations"."""
_KEPT = (
    "Name",
    "DocumentVersion",
    "Parameters",
    "Targets",
    "ScheduleExpression",
    "AssociationName",
    "MaxErrors",
    "MaxConcurrency",
    "ComplianceSeverity",
    "SyncCompliance",
    "ApplyOnlyAtCronInterval",
)
_REFUSED = (
    "InstanceId",
    "OutputLocation",
    "AutomationTargetParameterName",
    "CalendarNames",
    "TargetLocations",
    "ScheduleOffset",
    "Duration",
    "TargetMaps",
    "AlarmConfiguration",
    "AssociationDispatchAssumeRole",
)
_SUMMARY = (
    "Name",
    "AssociationId",
    "AssociationVersion",
    "DocumentVersion",
    "Targets",
    "LastExecutionDate",
    "Overview",
    "ScheduleExpression",
    "AssociationName",
)


def _wanted(request: Request) -> dict[str, Any]:
    """Returns the members of a request that an association keeps.

    Raises:
        ServiceError: if the document, its parameters, the targets or the schedule are not valid.
    """
    if refused := [name for name in _REFUSED if request.get(name)]:
        raise unsupported(f"{', '.join(refused)} of an association")
    wanted = {name: request[name] for name in _KEPT if request.get(name) not in (None, [], {})}
    document = documents.find(wanted["Name"])
    version = document.version(wanted.get("DocumentVersion", ""))
    interpolation.values(version.parsed, wanted.get("Parameters") or {})
    if not wanted.get("Targets"):
        raise ServiceError("InvalidTarget", "An association needs Targets.")
    targets.check(wanted["Targets"])
    _check_schedule(wanted)
    return wanted


def _check_schedule(wanted: Mapping[str, Any]) -> None:
    expression = str(wanted.get("ScheduleExpression") or "")
    if wanted.get("ApplyOnlyAtCronInterval") and (not expression or expression.startswith("rate")):
        raise ServiceError("ValidationException", "ApplyOnlyAtCronInterval needs a cron expression.")
    if not expression:
        return
    schedule = {"ScheduleExpression": expression, "CreationDate": 0}
    try:
        first = times.next_after(schedule, 0)
        second = None if first is None else times.next_after(schedule, first)
    except ValueError as error:
        raise ServiceError("InvalidSchedule", str(error)) from error
    if first is None:
        raise ServiceError("InvalidSchedule", f"{expression} never comes.")
    if second is not None and second - first < SHORTEST_INTERVAL:
        raise ServiceError("InvalidSchedule", f"{expression} is too often: associations run every 30 minutes at most.")


def _create(request: Request) -> Answer:
    association = Association(new_uuid(), place(), _wanted(request), tags=pages.tags(request.get("Tags")))
    with GUARD:
        same = [found for found in mine() if found.wanted == association.wanted]
        if same:
            raise ServiceError("AssociationAlreadyExists", f"The association {same[0].id} is the same.")
        ASSOCIATIONS[association.id] = association
    if not association.wanted.get("ApplyOnlyAtCronInterval"):
        run_everywhere(association)
    return {"AssociationDescription": _description(association)}


def _update(request: Request) -> Answer:
    association = find(request["AssociationId"])
    wanted = _wanted({"Name": association.wanted["Name"], "Targets": association.wanted["Targets"], **request})
    if request.get("AssociationVersion", "$LATEST") not in ("$LATEST", str(association.version)):
        raise ServiceError("InvalidAssociationVersion", f"The newest version is {association.version}.")
    with GUARD:
        association.wanted, association.updated = wanted, time.time()
        association.version += 1
    if not wanted.get("ApplyOnlyAtCronInterval"):
        run_everywhere(association)
    return {"AssociationDescription": _description(association)}


def _delete(request: Request) -> Answer:
    association = find(request.get("AssociationId"))
    with GUARD:
        ASSOCIATIONS.pop(association.id, None)
    return {}


def _start(request: Request) -> Answer:
    found = [find(identifier) for identifier in request["AssociationIds"]]
    for association in found:
        run_everywhere(association)
    return {}


def _describe(request: Request) -> Answer:
    return {"AssociationDescription": _description(find(request.get("AssociationId")))}


def _command(execution: Execution) -> Command | None:
    return STORE.commands.get(execution.command_id)


def _newest(association: Association) -> dict[str, str]:
    """Returns the details of each node's newest run."""
    found: dict[str, str] = {}
    for execution in association.executions:
        sent = _command(execution)
        found |= {key: copy.details for key, copy in sent.invocations.items()} if sent else {}
    return found


def _overview(association: Association) -> Answer:
    details = _newest(association)
    if not details:
        return {"Status": "Pending", "DetailedStatus": "Pending"}
    bad = [detail for detail in details.values() if detail != records.SUCCESS]
    waits = any(detail in (records.PENDING, records.IN_PROGRESS, records.DELAYED) for detail in bad)
    status = "Pending" if waits else "Failed" if bad else "Success"
    return {
        "Status": status,
        "DetailedStatus": records.IN_PROGRESS if waits else status,
        "AssociationStatusAggregatedCount": dict(Counter(details.values())),
    }


def _description(association: Association) -> Answer:
    with GUARD, STORE.changed:
        runs = association.executions
        good = [run.created for run in runs if (sent := _command(run)) and sent.status == records.SUCCESS]
        return pages.present(
            {
                **association.wanted,
                "AssociationId": association.id,
                "AssociationVersion": str(association.version),
                "DocumentVersion": association.wanted.get("DocumentVersion", "$DEFAULT"),
                "Date": association.created,
                "LastUpdateAssociationDate": association.updated,
                "Overview": _overview(association),
                "LastExecutionDate": runs[-1].created if runs else None,
                "LastSuccessfulExecutionDate": good[-1] if good else None,
            }
        )


def _list(request: Request) -> Answer:
    rows = [_description(association) for association in sorted(mine(), key=lambda found: found.created)]
    for condition in request.get("AssociationFilterList") or ():
        key, value = condition["key"], condition["value"]
        if key == "AssociationStatusName":
            rows = [row for row in rows if row["Overview"]["Status"] == value]
        elif key in ("Name", "AssociationId", "AssociationName"):
            rows = [row for row in rows if row.get(key) == value]
        else:
            raise unsupported(f"the filter {key}")
    shown = [{name: row[name] for name in _SUMMARY if name in row} for row in rows]
    return pages.page(shown, "Associations", request, 50)


def _execution(association: Association, execution: Execution) -> Answer:
    sent = _command(execution)
    counts = Counter(copy.details for copy in sent.invocations.values()) if sent else {}
    return {
        "AssociationId": association.id,
        "AssociationVersion": str(execution.version),
        "ExecutionId": execution.id,
        "Status": sent.status if sent else records.FAILED,
        "DetailedStatus": sent.details if sent else records.FAILED,
        "CreatedTime": execution.created,
        "LastExecutionDate": execution.created,
        "ResourceCountByStatus": "{" + ", ".join(f"{key}={count}" for key, count in sorted(counts.items())) + "}",
    }


def _executions(request: Request) -> Answer:
    association = find(request["AssociationId"])
    with GUARD, STORE.changed:
        rows = [_execution(association, execution) for execution in reversed(association.executions)]
    for condition in request.get("Filters") or ():
        if condition["Key"] == "CreatedTime":
            raise unsupported("the filter CreatedTime")
        rows = [row for row in rows if row[condition["Key"]] == condition["Value"]]
    return pages.page(rows, "AssociationExecutions", request, 50)


def _execution_targets(request: Request) -> Answer:
    association = find(request["AssociationId"])
    execution = next((run for run in association.executions if run.id == request["ExecutionId"]), None)
    sent = _command(execution) if execution else None
    if execution is None or sent is None:
        message = f"The association has no execution {request['ExecutionId']}."
        raise ServiceError("AssociationExecutionDoesNotExist", message)
    with STORE.changed:
        rows = [
            {
                "AssociationId": association.id,
                "AssociationVersion": str(execution.version),
                "ExecutionId": execution.id,
                "ResourceId": copy.instance_id,
                "ResourceType": "ManagedInstance",
                "Status": copy.status,
                "DetailedStatus": copy.details,
                "LastExecutionDate": execution.created,
                "OutputSource": {"OutputSourceId": sent.id, "OutputSourceType": "RunCommand"},
            }
            for copy in sent.invocations.values()
        ]
    for condition in request.get("Filters") or ():
        rows = [row for row in rows if row[condition["Key"]] == condition["Value"]]
    return pages.page(rows, "AssociationExecutionTargets", request, 50)


OPERATIONS: dict[str, Callable[[Request], Answer]] = {
    "CreateAssociation": _create,
    "UpdateAssociation": _update,
    "DeleteAssociation": _delete,
    "StartAssociationsOnce": _start,
    "DescribeAssociation": _describe,
    "ListAssociations": _list,
    "DescribeAssociationExecutions": _executions,
    "DescribeAssociationExecutionTargets": _execution_targets,
}
