"""Every golden session script, against a core in this process and against a real server."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.documents import assert_documented_message, assert_documented_request
from tests.session.raw_socket import BINARY, RawSocket
from tests.session.script import Line, Placeholders, Script, read_script
from tests.session.worlds import (
    LocalWorld,
    Peer,
    Server,
    ServerWorld,
    config_of,
    logon,
    names_of,
)

SCRIPTS = [read_script(file) for file in sorted((Path(__file__).parent / "scripts").glob("*.txt"))]
CONFIG = config_of(len(SCRIPTS))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    shared = Server(tmp_path_factory.mktemp("server"), CONFIG)
    yield shared
    shared.stop()


class Run:
    """One script in one world."""

    def __init__(self, script: Script, world: LocalWorld | ServerWorld) -> None:
        self._script, self._world = script, world
        self._peers: dict[str, Peer] = {}
        self._pending: dict[str, list[bytes]] = {}
        self._values = Placeholders(names_of(SCRIPTS.index(script)))
        self._asked: dict[str, dict[str, Any]] = {}

    async def play(self) -> None:
        await self._world.start()
        try:
            for line in self._script.lines:
                try:
                    await self._step(line)
                except AssertionError as error:
                    where = f"{self._script.name}:{line.number}: {line.mark} {line.text}"
                    raise AssertionError(f"{where}\n{error}") from None
            assert not self._pending, "something was never sent"
        finally:
            await self._world.stop()

    async def _step(self, line: Line) -> None:
        text = self._values.fill(line.text)
        match line.mark:
            case "+":
                self._note(text)
                self._pending.setdefault(line.peer, []).append(text.encode())
            case ">":
                self._note(text)
                texts = [*self._pending.pop(line.peer, []), text.encode()]
                await self._peers[line.peer].send(texts)
            case "<":
                got = await self._peers[line.peer].receive()
                assert got is not None, "the session is over"
                try:
                    self._values.compare(json.loads(text), json.loads(got))
                except AssertionError as error:
                    raise AssertionError(f"got {got.decode()}\n{error}") from None
                self._look_up(json.loads(got))
            case _:
                await self._do(*text.split())

    def _note(self, text: str) -> None:
        """Keep a request until it is answered, if it is one."""
        try:
            sent = json.loads(text)
        except ValueError:
            return
        if isinstance(sent, dict) and isinstance(sent.get("op"), str):
            self._asked[json.dumps(sent.get("id"))] = sent

    def _look_up(self, got: dict[str, Any]) -> None:
        """Hold what was got, and the request that was taken, against the AsyncAPI document."""
        asked = self._asked.get(json.dumps(got.get("id")))
        if got.get("ok") is not True:
            assert_documented_message(None, got)
        elif asked is not None:
            assert_documented_message(asked["op"], got)
            # A batch is taken although an order in it is none.
            if not any("error" in order for order in got["result"].get("orders", [])):
                assert_documented_request(asked)

    async def _do(self, verb: str, *args: str) -> None:
        match verb, args:
            case "session", (peer, account):
                self._peers[peer] = await self._world.session(account, "trader")
            case "session", (peer, account, role):
                self._peers[peer] = await self._world.session(account, role)
            case "nest", (peer, depth):
                text = '{"id":1,"op":"ping","params":' + "[" * int(depth) + "]" * int(depth) + "}"
                await self._peers[peer].send([text.encode()])
            case "size", (peer, size):
                await self._peers[peer].send([b"x" * int(size)])
            case "close", (peer,):
                await self._peers.pop(peer).close()
            case "stop", ():
                await self._world.announce_stop()
            case "restart", ():
                await self._world.stop()
                await self._world.start()
            case _:
                await self._do_on_socket(verb, *args)

    async def _do_on_socket(self, verb: str, *args: str) -> None:
        match verb, args:
            case "dial", (peer, *host):
                assert isinstance(self._world, ServerWorld)
                self._peers[peer] = await self._world.dial(*host)
            case "forbidden", (host, *origin):
                assert isinstance(self._world, ServerWorld)
                assert (await self._world.knock(host, *origin)).startswith(b"HTTP/1.1 403 ")
            case "logon", (peer, number, key_id, *signer_and_host):
                await self._log_on(peer, peer, int(number), key_id, *signer_and_host)
            case "replay", (peer, number, other, key_id):
                await self._log_on(peer, other, int(number), key_id)
            case "binary", (peer,):
                await self._socket(peer).send_frame(BINARY, b"\x00")
            case "closed", (peer, code):
                assert await self._socket(peer).receive() is None
                assert self._socket(peer).close_code == int(code)
            case _:
                raise AssertionError(f"no such step: {verb} {args}")

    async def _log_on(
        self, peer: str, greeted: str, number: int, key_id: str, signer: str = "", host: str = ""
    ) -> None:
        """Log on with what `greeted` was greeted with."""
        nonce = str(self._values.taken[f"nonce_{greeted}"])
        assert isinstance(self._world, ServerWorld)
        host = f"{host or '127.0.0.1'}:{self._world.port}"
        await self._peers[peer].send([logon(host, key_id, nonce, signer or None, number)])

    def _socket(self, peer: str) -> RawSocket:
        socket = self._peers[peer]
        assert isinstance(socket, RawSocket)
        return socket


@pytest.mark.parametrize(
    "script", [script for script in SCRIPTS if not script.socket_only], ids=lambda s: s.name
)
def test_a_script_plays_as_written_on_a_session_inside_the_process(script: Script) -> None:
    asyncio.run(Run(script, LocalWorld(CONFIG)).play())


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda s: s.name)
def test_a_script_plays_as_written_on_a_socket_of_a_server(
    script: Script, server: Server, tmp_path: Path
) -> None:
    shared = None if script.own_server else server
    asyncio.run(Run(script, ServerWorld(tmp_path, CONFIG, shared)).play())
