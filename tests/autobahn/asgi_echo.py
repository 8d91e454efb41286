"""An echo by ASGI, for Autobahn's cases."""


async def application(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        return await send({"type": "http.response.body"})
    if scope["type"] != "websocket":
        raise ValueError("no lifespan")
    while (message := await receive())["type"] != "websocket.disconnect":
        if message["type"] == "websocket.connect":
            await send({"type": "websocket.accept"})
        else:
            await send({**message, "type": "websocket.send"})
