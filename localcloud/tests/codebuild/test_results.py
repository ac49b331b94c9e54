"""Parsing report files."""

from __future__ import annotations

import json

import pytest

from localcloud.codebuild import results
from localcloud.codebuild.errors import BuildError

JUNIT = b"""<testsuites><testsuite name="s">
  <testcase classname="a.B" name="passes" time="0.5"/>
  <testcase classname="a.B" name="fails" time="1"><failure message="1 != 2">trace</failure></testcase>
  <testcase classname="a.B" name="breaks"><error>boom</error></testcase>
  <testcase classname="a.B" name="waits"><skipped/></testcase>
</testsuite></testsuites>"""


def test_junit_is_counted_by_status() -> None:
    cases = results.junit(JUNIT, "a.xml")
    summary = results.test_summary(cases)
    assert summary["total"] == 4
    assert summary["statusCounts"] == {"SUCCEEDED": 1, "FAILED": 1, "ERROR": 1, "SKIPPED": 1, "UNKNOWN": 0}
    assert summary["durationInNanoSeconds"] == 1_500_000_000
    assert cases[1] == {
        "name": "fails",
        "prefix": "a.B",
        "status": "FAILED",
        "durationInNanoSeconds": 1_000_000_000,
        "message": "1 != 2",
    }


def test_a_file_that_is_not_xml_is_an_error_that_names_it() -> None:
    with pytest.raises(BuildError, match=r"report file a\.xml is not valid XML"):
        results.junit(b"<a", "a.xml")


def test_a_failed_step_fails_its_cucumber_scenario() -> None:
    steps = [{"result": {"status": "passed", "duration": 5}}, {"result": {"status": "failed", "duration": 5}}]
    feature = [{"name": "f", "elements": [{"name": "s", "steps": steps}]}]
    assert results.cucumber(json.dumps(feature).encode(), "a.json")[0]["status"] == "FAILED"


@pytest.mark.parametrize(
    ("file_format", "content"),
    [
        (
            "COBERTURAXML",
            b'<coverage lines-valid="10" lines-covered="8" branches-valid="4" branches-covered="1"/>',
        ),
        (
            "CLOVERXML",
            (
                b'<coverage><project><metrics statements="10" coveredstatements="8" conditionals="4" '
                b'coveredconditionals="1"/></project></coverage>'
            ),
        ),
        (
            "JACOCOXML",
            (
                b'<report><counter type="LINE" missed="2" covered="8"/><counter type="BRANCH" missed="3" covered="1"/>'
                b"</report>"
            ),
        ),
    ],
)
def test_coverage_is_summed(file_format: str, content: bytes) -> None:
    summary = results.coverage_summary([results.COVERAGE[file_format](content, "c.xml")])
    assert summary == {
        "linesCovered": 8,
        "linesMissed": 2,
        "branchesCovered": 1,
        "branchesMissed": 3,
        "lineCoveragePercentage": 80.0,
        "branchCoveragePercentage": 25.0,
    }
