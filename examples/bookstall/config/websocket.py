async def websocket_application(scope, receive, send):
    """Answers `ping` with `pong!`."""
    while True:
        event = await receive()
        if event["type"] == "websocket.connect":
            await send({"type": "websocket.accept"})
        elif event["type"] == "websocket.disconnect":
            return
        elif event.get("text") == "ping":
            await send({"type": "websocket.send", "text": "pong!"})
