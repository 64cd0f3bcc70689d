"""Which pages have figures, and how their blocks are filled."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from tools.figures.capacity import BLOCKS as CAPACITY
from tools.figures.recovery import BLOCKS as RECOVERY
from tools.figures.source import Results

Block = Callable[[Results], str]
PAGES: Mapping[str, Mapping[str, Block]] = {
    "docs/operating/capacity.md": CAPACITY,
    "docs/operating/recovery.md": RECOVERY,
}
MARKED = re.compile(
    r"(<!-- figures (\w+): begin[^>]*-->\n).*?(<!-- figures \2: end -->)", re.DOTALL
)


def filled(root: Path) -> Iterator[tuple[str, str]]:
    """Yield each page with its blocks as the results say. Raises `ValueError` for lost marks."""
    for name, blocks in PAGES.items():
        results = Results(root)
        # The files that were read are known once all else is written.
        texts = {block: make(results) for block, make in blocks.items()}
        texts["sources"] = results.sources()
        page = (root / name).read_text(encoding="utf-8")
        marked = [match[1] for match in MARKED.findall(page)]
        if sorted(marked) != sorted(texts):
            raise ValueError(f"{name} has the blocks {marked}, its figures are {list(texts)}")
        yield name, _written(page, texts)


def _written(page: str, texts: Mapping[str, str]) -> str:
    return MARKED.sub(lambda match: f"{match[1]}\n{texts[match[2]]}\n\n{match[3]}", page)
