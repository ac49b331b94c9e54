"""Releases that go wrong: an image that does not start, migrations that fail or hang, two operators at once."""

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
from slipway_cli.operate.runs import Run
from slipway_cli.operate.words import plain
from slipway_cli.typed import command

# As the example's linters want it: a migration that the stage Test refuses never gets to a database.
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
    """How things stood before something was broken."""

    version: str
    data: rows.Rows
    migrations: list[str]

    @classmethod
    def of(cls, scene: Scene) -> Before:
        """As they stand now; said in the report."""
        before = cls(str(scene.status().get("version")), scene.data(), rows.migrations(scene.database_url))
        scene.report.say(f"{scene.environment} serves {before.version}; {rows.told(before.data)}")
        return before

    def intact(self, scene: Scene) -> None:
        """Promise that the data are the same."""
        changed = rows.differences(self.data, scene.data())
        scene.report.promise("the data are intact", not changed, changed or rows.told(self.data))


def flow(scene: Scene) -> Pipeline:
    """The pipeline that releases what is pushed to the repository's branch."""
    desk = Desk(scene.product)
    branch = scene.product.repository.branch
    found = next((it for it in desk.pipelines if branch in it.delivery.trigger.branches), None)
    if found is None:
        raise SceneError(f"no pipeline of {scene.product.name} is started by a push to {branch}")
    return found


def run_of(scene: Scene, pipeline: Pipeline, commit: str) -> Run:
    """The run that a push started."""
    entry = scene.until(
        f"a run of {commit[:7]}", lambda: next((it for it in pipeline.entries(10) if it.commit == commit), None), 120
    )
    return pipeline.run(entry)


def ended(scene: Scene, pipeline: Pipeline, run: str, *, or_after: str = "") -> Run:
    """A run once it has ended, or once it has got past a stage; its steps are said as they end."""
    told: set[str] = set()

    def now() -> Run | None:
        found = pipeline.run(next(it for it in pipeline.entries(20) if it.id == run))
        for step in found.steps:
            if step.status not in {"InProgress", "Abandoned"} and step.name not in told:
                told.add(step.name)
                scene.report.say(
                    f"{step.name} {step.status.lower()}{f': {plain(step.reason)[:160]}' if step.reason else ''}"
                )
        past = or_after and any(
            step.stage == or_after and step.action == "Verify" and step.status == "Succeeded" for step in found.steps
        )
        return found if past or not found.entry.active else None

    return scene.until(f"the end of run {run[:8]}", now, 2400)


def baseline(scene: Scene, pipeline: Pipeline) -> None:
    """Have a run that succeeded in the environment's stage: without one a failed stage has nothing to go back to."""
    stage = names.pascal(scene.environment)
    if pipeline.entries(1, succeeded_in=stage):
        return
    scene.report.say(f"no run has reached {stage} yet, so a failed one could not be taken back: making one first")
    commit = scene.push("Drill: a good release, to come back to")
    run = run_of(scene, pipeline, commit)
    good = ended(scene, pipeline, run.entry.id, or_after=stage)
    if good.entry.status == "Failed":
        raise SceneError(f"the good release failed too; see: {command('status')}")
    stop(scene, pipeline, run.entry.id)


def stop(scene: Scene, pipeline: Pipeline, run: str) -> None:
    """End a run that has shown what it was asked to, before it asks somebody about production."""
    if next(it for it in pipeline.entries(20) if it.id == run).active:
        scene.type(
            f"slipway stop {pipeline.flow} --run {run[:8]} --abandon --reason 'the drill is over' --product $P",
            may_fail=True,
        )


@contextmanager
def broken(scene: Scene, message: str) -> Iterator[tuple[Pipeline, Before, str]]:
    """Push what the caller's clone holds broken; afterwards go the documented way back.

    Answers pipeline, how it was before, and the stage that will fail.
    """
    pipeline = flow(scene)
    baseline(scene, pipeline)
    yield pipeline, Before.of(scene), names.pascal(scene.environment)
    scene.report.say(f"the way back: undo the commit '{message}'")
    scene.documented("A release does not start", 1, replace={"../allthrive": str(scene.clone)})
    commit = scene.git("rev-parse", "HEAD")
    stage = names.pascal(scene.environment)
    run = ended(scene, pipeline, run_of(scene, pipeline, commit).entry.id, or_after=stage)
    served = str(scene.status().get("version", ""))
    scene.report.promise("the way back works: the undone commit is served", served.endswith(commit[:7]), served)
    stop(scene, pipeline, run.entry.id)


def _taken_back(scene: Scene, pipeline: Pipeline, before: Before, failed: Run, visitor: Visitor) -> None:
    """What must hold after a run failed in the environment's stage."""
    report = scene.report
    back = scene.until(
        "the old release",
        lambda: scene.status().get("version") == before.version and _settled(pipeline),
        900,
    )
    report.say(f"{before.version} serves again")
    report.promise("the old release serves", back, before.version)
    report.promise("visitors are served all along", visitor.unnoticed, visitor.said())
    issues = [
        it
        for it in scene.issues()
        if failed.entry.id in str(it.get("body", "")) or failed.entry.commit in str(it.get("body", ""))
    ]
    if not issues:
        issues = scene.until("an issue", lambda: [it for it in scene.issues() if pipeline.name in it["title"]], 60)
    report.promise("an issue is open", issues, f"#{issues[0]['number']} {issues[0]['title']}")
    before.intact(scene)


def _settled(pipeline: Pipeline) -> bool:
    """Whether no run takes a stage back any more; others may wait for a person for days."""
    return not any(entry.active and entry.rollback for entry in pipeline.entries(10))


def bad_image(scene: Scene) -> None:
    """A release whose web container ends at once."""
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
            scene.report.promise("the deployment fails, and nothing after it is tried", at == f"{stage}/Deploy", at)
            scene.report.promise(
                "the bad release never answered",
                not [it for it in visitor.versions if it != before.version],
                visitor.versions,
            )
            scene.documented("A release does not start", 0)
            _taken_back(scene, pipeline, before, failed, visitor)


def _plant(scene: Scene, body: str, imports: str = "") -> None:
    folder = scene.clone / "backend" / "catalog" / "migrations"
    last = sorted(path.stem for path in folder.glob("[0-9]*.py"))[-1]
    number = int(last[:4]) + 1
    text = MIGRATION.format(imports=imports, body=body, before=last)
    (folder / f"{number:04}_drill.py").write_text(text, encoding="utf-8")


def failing_migration(scene: Scene) -> None:
    """A migration that passes every test, and meets data that nobody thought of."""
    message = "Drill: a migration that fails on real data"
    with broken(scene, message) as (pipeline, before, stage):
        _plant(scene, FAILS)
        with scene.visitor() as visitor:
            failed = ended(scene, pipeline, run_of(scene, pipeline, scene.push(message)).entry.id)
            at = next((step.name for step in failed.steps if step.status == "Failed"), "nowhere")
            scene.report.promise("the migration's action fails", at == f"{stage}/Migrate", at)
            scene.documented("A migration fails", 0)
            _taken_back(scene, pipeline, before, failed, visitor)
            left = [name for name in rows.migrations(scene.database_url) if name not in before.migrations]
            scene.report.promise("nothing of the migration is left", not left, left or "no row in django_migrations")


def hanging_migration(scene: Scene) -> None:
    """A migration that never ends; an operator ends it before the deadline does."""
    message = "Drill: a migration that hangs"
    with broken(scene, message) as (pipeline, before, stage):
        _plant(scene, HANGS, IMPORTS)
        with scene.visitor() as visitor:
            run = run_of(scene, pipeline, scene.push(message))
            _hangs(scene, pipeline, run.entry.id, stage)
            scene.report.say("the migration hangs; the new release serves on the old schema meanwhile")
            stopped = time.monotonic()
            scene.documented("A migration hangs", 0, 1)
            failed = ended(scene, pipeline, run.entry.id)
            at = next((step.name for step in failed.steps if step.status == "Failed"), "nowhere")
            scene.report.promise("the migration's action fails when its task is stopped", at == f"{stage}/Migrate", at)
            _taken_back(scene, pipeline, before, failed, visitor)
            scene.report.say(f"{time.monotonic() - stopped:.0f} s from the stop of the task to the old release")


def _hangs(scene: Scene, pipeline: Pipeline, run: str, stage: str) -> None:
    def task_runs() -> bool:
        entry = next(it for it in pipeline.entries(20) if it.id == run)
        if not entry.active:
            raise SceneError(f"the run ended before its migration hung; see: {command('status')}")
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
    """Two people put a release in by hand at the same moment; and two migrations are started at once."""
    before, report = Before.of(scene), scene.report
    image = _image(scene)
    heading = "Roll back to a named release"
    block = next(it for it in blocks(heading) if "VERSION=…" in it)
    typed = block.replace("DIGEST=sha256:…", f"DIGEST={image.partition('@')[2]}")
    ended_with: dict[str, tuple[int, str]] = {}

    def operator(name: str) -> None:
        shell = Shell(scene.settings, scene.environment, scene.product.name)
        done = shell.run("set -e\n" + typed.replace("VERSION=…", f"VERSION={before.version}-{name}"))
        ended_with[name] = (done.returncode, done.stdout + done.stderr)

    with scene.visitor() as visitor:
        report.typed(typed)
        people = [threading.Thread(target=operator, args=(name,)) for name in ("first", "second")]
        for person in people:
            person.start()
        for person in people:
            person.join()
        accepted = [name for name, (code, _) in ended_with.items() if code == 0]
        refused = {name: said.strip().splitlines()[-1] for name, (code, said) in ended_with.items() if code}
        report.promise(
            "one of the two is refused and told why", len(refused) == 1 and "_IN_PROGRESS" in str(refused), refused
        )
        served = str(scene.status().get("version"))
        report.promise(
            "the other's release serves, whole", [f"{before.version}-{it}" for it in accepted] == [served], served
        )
        scene.documented("Two operators deploy at once", 0)
        _two_migrations(scene)
        report.say("the way back: the release from before, in the same way")
        scene.type(typed.replace("VERSION=…", f"VERSION={before.version}"))
    report.promise("the old release serves again", scene.status().get("version") == before.version, before.version)
    report.promise("visitors are served all along", visitor.unnoticed, visitor.said())
    before.intact(scene)


def _image(scene: Scene) -> str:
    stack = scene.client("cloudformation").describe_stacks(StackName=scene.target.stack("services"))["Stacks"][0]
    return str(
        next(
            it["ParameterValue"] for it in stack["Parameters"] if it["ParameterKey"] == names.image_parameter("backend")
        )
    )


def _two_migrations(scene: Scene) -> None:
    block = next(it for it in blocks("Run a command in a container") if "run-task" in it)
    migrate = block.replace('"check"', '"migrate","--noinput"').replace(" --follow", "").partition("\naws logs")[0]
    started = [
        scene.type(f"{migrate} --query 'tasks[0].taskArn' --output text").strip().splitlines()[-1] for _ in range(2)
    ]
    ecs = scene.client("ecs")

    def both() -> list[int | None]:
        tasks = ecs.describe_tasks(cluster=scene.cluster, tasks=started)["tasks"]
        stopped = all(task["lastStatus"] == "STOPPED" for task in tasks)
        return [task["containers"][0].get("exitCode") for task in tasks] if stopped else []

    codes = scene.until("two migrations", both, 300)
    scene.report.promise("two migrations at once both end well", codes == [0, 0], codes)
    recorded = rows.migrations(scene.database_url)
    scene.report.promise(
        "no migration is on record twice", len(recorded) == len(set(recorded)), f"{len(recorded)} on record"
    )
