"""A node that is loaded and hurt, and what it takes to do that."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coulisse import Client
from coulisse.bench.pinning import children
from coulisse.client.credentials import load_credentials
from coulisse.client.keys import sign_logon
from coulisse.client.session import Session
from tests.integration.conftest import COMMAND, Server, launch
from tests.integration.test_projector import gone
from tests.session.raw_socket import RawSocket, dial
from tests.store.redis_server import RedisServer

from .prometheus_server import Prometheus

SYMBOL, SPARE = "BTC-USD", "ETH-USD"
AT_ONCE = 250


@dataclass
class World:
    """The node, and who is around it."""

    server: Server
    client: Client
    prometheus: Prometheus
    redis: RedisServer
    home: Path
    disk: Path
    """A small disk of its own, on which its data directory is."""

    async def start_again(
        self, *more: str, log: str = "", command: Sequence[str] = COMMAND
    ) -> None:
        """Kill the node and all of its processes, and start it on the same port.

        On the same log, or on another of that name.
        """
        beside = children(self.server.pid) if self.server.process.poll() is None else []
        self.server.stop(signal.SIGKILL)
        for pid in beside:
            await asyncio.to_thread(gone, pid)
        port = self.server.http.rpartition(":")[2]
        arguments = ["serve", "--port", port, "--data-dir", str(self.disk / log), *more]
        arguments += ["--config", "coulisse.toml"]
        environ = self.server.environ
        self.server = await asyncio.to_thread(launch, arguments, environ, self.home, command)

    async def start_anew(self, log: str, command: Sequence[str]) -> None:
        """Start it with another command and a new log, with money for its operator."""
        await self.start_again(log=log, command=command)
        key = self.server.credentials
        async with await Client.connect(self.server.http, credentials=key) as client:
            await client.deposit("operator", "USD", "1000000")
            await client.deposit("operator", "BTC", "1000")

    def processes(self, name: str) -> list[int]:
        """Return the processes of the node whose command says `name`."""
        pids = children(self.server.pid)
        return [pid for pid in pids if name in Path(f"/proc/{pid}/cmdline").read_text()]

    def kill(self, name: str) -> None:
        """Kill what of the node's processes there is of this name."""
        for pid in self.processes(name):
            os.kill(pid, signal.SIGKILL)

    async def socket(self, **how: Any) -> RawSocket:  # noqa: ANN401  # as `dial` takes it
        """Return a socket of nobody's, its hello read."""
        host, port = self.server.http.removeprefix("http://").split(":")
        one = await dial(host, int(port), f"{host}:{port}", **how)
        return one

    async def session(self, **how: Any) -> RawSocket:  # noqa: ANN401  # as `dial` takes it
        """Return a socket of the operator's."""
        assert self.server.credentials is not None
        key = load_credentials(self.server.credentials)
        assert key.private_key is not None and key.key_id is not None
        one = await self.socket(**how)
        hello = json.loads(await one.receive() or b"{}")
        signature = sign_logon(
            key.private_key, host=self.server.http.removeprefix("http://"), key_id=key.key_id,
            nonce=hello["nonce"],
        )  # fmt: skip
        await one.send([request(0, "session.logon", key_id=key.key_id, signature=signature)])
        reply = json.loads(await one.receive() or b"{}")
        assert reply["ok"], reply
        return one

    async def ask(self, op: str, asked: Iterable[Mapping[str, object]]) -> None:
        """Ask for many things, some of them at a time."""
        session = Session(lambda message: None)
        assert self.server.credentials is not None
        await session.open(load_credentials(self.server.credentials))
        left = list(asked)
        while left:
            now, left = left[:AT_ONCE], left[AT_ONCE:]
            await asyncio.gather(*(session.request(op, one) for one in now))
        session.close()

    async def trade(self, count: int) -> None:
        """Trade, each second order with the one before."""
        await self.ask("order.place", (order("buy" if n % 2 else "sell") for n in range(count)))


def order(side: str, **other: object) -> dict[str, object]:
    """Return the fields of an order."""
    return {"symbol": SYMBOL, "side": side, "qty": "0.001", "price": "20000.00", **other}


def request(number: int, op: str, **params: object) -> bytes:
    """Return a request as it goes over a socket."""
    return json.dumps({"id": number, "op": op, "params": params}).encode()
