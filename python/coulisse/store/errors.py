"""What can go wrong with a store.

StoreError
  StoreDown       it does not answer: it is tried again
  StoreMoved      another has written, or it went back: its place is looked up again
  StoreRefused    it is not the store of this log, or not of this form: somebody has to act
"""

from __future__ import annotations

from coulisse.domain.errors import CoulisseError


class StoreError(CoulisseError):
    """Anything that a store says instead of doing what it was asked."""


class StoreDown(StoreError):
    """It does not answer, or not in time."""


class StoreMoved(StoreError):
    """Its checkpoint is not where the last write left it."""


class StoreRefused(StoreError):
    """It holds something else; `code` says what kind of thing."""

    def __init__(self, code: str, message: str) -> None:
        """Say why, with a code."""
        super().__init__(f"{code}: {message}")
        self.code = code
