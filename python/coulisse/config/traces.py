"""The branch of the settings that says where traces of single records go."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from coulisse.config.values import Part, between

SCHEMES = ("http://", "https://")
ONE_IN_MAX = 1_000_000_000


def _endpoint(value: str) -> str:
    if not value.startswith(SCHEMES):
        raise ValueError(f"{value!r} is no http:// or https:// address")
    return value


class TracesConfig(Part):
    """Traces of single records, told by OpenTelemetry's protocol over HTTP (docs: monitoring)."""

    endpoint: Annotated[
        Annotated[str, AfterValidator(_endpoint)] | None,
        Field(examples=["http://127.0.0.1:4318/v1/traces"]),
    ] = None
    """Where they are sent; without it nothing is traced. What else a collector wants, as headers,
    is told by OpenTelemetry's own variables (`OTEL_EXPORTER_OTLP_HEADERS`)."""
    one_in: Annotated[int, between(1, ONE_IN_MAX)] = 10_000
    """Of how many records one is traced; of those at most 64 a second are told."""
