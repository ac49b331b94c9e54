"""Variables in the configuration of actions."""

from __future__ import annotations

import json

import pytest

from localcloud.codepipeline import variables
from localcloud.codepipeline.errors import ActionError

SCOPE = {
    "Source": {"CommitId": "abc", "CommitMessage": 'say "hi"\nthere'},
    "variables": {"level": "high"},
    "codepipeline": {"PipelineExecutionId": "run-1"},
}


def test_every_namespace_is_resolved() -> None:
    text = "#{Source.CommitId} #{variables.level} #{codepipeline.PipelineExecutionId} #{Source.CommitId}"
    assert variables.resolve(text, SCOPE) == "abc high run-1 abc"


def test_text_without_a_reference_is_not_changed() -> None:
    assert variables.resolve("#{} #{x} ${Source.CommitId} #", SCOPE) == "#{} #{x} ${Source.CommitId} #"


def test_a_variable_without_a_value_fails_with_its_name_and_the_known_ones() -> None:
    with pytest.raises(ActionError, match=r"#\{Source.PullRequestId\}.*Known: .*Source.CommitId") as failure:
        variables.resolve("#{Source.PullRequestId}", SCOPE)
    assert failure.value.code == "ConfigurationError"


def test_environment_variables_stay_valid_json_with_any_value() -> None:
    declared = json.dumps([{"name": "MESSAGE", "value": "#{Source.CommitMessage}", "type": "PLAINTEXT"}])
    resolved = variables.configuration({"EnvironmentVariables": declared}, SCOPE)
    assert json.loads(resolved["EnvironmentVariables"])[0]["value"] == 'say "hi"\nthere'


def test_references_in_user_parameters_are_replaced_as_plain_text() -> None:
    resolved = variables.configuration({"UserParameters": '{"commit": "#{Source.CommitId}"}'}, SCOPE)
    assert resolved == {"UserParameters": '{"commit": "abc"}'}


def test_a_value_is_not_resolved_again() -> None:
    scope = {"A": {"x": "#{A.y}", "y": "no"}}
    assert variables.resolve("#{A.x}", scope) == "#{A.y}"
