"""Builds run in containers with their service role, and end as in CodeBuild."""

from __future__ import annotations

import io
import json
import time
import zipfile
from typing import Any

import boto3
import docker
import pytest
from botocore.config import Config

from localcloud.codebuild import image
from localcloud.codebuild.container import BUILD_LABEL
from localcloud.testing.builds import LOGS, TRUST, Builder, allow, exported, message, phase, seconds, spec
from localcloud.testing.cloud import Cloud, until
from localcloud.testing.plain import ACCOUNT, REGION, unique

pytestmark = [pytest.mark.local, pytest.mark.docker, pytest.mark.slow]


def owned(build_id: str) -> list[Any]:
    """Returns the build's containers, networks and volumes."""
    client, label = docker.from_env(), {"label": f"{BUILD_LABEL}={build_id}"}
    containers = client.containers.list(all=True, filters=dict(label))
    return [*containers, *client.networks.list(filters=dict(label)), *client.volumes.list(filters=dict(label))]


# --- identity --------------------------------------------------------------------------------------------------------


def test_a_call_that_the_role_does_not_allow_is_denied(cloud: Cloud) -> None:
    builder = Builder(cloud, spec("aws s3api list-buckets"))
    build = builder.run()
    assert build["buildStatus"] == "FAILED"
    assert "not authorized to perform: s3:ListAllMyBuckets" in "\n".join(builder.log(build))


def test_the_aws_cli_in_a_build_reaches_a_key_value_store_of_its_account(cloud: Cloud) -> None:
    store = f"arn:aws:cloudfront::{ACCOUNT}:key-value-store/{unique('missing')}"
    asks = f"aws cloudfront-keyvaluestore list-keys --kvs-arn {store}"
    builder = Builder(cloud, spec(f"{asks} 2>&1 || true"), LOGS, allow(["cloudfront-keyvaluestore:ListKeys"], store))

    log = "\n".join(builder.log(builder.run()))

    assert "ResourceNotFoundException" in log
    assert "Could not connect" not in log


def test_without_privileged_mode_docker_fails_and_names_the_reason(cloud: Cloud) -> None:
    builder = Builder(cloud, spec("docker ps 2>&1 || echo none; ls /var/run/docker.sock || echo no socket"))
    log = "\n".join(builder.log(builder.run()))
    assert "PrivilegedMode" in log
    assert "no socket" in log


def test_a_build_fails_if_its_role_does_not_trust_codebuild(cloud: Cloud) -> None:
    builder = Builder(cloud, spec("true"))
    build = builder.run(serviceRoleOverride=cloud.role(unique("stranger"), LOGS))
    assert build["buildStatus"] == "FAILED"
    assert "sts:AssumeRole" in message(build, "PROVISIONING")


@pytest.mark.parametrize(("project", "status"), [("build-*", "SUCCEEDED"), ("another", "FAILED")])
def test_a_trust_policy_can_be_restricted_to_certain_projects(cloud: Cloud, project: str, status: str) -> None:
    arn = f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/{project}"
    condition = {"StringEquals": {"aws:SourceAccount": ACCOUNT}, "ArnLike": {"aws:SourceArn": arn}}
    role = cloud.role(unique("bound"), LOGS, trust={**TRUST, "Condition": condition})
    assert Builder(cloud, spec("true")).run(serviceRoleOverride=role)["buildStatus"] == status


def test_a_role_that_may_not_write_logs_gets_the_policy_statement_to_add(cloud: Cloud) -> None:
    build = Builder(cloud, spec("true"), allow("s3:GetObject")).run()
    assert build["buildStatus"] == "FAILED"
    assert phase(build, "PROVISIONING")["contexts"][0]["statusCode"] == "ACCESS_DENIED"
    assert '"Action": "logs:CreateLogStream"' in message(build, "PROVISIONING")


def test_a_role_that_may_not_read_the_source_gets_the_policy_statement_to_add(cloud: Cloud) -> None:
    bucket = unique("source")
    cloud.client("s3").create_bucket(Bucket=bucket)
    cloud.client("s3").put_object(Bucket=bucket, Key="a.zip", Body=b"")
    build = Builder(cloud, spec("true"), LOGS, source={"type": "S3", "location": f"{bucket}/a.zip"}).run()
    assert build["buildStatus"] == "FAILED"
    assert f'"Action": "s3:GetObject", "Resource": "arn:aws:s3:::{bucket}/a.zip"' in message(build, "DOWNLOAD_SOURCE")


# --- phases ----------------------------------------------------------------------------------------------------------


def test_a_failed_command_is_named_and_finally_and_post_build_still_run(cloud: Cloud) -> None:
    phases = {
        "build": {"commands": ["echo first", "exit 3", "echo never"], "finally": ["echo at last"]},
        "post_build": {"commands": ["echo succeeding=$CODEBUILD_BUILD_SUCCEEDING"]},
    }
    builder = Builder(cloud, spec(phases=phases))
    build = builder.run()
    log = builder.log(build)
    assert build["buildStatus"] == "FAILED"
    assert message(build, "BUILD") == "Error while executing command: exit 3. Reason: exit status 3"
    assert phase(build, "BUILD")["contexts"][0]["statusCode"] == "COMMAND_EXECUTION_ERROR"
    assert phase(build, "POST_BUILD")["phaseStatus"] == "SUCCEEDED"
    assert "at last" in log
    assert "succeeding=0" in log
    assert "never" not in log


@pytest.mark.parametrize(
    ("name", "on_failure", "ran"),
    [
        ("install", "", False),
        ("install", "CONTINUE", True),
        ("build", "", True),
        ("build", "ABORT", False),
    ],
)
def test_on_failure_decides_if_later_phases_run(cloud: Cloud, name: str, on_failure: str, ran: bool) -> None:
    failing = {"commands": ["false"], **({"on-failure": on_failure} if on_failure else {})}
    phases = {"build": {"commands": ["true"]}, "post_build": {"commands": ["echo post"]}, name: failing}
    builder = Builder(cloud, spec(phases=phases))
    build = builder.run()
    assert build["buildStatus"] == "FAILED"
    assert ("post" in builder.log(build)) is ran


def test_exported_variables_have_the_values_after_the_last_command(cloud: Cloud) -> None:
    env = {"shell": "bash", "variables": {"GIVEN": "1"}, "exported-variables": ["TAG", "PLAIN", "GIVEN", "NONE"]}
    builder = Builder(cloud, spec("export TAG=v1", "PLAIN='two words'", "TAG=${TAG}2", env=env))
    assert exported(builder.run()) == {"TAG": "v12", "PLAIN": "two words", "GIVEN": "1", "NONE": ""}


def test_variables_of_the_call_override_those_of_the_project_and_these_override_the_buildspec(cloud: Cloud) -> None:
    env = {"variables": {"A": "spec", "B": "spec", "C": "spec"}, "exported-variables": ["A", "B", "C"]}
    project = [{"name": name, "value": "project", "type": "PLAINTEXT"} for name in ("B", "C")]
    builder = Builder(cloud, spec("true", env=env), variables=project)
    call = [{"name": "C", "value": "call", "type": "PLAINTEXT"}]
    build = builder.run(environmentVariablesOverride=call)
    assert exported(build) == {"A": "spec", "B": "project", "C": "call"}


def test_a_build_has_the_documented_variables(cloud: Cloud) -> None:
    names = ["CODEBUILD_BUILD_ID", "CODEBUILD_BUILD_NUMBER", "CODEBUILD_SRC_DIR", "CODEBUILD_INITIATOR", "AWS_REGION"]
    builder = Builder(cloud, spec("true", env={"exported-variables": names}))
    builder.run()
    build = builder.run()
    assert exported(build) == {
        "CODEBUILD_BUILD_ID": build["id"],
        "CODEBUILD_BUILD_NUMBER": "2",
        "CODEBUILD_SRC_DIR": "/codebuild/output/src",
        "CODEBUILD_INITIATOR": "root",
        "AWS_REGION": "us-east-1",
    }


def test_secrets_are_read_as_the_role_and_masked_in_the_log(cloud: Cloud) -> None:
    parameter, secret = f"/{unique('p')}", unique("secret")
    cloud.client("ssm").put_parameter(Name=parameter, Value="hidden-one", Type="SecureString")
    cloud.client("secretsmanager").create_secret(Name=secret, SecretString=json.dumps({"password": "hidden-two"}))
    env = {"parameter-store": {"ONE": parameter}, "secrets-manager": {"TWO": f"{secret}:password"}}
    reads = allow(["ssm:GetParameters", "secretsmanager:GetSecretValue", "kms:Decrypt"])
    project = [{"name": "THREE", "value": f"{secret}:password", "type": "SECRETS_MANAGER"}]
    builder = Builder(cloud, spec('echo "say $ONE $TWO $THREE ${#ONE}"', env=env), LOGS, reads, variables=project)
    build = builder.run()
    assert "say *** *** *** 10" in builder.log(build)
    assert "hidden" not in "\n".join(builder.log(build))


def test_a_build_fails_if_its_role_may_not_read_a_secret(cloud: Cloud) -> None:
    secret = unique("secret")
    cloud.client("secretsmanager").create_secret(Name=secret, SecretString="x")
    build = Builder(cloud, spec("true", env={"secrets-manager": {"A": secret}})).run()
    assert build["buildStatus"] == "FAILED"
    assert "secretsmanager:GetSecretValue" in message(build, "DOWNLOAD_SOURCE")


def test_a_build_fails_if_its_buildspec_is_invalid(cloud: Cloud) -> None:
    build = Builder(cloud, "version: 0.2\nphases: {deploy: {}}").run()
    assert phase(build, "DOWNLOAD_SOURCE")["contexts"][0]["statusCode"] == "YAML_FILE_ERROR"


def test_a_project_runs_the_image_it_names(cloud: Cloud) -> None:
    builder = Builder(cloud, spec("python --version", "which aws || echo no cli"), image="python:3.13-slim")
    assert "no cli" in builder.log(builder.run())


def test_an_image_that_does_not_exist_is_named(cloud: Cloud) -> None:
    build = Builder(cloud, spec("true"), image="localhost:1/none:1").run()
    assert build["buildStatus"] == "FAILED"
    assert "localhost:1/none:1" in message(build, "PROVISIONING")


# --- ends ------------------------------------------------------------------------------------------------------------


def test_a_build_starts_within_a_second_of_its_container(cloud: Cloud) -> None:
    """Compares with a bare container, and takes the best of three builds: the machine may be busy."""
    builder, client = Builder(cloud, spec("true")), docker.from_env()
    builder.run()  # builds the image if this machine does not have it
    overheads = []
    for _ in range(3):
        began = time.monotonic()
        client.containers.run(image.local_image(), ["true"], remove=True)
        bare, build = time.monotonic() - began, builder.run()
        taken = sum(seconds(phase(build, kind)) for kind in ("QUEUED", "PROVISIONING", "DOWNLOAD_SOURCE"))
        overheads.append(taken - bare)
    assert min(overheads) < 1


def test_a_stopped_build_ends_at_once_and_leaves_nothing(cloud: Cloud) -> None:
    builder = Builder(cloud, spec("echo begun", "sleep 600"))
    build_id = builder.start()
    builder.wait_for_line(build_id, "begun")
    assert owned(build_id)
    stopped = builder.codebuild.stop_build(id=build_id)["build"]
    assert (stopped["buildStatus"], stopped["buildComplete"]) == ("STOPPED", True)
    assert phase(stopped, "BUILD")["phaseStatus"] == "STOPPED"
    assert owned(build_id) == []


def test_a_build_that_takes_too_long_is_timed_out(cloud: Cloud) -> None:
    builder = Builder(cloud, spec("echo begun", "sleep 600"))
    unchecked = boto3.client(  # the SDK accepts no timeout below five minutes
        "codebuild",
        endpoint_url=cloud.url,
        region_name=REGION,
        aws_access_key_id=cloud.key.access_key_id,
        aws_secret_access_key=cloud.key.secret_access_key,
        config=Config(parameter_validation=False),
    )
    build_id = unchecked.start_build(projectName=builder.name, timeoutInMinutesOverride=0.05)["build"]["id"]
    build = builder.ended(build_id)
    assert build["buildStatus"] == "TIMED_OUT"
    # Usually in BUILD; on a busy machine the timeout may come in an earlier phase.
    (ended,) = [entry["phaseType"] for entry in build["phases"] if entry.get("phaseStatus") == "TIMED_OUT"]
    assert ended in {"PROVISIONING", "DOWNLOAD_SOURCE", "INSTALL", "PRE_BUILD", "BUILD"}
    assert owned(build_id) == []


def test_a_build_whose_container_is_killed_ends_with_fault(cloud: Cloud) -> None:
    builder = Builder(cloud, spec("echo begun", "sleep 600"))
    build_id = builder.start()
    builder.wait_for_line(build_id, "begun")
    docker.from_env().containers.list(filters={"label": f"{BUILD_LABEL}={build_id}"})[0].kill()
    build = builder.ended(build_id)
    assert build["buildStatus"] == "FAULT"
    assert owned(build_id) == []


def test_a_build_can_be_retried(cloud: Cloud) -> None:
    builder = Builder(cloud, spec("true", env={"exported-variables": ["A"]}))
    first = builder.run(environmentVariablesOverride=[{"name": "A", "value": "1"}])
    again = builder.codebuild.retry_build(id=first["id"])["build"]
    assert exported(builder.ended(again["id"])) == {"A": "1"}
    assert builder.codebuild.list_builds_for_project(projectName=builder.name)["ids"][-1] in {first["id"], again["id"]}


# --- sources, artifacts, reports, cache, log -------------------------------------------------------------------------


def packed(**files: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "/"), text)
    return content.getvalue()


@pytest.fixture(scope="module")
def bucket(cloud: Cloud) -> str:
    name = unique("artifacts")
    cloud.client("s3").create_bucket(Bucket=name)
    return name


FILES = allow(["s3:GetObject", "s3:PutObject"])


def test_sources_are_read_from_s3_and_artifacts_are_uploaded_to_s3(cloud: Cloud, bucket: str) -> None:
    s3 = cloud.client("s3")
    s3.put_object(Bucket=bucket, Key="main.zip", Body=packed(ci__build="x", data="main"))
    s3.put_object(Bucket=bucket, Key="other.zip", Body=packed(data="other"))
    buildspec = spec(
        "mkdir out && cat data $CODEBUILD_SRC_DIR_other/data > out/both",
        artifacts={"files": ["**/*"], "base-directory": "out", "secondary-artifacts": {"src": {"files": ["data"]}}},
    )
    builder = Builder(cloud, buildspec, LOGS, FILES, source={"type": "S3", "location": f"{bucket}/main.zip"})
    target = {"type": "S3", "location": bucket, "path": "made", "name": "both.zip", "packaging": "ZIP"}
    build = builder.run(
        secondarySourcesOverride=[{"type": "S3", "location": f"{bucket}/other.zip", "sourceIdentifier": "other"}],
        artifactsOverride=target,
        secondaryArtifactsOverride=[{**target, "name": "src", "packaging": "NONE", "artifactIdentifier": "src"}],
    )
    assert build["buildStatus"] == "SUCCEEDED", builder.log(build)
    assert build["artifacts"]["location"] == f"arn:aws:s3:::{bucket}/made/both.zip"
    with zipfile.ZipFile(io.BytesIO(s3.get_object(Bucket=bucket, Key="made/both.zip")["Body"].read())) as archive:
        assert archive.read("both") == b"mainother"
    assert s3.get_object(Bucket=bucket, Key="made/src/data")["Body"].read() == b"main"


def test_artifacts_are_encrypted_with_the_key_of_the_project(cloud: Cloud, bucket: str) -> None:
    key = cloud.client("kms").create_key()["KeyMetadata"]["Arn"]
    kms = allow(["kms:GenerateDataKey*", "kms:Decrypt"], key)
    builder = Builder(cloud, spec("touch a", artifacts={"files": ["a"]}), LOGS, FILES, kms, encryptionKey=key)
    target = {"type": "S3", "location": bucket, "name": "encrypted", "packaging": "ZIP"}
    assert builder.run(artifactsOverride=target)["buildStatus"] == "SUCCEEDED"
    found = cloud.client("s3").get_object(Bucket=bucket, Key="encrypted")
    assert (found["ServerSideEncryption"], found["SSEKMSKeyId"]) == ("aws:kms", key)


def test_a_buildspec_can_be_a_file_of_the_source(cloud: Cloud, bucket: str) -> None:
    cloud.client("s3").put_object(Bucket=bucket, Key="spec.zip", Body=packed(ci__build=spec("echo from the source")))
    builder = Builder(cloud, spec("false"), LOGS, FILES)
    build = builder.run(
        sourceTypeOverride="S3", sourceLocationOverride=f"{bucket}/spec.zip", buildspecOverride="ci/build"
    )
    assert "from the source" in builder.log(build)


def test_missing_artifacts_fail_the_build(cloud: Cloud, bucket: str) -> None:
    builder = Builder(cloud, spec("true", artifacts={"files": ["none"]}), LOGS, FILES)
    build = builder.run(artifactsOverride={"type": "S3", "location": bucket})
    assert message(build, "UPLOAD_ARTIFACTS") == "no matching artifact paths found: none"


def test_a_role_that_may_not_write_artifacts_gets_the_policy_statement_to_add(cloud: Cloud, bucket: str) -> None:
    builder = Builder(cloud, spec("touch a", artifacts={"files": ["a"]}))
    build = builder.run(artifactsOverride={"type": "S3", "location": bucket, "name": "x", "packaging": "ZIP"})
    assert f'"Action": "s3:PutObject", "Resource": "arn:aws:s3:::{bucket}/x"' in message(build, "UPLOAD_ARTIFACTS")


def test_reports_are_uploaded_even_if_the_build_fails(cloud: Cloud) -> None:
    xml = '<testsuite><testcase name="a"/><testcase name="b"><failure/></testcase></testsuite>'
    reports = {"tests": {"files": ["*.xml"], "base-directory": "out"}}
    commands = (f"mkdir out && echo '{xml}' > out/a.xml", "false")
    uploads = allow(["codebuild:*Report*", "codebuild:BatchPut*"], "arn:aws:codebuild:*:*:report-group/build-*")
    builder = Builder(cloud, spec(*commands, reports=reports), LOGS, uploads)
    build = builder.run()
    report = builder.codebuild.batch_get_reports(reportArns=build["reportArns"])["reports"][0]
    assert report["testSummary"]["statusCounts"]["FAILED"] == 1
    assert report["testSummary"]["total"] == 2
    assert report["status"] == "FAILED"
    assert report["executionId"] == build["arn"]
    cases = builder.codebuild.describe_test_cases(reportArn=report["arn"])["testCases"]
    assert [case["name"] for case in cases] == ["a", "b"]


def test_a_role_that_may_not_create_reports_gets_the_policy_statement_to_add(cloud: Cloud) -> None:
    builder = Builder(cloud, spec("echo '<testsuite/>' > a.xml", reports={"tests": {"files": ["a.xml"]}}))
    assert '"Action": "codebuild:CreateReportGroup"' in message(builder.run(), "UPLOAD_ARTIFACTS")


def test_a_cache_is_restored_in_the_next_build(cloud: Cloud) -> None:
    cached = {"type": "LOCAL", "modes": ["LOCAL_CUSTOM_CACHE"]}
    commands = ("cat /root/kept/file || echo none", "mkdir -p /root/kept && echo kept > /root/kept/file")
    builder = Builder(cloud, spec(*commands, cache={"paths": ["/root/kept/**/*"]}), cache=cached)
    assert "none" in builder.log(builder.run())
    assert "kept" in builder.log(builder.run())


def test_the_log_arrives_while_the_build_runs(cloud: Cloud) -> None:
    builder = Builder(cloud, spec("echo early", "until [ -e /go ]; do sleep 0.1; done"))
    build_id = builder.start()
    builder.wait_for_line(build_id, "early")
    assert builder.get(build_id)["currentPhase"] == "BUILD"
    container = docker.from_env().containers.list(filters={"label": f"{BUILD_LABEL}={build_id}"})[0]
    container.exec_run(["touch", "/go"])
    assert builder.ended(build_id)["buildStatus"] == "SUCCEEDED"


def test_a_state_change_is_sent_to_eventbridge(cloud: Cloud) -> None:
    builder, queue = Builder(cloud, spec("true")), unique("events")
    sqs, rules = cloud.client("sqs"), cloud.client("events")
    url = sqs.create_queue(QueueName=queue)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {"source": ["aws.codebuild"], "detail": {"project-name": [builder.name], "build-status": ["SUCCEEDED"]}}
    rules.put_rule(Name=queue, EventPattern=json.dumps(pattern))
    rules.put_targets(Rule=queue, Targets=[{"Id": "1", "Arn": arn}])
    build = builder.run()
    found = until("an event", lambda: sqs.receive_message(QueueUrl=url).get("Messages"))
    assert json.loads(found[0]["Body"])["detail"]["build-id"] == build["arn"]
