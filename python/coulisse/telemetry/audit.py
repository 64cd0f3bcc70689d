"""The audit file: who logged on and what operators did, one JSON object a line.

A file and not stderr: what strangers cause must never make a node wait for whoever reads its log.

Invariant: all its files together are bounded; the newest lines are kept.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from coulisse.telemetry.logs import logger

FILE_BYTES_MAX: Final = 16 << 20
FILES_KEPT: Final = 4
"""Of one process, beside the one that is written to."""


class AuditFile:
    """The audit file of one process."""

    def __init__(self, file: Path) -> None:
        """Write to `file`, and to `file` with a number behind it what was full."""
        self._file = file
        self._log = logger("audit")
        self._is_failing = False

    def write(self, rows: Sequence[Mapping[str, object]], lost: int = 0) -> None:
        """Append what happened. Where that fails, the log says so once, and the node goes on."""
        if not rows and not lost:
            return
        at = {"time": datetime.now(UTC).isoformat()}
        lines = [{**at, **{name: value for name, value in row.items() if value}} for row in rows]
        if lost:
            lines.append({**at, "what": "lost", "count": lost})
        text = "".join(json.dumps(line) + "\n" for line in lines)
        try:
            self._turn_over()
            # Nobody but its owner reads it, not even between creation and chmod.
            fd = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(fd, "w", encoding="utf-8") as out:
                out.write(text)
        except OSError as error:
            if not self._is_failing:
                self._log.error("audit_failed", file=str(self._file), reason=error.strerror)
            self._is_failing = True
        else:
            self._is_failing = False

    def _turn_over(self) -> None:
        """Put a full file behind the others; the oldest is gone."""
        if not self._file.exists() or self._file.stat().st_size < FILE_BYTES_MAX:
            return
        for number in range(FILES_KEPT, 0, -1):
            older = self._numbered(number)
            newer = self._numbered(number - 1) if number > 1 else self._file
            if newer.exists():
                newer.replace(older)

    def _numbered(self, number: int) -> Path:
        return self._file.with_name(f"{self._file.name}.{number}")
