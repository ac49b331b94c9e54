"""Parsing a buildspec, and the errors of an invalid one."""

from __future__ import annotations

import pytest

from localcloud.codebuild import buildspec
from localcloud.codebuild.errors import BuildError

PHASES = "phases: {build: {commands: [make]}}"


def parse(text: str) -> buildspec.Buildspec:
    return buildspec.parse(f"version: 0.2\n{text}")


def test_every_section_is_read() -> None:
    spec = parse("""
env:
  shell: bash
  variables: {DEBUG: yes, COUNT: 3, NAME: web}
  parameter-store: {TOKEN: /token}
  secrets-manager: {PASSWORD: "db:password"}
  exported-variables: [TAG]
phases:
  install: {runtime-versions: {python: 3.13}}
  build:
    on-failure: ABORT
    commands: [make, "make test"]
    finally: [make clean]
reports:
  tests: {files: ["*.xml"], base-directory: out, file-format: CoberturaXml}
artifacts:
  files: ["**/*"]
  discard-paths: yes
  name: $TAG
  secondary-artifacts: {docs: {files: [index.html], base-directory: site}}
cache: {paths: [".venv/**/*"]}
""")
    assert spec.shell == "bash"
    assert spec.variables == {"DEBUG": "true", "COUNT": "3", "NAME": "web"}
    assert spec.parameter_store == {"TOKEN": "/token"}
    assert spec.secrets_manager == {"PASSWORD": "db:password"}
    assert spec.exported == ("TAG",)
    assert spec.phases["install"].runtimes == {"python": "3.13"}
    assert spec.phases["build"] == buildspec.Phase("build", ("make", "make test"), ("make clean",), "ABORT")
    assert spec.reports[0].file_format == "COBERTURAXML"
    assert spec.artifacts == buildspec.Files(("**/*",), discard_paths=True, name="$TAG")
    assert spec.secondary_artifacts["docs"] == buildspec.Files(("index.html",), base_directory="site")
    assert spec.cache_paths == (".venv/**/*",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("version: 0.1\n" + PHASES, "expected version: 0.2, got 0.1"),
        ("version: 0.2\nphases: {deploy: {commands: [x]}}", "invalid buildspec phase name: deploy"),
        ("version: 0.2", "at least one of phases"),
        ("version: 0.2\nphases: {build: {commands: [echo a: b]}}", "to be of string type"),
        ("version: 0.2\nphases: {build: {commands: make}}", "expected a list"),
        ("version: 0.2\nphases: {build: {}}", "at least one command"),
        ("version: 0.2\nphases: {build: {commands: [x], on-failure: RETRY}}", "expected ABORT or CONTINUE"),
        ("version: 0.2\nenv: {shell: fish}\n" + PHASES, "expected bash or /bin/sh, got fish"),
        ("version: 0.2\nrun-as: me\n" + PHASES, "does not support run-as"),
        ("version: 0.2\nphase: {}\n" + PHASES, "unknown key phase"),
        ("version: 0.2\nartifacts: {secondary-artifacts: {a: {}}}\n" + PHASES, "files is required"),
        ("[a", "expected"),
        ("", "expected a mapping"),
    ],
)
def test_an_invalid_buildspec_is_an_error_that_names_the_reason(text: str, message: str) -> None:
    with pytest.raises(BuildError, match=message) as raised:
        buildspec.parse(text)
    assert raised.value.status_code == "YAML_FILE_ERROR"


@pytest.mark.parametrize(
    ("text", "is_inline"),
    [("version: 0.2", True), ("version: 0.2\nphases: {}", True), ('{"version": "0.2"}', True), ("ci/build.yml", False)],
)
def test_a_path_is_distinguished_from_a_buildspec(text: str, is_inline: bool) -> None:
    assert buildspec.is_inline(text) is is_inline
