"""GitHub and the pipeline together: a push starts the pipeline, functions write to GitHub, a reset empties it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from localcloud import process
from localcloud.settings import Settings
from localcloud.testing.github import TOKEN
from localcloud.testing.pipelines import World, stage, until
from localcloud.testing.plain import ACCOUNT, REGION, Plain, free_port, unique
from report_failure.handler import Issues
from report_failure.handler import Settings as Reporting
from shared.github import GitHub, Refused
from shared.runs import Run
from tests.end_to_end.handlers import deploy_handler

pytestmark = [pytest.mark.local, pytest.mark.slow]  # half a minute in all

JOB = ("codepipeline:PutJobSuccessResult", "codepipeline:PutJobFailureResult", "secretsmanager:GetSecretValue")
READS = (
    "codepipeline:ListPipelineExecutions",
    "codepipeline:GetPipelineExecution",
    "codepipeline:ListActionExecutions",
)


class Forge(World):
    """A cloud with pipelines, whose repository is pushed to over HTTP."""

    def __init__(self, plain: Plain, folder: Path) -> None:
        super().__init__(plain, folder)
        self.settings = Settings(port=plain.port, state=plain.state, docker=False)
        self.secret = unique("github")
        plain.client("secretsmanager").create_secret(Name=self.secret, SecretString=json.dumps({"token": TOKEN}))
        bare = plain.state / "repositories" / f"{self.repository}.git"
        subprocess.run(["git", f"--git-dir={bare}", "config", "localcloud.secret", self.secret], check=True)
        self.git("remote", "set-url", "origin", f"{self.settings.github_url}/{self.repository}.git")

    def change(self, message: str, branch: str = "main") -> tuple[str, str]:
        """Commits and pushes. Returns the commit and git's output for the user."""
        (self.work / "README.md").write_text(message, encoding="utf-8")
        self.git("add", ".")
        self.git("commit", "-q", "-m", message)
        command = ["git", "push", "origin", f"HEAD:refs/heads/{branch}"]
        done = subprocess.run(command, cwd=self.work, capture_output=True, text=True, check=True)
        return self.git("rev-parse", "HEAD"), done.stderr

    def trigger(self, **filters: Any) -> dict[str, Any]:
        return {
            "providerType": "CodeStarSourceConnection",
            "gitConfiguration": {"sourceActionName": "Get", **filters},
        }

    def handler(self, name: str, settings: dict[str, Any], *actions: str) -> str:
        """Deploys one of Slipway's functions, unchanged."""
        return deploy_handler(self.plain, name, settings, *actions)

    def news(self, pipeline: str, function: str) -> None:
        """Calls a function for every event of a pipeline."""
        events, rule = self.plain.client("events"), unique("news")
        pattern = {"source": ["aws.codepipeline"], "detail": {"pipeline": [pipeline]}}
        kind = "CodePipeline Pipeline Execution State Change"
        events.put_rule(Name=rule, EventPattern=json.dumps({**pattern, "detail-type": [kind]}))
        arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}"
        events.put_targets(Rule=rule, Targets=[{"Id": "f", "Arn": arn}])


@pytest.fixture(scope="module")
def forge(plain: Plain, tmp_path_factory: pytest.TempPathFactory) -> Forge:
    return Forge(plain, tmp_path_factory.mktemp("forge"))


@pytest.fixture
def github(forge: Forge, monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHub]:
    """The GitHub client of the functions, in this process."""
    key = forge.plain.key
    names = {"ACCESS_KEY_ID": key.access_key_id, "SECRET_ACCESS_KEY": key.secret_access_key}
    names |= {"REGION": REGION, "DEFAULT_REGION": REGION}
    for name, value in {**names, "ENDPOINT_URL": forge.plain.url}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("GITHUB_API_URL", forge.settings.github_api)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    yield GitHub(forge.repository, forge.secret)
    boto3.DEFAULT_SESSION = None


def test_a_push_starts_the_pipeline_once_with_its_commit_and_prints_the_runs_url(forge: Forge) -> None:
    branches = {"push": [{"branches": {"includes": ["pushed/**"]}}]}
    name = forge.quiet(stage("Test", forge.job("Job")), triggers=[forge.trigger(**branches)])
    before = len(forge.executions(name))

    sha, output = forge.change("a change", "pushed/one")
    _, other = forge.change("another", "elsewhere")

    [run] = forge.executions(name)[: len(forge.executions(name)) - before]
    assert f"remote: {name} started: {forge.settings.run_url(name, run['pipelineExecutionId'])}" in output
    assert name not in other
    assert forge.ended(name, run["pipelineExecutionId"])["status"] == "Succeeded"
    variables = forge.actions(name, run["pipelineExecutionId"])["Get"]["output"]["outputVariables"]
    assert (variables["CommitId"], variables["BranchName"]) == (sha, "pushed/one")


def test_a_pull_request_and_each_push_to_it_start_its_pipeline(forge: Forge, github: GitHub) -> None:
    filters = {"pullRequest": [{"events": ["OPEN", "UPDATED"], "branches": {"includes": ["base"]}}]}
    name = forge.quiet(stage("Test", forge.job("Job")), triggers=[forge.trigger(**filters)], executionMode="PARALLEL")
    before = len(forge.executions(name))
    forge.change("base", "base")
    forge.change("change", "topic")

    github.post("/pulls", {"title": "Better", "head": "topic", "base": "base"})
    _, output = forge.change("more", "topic")

    assert f"remote: {name} started: " in output
    assert len(forge.executions(name)) - before == 2


def test_a_failing_run_opens_an_issue_and_the_next_success_closes_it(forge: Forge, github: GitHub) -> None:
    parameter, branch = unique("/fixed"), unique("failing")
    branches = {"push": [{"branches": {"includes": [branch]}}]}
    publish = {"repository": forge.repository, "secret": forge.secret, "tag": unique("v1"), "images": []}
    release = forge.job("Publish", None)
    release["configuration"] = {
        "FunctionName": forge.handler("publish_release", publish, *JOB),
        "UserParameters": json.dumps({"commit": "#{Source.CommitId}"}),
    }
    name = forge.quiet(
        stage("Test", forge.job("Job", {"fail_unless": parameter})),
        stage("Release", release),
        triggers=[forge.trigger(**branches)],
    )
    settings = {"product": "shop", "repository": forge.repository, "secret": forge.secret, "issues": [name]}
    forge.news(name, forge.handler("report_failure", settings, *JOB, *READS))

    broken, _ = forge.change("break it", branch)
    issue = until("an issue is open", lambda: _issues(github), 60)[0]
    marked = until("the commit is marked", lambda: _state(github, broken) == "failure", 60)
    forge.plain.client("ssm").put_parameter(Name=parameter, Value="yes", Type="String")
    mended, _ = forge.change("mend it", branch)
    until("the issue is closed", lambda: github.get(f"/issues/{issue['number']}")["state"] == "closed", 90)

    assert issue["title"] == f"shop: Test failed in {name}"
    assert broken in issue["body"]
    assert marked
    released = github.get(f"/releases/tags/{publish['tag']}")
    assert github.get(f"/git/ref/tags/{publish['tag']}")["object"]["sha"] == mended
    assert "mend it by Mary Major" in released["body"]
    until("the commit is marked", lambda: _state(github, mended) == "success", 60)


def _issues(github: GitHub) -> list[dict[str, Any]]:
    return [issue for issue in github.pages("/issues?state=open") if "pull_request" not in issue]


def _state(github: GitHub, sha: str) -> str:
    return str(github.get(f"/commits/{sha}/status")["state"])


def test_the_functions_can_read_what_they_wrote(github: GitHub, forge: Forge) -> None:
    made = github.post("/issues", {"title": "x", "body": "<!-- mark -->\ntext", "labels": ["bug"]})
    for _ in range(3):
        github.post(f"/issues/{made['number']}/comments", {"body": "again"})

    open_ones = github.pages("/issues?state=open&labels=bug&sort=created&direction=asc")
    assert made["number"] in [issue["number"] for issue in open_ones]
    assert len(github.pages(f"/issues/{made['number']}/comments")) == 3
    github.patch(f"/issues/{made['number']}", {"state": "closed", "state_reason": "completed"})
    assert github.get(f"/issues/{made['number']}")["state"] == "closed"
    assert github.get("/releases/tags/absent") is None


def test_one_issue_stays_open_however_often_it_is_reported(github: GitHub) -> None:
    run = Run(pipeline=unique("main"), id="run-1", link="http://run", stage="Test")
    settings = Reporting("shop", github.repository, "", (run.pipeline,), (), {run.pipeline: "Source Test"})
    issues = Issues(github, settings, run, "1")

    issues.update("Failed", [])
    issues.update("Failed", [])

    titles = [issue["title"] for issue in github.pages("/issues?state=open")]
    assert titles.count(f"shop: Test failed in {run.pipeline}") == 1
    issues.update("Succeeded", [])
    assert f"shop: Test failed in {run.pipeline}" not in [
        issue["title"] for issue in github.pages("/issues?state=open")
    ]


def test_a_wrong_token_is_refused_with_a_hint_to_the_reader(forge: Forge, github: GitHub) -> None:
    secret = unique("wrong")
    forge.plain.client("secretsmanager").create_secret(Name=secret, SecretString="ghp_wrong")

    with pytest.raises(Refused, match=r"GitHub answered 401 to GET .*: Bad credentials\. Does the token or App have"):
        GitHub(forge.repository, secret).get("/issues")


def test_an_app_with_its_key_in_kms_is_accepted(forge: Forge, github: GitHub) -> None:
    kms = forge.plain.client("kms")
    key = kms.create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    app = json.dumps({"app_id": "7", "installation_id": "42", "kms_key_id": key})
    secrets = forge.plain.client("secretsmanager")
    secrets.put_secret_value(SecretId=forge.secret, SecretString=app)
    try:
        assert GitHub(forge.repository, forge.secret).get("")["full_name"] == forge.repository
    finally:
        secrets.put_secret_value(SecretId=forge.secret, SecretString=json.dumps({"token": TOKEN}))


def test_a_reset_removes_published_repositories(tmp_path: Path) -> None:
    settings = Settings(port=free_port(), state=tmp_path, docker=False)
    process.start(settings)
    try:
        cloud = Plain(settings.port, tmp_path)
        forge = Forge(cloud, tmp_path / "forge")
        mark = unique("published")
        bare = settings.repositories / "acme" / f"{mark}.git"
        subprocess.run(["git", "clone", "-q", "--bare", str(forge.work), str(bare)], check=True)
        subprocess.run(["git", f"--git-dir={bare}", "config", "localcloud.published", "true"], check=True)

        assert process.reset(settings)

        assert not bare.exists()
        assert (settings.repositories / f"{forge.repository}.git").exists()  # created by hand, so a reset keeps it
    finally:
        process.stop(settings)
