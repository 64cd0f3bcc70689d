"""Where scripts run: a core in this process with local sessions, or a real server with sockets."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from coulisse import _core
from coulisse.config import AccountConfig, Config, InstrumentConfig, KeyConfig
from coulisse.domain.schema import schema
from coulisse.engine.driver import Driver
from coulisse.node.seed import seed
from tests.session.raw_socket import TIMEOUT_S, RawSocket, dial, shake_hands

ROLES: Mapping[str, tuple[str, ...]] = {
    "trader": ("read", "trade"),
    "reader": ("read",),
    "admin": ("read", "trade", "withdraw", "admin"),
}


class Peer(Protocol):
    """A session's other end."""

    async def send(self, texts: Sequence[bytes]) -> None:
        """Send texts in one write."""

    async def receive(self) -> bytes | None:
        """Return the next text, or None when the session is over."""

    async def close(self) -> None:
        """End it from this side."""


def private_key(key_id: str) -> Ed25519PrivateKey:
    """The key of this name: the same in every run."""
    return Ed25519PrivateKey.from_private_bytes(key_id.encode().ljust(32, b"."))


def _key(key_id: str, permissions: tuple[str, ...]) -> KeyConfig:
    public = private_key(key_id).public_key().public_bytes_raw().hex()
    return KeyConfig.model_validate(
        {"key_id": key_id, "public_key": public, "permissions": permissions}
    )


def config_of(count: int) -> Config:
    """`count` instruments `BTCnn-USD`, each with two accounts of its own, and one operator."""
    instruments = tuple(
        InstrumentConfig.model_validate(
            {
                "symbol": f"BTC{n:02}-USD",
                "tick_size": "0.01",
                "lot_size": "0.00001",
                # So large that price × qty can pass the largest notional.
                "max_qty": "90000000000",
            }
        )
        for n in range(count)
    )
    traders = tuple(
        AccountConfig.model_validate(
            {
                "name": f"{name}-{n:02}",
                "deposits": {f"BTC{n:02}": "10", "USD": "1000000"},
                "keys": tuple(_key(f"{name}-{n:02}-{role}", ROLES[role]) for role in ROLES),
            }
        )
        for n in range(count)
        for name in ("alice", "bob")
    )
    return Config(instruments=instruments, accounts=traders)


def names_of(number: int) -> dict[str, str]:
    """What a script's own names are."""
    return {
        "ALICE": f"alice-{number:02}",
        "BOB": f"bob-{number:02}",
        "BTC": f"BTC{number:02}",
    }


def toml_of(config: Config) -> str:
    """The same as a configuration file."""
    lines = ["[gateway]"]
    for name in ("key_rate", "account_rate", "address_rate"):
        lines.append(f"{name} = {getattr(config.gateway, name)}")
    for item in config.instruments:
        lines += ["[[instruments]]", f'symbol = "{item.symbol}"']
        lines += [f'tick_size = "{item.tick_size}"', f'lot_size = "{item.lot_size}"']
        lines += [f'max_qty = "{item.max_qty}"']
    for account in config.accounts:
        deposits = ", ".join(f'{asset} = "{qty}"' for asset, qty in account.deposits.items())
        lines += ["[[accounts]]", f'name = "{account.name}"', f"deposits = {{ {deposits} }}"]
        for key in account.keys:
            lines += ["[[accounts.keys]]", f'key_id = "{key.key_id}"']
            lines += [f'public_key = "{key.public_key}"', f"permissions = {list(key.permissions)}"]
    return "\n".join(lines) + "\n"


class LocalPeer:
    """A session inside the process."""

    def __init__(
        self, open_session: Callable[[Callable[[bytes], None]], _core.LocalSession]
    ) -> None:
        self._texts: asyncio.Queue[bytes] = asyncio.Queue()
        self._session = open_session(self._texts.put_nowait)

    async def send(self, texts: Sequence[bytes]) -> None:
        for text in texts:
            self._session.request(text)

    async def receive(self) -> bytes | None:
        async with asyncio.timeout(TIMEOUT_S):
            return await self._texts.get()

    async def close(self) -> None:
        self._session.close()


class LocalWorld:
    """A core on a disk in memory."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._disk = _core.SimDisk()
        self._driver: Driver | None = None
        self._core: _core.Core | None = None

    async def start(self) -> None:
        """Open the core and seed it."""
        core = _core.Core(disk=self._disk, segment_bytes=4 << 20)
        self._driver = Driver(core, schema(), self._failed)
        self._driver.attach(asyncio.get_running_loop())
        self._core = core
        await seed(core, self._driver, self._config)

    async def session(self, account: str, role: str) -> Peer:
        """Open a session of an account."""
        core = self._core
        assert core is not None and role == "trader", "local sessions trade"
        return LocalPeer(lambda on_message: core.session(account, on_message))

    async def announce_stop(self) -> None:
        """Say that the node stops."""
        assert self._driver is not None
        self._driver.go_away("the node stops")

    async def stop(self) -> None:
        """Close the core."""
        if self._driver is not None:
            self._driver.close()
            self._driver = None

    @staticmethod
    def _failed(reason: str) -> None:
        raise AssertionError(reason)


class Server:
    """A server process: `python -m coulisse serve`."""

    def __init__(self, directory: Path, config: Config) -> None:
        """Start it; return once it listens."""
        directory.mkdir(exist_ok=True)
        self._asked = False
        file = directory / "coulisse.toml"
        file.write_text(toml_of(config))
        command = [sys.executable, "-m", "coulisse", "serve", "--json", "--port", "0"]
        command += ["--config", str(file), "--data-dir", str(directory / "data")]
        env = {k: v for k, v in os.environ.items() if not k.startswith("COULISSE_")}
        env["COULISSE_SECRETS__MASTER_KEY"] = "5a" * 32
        self._log = (directory / "stderr").open("ab")
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=self._log, env=env, cwd=directory
        )
        assert self.process.stdout is not None
        ready = self.process.stdout.readline()
        assert ready, (directory / "stderr").read_text()
        self.port = int(json.loads(ready)["http"].rsplit(":", 1)[1])

    def terminate(self) -> None:
        """Ask it to stop, once: a second signal would end it at once."""
        if not self._asked and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self._asked = True

    def stop(self) -> None:
        """Stop it and see that it ended well."""
        self.terminate()
        code = self.process.wait(TIMEOUT_S)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self._log.close()
        assert code == 0, f"the server ended with {code}"


class ServerWorld:
    """Sockets of a server process."""

    def __init__(self, directory: Path, config: Config, shared: Server | None) -> None:
        self._directory, self._config = directory, config
        self._shared, self._server = shared, shared
        self._sockets: list[RawSocket] = []

    async def start(self) -> None:
        """Start the server, unless it is shared."""
        if self._server is None:
            self._server = await asyncio.to_thread(Server, self._directory, self._config)

    @property
    def port(self) -> int:
        """The server's port."""
        assert self._server is not None
        return self._server.port

    async def dial(self, host: str = "127.0.0.1") -> RawSocket:
        """Open a connection whose Host header names `host`."""
        socket = await dial("127.0.0.1", self.port, f"{host}:{self.port}")
        self._sockets.append(socket)
        return socket

    async def knock(self, host: str, origin: str | None = None) -> bytes:
        """Ask for a connection as a page of `origin` does; return the head of the answer."""
        more = "" if origin is None else f"Origin: {origin}\r\n"
        _, writer, head = await shake_hands(
            "127.0.0.1", self.port, f"{host}:{self.port}", more=more
        )
        writer.transport.abort()
        return head

    async def session(self, account: str, role: str) -> Peer:
        """Open a connection and log on."""
        socket = await self.dial()
        hello = json.loads(await socket.receive() or b"{}")
        request = logon(f"127.0.0.1:{self.port}", f"{account}-{role}", hello["nonce"])
        await socket.send([request])
        reply = json.loads(await socket.receive() or b"{}")
        assert reply["ok"], reply
        assert reply["result"]["account"] == account
        return socket

    async def announce_stop(self) -> None:
        """Ask the server to stop."""
        assert self._server is not None and self._shared is None, "it is this script's own"
        self._server.terminate()

    async def stop(self) -> None:
        """Drop the connections; stop the server unless it is shared."""
        for socket in self._sockets:
            await socket.close()
        self._sockets.clear()
        if self._server is not None and self._shared is None:
            await asyncio.to_thread(self._server.stop)
            self._server = None


def logon(host: str, key_id: str, nonce: str, signer: str | None = None, number: int = 0) -> bytes:
    """The request that proves a key."""
    text = f"coulisse-logon-v1|{host}|{key_id}|{nonce}"
    signature = private_key(signer or key_id).sign(text.encode()).hex()
    params = {"key_id": key_id, "signature": signature}
    return json.dumps({"id": number, "op": "session.logon", "params": params}).encode()
