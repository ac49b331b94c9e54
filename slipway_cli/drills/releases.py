"""Failing releases: an image that does not start, migrations that fail or hang, two operators at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from products import names
from slipway_cli.drills import rows
from slipway_cli.drills.runbook import Shell, blocks
from slipway_cli.drills.scene import Scene, SceneError
from slipway_cli.drills.visitor import Visitor
from slipway_cli.operate.pipelines import Desk, Pipeline
from slipway_cli.runs import Run
from slipway_cli.texts import plain
from slipway_cli.typed import command

# Formatted for the example's linters: a migration that fails the stage Test never reaches a database.
MIGRATION = """{imports}from django.db import migrations


def planted(apps, schema_editor):
    {body}


class Migration(migrations.Migration):
    dependencies = [("catalog", "{before}")]
    operations = [migrations.RunPython(planted, migrations.RunPython.noop)]
"""
FAILS = (
    'if apps.get_model("catalog", "Topic").objects.exists():\n'
    '        raise ValueError("drill: this migration did not expect the rows that are there")'
)
IMPORTS = "import time\n\n"
HANGS = 'time.sleep(3600 if apps.get_model("catalog", "Topic").objects.exists() else 0)'


@dataclass(frozen=True)
class Before:
    """The state of the environment before the failure."""

    version: str
    data: rows.Rows
    migrations: list[str]

    @classmethod
    def of(cls, scene: Scene) -> Before:
        """Returns the current state, and reports it."""
        before = cls(str(scene.status().get("version")), scene.data(), rows.migrations(scene.database_url))
        scene.report.say(f"{scene.environment} serves {before.version}; {rows.summary(before.data)}")
        return before

    def intact(self, scene: Scene) -> None:
        """Check the promise that the data are unchanged."""
        changed = rows.differences(self.data, scene.data())
        scene.report.promise("the data are intact", not changed, changed or rows.summary(self.data))


def flow(scene: Scene) -> Pipeline:
    """Returns the pipeline that pushes to the repository's branch start."""
    desk = Desk(scene.product)
    branch = scene.product.repository.branch
    found = next((pipeline for pipeline in desk.pipelines if branch in pipeline.delivery.flow.branches), None)
    if found is None:
        raise SceneError(f"{scene.product.name} has no pipeline that a push to {branch} starts")
    return found


def run_of(scene: Scene, pipeline: Pipeline, commit: str) -> Run:
    """Waits for the run of a pushed commit, and returns it."""
    entry = scene.until(
        f"a run of {commit[:7]}",
        lambda: next((entry for entry in pipeline.entries(10) if entry.commit == commit), None),
        120,
    )
    return pipeline.run(entry)


def ended(scene: Scene, pipeline: Pipeline, run: str, *, or_after: str = "") -> Run:
    """Waits until a run has ended or has passed the stage `or_after`, and returns it. Reports each step that ends."""
    reported: set[str] = set()

    def now() -> Run | None:
        found = pipeline.run(next(entry for entry in pipeline.entries(20) if entry.id == run))
        for step in found.steps:
            if step.status not in {"InProgress", "Abandoned"} and step.name not in reported:
                reported.add(step.name)
                scene.report.say(
                    f"{step.name} {step.status.lower()}{f': {plain(step.reason)[:160]}' if step.reason else ''}"
                )
        past = or_after and any(
            step.stage == or_after and step.action == "Verify" and step.status == "Succeeded" for step in found.steps
        )
        return found if past or not found.entry.active else None

    return scene.until(f"the end of run {run[:8]}", now, 2400)


def baseline(scene: Scene, pipeline: Pipeline) -> None:
    """Make sure that a run has succeeded in the environment's stage: CodePipeline rolls a failed stage back to it."""
    stage = names.pascal(scene.environment)
    if pipeline.entries(1, succeeded_in=stage):
        return
    scene.report.say(f"no run has succeeded in {stage} yet, so a failed one could not be rolled back: starting one")
    commit = scene.push("Drill: a good release, to roll back to")
    run = run_of(scene, pipeline, commit)
    good = ended(scene, pipeline, run.entry.id, or_after=stage)
    if good.entry.status == "Failed":
        raise SceneError(f"the good release failed too; see: {command('status')}")
    stop(scene, pipeline, run.entry.id)


def stop(scene: Scene, pipeline: Pipeline, run: str) -> None:
    """Stop a run that the drill no longer needs, before it asks for the approval of production."""
    if next(entry for entry in pipeline.entries(20) if entry.id == run).active:
        scene.type(
            f"slipway stop {pipeline.flow} --run {run[:8]} --abandon --reason 'the drill is over' --product $P",
            may_fail=True,
        )


@contextmanager
def broken(scene: Scene, message: str) -> Iterator[tuple[Pipeline, Before, str]]:
    """Prepare a failing release, which the body of the `with` block pushes; afterwards revert it as documented.

    Yields the pipeline, the state before, and the stage that will fail.
    """
    pipeline = flow(scene)
    baseline(scene, pipeline)
    yield pipeline, Before.of(scene), names.pascal(scene.environment)
    scene.report.say(f"repair: revert the commit '{message}'")
    scene.documented("A release does not start", 1, replace={"../allthrive": str(scene.clone)})
    commit = scene.git("rev-parse", "HEAD")
    stage = names.pascal(scene.environment)
    run = ended(scene, pipeline, run_of(scene, pipeline, commit).entry.id, or_after=stage)
    served = str(scene.status().get("version", ""))
    scene.report.promise("the repair works: the reverting commit is served", served.endswith(commit[:7]), served)
    stop(scene, pipeline, run.entry.id)


def _check_rollback(scene: Scene, pipeline: Pipeline, before: Before, failed: Run, visitor: Visitor) -> None:
    """Check the promises for a run that failed in the environment's stage."""
    report = scene.report
    back = scene.until(
        "the old release",
        lambda: scene.status().get("version") == before.version and _settled(pipeline),
        900,
    )
    report.say(f"{before.version} serves again")
    report.promise("the old release serves", back, before.version)
    report.promise("visitors are served the whole time", visitor.unnoticed, visitor.summary())
    issues = [
        issue
        for issue in scene.issues()
        if failed.entry.id in str(issue.get("body", "")) or failed.entry.commit in str(issue.get("body", ""))
    ]
    if not issues:
        issues = scene.until(
            "an issue", lambda: [issue for issue in scene.issues() if pipeline.name in issue["title"]], 60
        )
    report.promise("an issue is open", issues, f"#{issues[0]['number']} {issues[0]['title']}")
    before.intact(scene)


def _settled(pipeline: Pipeline) -> bool:
    """True if no rollback is in progress; other runs may wait for an approval for days."""
    return not any(entry.active and entry.rollback for entry in pipeline.entries(10))


def bad_image(scene: Scene) -> None:
    """A release whose web container exits at once."""
    message = "Drill: an image that does not start"
    with broken(scene, message) as (pipeline, before, stage):
        dockerfile = scene.clone / "backend" / "Dockerfile.prod"
        dockerfile.write_text(
            dockerfile.read_text(encoding="utf-8").replace("config.asgi:application", "config.gone:application"),
            encoding="utf-8",
        )
        with scene.visitor() as visitor:
            began = time.monotonic()
            run = run_of(scene, pipeline, scene.push(message))
            scene.report.say(f"pushed; run {run.entry.id[:8]}")
            failed = ended(scene, pipeline, run.entry.id)
            scene.report.say(f"the run ended after {time.monotonic() - began:.0f} s")
            at = next((step.name for step in failed.steps if step.status == "Failed"), "nowhere")
            scene.report.promise("the deployment fails, and no later action runs", at == f"{stage}/Deploy", at)
            scene.report.promise(
                "the bad release never served",
                not [version for version in visitor.versions if version != before.version],
                visitor.versions,
            )
            scene.documented("A release does not start", 0)
            _check_rollback(scene, pipeline, before, failed, visitor)


def _write_migration(scene: Scene, body: str, imports: str = "") -> None:
    folder = scene.clone / "backend" / "catalog" / "migrations"
    last = sorted(path.stem for path in folder.glob("[0-9]*.py"))[-1]
    number = int(last[:4]) + 1
    text = MIGRATION.format(imports=imports, body=body, before=last)
    (folder / f"{number:04}_drill.py").write_text(text, encoding="utf-8")


def failing_migration(scene: Scene) -> None:
    """A migration that passes every test, but fails on unexpected data."""
    message = "Drill: a migration that fails on real data"
    with broken(scene, message) as (pipeline, before, stage):
        _write_migration(scene, FAILS)
        with scene.visitor() as visitor:
            failed = ended(scene, pipeline, run_of(scene, pipeline, scene.push(message)).entry.id)
            at = next((step.name for step in failed.steps if step.status == "Failed"), "nowhere")
            scene.report.promise("the migration's action fails", at == f"{stage}/Migrate", at)
            scene.documented("A migration fails", 0)
            _check_rollback(scene, pipeline, before, failed, visitor)
            recorded = [name for name in rows.migrations(scene.database_url) if name not in before.migrations]
            scene.report.promise("the migration left no trace", not recorded, recorded or "no row in django_migrations")


def hanging_migration(scene: Scene) -> None:
    """A migration that never ends; an operator stops it before its deadline."""
    message = "Drill: a migration that hangs"
    with broken(scene, message) as (pipeline, before, stage):
        _write_migration(scene, HANGS, IMPORTS)
        with scene.visitor() as visitor:
            run = run_of(scene, pipeline, scene.push(message))
            _wait_for_migration(scene, pipeline, run.entry.id, stage)
            scene.report.say("the migration hangs; meanwhile the new release serves with the old schema")
            stopped = time.monotonic()
            scene.documented("A migration hangs", 0, 1)
            failed = ended(scene, pipeline, run.entry.id)
            at = next((step.name for step in failed.steps if step.status == "Failed"), "nowhere")
            scene.report.promise("the migration's action fails when its task is stopped", at == f"{stage}/Migrate", at)
            _check_rollback(scene, pipeline, before, failed, visitor)
            scene.report.say(f"{time.monotonic() - stopped:.0f} s from the stop of the task to the old release")


def _wait_for_migration(scene: Scene, pipeline: Pipeline, run: str, stage: str) -> None:
    def task_runs() -> bool:
        entry = next(entry for entry in pipeline.entries(20) if entry.id == run)
        if not entry.active:
            raise SceneError(f"the run ended before its migration started; type: {command('status')}")
        listed = scene.client("ecs").list_tasks(
            cluster=scene.cluster, family=f"{scene.environment}-{scene.product.name}-migrate"
        )
        tasks = listed["taskArns"]
        if not tasks:
            return False
        found = scene.client("ecs").describe_tasks(cluster=scene.cluster, tasks=tasks)["tasks"]
        return any(task["lastStatus"] == "RUNNING" for task in found)

    scene.until(f"the migration of {stage}", task_runs, 2400)


def two_operators(scene: Scene) -> None:
    """Two people deploy a release by hand at the same moment, and start two migrations at once."""
    before, report = Before.of(scene), scene.report
    image = _image(scene)
    heading = "Roll back to a named release"
    block = next(block for block in blocks(heading) if "VERSION=…" in block)
    typed = block.replace("DIGEST=sha256:…", f"DIGEST={image.partition('@')[2]}")
    results: dict[str, tuple[int, str]] = {}

    def operator(name: str) -> None:
        shell = Shell(scene.settings, scene.environment, scene.product.name)
        done = shell.run("set -e\n" + typed.replace("VERSION=…", f"VERSION={before.version}-{name}"))
        results[name] = (done.returncode, done.stdout + done.stderr)

    with scene.visitor() as visitor:
        report.typed(typed)
        operators = [threading.Thread(target=operator, args=(name,)) for name in ("first", "second")]
        for thread in operators:
            thread.start()
        for thread in operators:
            thread.join()
        accepted = [name for name, (code, _) in results.items() if code == 0]
        refused = {name: printed.strip().splitlines()[-1] for name, (code, printed) in results.items() if code}
        report.promise(
            "one release is refused with a reason", len(refused) == 1 and "_IN_PROGRESS" in str(refused), refused
        )
        served = str(scene.status().get("version"))
        report.promise(
            "the other release serves", [f"{before.version}-{name}" for name in accepted] == [served], served
        )
        scene.documented("Two operators deploy at once", 0)
        _two_migrations(scene)
        report.say("repair: deploy the old release in the same way")
        scene.type(typed.replace("VERSION=…", f"VERSION={before.version}"))
    report.promise("the old release serves again", scene.status().get("version") == before.version, before.version)
    report.promise("visitors are served the whole time", visitor.unnoticed, visitor.summary())
    before.intact(scene)


def _image(scene: Scene) -> str:
    stack = scene.client("cloudformation").describe_stacks(StackName=scene.target.stack("services"))["Stacks"][0]
    return str(
        next(
            parameter["ParameterValue"]
            for parameter in stack["Parameters"]
            if parameter["ParameterKey"] == names.image_parameter("backend")
        )
    )


def _two_migrations(scene: Scene) -> None:
    block = next(block for block in blocks("Run a command in a container") if "run-task" in block)
    migrate = block.replace('"check"', '"migrate","--noinput"').replace(" --follow", "").partition("\naws logs")[0]
    started = [
        scene.type(f"{migrate} --query 'tasks[0].taskArn' --output text").strip().splitlines()[-1] for _ in range(2)
    ]
    ecs = scene.client("ecs")

    def exit_codes() -> list[int | None]:
        tasks = ecs.describe_tasks(cluster=scene.cluster, tasks=started)["tasks"]
        stopped = all(task["lastStatus"] == "STOPPED" for task in tasks)
        return [task["containers"][0].get("exitCode") for task in tasks] if stopped else []

    codes = scene.until("two migrations", exit_codes, 300)
    scene.report.promise("two migrations at once both succeed", codes == [0, 0], codes)
    recorded = rows.migrations(scene.database_url)
    scene.report.promise(
        "no migration is recorded twice", len(recorded) == len(set(recorded)), f"{len(recorded)} recorded"
    )
