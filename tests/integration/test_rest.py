"""REST, health, metrics, documentation and the page's files, over HTTP."""

from __future__ import annotations

import re
import socket

import httpx
import pytest

from .conftest import Server


def test_instruments_have_their_rules(demo: Server) -> None:
    body = httpx.get(f"{demo.http}/v1/instruments").raise_for_status().json()
    first = body["instruments"][0]
    assert body["seq"] > 0
    assert (first["symbol"], first["tick_size"], first["lot_size"]) == (
        "BTC-USD", "0.01", "0.00001",
    )  # fmt: skip
    assert (first["maker_fee"], first["taker_fee"]) == ("0.000200", "0.000500")


def test_a_book_has_as_many_levels_as_were_asked_for(demo: Server) -> None:
    book = httpx.get(f"{demo.http}/v1/book/BTC-USD", params={"depth": 3}).json()
    assert len(book["bids"]) == len(book["asks"]) == 3
    whole = httpx.get(f"{demo.http}/v1/book/BTC-USD", params={"depth": 0}).json()
    assert len(whole["bids"]) > 3


def test_trades_come_newest_first(demo: Server) -> None:
    demo.cli("order", "buy", "0.001", "BTC-USD")
    demo.cli("order", "sell", "0.001", "BTC-USD")
    body = httpx.get(f"{demo.http}/v1/trades/BTC-USD", params={"limit": 2}).json()
    ids = [int(trade["trade_id"]) for trade in body["trades"]]
    assert len(ids) == 2 and ids[0] == ids[1] + 1


def test_candles_come_oldest_first_and_end_with_the_latest_trade(demo: Server) -> None:
    demo.cli("order", "buy", "0.001", "BTC-USD")
    params: dict[str, str | int] = {"interval": "1s", "limit": 60}
    body = httpx.get(f"{demo.http}/v1/candles/BTC-USD", params=params).json()
    starts = [candle["start"] for candle in body["candles"]]
    assert starts == sorted(set(starts)) and body["interval"] == "1s"
    assert all(start % 1_000_000 == 0 for start in starts) and body["candles"][-1]["trades"] >= 1


@pytest.mark.parametrize(
    ("method", "path", "status", "code", "field"),
    [
        ("GET", "/nowhere", 404, "NOT_FOUND", "path"),
        ("GET", "/v1/book/NO-PE", 404, "UNKNOWN_SYMBOL", "symbol"),
        ("GET", "/v1/trades/btc", 404, "UNKNOWN_SYMBOL", "symbol"),
        ("GET", "/v1/book/BTC-USD?depth=-1", 400, "INVALID_VALUE", "depth"),
        ("GET", "/v1/book/BTC-USD?depth=many", 400, "INVALID_VALUE", "depth"),
        ("GET", "/v1/trades/BTC-USD?limit=0", 400, "INVALID_VALUE", "limit"),
        ("GET", "/v1/trades/BTC-USD?limit=1e400", 400, "INVALID_VALUE", "limit"),
        ("GET", "/v1/trades/BTC-USD?limits=5", 400, "UNKNOWN_FIELD", "limits"),
        ("GET", "/v1/candles/NO-PE", 404, "UNKNOWN_SYMBOL", "symbol"),
        ("GET", "/v1/candles/BTC-USD?interval=2m", 400, "INVALID_VALUE", "interval"),
        ("GET", "/v1/candles/BTC-USD?limit=1001", 400, "INVALID_VALUE", "limit"),
        ("GET", "/v1/instruments?depth=5", 400, "UNKNOWN_FIELD", "depth"),
        ("GET", "/v1/candles/BTC-USD?cursor=zzz", 400, "INVALID_VALUE", "cursor"),
        ("GET", "/v1/candles/BTC-USD?gaps=foo", 400, "INVALID_VALUE", "gaps"),
        ("GET", "/v1/trades/BTC-USD?limit=5&limit=5", 400, "DUPLICATE_FIELD", "limit"),
        ("POST", "/v1/instruments", 405, "METHOD_NOT_ALLOWED", "method"),
        ("DELETE", "/", 405, "METHOD_NOT_ALLOWED", "method"),
        ("GET", "/v1/orders/7", 405, "METHOD_NOT_ALLOWED", "method"),
        ("PUT", "/v1/admin/instruments/BTC-USD/state", 405, "METHOD_NOT_ALLOWED", "method"),
        ("GET", "/v1/admin/instruments/BTC-USD/else", 404, "NOT_FOUND", "path"),
    ],
)
def test_errors_have_one_form(
    demo: Server, method: str, path: str, status: int, code: str, field: str
) -> None:
    answer = httpx.request(method, f"{demo.http}{path}")
    body = answer.json()
    assert answer.status_code == status
    assert body["ok"] is False and body["error"]["code"] == code
    assert body["error"]["field"] == field and body["error"]["state"] == "not_sent"
    assert ("allow" in answer.headers) == (status == 405)


def test_a_word_that_is_not_taken_is_told_those_that_are(demo: Server) -> None:
    answer = httpx.get(f"{demo.http}/v1/candles/BTC-USD", params={"interval": "7m"})
    error = answer.json()["error"]
    assert (error["field"], error["value"]) == ("interval", "7m")
    assert error["message"] == "interval 7m must be one of: 1s, 1m, 5m, 15m, 1h, 4h, 1d"


def test_a_method_that_is_not_taken_is_told_what_is(demo: Server) -> None:
    answer = httpx.head(f"{demo.http}/healthz")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, OPTIONS")
    allowed = httpx.options(f"{demo.http}/healthz").headers["allow"]
    assert set(allowed.split(", ")) == {"GET", "OPTIONS"}


def test_the_demo_gives_its_key_away_under_its_own_names_alone(demo: Server) -> None:
    port = demo.http.rsplit(":", 1)[1]
    for host, status in (
        (f"localhost:{port}", 200), (f"127.0.0.1:{port}", 200), ("[::1]", 200),
        (f"evil.example:{port}", 403), ("localhost.evil.example", 403),
    ):  # fmt: skip
        answer = httpx.get(f"{demo.http}/demo/key", headers={"Host": host})
        assert answer.status_code == status, host
        assert ("private_key" in answer.text) == (status == 200)


def test_one_connection_serves_many_requests(demo: Server) -> None:
    with httpx.Client(base_url=demo.http) as http:
        for _ in range(5):
            assert http.get("/healthz").json()["ok"] is True
            assert http.get("/v1/book/BTC-USD").status_code == 200


def test_pipelined_requests_are_all_answered_in_order(demo: Server) -> None:
    host, port = demo.http.removeprefix("http://").split(":")
    request = b"GET /v1/%s HTTP/1.1\r\nHost: x\r\n\r\n"
    with socket.create_connection((host, int(port)), timeout=10) as wire:
        wire.sendall(request % b"instruments" + request % b"nowhere" + request % b"instruments")
        answers = b""
        while answers.count(b"HTTP/1.1 ") < 3 or not answers.endswith(b"}"):
            more = wire.recv(65_536)
            assert more, "closed before the third answer"
            answers += more
    assert re.findall(rb"HTTP/1.1 (\d+)", answers) == [b"200", b"404", b"200"]


def test_what_comes_with_the_end_of_a_body_is_seen_by_those_whose_it_is(demo: Server) -> None:
    host, port = demo.http.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as wire:
        wire.sendall(b"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n")
        wire.settimeout(0.5)
        with pytest.raises(TimeoutError):
            wire.recv(65_536)
        wire.settimeout(10)
        wire.sendall(b"{}")
        answers = b""
        while not answers.endswith(b"}"):
            answers += wire.recv(65_536)
        assert b" 404 " in answers
        # Were uvicorn to keep the connection, nobody there would know of orders.
        wire.sendall(b"GET /v1/orders HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"NOT_LOGGED_ON" in wire.recv(65_536)


def test_metrics_are_prometheus_text_and_every_limit_has_its_use(demo: Server) -> None:
    answer = httpx.get(f"{demo.http}/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    values = dict(
        line.rsplit(" ", 1) for line in answer.text.splitlines() if not line.startswith("#")
    )
    assert all(name.startswith("coulisse_") for name in values)
    limits = {name.partition("{")[0] for name in values if "_max" in name.partition("{")[0]}
    assert len(limits) >= 5
    assert float(values['coulisse_engine_table_rows{table="accounts"}']) == 22


@pytest.mark.parametrize("path", ["/", "/docs", "/page/page.js", "/page/page.css"])
def test_what_a_browser_loads_names_no_other_host(demo: Server, path: str) -> None:
    answer = httpx.get(f"{demo.http}{path}").raise_for_status()
    assert answer.headers["content-type"].count("charset") == 1
    text = answer.text
    assert not re.findall(r"(?:src|href)=[\"']?(?:https?:)?//", text)
    assert "http://" not in text and "https://" not in text


def test_the_documentation_lists_every_route(demo: Server) -> None:
    page = httpx.get(f"{demo.http}/docs").text
    schema = httpx.get(f"{demo.http}/docs/openapi.json").json()
    assert set(schema["paths"]) >= {"/v1/instruments", "/v1/book/{symbol}", "/healthz"}
    for path in schema["paths"]:
        assert path in page
