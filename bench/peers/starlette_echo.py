"""Sends every message back, with Starlette on uvicorn as its documentation shows it."""

from __future__ import annotations

import json
import socket

import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket


async def echo(connection: WebSocket) -> None:
    """Send back what comes."""
    await connection.accept()
    async for message in connection.iter_text():
        await connection.send_text(message)


async def main() -> None:
    """Serve until killed."""
    app = Starlette(routes=[WebSocketRoute("/{path:path}", echo)])
    listening = socket.create_server(("127.0.0.1", 0), backlog=1_024)
    port = listening.getsockname()[1]
    print(json.dumps({"ready": True, "port": port}), flush=True)
    config = uvicorn.Config(app, log_config=None, ws_per_message_deflate=False, lifespan="off")
    await uvicorn.Server(config).serve(sockets=[listening])


if __name__ == "__main__":
    uvloop.run(main())
