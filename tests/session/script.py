"""Golden session scripts: one line sent, one line expected.

    @ session a ALICE          a session of the account ALICE, logged on
    a> {"id":1,"op":"ping"}    what it sends
    a< {"id":1,"ok":true,…}    the next thing it gets, whatever it is
    a+ …                       sent together with the next `a>`, in one write

A value `"$name"` in an expected line takes whatever stands there the first time and must find the
same again; in a sent line it stands for what was taken. `"$_"` is anything, `"$time"` a time in
microseconds, `"$server"` what this build calls itself. Nothing else may differ, and no key may be
missing or new. `ALICE`, `BOB` and `BTC` are the script's own accounts and asset, so that all
scripts share one server.
"""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

from coulisse._core import VERSION

_LINE = re.compile(r"(?:(?P<peer>\w+)(?P<mark>[><+])|@) (?P<rest>.*)")
_TIME_US = range(1_600_000_000_000_000, 4_000_000_000_000_000)


@dataclass(frozen=True, slots=True)
class Line:
    """One step of a script. `mark` is `>`, `<`, `+` or `@`."""

    number: int
    mark: str
    peer: str
    text: str


@dataclass(frozen=True, slots=True)
class Script:
    """A script and what its header asks for."""

    name: str
    lines: tuple[Line, ...]
    socket_only: bool
    own_server: bool


def read_script(file: Path) -> Script:
    """Read a script; a line that is none is an error."""
    lines, marks = [], set()
    for number, raw in enumerate(file.read_text().splitlines(), start=1):
        text = raw.strip()
        if text.startswith("#!"):
            marks |= set(text[2:].split())
        elif text and not text.startswith("#"):
            match = _LINE.fullmatch(text)
            assert match, f"{file.name}:{number}: {text}"
            lines.append(Line(number, match["mark"] or "@", match["peer"] or "", match["rest"]))
    assert marks <= {"socket", "own"}, marks
    return Script(file.stem, tuple(lines), "socket" in marks, "own" in marks)


@dataclass(slots=True)
class Placeholders:
    """What `$name` stands for in one run of a script."""

    names: dict[str, str]
    """The script's own accounts and asset."""
    taken: dict[str, object] = field(default_factory=dict)

    def fill(self, text: str) -> str:
        """Put in what is known."""
        for name, own in self.names.items():
            text = re.sub(rf"\b{name}\b", own, text)
        for name, value in self.taken.items():
            text = text.replace(f'"${name}"', json.dumps(value))
        return text

    def compare(self, expected: object, got: object, where: str = "") -> None:
        """Assert that they are the same but for placeholders."""
        if isinstance(expected, str) and expected.startswith("$"):
            self._take(expected[1:], got, where)
        elif isinstance(expected, dict):
            assert isinstance(got, dict), f"{where}: {got!r}"
            assert list(expected) == list(got), f"{where}: keys {list(got)}"
            for key, value in expected.items():
                self.compare(value, got[key], f"{where}.{key}")
        elif isinstance(expected, list):
            assert isinstance(got, list), f"{where}: {got!r}"
            assert len(expected) == len(got), f"{where}: {len(got)} items"
            for index, value in enumerate(expected):
                self.compare(value, got[index], f"{where}[{index}]")
        else:
            same = type(expected) is type(got) and expected == got
            assert same, f"{where}: {got!r} instead of {expected!r}"

    def _take(self, name: str, got: object, where: str) -> None:
        if name == "_":
            return
        if name == "time":
            assert type(got) is int and got in _TIME_US, f"{where}: {got!r} is no time"
            return
        if name == "server":
            assert got == f"coulisse/{VERSION}", f"{where}: {got!r}"
            return
        known = self.taken.setdefault(name, got)
        assert known == got, f"{where}: {got!r} instead of {known!r} (${name})"
