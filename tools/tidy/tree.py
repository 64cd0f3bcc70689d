"""A tree of text files, read once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

# Built, installed or fetched: nobody here wrote it.
NOT_OURS = frozenset(
    {
        ".git", ".venv", "target", "node_modules", "__pycache__", ".hypothesis", ".pytest_cache",
        ".mypy_cache", ".ruff_cache", ".import_linter_cache", "dist",
    }
)  # fmt: skip
TEXT = frozenset(
    {
        ".py", ".pyi", ".rs", ".md", ".toml", ".txt", ".in", ".sh", ".yml", ".yaml", ".json",
        ".html", ".css", ".js", ".ts", ".sql", ".csv", ".lock", "",
    }
)  # fmt: skip


class Tree:
    """The text files under one folder, by their path relative to it."""

    def __init__(self, root: Path) -> None:
        """Look at `root`; files are read when first asked for."""
        self.root = root

    @cached_property
    def files(self) -> dict[str, str]:
        """Every text file that somebody here wrote or generated, sorted by path."""
        found: dict[str, str] = {}
        for folder, subfolders, names in os.walk(self.root):
            subfolders[:] = [name for name in subfolders if name not in NOT_OURS]
            # In a work tree of git's, `.git` is a file.
            for name in set(names) - NOT_OURS:
                path = Path(folder, name)
                if path.suffix in TEXT and not path.is_symlink():
                    found[path.relative_to(self.root).as_posix()] = read(path)
        return dict(sorted(found.items()))

    def select(self, *suffixes: str, under: str = "") -> Iterator[tuple[str, str]]:
        """Yield path and text of the files that end in one of `suffixes`, below `under`."""
        for path, content in self.files.items():
            if path.endswith(suffixes) and path.startswith(under):
                yield path, content


def read(path: Path) -> str:
    """Return the text of a file; what is not UTF-8 is a binary and holds no text."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""
