"""One WebSocket connection of the SDK, over picows: texts in and out, and a word when it ends."""

from __future__ import annotations

from collections.abc import Callable

from picows import (
    WSCloseCode,
    WSError,
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
    WSUpgradeRequest,
    WSUpgradeResponse,
    ws_connect,
)

from coulisse.client import deflate
from coulisse.domain.errors import ConnectionLost

CONNECT_TIMEOUT_S = 5.0
PING_AFTER_S = 10.0
MESSAGE_BYTES_MAX = 16 * 1024 * 1024


class Wire(WSListener):
    """A connection. Its callbacks run on the loop, in the order of what arrived."""

    def __init__(self, on_text: Callable[[bytes], None], on_end: Callable[[str], None]) -> None:
        """Give each text to `on_text`; call `on_end` once, with the reason."""
        self._on_text = on_text
        self._on_end = on_end
        self._transport: WSTransport | None = None
        self._parts: list[bytes] = []
        self._is_packed = False
        self._deflates = False
        self._reason = "the connection was lost"

    def agree(self, response: WSUpgradeResponse) -> None:
        """Note what the server agreed to of what was asked for."""
        self._deflates = deflate.is_agreed(response.headers.get(deflate.HEADER, ""))

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Keep the transport."""
        self._transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Take one frame."""
        kind = frame.msg_type
        if kind in (WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.CONTINUATION):
            self._is_packed |= frame.rsv1
            self._parts.append(frame.get_payload_as_bytes())
            if frame.fin:
                text = b"".join(self._parts)
                self._parts.clear()
                is_packed, self._is_packed = self._is_packed, False
                self._take(transport, text, is_packed)
        elif kind == WSMsgType.CLOSE:
            said = str(frame.get_close_message() or "")
            code = frame.get_close_code()
            self._reason = f"the server closed the connection: {code} {said}".strip()
            transport.send_close(code)
            transport.disconnect()

    def _take(self, transport: WSTransport, text: bytes, is_packed: bool) -> None:
        if is_packed:
            try:
                text = deflate.unpack(text, MESSAGE_BYTES_MAX)
            except ValueError as error:
                self._reason = f"the server sent what cannot be read: {error}"
                transport.send_close(WSCloseCode.INVALID_TEXT)
                transport.disconnect()
                return
        self._on_text(text)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """Tell that it is over."""
        self._transport = None
        self._on_end(self._reason)

    @property
    def is_open(self) -> bool:
        """Whether texts can be sent."""
        return self._transport is not None

    def send(self, text: bytes) -> None:
        """Send one text. Raises `ConnectionLost` when it is over."""
        if self._transport is None:
            raise ConnectionLost(self._reason)
        packed = deflate.pack(text) if self._deflates else None
        if packed is None:
            self._transport.send(WSMsgType.TEXT, text)
        else:
            self._transport.send(WSMsgType.TEXT, packed, rsv1=True)

    def close(self) -> None:
        """End it from this side."""
        if self._transport is not None:
            self._reason = "the client closed the connection"
            self._transport.send_close()
            self._transport.disconnect()


async def open_wire(
    url: str,
    host: str,
    on_text: Callable[[bytes], None],
    on_end: Callable[[str], None],
    asks_deflate: bool = False,
) -> Wire:
    """Connect, asking for compressed messages or not. Raises `ConnectionLost`."""

    def made(_: WSUpgradeRequest, response: WSUpgradeResponse) -> Wire:
        wire = Wire(on_text, on_end)
        if asks_deflate:
            wire.agree(response)
        return wire

    headers = {"Host": host, **({deflate.HEADER: deflate.OFFER} if asks_deflate else {})}
    try:
        _, wire = await ws_connect(
            made,
            url,
            websocket_handshake_timeout=CONNECT_TIMEOUT_S,
            enable_auto_ping=True,
            auto_ping_idle_timeout=PING_AFTER_S,
            auto_ping_reply_timeout=PING_AFTER_S,
            max_frame_size=MESSAGE_BYTES_MAX,
            extra_headers=headers,
        )
    except (TimeoutError, OSError, WSError) as error:
        raise ConnectionLost(f"{url}: {error!s}") from None
    assert isinstance(wire, Wire), "picows returns what the factory made"
    return wire
