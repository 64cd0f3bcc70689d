"""Structured logs: one JSON object a line on stderr; stdout belongs to the command's own output.

Each decision is logged once, at the edge. The core logs nothing: its events are its log.
"""

from __future__ import annotations

import contextlib
import logging
import sys
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, TextIO, cast

if TYPE_CHECKING:
    import structlog
else:
    # Where structlog finds rich it loads all of it, 3 MB that a node keeps for a renderer that is
    # not used here. So it finds none.
    _rich = sys.modules.get("rich")
    sys.modules["rich"] = None
    import structlog

    if _rich is None:
        del sys.modules["rich"]
    else:
        sys.modules["rich"] = _rich

Logger = structlog.typing.FilteringBoundLogger


class _Unfailing:
    """A stream that loses what cannot be written: who read the logs may be gone, or the disk full.

    No order waits for a log, and no task ends for one.
    """

    def __init__(self, stream: TextIO | None) -> None:
        """Write to `stream`; None is stdout, whatever that is at the time."""
        self._stream = stream

    def write(self, text: str) -> int:
        """Write, if that can be done."""
        stream = self._stream or sys.stdout
        with contextlib.suppress(OSError, ValueError):
            stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush, if that can be done."""
        stream = self._stream or sys.stdout
        with contextlib.suppress(OSError, ValueError):
            stream.flush()


_STDOUT = cast("TextIO", _Unfailing(None))


def set_up_logs(level: str = "info", stream: TextIO | None = None) -> None:
    """Send logs of `level` and above to `stream`, stderr where none is given."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    show = structlog.processors.JSONRenderer()
    file = cast("TextIO", _Unfailing(stream or sys.stderr))
    structlog.configure(
        processors=[*shared, show],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=file),
        cache_logger_on_first_use=False,
    )
    # Libraries log through the standard module; what they warn of is worth a line of the same form.
    handler = logging.StreamHandler(file)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, show],
        )
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


def logger(stage: str) -> Logger:
    """Return the logger of one stage, as `gateway` or `node`.

    In a program that has set up no logs it writes what structlog writes by itself, but for what
    variables held in tracebacks: they may be secrets, and to find all of it takes long.
    """
    bound: Logger
    if structlog.is_configured():
        bound = structlog.get_logger(stage=stage)
    else:
        plain = structlog.dev.ConsoleRenderer(
            colors=False, exception_formatter=structlog.dev.plain_traceback
        )
        processors = [*structlog.get_config()["processors"][:-1], plain]
        bound = structlog.wrap_logger(
            structlog.WriteLogger(_STDOUT), processors=processors, stage=stage
        )
    return bound


def said_with(**facts: str) -> AbstractContextManager[None]:
    """Put `facts` into every line that is logged meanwhile, in this task."""
    return structlog.contextvars.bound_contextvars(**facts)
