"""What holds whatever bytes the Python decoders are given, as one function for each decoder.

A target raises where its law is broken. `make test` runs each over its kept corpus and over inputs
bent from it; `make fuzz` lets Atheris choose the bytes. A target looks at nothing but its bytes.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from coulisse.client.credentials import load_credentials, write_credentials
from coulisse.client.local_book import LocalBook
from coulisse.config import load_config
from coulisse.domain.errors import ConfigError, NoCredentials
from coulisse.domain.market import CandleCells
from coulisse.domain.money import as_text, from_minor, to_decimal, to_minor
from coulisse.domain.requests import decode_plain_event, encode_plain_event
from coulisse.domain.symbols import split_symbol, wire_symbol
from coulisse.gateway.http import whole_first
from coulisse.gateway.private_paths import private_methods
from coulisse.gateway.rest import Site, build_app, is_host

INPUT_BYTES_MAX = 4_096
MASTER_KEY = "5a" * 32


@dataclass(frozen=True, slots=True)
class Target:
    """One decoder, and what must hold of it."""

    run: Callable[[bytes], None]
    seeds: tuple[bytes, ...]
    """Sound inputs to begin with."""


@cache
def _scratch() -> Path:
    return Path(tempfile.mkdtemp(prefix="coulisse-fuzz-"))


def settings(data: bytes) -> None:
    """A file of settings is read, or refused in one line that names it; no secret is shown."""
    file = _scratch() / "settings.toml"
    file.write_bytes(data)
    try:
        config = load_config(file, {})
    except ConfigError as error:
        assert str(file) in str(error), error
        return
    assert MASTER_KEY not in repr(config) and MASTER_KEY not in str(config.model_dump(mode="json"))


def key_file(data: bytes) -> None:
    """A file of credentials is read, or refused; what was read is read again."""
    file, again = _scratch() / "key.toml", _scratch() / "again.toml"
    file.write_bytes(data)
    try:
        found = load_credentials(file)
    except NoCredentials as error:
        assert str(file) in str(error), error
        return
    assert (
        not found.private_key or len(found.private_key) < 8 or found.private_key not in str(found)
    )
    write_credentials(again, found)
    assert load_credentials(again) == found


def money(data: bytes) -> None:
    """A number is taken exactly, or refused; its text is the same number."""
    text = data.decode("utf-8", "replace")
    try:
        number = to_decimal(text)
    except ValueError:
        return
    assert to_decimal(as_text(number)) == number
    for scale in (0, 8, 18):
        try:
            minor = to_minor(text, scale)
        except ValueError:
            continue
        assert from_minor(minor, scale) == number


def symbols(data: bytes) -> None:
    """A symbol has one spelling on the wire."""
    text = data.decode("utf-8", "replace")
    try:
        base, quote_asset = split_symbol(text)
    except ValueError:
        return
    assert split_symbol(wire_symbol(text)) == (base, quote_asset)
    assert wire_symbol(text) == f"{base}-{quote_asset}" and len(text) <= 25


def plain_frames(data: bytes) -> None:
    """A frame of the plain socket is read, or refused; what was read can be sent and read again."""
    try:
        event, fields = decode_plain_event(data)
    except (ValueError, RecursionError):
        return
    sent = encode_plain_event(event, fields)
    assert len(sent) < 16 * len(data) + 1_024, f"{len(sent)} bytes of {len(data)}"
    assert json.loads(sent)["event"] is not None


def books(data: bytes) -> None:
    """A book after any levels has the best of each side, and no empty level."""
    book = LocalBook("BTC-USD")
    pairs = [(data[at] % 32, data[at + 1] % 4) for at in range(0, len(data) - 1, 2)]
    half = len(pairs) // 2
    halves = (pairs[:half], pairs[half:])
    sides = [[[str(price), str(qty)] for price, qty in part] for part in halves]
    kept: list[dict[str, str]] = [{}, {}]
    for number, kind in enumerate(("image", "delta", "delta"), 1):
        bids, asks = (part[(number - 1) :: 3] for part in sides)
        for side, levels in zip(kept, (bids, asks), strict=True):
            for price, qty in levels:
                side[price] = qty
                if qty == "0":
                    del side[price]
        book.apply({"type": kind, "seq": number, "prev": number - 1, "bids": bids, "asks": asks})
    best = [max(kept[0], key=int, default=None), min(kept[1], key=int, default=None)]
    found = [book.best_bid, book.best_ask]
    assert [None if one is None else str(one) for one in found] == best


def _answer(path: str, query: bytes, host: str) -> tuple[int, bytes]:
    status, body = 0, b""

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        nonlocal status, body
        status = message.get("status", status)
        body += message.get("body", b"")

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET",
        "scheme": "http", "path": path, "raw_path": quote(path).encode(), "query_string": query,
        "root_path": "", "headers": [(b"host", host.encode("latin-1", "replace"))],
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80), "extensions": {}, "state": {},
    }  # fmt: skip
    app: Any = _app()
    _loop().run_until_complete(app(scope, receive, send))
    return status, body


class _Nothing:
    """A core with one instrument, whose book is empty."""

    def instruments_json(self) -> bytes:
        return b"{}"

    def book_json(self, symbol: str, depth: int) -> bytes | None:
        assert 0 <= depth <= 1_000
        return b"{}" if symbol == "BTC-USD" else None

    def trades_json(self, symbol: str, limit: int) -> bytes | None:
        assert 1 <= limit <= 1_000
        return b"{}" if symbol == "BTC-USD" else None

    def latest_candles(self, symbol: str, interval: str) -> tuple[int, list[CandleCells]] | None:
        assert interval in ("1s", "1m", "5m", "15m", "1h", "4h", "1d")
        return (1, [(0, 1, 1, 1, 1, 1, 1, 1, 1)]) if symbol == "BTC-USD" else None

    def candles_page(
        self, symbol: str, interval: str, page: tuple[int, list[CandleCells], int | None]
    ) -> bytes | None:
        assert len(page[1]) <= 1_000
        return b"{}"


@cache
def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.new_event_loop()


@cache
def _app() -> object:
    async def durable() -> int:
        return 1

    key = {"key_id": "visitor"}
    hosts = ("localhost", "[::1]")
    site = Site(_Nothing(), durable, lambda: b"", lambda: (True, {}), demo_key=key, hosts=hosts)
    return whole_first(build_app(site))


def rest(data: bytes) -> None:
    """A path, a query and a host, with NULs between, are answered in the one form, by no fault."""
    path, query, host = [*data.split(b"\0"), b"", b""][:3]
    name = host.decode("latin-1")
    status, body = _answer("/" + path.decode("utf-8", "replace"), query, name)
    assert 200 <= status < 500, (status, body)
    if status >= 400:
        error = json.loads(body)["error"]
        assert error["code"] and error["message"] and error["state"] == "not_sent"
    if is_host(("localhost",), name):
        assert name.lower().startswith("localhost")
    assert isinstance(private_methods("/" + path.decode("utf-8", "replace")), tuple)


TARGETS = {
    "settings": Target(
        settings,
        (
            b'[gateway]\nport = 0\norigins = ["https://desk.example"]\n',
            f'[secrets]\nmaster_key = "{MASTER_KEY}"\n'.encode(),
            b'[log]\ndurability = "os"\n[projector]\nenabled = false\n',
            b'[[accounts]]\nname = "alice"\nfunds = {USD = "1.00"}\n',
            b'[[risk.limits]]\nscope = "firm"\nkind = "order_rate"\nlimit = "5"\nburst = 9\n',
        ),
    ),
    "key_file": Target(
        key_file,
        (
            b'url = "http://localhost:80"\nkey_id = "k"\nprivate_key = "00ff"\n',
            b'url = "wss://a"\nkey_id = "k"\nprivate_key = "0"\nscheme = "hmac_sha256"\n',
        ),
    ),
    "money": Target(money, (b"60000.00", b"-0.01", b"1e9", b"NaN", b" 7 ", b"0" * 40)),
    "symbols": Target(symbols, (b"BTC-USD", b"BTC/USD", b"ABCDEFGHIJKL-MNOPQRSTUVWX", b"A-B")),
    "plain_frames": Target(
        plain_frames,
        (
            b'{"event":"order","data":{"qty":0.01,"side":"buy","nested":[1,[2,{"a":null}]]}}',
            b'{"event":"\\ud83d\\ude00","data":{"x":1.5e3}}',
            b'{"event":"ping"}',
        ),
    ),
    "books": Target(books, (bytes(range(64)), b"\x01\x01\x02\x01\x03\x01\x01\x00")),
    "rest": Target(
        rest,
        (
            b"v1/book/BTC-USD\0depth=5",
            b"v1/candles/BTC-USD\0interval=1m&limit=5",
            b"v1/trades/NO-SUCH\0limit=0",
            b"demo/key\0\0localhost:8080",
            b"v1/orders/7\0a=%ff",
            b"docs/openapi.json",
        ),
    ),
}
