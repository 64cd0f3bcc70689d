"""Write every generated file again, or with `--check` say which are stale.

A generator is a function that returns what its files should hold, by their paths. To add one, put
it in `GENERATORS`; `make generate` and `make check` then know it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tools.readme_figures import with_figures  # noqa: E402


def readme() -> Mapping[str, str]:
    """README's table of figures, from bench/results."""
    return {"README.md": with_figures(ROOT)}


def protocol() -> Mapping[str, str]:
    """The pages that clients read, from the schema that the core itself decodes by."""
    from coulisse import _core

    return {f"docs/protocol/{name}": page for name, page in _core.protocol_docs()}


GENERATORS: tuple[Callable[[], Mapping[str, str]], ...] = (readme, protocol)


def main(*, check: bool) -> int:
    """Write, or compare; return the exit code."""
    stale = 0
    for generator in GENERATORS:
        for name, content in generator().items():
            path = ROOT / name
            if path.exists() and path.read_text(encoding="utf-8") == content:
                continue
            stale += 1
            if check:
                print(f"{name} is stale: run make generate", file=sys.stderr)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(content, encoding="utf-8")
                print(f"wrote {name}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main(check="--check" in sys.argv[1:]))
