"""Runs the real CDK CLI to bootstrap the local cloud and deploy a product into it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from localcloud import clients, keys, shell
from localcloud.settings import Settings
from paths import ROOT
from policy.execution.account import put
from policy.execution.document import policies
from policy.templates import Templates, assembled
from products import ManifestError, Product, load

Say = Callable[[str], None]
_CDK = ROOT / "node_modules" / "aws-cdk" / "bin" / "cdk"
_NODE = ROOT / "node_modules" / "node" / "bin"
_STACK_DONE = re.compile(r"✅ +(\S+)")
_STACK_BEGUN = re.compile(r"^(\S+): (deploying|creating CloudFormation changeset)")
_TAIL = 40
_DENIED = "AWSCloudFormation is not authorized"
_HINT = """
CloudFormation has the permissions that policy/execution computes from the synthesized templates. The list of a resource
type's permissions lacks the action in the message: policy/execution/README.md says how to add it."""
_POLL_SECONDS = 0.05


class CdkError(Exception):
    """The CDK CLI failed; the message has the end of its output."""


@dataclass(frozen=True)
class Cdk:
    """The CDK CLI, configured for the local cloud."""

    settings: Settings
    product: str

    @property
    def assembly(self) -> Path:
        """The folder of the synthesized templates."""
        return self._assemblies / self.product

    @property
    def _assemblies(self) -> Path:
        return self.settings.run / "assemblies"

    def bootstrap(self, account: str, region: str) -> None:
        """Prepare an account and region for the deployment of what was synthesized.

        CloudFormation gets the permissions that the templates of this product need, and those of the products that were
        synthesized for this cloud before.
        """
        iam = clients.client("iam", keys.root(self.settings, account).credentials(), region, url=self.settings.url)
        found = policies(self._synthesized(), account, self._templates)
        rights = put(iam, account, {name: json.dumps(policy) for name, policy in found.items()})
        options = ["--cloudformation-execution-policies", ",".join(rights)]
        # Run outside the folder of cdk.json: the CLI would synthesize the app for nothing.
        place = replace(self, settings=replace(self.settings, account=account))  # as that account's own root
        trust = ["--trust", self.settings.account] if account != self.settings.account else []
        place._run(
            ["bootstrap", f"aws://{account}/{region}", *trust, *options], "bootstrap", self.settings.run, _nothing
        )

    def _synthesized(self) -> list[Product]:
        """Returns the products synthesized for this cloud, without those whose manifest is gone or invalid."""
        found = []
        for folder in sorted(self._assemblies.iterdir()):
            with suppress(ManifestError):
                found.append(load(folder.name))
        return found

    def _templates(self, product: str) -> Templates:
        return assembled(self._assemblies / product)

    def synth(self) -> None:
        """Synthesize the product without CDK's own rules, which `make synth` applies."""
        context = ["--context", f"product={self.product}"]
        command = ["synth", "--quiet", "--no-validation", "--output", str(self.assembly), *context]
        self._run(command, "synth", ROOT, _nothing)

    def deploy(self, patterns: list[str], say: Say) -> None:
        """Deploy the matching stacks, independent ones in parallel."""
        command = ["deploy", *patterns, "--app", str(self.assembly), "--require-approval", "never"]
        self._run([*command, "--concurrency", "4", "--progress", "events"], "deploy", ROOT, say)

    def environment(self) -> dict[str, str]:
        """Returns the environment of the CLI: the pinned Node first on the PATH, the local cloud as AWS."""
        path = f"{_NODE}:{self.settings.state / 'bin'}:{os.environ.get('PATH', '')}"
        return {**os.environ, **shell.variables(self.settings), "PATH": path, "CI": "true"}

    def _run(self, arguments: list[str], name: str, folder: Path, say: Say) -> None:
        log = self.settings.run / f"cdk-{name}.log"
        command = [str(_NODE / "node"), str(_CDK), *arguments]
        with log.open("w", encoding="utf-8") as output:
            # No process group of its own, so that Ctrl-C ends it with the demo.
            process = subprocess.Popen(
                command, cwd=folder, env=self.environment(), stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
            try:
                _follow(process, log, say)
            finally:
                if process.poll() is None:
                    process.terminate()
                    process.wait()
        if process.returncode:
            end = _end(log)
            hint = _HINT if _DENIED in end else ""
            raise CdkError(f"cdk {name} failed with exit code {process.returncode}; whole log: {log}\n{end}{hint}")


def _follow(process: subprocess.Popen[bytes], log: Path, say: Say) -> None:
    done = 0
    with log.open(encoding="utf-8", errors="replace") as lines:
        while True:
            ended = process.poll() is not None
            for line in lines:
                if _STACK_DONE.search(line):
                    done += 1
                    say(f"{done} stacks, last {_STACK_DONE.findall(line)[0]}")
                elif found := _STACK_BEGUN.match(line):
                    say(f"{done} stacks, at {found[1]}")
            if ended:
                return
            time.sleep(_POLL_SECONDS)


def _end(log: Path) -> str:
    """Returns the CLI's summary of the failure, or its last lines if there is none."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    summary = next((index for index, line in enumerate(lines) if "❌" in line), len(lines) - _TAIL)
    return "\n".join(lines[max(summary, 0) :][:_TAIL])


def _nothing(_: str) -> None:
    """Print no progress: the command is short."""
