"""The files of a SQLite database: one, and while it is open what SQLite writes beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from coulisse.store.errors import StoreDown

SCHEME: Final = "sqlite:///"
BESIDE: Final = ("-wal", "-shm")


def named_file(text: str, own: Path) -> str | None:
    """Return the file that a setting names: `sqlite` means `own`; None where it names no file."""
    if text == "sqlite":
        return str(own)
    is_named = text.startswith(SCHEME) and len(text) > len(SCHEME)
    return text.removeprefix(SCHEME) if is_named else None


def require_file(file: str, maker: str) -> None:
    """See that there is one. Raises `StoreDown` that names the command which makes it."""
    if not Path(file).is_file():
        raise StoreDown(
            f"{file}: there is no such file; a node makes it, or `coulisse {maker}` from its log"
        )


def make_file(file: str) -> None:
    """Make an empty one for its owner alone, where there is none. Raises `OSError`."""
    path = Path(file)
    if not path.exists():
        # What was beside one that was removed is none of this one's.
        remove_files(file)
        path.touch(mode=0o600)


def remove_files(file: str) -> None:
    """Remove all of one. Raises `OSError`."""
    for suffix in ("", *BESIDE):
        Path(file + suffix).unlink(missing_ok=True)
