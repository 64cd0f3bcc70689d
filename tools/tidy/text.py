"""Rules for every text file, whatever its language."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from tools.tidy.tree import Tree

# Code is 100 wide (ruff and rustfmt keep that); a table in a comment or a message may need more.
LINE_CHARS_MAX = 120
# Built from parts, so that this file does not break the rules it keeps.
# A symbol may be made of three X; a note to somebody is followed by what it says.
MARKERS = re.compile(
    r"\b(?:" + "|".join(("TO" + "DO", "FIX" + "ME", "HA" + "CK", "X{3}(?=[: (]|$)")) + r")\b",
)
# A literal is as wide as what it quotes; rustfmt cannot break it and a reader would not want it.
LITERAL = re.compile(r'r#".*?"#|"(?:\\.|[^"\\])*"')
HOSTS = re.compile(
    "|".join(
        re.escape(".".join(parts))
        for parts in (
            ("pypi", "org"), ("pythonhosted", "org"), ("crates", "io"), ("npmjs", "org"),
            ("npmjs", "com"), ("golang", "org"), ("deb", "debian", "org"), ("maven", "org"),
            ("maven", "apache", "org"), ("ghcr", "io"),
        )
    )
)  # fmt: skip
MACHINE_PATHS = re.compile(r"(?<![\w.$})~/-])/(?:work|root|home|opt/wheels)/[\w.]")
VAGUE_NAMES = frozenset({"util", "utils", "common", "helper", "helpers", "misc", "stuff"})


def each_line(tree: Tree, pattern: re.Pattern[str], fault: str, *exempt: str) -> Iterator[str]:
    """Yield one sentence for each line that `pattern` finds."""
    for path, content in tree.files.items():
        if path in exempt or not pattern.search(content):
            continue
        for number, line in enumerate(content.splitlines(), 1):
            if match := pattern.search(line):
                yield f"{path}:{number}: {fault}: {match.group()}"


def leftover_markers(tree: Tree) -> Iterator[str]:
    """Find notes to finish something later: an issue holds those, the tree does not."""
    yield from each_line(tree, MARKERS, "leftover marker")


def registry_hosts(tree: Tree) -> Iterator[str]:
    """Find package registries by name: which one is used is the user's business.

    A Cargo.lock stays as cargo writes it.
    """
    locks = [path for path in tree.files if path.endswith("Cargo.lock")]
    yield from each_line(tree, HOSTS, "registry host", *locks)


def machine_paths(tree: Tree) -> Iterator[str]:
    """Find paths that exist on one machine only."""
    yield from each_line(tree, MACHINE_PATHS, "path of one machine")


def line_length(tree: Tree) -> Iterator[str]:
    """Find source lines wider than a screen (rustfmt leaves comments and strings alone)."""
    for path, content in tree.select(".py", ".pyi", ".rs", ".sh"):
        for number, line in enumerate(content.splitlines(), 1):
            width = len(LITERAL.sub('""', line))
            if width > LINE_CHARS_MAX:
                yield f"{path}:{number}: {width} characters, at most {LINE_CHARS_MAX}"


def module_names(tree: Tree) -> Iterator[str]:
    """Find rooms named after nothing: what is in there has a name of its own."""
    for path, _ in tree.select(".py", ".rs", ".ts"):
        parts = {part.split(".")[0] for part in PurePosixPath(path).parts}
        for name in sorted(parts & VAGUE_NAMES):
            yield f"{path}: `{name}` names nothing; say what it holds"
