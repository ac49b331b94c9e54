"""The step `apply`: host by host out of the load balancer, the release, and in again; all back if one fails.

The state has `hosts` and `at`, the index of the current one; `phase` is what it does: leave, run or join. `back` is set
when the hosts return to the release before: it is the index of the host that returns now.
"""

from __future__ import annotations

from urllib.parse import quote

from botocore.exceptions import ClientError

from deploy_hosts.calls import commands, fleet
from deploy_hosts.commands import Ended
from deploy_hosts.fleet import Host
from deploy_hosts.releases import Releases
from deploy_hosts.settings import Settings
from shared.aws import HERE, transient
from shared.job import Done, Failed, Job, Wait, shortened
from shared.registry import protect

_RETURN_MINUTES = 30  # more time, to return all hosts, when the deadline ends a release
_CANCEL_SECONDS = 180  # a cancelled command has ended by then; the host's program waits for it in any case
_HOST_MINUTES = 10
_REASON = 250  # characters of a text in the continuation token, which has 2048


def apply(job: Job, settings: Settings) -> Done | Wait:
    """Does the next part of the release."""
    return _Rollout(job, settings).step()


def advise(job: Job, settings: Settings) -> str:
    """Returns what an operator should look at after the deadline."""
    if "back" in job.state:
        before = job.state.get("version") or "the release before"
        return f"The hosts were still returning to {before}: see what each runs by slipway status. {output(settings)}"
    return "Nothing was changed by this action."


def output(settings: Settings) -> str:
    """Returns where the output of the hosts is."""
    region = settings.place.region or ""
    group = quote(quote(settings.log_group, safe=""), safe="").replace("%", "$")
    console = (
        f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}#logsV2:log-groups/log-group/{group}"
    )
    return f"Output of the hosts: log group {settings.log_group}" + (f", {console}" if region else "")


class _Rollout:
    def __init__(self, job: Job, settings: Settings) -> None:
        self._job, self._settings = job, settings
        self._fleet, self._commands = fleet(settings), commands(settings)

    def step(self) -> Done | Wait:
        state = self._job.state
        if "back" in state:
            return self._return_all()
        try:
            outcome = Wait("out of time") if self._job.overdue else self._go_on()
        except (Failed, ClientError) as error:
            if transient(error) or "touched" not in state:
                raise
            return self._turn_back(str(error))
        if isinstance(outcome, Wait) and self._job.overdue and "touched" in state:
            return self._turn_back(f"the release took longer than {self._job.minutes:g} minutes and was cancelled")
        return outcome

    def _go_on(self) -> Done | Wait:
        state = self._job.state
        if "hosts" not in state:
            waiting = self._begin()
            if waiting:
                return waiting
        while True:
            hosts, at = self._hosts(), int(self._job.number("at"))
            if at >= len(hosts):
                return self._finish(hosts)
            waiting = self._release_on(hosts[at])
            if waiting:
                return waiting
            state["at"] = at + 1

    def _begin(self) -> Wait | None:
        hosts = self._fleet.gather(self._job)
        if isinstance(hosts, Wait):
            return hosts
        releases = Releases(self._settings)
        before = releases.current()
        releases.store(self._job)
        if self._settings.protection:
            tags = self._settings.protection
            protect(HERE.client("ecr"), self._settings.images, tag=tags.entering, entered=tags.entered)
        self._job.state |= {"before": before.sha, "version": before.version[:64]}
        self._keep(hosts)
        return None

    def _release_on(self, host: Host) -> Wait | None:
        """Runs the release on a host; None when the load balancer sends requests to it again."""
        state = self._job.state
        if state.setdefault("phase", "leave") == "leave":
            waiting = None if self._commands.known(self._job, host) else self._fleet.leave(self._job, host)
            state["touched"] = 1
            if waiting:
                return waiting
            state["phase"] = "run"
        if state["phase"] == "run":
            ended = self._commands.run(self._job, [host], "apply", self._settings.release.sha)
            if isinstance(ended, Wait):
                if self._fleet.ended(host):
                    raise Failed(f"{host} ended while it got the release")
                return ended
            self._check(ended[0])
            state["phase"] = "join"
        waiting = self._fleet.join(self._job, host)
        if waiting:
            return waiting
        del state["phase"]
        return None

    def _check(self, ended: Ended) -> None:
        report = ended.report
        if ended.good and report.get("release") == self._settings.release.sha and report.get("state") == "running":
            return
        if report.get("state") == "restored" and report.get("release") == self._job.state["before"]:
            self._job.state["restored"] = 1  # by the host's own program
        self._job.state["failing"] = ended.command
        raise Failed(f"the release failed on {ended.host}")

    def _finish(self, hosts: list[Host]) -> Done | Wait:
        """Ends the release, unless a host has been replaced meanwhile: the new one runs the release before."""
        found = self._fleet.gather(self._job)
        if isinstance(found, Wait):
            return found
        known = {host.id for host in hosts}
        new = [host for host in found if host.id not in known]
        if new:
            stayed = [host for host in hosts if host.id in {known.id for known in found}]
            self._keep([*stayed, *new])
            self._job.state["at"] = len(stayed)
            return Wait(f"{', '.join(map(str, new))} joined meanwhile")
        Releases(self._settings).make_current()
        if self._settings.protection:
            tags = self._settings.protection
            protect(HERE.client("ecr"), self._settings.images, tag=tags.running, entered=tags.entered)
        return Done(f"{self._settings.run_by(len(hosts))} {self._settings.release.version}")

    def _turn_back(self, reason: str) -> Done | Wait:
        state, hosts = self._job.state, self._hosts()
        self._job.extend(max(_RETURN_MINUTES, _HOST_MINUTES * len(hosts)))
        state |= {
            "back": min(int(self._job.number("at")), len(hosts) - 1),
            "reason": _short(reason),
            "lost": "",
            "phase": "end" if "command" in state else "leave",
        }
        for mark in ("leaving", "joining", "gathering", "touched"):
            state.pop(mark, None)
        return self._return_all()

    def _return_all(self) -> Wait:
        """Returns the hosts to the release before, beginning with the one that failed; raises Failed at the end."""
        state = self._job.state
        while True:
            at = int(self._job.number("back"))
            if at < 0:
                raise Failed(self._result())
            host = self._hosts()[at]
            try:
                waiting = self._return(host)
            except (Failed, ClientError) as error:
                if transient(error):
                    raise
                state["lost"] = _short(f"{state['lost']}{host.name}: {error}; ")
                self._commands.forget(self._job)
                waiting = None
            if waiting:
                return waiting
            state["back"] = at - 1
            for mark in ("phase", "leaving", "joining", "restored"):
                state.pop(mark, None)

    def _return(self, host: Host) -> Wait | None:
        state, before = self._job.state, str(self._job.state["before"])
        if before and self._fleet.ended(host):
            raise Failed(f"it has ended, and the host that replaces it runs {state['version']} by itself")
        if state.setdefault("phase", "leave") == "end":
            if not self._commands.over(self._job, host) and self._job.seconds_since("ending") < _CANCEL_SECONDS:
                self._commands.cancel(self._job)  # each time: the request before may have failed
                return Wait(f"{host}: the command is being cancelled")
            self._commands.forget(self._job)
            state["phase"] = "leave"
        if not before:  # nothing could become healthy
            self._fleet.put_back(host)
            return None
        if state["phase"] != "join":
            waiting = None if "restored" in state else self._restore(host, before)
            if waiting:
                return waiting
            state["phase"] = "join"
        return self._fleet.join(self._job, host)

    def _restore(self, host: Host, before: str) -> Wait | None:
        if self._job.state["phase"] == "leave":
            waiting = None if self._commands.known(self._job, host) else self._fleet.leave(self._job, host)
            if waiting:
                return waiting
            self._job.state["phase"] = "run"
        ended = self._commands.run(self._job, [host], "restore", before)
        if isinstance(ended, Wait):
            return ended
        if not ended[0].good:
            raise Failed(ended[0].why)
        return None

    def _result(self) -> str:
        state, before = self._job.state, self._job.state["version"]
        said = ""
        if "failing" in state:
            said = self._commands.read_again(
                self._job, self._hosts()[int(self._job.number("at"))], str(state["failing"])
            )
        if not state["before"]:
            end = "There was no release before this one: the hosts stay as they are, for you to look at."
        elif state["lost"]:
            end = f"These hosts could not return to {before}: {state['lost']}all others run it again."
        else:
            end = f"All hosts that had changed run the release before again ({before})."
        return "\n".join(filter(None, (str(state["reason"]), end, said, output(self._settings))))

    def _hosts(self) -> list[Host]:
        pairs = (pair.partition("=") for pair in str(self._job.state["hosts"]).split(","))
        return [Host(instance, name) for instance, _, name in pairs]

    def _keep(self, hosts: list[Host]) -> None:
        self._job.state["hosts"] = ",".join(f"{host.id}={host.name}" for host in hosts)


def _short(text: str) -> str:
    """Returns a text for the continuation token, in which other characters than ASCII take six."""
    plain = " ".join(text.encode("ascii", "replace").decode().split()).replace('"', "'").replace("\\", "/")
    return shortened(plain, _REASON)
