"""Helpers for tests of the data plane: small applications, services, roles."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Callable
from typing import Any

from localcloud.settings import Settings
from localcloud.testing.plain import Plain

IMAGE = "python:3.13-slim"
LB = "AWS::ElasticLoadBalancingV2"

WEB = """
import http.server, json, os, signal, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        code = int(os.environ.get("CODE", "200"))
        body = json.dumps({"release": os.environ.get("RELEASE"), "secret": os.environ.get("SECRET"), "uid": os.getuid(),
                           "writable": {path: os.access(path, os.W_OK) for path in ("/tmp", "/usr", "/data")}}).encode()
        self.send_response(code); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    def log_message(self, text, *values): print(text % values, flush=True)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print("ERROR is only a word here", flush=True)
http.server.ThreadingHTTPServer(("", 8000), Handler).serve_forever()
"""


def until(what: str, ready: Callable[[], Any], seconds: float = 60) -> Any:
    """Poll until ``ready`` returns a true value; returns that value."""
    deadline = time.monotonic() + seconds
    while not (found := ready()):
        assert time.monotonic() < deadline, f"waited {seconds:g} s for: {what}"
        time.sleep(0.1)
    return found


class Cloud(Plain):
    """A running cloud with containers."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings.port, settings.state)
        self.subnet = settings.subnet
        self.settings = settings

    def settled(self, name: str, seconds: float = 240) -> str:
        return super().settled(name, seconds)

    def get(self, balancer: str, path: str = "/") -> bytes:
        """Sends a GET through a load balancer and returns the answer."""
        with urllib.request.urlopen(f"{self.url}/_alb/{balancer}{path}", timeout=10) as answer:
            return bytes(answer.read())

    def task(self, cluster: str, arn: str) -> dict[str, Any]:
        found: dict[str, Any] = self.client("ecs").describe_tasks(cluster=cluster, tasks=[arn])["tasks"][0]
        return found

    def stopped(self, cluster: str, arn: str) -> dict[str, Any]:
        """Waits until a task has stopped and returns it."""
        until(f"{arn} stopped", lambda: self.task(cluster, arn)["lastStatus"] == "STOPPED")
        return self.task(cluster, arn)

    def service(self, cluster: str, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.client("ecs").describe_services(cluster=cluster, services=[name])["services"][0]
        return found


def role(*statements: dict[str, Any], service: str = "ecs-tasks.amazonaws.com") -> dict[str, Any]:
    """Creates a role that ECS tasks may assume."""
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    properties: dict[str, Any] = {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]}}
    if statements:
        document = {"Version": "2012-10-17", "Statement": list(statements)}
        properties["Policies"] = [{"PolicyName": "own", "PolicyDocument": document}]
    return {"Type": "AWS::IAM::Role", "Properties": properties}


def allow(action: str | list[str], resource: Any = "*") -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource}


PULL = allow(
    [
        "ecr:GetAuthorizationToken",
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:GetDownloadUrlForLayer",
    ]
)
WRITE_LOG = allow(["logs:CreateLogStream", "logs:PutLogEvents"])


def definition(*command: str, **more: Any) -> dict[str, Any]:
    """Returns a task definition with one container; ``more`` are its container's properties, `Task` the task's."""
    task = more.pop("Task", {})
    container = {"Name": "main", "Image": IMAGE, "Command": list(command), "Essential": True, **more}
    properties = {
        "Cpu": "256",
        "Memory": "512",
        "NetworkMode": "awsvpc",
        "RequiresCompatibilities": ["FARGATE"],
        "ContainerDefinitions": [container],
        **task,
    }
    return {"Type": "AWS::ECS::TaskDefinition", "Properties": properties}


def service(cluster: str, name: str, desired: int = 1, **more: Any) -> dict[str, Any]:
    properties = {
        "Cluster": cluster,
        "ServiceName": name,
        "DesiredCount": desired,
        "LaunchType": "FARGATE",
        "TaskDefinition": {"Ref": "Task"},
        "NetworkConfiguration": {"AwsvpcConfiguration": {"Subnets": ["subnet-1"]}},
        **more,
    }
    return {"Type": "AWS::ECS::Service", "Properties": properties, "DependsOn": ["Cluster"]}


def balancer(name: str) -> dict[str, Any]:
    """Returns a load balancer with one listener and one target group, as `Balancer`, `Listener`, `Group`."""
    forward = [{"Type": "forward", "TargetGroupArn": {"Ref": "Group"}}]
    return {
        "Balancer": {"Type": f"{LB}::LoadBalancer", "Properties": {"Name": name, "Scheme": "internal"}},
        "Group": {
            "Type": f"{LB}::TargetGroup",
            "Properties": {"Port": 8000, "Protocol": "HTTP", "TargetType": "ip", "HealthCheckPath": "/healthz"},
        },
        "Listener": {
            "Type": f"{LB}::Listener",
            "Properties": {
                "LoadBalancerArn": {"Ref": "Balancer"},
                "Port": 80,
                "Protocol": "HTTP",
                "DefaultActions": forward,
            },
        },
    }
