"""Runs the steps of a document on a host, one after the other, as root."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from localcloud.ec2.hosts import CancelledError, HostLostError
from localcloud.ssm import interpolation, records
from localcloud.ssm.agent import FLEET
from localcloud.ssm.content import Content, Step
from localcloud.ssm.output import Sink
from localcloud.ssm.records import Invocation, PluginRun

PLATFORM = "Linux"
# The agent writes the lines to a file of its own and runs it, so that a first line #! is obeyed.
_RUN = """folder=$(mktemp -d) && cd "$folder" || exit 1
printf '%s\\n' "$1" > "$folder/_script.sh" && chmod 700 "$folder/_script.sh" || exit 1
trap 'cd /; rm -rf "$folder"' EXIT
if [ -n "$2" ]; then cd "$2" || exit 1; fi
"$folder/_script.sh"
"""
_KILLED = {records.TIMED_OUT: 137, records.CANCELLED: 137}

Saved = Callable[[], None]


@dataclass(frozen=True)
class Job:
    """The containers that one host runs."""

    content: Content
    values: interpolation.Values
    command_id: str
    log_group: str
    cancelled: threading.Event


@dataclass(frozen=True)
class End:
    """The end of an invocation: its status, and the reason."""

    status: str
    details: str = ""
    trace: str = ""


def run(job: Job, invocation: Invocation, saved: Saved) -> End:
    """Runs the steps and returns how the invocation ends; `saved` is called after each change.

    A step that fails does not stop the next one, unless its `onFailure` says so: AWS's page on shared inputs of
    plugins, documents-command-ssm-plugin-reference.html.
    """
    leaving = False
    for step, plugin in zip(job.content.steps, invocation.plugins, strict=True):
        final = _true(step.inputs.get("finallyStep"))
        if leaving and not final:
            plugin.end(records.SUCCESS, records.SUCCESS, 0)
            continue
        plugin.status, plugin.details, plugin.started = records.IN_PROGRESS, records.IN_PROGRESS, time.time()
        saved()
        try:
            _step(job, step, plugin, invocation.instance_id)
        except HostLostError as error:
            return End(records.TIMED_OUT, records.DELIVERY_TIMED_OUT, str(error))
        if plugin.status == records.CANCELLED:
            return End(records.CANCELLED)
        leaving = _leaves(step, plugin) or leaving
        saved()
    return _worst(invocation.plugins)


def _worst(plugins: list[PluginRun]) -> End:
    bad = [plugin for plugin in plugins if plugin.status != records.SUCCESS]
    worst = next((plugin for plugin in bad if plugin.status == records.FAILED), bad[0] if bad else None)
    return End(worst.status, worst.details) if worst else End(records.SUCCESS)


def _leaves(step: Step, plugin: PluginRun) -> bool:
    """True if the remaining steps are left out; with successAndExit the failed step counts as successful."""
    if plugin.status == records.SUCCESS:
        return bool(step.inputs.get("onSuccess") == "exit")
    if step.inputs.get("onFailure") == "successAndExit":
        plugin.details = plugin.status = records.SUCCESS
        return True
    return bool(step.inputs.get("onFailure") == "exit")


def _true(value: object) -> bool:
    return str(value).lower() == "true"


def _skipped(step: Step, values: interpolation.Values) -> bool:
    if step.precondition is None:
        return False
    known = {"platformType": PLATFORM}
    left, right = (known.get(side, interpolation.fill(side, values)) for side in step.precondition)
    return bool(left != right)


def _step(job: Job, step: Step, plugin: PluginRun, instance_id: str) -> None:
    if _skipped(step, job.values):
        condition = f'"StringEquals": [{", ".join(step.precondition or ())}]'
        plugin.stdout = (
            f"Step execution skipped due to unsatisfied preconditions: '{condition}'. Step name: {step.name}"
        )
        plugin.end(records.SUCCESS, records.SUCCESS, 0)
        return
    lines = interpolation.fill(step.inputs["runCommand"], job.values)
    script = "\n".join(lines) if isinstance(lines, list) else str(lines)
    folder = str(interpolation.fill(step.inputs.get("workingDirectory", ""), job.values))
    seconds = float(interpolation.fill(step.inputs.get("timeoutSeconds", 3600), job.values))
    _execute(job, plugin, instance_id, ["sh", "-c", _RUN, "sh", script, folder], seconds)


def _execute(job: Job, plugin: PluginRun, instance_id: str, argv: list[str], seconds: float) -> None:
    host = FLEET.machines.find(instance_id)
    if host is None:
        raise HostLostError(f"the instance {instance_id} does not run")
    prefix = f"{job.command_id}/{instance_id}/{plugin.name.replace(':', '-')}"
    sink = Sink(job.log_group, prefix, host.role_arn, instance_id, host.region)
    environment = {"AWS_SSM_INSTANCE_ID": instance_id, "AWS_SSM_REGION_NAME": host.region}
    status, details, code = records.FAILED, records.FAILED, -1
    try:
        code = FLEET.machines.execute(
            instance_id,
            argv,
            on_output=sink.feed,
            environment=environment,
            timeout=seconds,
            cancelled=job.cancelled,
        )
        if code == 0:
            status = details = records.SUCCESS
    except TimeoutError:
        status, details = records.TIMED_OUT, records.EXECUTION_TIMED_OUT
    except CancelledError:
        status = details = records.CANCELLED
    finally:
        sink.close()
        plugin.stdout, plugin.stderr = sink.text("stdout"), sink.text("stderr")
    plugin.end(status, details, _KILLED.get(status, code))
