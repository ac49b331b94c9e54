"""Template values become API parameters, and nothing is dropped in silence."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest

from localcloud.cloudformation import coercion


def shape(service: str, operation: str) -> Any:
    return botocore.session.get_session().get_service_model(service).operation_model(operation).input_shape


def test_names_take_the_spelling_of_the_api_at_every_depth_and_scalars_their_type() -> None:
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


def test_keys_of_a_map_are_the_users_and_stay() -> None:
    template = {"ContainerDefinitions": [{"Name": "n", "DockerLabels": {"Some.Label": 1}}]}
    coerced = coercion.coerce(shape("ecs", "RegisterTaskDefinition"), template)
    assert coerced["containerDefinitions"][0]["dockerLabels"] == {"Some.Label": "1"}


def test_tags_as_a_list_become_a_map_where_the_api_wants_one() -> None:
    template = {"Tags": [{"Key": "a", "Value": "b"}]}
    assert coercion.coerce(shape("lambda", "TagResource"), template) == {"Tags": {"a": "b"}}


def test_a_list_becomes_quantity_and_items_where_cloudfront_wants_them() -> None:
    config = {"OriginSslProtocols": ["TLSv1.2"], "HTTPPort": "80"}
    coerced = coercion.coerce(shape("cloudfront", "CreateVpcOrigin"), {"VpcOriginEndpointConfig": config})
    assert coerced["VpcOriginEndpointConfig"]["OriginSslProtocols"] == {"Quantity": 1, "Items": ["TLSv1.2"]}


def test_a_document_becomes_text_where_the_api_wants_text() -> None:
    coerced = coercion.coerce(shape("secretsmanager", "PutResourcePolicy"), {"ResourcePolicy": {"a": [1]}})
    assert coerced == {"ResourcePolicy": '{"a": [1]}'}


def test_unknown_properties_are_all_named() -> None:
    template = {"Cluster": "c", "Colour": 1, "NetworkConfiguration": {"AwsvpcConfiguration": {"Speed": 1}}}
    with pytest.raises(coercion.UnknownPropertyError) as refusal:
        coercion.coerce(shape("ecs", "CreateService"), template)
    assert "Colour, NetworkConfiguration.AwsvpcConfiguration.Speed" in str(refusal.value)


def test_an_unknown_property_may_be_left_out_knowingly() -> None:
    template = {"NetworkConfiguration": {"AwsvpcConfiguration": {"Speed": 1}}}
    coerced = coercion.coerce(
        shape("ecs", "CreateService"), template, ignore={"NetworkConfiguration.AwsvpcConfiguration.Speed"}
    )
    assert coerced == {"networkConfiguration": {"awsvpcConfiguration": {}}}


def test_what_is_unset_is_left_out() -> None:
    assert coercion.coerce(shape("ecs", "CreateService"), {"Cluster": None}) == {}
