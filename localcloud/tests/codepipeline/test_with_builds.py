"""Builds in containers as actions of a pipeline, with roles of least privilege."""

from __future__ import annotations

import io
import json
import zipfile

import pytest

from localcloud.testing.cloud import Cloud
from localcloud.testing.pipelines import CONNECTION, TRUST, World, action, allow, stage, until
from localcloud.testing.plain import ACCOUNT, REGION, unique

pytestmark = [pytest.mark.local, pytest.mark.docker, pytest.mark.slow]


@pytest.fixture(scope="module")
def world(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(cloud, tmp_path_factory.mktemp("builds"))


def rights(world: World, project: str) -> str:
    """Returns a role for a pipeline, with only the rights that the pipeline needs."""
    arn = f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/{project}"
    return world.plain.role(
        unique("narrow"),
        allow("codebuild:StartBuild", "codebuild:BatchGetBuilds", "codebuild:StopBuild", resource=arn),
        allow("s3:GetObject*", "s3:PutObject*", resource=f"arn:aws:s3:::{world.bucket}/*"),
        allow("codeconnections:UseConnection", resource=CONNECTION),
        allow("lambda:InvokeFunction"),
        trust=TRUST,
    )


def project(world: World, *commands: str, **sections: object) -> str:
    """Creates a project with these commands. Its role may access only its artifacts and its log."""
    phases = {"build": {"commands": list(commands)}}
    buildspec = {"version": "0.2", "env": {"shell": "bash"}, **sections, "phases": phases}
    trust = {"Effect": "Allow", "Principal": {"Service": "codebuild.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = world.plain.role(
        unique("builder"),
        allow("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"),
        allow("s3:GetObject*", "s3:PutObject*", resource=f"arn:aws:s3:::{world.bucket}/*"),
        trust=trust,
    )
    name = unique("build")
    world.plain.client("codebuild").create_project(
        name=name,
        source={"type": "NO_SOURCE", "buildspec": json.dumps(buildspec)},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={
            "type": "LINUX_CONTAINER",
            "image": "aws/codebuild/amazonlinux-x86_64-standard:5.0",
            "computeType": "BUILD_GENERAL1_SMALL",
        },
        serviceRole=role,
    )
    return name


def test_a_build_reads_the_commit_and_passes_variables_and_files_to_later_actions(world: World) -> None:
    commit = world.commit("build me", **{"word.txt": "hello"})
    made = project(
        world,
        "export WORD=$(cat word.txt) WHO=$CODEBUILD_INITIATOR",
        'echo "$COMMIT $WORD" > out.txt',
        env={"shell": "bash", "exported-variables": ["WORD", "WHO"]},
        artifacts={"files": ["out.txt"]},
    )
    variables = json.dumps([{"name": "COMMIT", "value": "#{Source.CommitId}"}])
    given = {"ProjectName": made, "EnvironmentVariables": variables}
    build = action("Build", "Build", "CodeBuild", given, inputs=["Code"], outputs=["Out"], namespace="Build")
    job = world.job("Use", {"say": "#{Build.WORD} #{Build.WHO}"}, inputs=["Out"], namespace="Use")
    name = unique("built")
    role = rights(world, made)
    world.api.create_pipeline(pipeline=world.declare(stage("Build", build), stage("Use", job), name=name, roleArn=role))
    run = world.executions(name)[0]["pipelineExecutionId"]
    status = world.ended(name, run, seconds=240)["status"]
    done = world.actions(name, run)
    assert status == "Succeeded", done
    assert done["Use"]["output"]["outputVariables"]["Said"] == f"hello codepipeline/{name}"
    place = done["Build"]["output"]["outputArtifacts"][0]["s3location"]
    body = world.plain.client("s3").get_object(Bucket=place["bucket"], Key=place["key"])["Body"].read()
    assert zipfile.ZipFile(io.BytesIO(body)).read("out.txt").decode().strip() == f"{commit} hello"
    result = done["Build"]["output"]["executionResult"]
    assert result["externalExecutionId"].startswith(made)


def test_a_failed_build_fails_the_run(world: World) -> None:
    made = project(world, "echo no && exit 3")
    build = action("Build", "Build", "CodeBuild", {"ProjectName": made}, inputs=["Code"])
    declaration = world.declare(stage("Build", build), stage("Use", world.job("Never")))
    world.api.create_pipeline(pipeline=declaration)
    name = declaration["name"]
    run = world.executions(name)[0]["pipelineExecutionId"]
    assert world.ended(name, run, seconds=240)["status"] == "Failed"
    assert "state FAILED. BUILD: COMMAND_EXECUTION_ERROR" in world.error(name, run, "Build")["message"]


def test_an_abandoned_run_stops_its_build(world: World) -> None:
    made = project(world, "sleep 300")
    build = action("Build", "Build", "CodeBuild", {"ProjectName": made}, inputs=["Code"])
    declaration = world.declare(stage("Build", build))
    world.api.create_pipeline(pipeline=declaration)
    name = declaration["name"]
    run = world.executions(name)[0]["pipelineExecutionId"]

    def identifier() -> str:
        result = world.actions(name, run).get("Build", {}).get("output", {}).get("executionResult", {})
        return str(result.get("externalExecutionId", ""))

    build_id = until("the build starts", identifier)
    world.api.stop_pipeline_execution(pipelineName=name, pipelineExecutionId=run, abandon=True)
    assert world.ended(name, run)["status"] == "Stopped"
    codebuild = world.plain.client("codebuild")
    found = until(
        "the build ends",
        lambda: [build for build in codebuild.batch_get_builds(ids=[build_id])["builds"] if build["buildComplete"]],
    )
    assert found[0]["buildStatus"] == "STOPPED"


def test_the_error_of_a_pipeline_that_may_not_start_a_build_names_the_project(world: World) -> None:
    made = project(world, "true")
    build = action("Build", "Build", "CodeBuild", {"ProjectName": made}, inputs=["Code"])
    role = rights(world, "another")
    declaration = world.declare(stage("Build", build), roleArn=role)
    world.api.create_pipeline(pipeline=declaration)
    name = declaration["name"]
    run = world.executions(name)[0]["pipelineExecutionId"]
    world.ended(name, run)
    message = world.error(name, run, "Build")["message"]
    arn = f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/{made}"
    assert f"The role {role} may not perform codebuild:StartBuild on {arn}" in message
