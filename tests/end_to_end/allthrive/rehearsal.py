"""The work of builds, actions and tasks, one by one: it must fail when a role lacks a statement."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from localcloud.testing.cloud import Cloud, until
from tests.end_to_end.allthrive.clone import PIPELINE, Clone
from tests.end_to_end.privileges.deployed import Answers, Deployed, Outcome

DELIVERY, ACCESS = "tooling-allthrive-delivery", "production-allthrive-access"
SERVICES = "production-allthrive-services"
CLUSTER = "production-allthrive-cluster"
LONGEST = 600  # seconds of a run of one action
_LOG_LINES = 50
_OVER = {"Succeeded", "Failed"}
# What an action needs from an action of another stage.
_NEEDS = {("Production", "Frontend"): ("Test", "Bundle")}
SAVE = """
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage as media
name = media.save("privileges/own.txt", ContentFile(b"own"))
assert media.open(name).read() == b"own"
assert media.listdir("privileges")[1]
media.delete(name)
"""
FORGET = """
from django.db.migrations.recorder import MigrationRecorder
MigrationRecorder.Migration.objects.filter(app="catalog").delete()
"""


class Rehearsal:
    """The product after a push that passed every stage; its actions and tasks can be run one by one."""

    def __init__(self, cloud: Cloud, clone: Clone, run: str) -> None:
        self.deployed = Deployed(cloud, Answers(cloud), [DELIVERY, SERVICES, ACCESS])
        self._cloud = cloud
        self._resolved = {
            name: action["input"]["resolvedConfiguration"]
            for name, action in clone.actions(run).items()
            if action["input"].get("resolvedConfiguration")
        }

    def role(self, kind: str) -> str:
        """Returns the name of a role of a kind, in the pipeline of the push and in production."""
        stack, _, name = kind.partition(": ")
        flow = "PullRequest" if "TestBrowser" in name else "Main"
        name = name.replace("Flow", flow).replace("Environment", "Production")
        return self.deployed.physical({"delivery": DELIVERY, "services": SERVICES, "access": ACCESS}[stack], name)

    # --- actions -----------------------------------------------------------------------------------------------------

    def alone(self, stage: str, action: str, pipeline: str = PIPELINE, proof: str = "") -> Outcome:
        """Runs the source and this action alone, with the inputs that the action had in the run of the push.

        If the action may succeed although part of its work failed, `proof` is the line of its log that shows success.
        """
        wanted = [key for key in (_NEEDS.get((stage, action)), (stage, action)) if key]
        with self._cut(pipeline, wanted):
            run = self._cloud.client("codepipeline").start_pipeline_execution(name=pipeline)["pipelineExecutionId"]
            outcome: Outcome = until(f"the end of {stage}/{action}", partial(self._ended, pipeline, run), LONGEST)
        return Outcome(outcome.succeeded and proof in outcome.output, outcome.output)

    @contextmanager
    def _cut(self, pipeline: str, wanted: list[tuple[str, str]]) -> Iterator[None]:
        """Reduces the pipeline to its source and these actions, and restores it afterwards."""
        api = self._cloud.client("codepipeline")
        whole = api.get_pipeline(name=pipeline)["pipeline"]
        source, *stages = whole["stages"]
        kept = [
            {"name": stage["name"], "actions": [self._with_values(stage["name"], action)]}
            for stage in stages
            for action in stage["actions"]
            if (stage["name"], action["name"]) in wanted
        ]
        assert len(kept) == len(wanted)
        api.update_pipeline(pipeline={**whole, "stages": [source, *kept]})
        try:
            yield
        finally:
            api.update_pipeline(pipeline=whole)

    def _with_values(self, stage: str, action: dict[str, Any]) -> dict[str, Any]:
        """Returns an action with values in place of other actions' variables in its configuration."""
        return {**action, "configuration": self._resolved.get(f"{stage}/{action['name']}", action["configuration"])}

    def _ended(self, pipeline: str, run: str) -> Outcome | None:
        api = self._cloud.client("codepipeline")
        state = api.get_pipeline_execution(pipelineName=pipeline, pipelineExecutionId=run)["pipelineExecution"]
        if state["status"] not in _OVER:
            return None
        found = api.list_action_executions(pipelineName=pipeline, filter={"pipelineExecutionId": run})
        outputs = [self._output(detail) for detail in found["actionExecutionDetails"] if "output" in detail]
        return Outcome(state["status"] == "Succeeded", "\n".join(outputs))

    def _output(self, action: dict[str, Any]) -> str:
        """Returns an action's error, if any, and for a build also the messages of its phases and the end of its log."""
        result = action["output"]["executionResult"]
        text = json.dumps(result.get("errorDetails", {}))
        if action["input"]["actionTypeId"]["provider"] != "CodeBuild" or not result.get("externalExecutionId"):
            return text
        (build,) = self._cloud.client("codebuild").batch_get_builds(ids=[result["externalExecutionId"]])["builds"]
        phases = [context["message"] for phase in build["phases"] for context in phase.get("contexts", [])]
        logs = build["logs"]
        return "\n".join([text, *phases, self._log(logs.get("groupName", ""), logs.get("streamName", ""))])

    def _log(self, group: str, stream: str) -> str:
        logs = self._cloud.client("logs")
        try:
            found = logs.get_log_events(logGroupName=group, logStreamName=stream, limit=_LOG_LINES)["events"]
        except logs.exceptions.ResourceNotFoundException:
            return ""
        return "\n".join(event["message"] for event in found)

    # --- tasks -------------------------------------------------------------------------------------------------------

    def task(self, service: str, *command: str) -> Outcome:
        """Runs a task of a service's definition with another command, until it ends."""
        ecs = self._cloud.client("ecs")
        family = f"production-allthrive-{service}"
        definition = ecs.describe_task_definition(taskDefinition=family)["taskDefinition"]
        container = definition["containerDefinitions"][0]
        network = self._cloud.service(CLUSTER, "production-allthrive-web")["networkConfiguration"]
        overrides = {"containerOverrides": [{"name": container["name"], "command": list(command)}]}
        (started,) = ecs.run_task(
            cluster=CLUSTER,
            taskDefinition=family,
            launchType="FARGATE",
            networkConfiguration=network,
            overrides=overrides,
        )["tasks"]
        ended = self._cloud.stopped(CLUSTER, started["taskArn"])
        log = container["logConfiguration"]["options"]
        stream = f"{log['awslogs-stream-prefix']}/{container['name']}/{started['taskArn'].rpartition('/')[2]}"
        output = f"{ended['stoppedReason']}\n{self._log(log['awslogs-group'], stream)}"
        return Outcome(ended["containers"][0].get("exitCode") == 0, output)

    def uploads(self, service: str) -> Outcome:
        """Lets the product's own code save, read, list and delete a file."""
        return self.task(service, "python", "manage.py", "shell", "-c", SAVE)

    def failing_migration(self) -> Outcome:
        """Runs a migration that fails because its tables exist: its error must contain the end of its log."""
        forgotten = self.task("web", "python", "manage.py", "shell", "-c", FORGET)
        assert forgotten.succeeded, forgotten.output
        try:
            output = self.alone("Production", "Migrate").output
        finally:
            mended = self.task("web", "python", "manage.py", "migrate", "--fake", "catalog")
        assert mended.succeeded, mended.output
        return Outcome("End of /ecs/" in output, output)


Doing = Callable[[Rehearsal], Outcome]


def _build(stage: str, action: str, pipeline: str = PIPELINE, proof: str = "") -> Doing:
    return partial(Rehearsal.alone, stage=stage, action=action, pipeline=pipeline, proof=proof)


def _roles(key: str) -> tuple[str, str]:
    return f"delivery: Flow{key}Action", f"delivery: Flow{key}Role"


def _tasks(key: str) -> tuple[str, str]:
    return f"services: {key}TaskExecutionRole", f"services: {key}TaskTaskRole"


WORK: dict[tuple[str, ...], Doing] = {
    ("delivery: FlowRole", "delivery: FlowSourceRole"): _build("Production", "Invalidate"),
    _roles("TestBackend"): _build("Test", "Backend"),
    _roles("TestFrontend"): _build("Test", "Frontend"),
    _roles("TestMigrations"): _build("Test", "Migrations"),
    _roles("TestSeo"): _build("Test", "Seo"),
    _roles("TestBrowser"): _build("Test", "Browser", "allthrive-pull-request"),
    _roles("TestBuildBackend"): _build("Test", "BuildBackend"),
    _roles("TestBundle"): _build("Test", "Bundle"),
    _roles("PublishScanBackend"): _build("Publish", "ScanBackend"),
    _roles("E2EPlaywright"): _build("E2E", "Playwright", proof="Report: s3://tooling-"),
    _roles("EnvironmentFrontend"): _build("Production", "Frontend"),
    ("access: Migrate",): Rehearsal.failing_migration,
    _tasks("Web"): partial(Rehearsal.uploads, service="web"),
    _tasks("Celery"): partial(Rehearsal.uploads, service="celery"),
    _tasks("CeleryBeat"): partial(Rehearsal.uploads, service="celery-beat"),
    _tasks("Migrate"): partial(Rehearsal.uploads, service="migrate"),
}
"""The work that needs the roles of a build and its action, or of a task."""
