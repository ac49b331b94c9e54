"""The builds of the flow `infrastructure` against a local cloud without containers: real CDK CLI, IAM and policies."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import cloud_assembly
from localcloud.settings import Settings
from localcloud.testing.plain import ACCOUNT, REGION, Plain
from paths import ROOT
from products import infrastructure_flow, load, names
from slipway_cli.demo.infrastructure import Cdk

PRODUCT = load("tiny")
_TRUST = {
    "Effect": "Allow",
    "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
    "Action": "sts:AssumeRole",
}
Json = dict[str, Any]


class Rehearsal:
    """A product whose stacks are deployed, and the builds that review and deploy changes of them."""

    def __init__(self, settings: Settings) -> None:
        self.settings, self.plain = settings, Plain(settings.port, settings.state)
        self._cdk = Cdk(settings, PRODUCT.name)
        self._runs = itertools.count(0x0F1E2D3C)

    def begin(self) -> None:
        """Synthesize, bootstrap with the shipped kind of policies, and deploy everything once, as a person does."""
        self._cdk.synth()
        self._cdk.bootstrap(ACCOUNT, REGION)
        self._cdk.deploy([f"{target}/*" for target in infrastructure_flow.targets(PRODUCT)], lambda _: None)

    @cached_property
    def _work(self) -> Path:
        work = self.settings.state / "work"
        (work / "package").mkdir(parents=True)
        for part in ("bin", "lib", "package.json"):
            (work / "package" / part).symlink_to(ROOT / "node_modules" / "aws-cdk" / part)
        return work

    def changed(self, name: str, stack: str, change: Callable[[Json], object], *, target: str = "staging") -> Path:
        """Returns an assembly in which one template differs, as a synth of another commit would write it."""
        folder = self.settings.state / name
        shutil.copytree(self._cdk.assembly, folder)
        nested = folder / f"assembly-{target}"
        (path,) = (found for found in nested.glob("*.template.json") if found.name.startswith(f"{target}{stack}"))
        template = json.loads(path.read_text())
        change(template)
        path.write_text(json.dumps(template))
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        for manifest in nested.glob("*.assets.json"):
            assets = json.loads(manifest.read_text())
            for key, asset in list(assets["files"].items()):
                if asset["source"]["path"] == path.name:
                    old, assets["files"][digest] = key, assets["files"].pop(key)
                    for place in asset["destinations"].values():
                        place["objectKey"] = f"{digest}.json"
                    whole = (nested / "manifest.json").read_text()
                    (nested / "manifest.json").write_text(whole.replace(f"{old}.json", f"{digest}.json"))
            manifest.write_text(json.dumps(assets))
        return folder

    def session(self, role: str) -> dict[str, str]:
        """Returns the environment variables of a build's role. The test may assume it; its permissions are its own."""
        document = json.dumps({"Version": "2012-10-17", "Statement": [_TRUST]})
        self.plain.client("iam").update_assume_role_policy(RoleName=role, PolicyDocument=document)
        keys = self.plain.session(f"arn:aws:iam::{ACCOUNT}:role/{role}")
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            "AWS_ENDPOINT_URL": self.plain.url,
            "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
            "AWS_SESSION_TOKEN": keys["SessionToken"],
            "AWS_DEFAULT_REGION": REGION,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    def review(self, assembly: Path) -> dict[str, str]:
        """Returns the variables that the review exports; it fails the test if the review fails."""
        code, said = self.compare(assembly)
        assert code == 0, said
        lines = (self.settings.state / f"review-of-{assembly.name}" / "variables.sh").read_text().splitlines()
        return dict(line.removeprefix("export ").split("=", 1) for line in lines)

    def compare(self, assembly: Path) -> tuple[int, str]:
        """Returns the exit code and the output of a review."""
        output = self.settings.state / f"review-of-{assembly.name}"
        roles = {
            name: f"arn:aws:iam::{ACCOUNT}:role/{names.access_role(name, PRODUCT.name, 'review')}"
            for name in PRODUCT.environments
        }
        variables = {
            "PRODUCT": PRODUCT.name,
            "ROLES": json.dumps({**roles, infrastructure_flow.TOOLING: ""}),
            "PIPELINE": names.pipeline(PRODUCT.name, infrastructure_flow.NAME),
            "EXECUTION": "this-run",
            "STAGES": "Staging",
            "MINUTES": "0",
            "APPROVAL": "when-needed",
            "COST_LIMIT": "20",
        }
        words = ["--assembly", str(assembly), "--output", str(output)]
        done = subprocess.run(
            [sys.executable, "-m", "slipway_cli.review.infrastructure", *words],
            env={**self.session(names.infrastructure_role(PRODUCT.name, "review")), **variables},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    def _deployment(self, assembly: Path, target: str, reviewed: Path | None) -> dict[str, str]:
        """Returns the environment of the program that deploys a target."""
        review = self.settings.state / f"review-of-{(reviewed or assembly).name}"
        deploy = names.bootstrap_role("deploy", ACCOUNT, REGION)
        variables = {
            "TARGET": target,
            "ASSEMBLY": cloud_assembly.digest(assembly),
            "REVIEWED": hashlib.sha256((review / "reviewed.json").read_bytes()).hexdigest(),
            "REVIEW_FOLDER": "REVIEW",
            "REVIEW": str(review),
            "DEPLOY_ROLE": f"arn:aws:iam::{ACCOUNT}:role/{deploy}",
            "REGION": REGION,
            "EXECUTION": f"{next(self._runs):08x}",
            "WAIT_MINUTES": "1",
            "WORK": str(self._work),
            "CODEBUILD_SRC_DIR": str(assembly),
            "HOME": str(self.settings.state),
        }
        return {**self.session(names.infrastructure_role(PRODUCT.name, "deploy", target)), **variables}

    def deploy(self, assembly: Path, *, target: str = "staging", reviewed: Path | None = None) -> tuple[int, str]:
        """Returns the exit code and the output of a target's deployment."""
        done = self.begin_deployment(assembly, target=target, reviewed=reviewed)
        output, _ = done.communicate()
        return done.returncode, output

    def begin_deployment(
        self, assembly: Path, *, target: str = "staging", reviewed: Path | None = None
    ) -> subprocess.Popen[str]:
        """Starts a target's deployment, as a build would, in a process group of its own."""
        return subprocess.Popen(
            [sys.executable, str(ROOT / "builds" / "programs" / "deploy_stacks.py")],
            env=self._deployment(assembly, target, reviewed),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def kill_deployment(self, assembly: Path, *, at: str) -> str:
        """Kills a deployment of staging with `kill -9`, when it prints a text; returns what it had printed."""
        process, printed = self.begin_deployment(assembly), []
        assert process.stdout is not None
        for line in process.stdout:
            printed.append(line)
            if at in line:
                os.killpg(process.pid, signal.SIGKILL)
                break
        process.wait()
        assert process.returncode == -signal.SIGKILL, "".join(printed)
        return "".join(printed)

    def by_hand(self, assembly: Path, target: str = "staging") -> None:
        """Deploys a target as a person does."""
        words = ["deploy", f"{target}/*", "--app", str(assembly), "--require-approval", "never", "--concurrency", "4"]
        self._cdk._run(words, "deploy", ROOT, lambda _: None)

    def fail_change_set(self, stack: str) -> str:
        """Leaves a change set that has failed, under the name that the next run uses; returns its status."""
        cloudformation = self.plain.client("cloudformation")
        run = next(self._runs)
        self._runs = itertools.count(run)
        name = f"slipway-{run:08x}"
        template = cloudformation.get_template(StackName=stack, TemplateStage="Original")["TemplateBody"]
        kept = [
            {"ParameterKey": parameter["ParameterKey"], "UsePreviousValue": True}
            for parameter in cloudformation.describe_stacks(StackName=stack)["Stacks"][0].get("Parameters", ())
        ]
        made = {"StackName": stack, "ChangeSetName": name, "Parameters": kept, "Capabilities": ["CAPABILITY_NAMED_IAM"]}
        cloudformation.create_change_set(**made, TemplateBody=json.dumps(template))  # nothing differs, so it fails
        found = cloudformation.describe_change_set(StackName=stack, ChangeSetName=name)
        return str(found["Status"])

    @contextmanager
    def without(self, role: str, statement: str) -> Iterator[None]:
        """Takes a statement out of a role's policies, and puts it back."""
        iam, taken = self.plain.client("iam"), {}
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
            document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
            left = [found for found in document["Statement"] if found.get("Sid") != statement]
            if len(left) < len(document["Statement"]):
                taken[name] = document
                rest = json.dumps({**document, "Statement": left})
                if left:
                    iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=rest)
                else:
                    iam.delete_role_policy(RoleName=role, PolicyName=name)
        assert taken, f"{role} has no statement {statement}"
        try:
            yield
        finally:
            for name, document in taken.items():
                iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))

    @contextmanager
    def allowed_everything(self, role: str) -> Iterator[None]:
        """Gives a role a policy that allows everything, and takes it back: other tests remove single rights."""
        iam, own = self.plain.client("iam"), {"RoleName": role, "PolicyName": "all"}
        everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
        iam.put_role_policy(**own, PolicyDocument=json.dumps(everything))
        try:
            yield
        finally:
            iam.delete_role_policy(**own)

    def may_assume(self, role: str, wanted: str) -> bool:
        """True if a role may assume a role of the bootstrap."""
        arn = f"arn:aws:iam::{ACCOUNT}:role/{names.bootstrap_role(wanted, ACCOUNT, REGION)}"
        words = ["aws", "sts", "assume-role", "--role-arn", arn, "--role-session-name", "test"]
        return not subprocess.run(words, env=self.session(role), capture_output=True, check=False).returncode

    def state(self, stack: str) -> str:
        """Returns the state of a stack."""
        found = self.plain.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
        return str(found[0]["StackStatus"])
