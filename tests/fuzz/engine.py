"""Lets Atheris choose the bytes of one target: `make fuzz` runs it (tools/fuzz.py says how).

python -m tests.fuzz.engine TARGET [an option or a folder of libFuzzer's …]
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["coulisse", "tomllib", "litestar", "tests"]):
    from tests.fuzz.targets import INPUT_BYTES_MAX, TARGETS


@atheris.instrument_func  # type: ignore[untyped-decorator]
def sing(data: bytes) -> None:
    """Break on one word, which no one finds by chance."""
    if data[:1] == b"c" and data[1:2] == b"o" and data[2:3] == b"u" and data[3:4] == b"l":
        raise AssertionError("the canary sings")


def main() -> None:
    """Run until libFuzzer ends the process."""
    name, *options = sys.argv[1:]
    arguments = [sys.argv[0], f"-max_len={INPUT_BYTES_MAX}", *options]
    atheris.Setup(arguments, sing if name == "canary" else TARGETS[name].run)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
