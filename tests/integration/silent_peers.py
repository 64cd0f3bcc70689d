"""Peers whose machine goes away: nothing comes of them any more, not even that they are gone.

Runs beside the other tests (`beside.py`) in a network of its own. The peers are in another one, at
the other end of a cable (a veth pair), which is pulled. One of them had an order and asked for it
to be cancelled with its connection; the other listens to a feed that flows on. Both networks end
with their processes.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from coulisse.config import GatewayConfig
from tests.session.followers import ChannelFollower
from tests.session.raw_socket import RawSocket, dial
from tests.session.worlds import config_of, logon, toml_of

from .beside import while_wanted
from .conftest import Server, environment, launch

OWN_NETWORK: Final = ("unshare", "--map-root-user", "--net")
NODE, PEERS = "10.77.0.1", "10.77.0.2"
UNLIMITED = GatewayConfig(key_rate=0, account_rate=0, address_rate=0)
CONFIG = config_of(1).model_copy(update={"gateway": UNLIMITED})
SYMBOL = "BTC00-USD"
EACH = 50
"""Trades of one round."""
ROUNDS_MAX = 2_000
END_S = 90.0
PAUSE_S = 0.2
# As the node's metrics call them.
CONNECTIONS = 'gateway_connections{worker="0"}'
STREAMS = 'feed_streams{worker="0"}'
CLOSED = 'gateway_sessions_closed_total{{worker="0",reason="{}"}}'


@dataclass(frozen=True, slots=True)
class Seen:
    """What the node did."""

    slow_closed: int
    silent_closed: int
    told_bytes: int
    """What the feed told from when the cable was pulled to when its listener was closed."""
    connections_more: int
    """Connections that the node has at the end and had not before the peers came."""
    sockets_more: int
    """Descriptors of sockets, likewise."""
    streams_more: int
    """Public streams that somebody listens to, likewise: the peers had one of their own."""
    silent_s: float
    """From the pull to when both were gone."""
    orders_left: int
    """Orders of the peer that wanted them cancelled."""
    trades: int
    """Trades that others were told, none left out."""
    refused: int
    """Requests of others that were refused."""


def can_have_networks() -> bool:
    """Tell whether this user may make a network namespace, and has the tool for it."""
    try:
        probe = ["ip", "link", "add", "here", "type", "veth", "peer", "name", "there"]
        return subprocess.run([*OWN_NETWORK, *probe], capture_output=True).returncode == 0
    except OSError:
        return False


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)


async def _session(host: str, port: int, key_id: str) -> RawSocket:
    socket = await dial(host, port, f"{host}:{port}")
    hello = json.loads(await socket.receive() or b"{}")
    assert (await _ask(socket, logon(f"{host}:{port}", key_id, hello["nonce"])))["ok"]
    return socket


async def _ask(socket: RawSocket, request: bytes) -> dict[str, Any]:
    """Send a request; its reply, past what channels say."""
    await socket.send([request])
    while True:
        text = await socket.receive()
        assert text is not None, f"closed with {socket.close_code}"
        message: dict[str, Any] = json.loads(text)
        if "ch" not in message:
            return message


def _request(op: str, **params: object) -> bytes:
    return json.dumps({"id": 1, "op": op, "params": params}).encode()


def _order(side: str, price: str, qty: str = "0.00001") -> dict[str, object]:
    return {"symbol": SYMBOL, "side": side, "qty": qty, "price": price}


async def _peers(port: int) -> None:
    """Be the peers, until the cable is pulled and after."""
    quiet = await _session(NODE, port, "alice-00-trader")
    assert (await _ask(quiet, _request("session.cancel_on_disconnect", enabled=True)))["ok"]
    assert (await _ask(quiet, _request("order.place", **_order("buy", "1.00"))))["ok"]
    flooded = await _session(NODE, port, "bob-00-reader")
    for channel in ("trades", "status"):
        assert (await _ask(flooded, _request("subscribe", channel=channel, symbols=[SYMBOL])))["ok"]
    print("there", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    _ip("link", "set", "there", "down")
    print("gone", flush=True)
    await asyncio.to_thread(sys.stdin.readline)


class Traders:
    """Two who trade with each other, and one who listens: all on the node's own machine."""

    def __init__(self, alice: RawSocket, bob: RawSocket, listener: RawSocket) -> None:
        self._sides = ((bob, "sell"), (alice, "buy"))
        self._listener = listener
        self.trades = ChannelFollower()
        self.told_bytes = 0
        self.refused = 0

    async def trade(self) -> None:
        """Trade some; every trade is told to the listener."""
        for socket, side in self._sides:
            orders = [_order(side, "100.00")] * EACH
            reply = await _ask(socket, _request("order.place_batch", orders=orders))
            rows = reply["result"]["orders"]
            self.refused += sum("error" in row for row in rows)
        seen = len(self.trades.items)
        while len(self.trades.items) < seen + EACH:
            text = await self._listener.receive()
            assert text is not None, f"closed with {self._listener.close_code}"
            self.told_bytes += len(text)
            self.take(text)

    def take(self, text: bytes) -> None:
        """Take a message of the listener."""
        message = json.loads(text)
        if message.get("ch") == "trades":
            self.trades.take(message)


def _sockets_of(pid: int) -> int:
    """How many sockets a process has open; other files come and go as it looks at them."""
    count = 0
    for name in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            count += os.readlink(f"/proc/{pid}/fd/{name}").startswith("socket:")
    return count


class Node:
    """The node as its metrics and its descriptors show it."""

    def __init__(self, server: Server, http: httpx.AsyncClient) -> None:
        self._http, self._pid = http, server.pid

    async def counts(self) -> dict[str, int]:
        """Return its metrics, and how many sockets it has open."""
        lines = (await self._http.get("/metrics")).text.splitlines()
        rows = (line.split() for line in lines if not line.startswith("#"))
        counts = {row[0].removeprefix("coulisse_"): int(float(row[-1])) for row in rows}
        return counts | {"sockets": _sockets_of(self._pid)}


async def _watch(server: Server) -> str:
    port = urlsplit(server.http).port
    assert port is not None
    async with AsyncExitStack() as stack:
        node = Node(
            server, await stack.enter_async_context(httpx.AsyncClient(base_url=server.http))
        )
        names = ("alice-00-trader", "bob-00-trader", "alice-00-reader")
        alice, bob, listener = [await _session(NODE, port, name) for name in names]
        for socket in (alice, bob, listener):
            stack.push_async_callback(socket.close)
        traders = Traders(alice, bob, listener)
        await _ask(listener, _request("subscribe", channel="trades", symbols=[SYMBOL]))
        traders.take(await listener.receive() or b"")
        await traders.trade()
        before = await node.counts()
        peers = await asyncio.create_subprocess_exec(
            "unshare", "--net", sys.executable, "-m", __spec__.name, "peers", str(port),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert peers.stdin is not None and peers.stdout is not None
        assert await peers.stdout.readline() == b"in a network of its own\n"
        _ip("link", "add", "here", "type", "veth", "peer", "name", "there", "netns", str(peers.pid))
        _ip("addr", "add", f"{NODE}/30", "dev", "here")
        _ip("link", "set", "here", "up")
        peers.stdin.write(b"go\n")
        assert await peers.stdout.readline() == b"there\n"
        with_peers = await node.counts()
        assert with_peers[CONNECTIONS] == before[CONNECTIONS] + 2
        assert with_peers[STREAMS] == before[STREAMS] + 1
        open_orders = await _ask(alice, _request("orders.open"))
        assert len(open_orders["result"]["orders"]) == 1
        peers.stdin.write(b"pull\n")
        assert await peers.stdout.readline() == b"gone\n"
        seen = await _after_the_pull(node, traders, alice, before)
        peers.kill()
        await peers.wait()
    return json.dumps(asdict(seen))


async def _after_the_pull(
    node: Node, traders: Traders, alice: RawSocket, before: dict[str, int]
) -> Seen:
    began, counts = time.monotonic(), before
    traders.told_bytes = 0
    for _ in range(ROUNDS_MAX):
        await traders.trade()
        counts = await node.counts()
        if counts[CLOSED.format("slow")] > before[CLOSED.format("slow")]:
            break
    told_bytes = traders.told_bytes
    while counts[CONNECTIONS] > before[CONNECTIONS] and time.monotonic() < began + END_S:
        await traders.trade()
        counts = await node.counts()
        await asyncio.sleep(PAUSE_S)
    silent_s = time.monotonic() - began
    orders = (await _ask(alice, _request("orders.open")))["result"]["orders"]
    more = {name: counts[name] - before[name] for name in counts}
    return Seen(
        slow_closed=more[CLOSED.format("slow")],
        silent_closed=more[CLOSED.format("silent")],
        told_bytes=told_bytes,
        connections_more=more[CONNECTIONS],
        sockets_more=more["sockets"],
        streams_more=more[STREAMS],
        silent_s=round(silent_s, 1),
        orders_left=len(orders),
        trades=len(traders.trades.items),
        refused=traders.refused,
    )


def main(home: Path) -> None:
    """Watch a node of its own, and print what was found as the last line."""
    _ip("link", "set", "lo", "up")
    # The node listens there before the cable is.
    _ip("addr", "add", f"{NODE}/32", "dev", "lo")
    file = home / "coulisse.toml"
    file.write_text(toml_of(CONFIG))
    command = ["serve", "--host", NODE, "--port", "0", "--config", str(file), "--durability", "os"]
    server = launch(command, environment(home), home)
    try:
        found = asyncio.run(while_wanted(lambda: _watch(server)))
    finally:
        server.stop(signal.SIGKILL)
    print(found)


def be_peers(port: int) -> None:
    """Be the peers, in a network of their own to which the node's end of a cable comes."""
    print("in a network of its own", flush=True)
    sys.stdin.readline()
    _ip("addr", "add", f"{PEERS}/30", "dev", "there")
    _ip("link", "set", "there", "up")
    asyncio.run(_peers(port))


if __name__ == "__main__":
    if sys.argv[1] == "peers":
        be_peers(int(sys.argv[2]))
    else:
        main(Path(sys.argv[1]))
