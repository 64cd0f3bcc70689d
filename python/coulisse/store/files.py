"""The files of a SQLite database: one, and while it is open what SQLite writes beside it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from coulisse.store.errors import StoreDown

if TYPE_CHECKING:
    import sqlite3

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


@contextmanager
def reading(file: str) -> Iterator[sqlite3.Connection]:
    """Give one to be read, all of it as it is at one moment. Raises `StoreDown`.

    It is opened each time, in 0.1 to 0.3 ms: a node may make it anew between two questions.
    """
    # A process that reads none loads nothing of it.
    import sqlite3

    if not Path(file).is_file():
        raise StoreDown(f"{file}: there is no such file yet")
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
            connection.execute("BEGIN")
            yield connection
    except sqlite3.Error as error:
        raise StoreDown(f"{file}: {error}") from None


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
