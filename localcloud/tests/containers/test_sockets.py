"""WebSockets to a task, through a load balancer and through a VPC origin of CloudFront."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from localcloud.testing.cloud import LB, Cloud, balancer, definition, service, until
from localcloud.testing.plain import unique

pytestmark = [pytest.mark.local, pytest.mark.docker, pytest.mark.slow]

CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
ALL_VIEWER = "216adef6-5c7f-47e4-b989-5492eafa07d3"

ECHO = r"""
import base64, hashlib, socketserver
class Handler(socketserver.StreamRequestHandler):
    def read(self, count):
        data = self.rfile.read(count)
        if len(data) < count: raise EOFError
        return data
    def frame(self, first, data):
        size = len(data)
        if size < 126: head = bytes([first, size])
        elif size < 65536: head = bytes([first, 126]) + size.to_bytes(2, "big")
        else: head = bytes([first, 127]) + size.to_bytes(8, "big")
        self.wfile.write(head + data)
    def handle(self):
        line, headers = self.rfile.readline().decode().strip(), {}
        while text := self.rfile.readline().decode().strip():
            name, _, value = text.partition(":")
            headers[name.lower()] = value.strip()
        if "sec-websocket-key" not in headers:
            return self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        if "/deny" in line:
            return self.wfile.write(b"HTTP/1.1 401 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        key = headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        accept = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
        asked = headers.get("sec-websocket-protocol", "").split(",")[0]
        chosen = f"Sec-WebSocket-Protocol: {asked}\r\n" if asked else ""
        self.wfile.write(("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                          f"Sec-WebSocket-Accept: {accept}\r\n{chosen}\r\n").encode())
        try:
            while True:
                first, second = self.read(2)
                size = second & 127
                if size == 126: size = int.from_bytes(self.read(2), "big")
                elif size == 127: size = int.from_bytes(self.read(8), "big")
                mask = self.read(4)
                data = bytes(byte ^ mask[i % 4] for i, byte in enumerate(self.read(size)))
                if first & 15 == 8: return self.frame(0x88, data)
                if data == b"bye": return self.frame(0x88, (4001).to_bytes(2, "big"))
                if data == b"request": data = repr((line, headers)).encode()
                self.frame(first, data)
        except EOFError:
            pass
class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
Server(("", 8000), Handler).serve_forever()
"""


def template(name: str) -> dict[str, Any]:
    """Returns an echo service whose load balancer requires a header, which CloudFront sends."""
    made: dict[str, Any] = balancer(name)
    closed = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "403"}}
    made["Listener"]["Properties"]["DefaultActions"] = [closed]
    header = {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-Door", "Values": ["open"]}}
    made["Rule"] = {
        "Type": f"{LB}::ListenerRule",
        "Properties": {
            "ListenerArn": {"Ref": "Listener"},
            "Priority": 1,
            "Conditions": [header],
            "Actions": [{"Type": "forward", "TargetGroupArn": {"Ref": "Group"}}],
        },
    }
    group = {"ContainerName": "main", "ContainerPort": 8000, "TargetGroupArn": {"Ref": "Group"}}
    made["Service"] = {**service(name, name, LoadBalancers=[group]), "DependsOn": ["Rule", "Cluster"]}
    made["Cluster"] = {"Type": "AWS::ECS::Cluster", "Properties": {"ClusterName": name}}
    made["Task"] = definition("python", "-c", ECHO)
    endpoint = {"Arn": {"Ref": "Balancer"}, "Name": name, "HTTPPort": 80, "OriginProtocolPolicy": "http-only"}
    made["Origin"] = {"Type": "AWS::CloudFront::VpcOrigin", "Properties": {"VpcOriginEndpointConfig": endpoint}}
    origin = {
        "Id": "balancer",
        "DomainName": {"Fn::GetAtt": ["Balancer", "DNSName"]},
        "OriginCustomHeaders": [{"HeaderName": "X-Door", "HeaderValue": "open"}],
        "VpcOriginConfig": {"VpcOriginId": {"Ref": "Origin"}},
    }
    behavior = {
        "TargetOriginId": "balancer",
        "ViewerProtocolPolicy": "redirect-to-https",
        "CachePolicyId": CACHING_DISABLED,
        "OriginRequestPolicyId": ALL_VIEWER,
    }
    config = {"Enabled": True, "Origins": [origin], "DefaultCacheBehavior": behavior}
    made["Site"] = {"Type": "AWS::CloudFront::Distribution", "Properties": {"DistributionConfig": config}}
    site = {"Value": {"Fn::GetAtt": ["Site", "DomainName"]}}
    return {"Resources": made, "Outputs": {"Site": site}}


@pytest.fixture(scope="module")
def name(cloud: Cloud) -> str:
    made = unique("ws")
    cloud.deploy(template(made), made)
    return made


@pytest.fixture
def site(cloud: Cloud, name: str) -> str:
    """The domain name of the distribution."""
    return cloud.outputs(name)["Site"]


def socket(cloud: Cloud, url: str, **more: Any) -> Any:
    return connect(url, host="127.0.0.1", port=cloud.port, proxy=None, max_size=None, **more)


async def echoed(connection: ClientConnection, message: str | bytes) -> str | bytes:
    await connection.send(message)
    answer: str | bytes = await connection.recv()
    return answer


def serves(cloud: Cloud, site: str) -> bool:
    """True if the load balancer has a target for a WebSocket."""

    async def talk() -> bool:
        async with socket(cloud, f"ws://{site}/ws/") as connection:
            return await echoed(connection, "up") == "up"

    try:
        return asyncio.run(talk())
    except InvalidStatus as refusal:
        if refusal.response.status_code != 503:
            raise
        return False


def test_text_bytes_and_large_messages_are_copied_in_both_directions(cloud: Cloud, site: str) -> None:
    async def talk() -> list[str | bytes]:
        async with socket(cloud, f"ws://{site}/ws/") as connection:
            return [await echoed(connection, message) for message in ("hello", b"\x00\x01", "x" * 200_000)]

    assert asyncio.run(talk()) == ["hello", b"\x00\x01", "x" * 200_000]


def test_the_target_gets_the_viewers_path_query_cookie_origin_and_subprotocol(cloud: Cloud, site: str) -> None:
    async def talk() -> tuple[str, str | None]:
        headers = {"Cookie": "sessionid=abc"}
        url, origin = f"ws://{site}/ws/chat/?room=1", f"https://{site}"
        wanted = [Subprotocol("chat")]
        async with socket(cloud, url, subprotocols=wanted, origin=origin, additional_headers=headers) as connection:
            return str(await echoed(connection, "request")), connection.subprotocol

    seen, subprotocol = asyncio.run(talk())
    assert "GET /ws/chat/?room=1 HTTP/1.1" in seen
    assert "'cookie': 'sessionid=abc'" in seen
    assert f"'origin': 'https://{site}'" in seen
    assert f"'host': '{site}'" in seen
    assert subprotocol == "chat"


def test_the_close_code_of_the_target_reaches_the_client(cloud: Cloud, site: str) -> None:
    async def talk() -> int | None:
        async with socket(cloud, f"ws://{site}/ws/") as connection:
            await connection.send("bye")
            with pytest.raises(ConnectionClosed):
                await connection.recv()
            code: int | None = connection.close_code
            return code

    assert asyncio.run(talk()) == 4001


@pytest.mark.parametrize(("path", "status"), [("/deny", 401)])
def test_a_refusal_of_the_target_reaches_the_client(cloud: Cloud, site: str, path: str, status: int) -> None:
    async def talk() -> None:
        async with socket(cloud, f"ws://{site}{path}"):
            pass

    with pytest.raises(InvalidStatus) as refusal:
        asyncio.run(talk())
    assert refusal.value.response.status_code == status


def test_listener_rules_apply_to_websockets(cloud: Cloud, name: str) -> None:
    async def talk(**headers: str) -> str | bytes:
        async with socket(cloud, f"ws://localhost/_alb/{name}/ws/", additional_headers=headers) as connection:
            return await echoed(connection, "in")

    with pytest.raises(InvalidStatus) as refusal:
        asyncio.run(talk())
    assert refusal.value.response.status_code == 403
    assert asyncio.run(talk(**{"X-Door": "open"})) == "in"


def test_a_task_stops_only_when_its_open_connections_have_ended(cloud: Cloud, name: str, site: str) -> None:
    api = cloud.client("ecs")
    (task,) = api.list_tasks(cluster=name)["taskArns"]

    async def talk() -> tuple[str, str | bytes]:
        async with socket(cloud, f"ws://{site}/ws/") as connection:
            await echoed(connection, "before")
            api.stop_task(cluster=name, task=task)
            until("another task serves", lambda: [task] != api.list_tasks(cluster=name)["taskArns"] != [])
            return cloud.task(name, task)["lastStatus"], await echoed(connection, "while draining")

    assert asyncio.run(talk()) == ("DEACTIVATING", "while draining")
    until("the task stops", lambda: cloud.task(name, task)["lastStatus"] in {"STOPPING", "STOPPED"})
    until("the next task serves", lambda: serves(cloud, site))
