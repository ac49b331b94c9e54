"""Edenco on a local cloud of its own, as `slipway demo edenco` leaves it, and what its user does then."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import urllib.request
import zipfile
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from pathlib import Path
from typing import Any

from localcloud import clients, keys
from localcloud.testing.cloud import Cloud, until
from paths import ROOT
from products import load
from slipway_cli.release.verify import get
from tests.examples import plugins

PRODUCT = load("edenco")
PIPELINE = "edenco-main"
LONGEST = 900  # seconds, on a machine that runs other tests at the same time


@dataclass(frozen=True)
class Edenco:
    """The product after the demo."""

    cloud: Cloud
    urls: dict[str, str]

    @cached_property
    def clone(self) -> Path:
        return self.cloud.state / "work" / "edenco"

    def client(self, service: str) -> Any:
        credentials = keys.root(self.cloud.settings).credentials()
        return clients.client(service, credentials, PRODUCT.tooling.region, url=self.cloud.url)

    def run(self, *words: str, code: int = 0) -> str:
        """Runs a program of the demo's user in the checkout; returns its output."""
        environment = {
            **os.environ,
            **plugins.kept(self.cloud.state / "docker"),
            **self.cloud.settings.environment(),
        }
        done = subprocess.run(
            words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=LONGEST
        )
        assert done.returncode == code, done.stdout[-4000:] + done.stderr[-4000:]
        return done.stdout + done.stderr

    def slipway(self, *words: str, code: int = 0) -> str:
        return self.run(sys.executable, "-m", "slipway_cli", *words, code=code)

    def git(self, *words: str) -> str:
        return self.run("git", "-C", str(self.clone), *words).strip()

    def push(self, message: str) -> str:
        """Commits everything and pushes it to main; returns the id of the run that this starts."""
        self.git("commit", "--all", "--allow-empty", "--message", message)
        self.git("push", "origin", "main")
        commit = self.git("rev-parse", "HEAD")

        def found() -> str | None:
            listed = self.client("codepipeline").list_pipeline_executions(pipelineName=PIPELINE)
            for summary in listed["pipelineExecutionSummaries"]:
                if commit in {revision["revisionId"] for revision in summary.get("sourceRevisions", [])}:
                    return str(summary["pipelineExecutionId"])
            return None

        return str(until(f"a run of {commit}", found, 120))

    def status(self, run: str) -> str:
        found = self.client("codepipeline").get_pipeline_execution(pipelineName=PIPELINE, pipelineExecutionId=run)
        return str(found["pipelineExecution"]["status"])

    def ended(self, run: str) -> dict[str, dict[str, Any]]:
        """Waits until the run has ended; returns its actions, by stage and action."""
        until(f"the end of {run}", lambda: self.status(run) not in ("InProgress", "Stopping"), LONGEST)
        return self.actions(run)

    def actions(self, run: str) -> dict[str, dict[str, Any]]:
        pages = self.client("codepipeline").get_paginator("list_action_executions")
        listed = pages.paginate(pipelineName=PIPELINE, filter={"pipelineExecutionId": run})
        details = [detail for page in listed for detail in page["actionExecutionDetails"]]
        return {f"{detail['stageName']}/{detail['actionName']}": detail for detail in reversed(details)}

    def artifact(self, action: dict[str, Any], name: str) -> zipfile.ZipFile:
        """Returns an output artifact of an action."""
        places = {found["name"]: found["s3location"] for found in action["output"]["outputArtifacts"]}
        place = places[name]
        content = self.client("s3").get_object(Bucket=place["bucket"], Key=place["key"])["Body"].read()
        return zipfile.ZipFile(io.BytesIO(content))

    def output_of(self, stack: str, key: str) -> str:
        found = self.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]["Outputs"]
        return str(next(output["OutputValue"] for output in found if output["OutputKey"] == key))

    def answer(self, environment: str) -> dict[str, Any]:
        """Returns what the status page says through CloudFront."""
        return dict(get(f"{self.urls[environment]}/api/v1/status/").json())

    def add_plant(self, environment: str, name: str) -> None:
        body = json.dumps({"name": name, "days_between_watering": 7}).encode()
        address = f"{self.urls[environment]}/api/v1/plants/"
        assert get(address, method="POST", body=body, content_type="application/json").status == HTTPStatus.CREATED

    def plants(self, environment: str) -> set[str]:
        listed = get(f"{self.urls[environment]}/api/v1/plants/").json()
        return {plant["name"] for plant in listed["plants"]}

    def github(self, path: str) -> Any:
        secret = self.client("secretsmanager").get_secret_value(SecretId="edenco/github")["SecretString"]
        request = urllib.request.Request(
            f"{self.cloud.settings.github_api}/repos/edenco/edenco{path}",
            headers={"Authorization": f"Bearer {json.loads(secret)['token']}"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)


def demonstrated(cloud: Cloud) -> Edenco:
    """Runs the demo on a cloud."""
    output = Edenco(cloud, {}).run(sys.executable, "-m", "slipway_cli", "demo", "edenco")
    return Edenco(cloud, dict(re.findall(r"^(staging|production)\s+(http://\S+)/$", output, re.MULTILINE)))
