"""Deploys the stacks of one target from an assembly with the CDK CLI, and verifies them. Standard library only.

It refuses to deploy what was not reviewed: another assembly, or stacks that somebody changed after the review.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cloud_assembly
import stack_states
from cloud_assembly import Stack

_POLL_SECONDS = 10
_CAUSES, _SAID = 5, 2000  # lines of causes, and characters of a diagnosis
_CANCELLED = re.compile(r"cancelled|The following resource\(s\) failed|Requested by user", re.IGNORECASE)


class DeployError(Exception):
    """The deployment cannot begin or failed; the message has the cause and what to type."""


class Account:
    """CloudFormation of one account and region, as the deploy role of its bootstrap."""

    def __init__(self, role: str, region: str) -> None:
        self._role, self._region = role, region
        self.environment: dict[str, str] = {}
        """The environment variables with the role's credentials."""

    def assume(self) -> None:
        """Assume the role again: a session lasts an hour."""
        name = "slipway-infrastructure"
        words = ["sts", "assume-role", "--role-arn", self._role, "--role-session-name", name]
        keys = _aws(words, {**os.environ, "AWS_DEFAULT_REGION": self._region})["Credentials"]
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("AWS_CONTAINER_")},
            "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
            "AWS_SESSION_TOKEN": keys["SessionToken"],
            "AWS_DEFAULT_REGION": self._region,
        }

    def stacks(self) -> dict[str, dict[str, Any]]:
        """Returns what CloudFormation says about each stack of the account and region, by name."""
        found = _aws(["cloudformation", "describe-stacks"], self.environment)["Stacks"]
        return {str(stack["StackName"]): dict(stack) for stack in found}

    def template(self, name: str) -> object:
        """Returns the deployed template of a stack."""
        return self._ask("get-template", name, "--template-stage", "Original")["TemplateBody"]

    def events(self, name: str) -> list[dict[str, Any]]:
        """Returns the newest events of a stack, newest first."""
        return list(self._ask("describe-stack-events", name, "--max-items", "200")["StackEvents"])

    def _ask(self, verb: str, name: str, *words: str) -> dict[str, Any]:
        return _aws(["cloudformation", verb, "--stack-name", name, *words], self.environment)


def _aws(words: Sequence[str], environment: Mapping[str, str]) -> dict[str, Any]:
    done = subprocess.run(  # noqa: S603 - the image's CLI
        ["aws", *words, "--output", "json"],  # noqa: S607 - as above
        env=dict(environment),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise DeployError(f"aws {words[0]} {words[1]}: {done.stderr.strip()}")
    return dict(json.loads(done.stdout or "{}"))


class Deployment:
    """The deployment of one target."""

    def __init__(self, folder: Path, reviewed: Path, variables: Mapping[str, str]) -> None:
        self._folder, self._variables = folder, variables
        self._target, self._region = variables["TARGET"], variables["REGION"]
        self._account = Account(variables["DEPLOY_ROLE"], self._region)
        self._reviewed = _reviewed(reviewed, variables["REVIEWED"])
        self._started = ""

    def run(self) -> None:
        """Deploy and verify.

        Raises:
            DeployError: if the stacks cannot be deployed, or are not what they should be afterwards.
        """
        found = cloud_assembly.digest(self._folder)
        if found != self._variables["ASSEMBLY"]:
            raise DeployError(f"the assembly has the digest {found}; Synth wrote {self._variables['ASSEMBLY']}")
        stacks = cloud_assembly.stacks(self._folder, self._target)
        if not stacks:
            raise DeployError(f"the assembly has no stack of {self._target}; the manifest no longer has it")
        self._account.assume()
        before = self._wait(stacks)
        self._refuse_unreviewed(stacks, before)
        self._validate()
        if self._deploy():
            self._account.assume()
            raise DeployError(self._cause(stacks, before))
        self._account.assume()
        self._verify(stacks, before)

    def _wait(self, stacks: Sequence[Stack]) -> dict[str, dict[str, Any]]:
        """Waits until no other operation changes the stacks, and returns them.

        Raises:
            DeployError: if one is in a state that cannot be updated, or the other operation takes too long.
        """
        minutes = float(self._variables["WAIT_MINUTES"])
        deadline, told = time.monotonic() + 60 * minutes, ""
        while True:
            known = self._account.stacks()
            found = {stack.name: known.get(stack.name, {}) for stack in stacks}
            states = [(stack, _state(found[stack.name])) for stack in stacks]
            obstacles = [stack_states.obstacle(stack.name, stack.path, state, self._region) for stack, state in states]
            if any(obstacles):
                raise DeployError("\n".join(filter(None, obstacles)))
            busy = ", ".join(f"{stack.path} is {state}" for stack, state in states if stack_states.busy(state))
            if not busy:
                return found
            if time.monotonic() >= deadline:
                raise DeployError(
                    f"{busy} since more than {minutes:g} minutes: another deployment is in progress. When it has "
                    "ended: slipway start infrastructure"
                )
            if busy != told:
                _say(f"Another deployment is in progress: {busy}. Waiting for at most {minutes:g} minutes.")
                told = busy
            time.sleep(_POLL_SECONDS)

    def _refuse_unreviewed(self, stacks: Sequence[Stack], before: Mapping[str, Mapping[str, Any]]) -> None:
        """Raises DeployError if a stack is neither what the review compared with, nor what this run deploys."""
        for stack in stacks:
            exists = _state(before[stack.name]) not in ("", stack_states.REVIEWING)
            now = cloud_assembly.template_digest(self._account.template(stack.name)) if exists else ""
            if now not in (self._reviewed.get(stack.name, ""), stack.digest):
                raise DeployError(
                    f"{stack.path} ({stack.name}) was changed after the review, at "
                    f"{before[stack.name].get('LastUpdatedTime', 'an unknown time')}, by another deployment. Nothing "
                    "was deployed. For a new review: slipway start infrastructure"
                )

    def _cdk(self, verb: str, *options: str) -> list[str]:
        program = Path(os.environ["WORK"], "package", "bin", "cdk")
        place = [f"{self._target}/*", "--app", str(self._folder), "--no-notices", "--ci"]
        return ["node", str(program), verb, *place, *options]

    def _validate(self) -> None:
        """Raises DeployError if CloudFormation's early validation refuses a stack, before any stack has changed."""
        command = self._cdk("validate", "--online", "--unstable", "validate")
        done = subprocess.run(  # noqa: S603 - the verified CLI
            command, env={**os.environ, "CI": "true"}, capture_output=True, text=True, check=False
        )
        if done.returncode:
            said = (done.stdout + done.stderr).strip()[-_SAID:]
            raise DeployError(f"{self._target}: CloudFormation refuses the templates; nothing was deployed.\n{said}")

    def _deploy(self) -> int:
        # A change set of its own for each run: two deployments never delete each other's.
        own = ["--change-set-name", f"slipway-{self._variables['EXECUTION'][:8]}"]
        command = self._cdk("deploy", "--require-approval", "never", "--concurrency", "4", "--progress", "events", *own)
        return subprocess.run(command, env={**os.environ, "CI": "true"}, check=False).returncode  # noqa: S603 - the verified CLI

    def _diagnosis(self) -> str:
        """Returns what `cdk diagnose` says about the stacks; it describes them as the deploy role."""
        command = self._cdk("diagnose", "--unstable", "diagnose")
        done = subprocess.run(  # noqa: S603 - the verified CLI
            command, env={**self._account.environment, "CI": "true"}, capture_output=True, text=True, check=False
        )
        return done.stdout.strip()[-_SAID:]

    def _cause(self, stacks: Sequence[Stack], before: Mapping[str, Mapping[str, Any]]) -> str:
        """Returns why the deployment failed, with the constructs' paths, from the events of the stacks it touched."""
        known = self._account.stacks()
        lines: list[str] = []
        for stack in stacks:
            after = known.get(stack.name, {})
            if _touched(before[stack.name], after):
                lines += self._failures(stack, _state(after))
        said = "\n".join(lines[:_CAUSES]) or self._diagnosis() or "the CDK CLI says why above"
        return f"{self._target} was not deployed:\n{said}{_hint(said)}"

    def _failures(self, stack: Stack, state: str) -> list[str]:
        if not state or state in stack_states.STABLE:
            return []
        found: list[str] = []
        for event in self._account.events(stack.name):
            own = event["LogicalResourceId"] == stack.name
            if own and event["ResourceStatus"] in ("UPDATE_IN_PROGRESS", "CREATE_IN_PROGRESS"):
                break  # where this deployment began
            reason = str(event.get("ResourceStatusReason", ""))
            if event["ResourceStatus"].endswith("_FAILED") and not own and not _CANCELLED.search(reason):
                path = stack.paths.get(event["LogicalResourceId"], f"{stack.path}/{event['LogicalResourceId']}")
                found.append(f"{path} ({event['ResourceType']}): {event['ResourceStatus']}: {reason}")
        return [*reversed(found), f"{stack.path} ({stack.name}) is now {state}"]

    def _verify(self, stacks: Sequence[Stack], before: Mapping[str, Mapping[str, Any]]) -> None:
        """Raises DeployError if a stack is not stable, or if the deployment has set back a parameter of a release."""
        known = self._account.stacks()
        for stack in stacks:
            after = known.get(stack.name, {})
            if _state(after) not in stack_states.STABLE | {"UPDATE_ROLLBACK_COMPLETE"}:
                raise DeployError(f"{stack.path} ({stack.name}) is {_state(after) or 'gone'} after the deployment")
            was, now = _parameters(before[stack.name]), _parameters(after)
            # A release of another pipeline may have changed it meanwhile; a deployment can only set it back.
            other = {
                name: value
                for name, value in was.items()
                if name in now and now[name] != value and now[name] == stack.defaults.get(name)
            }
            if other:
                raise DeployError(f"{stack.path} ({stack.name}) runs another release than before: {other} became {now}")
        _say(f"{len(stacks)} stacks of {self._target} are stable, and run the same release as before.")


def _reviewed(path: Path, expected: str) -> dict[str, str]:
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise DeployError(f"reviewed.json has the digest {found}; the review wrote {expected}")
    return {str(name): str(value) for name, value in json.loads(content).items()}


def _state(stack: Mapping[str, Any]) -> str:
    return str(stack.get("StackStatus", ""))


def _touched(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """True if a stack was updated in between: one that failed earlier keeps its state, and the events of that."""
    return any(before.get(key) != after.get(key) for key in ("StackStatus", "LastUpdatedTime"))


def _parameters(stack: Mapping[str, Any]) -> dict[str, str]:
    return {
        parameter["ParameterKey"]: str(parameter.get("ParameterValue", ""))
        for parameter in stack.get("Parameters") or []
        if parameter["ParameterKey"] != "BootstrapVersion"
    }


def _hint(said: str) -> str:
    if "not authorized" in said or "AccessDenied" in said:
        return (
            "\nCloudFormation's role lacks a permission, which only a person can give it: slipway prepare, "
            "then: slipway retry infrastructure"
        )
    return "\nPush a fix, or after a repair by hand: slipway retry infrastructure"


def _say(text: str) -> None:
    print(text, flush=True)


def main() -> int:
    """Deploys as the environment variables say; returns the exit code."""
    folder = Path(os.environ["CODEBUILD_SRC_DIR"])
    reviewed = Path(os.environ[os.environ["REVIEW_FOLDER"]], "reviewed.json")
    try:
        Deployment(folder, reviewed, os.environ).run()
    except DeployError as error:
        print(f"\nFAILED: {error}", file=sys.stderr, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
