"""Traces of single records, sent to a collector that speaks OpenTelemetry's protocol."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from .conftest import Server, Start
from .test_private_rest import NONCES, ORDER, Key, a_trader

STAGES = ["gateway_queue", "engine_apply", "log_durable", "gateway_release"]
PATIENCE_S = 20.0


class Collector:
    """Takes spans on a port, as long as it is up."""

    def __init__(self) -> None:
        self.resources: list[dict[str, str]] = []
        self.spans: list[Span] = []
        self.heard = threading.Condition()
        self.server: ThreadingHTTPServer | None = None
        self.port = 0

    def start(self) -> None:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with outer.heard:
                    for said in ExportTraceServiceRequest.FromString(body).resource_spans:
                        outer.resources.append(
                            {one.key: one.value.string_value for one in said.resource.attributes}
                        )
                        for scope in said.scope_spans:
                            outer.spans.extend(scope.spans)
                    outer.heard.notify_all()
                answer = ExportTraceServiceResponse().SerializeToString()
                self.send_response(200)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def until(self, holds: Callable[[], bool]) -> None:
        with self.heard:
            assert self.heard.wait_for(holds, PATIENCE_S)

    def stop(self) -> None:
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
            self.server = None


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    collector.start()
    yield collector
    collector.stop()


def counted(server: Server, name: str) -> int:
    text = httpx.get(f"{server.http}/metrics").text
    (line,) = [line for line in text.splitlines() if line.startswith(f"coulisse_{name} ")]
    return int(line.split()[1])


def until_counted(server: Server, name: str, least: int) -> None:
    """Ask until a counter is no less."""
    give_up = time.monotonic() + PATIENCE_S
    while (count := counted(server, name)) < least:
        assert time.monotonic() < give_up, f"{name} is {count}"


def attributes(span: Span) -> dict[str, int]:
    return {one.key: one.value.int_value for one in span.attributes}


def place(key: Key, orders: int) -> list[dict[str, int]]:
    """Place some; return of each its seq and times."""
    replies = []
    for number in range(orders):
        answer = key.ask("POST", "/v1/orders", {**ORDER, "qty": f"0.0{number % 9 + 1}"})
        assert answer.is_success, answer.text
        replies.append(answer.json()["result"])
    return replies


def test_one_record_in_so_many_is_told_by_its_stages(start: Start, collector: Collector) -> None:
    where = f"http://127.0.0.1:{collector.port}/v1/traces"
    server = start(
        "serve", "--port", "0", "--data-dir", "data",
        COULISSE_TRACES__ENDPOINT=where, COULISSE_TRACES__ONE_IN="3",
    )  # fmt: skip
    key = a_trader(server)
    placed = place(key, 30)
    wanted = {reply["seq"] for reply in placed if reply["seq"] % 3 == 0}
    assert len(wanted) == 10

    def told() -> dict[int, Span]:
        whole = [span for span in collector.spans if span.name == "OrderPlace"]
        return {attributes(span)["coulisse.seq"]: span for span in whole}

    collector.until(lambda: wanted <= told().keys())
    assert told().keys() == wanted, "no order but those"
    assert collector.resources[0]["service.name"] == "coulisse"
    for reply in placed:
        if reply["seq"] not in wanted:
            continue
        whole = told()[reply["seq"]]
        parts = [span for span in collector.spans if span.parent_span_id == whole.span_id]
        assert [span.name for span in parts] == STAGES
        assert {span.trace_id for span in parts} == {whole.trace_id}
        queue, apply, durable, release = parts
        assert queue.start_time_unix_nano == whole.start_time_unix_nano == reply["t_in"] * 1_000
        assert queue.end_time_unix_nano == apply.start_time_unix_nano
        assert queue.end_time_unix_nano == durable.start_time_unix_nano
        assert queue.end_time_unix_nano // 1_000 == reply["t_log"]
        assert durable.end_time_unix_nano == release.start_time_unix_nano
        assert release.end_time_unix_nano == whole.end_time_unix_nano
        assert all(span.start_time_unix_nano <= span.end_time_unix_nano for span in parts)
    until_counted(server, "traces_sent_total", len(wanted))
    assert counted(server, "traces_lost_total") == 0

    # A collector that is gone costs traces, and nothing else; it is told again when it is back.
    collector.stop()
    sent = counted(server, "traces_sent_total")
    one = {**ORDER, "qty": "0.001"}
    for _ in range(5):
        nonce, *_ = (next(NONCES) for _ in range(50))
        batch = {"orders": [one] * 50}
        assert key.ask("POST", "/v1/orders/batch", batch, nonce=nonce).is_success
    until_counted(server, "traces_lost_total", 65)
    assert counted(server, "traces_sent_total") == sent
    collector.start()
    before = len(collector.spans)
    place(key, 6)
    collector.until(lambda: len(collector.spans) > before)
    assert server.stop() == 0
