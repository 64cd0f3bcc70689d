"""Traces: single records on their way through the node, as OpenTelemetry's spans.

The core notes which records and when; here the times become spans, and are sent. A record's span
is from in to out; below it are its stages, by the same times as the histograms of the metrics.

The packages are loaded where traces are wanted, and by nothing else: 20 MB.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from coulisse.domain.errors import ConfigError
from coulisse.domain.schema import schema

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter

Times = tuple[int, int, int, int, int]
"""In, log, applied, durable, out: each in ns since the epoch."""
Trace = tuple[int, int, int, Times]
"""Seq, number of the command, account, times."""

SEND_S: Final = 2.0
"""How long a collector may take, and how long a node that stops may wait for it."""
PACKAGE: Final = "opentelemetry-exporter-otlp-proto-http"


class Sender:
    """Sends to one collector."""

    def __init__(self, endpoint: str, *, node: int, version: str) -> None:
        """Send to it. Connects when there is something. Raises `ConfigError` without packages."""
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        except ImportError:
            raise ConfigError(
                f"traces.endpoint: traces are sent by the package {PACKAGE}: "
                "pip install 'coulisse[otel]'"
            ) from None
        from opentelemetry.sdk.resources import Resource

        # It warns of each try; what comes of them all is said once, by who sends.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        self._exporter: SpanExporter = OTLPSpanExporter(endpoint=endpoint, timeout=SEND_S)
        self._resource = Resource.create(
            {
                "service.name": "coulisse",
                "service.version": version,
                "service.instance.id": str(node),
            }
        )
        self._commands = {message.number: name for name, message in schema().commands.items()}

    def send(self, traces: Sequence[Trace]) -> bool:
        """Send some; tell whether the collector took them. Waits `SEND_S` at most."""
        from opentelemetry.sdk.trace.export import SpanExportResult

        spans = [span for trace in traces for span in self._spans(trace)]
        return self._exporter.export(spans) is SpanExportResult.SUCCESS

    def close(self) -> None:
        """Give up what is under way."""
        self._exporter.shutdown()

    def _spans(self, trace: Trace) -> Iterator[ReadableSpan]:
        from opentelemetry.sdk.trace import ReadableSpan
        from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
        from opentelemetry.trace import SpanContext, SpanKind, TraceFlags

        seq, command, account, (received, stamped, applied, durable, out) = trace
        make = RandomIdGenerator()
        trace_id = make.generate_trace_id()

        def context() -> SpanContext:
            sampled = TraceFlags(TraceFlags.SAMPLED)
            return SpanContext(trace_id, make.generate_span_id(), False, sampled)

        whole = context()
        yield ReadableSpan(
            self._commands.get(command, str(command)), whole, None, self._resource,
            {"coulisse.seq": seq, "coulisse.account": account},
            kind=SpanKind.SERVER, start_time=received, end_time=out,
        )  # fmt: skip
        for name, start, end in (
            ("gateway_queue", received, stamped),
            ("engine_apply", stamped, applied),
            ("log_durable", stamped, durable),
            ("gateway_release", durable, out),
        ):
            yield ReadableSpan(
                name, context(), whole, self._resource, start_time=start, end_time=end
            )
