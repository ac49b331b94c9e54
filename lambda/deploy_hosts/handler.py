"""Deploys a release to hosts: migrations on one of them, the release host by host, and a check of what runs.

A host that fails returns all hosts to the release before. A host's own program does the work (hosts/); this function
sends it there by an SSM document, reads its reports, and never waits inside. All state is in the continuation token.
"""

from __future__ import annotations

from typing import Any

from deploy_hosts import rollout
from deploy_hosts.calls import commands, fleet
from deploy_hosts.commands import Ended
from deploy_hosts.releases import Releases
from deploy_hosts.settings import Settings
from shared.aws import HERE
from shared.job import Done, Failed, Job, Wait, answer
from shared.registry import protect
from shared.status_page import origin, other_release

_MINUTES = 60
_TRIES = 3  # reports that are asked for, since a container may just be starting again


def main(event: dict[str, Any], _context: object) -> None:
    """Begins the step, or checks its progress."""
    answer(event, deploy, minutes=_MINUTES, abandon=advise)


def deploy(job: Job) -> Done | Wait:
    """Does the next part of the action's step."""
    settings = Settings.from_parameters(job.parameters)
    held = _held(job, settings)
    if held:
        return held
    steps = {"migrate": _migrate, "apply": rollout.apply, "verify": _verify}
    return steps[settings.step](job, settings)


def _held(job: Job, settings: Settings) -> Wait | None:
    """Returns a Wait while alarms hold the release back. Before the first release they ring because nothing runs."""
    gate = settings.gate
    if gate is None or settings.step == "verify" or "passed" in job.state:
        return None
    if not Releases(settings).current().sha:
        job.state["passed"] = 1
        return None
    return gate.hold(job, settings.place)


def advise(job: Job) -> str:
    """Ends what runs after the deadline, and returns what an operator should look at."""
    settings = Settings.from_parameters(job.parameters)
    commands(settings).cancel(job)
    if settings.step == "apply":
        return rollout.advise(job, settings)
    if settings.step == "verify" or "command" not in job.state:
        return "Nothing was changed by this action."
    return f"The migration was cancelled: check what it left half done. Its output: {rollout.output(settings)}"


def _migrate(job: Job, settings: Settings) -> Done | Wait:
    hosts = fleet(settings).gather(job)
    if isinstance(hosts, Wait):
        return hosts
    if "stored" not in job.state:
        prepare(job, settings)
    # Always the same host, so that two migrations wait for each other there.
    ended = commands(settings).run(job, hosts[:1], "migrate", settings.release.sha)
    if isinstance(ended, Wait):
        return ended
    if not ended[0].good:
        raise Failed(
            f"the migrations of {settings.release.version} failed on {ended[0].why}\n{rollout.output(settings)}"
        )
    return Done(f"migrations of {settings.release.version} are applied, on {hosts[0]}")


def prepare(job: Job, settings: Settings) -> None:
    """Puts the release where the hosts read it, and protects its images, before any host hears of it."""
    Releases(settings).store(job)
    if settings.protection:
        tags = settings.protection
        protect(HERE.client("ecr"), settings.images, tag=tags.entering, entered=tags.entered)
    job.state["stored"] = 1


def _verify(job: Job, settings: Settings) -> Done | Wait:
    hosts = fleet(settings).gather(job)
    if isinstance(hosts, Wait):
        return hosts
    ended = commands(settings).run(job, hosts, "report", settings.release.sha)
    if isinstance(ended, Wait):
        return ended
    url = settings.url
    wrong = _differences(settings, ended) or _other_page(settings, url)
    if not wrong:
        done = f"{settings.run_by(len(hosts))} {settings.release.version}, and nothing else"
        return Done(done, variables={"Url": origin(url)} if url else {})
    job.state["tries"] = int(job.number("tries")) + 1
    if job.state["tries"] >= _TRIES:
        raise Failed(f"{settings.release.version} does not run everywhere:\n{wrong}\n{rollout.output(settings)}")
    return Wait(wrong)


def _other_page(settings: Settings, url: str | None) -> str:
    if url is None or settings.path is None:
        return ""
    digests = {image.digest for image in settings.images}
    return other_release(url + settings.path, settings.release.version, digests) or ""


def _differences(settings: Settings, ended: list[Ended]) -> str:
    """Returns what differs from the release, host by host; empty if nothing does."""
    wrong = []
    wanted = {image.digest for image in settings.images}
    for command in ended:
        report = command.report
        if not command.good or not report:
            wrong.append(command.why)
        elif report.get("release") != settings.release.sha:
            wrong.append(f"{command.host} runs the release {report.get('version') or 'none'} ({report.get('release')})")
        elif report.get("state") != "running":
            wrong.append(f"{command.host} is {report.get('state')}: a container is not healthy, or runs another image")
        elif not wanted & set(_images(report).values()):
            wrong.append(f"{command.host} runs none of the images of the release: {_images(report)}")
        elif _images(report) != _images(ended[0].report):
            wrong.append(f"{command.host} runs {_images(report)}, {ended[0].host} runs {_images(ended[0].report)}")
    return "\n".join(wrong)


def _images(report: dict[str, Any]) -> dict[str, str]:
    found = report.get("images")
    return {str(name): str(digest) for name, digest in found.items()} if isinstance(found, dict) else {}
