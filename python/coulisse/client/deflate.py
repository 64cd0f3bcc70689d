"""Compressed messages of the SDK: permessage-deflate (RFC 7692) without a context between messages.

Both ends begin each message with an empty window: that is what a node agrees to, and all that is
read here. A server that does not agree sends and gets plain texts.
"""

from __future__ import annotations

import zlib
from typing import Final

HEADER: Final = "Sec-WebSocket-Extensions"
OFFER: Final = (
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
    "server_max_window_bits=12; client_max_window_bits"
)
PACK_BYTES_MIN: Final = 1024
"""Shortest request that is compressed; an order has some 200 bytes."""
_WINDOW_BITS: Final = 12
_TAIL: Final = b"\x00\x00\xff\xff"


def is_agreed(answer: str) -> bool:
    """Tell whether the answer of a server agrees to what `OFFER` asks for."""
    name, *params = (part.strip() for part in answer.split(";"))
    return name == "permessage-deflate" and "server_no_context_takeover" in params


def pack(text: bytes) -> bytes | None:
    """Return a message compressed; None where it is short."""
    if len(text) < PACK_BYTES_MIN:
        return None
    packer = zlib.compressobj(wbits=-_WINDOW_BITS)
    packed = packer.compress(text) + packer.flush(zlib.Z_SYNC_FLUSH)
    return packed.removesuffix(_TAIL)


def unpack(packed: bytes, bytes_max: int) -> bytes:
    """Return a message of at most `bytes_max` as it was. Raises `ValueError`."""
    unpacker = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
    try:
        text = unpacker.decompress(packed + _TAIL, bytes_max + 1)
    except zlib.error as error:
        raise ValueError(str(error)) from None
    if len(text) > bytes_max:
        raise ValueError(f"a message of more than {bytes_max} bytes")
    return text
