"""The locks of the image, cut out of the repository's: what is tested is what is installed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

BUILDS: Final = frozenset({"maturin"})
"""Of run.txt, what builds the wheel and does not run it."""
EXTRAS: Final = frozenset(
    {
        "async-timeout", "numpy", "questdb", "redis",
        "charset-normalizer", "googleapis-common-protos", "protobuf", "requests", "urllib3",
    }
)  # fmt: skip
OTEL: Final = "opentelemetry-"
"""Of dev.txt, what the extras `questdb`, `redis` and `otel` ask for, with what they need."""
FOLDER: Final = "deploy/image"


def image_locks(root: Path) -> Mapping[str, str]:
    """Return the lock of what builds the wheel, and that of what runs."""
    run, dev = (_blocks(root / "requirements" / f"{group}.txt") for group in ("run", "dev"))
    runs = [block for name, block in run if name not in BUILDS]
    extras = [block for name, block in dev if name in EXTRAS or name.startswith(OTEL)]
    builds = [block for name, block in run if name in BUILDS]
    return {
        f"{FOLDER}/maturin.txt": "".join(builds),
        f"{FOLDER}/packages.txt": "".join(sorted([*runs, *extras])),
    }


def _blocks(lock: Path) -> list[tuple[str, str]]:
    """Return each package of a lock with its lines."""
    text = lock.read_text(encoding="utf-8")
    blocks = [block for block in re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE) if block]
    return [(block.split("==")[0], block) for block in blocks]
