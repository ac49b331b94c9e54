"""The execution of one build, from phase QUEUED to COMPLETED, including failure, StopBuild and timeout."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import docker
from botocore.exceptions import ClientError
from docker.errors import DockerException

from localcloud import settings
from localcloud.codebuild import buildspec, environment, image, outputs, proxy, records, source
from localcloud.codebuild.container import BuildContainer, Outcome, remove_all
from localcloud.codebuild.errors import (
    CLIENT_ERROR,
    COMMAND_EXECUTION_ERROR,
    RECORDED_ONLY,
    YAML_FILE_ERROR,
    BuildError,
    ContainerLostError,
    api_error,
)
from localcloud.codebuild.identity import STORES, Role
from localcloud.codebuild.logs import BuildLog
from localcloud.codebuild.records import Record

NOT_RUN = (
    "recorded only: this local cloud runs without Docker, so no command of this build ran and nothing was built or "
    "tested. Start Docker, then: {command} down; {command} up"
)
_SECONDS_PER_MINUTE = 60
logger = logging.getLogger("localcloud")


class _InterruptedError(Exception):
    """StopBuild or the time limit ended the build."""


class Execution:
    """Runs one build, on a thread of its own."""

    def __init__(self, project: Mapping[str, Any], build: Record) -> None:
        self._project, self.build = project, build
        self._uuid = build["id"].rsplit(":", 1)[-1]
        self._role = Role(project["serviceRole"], project["arn"], self._uuid, build["arn"].split(":")[3])
        shown = build["logs"]
        names = (shown.get("groupName", ""), shown.get("streamName", ""))
        self._log = BuildLog(self._role, *names, enabled=bool(names[0]))
        self._spec = buildspec.Buildspec()
        self._variables: Mapping[str, str] = {}
        self._client: docker.DockerClient | None = None
        self._container: BuildContainer | None = None
        self._gate: proxy.Gate | None = None
        self._ended_as = ""
        self._failed = False
        self.ended = threading.Event()

    # --- called by the API -------------------------------------------------------------------------------------------

    def interrupt(self, status: str) -> None:
        """Kills the build's container. The build ends with this status."""
        if not self._ended_as:
            self._ended_as = status
            if self._container is not None:
                self._container.kill()

    def run(self) -> None:
        """Runs the build to its end. In any case its record is completed, and its Docker objects are removed."""
        try:
            self._run()
        finally:
            self.ended.set()

    def _run(self) -> None:
        if not settings.current().docker:
            records.end_phase(self.build, records.SUCCEEDED)
            records.begin_phase(self.build, "PROVISIONING")
            records.end_phase(
                self.build, records.FAILED, RECORDED_ONLY, NOT_RUN.format(command=settings.current().command)
            )
            records.finish(self.build, records.STOPPED)
            return
        limit = float(self._project.get("timeoutInMinutes") or 0) * _SECONDS_PER_MINUTE
        timer = threading.Timer(limit, self.interrupt, args=(records.TIMED_OUT,))
        timer.daemon = True
        timer.start()
        status = records.FAULT
        try:
            status = self._run_to_status()
        finally:
            timer.cancel()
            self._clean_up()
            records.finish(self.build, status)

    def _run_to_status(self) -> str:
        """Runs all phases and returns the status of the build."""
        try:
            self._run_all_phases()
        except BuildError:
            return self._ended_as or records.FAILED  # `_phase` has recorded the reason
        except (_InterruptedError, ContainerLostError) as error:
            status = self._ended_as or records.FAULT
            self._log.write(f"Build ended: {status}. {error}")
            records.end_phase(self.build, status, *self._interruption(status, str(error)))
            return status
        except Exception as error:
            status = self._ended_as or records.FAULT
            if not self._ended_as:
                logger.exception("build %s", self.build["id"])
            records.end_phase(self.build, status, CLIENT_ERROR, str(error))
            return status
        return records.FAILED if self._failed else records.SUCCEEDED

    def _interruption(self, status: str, error: str) -> tuple[str, str]:
        if status == records.TIMED_OUT:
            limit = self._project.get("timeoutInMinutes")
            return "BUILD_TIMED_OUT", f"BUILD_TIMED_OUT: the build ran longer than its {limit} minutes"
        return ("", "") if status == records.STOPPED else (records.FAULT, error)

    # --- the phases --------------------------------------------------------------------------------------------------

    def _run_all_phases(self) -> None:
        records.end_phase(self.build, records.SUCCEEDED)  # QUEUED: the local cloud starts every build at once
        with self._phase("PROVISIONING"):
            container = self._provision()
        with self._phase("DOWNLOAD_SOURCE"):
            self._download(container)
        self._run_buildspec(container)
        with self._phase("UPLOAD_ARTIFACTS"):
            self._upload(container)
        with self._phase("FINALIZING"):
            self._finalize(container)

    @contextmanager
    def _phase(self, kind: str) -> Iterator[None]:
        if self._ended_as:
            raise _InterruptedError
        records.begin_phase(self.build, kind)
        try:
            yield
            self._log.check()
            if self._ended_as:
                raise _InterruptedError
        except BuildError as error:
            self._fail(kind, error.status_code, str(error))
            raise
        if self.build["phases"][-1]["phaseStatus"] == records.IN_PROGRESS:
            records.end_phase(self.build, records.SUCCEEDED)
            self._log.write(f"Phase complete: {kind} State: {records.SUCCEEDED}")

    def _fail(self, kind: str, code: str, message: str) -> None:
        self._failed = True
        records.end_phase(self.build, records.FAILED, code, self._log.masker(message))
        self._log.write(f"Phase complete: {kind} State: {records.FAILED}")
        self._log.write(f"Phase context status code: {code} Message: {message}")

    def _provision(self) -> BuildContainer:
        self._role.keys()
        self._log.open()
        declared = self._project.get("environment") or {}
        self._client = docker.from_env(timeout=180)
        name = image.provide(self._client, declared.get("image", ""), self._log.write)
        if image.is_standard(declared.get("image", "")):
            self._log.write(f"Image {declared.get('image') or 'standard'}: the local cloud runs {name} in its place")
        if declared.get("privilegedMode"):
            self._gate = proxy.open_gate(self.build["id"], self._role)
        self._container = BuildContainer(self._client, self.build["id"])
        socket = self._gate.socket if self._gate else None
        self._container.start(name, socket=socket, hosts={**proxy.hosts(), **self._stores()})
        if self._ended_as:
            raise _InterruptedError
        return self._container

    def _stores(self) -> dict[str, str]:
        """Returns the names of the endpoints of CloudFront's key value stores, in all accounts of the build.

        SDKs put the account before the endpoint's name, and no name server knows the result.
        """
        address = settings.current().relay_address
        variables = (self._project.get("environment") or {}).get("environmentVariables") or []
        accounts = set(re.findall(r"\b\d{12}\b", " ".join(str(variable.get("value")) for variable in variables)))
        return {f"{account}.{STORES}": address for account in {str(self.build["arn"]).split(":")[4], *accounts}}

    def _download(self, container: BuildContainer) -> None:
        main = source.download(self._role, self._project.get("source") or {}, self.build["sourceVersion"])
        versions = {
            version["sourceIdentifier"]: version["sourceVersion"]
            for version in self._project.get("secondarySourceVersions") or []
        }
        secondary = {
            declared["sourceIdentifier"]: source.download(
                self._role, declared, versions.get(declared["sourceIdentifier"], "")
            )
            for declared in self._project.get("secondarySources") or []
        }
        records.change(self.build, resolvedSourceVersion=self.build["sourceVersion"] or main.version)
        source.copy_into(container, main, secondary)
        self._spec = buildspec.parse(self._buildspec(container))
        own = environment.documented(self.build, {name: source.folder_of(name) for name in secondary})
        declared_variables = (self._project.get("environment") or {}).get("environmentVariables") or []
        resolved = environment.resolve(self._role, self._spec, declared_variables, own)
        self._log.masker.hide(resolved.secrets)
        self._variables = environment.with_docker(resolved.variables, privileged=self._gate is not None)
        blocks = {name: phase.commands for name, phase in self._spec.phases.items()}
        finals = {f"{name}-finally": phase.finally_ for name, phase in self._spec.phases.items()}
        container.put_blocks({**blocks, **finals})
        outputs.restore_cache(container, self._project)

    def _buildspec(self, container: BuildContainer) -> str:
        declared = (self._project.get("source") or {}).get("buildspec") or "buildspec.yml"
        if buildspec.is_inline(declared):
            return str(declared)
        if declared.startswith("arn:aws:s3:::"):
            bucket, key = source.split(declared)
            try:
                return str(self._role.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read().decode())
            except ClientError as error:
                raise api_error(error, self._role.arn, f"read the buildspec {declared}") from error
        found = container.file(declared)
        if found is None:
            raise BuildError(YAML_FILE_ERROR, f"YAML_FILE_ERROR: stat {container.path(declared)}: no such file")
        return found.decode()

    def _run_buildspec(self, container: BuildContainer) -> None:
        """Runs the phases INSTALL to POST_BUILD.

        Raises:
            BuildError: if a phase failed and the later phases must not run.
        """
        for name in buildspec.PHASES:
            phase = self._spec.phases.get(name, buildspec.Phase(name))
            if not self._run_phase(phase, container) and not _continues_after(phase):
                raise BuildError(COMMAND_EXECUTION_ERROR, f"{name} failed")

    def _run_phase(self, phase: buildspec.Phase, container: BuildContainer) -> bool:
        kind = phase.name.upper()
        with self._phase(kind):
            self._log.write(f"Entering phase {kind}")
            for runtime, version in phase.runtimes.items():
                self._log.write(
                    f"the local cloud does not support runtime-versions: {runtime} {version} is not installed"
                )
            first = self._run_block(phase.name, phase.commands, container)
            last = self._run_block(f"{phase.name}-finally", phase.finally_, container)
            failed = first if first.status else last
            if not failed.status:
                return True
            commands = phase.commands if first.status else phase.finally_
            command = commands[failed.failed].strip() if failed.failed is not None else phase.name
            message = f"Error while executing command: {command}. Reason: exit status {failed.status}"
            self._fail(kind, COMMAND_EXECUTION_ERROR, message)
            return False

    def _run_block(self, name: str, commands: tuple[str, ...], container: BuildContainer) -> Outcome:
        if not commands:
            return Outcome(0)
        outcome = container.run(
            self._spec.shell, name, self._variables, succeeding=not self._failed, on_output=self._log.output
        )
        self._log.end_of_output()
        return outcome

    def _upload(self, container: BuildContainer) -> None:
        records.change(
            self.build, exportedEnvironmentVariables=outputs.exported(container, self._spec, self._variables)
        )
        uploads = outputs.Outputs(self._role, self._project, self.build, self._log.write)
        uploads.reports(container, self._spec.reports)
        uploads.artifacts(container, self._spec, self._variables, required=not self._failed)

    def _finalize(self, container: BuildContainer) -> None:
        if not self._failed:
            outputs.save_cache(container, self._project, self._spec.cache_paths)

    # --- the end -----------------------------------------------------------------------------------------------------

    def _clean_up(self) -> None:
        self._log.close()
        outputs.copy_log(self._role, self._project, self._uuid, self._log)
        self._role.end()
        if self._gate is not None:
            self._gate.close()
        if self._client is not None:
            try:
                remove_all(self._client, self.build["id"])
                self._client.close()
            except DockerException:
                logger.exception("build %s: cleaning up", self.build["id"])
        if self._gate is not None:
            self._gate.remove_names()


def _continues_after(phase: buildspec.Phase) -> bool:
    """True if later phases run although this one failed: without `on-failure`, only after BUILD and POST_BUILD."""
    if phase.on_failure:
        return phase.on_failure == buildspec.CONTINUE
    return phase.name in ("build", "post_build")
