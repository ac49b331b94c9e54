"""Template properties become API parameters, and none is dropped silently."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest

from localcloud.cloudformation import coercion


def shape(service: str, operation: str) -> Any:
    return botocore.session.get_session().get_service_model(service).operation_model(operation).input_shape


def test_nested_names_get_the_apis_spelling_and_scalars_their_type() -> None:
    template = {
        "Cluster": "c",
        "DesiredCount": "2",
        "EnableExecuteCommand": "true",
        "DeploymentConfiguration": {"DeploymentCircuitBreaker": {"Enable": "true", "Rollback": "false"}},
    }
    assert coercion.coerce(shape("ecs", "CreateService"), template) == {
        "cluster": "c",
        "desiredCount": 2,
        "enableExecuteCommand": True,
        "deploymentConfiguration": {"deploymentCircuitBreaker": {"enable": True, "rollback": False}},
    }


def test_keys_of_a_map_are_not_changed() -> None:
    template = {"ContainerDefinitions": [{"Name": "n", "DockerLabels": {"Some.Label": 1}}]}
    coerced = coercion.coerce(shape("ecs", "RegisterTaskDefinition"), template)
    assert coerced["containerDefinitions"][0]["dockerLabels"] == {"Some.Label": "1"}


def test_a_list_of_tags_becomes_a_map_if_the_api_takes_one() -> None:
    template = {"Tags": [{"Key": "a", "Value": "b"}]}
    assert coercion.coerce(shape("lambda", "TagResource"), template) == {"Tags": {"a": "b"}}


def test_a_list_becomes_quantity_and_items_for_cloudfront() -> None:
    config = {"OriginSslProtocols": ["TLSv1.2"], "HTTPPort": "80"}
    coerced = coercion.coerce(shape("cloudfront", "CreateVpcOrigin"), {"VpcOriginEndpointConfig": config})
    assert coerced["VpcOriginEndpointConfig"]["OriginSslProtocols"] == {"Quantity": 1, "Items": ["TLSv1.2"]}


def test_a_json_document_becomes_a_string_if_the_api_takes_one() -> None:
    coerced = coercion.coerce(shape("secretsmanager", "PutResourcePolicy"), {"ResourcePolicy": {"a": [1]}})
    assert coerced == {"ResourcePolicy": '{"a": [1]}'}


def test_the_error_names_all_unknown_properties() -> None:
    template = {"Cluster": "c", "Colour": 1, "NetworkConfiguration": {"AwsvpcConfiguration": {"Speed": 1}}}
    with pytest.raises(coercion.UnknownPropertyError) as refusal:
        coercion.coerce(shape("ecs", "CreateService"), template)
    assert "Colour, NetworkConfiguration.AwsvpcConfiguration.Speed" in str(refusal.value)


def test_an_unknown_property_can_be_ignored_explicitly() -> None:
    template = {"NetworkConfiguration": {"AwsvpcConfiguration": {"Speed": 1}}}
    coerced = coercion.coerce(
        shape("ecs", "CreateService"), template, ignore={"NetworkConfiguration.AwsvpcConfiguration.Speed"}
    )
    assert coerced == {"networkConfiguration": {"awsvpcConfiguration": {}}}


def test_properties_without_a_value_are_left_out() -> None:
    assert coercion.coerce(shape("ecs", "CreateService"), {"Cluster": None}) == {}
