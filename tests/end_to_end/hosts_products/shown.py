"""A product after `slipway demo`, with what its developers do next."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localcloud import clients, keys
from localcloud.testing.cloud import Cloud, until
from paths import ROOT
from products import Product
from slipway_cli.demo.repository import branch
from tests.examples import plugins

LONGEST = 900  # seconds, on a machine that runs other tests at the same time


@dataclass(frozen=True)
class Shown:
    """The product after the demo."""

    cloud: Cloud
    product: Product
    output: str
    """The output of the demo."""

    @classmethod
    def by_the_demo(cls, cloud: Cloud, product: Product, source: Path | None = None) -> Shown:
        """Runs the demo, of another checkout than the product's example if one is given."""
        words = ("demo", product.name, *(["--source", str(source)] if source else []))
        return cls(cloud, product, Shown(cloud, product, "").slipway(*words))

    @property
    def url(self) -> str:
        """The address of the first environment's site."""
        return self.address(next(iter(self.product.environments)))

    def address(self, environment: str) -> str:
        """Returns the address of an environment's site."""
        found = re.search(rf"^{environment}\s+(http://\S+)/$", self.output, re.MULTILINE)
        assert found, self.output[-4000:]
        return found[1]

    @property
    def clone(self) -> Path:
        """The developers' checkout."""
        return self.cloud.state / "work" / self.product.repository.name

    def client(self, service: str) -> Any:
        """Returns a client with all rights."""
        credentials = keys.root(self.cloud.settings).credentials()
        return clients.client(service, credentials, self.product.tooling.region, url=self.cloud.url)

    def slipway(self, *words: str) -> str:
        """Runs a command of Slipway; returns its output."""
        return self.run(sys.executable, "-m", "slipway_cli", *words)

    def run(self, *words: str, folder: Path = ROOT) -> str:
        """Runs a program of the demo's user; returns its output."""
        environment = {
            **os.environ,
            **plugins.kept(self.cloud.state / "docker"),
            **self.cloud.settings.environment(),
        }
        done = subprocess.run(
            words, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=LONGEST
        )
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-4000:]
        return done.stdout + done.stderr

    def commit(self, file: str, old: str, new: str) -> str:
        """Commits a change of a file; returns the commit."""
        path = self.clone / file
        text = path.read_text()
        assert old in text, text
        path.write_text(text.replace(old, new))
        self.run("git", "commit", "--all", "--message", "Try the pipeline", folder=self.clone)
        return self.run("git", "rev-parse", "HEAD", folder=self.clone).strip()

    def push(self, onto: str = "") -> None:
        """Pushes the newest commit, by default to the branch that the demo names."""
        target = onto or branch(self.product)
        self.run("git", "push", "origin", f"HEAD:refs/heads/{target}", folder=self.clone)

    def on_host(self, environment: str, command: str) -> str:
        """Runs a command on the only host of an environment; returns what it prints."""
        ec2, ssm = self.client("ec2"), self.client("ssm")
        filters = [{"Name": "tag:slipway:environment", "Values": [environment]}]
        filters.append({"Name": "instance-state-name", "Values": ["running"]})
        (reservation,) = ec2.describe_instances(Filters=filters)["Reservations"]
        host = reservation["Instances"][0]["InstanceId"]
        sent = ssm.send_command(
            DocumentName="AWS-RunShellScript", InstanceIds=[host], Parameters={"commands": [command]}
        )["Command"]["CommandId"]

        def ended() -> dict[str, Any] | None:
            found = ssm.list_command_invocations(CommandId=sent, Details=True)["CommandInvocations"]
            return found[0] if found and found[0]["Status"] in ("Success", "Failed", "TimedOut") else None

        found = until(command, ended, 120)
        output = "".join(plugin["Output"] for plugin in found["CommandPlugins"])
        assert found["Status"] == "Success", output
        return output

    def open_pull_request(self, head: str) -> int:
        """Opens a pull request to the repository's branch; returns its number."""
        body = {"title": "Try it", "head": head, "base": self.product.repository.branch}
        return int(self.github("POST", "/pulls", body)["number"])

    def github(self, method: str, path: str, body: Any = None) -> Any:
        """Returns the local GitHub's answer to a call on the product's repository."""
        secret = self.client("secretsmanager").get_secret_value(SecretId=f"{self.product.name}/github")
        repository = self.product.repository
        request = urllib.request.Request(
            f"{self.cloud.url}/_github/api/v3/repos/{repository.owner}/{repository.name}{path}",
            None if body is None else json.dumps(body).encode(),
            {
                "Authorization": f"Bearer {json.loads(secret['SecretString'])['token']}",
                "Content-Type": "application/json",
            },
            method=method,
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())

    def refused(self, flow: str, commit: str) -> str:
        """Waits until the run of a commit fails; returns what its first failed action says."""
        pipeline, run = self.client("codepipeline"), self.run_of(flow, commit)
        name = f"{self.product.name}-{flow}"

        def failed() -> str | None:
            found = pipeline.get_pipeline_execution(pipelineName=name, pipelineExecutionId=run)["pipelineExecution"]
            assert found["status"] != "Succeeded"
            return run if found["status"] == "Failed" else None

        until(f"the failure of {commit}", failed, LONGEST)
        listed = pipeline.list_action_executions(pipelineName=name, filter={"pipelineExecutionId": run})
        (wrong,) = [row for row in listed["actionExecutionDetails"] if row["status"] == "Failed"]
        return str(wrong["output"]["executionResult"]["errorDetails"]["message"])

    def followed(self, flow: str, commit: str) -> dict[str, str]:
        """Follows the run of a commit to its end; returns the status of each action."""
        run, pipeline, wanted = self.run_of(flow, commit), self.client("codepipeline"), f"{self.product.name}-{flow}"
        output = self.slipway("follow", flow, "--product", self.product.name)
        listed = pipeline.list_action_executions(pipelineName=wanted, filter={"pipelineExecutionId": run})
        actions = listed["actionExecutionDetails"]
        assert actions, output
        return {f"{action['stageName']}/{action['actionName']}": str(action["status"]) for action in actions}

    def run_of(self, flow: str, commit: str) -> str:
        """Waits until the run of a commit has started; returns its id."""
        pipeline, wanted = self.client("codepipeline"), f"{self.product.name}-{flow}"

        def started() -> str | None:
            for summary in pipeline.list_pipeline_executions(pipelineName=wanted)["pipelineExecutionSummaries"]:
                if commit in {revision["revisionId"] for revision in summary.get("sourceRevisions", [])}:
                    return str(summary["pipelineExecutionId"])
            return None

        return str(until(f"a run of {commit}", started, 120))

    def status(self, flow: str, run: str, action: str) -> str:
        """Returns the status of an action, e.g. of `Production/Deploy`; empty before it begins."""
        listed = self.client("codepipeline").list_action_executions(
            pipelineName=f"{self.product.name}-{flow}", filter={"pipelineExecutionId": run}
        )["actionExecutionDetails"]
        found = {f"{row['stageName']}/{row['actionName']}": str(row["status"]) for row in listed}
        return found.get(action, "")
