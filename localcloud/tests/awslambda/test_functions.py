"""Lambda functions, without Docker."""

from __future__ import annotations

import hashlib
import json
import time
from typing import Any

import pytest

from localcloud.testing.plain import ACCOUNT, REGION, Plain, plain, resources, unique

__all__ = ["plain"]

pytestmark = pytest.mark.local

HANDLER = """
import json, os, boto3
def handler(event, context):
    action = event.get("do", "environment")
    if action == "environment":
        return dict(os.environ)
    if action == "log":
        print("seen", event["text"])
        return "logged"
    if action == "read":
        return boto3.client("ssm").get_parameter(Name=event["name"])["Parameter"]["Value"]
    if action == "who":
        return boto3.client("sts").get_caller_identity()["Arn"]
    raise ValueError("asked to fail")
"""


def function(*statements: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Returns a template with a function and its role."""
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    policies = [{"PolicyName": "own", "PolicyDocument": {"Statement": list(statements)}}] if statements else []
    return resources(
        Role=(
            "AWS::IAM::Role",
            {"AssumeRolePolicyDocument": {"Statement": [trust]}, "Policies": policies},
        ),
        Function=(
            "AWS::Lambda::Function",
            {
                "Runtime": "python3.13",
                "Handler": "index.handler",
                "Timeout": 20,
                "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                "Code": {"ZipFile": HANDLER},
                **more,
            },
        ),
    )


def invoke(plain: Plain, function_name: str, **event: Any) -> tuple[Any, str | None]:
    answer = plain.client("lambda").invoke(FunctionName=function_name, Payload=json.dumps(event).encode())
    return json.loads(answer["Payload"].read()), answer.get("FunctionError")


def test_a_function_gets_the_variables_of_the_settings_unless_its_stack_sets_them(plain: Plain) -> None:
    name = plain.deploy(function(Environment={"Variables": {"OWN": "of the stack"}}))["Function"]
    variables, error = invoke(plain, name)
    assert error is None
    assert variables["AUTHORITY"].startswith("-----BEGIN CERTIFICATE-----")
    assert (variables["HERE"], variables["OWN"]) == ("127.0.0.1 {kept}", "of the stack")
    assert variables["GITHUB_API_URL"].endswith("/_github/api/v3")


@pytest.fixture(scope="module")
def reader(plain: Plain) -> str:
    allow = {
        "Effect": "Allow",
        "Action": "ssm:GetParameter",
        "Resource": f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/open/*",
    }
    template = function(allow, Environment={"Variables": {"STAGE": "test", "AUTH": "true"}})
    return plain.deploy(template)["Function"]


def test_a_function_has_its_own_environment_and_not_the_servers(plain: Plain, reader: str) -> None:
    seen, _ = invoke(plain, reader)
    assert seen["STAGE"] == "test"
    assert seen["AUTH"] == "true"
    assert seen["AWS_ACCESS_KEY_ID"] != ACCOUNT
    assert not [name for name in seen if name.startswith(("LOCALCLOUD_", "MINISTACK_", "GATEWAY_"))]


def test_a_function_has_only_the_permissions_of_its_role(plain: Plain, reader: str) -> None:
    ssm = plain.client("ssm")
    for name in ("/open/a", "/closed/a"):
        ssm.put_parameter(Name=name, Value="v", Type="String")
    assert ":assumed-role/" in invoke(plain, reader, do="who")[0]
    assert invoke(plain, reader, do="read", name="/open/a") == ("v", None)
    denied, error = invoke(plain, reader, do="read", name="/closed/a")
    assert error == "Unhandled"
    assert "not authorized to perform: ssm:GetParameter" in denied["errorMessage"]


def test_a_functions_output_is_in_its_log_group(plain: Plain, reader: str) -> None:
    word = unique("word")
    invoke(plain, reader, do="log", text=word)
    assert f"seen {word}" in logged(plain, f"/aws/lambda/{reader}", word)


def test_a_function_logs_to_the_group_of_its_logging_configuration(plain: Plain) -> None:
    group = f"/apps/{unique('own')}"
    name = plain.deploy(function(LoggingConfig={"LogGroup": group}))["Function"]
    word = unique("word")
    invoke(plain, name, do="log", text=word)
    assert f"seen {word}" in logged(plain, group, word)


def logged(plain: Plain, group: str, word: str) -> str:
    logs, deadline = plain.client("logs"), time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            events = logs.filter_log_events(logGroupName=group)["events"]
        except logs.exceptions.ResourceNotFoundException:
            continue
        text = "".join(event["message"] for event in events)
        if word in text:
            return text
    raise AssertionError(f"{word} never reached {group}")


def test_an_error_is_returned_to_the_caller(plain: Plain, reader: str) -> None:
    answer, error = invoke(plain, reader, do="fail")
    assert (answer["errorMessage"], error) == ("asked to fail", "Unhandled")


@pytest.mark.parametrize(
    ("name", "value", "changed", "shown"),
    [
        ("VpcConfig", {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}, None, "VpcConfig"),
        ("DeadLetterConfig", {"TargetArn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:q"}, None, "DeadLetterConfig"),
        ("MemorySize", 256, 512, "MemorySize"),
        ("Timeout", 7, 9, "Timeout"),
        ("EphemeralStorage", {"Size": 1024}, {"Size": 2048}, "EphemeralStorage"),
    ],
)
def test_a_property_of_a_function_is_applied_and_updated(
    plain: Plain, name: str, value: Any, changed: Any, shown: str
) -> None:
    stack = unique("property")
    made = plain.deploy(function(**{name: value}), stack)["Function"]
    config = plain.client("lambda").get_function_configuration(FunctionName=made)[shown]
    assert contains(config, value)
    updated = function(**({name: changed} if changed else {}))
    plain.deploy(updated, stack)
    config = plain.client("lambda").get_function_configuration(FunctionName=made).get(shown)
    assert contains(config, changed) if changed else not contains(config, value)


def contains(config: Any, value: Any) -> bool:
    if isinstance(value, dict):
        return isinstance(config, dict) and all(config.get(key) == item for key, item in value.items())
    return bool(config == value)


def test_reserved_concurrency_is_set_changed_and_removed(plain: Plain) -> None:
    stack, client = unique("concurrency"), plain.client("lambda")
    made = plain.deploy(function(ReservedConcurrentExecutions=3), stack)["Function"]
    assert client.get_function_concurrency(FunctionName=made)["ReservedConcurrentExecutions"] == 3
    plain.deploy(function(), stack)
    assert "ReservedConcurrentExecutions" not in client.get_function_concurrency(FunctionName=made)


def test_new_code_runs_after_an_update(plain: Plain) -> None:
    stack = unique("code")
    made = plain.deploy(function(), stack)["Function"]
    plain.deploy(function(Code={"ZipFile": "def handler(event, context):\n    return 'new'\n"}), stack)
    assert invoke(plain, made) == ("new", None)


def test_the_error_for_an_unsupported_property_names_it(plain: Plain) -> None:
    with pytest.raises(AssertionError, match="FileSystemConfigs of AWS::Lambda::Function"):
        plain.deploy(function(FileSystemConfigs=[{"Arn": "a", "LocalMountPath": "/mnt/a"}]))


def test_an_event_rule_invokes_a_function(plain: Plain) -> None:
    stack = unique("rule")
    template = function()
    template["Resources"]["Rule"] = {
        "Type": "AWS::Events::Rule",
        "Properties": {
            "EventPattern": {"source": [stack]},
            "Targets": [
                {
                    "Id": "f",
                    "Arn": {"Fn::GetAtt": ["Function", "Arn"]},
                    "InputTransformer": {
                        "InputPathsMap": {"word": "$.detail.word"},
                        "InputTemplate": '{"do": "log", "text": <word>}',
                    },
                }
            ],
        },
    }
    made = plain.deploy(template, stack)["Function"]
    word = unique("word")
    detail = json.dumps({"word": word})
    plain.client("events").put_events(Entries=[{"Source": stack, "DetailType": "t", "Detail": detail}])
    assert f"seen {word}" in logged(plain, f"/aws/lambda/{made}", word)


def test_a_failed_event_is_retried_and_then_sent_to_the_on_failure_destination(plain: Plain) -> None:
    stack = unique("undelivered")
    template = function()
    target = {"Id": "f", "Arn": {"Fn::GetAtt": ["Function", "Arn"]}, "Input": json.dumps({"do": "fail"})}
    failures = {"OnFailure": {"Destination": {"Fn::GetAtt": ["Undelivered", "Arn"]}}}
    template["Resources"] |= {
        "Undelivered": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": stack}},
        "Failures": {
            "Type": "AWS::Lambda::EventInvokeConfig",
            "Properties": {
                "FunctionName": {"Ref": "Function"},
                "Qualifier": "$LATEST",
                "DestinationConfig": failures,
            },
        },
        "Rule": {
            "Type": "AWS::Events::Rule",
            "Properties": {"EventPattern": {"source": [stack]}, "Targets": [target]},
        },
    }
    made = plain.deploy(template, stack)
    plain.client("events").put_events(Entries=[{"Source": stack, "DetailType": "t", "Detail": "{}"}])

    (undelivered,) = plain.client("sqs").receive_message(QueueUrl=made["Undelivered"], WaitTimeSeconds=20)["Messages"]

    assert json.loads(undelivered["Body"])["requestPayload"] == {"do": "fail"}
    events = plain.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{made['Function']}")["events"]
    assert sum(event["message"].count("ValueError: asked to fail") for event in events) == 3


def test_a_functions_credentials_cannot_be_computed(plain: Plain, reader: str) -> None:
    """MiniStack derives them from the ARNs of function and role, which are not secret."""
    seen, _ = invoke(plain, reader)
    names = plain.client("lambda").get_function_configuration(FunctionName=reader)
    digest = hashlib.sha256(f"{names['FunctionArn']}:{names['Role']}".encode()).hexdigest()
    assert seen["AWS_ACCESS_KEY_ID"] != f"ASIA{digest[:16].upper()}"
    computed = {
        "AccessKeyId": f"ASIA{digest[:16].upper()}",
        "SecretAccessKey": hashlib.sha256(f"secret:{digest}".encode()).hexdigest(),
        "SessionToken": hashlib.sha256(f"token:{digest}".encode()).hexdigest(),
    }
    sts = plain.client("sts", computed)
    with pytest.raises(sts.exceptions.ClientError, match="InvalidClientTokenId"):
        sts.get_caller_identity()


def test_a_function_cannot_forward_its_invocations_to_a_url(plain: Plain) -> None:
    """The server would send the request, with the trust of a program on this machine."""
    template = function(Environment={"Variables": {"MINISTACK_LAMBDA_PROXY_URL": f"{plain.url}/_github/"}})
    assert ":assumed-role/" in invoke(plain, plain.deploy(template)["Function"], do="who")[0]
