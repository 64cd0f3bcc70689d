"""What the node knows of its store from its projector, and what it says of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from coulisse.node.follower import Status
from coulisse.telemetry.logs import logger

BEHIND_MAX: Final = 100_000
"""Records that a store may be behind before the node counts as degraded."""


class StoreHealth:
    """How the store is; the node takes orders however it is."""

    def __init__(self, *, is_wanted: bool) -> None:
        """Know nothing of it yet."""
        self._is_wanted = is_wanted
        self._log = logger("store")
        self._state = "starting" if is_wanted else "off"
        self._reason = ""
        self._rebuilt = ""
        self._rows = 0
        self._rows_before = 0
        self._compared: tuple[int, int] | None = None
        self.seq = 0
        """How far it is known to have come."""
        self.filled_seq: int | None = None
        """How far it has come, while it is filled; None while nobody knows."""

    def hear(self, status: Status) -> None:
        """Take what the projector says."""
        if not self._is_wanted:
            return
        self._log_change(status)
        self._state, self._reason = status.store_state, status.store_reason
        self._rebuilt = status.store_rebuilt
        self._rows = self._rows_before + status.store_rows
        self.seq = status.store_seq or self.seq
        self.filled_seq = status.store_seq if status.store_state == "writing" else None

    def lose_projector(self) -> None:
        """Nothing fills it until the next projector is there."""
        if self._is_wanted:
            self._state, self._reason = "down", "there is no projector"
            self.filled_seq = None
            self._rows_before = self._rows

    @property
    def is_wanted(self) -> bool:
        """Whether there is to be one."""
        return self._is_wanted

    @property
    def is_refused(self) -> bool:
        """Whether it is known to be of another log, or not of this form."""
        return self._state == "refused"

    @property
    def is_there(self) -> bool:
        """Whether it is filled now."""
        return self._state == "writing" and self.seq > 0

    def compare(self, seq: int, differences: int) -> None:
        """Take what a comparison with the core found at a seq."""
        self._compared = seq, differences

    def health(self, durable_seq: int) -> Mapping[str, object]:
        """Return what there is to say, where the log has come to `durable_seq`."""
        if not self._is_wanted:
            return {"degraded": False, "store": {"state": "off"}}
        behind = max(0, durable_seq - self.seq)
        said: dict[str, object] = {"state": self._state, "seq": self.seq, "behind": behind}
        if self._reason:
            said["reason"] = self._reason
        differs = self._compared is not None and self._compared[1] > 0
        if self._compared is not None:
            said["compared"] = dict(zip(("seq", "differences"), self._compared, strict=True))
        is_well = (
            not differs
            and self._state in ("starting", "connecting", "writing")
            and not self._reason
        )
        return {"degraded": not is_well or behind > BEHIND_MAX, "store": said}

    def metrics(self) -> Mapping[str, int]:
        """Return its counters and gauges."""
        if not self._is_wanted:
            return {}
        return {
            "store_up": int(self._state == "writing"),
            "store_refused": int(self._state == "refused"),
            "store_seq": self.seq,
            "store_rows_total": self._rows,
            "store_compared_seq": self._compared[0] if self._compared else 0,
            "store_differences": self._compared[1] if self._compared else 0,
        }

    def _log_change(self, now: Status) -> None:
        if now.store_rebuilt and now.store_rebuilt != self._rebuilt:
            self._log.warning("store_rebuilt", reason=now.store_rebuilt)
        if now.store_state == self._state:
            return
        if now.store_state == "writing":
            self._log.info("store_writing", seq=now.store_seq)
        elif now.store_state == "refused":
            self._log.error("store_refused", reason=now.store_reason)
        elif now.store_state == "down":
            self._log.warning("store_down", reason=now.store_reason)
