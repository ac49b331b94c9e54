"""Actions: the behaviour of each provider, and the role with which it acts."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.testing.pipelines import CONNECTION, TRUST, World, action, allow, approval, stage, until
from localcloud.testing.plain import ACCOUNT, REGION, unique

pytestmark = pytest.mark.local


# --- source ----------------------------------------------------------------------------------------------------------


def source_variables(world: World, name: str, run: str) -> dict[str, str]:
    world.ended(name, run)
    found: dict[str, str] = world.actions(name, run)["Get"]["output"]["outputVariables"]
    return found


def test_a_manual_run_uses_the_branch_of_the_source_action(world: World) -> None:
    commit = world.commit("newest\n\nbody", **{"a.txt": unique("a")})
    name = world.create(stage("Work", world.job("Job")))
    run = world.executions(name)[0]
    found = source_variables(world, name, run["pipelineExecutionId"])
    date = found.pop("AuthorDate")
    assert date.startswith("20")
    assert found == {
        "AuthorDisplayName": "Mary Major",
        "AuthorEmail": "mary@example.com",
        "BranchName": "main",
        "CommitId": commit,
        "CommitMessage": "newest\n\nbody",
        "ConnectionArn": CONNECTION,
        "FullRepositoryName": world.repository,
    }
    revision = world.execution(name, run["pipelineExecutionId"])["artifactRevisions"][0]
    assert (revision["name"], revision["revisionId"]) == ("Code", commit)
    assert json.loads(revision["revisionSummary"])["CommitMessage"] == "newest\n\nbody"


def test_a_run_can_be_started_for_another_commit(world: World) -> None:
    old = world.commit("old", **{"version.txt": "1"})
    world.commit("new", **{"version.txt": "2"})
    name = world.create(stage("Work", world.job("Job", inputs=["Code"])))
    revisions = [{"actionName": "Get", "revisionType": "COMMIT_ID", "revisionValue": old}]
    run = world.run(name, sourceRevisions=revisions)
    assert run["artifactRevisions"][0]["revisionId"] == old
    place = world.actions(name, run["pipelineExecutionId"])["Get"]["output"]["outputArtifacts"][0]["s3location"]
    body = world.plain.client("s3").get_object(Bucket=place["bucket"], Key=place["key"])["Body"].read()
    assert b"version.txt" in body
    assert b".git/" not in body
    with pytest.raises(world.api.exceptions.ValidationException, match="no source action named 'X'"):
        world.start(name, sourceRevisions=[{**revisions[0], "actionName": "X"}])


def pushed(world: World, *filters: dict[str, Any], kind: str = "push") -> str:
    trigger = {"sourceActionName": "Get", kind: list(filters)}
    declared = [{"providerType": "CodeStarSourceConnection", "gitConfiguration": trigger}]
    return world.create(stage("Work", world.job("Job")), triggers=declared, executionMode="QUEUED")


def own(world: World, name: str, runs: list[str]) -> str:
    """Returns the run of this pipeline from the runs that a push started."""
    known = {execution["pipelineExecutionId"] for execution in world.executions(name)}
    (run,) = known & set(runs)
    return str(run)


def test_a_push_starts_a_run_of_the_pushed_branch(world: World) -> None:
    name = pushed(world, {"branches": {"includes": ["feature/**"]}})
    branch = f"feature/{unique('x')}"
    commit = world.commit("work", branch, **{"feature.txt": branch})
    run = own(world, name, world.push(f"refs/heads/{branch}", commit, world.git("rev-parse", "HEAD~1")))
    found = source_variables(world, name, run)
    assert (found["BranchName"], found["CommitId"]) == (branch, commit)
    trigger = world.execution(name, run)["trigger"]
    assert trigger["triggerType"] == "WebhookV2"
    assert json.loads(trigger["triggerDetail"])["branch-name"] == branch
    assert world.push(f"refs/heads/other-{unique('x')}", commit) == []
    assert world.push(f"refs/heads/{branch}", "0" * 40) == []


def test_a_push_without_matching_files_starts_nothing(world: World) -> None:
    name = pushed(world, {"branches": {"includes": ["main"]}, "filePaths": {"includes": ["backend/**"]}})
    before = world.git("rev-parse", "HEAD")
    docs = world.commit("docs", **{"docs/a.md": unique("text")})
    assert world.push("refs/heads/main", docs, before) == []
    code = world.commit("code", **{"backend/a.py": unique("code")})
    assert own(world, name, world.push("refs/heads/main", code, docs))


def test_a_pushed_tag_has_no_branch(world: World) -> None:
    name = pushed(world, {"tags": {"includes": ["v*"]}})
    tag = unique("v")
    world.git("tag", tag)
    world.git("push", "-q", "origin", tag)
    run = own(world, name, world.push(f"refs/tags/{tag}", world.git("rev-parse", tag)))
    found = source_variables(world, name, run)
    assert found["TagName"] == tag
    assert "BranchName" not in found


def test_a_pull_request_starts_a_run_of_the_newest_commit_of_its_source_branch(world: World) -> None:
    criteria = {"branches": {"includes": ["main"]}, "events": ["OPEN", "UPDATED"]}
    name = pushed(world, criteria, kind="pullRequest")
    world.git("checkout", "-q", "-b", unique("branch"))
    commit = world.commit("proposal", "proposal", **{"proposal.txt": unique("p")})
    world.git("checkout", "-q", "main")
    about = {"number": "7", "title": "A fix", "source": "proposal", "destination": "main", "commit": commit}
    assert world.pull_request(event="CLOSED", **about) == []
    run = own(world, name, world.pull_request(event="OPEN", **about))
    found = source_variables(world, name, run)
    wanted = {
        "SourceBranchName": "proposal",
        "DestinationBranchName": "main",
        "PullRequestId": "7",
        "PullRequestTitle": "A fix",
        "CommitId": commit,
    }
    assert wanted.items() <= found.items()
    assert "BranchName" not in found


def test_the_error_of_a_missing_repository_contains_its_path(world: World) -> None:
    declaration = world.declare(stage("Work", approval()))
    declaration["stages"][0]["actions"][0]["configuration"]["FullRepositoryId"] = "acme/missing"
    world.api.create_pipeline(pipeline=declaration)
    name = declaration["name"]
    assert world.executions(name) == []
    run = world.run(name)["pipelineExecutionId"]
    assert "repositories/acme/missing.git" in world.error(name, run, "Get")["message"]


# --- roles -----------------------------------------------------------------------------------------------------------


def with_role(world: World, *statements: dict[str, Any], **more: Any) -> tuple[str, str]:
    """Creates a pipeline with a role of its own. Returns its name and the id of its first run."""
    role = world.plain.role(unique("narrow"), *statements, trust=more.pop("trust", TRUST))
    name = world.create(stage("Work", world.job("Job")), roleArn=role, **more)
    return name, world.executions(name)[0]["pipelineExecutionId"]


def suggested_statement(message: str) -> dict[str, str]:
    found = re.search(r"Add to its policy: (\{.*?\})", message)
    assert found, message
    statement: dict[str, str] = json.loads(found[1])
    return statement


STORE = allow("s3:*", "sts:AssumeRole")


def test_a_source_that_may_not_use_its_connection_gets_the_policy_statement_to_add(world: World) -> None:
    name, run = with_role(world, STORE)
    error = world.error(name, run, "Get")
    assert error["code"] == "PermissionError"
    assert "/narrow-" in error["message"]
    wanted = {"Effect": "Allow", "Action": "codeconnections:UseConnection", "Resource": CONNECTION}
    assert suggested_statement(error["message"]) == wanted


def test_a_policy_with_the_old_service_name_of_connections_is_not_enough(world: World) -> None:
    name, run = with_role(world, STORE, allow("codestar-connections:UseConnection"))
    assert world.error(name, run, "Get")["code"] == "PermissionError"


def test_the_error_of_a_denied_action_names_role_action_resource_and_the_policy_statement_to_add(world: World) -> None:
    name, run = with_role(world, STORE, allow("codeconnections:UseConnection"))
    error = world.error(name, run, "Job")
    statement = suggested_statement(error["message"])
    assert (error["code"], statement["Action"]) == ("PermissionError", "lambda:InvokeFunction")
    assert statement["Resource"] == f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{world.function}"
    role = world.api.get_pipeline(name=name)["pipeline"]["roleArn"]
    assert f"The role {role} may not perform lambda:InvokeFunction" in error["message"]
    wrong = {**statement, "Resource": "arn:aws:lambda:us-east-1:111122223333:function:other"}
    policy = {"Version": "2012-10-17", "Statement": [wrong]}
    iam, role_name = world.plain.client("iam"), role.rsplit("/", 1)[-1]
    iam.put_role_policy(RoleName=role_name, PolicyName="more", PolicyDocument=json.dumps(policy))
    retry = {"pipelineName": name, "stageName": "Work", "pipelineExecutionId": run, "retryMode": "FAILED_ACTIONS"}
    world.api.retry_stage_execution(**retry)
    assert world.ended(name, run)["status"] == "Failed"
    policy["Statement"] = [statement]
    iam.put_role_policy(RoleName=role_name, PolicyName="more", PolicyDocument=json.dumps(policy))
    world.api.retry_stage_execution(**retry)
    assert world.ended(name, run)["status"] == "Succeeded"


def test_artifacts_are_written_with_the_role_of_the_action(world: World) -> None:
    name, run = with_role(world, allow("codeconnections:UseConnection"))
    statement = suggested_statement(world.error(name, run, "Get")["message"])
    assert statement["Action"] == "s3:PutObject"
    assert statement["Resource"].startswith(f"arn:aws:s3:::{world.bucket}/")


@pytest.mark.parametrize("service", ["lambda.amazonaws.com", "codebuild.amazonaws.com"])
def test_the_pipelines_role_must_trust_codepipeline(world: World, service: str) -> None:
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    name, run = with_role(world, allow("*"), trust=trust)
    assert "must exist and trust codepipeline.amazonaws.com" in world.error(name, run, "Get")["message"]


@pytest.mark.parametrize(("account", "status"), [(ACCOUNT, "Succeeded"), ("999999999999", "Failed")])
def test_conditions_of_the_trust_policy_are_checked(world: World, account: str, status: str) -> None:
    trust = {**TRUST, "Condition": {"StringEquals": {"aws:SourceAccount": account}}}
    name, run = with_role(world, allow("*"), trust=trust)
    assert world.execution(name, run)["status"] == status


def test_the_role_of_the_pipeline_assumes_the_role_of_an_action(world: World) -> None:
    plain = world.plain
    pipeline = plain.role(unique("outer"), STORE, allow("codeconnections:UseConnection"), trust=TRUST)
    trust = {"Effect": "Allow", "Principal": {"AWS": pipeline}, "Action": "sts:AssumeRole"}
    own = plain.role(unique("inner"), allow("lambda:InvokeFunction"), trust=trust)
    name = world.create(stage("Work", world.job("Job", roleArn=own)), roleArn=pipeline)
    assert world.executions(name)[0]["status"] == "Succeeded"
    other = plain.role(unique("other"), allow("*"), trust={**trust, "Principal": {"AWS": world.role}})
    name = world.create(stage("Work", world.job("Job", roleArn=other)), roleArn=pipeline)
    error = world.error(name, world.executions(name)[0]["pipelineExecutionId"], "Job")
    assert suggested_statement(error["message"])["Action"] == "sts:AssumeRole"
    assert f"The role {other} must exist and trust {pipeline}" in error["message"]


# --- functions -------------------------------------------------------------------------------------------------------


def test_a_function_is_invoked_again_until_it_returns_no_continuation_token(world: World) -> None:
    name = world.create(stage("Work", world.job("Job", {"calls": 3})))
    found = world.actions(name, world.executions(name)[0]["pipelineExecutionId"])["Job"]
    assert found["output"]["outputVariables"]["Calls"] == "3"
    assert found["output"]["executionResult"]["externalExecutionSummary"] == "did it"


def test_the_failure_of_a_function_is_that_of_its_action(world: World) -> None:
    name = world.create(stage("Work", world.job("Job", {"fail": "the reason"})))
    run = world.executions(name)[0]["pipelineExecutionId"]
    assert world.error(name, run, "Job") == {"code": "JobFailed", "message": "the reason"}
    result = world.actions(name, run)["Job"]["output"]["executionResult"]
    assert result["externalExecutionId"] == "x-1"


def test_a_second_result_of_a_job_is_refused_and_does_no_harm(world: World) -> None:
    name = world.create(stage("Work", world.job("Job", {"twice": True})), stage("After", world.job("Next")))
    assert world.executions(name)[0]["status"] == "Succeeded"


def test_the_credentials_of_a_job_give_access_only_to_its_artifacts(world: World) -> None:
    name = world.create(stage("Work", world.job("Job", inputs=["Code"])))
    found = world.actions(name, world.executions(name)[0]["pipelineExecutionId"])["Job"]
    assert found["output"]["outputVariables"]["Read"].isdigit()


def test_a_function_that_does_not_exist_fails_the_action(world: World) -> None:
    job = action("Job", "Invoke", "Lambda", {"FunctionName": "nobody"})
    name = world.create(stage("Work", job))
    error = world.error(name, world.executions(name)[0]["pipelineExecutionId"], "Job")
    assert "ResourceNotFound" in error["message"]


# --- approvals -------------------------------------------------------------------------------------------------------


def test_an_approval_can_be_answered_once_with_its_token(world: World) -> None:
    name = world.quiet(stage("Approve", approval()))
    run = world.start(name)
    token = world.token(name)
    errors = world.api.exceptions
    with pytest.raises(errors.InvalidApprovalTokenException):
        world.answer(name, token="11111111-1111-1111-1111-111111111111")
    world.answer(name, token=token)
    world.ended(name, run)
    with pytest.raises(errors.ApprovalAlreadyCompletedException):
        world.answer(name, token=token)
    state = world.stage(name, "Approve")["actionStates"][0]["latestExecution"]
    assert (state["summary"], state["status"]) == ("looks good", "Succeeded")
    assert state["lastUpdatedBy"] == f"arn:aws:iam::{ACCOUNT}:root"
    assert "token" not in state


def test_a_rejection_fails_the_run(world: World) -> None:
    name = world.quiet(stage("Approve", approval()), stage("After", world.job("Never")))
    run = world.start(name)
    world.answer(name, "Rejected")
    assert world.ended(name, run)["status"] == "Failed"
    assert world.error(name, run, "Ask")["message"].endswith("no")
    assert "Never" not in world.actions(name, run)


def test_the_token_of_an_abandoned_approval_is_no_longer_valid(world: World) -> None:
    name = world.quiet(stage("Approve", approval()))
    run = world.start(name)
    token = world.token(name)
    world.api.stop_pipeline_execution(pipelineName=name, pipelineExecutionId=run, abandon=True)
    world.ended(name, run)
    with pytest.raises(world.api.exceptions.ApprovalAlreadyCompletedException):
        world.answer(name, token=token)


def test_an_approval_publishes_the_documented_message_to_its_topic(world: World) -> None:
    sns, sqs = world.plain.client("sns"), world.plain.client("sqs")
    topic = sns.create_topic(Name=unique("approvals"))["TopicArn"]
    queue = sqs.create_queue(QueueName=unique("approvals"))["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}]}
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps(policy)})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    given = {"NotificationArn": topic, "CustomData": "look at #{Source.CommitId}", "ExternalEntityLink": "http://x.y"}
    ask = action("Ask", "Approval", "Manual", given)
    name = world.quiet(stage("Approve", ask))
    world.start(name)
    token = world.token(name)
    message = until("a message", lambda: sqs.receive_message(QueueUrl=queue).get("Messages"))[0]
    body = json.loads(json.loads(message["Body"])["Message"])
    assert set(body) == {"region", "consoleLink", "approval"}
    shown_approval = body["approval"]
    assert shown_approval.pop("customData").startswith("look at ")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\dZ", shown_approval.pop("expires"))
    assert shown_approval.pop("approvalReviewLink").endswith(f"/{name}/Approve/Ask/approve/{token}")
    assert shown_approval == {
        "pipelineName": name,
        "stageName": "Approve",
        "actionName": "Ask",
        "token": token,
        "externalEntityLink": "http://x.y",
    }


# --- CloudFormation and S3 -------------------------------------------------------------------------------------------


def stack(mode: str, name: str, **more: str) -> dict[str, Any]:
    given = {"ActionMode": mode, "StackName": name, **more}
    inputs = ["Code"] if "TemplatePath" in given else []
    label = mode.title().replace("_", "")
    return action(label, "Deploy", "CloudFormation", given, inputs=inputs, namespace=label)


TEMPLATE = {
    "Parameters": {"Word": {"Type": "String", "Default": "none"}},
    "Resources": {"P": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": {"Ref": "Word"}}}},
    "Outputs": {"Word": {"Value": {"Ref": "Word"}}, "Name": {"Value": {"Ref": "P"}}},
}


def test_a_stack_is_created_updated_and_deleted(world: World) -> None:
    world.commit("stack", **{"stack.json": json.dumps(TEMPLATE)})
    name = unique("stack")
    overrides = json.dumps({"Word": "#{variables.word}"})
    deploy = stack("CREATE_UPDATE", name, TemplatePath="Code::stack.json", ParameterOverrides=overrides)
    declared = [{"name": "word", "defaultValue": "one"}]
    pipeline = world.create(stage("Deploy", deploy), variables=declared)
    run = world.executions(pipeline)[0]["pipelineExecutionId"]
    assert world.actions(pipeline, run)["CreateUpdate"]["output"]["outputVariables"]["Word"] == "one"
    run = world.run(pipeline, variables=[{"name": "word", "value": "two"}])["pipelineExecutionId"]
    assert world.actions(pipeline, run)["CreateUpdate"]["output"]["outputVariables"]["Word"] == "two"
    again = world.run(pipeline, variables=[{"name": "word", "value": "two"}])
    assert again["status"] == "Succeeded"
    gone = world.create(stage("Delete", stack("DELETE_ONLY", name)))
    assert world.executions(gone)[0]["status"] == "Succeeded"
    with pytest.raises(ClientError, match="does not exist"):
        world.plain.client("cloudformation").describe_stacks(StackName=name)


def test_a_change_set_is_created_and_executed(world: World) -> None:
    world.commit("stack", **{"stack.json": json.dumps(TEMPLATE)})
    name = unique("stack")
    prepare = stack("CHANGE_SET_REPLACE", name, ChangeSetName="ours", TemplatePath="Code::stack.json")
    execute = {**stack("CHANGE_SET_EXECUTE", name, ChangeSetName="ours"), "runOrder": 2}
    pipeline = world.create(stage("Deploy", prepare, execute))
    run = world.executions(pipeline)[0]["pipelineExecutionId"]
    done = world.actions(pipeline, run)
    assert world.execution(pipeline, run)["status"] == "Succeeded", done
    assert done["ChangeSetExecute"]["output"]["outputVariables"]["Word"] == "none"


def test_the_error_of_a_failed_stack_names_the_resource(world: World) -> None:
    broken = {"Resources": {"Bad": {"Type": "AWS::Nothing::AtAll"}}}
    world.commit("broken", **{"broken.json": json.dumps(broken)})
    pipeline = world.create(stage("Deploy", stack("CREATE_UPDATE", unique("bad"), TemplatePath="Code::broken.json")))
    run = world.executions(pipeline)[0]["pipelineExecutionId"]
    assert "AWS::Nothing::AtAll" in world.error(pipeline, run, "CreateUpdate")["message"]


def test_the_error_for_a_missing_template_names_the_file(world: World) -> None:
    pipeline = world.create(stage("Deploy", stack("CREATE_UPDATE", unique("no"), TemplatePath="Code::no.json")))
    run = world.executions(pipeline)[0]["pipelineExecutionId"]
    assert "has no file no.json. It has: " in world.error(pipeline, run, "CreateUpdate")["message"]


def test_an_artifact_is_extracted_into_a_bucket(world: World) -> None:
    world.commit("page", **{"web/index.html": "<p>"})
    bucket, s3 = unique("site"), world.plain.client("s3")
    s3.create_bucket(Bucket=bucket)
    given = {"BucketName": bucket, "Extract": "true", "ObjectKey": "v1", "CacheControl": "max-age=1"}
    world.create(stage("Deploy", action("Put", "Deploy", "S3", given, inputs=["Code"])))
    found = s3.get_object(Bucket=bucket, Key="v1/web/index.html")
    assert (found["Body"].read(), found["ContentType"], found["CacheControl"]) == (b"<p>", "text/html", "max-age=1")


def test_artifacts_are_encrypted_with_the_key_of_the_store(world: World) -> None:
    key = world.plain.client("kms").create_key()["KeyMetadata"]["Arn"]
    store = {"type": "S3", "location": world.bucket, "encryptionKey": {"id": key, "type": "KMS"}}
    name = world.create(stage("Work", world.job("Job", inputs=["Code"])), artifactStore=store)
    run = world.executions(name)[0]
    done = world.actions(name, run["pipelineExecutionId"])
    assert run["status"] == "Succeeded", done
    place = done["Get"]["output"]["outputArtifacts"][0]["s3location"]
    found = world.plain.client("s3").head_object(Bucket=place["bucket"], Key=place["key"])
    assert (found["ServerSideEncryption"], found["SSEKMSKeyId"]) == ("aws:kms", key)


def recorded_build(world: World, **more: Any) -> dict[str, Any]:
    project = unique("build")
    world.plain.client("codebuild").create_project(
        name=project,
        source={"type": "NO_SOURCE", "buildspec": "version: 0.2"},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={"type": "LINUX_CONTAINER", "image": "x", "computeType": "BUILD_GENERAL1_SMALL"},
        serviceRole=world.role,
    )
    return action("Build", "Build", "CodeBuild", {"ProjectName": project}, inputs=["Code"], **more)


def test_without_docker_a_run_continues_without_a_build_and_its_summary_notes_that_it_was_only_recorded(
    world: World,
) -> None:
    name = world.create(stage("Build", recorded_build(world)), stage("Work", world.job("Job")))
    run = world.executions(name)[0]
    done = world.actions(name, run["pipelineExecutionId"])
    assert run["status"] == "Succeeded", done
    assert done["Build"]["output"]["executionResult"]["externalExecutionSummary"].startswith("ONLY RECORDED: ")
    assert done["Job"]["status"] == "Succeeded"


def test_without_docker_a_build_with_output_artifacts_fails_and_names_them(world: World) -> None:
    name = world.create(stage("Build", recorded_build(world, outputs=["Bundle"])))
    error = world.error(name, world.executions(name)[0]["pipelineExecutionId"], "Build")
    assert error["message"].startswith("There is no Docker here, so nothing was built: Bundle is missing.")


def test_a_run_uses_its_roles_regardless_of_the_principal_that_started_it(world: World) -> None:
    name = world.create(stage("Work", world.job("Job")))
    person = world.plain.role(unique("starter"), allow("codepipeline:StartPipelineExecution"))
    api = world.plain.client("codepipeline", world.plain.session(person))
    run = world.ended(name, api.start_pipeline_execution(name=name)["pipelineExecutionId"])
    assert run["status"] == "Succeeded", run
    assert f":assumed-role/{person.rsplit('/', 1)[-1]}/" in run["trigger"]["triggerDetail"]
