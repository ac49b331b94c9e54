"""The work of each function, done once: it must fail when a role of the function lacks a statement."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from localcloud.testing.pipelines import until
from localcloud.testing.plain import ACCOUNT, REGION
from paths import ROOT
from tests.end_to_end.privileges import aws
from tests.end_to_end.privileges.deployed import Deployed, Outcome

DELIVERY, ACCESS = "tooling-allthrive-delivery", "production-allthrive-access"
SERVICES, EDGE, DATA = "production-allthrive-services", "production-allthrive-edge", "production-allthrive-data"
STACKS = (DELIVERY, ACCESS, SERVICES, EDGE, DATA)
ACTIONS = (
    "ProductionDeploy",
    "ProductionMigrate",
    "ProductionVerify",
    "ProductionInvalidate",
    "Protect",
    "Promote",
    "PublishBuild",
    "PublishBranchBuild",
    "PublishRelease",
)
MANIFEST = json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "layers": []})
DIGEST = f"sha256:{hashlib.sha256(MANIFEST.encode()).hexdigest()}"
REPOSITORY = "allthrive/backend"
IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{REPOSITORY}@{DIGEST}"
_MAIN, _FEATURE = "allthrive-main", "allthrive-feature"


class Work:
    """The work of the product's functions."""

    def __init__(self, deployed: Deployed) -> None:
        self.deployed, self._cloud = deployed, deployed.cloud
        self._numbers = itertools.count(1)
        self._failed = ""
        ecr = self._cloud.client("ecr")
        ecr.put_image(repositoryName=REPOSITORY, imageManifest=MANIFEST, imageTag="built", imageDigest=DIGEST)
        self._site = deployed.physical(EDGE, "Site")
        self._cloud.client("s3").put_object(
            Bucket=self._site,
            Key="status.json",
            Body=json.dumps({"version": "1", "image_digest": DIGEST}).encode(),
            ContentType="application/json",
        )
        assert self.deploy() == Outcome(True, f"{SERVICES} runs 1.0.1")

    def role(self, kind: str) -> str:
        """Returns the name of a role of a kind; of the environments, in production."""
        stack, _, name = kind.partition(": ")
        found = {"access": ACCESS, "delivery": DELIVERY, "services": SERVICES}[stack]
        return self.deployed.physical(found, name.replace("Flow", "Main").replace("Environment", "Production"))

    def _act(
        self, function: str, parameters: dict[str, Any], token: dict[str, Any] | None = None, calls: int = 60
    ) -> Outcome:
        return self.deployed.action(self.deployed.physical(DELIVERY, function), parameters, token, calls)

    # --- actions -----------------------------------------------------------------------------------------------------

    def deploy(self) -> Outcome:
        """Deploys a release to the services."""
        version = f"1.0.{next(self._numbers)}"
        return self._act(
            "ProductionDeploy",
            {
                "parameters": {"BackendImage": IMAGE, "MigrationImage": IMAGE, "ReleaseVersion": version},
                "pipeline": _MAIN,  # alarms of production hold a release back, but no rollback
                "run": str(uuid.uuid4()),
            },
        )

    def migrate(self) -> Outcome:
        """Starts a migration, follows it, and stops it at its deadline.

        Without containers the task runs until it is stopped.
        """
        ecs, cluster = self._cloud.client("ecs"), "production-allthrive-cluster"
        for task in ecs.list_tasks(cluster=cluster, family="production-allthrive-migrate")["taskArns"]:
            ecs.stop_task(cluster=cluster, task=task)
        started = self._act("ProductionMigrate", {"image": IMAGE}, calls=3)
        if "the task is RUNNING" not in started.output:
            return started
        (task,) = ecs.list_tasks(cluster=cluster, family="production-allthrive-migrate")["taskArns"]
        state = {"key": "k", "started": 1, "until": 1, "task": task, "cluster": cluster}
        late = self._act("ProductionMigrate", {"image": IMAGE}, state)
        if f"Stopped {task}" not in late.output:
            return late
        ended = self._act("ProductionMigrate", {"image": IMAGE}, {**state, "until": 2**31})
        return Outcome("UserInitiated" in ended.output, ended.output)

    def verify(self) -> Outcome:
        """Verifies a release. The site contains its status report, since there is no container to respond."""
        return self._act("ProductionVerify", {"version": "1", "images": [IMAGE], "path": "/status.json"})

    def invalidate(self) -> Outcome:
        """Invalidates CloudFront's cache."""
        return self._act("ProductionInvalidate", {})

    def protect(self) -> Outcome:
        """Keeps an image that waits for an approval: the tag moves to it each time."""
        return self._act("Protect", {"images": [IMAGE], "tag": f"in-use-production-{next(self._numbers)}"})

    def promote(self) -> Outcome:
        """Tags an image."""
        return self._act("Promote", {"images": [IMAGE], "tag": f"v{next(self._numbers)}"})

    def publish_build(self, function: str = "PublishBuild", published: str = REPOSITORY) -> Outcome:
        """Publishes an image that a build pushed, with a layer that no image had before."""
        ecr, number = self._cloud.client("ecr"), next(self._numbers)
        waiting = published.replace("/", "/builds/", 1)
        blobs = [json.dumps({"build": uuid.uuid4().hex}).encode(), uuid.uuid4().bytes]
        digests = [self._upload(ecr, waiting, blob) for blob in blobs]
        manifest = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "config": {"digest": digests[0], "size": len(blobs[0])},
                "layers": [{"digest": digests[1], "size": len(blobs[1])}],
            }
        )
        digest = f"sha256:{hashlib.sha256(manifest.encode()).hexdigest()}"
        commit = hashlib.sha1(manifest.encode(), usedforsecurity=False).hexdigest()
        ecr.put_image(repositoryName=waiting, imageManifest=manifest, imageTag=f"commit-{commit}", imageDigest=digest)
        said = {"tags": f"label:commit-{commit}", "version": f"1.0.{number}", "release_tag": f"v1.0.{number}"}
        image = IMAGE.replace(REPOSITORY, waiting).replace(DIGEST, digest)
        return self._act(function, {"image": image, "commit": commit, **said})

    @staticmethod
    def _upload(ecr: Any, repository: str, content: bytes) -> str:
        """Puts a layer into a repository; returns its digest."""
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        upload = ecr.initiate_layer_upload(repositoryName=repository)["uploadId"]
        place = {"repositoryName": repository, "uploadId": upload}
        ecr.upload_layer_part(
            **place, partFirstByte=0, partLastByte=len(content) - 1, layerPartBlob=content, registryId=ACCOUNT
        )
        ecr.complete_layer_upload(**place, layerDigests=[digest])
        return digest

    def publish(self) -> Outcome:
        """Publishes a release on GitHub."""
        commit = self._run(_MAIN)["artifactRevisions"][0]["revisionId"]
        return self._act("PublishRelease", {"tag": f"v1.0.{next(self._numbers)}", "commit": commit, "images": [IMAGE]})

    # --- builds ------------------------------------------------------------------------------------------------------

    def frontend(self) -> Outcome:
        """Uploads a bundle and deletes the one before, with the real buildspec and AWS CLI, on this machine."""
        site = Path(self._cloud.state) / "bundle"
        name = f"index-abcdef{next(self._numbers):04}.js"
        shutil.rmtree(site, ignore_errors=True)
        (site / "assets").mkdir(parents=True)
        (site / "index.html").write_text(f'<script src="/assets/{name}"></script>', encoding="utf-8")
        (site / "assets" / name).write_text("js", encoding="utf-8")
        (site / ".slipway").mkdir()
        (site / ".slipway" / "immutable.json").write_text(json.dumps([f"assets/{name}"]), encoding="utf-8")
        role = f"arn:aws:iam::{ACCOUNT}:role/production-allthrive-pipeline-publish"
        values = {"ROLE_ARN": role, "REGION": REGION, "STACK": EDGE, "KEEP_RELEASES": "1", "RELEASE": name}
        return self._build("publish-frontend", site, "delivery: FlowEnvironmentFrontendRole", values)

    def scan(self) -> Outcome:
        """Reads the findings of an image."""
        empty = Path(self._cloud.state) / "empty"
        empty.mkdir(exist_ok=True)
        values = {"IMAGE": IMAGE, "WAIT_SECONDS": "1", "PAUSE_SECONDS": "0.1", "ALLOW_UNSCANNED": "true"}
        return self._build("scan", empty, "delivery: FlowPublishScanBackendRole", values)

    def _build(self, name: str, source: Path, kind: str, values: dict[str, str]) -> Outcome:
        command = [sys.executable, "-m", "builds", "run", name, "--source", str(source)]
        for key, value in values.items():
            command += ["--set", f"{key}={value}"]
        taken = self.deployed.session(self.role(kind))
        home = Path(self._cloud.state) / f"home-{next(self._numbers)}"  # the AWS CLI keeps the roles it took there
        home.mkdir()
        environment = {key: value for key, value in os.environ.items() if not key.startswith("AWS_CONTAINER")}
        environment["PATH"] = aws.install(Path(self._cloud.state) / "tools")
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=environment | taken | {"HOME": str(home)},
            capture_output=True,
            text=True,
            check=False,
        )
        return Outcome(done.returncode == 0, done.stdout + done.stderr)

    # --- calls -------------------------------------------------------------------------------------------------------

    def calls(self, action: str) -> Outcome:
        """Runs the action of the pipeline that calls a function, with the action's own role.

        It succeeds if the function is called, whatever the function returns. The pipeline is reduced to its source and
        that action, since without containers no run reaches it.
        """
        api = self._cloud.client("codepipeline")
        whole = api.get_pipeline(name=_MAIN)["pipeline"]
        stages = [
            {
                **stage,
                "actions": [
                    declared for declared in stage["actions"] if f"{stage['name']}{declared['name']}" == action
                ],
            }
            for stage in whole["stages"][1:]
        ]
        (stage,) = [left for left in stages if left["actions"]]
        stage["actions"][0]["configuration"]["UserParameters"] = '{"image": "none", "unknown": true}'
        cut = {**whole, "stages": [whole["stages"][0], {"name": stage["name"], "actions": stage["actions"]}]}
        api.update_pipeline(pipeline=cut)
        try:
            run = api.start_pipeline_execution(name=_MAIN)["pipelineExecutionId"]
            error = until("the action's end", lambda: self._error(run), 120)
        finally:
            api.update_pipeline(pipeline=whole)
        return Outcome("lambda:InvokeFunction" not in error, error)

    def _error(self, run: str) -> str:
        """Returns the error of a run that has failed: our functions refuse unknown parameters."""
        api = self._cloud.client("codepipeline")
        found = api.list_action_executions(pipelineName=_MAIN, filter={"pipelineExecutionId": run})
        ended = [detail for detail in found["actionExecutionDetails"] if detail["status"] in ("Failed", "Succeeded")]
        ended = [detail for detail in ended if detail["stageName"] != "Source" or detail["status"] == "Failed"]
        return json.dumps(ended[0]["output"]["executionResult"], default=str) if ended else ""

    # --- events ------------------------------------------------------------------------------------------------------

    def _run(self, pipeline: str) -> dict[str, Any]:
        """Returns a run that has failed: without containers no build writes a bundle."""
        api = self._cloud.client("codepipeline")
        if not self._failed:
            self._failed = api.start_pipeline_execution(name=pipeline)["pipelineExecutionId"]

        def ended() -> Any:
            found = api.get_pipeline_execution(pipelineName=pipeline, pipelineExecutionId=self._failed)
            return found["pipelineExecution"] if found["pipelineExecution"]["status"] != "InProgress" else None

        return dict(until("a run that fails", ended, 300))

    def _tell(self, function: str, pipeline: str, run: str, state: str) -> str:
        detail = {"pipeline": pipeline, "execution-id": run, "state": state, "pipeline-execution-attempt": 1.0}
        event = {
            "id": f"event-{next(self._numbers)}",
            "source": "aws.codepipeline",
            "detail-type": "CodePipeline Pipeline Execution State Change",
            "detail": detail,
        }
        return self.deployed.call(self.deployed.physical(DELIVERY, function), event)

    def report(self) -> Outcome:
        """Opens an issue about a failed run."""
        run = self._run(_MAIN)["pipelineExecutionId"]
        raised = self._tell("ReportFailure", _MAIN, run, "FAILED")
        return Outcome(not raised, raised)

    def notify(self) -> Outcome:
        """Sends a message about a failed run."""
        run = self._run(_MAIN)["pipelineExecutionId"]
        raised = self._tell("Notify", _MAIN, run, "FAILED")
        return Outcome(not raised, raised)

    def cancel(self) -> Outcome:
        """Stops an older run when a newer one starts."""
        api = self._cloud.client("codepipeline")
        closed = {"pipelineName": _FEATURE, "stageName": "Test", "transitionType": "Inbound"}
        api.disable_stage_transition(**closed, reason="runs wait here")
        runs = [api.start_pipeline_execution(name=_FEATURE)["pipelineExecutionId"] for _ in range(2)]

        def status(run: str) -> str:
            found = api.get_pipeline_execution(pipelineName=_FEATURE, pipelineExecutionId=run)
            return str(found["pipelineExecution"]["status"])

        def read() -> bool:
            """True if both runs have their commit."""
            found = api.list_pipeline_executions(pipelineName=_FEATURE)["pipelineExecutionSummaries"]
            known = {summary["pipelineExecutionId"] for summary in found if summary.get("sourceRevisions")}
            return set(runs) <= known

        until("both runs have their source", read)
        try:
            raised = self._tell("CancelSuperseded", _FEATURE, runs[1], "STARTED")
            stopped = status(runs[0]) in ("Stopping", "Stopped")
            return Outcome(stopped and not raised, raised or f"the older run is {status(runs[0])}")
        finally:
            for run in runs:
                if status(run) == "InProgress":
                    api.stop_pipeline_execution(pipelineName=_FEATURE, pipelineExecutionId=run, abandon=True)

    # --- rotation ----------------------------------------------------------------------------------------------------

    def rotate(self) -> Outcome:
        """Rotates the database password: only the steps without a database, which needs a container."""
        secret = self.deployed.output(DATA, "DatabaseUserSecret")
        function, version = self.deployed.physical(SERVICES, "PasswordRotationHandler"), self._pending(secret)
        raised = ""
        for step in ("createSecret", "finishSecret"):
            event = {"Step": step, "SecretId": secret, "ClientRequestToken": version}
            raised = raised or self.deployed.call(function, event)
        return Outcome(not raised, raised)

    def _pending(self, secret: str) -> str:
        """Returns a pending version of a secret: its rotation function does not exist, so it stays pending."""
        secrets = self._cloud.client("secretsmanager")
        for version, stages in secrets.describe_secret(SecretId=secret)["VersionIdsToStages"].items():
            if "AWSPENDING" in stages:
                secrets.update_secret_version_stage(
                    SecretId=secret, VersionStage="AWSPENDING", RemoveFromVersionId=version
                )
        nobody = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:nobody"
        token = str(uuid.uuid4())
        secrets.rotate_secret(SecretId=secret, RotationLambdaARN=nobody, ClientRequestToken=token)
        return token


Doing = Callable[[Work], Outcome]
OF_ROLES: dict[str, Doing] = {
    "delivery: EnvironmentDeployRole": Work.deploy,
    "access: Deploy": Work.deploy,
    "delivery: EnvironmentMigrateRole": Work.migrate,
    "access: Migrate": Work.migrate,
    "delivery: EnvironmentVerifyRole": Work.verify,
    "access: Verify": Work.verify,
    "delivery: EnvironmentInvalidateRole": Work.invalidate,
    "access: Invalidate": Work.invalidate,
    "delivery: FlowEnvironmentFrontendRole": Work.frontend,
    "access: Publish": Work.frontend,
    "delivery: FlowPublishScanBackendRole": Work.scan,
    **{
        f"delivery: Flow{action.replace('Production', 'Environment')}Action": partial(Work.calls, action=action)
        for action in (
            "ProductionDeploy",
            "ProductionMigrate",
            "ProductionVerify",
            "ProductionInvalidate",
            "ApprovalProtect",
            "ReleasePromote",
            "ReleaseGitHub",
            "PublishBackend",
        )
    },
    "delivery: ProtectRole": Work.protect,
    "delivery: PromoteRole": Work.promote,
    "delivery: PublishBuildRole": Work.publish_build,
    "delivery: PublishBranchBuildRole": partial(
        Work.publish_build, function="PublishBranchBuild", published="allthrive/branches/backend"
    ),
    "delivery: PublishReleaseRole": Work.publish,
    "delivery: ReportFailureRole": Work.report,
    "delivery: NotifyRole": Work.notify,
    "delivery: CancelSupersededRole": Work.cancel,
    "services: PasswordRotationHandlerRole": Work.rotate,
}
"""The work that needs each role of a function, or each role that a function assumes."""
