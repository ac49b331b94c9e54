from __future__ import annotations

from channels.layers import channel_layers
from channels.testing import WebsocketCommunicator
from django.test import SimpleTestCase

from config.asgi import application


class Echo(SimpleTestCase):
    def setUp(self) -> None:
        # Each test runs in its own event loop, but a channel layer keeps locks of the loop that created it.
        channel_layers.backends.clear()

    async def test_a_message_comes_back_through_the_channel_layer(self) -> None:
        socket = await self.connect()
        await socket.send_json_to({"hello": ["world", 1]})
        self.assertEqual(await socket.receive_json_from(timeout=30), {"hello": ["world", 1]})
        await socket.disconnect()

    async def test_a_message_that_is_not_json_is_refused_and_the_connection_stays_open(self) -> None:
        socket = await self.connect()
        await socket.send_to(text_data="{")
        self.assertEqual(await socket.receive_json_from(timeout=30), {"error": "send JSON"})
        await socket.send_json_to("still here")
        self.assertEqual(await socket.receive_json_from(timeout=30), "still here")
        await socket.disconnect()

    async def connect(self) -> WebsocketCommunicator:
        socket = WebsocketCommunicator(application, "/ws/echo/", headers=[(b"origin", b"https://allthrive.example")])
        connected, _ = await socket.connect()
        self.assertTrue(connected)
        return socket
