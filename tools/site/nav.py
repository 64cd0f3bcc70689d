"""The site's list of pages: `mkdocs.yml` says it, with a line `folder/*` for all pages of a folder.

Only the standard library and no MkDocs: `tests/test_site.py` reads it too, and builds no site.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

ROOT_PAGES = {
    "README.md": "project/readme.md",
    "ARCHITECTURE.md": "project/architecture.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "SECURITY.md": "project/security.md",
    "CHANGELOG.md": "project/changelog.md",
}
"""Pages of the repository's root, and where the site shows them."""


def pages_of(nav: Iterable[Any]) -> Iterator[str]:
    """Yield the paths that a nav names, in its order."""
    for item in nav:
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            for under in item.values():
                yield from pages_of([under] if isinstance(under, str) else under)


def expanded(nav: Iterable[Any], docs: Path) -> list[Any]:
    """Return the nav with each `folder/*` replaced by the pages of it that are not named."""
    nav = list(nav)
    named = set(pages_of(nav))

    def expand(items: Iterable[Any]) -> Iterator[Any]:
        for item in items:
            if isinstance(item, str) and item.endswith("/*"):
                folder = item.removesuffix("/*")
                found = (f"{folder}/{path.name}" for path in sorted((docs / folder).glob("*.md")))
                yield from (page for page in found if page not in named)
            elif isinstance(item, dict):
                yield {
                    title: under if isinstance(under, str) else list(expand(under))
                    for title, under in item.items()
                }
            else:
                yield item

    return list(expand(nav))


def faults(nav: Iterable[Any], docs: Path) -> Iterator[str]:
    """Say which page of `docs` the nav has not, which it has twice, and which there is not."""
    named = list(pages_of(expanded(nav, docs)))
    there = {path.relative_to(docs).as_posix() for path in docs.rglob("*.md")}
    for page in sorted(there - set(named)):
        yield f"docs/{page}: not in the nav of mkdocs.yml; give it a line where its readers look"
    for page in sorted(set(named) - there - set(ROOT_PAGES.values())):
        yield f"mkdocs.yml: names {page}, which docs/ has not"
    for page in sorted({page for page in named if named.count(page) > 1}):
        yield f"mkdocs.yml: names {page} more than once"
