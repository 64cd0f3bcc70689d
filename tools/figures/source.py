"""Where figures come from: the newest result file of each benchmark, and which were read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tools.readme_figures import newest


class Results:
    """The newest results of each benchmark; it remembers which ones a page has quoted."""

    def __init__(self, root: Path) -> None:
        """Look for them under the repository's root."""
        self._root = root
        self._read: dict[str, dict[str, Any]] = {}
        self._paths: dict[str, str] = {}

    def has(self, benchmark: str) -> bool:
        """Tell whether there is one."""
        return newest(self._root, benchmark) is not None

    def __call__(self, benchmark: str, place: str) -> float:
        """Return the number at a dotted place. Raises `KeyError` where there is none."""
        value: Any = self.at(benchmark, place)
        return float(value)

    def at(self, benchmark: str, place: str) -> Any:  # noqa: ANN401  # what a result may hold
        """Return what is at a dotted place. Raises `KeyError` where there is nothing."""
        if benchmark not in self._read:
            path = newest(self._root, benchmark)
            if path is None:
                raise KeyError(f"bench/results has no {benchmark}")
            self._read[benchmark] = json.loads(path.read_text(encoding="utf-8"))
            self._paths[benchmark] = path.relative_to(self._root).as_posix()
        value: Any = self._read[benchmark]["result"]
        for key in filter(None, place.split(".")):
            value = value[key]
        return value

    def sources(self) -> str:
        """Return the files that were read so far, with their machines, for the foot of a page."""
        lines = []
        for benchmark, recorded in sorted(self._read.items()):
            machine = recorded["machine"]
            lines.append(
                f"- [{benchmark}](../../{self._paths[benchmark]}): {recorded['date']}, "
                f"`{recorded['command']}`, {machine['cores']} cores of {machine['cpu']}, "
                f"{machine['system']}, load average {machine['load_average']} before the run."
            )
        return "\n".join(lines)


def count(value: float) -> str:
    """Print a number with three significant digits, thousands apart."""
    if value == 0:
        return "0"
    if abs(value) < 0.01:
        return "below 0.01"
    digits = len(str(int(abs(value))))
    if abs(value) >= 100:
        return f"{round(value, 3 - digits):,.0f}"
    places = 2 if abs(value) < 10 else 1
    return f"{value:,.{places}f}".rstrip("0").rstrip(".")


def size(value: float) -> str:
    """Print bytes in the unit that fits."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if abs(value) < 1_000 or unit == "TB":
            return f"{count(value)} {unit}"
        value /= 1_000
    raise AssertionError("the last unit takes all")


def seconds(value: float) -> str:
    """Print seconds to a tenth; short ones in ms."""
    return f"{value * 1_000:.0f} ms" if value < 0.1 else f"{value:.1f} s"


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Return a table of Markdown."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
