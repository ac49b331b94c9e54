"""The outputs of a build: exported variables, reports, artifacts, caches and the copy of its log in S3."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from localcloud import settings
from localcloud.codebuild import artifacts, records, reports
from localcloud.codebuild.buildspec import Buildspec, Files, Report
from localcloud.codebuild.container import BuildContainer
from localcloud.codebuild.errors import CLIENT_ERROR, BuildError, api_error
from localcloud.codebuild.identity import Role
from localcloud.codebuild.logs import BuildLog
from localcloud.codebuild.records import Record
from localcloud.codebuild.source import split

_NAME = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")
_CACHED = ("LOCAL_CUSTOM_CACHE",)


def exported(container: BuildContainer, spec: Buildspec, variables: Mapping[str, str]) -> list[dict[str, str]]:
    """Returns the exported variables with their values after the last command."""
    names = [name for name in spec.exported if _NAME.match(name)]
    if not names:
        return []
    command = "; ".join(f'printf "%s\\0" "${{{name}-}}"' for name in names)
    values = container.read(spec.shell, command, variables).decode("utf-8", "replace").split("\0")
    return [{"name": name, "value": value} for name, value in zip(names, values, strict=False)]


class Outputs:
    """Uploads reports and artifacts as the build's role."""

    def __init__(self, role: Role, project: Mapping[str, Any], build: Record, log: Callable[[str], None]) -> None:
        self._role, self._project, self._build, self._log = role, project, build, log
        self._uuid = build["id"].rsplit(":", 1)[-1]

    def reports(self, container: BuildContainer, declared: tuple[Report, ...]) -> None:
        """Uploads the files of every report, also after the build failed."""
        for report in declared:
            chunks = container.archive(container.path(report.chosen.base_directory))
            tree = artifacts.Tree(chunks) if chunks is not None else None
            found = artifacts.choose(tree.names(), report.chosen) if tree else {}
            if tree is None or not found:
                self._log(f"No files found for the report {report.group}")
                continue
            content = {name: tree.read(name) for name in found}
            arn = reports.put(self._role, self._build, report, content)
            records.change(self._build, reportArns=[*self._build["reportArns"], arn])

    def artifacts(
        self, container: BuildContainer, spec: Buildspec, variables: Mapping[str, str], *, required: bool
    ) -> None:
        """Uploads the artifacts that both the project and the buildspec declare.

        A failed build is not ``required`` to have them: missing files are then no error.
        """
        main = self._project.get("artifacts") or {}
        if spec.artifacts is not None and main.get("location"):
            made = self._upload(container, spec, spec.artifacts, main, variables, required=required)
            records.change(self._build, artifacts=made)
        secondary = []
        for target in self._project.get("secondaryArtifacts") or []:
            identifier = target["artifactIdentifier"]
            if identifier in spec.secondary_artifacts:
                chosen = spec.secondary_artifacts[identifier]
                made = self._upload(container, spec, chosen, target, variables, required=required)
                secondary.append({**made, "artifactIdentifier": identifier})
            elif required:
                raise BuildError(CLIENT_ERROR, f"the buildspec has no secondary-artifacts named {identifier}")
        records.change(self._build, secondaryArtifacts=secondary)

    def _upload(
        self,
        container: BuildContainer,
        spec: Buildspec,
        chosen: Files,
        target: Mapping[str, Any],
        variables: Mapping[str, str],
        *,
        required: bool,
    ) -> Record:
        tree = artifacts.base(chosen, lambda base: container.archive(container.path(base)), required=required)
        found = artifacts.choose(tree.names(), chosen)
        if not found:
            if required:
                raise BuildError(CLIENT_ERROR, f"no matching artifact paths found: {', '.join(chosen.files)}")
            self._log("No artifacts to upload")
            return {}
        self._log(f"Found {len(found)} file(s) for artifacts")
        name = chosen.name
        if name:
            quoted = name.replace('"', '\\"')
            name = container.read(spec.shell, f'printf %s "{quoted}"', variables).decode()
        key = artifacts.key_of(target, self._project["name"], self._uuid, name)
        uploader = artifacts.Uploader(self._role, target, str(self._project.get("encryptionKey") or ""))
        return {"location": uploader.upload(tree, found, key)}


# --- caches ----------------------------------------------------------------------------------------------------------


def _cache_folder(project: Mapping[str, Any]) -> Path | None:
    cache = project.get("cache") or {}
    custom = cache.get("type") == "S3" or (cache.get("type") == "LOCAL" and set(cache.get("modes") or []) & {*_CACHED})
    return settings.current().state / "builds" / "cache" / project["name"] if custom else None


def save_cache(container: BuildContainer, project: Mapping[str, Any], paths: tuple[str, ...]) -> None:
    """Saves the folders of the buildspec's cache paths on this machine, for the next build of the project."""
    folder = _cache_folder(project)
    if folder is None:
        return
    shutil.rmtree(folder, ignore_errors=True)
    for path in paths:
        full = container.path(re.split(r"[*?\[]", path)[0].rstrip("/"))
        chunks = container.archive(full)
        if chunks is not None:
            folder.mkdir(parents=True, exist_ok=True)
            with (folder / (hashlib.sha256(full.encode()).hexdigest()[:16] + ".tar")).open("wb") as file:
                file.writelines(chunks)
            (folder / "index").open("a", encoding="utf-8").write(full + "\n")


def restore_cache(container: BuildContainer, project: Mapping[str, Any]) -> None:
    """Restores the folders that the previous build saved."""
    folder = _cache_folder(project)
    if folder is None or not (folder / "index").exists():
        return
    for full in (folder / "index").read_text(encoding="utf-8").splitlines():
        parent = full.rpartition("/")[0] or "/"
        container.put(parent, {".codebuild-cache": b""})
        with (folder / (hashlib.sha256(full.encode()).hexdigest()[:16] + ".tar")).open("rb") as file:
            container.put_archive(parent, file)


# --- log -------------------------------------------------------------------------------------------------------------


def copy_log(role: Role, project: Mapping[str, Any], build_uuid: str, log: BuildLog) -> None:
    """Copies the log to S3 if the project enables it.

    The build is already complete, so an error does not fail it; it is only written to CloudWatch Logs.
    """
    target = (project.get("logsConfig") or {}).get("s3Logs") or {}
    if target.get("status") != "ENABLED" or not target.get("location"):
        return
    bucket, prefix = split(str(target["location"]))
    key = "/".join(part for part in (prefix.strip("/"), f"{build_uuid}.log") if part)
    try:
        role.client("s3").put_object(Bucket=bucket, Key=key, Body=log.text().encode())
    except (ClientError, BuildError) as error:
        failure = (
            api_error(error, role.arn, f"copy the log to s3://{bucket}/{key}")
            if isinstance(error, ClientError)
            else error
        )
        log.write(str(failure))
        log.flush()
