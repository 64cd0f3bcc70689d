"""The version: it stands in Cargo.toml, and what cannot read it there is kept equal to it.

The extension is built with it, and Python, `/healthz`, the metrics (`coulisse_node_info`) and the
wheel take it from the extension.
"""

from __future__ import annotations

import datetime
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tools.release.changelog import UNRELEASED, ChangelogError, cut, order_of, sections

HOME: Final = "Cargo.toml"
CHANGELOG: Final = "CHANGELOG.md"
CHART: Final = "deploy/helm/coulisse/Chart.yaml"
MANIFESTS: Final = (HOME, "crates/fuzz/engine/Cargo.toml")
PLACES: Final = (
    (HOME, re.compile(r'^(version = ")([^"]*)(")$', re.MULTILINE)),
    (CHART, re.compile(r"^(version: )(.*)()$", re.MULTILINE)),
    (CHART, re.compile(r'^(appVersion: ")([^"]*)(")$', re.MULTILINE)),
)


class ReleaseError(Exception):
    """Why no release is made, in words for the person who makes it."""


def stated(root: Path) -> list[tuple[str, str]]:
    """Return each place that states the version, with what it states, the home of it first."""
    found = []
    for name, pattern in PLACES:
        places = pattern.findall((root / name).read_text(encoding="utf-8"))
        if len(places) != 1:
            raise ReleaseError(f"{name}: states a version {len(places)} times")
        found.append((name, places[0][1]))
    return found


def version(root: Path) -> str:
    """Return the version. Raises `ReleaseError` where two places state another."""
    (_, wanted), *others = stated(root)
    for name, found in others:
        if found != wanted:
            raise ReleaseError(f"{name} states {found}, {HOME} states {wanted}")
    return wanted


def prepare(root: Path, wanted: str, today: datetime.date) -> Mapping[str, str]:
    """Return the files that a release of `wanted` changes, with their new text; write nothing.

    Raises `ReleaseError`.
    """
    try:
        if order_of(wanted) < order_of(version(root)):
            raise ReleaseError(f"{wanted} is below {version(root)}, which {HOME} states")
        text = (root / CHANGELOG).read_text(encoding="utf-8")
        files = {CHANGELOG: cut(text, wanted, today)}
    except ChangelogError as error:
        raise ReleaseError(f"{CHANGELOG}: {error}") from None
    for name, pattern in PLACES:
        text = files.get(name) or (root / name).read_text(encoding="utf-8")
        files[name] = pattern.sub(rf"\g<1>{wanted}\g<3>", text)
    return files


def cut_release(root: Path, wanted: str, today: datetime.date) -> None:
    """Write what a release of `wanted` changes. Raises `ReleaseError`."""
    changed = subprocess.check_output(["git", "status", "--porcelain"], cwd=root, text=True)
    if changed:
        raise ReleaseError("something here is not committed; a release is a commit of its own")
    for name, text in prepare(root, wanted, today).items():
        (root / name).write_text(text, encoding="utf-8")
    # Both locks name the version of each crate of ours; nothing else in them may move.
    for manifest in MANIFESTS:
        command = ["cargo", "update", "--workspace", "--offline", "--quiet"]
        subprocess.run([*command, "--manifest-path", manifest], cwd=root, check=True)


def verify(root: Path, tag: str) -> str:
    """See that `tag` is the release that the files say; return its version.

    Raises `ReleaseError`.
    """
    wanted = version(root)
    if tag != f"v{wanted}":
        raise ReleaseError(f"the tag is {tag}, and {HOME} states {wanted}")
    try:
        unreleased, *released = sections((root / CHANGELOG).read_text(encoding="utf-8"))
    except ChangelogError as error:
        raise ReleaseError(f"{CHANGELOG}: {error}") from None
    if not released or released[0].name != wanted:
        raise ReleaseError(f"{CHANGELOG}: its newest release is not {wanted}")
    if unreleased.body:
        raise ReleaseError(f"{CHANGELOG}: something stands under {UNRELEASED}")
    return wanted
