"""The deployed AllThrive: its functions can be called one by one, and its policies can lose single statements."""

from __future__ import annotations

import http.client
import http.server
import json
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from localcloud.testing.plain import ACCOUNT, Plain
from policy.privileges.roles import listed, named

_PAUSE = 0.1
_PUTS = ("PutJobSuccessResult", "PutJobFailureResult")


@dataclass
class Answers:
    """A proxy of CodePipeline for functions: records job results, and forwards them to the cloud, which has no job."""

    cloud: Plain
    kept: dict[str, dict[str, Any]] = field(default_factory=dict)

    @contextmanager
    def listening(self) -> Iterator[str]:
        """Listens during the `with` block. Yields the address for `AWS_ENDPOINT_URL_CODEPIPELINE`."""
        answers = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                cloud = http.client.HTTPConnection("127.0.0.1", answers.cloud.port, timeout=60)
                cloud.request("POST", self.path, body, dict(self.headers.items()))
                answer = cloud.getresponse()
                content = answer.read()
                answers.record(self.headers.get("X-Amz-Target", ""), json.loads(body), content.decode())
                self.send_response(answer.status)
                self.send_header("Content-Type", "application/x-amz-json-1.1")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                """Log nothing."""

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            server.server_close()

    def record(self, target: str, request: dict[str, Any], response: str) -> None:
        """Records a job result that IAM allowed: only then does the cloud look for the job."""
        operation = target.rpartition(".")[2]
        if operation in _PUTS and "JobNotFound" in response:
            self.kept[request["jobId"]] = {"operation": operation, **request}


@dataclass(frozen=True)
class Outcome:
    """The result of a piece of work."""

    succeeded: bool
    output: str


class Deployed:
    """The product in a local cloud."""

    def __init__(self, cloud: Plain, answers: Answers, stacks: list[str]) -> None:
        self.cloud, self._answers = cloud, answers
        self._resources = {stack: self._listed(stack) for stack in stacks}

    def _listed(self, stack: str) -> dict[str, str]:
        pages = self.cloud.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
        return {
            resource["LogicalResourceId"]: resource["PhysicalResourceId"]
            for page in pages
            for resource in page["StackResourceSummaries"]
        }

    def physical(self, stack: str, begins: str) -> str:
        """Returns the physical id of a resource by its logical id without the hash."""
        found = [name for logical, name in self._resources[stack].items() if logical[:-8] == begins]
        (only,) = found
        return only

    def output(self, stack: str, key: str) -> str:
        return self.cloud.outputs(stack)[key]

    # --- work --------------------------------------------------------------------------------------------------------

    def tell(self, function: str, **more: str) -> None:
        """Adds variables to a function's environment."""
        client = self.cloud.client("lambda")
        own = client.get_function_configuration(FunctionName=function).get("Environment", {}).get("Variables", {})
        client.update_function_configuration(FunctionName=function, Environment={"Variables": {**own, **more}})

    def call(self, function: str, event: Mapping[str, Any]) -> str:
        """Calls a function. Returns its error, if any."""
        answer = self.cloud.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event).encode())
        payload = answer["Payload"].read().decode()
        return payload if answer.get("FunctionError") else ""

    def action(
        self,
        function: str,
        parameters: Mapping[str, Any],
        token: Mapping[str, Any] | None = None,
        calls: int = 60,
    ) -> Outcome:
        """Calls a function like a pipeline's action until it reports a result; `token` is its first continuation."""
        configuration = {"FunctionName": function, "UserParameters": json.dumps(parameters)}
        carried = json.dumps(token) if token else ""
        for _ in range(calls):
            job = str(uuid.uuid4())
            data: dict[str, Any] = {"actionConfiguration": {"configuration": configuration}}
            data |= {"inputArtifacts": [], "outputArtifacts": [], "artifactCredentials": {}}
            data |= {"continuationToken": carried} if carried else {}
            raised = self.call(function, {"CodePipeline.job": {"id": job, "accountId": ACCOUNT, "data": data}})
            answer = self._answers.kept.pop(job, {})
            if raised or not answer:
                return Outcome(False, raised or "no answer")
            if answer["operation"] == "PutJobFailureResult":
                return Outcome(False, answer["failureDetails"]["message"])
            if "continuationToken" not in answer:
                return Outcome(True, answer["executionDetails"]["summary"])
            carried = answer["continuationToken"]
            time.sleep(_PAUSE)
        return Outcome(False, f"still waiting: {answer['executionDetails']['summary']}")

    def session(self, role: str) -> dict[str, str]:
        """Returns credentials of a role that trusts a service, as variables. Its trust is extended for a moment."""
        iam, sts = self.cloud.client("iam"), self.cloud.client("sts")
        found = iam.get_role(RoleName=role)["Role"]
        trust = found["AssumeRolePolicyDocument"]
        ours = {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
            "Action": "sts:AssumeRole",
        }
        widened = {**trust, "Statement": [*listed(trust["Statement"]), ours]}
        iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(widened))
        try:
            taken = sts.assume_role(RoleArn=found["Arn"], RoleSessionName="build")["Credentials"]
        finally:
            iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(trust))
        return {
            "AWS_ACCESS_KEY_ID": taken["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": taken["SecretAccessKey"],
            "AWS_SESSION_TOKEN": taken["SessionToken"],
        }

    # --- policies ----------------------------------------------------------------------------------------------------

    def statements(self, role: str) -> list[str]:
        """Returns the names of a role's statements."""
        return [
            named(statement) for _, document in self._documents(role) for statement in listed(document["Statement"])
        ]

    def _documents(self, role: str) -> list[tuple[str, dict[str, Any]]]:
        iam = self.cloud.client("iam")
        names = iam.list_role_policies(RoleName=role)["PolicyNames"]
        return [(name, iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]) for name in names]

    @contextmanager
    def without(self, role: str, statement: str) -> Iterator[None]:
        """Removes a statement from a role's policies during the `with` block."""
        iam, documents = self.cloud.client("iam"), self._documents(role)
        for name, document in documents:
            kept = [other for other in listed(document["Statement"]) if named(other) != statement]
            changed = json.dumps({**document, "Statement": kept})
            if kept:
                iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=changed)
            else:
                iam.delete_role_policy(RoleName=role, PolicyName=name)
        try:
            yield
        finally:
            for name, document in documents:
                iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))
