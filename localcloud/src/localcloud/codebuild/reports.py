"""Report groups and reports: the upload by a build, and the operations of the API."""

from __future__ import annotations

import copy
import json
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError
from ministack.core import iam_actions
from ministack.core.responses import (
    AccountRegionScopedDict,
    error_response_json,
    get_account_id,
    get_region,
    json_response,
)

from localcloud.codebuild import results
from localcloud.codebuild.buildspec import Report
from localcloud.codebuild.errors import CLIENT_ERROR, BuildError, api_error
from localcloud.codebuild.identity import Role

SYMBOLS: tuple[str, ...] = (
    "ministack.core.iam_actions:extract_resource_arn",
    "ministack.core.responses:AccountRegionScopedDict",
)

Request = dict[str, Any]
TEST, CODE_COVERAGE = "TEST", "CODE_COVERAGE"

_groups: Any = AccountRegionScopedDict()  # ARN -> group
_reports: Any = AccountRegionScopedDict()  # ARN -> report
_cases: Any = AccountRegionScopedDict()  # ARN of a report -> test cases


def clear() -> None:
    """Deletes all report groups and reports."""
    for store in (_groups, _reports, _cases):
        store.clear()


def _arn(kind: str, name: str) -> str:
    return f"arn:aws:codebuild:{get_region()}:{get_account_id()}:{kind}/{name}"


# --- upload by a build -----------------------------------------------------------------------------------------------


def put(role: Role, build: Mapping[str, Any], report: Report, files: Mapping[str, bytes]) -> str:
    """Creates a report from the files, as the build's role, and returns its ARN."""
    if report.file_format not in results.FORMATS:
        formats = ", ".join(results.FORMATS)
        raise BuildError(CLIENT_ERROR, f"report {report.group}: expected one of {formats}, got {report.file_format}")
    kind = CODE_COVERAGE if report.file_format in results.COVERAGE else TEST
    content: Request = {}
    if kind == TEST:
        read = results.TESTS[report.file_format]
        content["testCases"] = [case for name, data in files.items() for case in read(data, name)]
    else:
        totals = results.COVERAGE[report.file_format]
        content["coverage"] = [totals(data, name) for name, data in files.items()]
    try:
        group = _report_group_arn(role, str(build["projectName"]), report.group, kind)
        made = role.call("CreateReport", {"reportGroupArn": group, "executionId": build["arn"]})["report"]["arn"]
        operation = "BatchPutTestCases" if kind == TEST else "BatchPutCodeCoverages"
        role.call(operation, {"reportArn": made, "reportGroupArn": group, **content})
        role.call("UpdateReport", {"reportArn": made, "reportGroupArn": group})
    except ClientError as error:
        raise api_error(error, role.arn, f"upload the report {report.group}") from error
    return str(made)


def _report_group_arn(role: Role, project: str, name: str, kind: str) -> str:
    """Returns the ARN of a report group.

    A group that is given by name, not by ARN, belongs to the project and is created with its first report.
    """
    if name.startswith("arn:"):
        return name
    full = f"{project}-{name}"
    if _arn("report-group", full) not in _groups:
        wanted = {"name": full, "type": kind, "exportConfig": {"exportConfigType": "NO_EXPORT"}}
        role.client("codebuild").create_report_group(**wanted)
    return _arn("report-group", full)


def _create_report(data: Request) -> Any:
    group = _groups.get(data["reportGroupArn"])
    if group is None:
        return _not_found(data["reportGroupArn"])
    name = f"{group['name']}:{uuid.uuid4()}"
    report = {
        "arn": _arn("report", name),
        "type": group["type"],
        "name": name,
        "reportGroupArn": group["arn"],
        "executionId": data["executionId"],
        "status": "GENERATING",
        "created": time.time(),
        "exportConfig": group["exportConfig"],
        "truncated": False,
    }
    _reports[report["arn"]] = report
    return json_response({"report": report})


def _put_test_cases(data: Request) -> Any:
    report = _reports[data["reportArn"]]
    report["testSummary"] = results.test_summary(data["testCases"])
    _cases[report["arn"]] = [{**case, "reportArn": report["arn"]} for case in data["testCases"]]
    return json_response({})


def _put_coverages(data: Request) -> Any:
    _reports[data["reportArn"]]["codeCoverageSummary"] = results.coverage_summary(data["coverage"])
    return json_response({})


def _update_report(data: Request) -> Any:
    report = _reports[data["reportArn"]]
    counts = (report.get("testSummary") or {}).get("statusCounts") or {}
    report["status"] = "FAILED" if counts.get("FAILED") or counts.get("ERROR") else "SUCCEEDED"
    return json_response({"report": report})


# --- public operations -----------------------------------------------------------------------------------------------


def _not_found(arn: str) -> Any:
    return error_response_json("ResourceNotFoundException", f"Not found: {arn}", 400)


def _create_group(data: Request) -> Any:
    arn = _arn("report-group", data["name"])
    if arn in _groups:
        return error_response_json("ResourceAlreadyExistsException", f"Report group already exists: {arn}", 400)
    now = time.time()
    export = data.get("exportConfig") or {"exportConfigType": "NO_EXPORT"}
    group = {"tags": [], **copy.deepcopy(data), "exportConfig": export, "arn": arn, "created": now, "lastModified": now}
    _groups[arn] = {**group, "status": "ACTIVE"}
    return json_response({"reportGroup": _groups[arn]})


def _update_group(data: Request) -> Any:
    group = _groups.get(data["arn"])
    if group is None:
        return _not_found(data["arn"])
    group |= {key: data[key] for key in ("exportConfig", "tags") if key in data}
    group["lastModified"] = time.time()
    return json_response({"reportGroup": group})


def _delete_group(data: Request) -> Any:
    own = [arn for arn, report in _reports.items() if report["reportGroupArn"] == data["arn"]]
    if own and not data.get("deleteReports"):
        return error_response_json(
            "InvalidInputException", "The report group has reports: set deleteReports to delete them too", 400
        )
    for arn in own:
        _delete_report({"arn": arn})
    _groups.pop(data["arn"], None)
    return json_response({})


def _delete_report(data: Request) -> Any:
    _reports.pop(data["arn"], None)
    _cases.pop(data["arn"], None)
    return json_response({})


def _batch_get(store: Any, request_member: str, answer_member: str) -> Callable[[Request], Any]:
    def get(data: Request) -> Any:
        found = [store[arn] for arn in data[request_member] if arn in store]
        missing = [arn for arn in data[request_member] if arn not in store]
        return json_response({answer_member: found, f"{answer_member}NotFound": missing})

    return get


def _list_groups(_data: Request) -> Any:
    return json_response({"reportGroups": list(_groups)})


def _list_reports(data: Request) -> Any:
    wanted = (data.get("filter") or {}).get("status")
    found = [
        report
        for report in _reports.values()
        if (not wanted or report["status"] == wanted) and data.get("reportGroupArn") in (None, report["reportGroupArn"])
    ]
    newest_first = data.get("sortOrder", "DESCENDING") == "DESCENDING"
    found.sort(key=lambda report: report["created"], reverse=newest_first)
    return json_response({"reports": [report["arn"] for report in found]})


def _describe_cases(data: Request) -> Any:
    wanted = (data.get("filter") or {}).get("status")
    cases = _cases.get(data["reportArn"]) or []
    return json_response({"testCases": [case for case in cases if not wanted or case["status"] == wanted]})


OPERATIONS: dict[str, Callable[[Request], Any]] = {
    "CreateReport": _create_report,
    "BatchPutTestCases": _put_test_cases,
    "BatchPutCodeCoverages": _put_coverages,
    "UpdateReport": _update_report,
    "CreateReportGroup": _create_group,
    "UpdateReportGroup": _update_group,
    "DeleteReportGroup": _delete_group,
    "DeleteReport": _delete_report,
    "BatchGetReportGroups": _batch_get(_groups, "reportGroupArns", "reportGroups"),
    "BatchGetReports": _batch_get(_reports, "reportArns", "reports"),
    "ListReportGroups": _list_groups,
    "ListReports": _list_reports,
    "ListReportsForReportGroup": _list_reports,
    "DescribeTestCases": _describe_cases,
}


def _with_report_groups(original: Any) -> Any:
    """Returns a replacement of MiniStack's function that also returns the ARN of report groups, so IAM can check it."""

    def extract(service: str, method: str, path: str, *rest: Any) -> str:
        operation = rest[0].get("x-amz-target", "").rpartition(".")[2]
        if service == "codebuild" and operation in OPERATIONS:
            return _resource(operation, rest[1])
        return str(original(service, method, path, *rest))

    return extract


def _resource(operation: str, body: bytes) -> str:
    try:
        data = json.loads(body or b"{}")
    except ValueError:
        return "*"
    if operation == "CreateReportGroup":
        return _arn("report-group", str(data.get("name")))
    arn = str(data.get("reportGroupArn") or data.get("arn") or data.get("reportArn") or "*")
    # The name of a report begins with that of its group, and policies name groups.
    return arn.replace(":report/", ":report-group/").rpartition(":")[0] if ":report/" in arn else arn


def install() -> None:
    """Lets IAM authorize calls by the ARN of their report group."""
    iam_actions.extract_resource_arn = _with_report_groups(iam_actions.extract_resource_arn)
