"""What several unit tests need."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest
import structlog

from coulisse.telemetry.logs import set_up_logs


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What is logged meanwhile."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    set_up_logs(stream=stream)
    yield stream
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)
