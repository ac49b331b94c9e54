"""The WebSocket endpoints."""

from __future__ import annotations

import json
from typing import Any

from channels.generic.websocket import AsyncWebsocketConsumer


class EchoConsumer(AsyncWebsocketConsumer):
    """Sends each JSON message back through the channel layer, so that an answer shows that the layer works too."""

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        try:
            message = json.loads(text_data or "")
        except ValueError:
            await self.send(json.dumps({"error": "send JSON"}))
            return
        await self.channel_layer.send(self.channel_name, {"type": "echo", "message": message})

    async def echo(self, event: dict[str, Any]) -> None:
        await self.send(json.dumps(event["message"]))
