"""Sends every message back, with `websockets` on uvloop as its documentation shows it."""

from __future__ import annotations

import json

import uvloop
from websockets.asyncio.server import ServerConnection, serve


async def echo(connection: ServerConnection) -> None:
    """Send back what comes."""
    async for message in connection:
        await connection.send(message)


async def main() -> None:
    """Serve until killed."""
    async with serve(echo, "127.0.0.1", 0, compression=None, backlog=1_024) as server:
        port = server.sockets[0].getsockname()[1]
        print(json.dumps({"ready": True, "port": port}), flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
