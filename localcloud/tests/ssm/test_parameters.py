"""Parameter Store: what MiniStack lacks."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.ssm.samples import code, message

from localcloud.testing.plain import Plain, resources, unique

pytestmark = pytest.mark.local


def put(plain: Plain, name: str, value: str, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = plain.client("ssm").put_parameter(Name=name, Value=value, Type="String", **more)
    return found


def refusal(plain: Plain, name: str, value: str, **more: Any) -> ClientError:
    with pytest.raises(ClientError) as refused:
        put(plain, name, value, **more)
    return refused.value


@pytest.mark.parametrize(
    ("tier", "size", "given"),
    [
        (None, 4096, "Standard"),
        ("Advanced", 8192, "Advanced"),
        ("Intelligent-Tiering", 4096, "Standard"),
        ("Intelligent-Tiering", 4097, "Advanced"),
    ],
)
def test_a_tier_holds_its_size_and_intelligent_tiering_chooses_by_size(
    plain: Plain, tier: str | None, size: int, given: str
) -> None:
    name = unique("/parameter")
    made = put(plain, name, "x" * size, **({"Tier": tier} if tier else {}))
    assert made["Tier"] == given
    described = plain.client("ssm").describe_parameters(ParameterFilters=[{"Key": "Name", "Values": [name]}])
    assert described["Parameters"][0]["Tier"] == given


@pytest.mark.parametrize(("tier", "size"), [(None, 4097), ("Advanced", 8193), ("Intelligent-Tiering", 8193)])
def test_a_larger_value_is_refused(plain: Plain, tier: str | None, size: int) -> None:
    refused = refusal(plain, unique("/parameter"), "x" * size, **({"Tier": tier} if tier else {}))
    assert code(refused) == "ValidationException"
    assert "maximum parameter value" in message(refused)


def test_an_advanced_parameter_cannot_become_a_standard_one(plain: Plain) -> None:
    name = unique("/parameter")
    put(plain, name, "x", Tier="Advanced")
    assert "downgrade" in message(refusal(plain, name, "x", Tier="Standard", Overwrite=True))
    assert put(plain, name, "y", Tier="Intelligent-Tiering", Overwrite=True)["Tier"] == "Advanced"


def test_a_parameter_is_overwritten_only_when_asked_and_keeps_its_versions(plain: Plain) -> None:
    name, ssm = unique("/parameter"), plain.client("ssm")
    put(plain, name, "one")
    assert code(refusal(plain, name, "two")) == "ParameterAlreadyExists"
    assert put(plain, name, "two", Overwrite=True)["Version"] == 2
    assert ssm.get_parameter(Name=f"{name}:1")["Parameter"]["Value"] == "one"
    assert ssm.get_parameter(Name=name)["Parameter"]["Value"] == "two"


def test_the_type_of_a_parameter_cannot_change(plain: Plain) -> None:
    name = unique("/parameter")
    put(plain, name, "one")
    with pytest.raises(ClientError) as refused:
        plain.client("ssm").put_parameter(Name=name, Value="two", Type="SecureString", Overwrite=True)
    assert code(refused.value) == "HierarchyTypeMismatchException"


def test_a_value_must_match_the_allowed_pattern(plain: Plain) -> None:
    refused = refusal(plain, unique("/parameter"), "abc", AllowedPattern="^[0-9]+$")
    assert code(refused) == "ParameterPatternMismatchException"
    refused = refusal(plain, unique("/parameter"), "abc", AllowedPattern="(")
    assert code(refused) == "InvalidAllowedPatternException"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("with space", "ValidationException"),
        ("no/leading/slash", "ValidationException"),
        ("/a" * 16, "HierarchyLevelLimitExceededException"),
    ],
)
def test_a_name_that_is_not_valid_is_refused(plain: Plain, name: str, expected: str) -> None:
    assert code(refusal(plain, name, "x")) == expected


def test_an_empty_value_is_refused(plain: Plain) -> None:
    assert code(refusal(plain, unique("/parameter"), "")) == "ValidationException"


def test_the_oldest_of_a_hundred_versions_makes_room_unless_it_has_a_label(plain: Plain) -> None:
    name, ssm = unique("/parameter"), plain.client("ssm")
    for number in range(101):
        put(plain, name, str(number), Overwrite=True)
    with pytest.raises(ClientError) as gone:
        ssm.get_parameter(Name=f"{name}:1")
    assert code(gone.value) == "ParameterVersionNotFound"
    ssm.label_parameter_version(Name=name, ParameterVersion=2, Labels=["kept"])
    assert code(refusal(plain, name, "more", Overwrite=True)) == "ParameterMaxVersionLimitExceeded"


def test_a_label_moves_to_another_version_and_can_be_removed(plain: Plain) -> None:
    name, ssm = unique("/parameter"), plain.client("ssm")
    put(plain, name, "one")
    put(plain, name, "two", Overwrite=True)
    ssm.label_parameter_version(Name=name, ParameterVersion=1, Labels=["live"])
    answer = ssm.label_parameter_version(Name=name, Labels=["live", "aws-live", "1live"])
    assert (answer["ParameterVersion"], answer["InvalidLabels"]) == (2, ["aws-live", "1live"])
    assert ssm.get_parameter(Name=f"{name}:live")["Parameter"]["Value"] == "two"
    removed = ssm.unlabel_parameter_version(Name=name, ParameterVersion=2, Labels=["live", "other"])
    assert (removed["RemovedLabels"], removed["InvalidLabels"]) == (["live"], ["other"])
    with pytest.raises(ClientError) as gone:
        ssm.get_parameter(Name=f"{name}:live")
    assert code(gone.value) == "ParameterVersionNotFound"


def test_a_version_has_ten_labels_at_most(plain: Plain) -> None:
    name, ssm = unique("/parameter"), plain.client("ssm")
    put(plain, name, "one")
    ssm.label_parameter_version(Name=name, Labels=[f"label-{number}" for number in range(10)])
    with pytest.raises(ClientError) as refused:
        ssm.label_parameter_version(Name=name, Labels=["one-more"])
    assert code(refused.value) == "ParameterVersionLabelLimitExceeded"
    for arguments, expected in (
        ({"Name": unique("/absent")}, "ParameterNotFound"),
        ({"Name": name, "ParameterVersion": 9}, "ParameterVersionNotFound"),
    ):
        with pytest.raises(ClientError) as absent:
            ssm.label_parameter_version(Labels=["x"], **arguments)
        assert code(absent.value) == expected


def test_policies_are_listed_and_need_the_advanced_tier(plain: Plain) -> None:
    name, policy = unique("/parameter"), {"Type": "Expiration", "Version": "1.0", "Attributes": {}}
    assert put(plain, name, "one", Tier="Intelligent-Tiering", Policies=json.dumps([policy]))["Tier"] == "Advanced"
    found = plain.client("ssm").describe_parameters(ParameterFilters=[{"Key": "Name", "Values": [name]}])["Parameters"]
    assert found[0]["Policies"][0]["PolicyType"] == "Expiration"
    assert code(refusal(plain, unique("/parameter"), "one", Policies=json.dumps([policy]))) == "ValidationException"
    other = json.dumps([{**policy, "Type": "Forever"}])
    assert code(refusal(plain, name, "x", Overwrite=True, Policies=other)) == "InvalidPolicyTypeException"


def test_parameters_are_found_by_their_tags(plain: Plain) -> None:
    name, value, ssm = unique("/parameter"), unique("value"), plain.client("ssm")
    put(plain, name, "one", Tags=[{"Key": "group", "Value": value}])
    found = ssm.describe_parameters(ParameterFilters=[{"Key": "tag:group", "Values": [value]}])["Parameters"]
    assert [row["Name"] for row in found] == [name]


def test_cloudformation_creates_a_parameter_in_the_tier_that_its_size_needs(plain: Plain) -> None:
    def template(size: int) -> dict[str, Any]:
        properties = {"Name": name, "Type": "String", "Value": "x" * size, "Tier": "Intelligent-Tiering"}
        return resources(Parameter=("AWS::SSM::Parameter", properties))

    name, stack = unique("/shop"), unique("stack")
    assert plain.deploy(template(10), stack)["Parameter"] == name
    plain.deploy(template(5000), stack)
    described = plain.client("ssm").describe_parameters(ParameterFilters=[{"Key": "Name", "Values": [name]}])
    assert (described["Parameters"][0]["Tier"], described["Parameters"][0]["Version"]) == ("Advanced", 2)
    with pytest.raises(AssertionError, match="8192 characters"):
        plain.deploy(template(9000), stack)
