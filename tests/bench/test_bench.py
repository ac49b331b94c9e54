"""The floor makes the calls of a recording, and refuses calls that it cannot make."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.assemblies import differences
from bench.floor import UntranslatableError, translate
from bench.measure import Case, by_turns, fit

TOKEN = "${Token[TOKEN.7]}"


def recording(folder: Path, *exchanges: tuple[dict[str, Any], dict[str, Any]]) -> Path:
    lines = ['<{"hello":"@jsii/runtime@1"}']
    for sent, received in exchanges:
        lines += [f">{json.dumps(sent)}", f"<{json.dumps(received)}"]
    path = folder / "recording.txt"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def ok(**answer: Any) -> dict[str, Any]:
    return {"ok": answer}


def created(fqn: str, ref: str, *arguments: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    return {"api": "create", "fqn": fqn, "args": list(arguments), "overrides": []}, ok(**{"$jsii.byref": ref})


def test_objects_and_tokens_that_calls_return_become_variables(tmp_path: Path) -> None:
    app = created("aws-cdk-lib.App", "App@1")
    props = {"$jsii.struct": {"fqn": "x", "data": {"versioned": True, "bucketName": None}}}
    bucket = created("aws-cdk-lib.aws_s3.Bucket", "Bucket@2", {"$jsii.byref": "App@1"}, "Media", props)
    name = {"api": "get", "objref": {"$jsii.byref": "Bucket@2"}, "property": "bucketName"}, ok(value=TOKEN)
    output = created(
        "aws-cdk-lib.CfnOutput", "O@3", {"$jsii.byref": "App@1"}, "Out", {"$jsii.map": {"v": f"s3://{TOKEN}"}}
    )
    assert translate(recording(tmp_path, app, bucket, name, output)).splitlines() == [
        "'use strict';",
        'const aws_cdk_lib = require("aws-cdk-lib");',
        'const aws_s3 = require("aws-cdk-lib/aws-s3");',
        "const v0 = new aws_cdk_lib.App();",
        'const v1 = new aws_s3.Bucket(v0, "Media", {versioned: true});',
        "const v2 = v1.bucketName;",
        'const v3 = new aws_cdk_lib.CfnOutput(v0, "Out", {v: "s3://" + v2});',
    ]


def test_an_enum_value_becomes_its_member(tmp_path: Path) -> None:
    call = {
        "api": "sinvoke",
        "fqn": "aws-cdk-lib.Duration",
        "method": "days",
        "args": [{"$jsii.enum": "aws-cdk-lib.Size/BIG"}],
    }
    assert "aws_cdk_lib.Duration.days(aws_cdk_lib.Size.BIG);" in translate(recording(tmp_path, (call, ok(result=None))))


def test_an_overridden_method_is_refused(tmp_path: Path) -> None:
    call, answer = created("aws-cdk-lib.Stack", "Stack@1")
    call["overrides"] = [{"method": "toString"}]
    with pytest.raises(UntranslatableError, match="overrides"):
        translate(recording(tmp_path, (call, answer)))


def with_callbacks(*answers: Any) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Returns a synthesis with one callback for each answer, during which Python makes a call."""
    app = created("aws-cdk-lib.App", "App@1")
    call, answer = created("Object", "Object@2")
    call["overrides"] = [{"method": None, "property": "name"}, {"method": "validate", "property": None}]
    callbacks = [
        {"callback": {"cbid": str(number), "get": {"objref": {"$jsii.byref": "Object@2"}, "property": "name"}}}
        for number in range(len(answers))
    ]
    within = {"api": "get", "objref": {"$jsii.byref": "Context@3"}, "property": "templatePaths"}, ok(value=[])
    synth = {"api": "invoke", "objref": {"$jsii.byref": "App@1"}, "method": "synth"}
    completed = [{"complete": {"cbid": str(number), "result": result}} for number, result in enumerate(answers)]
    return [
        app,
        (call, answer),
        (synth, callbacks[0]),
        within,
        *zip(completed, [*callbacks[1:], ok(result=None)], strict=True),
    ]


def test_the_floor_contains_the_recorded_answers_to_callbacks(tmp_path: Path) -> None:
    assert translate(recording(tmp_path, *with_callbacks("slipway", "slipway"))).splitlines()[2:] == [
        "const v0 = new aws_cdk_lib.App();",
        'const v1 = ({get name() { return "slipway" ?? undefined; }, validate() { return null ?? undefined; }});',
        "v0.synth();",
    ]


def test_two_different_answers_to_one_callback_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UntranslatableError, match="answered in two ways"):
        translate(recording(tmp_path, *with_callbacks("one", "other")))


def test_assemblies_differ_by_a_template_but_not_by_metadata(tmp_path: Path) -> None:
    for side in ("one", "other"):
        (tmp_path / side).mkdir()
        (tmp_path / side / "a.template.json").write_text('{"Resources": {}}', encoding="utf-8")
        (tmp_path / side / "a.metadata.json").write_text(f'"{side}"', encoding="utf-8")
    assert differences(tmp_path / "one", tmp_path / "other") == []
    (tmp_path / "other" / "a.template.json").write_text('{"Resources": {"A": {}}}', encoding="utf-8")
    (tmp_path / "one" / "b.assets.json").write_text("{}", encoding="utf-8")
    assert differences(tmp_path / "one", tmp_path / "other") == [
        "only on one side: b.assets.json",
        "differs: a.template.json",
    ]


def test_a_line_is_fitted_to_points() -> None:
    start, slope, explained = fit([(2, 5.0), (5, 8.0), (10, 13.0)])
    assert (start, slope, explained) == pytest.approx((3.0, 1.0, 1.0))


def test_cases_run_in_turns_and_the_first_round_is_not_counted(tmp_path: Path) -> None:
    script = "import sys; open('order', 'a').write(sys.argv[1])"
    cases = [Case(name, [sys.executable, "-c", script, name], {}, tmp_path) for name in "ab"]
    by_turns(cases, rounds=2)
    assert (tmp_path / "order").read_text(encoding="utf-8") == "ababab"
    assert [len(case.wall) for case in cases] == [2, 2]


def test_a_failed_command_is_an_error_with_its_output(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="exit code 3\nbecause"):
        Case("x", [sys.executable, "-c", "print('because', flush=True); raise SystemExit(3)"], {}, tmp_path).run()
