"""Structured logs: one JSON object a line on stderr; stdout belongs to the command's own output.

Each decision is logged once, at the edge. The core logs nothing: its events are its log.
"""

from __future__ import annotations

import logging
import sys
from typing import TextIO

import structlog

Logger = structlog.typing.FilteringBoundLogger


def set_up_logs(level: str = "info", stream: TextIO | None = None) -> None:
    """Send logs of `level` and above to `stream`, stderr where none is given."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=stream or sys.stderr),
        cache_logger_on_first_use=False,
    )
    # Libraries log through the standard module; what they warn of is worth a line.
    logging.basicConfig(
        level=logging.WARNING,
        stream=stream or sys.stderr,
        format='{"event":"%(message)s","logger":"%(name)s","level":"%(levelname)s"}',
        force=True,
    )


def logger(stage: str) -> Logger:
    """Return the logger of one stage, as `gateway` or `node`."""
    bound: Logger = structlog.get_logger(stage=stage)
    return bound
