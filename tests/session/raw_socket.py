"""A WebSocket client of a few lines, on the bare protocol, with nothing of the product's own.

Frames of a server are not masked, and ours are never fragmented; anything else fails the test.
Compressed messages (RFC 7692) are read where they were asked for, and sent by `send_packed` alone.
"""

import asyncio
import base64
import os
import socket
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
PACKED = 0x40
"""The bit of a compressed message."""
_TAIL = b"\x00\x00\xff\xff"
OFFER = "Sec-WebSocket-Extensions: permessage-deflate\r\n"
TIMEOUT_S = 20.0


@dataclass(slots=True)
class RawSocket:
    """One connection after its handshake."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    close_code: int | None = None
    pongs: list[bytes] = field(default_factory=list)
    inflates: bool = False
    """Compressed messages were agreed."""
    packed_texts: list[bytes] = field(default_factory=list)
    """Those that came, as they were."""

    async def send(self, texts: Sequence[bytes]) -> None:
        """Send texts in one write."""
        self.writer.write(b"".join(frame(TEXT, text) for text in texts))
        await self.writer.drain()

    async def send_packed(self, payload: bytes) -> None:
        """Send one text compressed, or what is said to be one."""
        self.writer.write(frame(PACKED | TEXT, payload))
        await self.writer.drain()

    async def send_frame(self, opcode: int, payload: bytes) -> None:
        """Send one frame of any kind."""
        self.writer.write(frame(opcode, payload))
        await self.writer.drain()

    async def receive(self, timeout_s: float = TIMEOUT_S) -> bytes | None:
        """Return the next text; None once the server has ended the connection."""
        async with asyncio.timeout(timeout_s):
            while True:
                try:
                    opcode, payload = await self._frame()
                except (asyncio.IncompleteReadError, ConnectionError):
                    return None
                if opcode == TEXT:
                    return payload
                if opcode == CLOSE:
                    self.close_code = struct.unpack(">H", payload[:2])[0]
                elif opcode == PONG:
                    self.pongs.append(payload)
                elif opcode == PING:
                    self.writer.write(frame(PONG, payload))
                else:
                    raise AssertionError(f"a frame {opcode} was not asked for")

    async def _frame(self) -> tuple[int, bytes]:
        first, second = await self.reader.readexactly(2)
        is_packed = self.inflates and first & 0xF0 == 0xC0
        assert first & 0xF0 == 0x80 or is_packed, "a whole frame without extensions"
        assert second < 0x80, "a server masks nothing"
        size = second
        if second == 126:
            (size,) = struct.unpack(">H", await self.reader.readexactly(2))
        elif second == 127:
            (size,) = struct.unpack(">Q", await self.reader.readexactly(8))
        payload = await self.reader.readexactly(size)
        if is_packed:
            assert first & 0x0F == TEXT, "control frames are never compressed"
            payload = unpacked(payload)
            self.packed_texts.append(payload)
        return first & 0x0F, payload

    async def close(self) -> None:
        """Drop the connection."""
        self.writer.transport.abort()


def packed(text: bytes) -> bytes:
    """A message as it goes compressed."""
    packer = zlib.compressobj(9, wbits=-15)
    return (packer.compress(text) + packer.flush(zlib.Z_SYNC_FLUSH)).removesuffix(_TAIL)


def unpacked(payload: bytes) -> bytes:
    """A message that came compressed, with no more before it than this one."""
    return zlib.decompressobj(wbits=-12).decompress(payload + _TAIL)


def frame(opcode: int, payload: bytes) -> bytes:
    """One whole frame as a client sends it."""
    size = len(payload)
    if size < 126:
        head = struct.pack(">BB", 0x80 | opcode, 0x80 | size)
    elif size < 65_536:
        head = struct.pack(">BBH", 0x80 | opcode, 0x80 | 126, size)
    else:
        head = struct.pack(">BBQ", 0x80 | opcode, 0x80 | 127, size)
    mask = os.urandom(4)
    keys = int.from_bytes(mask * (size // 4 + 1), "big") >> (8 * (4 - size % 4))
    masked = (int.from_bytes(payload, "big") ^ keys).to_bytes(size, "big")
    return head + mask + masked


async def dial(
    host: str,
    port: int,
    host_header: str,
    path: str = "/v1/ws",
    receive_buffer_bytes: int | None = None,
    deflate: bool = False,
) -> RawSocket:
    """Connect and shake hands; a small receive buffer makes a slow reader of it."""
    reader, writer, head = await shake_hands(
        host, port, host_header, path, receive_buffer_bytes, OFFER if deflate else ""
    )
    assert head.startswith(b"HTTP/1.1 101 "), head
    assert (b"permessage-deflate" in head) == deflate, head
    return RawSocket(reader, writer, inflates=deflate)


async def shake_hands(
    host: str,
    port: int,
    host_header: str,
    path: str = "/v1/ws",
    receive_buffer_bytes: int | None = None,
    more: str = "",
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, bytes]:
    """Connect and ask for a WebSocket, with `more` header lines; return the head of the answer."""
    connected = socket.socket()
    if receive_buffer_bytes is not None:
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
    connected.setblocking(False)
    await asyncio.get_running_loop().sock_connect(connected, (host, port))
    reader, writer = await asyncio.open_connection(sock=connected, limit=1 << 20)
    key = base64.b64encode(os.urandom(16)).decode()
    writer.write(
        f"GET {path} HTTP/1.1\r\nHost: {host_header}\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n{more}"
        "Sec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    async with asyncio.timeout(TIMEOUT_S):
        head = await reader.readuntil(b"\r\n\r\n")
    return reader, writer, head
