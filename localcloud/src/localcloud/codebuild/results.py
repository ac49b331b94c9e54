"""Parsers of report files: tests of JUnit, Cucumber and Visual Studio; coverage of Cobertura, Clover and JaCoCo."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from xml.etree import ElementTree as ET

from localcloud.codebuild.errors import CLIENT_ERROR, BuildError

Cases = list[dict[str, Any]]
SUCCEEDED, FAILED, ERROR, SKIPPED, UNKNOWN = "SUCCEEDED", "FAILED", "ERROR", "SKIPPED", "UNKNOWN"
_NANOSECONDS = 1_000_000_000


def _root(content: bytes, name: str) -> ET.Element:
    try:
        return ET.fromstring(content)  # noqa: S314 - expat limits entities and reads no external files
    except ET.ParseError as error:
        raise BuildError(CLIENT_ERROR, f"the report file {name} is not valid XML: {error}") from error


def _case(name: str, prefix: str, status: str, seconds: float, message: str = "") -> dict[str, Any]:
    return {
        "name": name,
        "prefix": prefix,
        "status": status,
        "durationInNanoSeconds": int(seconds * _NANOSECONDS),
        "message": message,
    }


def junit(content: bytes, name: str) -> Cases:
    """Returns the test cases of a JUnit file: `testcase` elements and their child `failure`, `error` or `skipped`."""
    kinds = {"failure": FAILED, "error": ERROR, "skipped": SKIPPED}
    cases = []
    for element in _root(content, name).iter("testcase"):
        result = next((child for child in element if child.tag in kinds), None)
        status = kinds[result.tag] if result is not None else SUCCEEDED
        message = ((result.get("message") or result.text or "") if result is not None else "").strip()
        seconds = float((element.get("time") or "0").replace(",", ""))
        cases.append(_case(element.get("name", ""), element.get("classname", ""), status, seconds, message))
    return cases


def cucumber(content: bytes, name: str) -> Cases:
    """Returns the scenarios of a Cucumber file. A failed step fails its scenario."""
    try:
        features = json.loads(content)
    except ValueError as error:
        raise BuildError(CLIENT_ERROR, f"the report file {name} is not valid JSON: {error}") from error
    cases = []
    for feature in features:
        for scenario in feature.get("elements", []):
            results = [step.get("result", {}) for step in scenario.get("steps", [])]
            states = {result.get("status") for result in results}
            status = FAILED if "failed" in states else SKIPPED if states & {"skipped", "pending"} else SUCCEEDED
            seconds = sum(result.get("duration", 0) for result in results) / _NANOSECONDS
            cases.append(_case(scenario.get("name", ""), feature.get("name", ""), status, seconds))
    return cases


def visual_studio(content: bytes, name: str) -> Cases:
    """Returns the `UnitTestResult` elements of a Visual Studio trx file."""
    states = {"Passed": SUCCEEDED, "Failed": FAILED, "Error": ERROR, "NotExecuted": SKIPPED}
    return [
        _case(element.get("testName", ""), "", states.get(element.get("outcome", ""), UNKNOWN), 0)
        for element in _root(content, name).iter()
        if element.tag.rpartition("}")[2] == "UnitTestResult"
    ]


#: Format -> parser. Reports of TestNG and NUnit are supported only in JUnit's format.
TESTS: dict[str, Callable[[bytes, str], Cases]] = {
    "JUNITXML": junit,
    "CUCUMBERJSON": cucumber,
    "VISUALSTUDIOTRX": visual_studio,
}


def _number(element: ET.Element, name: str) -> int:
    return int(float(element.get(name) or 0))


def cobertura(content: bytes, name: str) -> dict[str, int]:
    """Returns the totals of Cobertura's `coverage` element; if it has none, they are counted from its lines."""
    root = _root(content, name)
    if root.get("lines-valid"):
        return {
            "linesCovered": _number(root, "lines-covered"),
            "linesMissed": _number(root, "lines-valid") - _number(root, "lines-covered"),
            "branchesCovered": _number(root, "branches-covered"),
            "branchesMissed": _number(root, "branches-valid") - _number(root, "branches-covered"),
        }
    hits = [_number(line, "hits") for line in root.iter("line")]
    return {"linesCovered": sum(hit > 0 for hit in hits), "linesMissed": sum(hit == 0 for hit in hits)} | _NO_BRANCHES


_NO_BRANCHES = {"branchesCovered": 0, "branchesMissed": 0}


def clover(content: bytes, name: str) -> dict[str, int]:
    """Returns the totals of the project's `metrics` in a Clover file. Statements count as lines."""
    metrics = _root(content, name).find("project/metrics")
    if metrics is None:
        raise BuildError(CLIENT_ERROR, f"the report file {name} has no project/metrics")
    lines, branches = _number(metrics, "coveredstatements"), _number(metrics, "coveredconditionals")
    return {
        "linesCovered": lines,
        "linesMissed": _number(metrics, "statements") - lines,
        "branchesCovered": branches,
        "branchesMissed": _number(metrics, "conditionals") - branches,
    }


def jacoco(content: bytes, name: str) -> dict[str, int]:
    """Returns the totals of the `counter` elements directly below a JaCoCo report."""
    counters = {counter.get("type"): counter for counter in _root(content, name).findall("counter")}
    lines, branches = counters.get("LINE", ET.Element("none")), counters.get("BRANCH", ET.Element("none"))
    return {
        "linesCovered": _number(lines, "covered"),
        "linesMissed": _number(lines, "missed"),
        "branchesCovered": _number(branches, "covered"),
        "branchesMissed": _number(branches, "missed"),
    }


COVERAGE: dict[str, Callable[[bytes, str], dict[str, int]]] = {
    "COBERTURAXML": cobertura,
    "CLOVERXML": clover,
    "JACOCOXML": jacoco,
}
FORMATS = (*TESTS, *COVERAGE)


def test_summary(cases: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Returns the `testSummary` of a report: the number of test cases by status."""
    all_cases = list(cases)
    counts = dict.fromkeys((SUCCEEDED, FAILED, ERROR, SKIPPED, UNKNOWN), 0)
    for case in all_cases:
        counts[case["status"]] += 1
    duration = sum(int(case["durationInNanoSeconds"]) for case in all_cases)
    return {"total": len(all_cases), "statusCounts": counts, "durationInNanoSeconds": duration}


def coverage_summary(totals: Iterable[Mapping[str, int]]) -> dict[str, Any]:
    """Returns the `codeCoverageSummary` of a report: sums and percentages over all files."""
    names = ("linesCovered", "linesMissed", "branchesCovered", "branchesMissed")
    files = list(totals)
    sums: dict[str, Any] = {name: sum(file_totals[name] for file_totals in files) for name in names}
    for singular, plural in (("line", "lines"), ("branch", "branches")):
        covered = sums[f"{plural}Covered"]
        total = covered + sums[f"{plural}Missed"]
        sums[f"{singular}CoveragePercentage"] = round(100 * covered / total, 2) if total else 0.0
    return sums
