"""Stack operations of CloudFormation."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.testing.plain import ACCOUNT, Plain, plain, resources, unique

__all__ = ["plain"]

pytestmark = pytest.mark.local


def topic(display: Any, **more: Any) -> dict[str, Any]:
    return {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": display}, **more}


def rules(status: str) -> dict[str, Any]:
    return {"Rules": [{"Id": "a", "Status": status, "ExpirationInDays": 3}]}


BROKEN = {"Type": "AWS::S3::Bucket", "Properties": {"LifecycleConfiguration": rules("Nonsense")}}


def display_name(plain: Plain, arn: str) -> str:
    name: str = plain.client("sns").get_topic_attributes(TopicArn=arn)["Attributes"].get("DisplayName", "")
    return name


def events(plain: Plain, stack: str) -> list[tuple[str, str]]:
    found = plain.client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
    return [(event["LogicalResourceId"], event["ResourceStatus"]) for event in reversed(found)]


# --- parameters and conditions ---------------------------------------------------------------------------------------


def test_an_update_with_the_previous_template_changes_only_the_given_parameters(plain: Plain) -> None:
    stack = unique("previous")
    template = {
        "Parameters": {
            "First": {"Type": "String"},
            "Second": {"Type": "String"},
            "Third": {"Type": "String", "Default": "c"},
        },
        **resources(Topic=topic({"Fn::Sub": "${First}-${Second}-${Third}"})),
    }
    given = [{"ParameterKey": "First", "ParameterValue": "a"}, {"ParameterKey": "Second", "ParameterValue": "b"}]
    made = plain.deploy(template, stack, Parameters=given)
    changes = [
        {"ParameterKey": "First", "UsePreviousValue": True},
        {"ParameterKey": "Second", "ParameterValue": "new"},
        {"ParameterKey": "Third", "UsePreviousValue": True},
    ]
    plain.client("cloudformation").update_stack(StackName=stack, UsePreviousTemplate=True, Parameters=changes)
    assert plain.settled(stack) == "UPDATE_COMPLETE"
    assert display_name(plain, made["Topic"]) == "a-new-c"


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"Fn::Equals": ["", {"Fn::Join": ["", {"Ref": "Empty"}]}]}, True),
        ({"Fn::Not": [{"Fn::Equals": ["", {"Fn::Join": ["", {"Ref": "Full"}]}]}]}, True),
        ({"Fn::Equals": [{"Ref": "AWS::Region"}, "us-east-1"]}, True),
        ({"Fn::Equals": [{"Ref": "AWS::AccountId"}, ACCOUNT]}, True),
        ({"Fn::Equals": [{"Fn::Select": [1, {"Ref": "Full"}]}, "b"]}, True),
        ({"Fn::Equals": [{"Fn::FindInMap": ["Sizes", "small", "name"]}, "S"]}, True),
        ({"Fn::Equals": [{"Fn::Sub": "${Word}!"}, "yes!"]}, True),
        ({"Fn::And": [{"Condition": "Yes"}, {"Fn::Not": [{"Condition": "No"}]}]}, True),
        ({"Fn::Or": [{"Condition": "No"}, {"Fn::Equals": ["a", "b"]}]}, False),
    ],
)
def test_conditions_can_use_every_intrinsic_function(plain: Plain, condition: dict[str, Any], holds: bool) -> None:
    template = {
        "Parameters": {
            "Empty": {"Type": "CommaDelimitedList", "Default": ""},
            "Full": {"Type": "CommaDelimitedList", "Default": "a,b"},
            "Word": {"Type": "String", "Default": "yes"},
        },
        "Mappings": {"Sizes": {"small": {"name": "S"}}},
        "Conditions": {
            "Tested": condition,
            "Yes": {"Fn::Equals": ["x", "x"]},
            "No": {"Fn::Equals": ["x", "y"]},
        },
        **resources(Always=topic("a"), Sometimes=topic("b", Condition="Tested")),
    }
    assert ("Sometimes" in plain.deploy(template)) is holds


def test_aws_no_value_removes_a_property(plain: Plain) -> None:
    lifecycle = {"Rules": [{"Id": "a", "Status": "Enabled", "ExpirationInDays": 3}]}
    choice = {"Fn::If": ["Keep", {"Ref": "AWS::NoValue"}, lifecycle]}
    template = {
        "Parameters": {"Word": {"Type": "String", "Default": "yes"}},
        "Conditions": {"Keep": {"Fn::Equals": [{"Ref": "Word"}, "yes"]}},
        **resources(Bucket=("AWS::S3::Bucket", {"LifecycleConfiguration": choice})),
    }
    stack = unique("novalue")
    bucket = plain.deploy(template, stack)["Bucket"]
    s3 = plain.client("s3")
    with pytest.raises(ClientError, match="NoSuchLifecycleConfiguration"):
        s3.get_bucket_lifecycle_configuration(Bucket=bucket)
    plain.deploy(template, stack, Parameters=[{"ParameterKey": "Word", "ParameterValue": "no"}])
    assert s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"][0]["ID"] == "a"


def test_a_no_echo_parameter_is_not_returned(plain: Plain) -> None:
    template = {"Parameters": {"Word": {"Type": "String", "NoEcho": True}}, **resources(Topic=topic("a"))}
    stack = unique("noecho")
    plain.deploy(template, stack, Parameters=[{"ParameterKey": "Word", "ParameterValue": "open sesame"}])
    described = plain.client("cloudformation").describe_stacks(StackName=stack)
    assert "open sesame" not in json.dumps(described, default=str)


# --- outputs ---------------------------------------------------------------------------------------------------------


def test_an_export_can_be_imported_and_protects_its_stack_while_in_use(plain: Plain) -> None:
    name, producer, consumer = unique("export"), unique("producer"), unique("consumer")
    exporting = resources(Topic=topic("a"))
    exporting["Outputs"] = {"Arn": {"Value": {"Ref": "Topic"}, "Export": {"Name": name}}}
    made = plain.deploy(exporting, producer)
    plain.deploy(resources(Topic=topic({"Fn::ImportValue": name})), consumer)
    cfn = plain.client("cloudformation")
    with pytest.raises(ClientError, match=name):
        cfn.delete_stack(StackName=producer)
    assert plain.outputs(producer)["Arn"] == made["Topic"]
    assert plain.delete(consumer) == "DELETE_COMPLETE"
    assert plain.delete(producer) == "DELETE_COMPLETE"


# --- deletion --------------------------------------------------------------------------------------------------------


def test_a_protected_stack_is_not_deleted(plain: Plain) -> None:
    stack, cfn = unique("protected"), plain.client("cloudformation")
    plain.deploy(resources(Topic=topic("a")), stack, EnableTerminationProtection=True)
    with pytest.raises(ClientError, match="TerminationProtection"):
        cfn.delete_stack(StackName=stack)
    cfn.update_termination_protection(StackName=stack, EnableTerminationProtection=False)
    assert plain.delete(stack) == "DELETE_COMPLETE"


def test_a_retained_resource_survives_the_deletion_of_its_stack(plain: Plain) -> None:
    stack = unique("retain")
    made = plain.deploy(resources(Kept=topic("kept", DeletionPolicy="Retain"), Gone=topic("gone")), stack)
    assert plain.delete(stack) == "DELETE_COMPLETE"
    assert display_name(plain, made["Kept"]) == "kept"
    with pytest.raises(ClientError, match="NotFound"):
        display_name(plain, made["Gone"])


def test_retain_except_on_create_does_not_survive_a_failed_creation(plain: Plain) -> None:
    name = unique("except")
    kept = topic("a", DeletionPolicy="RetainExceptOnCreate")
    kept["Properties"]["TopicName"] = name
    broken = {**BROKEN, "DependsOn": "Kept"}
    with pytest.raises(AssertionError, match="ROLLBACK_COMPLETE"):
        plain.deploy(resources(Kept=kept, Broken=broken))
    arns = [item["TopicArn"] for item in plain.client("sns").list_topics()["Topics"]]
    assert not [arn for arn in arns if arn.endswith(name)]


def test_a_replaced_resource_is_retained_by_its_update_replace_policy(plain: Plain) -> None:
    stack, first, second = unique("replaced"), unique("first"), unique("second")

    def named(name: str) -> dict[str, Any]:
        kept = topic("a", UpdateReplacePolicy="Retain")
        kept["Properties"]["TopicName"] = name
        return resources(Topic=kept)

    old = plain.deploy(named(first), stack)["Topic"]
    new = plain.deploy(named(second), stack)["Topic"]
    assert (old != new, display_name(plain, old)) == (True, "a")


def test_the_deletion_of_a_bucket_with_objects_fails_with_the_reason(plain: Plain) -> None:
    stack = unique("full")
    bucket = plain.deploy(resources(Bucket=("AWS::S3::Bucket", {})), stack)["Bucket"]
    s3 = plain.client("s3")
    s3.put_object(Bucket=bucket, Key="a", Body=b"a")
    assert plain.delete(stack) == "DELETE_FAILED"
    assert any("not empty" in line for line in plain.failures(stack))
    s3.delete_object(Bucket=bucket, Key="a")
    assert plain.delete(stack) == "DELETE_COMPLETE"


# --- updates ---------------------------------------------------------------------------------------------------------


def test_an_update_has_events_only_for_changed_resources(plain: Plain) -> None:
    stack = unique("only")
    plain.deploy(resources(Same=topic("same"), Other=topic("before")), stack)
    before = len(events(plain, stack))
    plain.deploy(resources(Same=topic("same"), Other=topic("after")), stack)
    assert [name for name, _status in events(plain, stack)[before:] if name == "Same"] == []
    assert ("Other", "UPDATE_COMPLETE") in events(plain, stack)[before:]


def test_an_update_with_the_same_template_is_refused(plain: Plain) -> None:
    stack = unique("same")
    template = resources(Topic=topic("a"))
    plain.deploy(template, stack)
    with pytest.raises(ClientError, match="No updates are to be performed"):
        plain.client("cloudformation").update_stack(StackName=stack, TemplateBody=json.dumps(template))


def test_a_failed_update_restores_the_previous_values(plain: Plain) -> None:
    stack = unique("back")
    made = plain.deploy(resources(Topic=topic("before")), stack)
    broken = {**BROKEN, "DependsOn": "Topic"}
    with pytest.raises(AssertionError, match="UPDATE_ROLLBACK_COMPLETE"):
        plain.deploy(resources(Topic=topic("after"), Broken=broken), stack)
    assert display_name(plain, made["Topic"]) == "before"
    assert plain.failures(stack)[0].startswith("Broken: ")


def test_a_partial_update_of_a_resource_is_rolled_back(plain: Plain) -> None:
    stack = unique("half")
    good = {"Tags": [{"Key": "a", "Value": "1"}], "LifecycleConfiguration": rules("Enabled")}
    bucket = plain.deploy(resources(Bucket=("AWS::S3::Bucket", good)), stack)["Bucket"]
    bad = {"Tags": [{"Key": "a", "Value": "2"}], "LifecycleConfiguration": rules("Nonsense")}
    with pytest.raises(AssertionError, match="UPDATE_ROLLBACK_COMPLETE"):
        plain.deploy(resources(Bucket=("AWS::S3::Bucket", bad)), stack)
    assert plain.client("s3").get_bucket_tagging(Bucket=bucket)["TagSet"] == [{"Key": "a", "Value": "1"}]


def test_a_failed_creation_leaves_no_resource_behind(plain: Plain) -> None:
    name = unique("leftover")
    bad = {"BucketName": name, "LifecycleConfiguration": rules("Nonsense")}
    with pytest.raises(AssertionError, match="ROLLBACK_COMPLETE"):
        plain.deploy(resources(Bucket=("AWS::S3::Bucket", bad)))
    assert name not in [item["Name"] for item in plain.client("s3").list_buckets()["Buckets"]]


def test_a_change_set_lists_and_executes_its_changes(plain: Plain) -> None:
    stack, cfn = unique("changes"), plain.client("cloudformation")
    plain.deploy(resources(Same=topic("same"), Other=topic("before")), stack)
    new = json.dumps(resources(Same=topic("same"), Other=topic("after"), More=topic("more")))
    cfn.create_change_set(StackName=stack, ChangeSetName="c", ChangeSetType="UPDATE", TemplateBody=new)
    cfn.get_waiter("change_set_create_complete").wait(
        StackName=stack, ChangeSetName="c", WaiterConfig={"Delay": 1, "MaxAttempts": 20}
    )
    changes = cfn.describe_change_set(StackName=stack, ChangeSetName="c")["Changes"]
    listed = {(item["ResourceChange"]["LogicalResourceId"], item["ResourceChange"]["Action"]) for item in changes}
    assert listed == {("Other", "Modify"), ("More", "Add")}
    cfn.execute_change_set(StackName=stack, ChangeSetName="c")
    assert plain.settled(stack) == "UPDATE_COMPLETE"


def test_a_change_set_without_changes_fails_with_awss_message(plain: Plain) -> None:
    stack, cfn = unique("unchanged"), plain.client("cloudformation")
    template = resources(Topic=topic("a"))
    plain.deploy(template, stack)
    cfn.create_change_set(StackName=stack, ChangeSetName="c", TemplateBody=json.dumps(template))
    described = cfn.describe_change_set(StackName=stack, ChangeSetName="c")
    assert described["Status"] == "FAILED"
    assert "didn't contain changes" in described["StatusReason"]


def test_events_are_in_chronological_order(plain: Plain) -> None:
    stack = unique("order")
    second = topic("b", DependsOn="First")
    plain.deploy(resources(First=topic("a"), Second=second), stack)
    found = plain.client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
    times = [event["Timestamp"] for event in reversed(found)]
    assert times == sorted(set(times))
    assert events(plain, stack).index(("First", "CREATE_COMPLETE")) < events(plain, stack).index(
        ("Second", "CREATE_IN_PROGRESS")
    )


def test_the_error_for_an_unknown_type_names_it(plain: Plain) -> None:
    with pytest.raises(ClientError, match="AWS::Made::Up"):
        plain.deploy(resources(Strange=("AWS::Made::Up", {})))


def test_a_stack_resolves_public_parameters_of_machine_images(plain: Plain) -> None:
    name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-6.1-arm64"
    template = {
        "Parameters": {"Image": {"Type": "AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>", "Default": name}},
        **resources(Topic=topic({"Ref": "Image"})),
    }
    assert display_name(plain, plain.deploy(template)["Topic"]).startswith("ami-")
