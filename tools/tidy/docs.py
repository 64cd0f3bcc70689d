"""Rules for the written pages: they must stay true."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from tools.readme_figures import stale_figures
from tools.tidy.tree import Tree

LINK = re.compile(r"(?<!`)\[[^\]\n]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*$", re.MULTILINE)
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
MAKE = re.compile(r"(?:^|`|\$ )make ([a-z][a-z-]*)", re.MULTILINE)
INVARIANT = re.compile(r"\*Invariant:\*.*?(?=\n\s*\n|\n- |\n\*\*|\n#|\Z)", re.DOTALL)


def anchor(heading: str) -> str:
    """Return the fragment by which a heading is linked."""
    kept = re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower())
    return kept.strip().replace(" ", "-")


def resolve(page: str, target: str) -> str | None:
    """Return the path that a relative link leads to, or None where it leaves the tree."""
    parts = [] if target.startswith("/") else list(PurePosixPath(page).parent.parts)
    for part in PurePosixPath(target.lstrip("/")).parts:
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


def dead_links(tree: Tree) -> Iterator[str]:
    """Find relative links to files or headings that are not there."""
    for page, content in tree.select(".md"):
        for match in LINK.finditer(FENCE.sub("", content)):
            target, _, fragment = match.group(1).partition("#")
            if re.match(r"[a-z]+:", target):
                continue
            path = resolve(page, target) if target else page
            if path is None or not (tree.root / path).exists():
                yield f"{page}: dead link to {match.group(1)}"
            elif fragment and path in tree.files:
                headings = HEADING.findall(FENCE.sub("", tree.files[path]))
                if fragment not in {anchor(heading) for heading in headings}:
                    yield f"{page}: no heading `{fragment}` in {path}"


def make_targets(tree: Tree) -> Iterator[str]:
    """Find `make` commands in the pages that the Makefile does not know."""
    makefile = tree.files.get("Makefile", "")
    targets = set(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE))
    for page, content in tree.select(".md"):
        for target in sorted(set(MAKE.findall(content)) - targets):
            yield f"{page}: the Makefile has no target `{target}`"


def decision_index(tree: Tree) -> Iterator[str]:
    """Find decision records that the index does not list."""
    index = tree.files.get("docs/decisions/README.md", "")
    for path, _ in tree.select(".md", under="docs/decisions/"):
        name = path.rsplit("/", 1)[1]
        if name != "README.md" and f"]({name})" not in index:
            yield f"{path}: not listed in docs/decisions/README.md"


def invariants_name_their_keeper(tree: Tree) -> Iterator[str]:
    """Find promises in ARCHITECTURE.md that no test or contract is said to hold."""
    page = tree.files.get("ARCHITECTURE.md", "")
    for match in INVARIANT.finditer(page):
        paths = [target.partition("#")[0] for target in LINK.findall(match.group())]
        if not any(path and (tree.root / path).exists() for path in paths):
            promise = " ".join(match.group().split())[:80]
            yield f"ARCHITECTURE.md: no keeper is linked: {promise}"


def readme_figures(tree: Tree) -> Iterator[str]:
    """Find figures in README.md that its result files do not hold."""
    yield from stale_figures(tree.root)
