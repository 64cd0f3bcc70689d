"""CHANGELOG.md, in the form of Keep a Changelog: read, checked, and cut where a release is made.

    ## [Unreleased]
    ### Added
    ## [0.2.0] - 2026-11-26
    ### Added

Only the standard library: CI reads the notes of a release before anything is installed.
"""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from typing import Final

UNRELEASED: Final = "Unreleased"
GROUPS: Final = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
VERSION: Final = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")
HEADING: Final = re.compile(r"## \[(?P<name>[^\]]+)\](?: - (?P<date>\d{4}-\d{2}-\d{2}))?")


class ChangelogError(Exception):
    """What is wrong with the changelog, with its line."""


@dataclass(frozen=True, slots=True)
class Section:
    """What changed in one version."""

    name: str
    """The version, or `Unreleased`."""
    date: datetime.date | None
    body: str
    """The text below its heading, without empty lines around it."""


def order_of(version: str) -> tuple[int, ...]:
    """Return what sorts versions. Raises `ChangelogError` for one that is none."""
    if VERSION.fullmatch(version) is None:
        raise ChangelogError(f"{version!r} is no version: three numbers, as in 0.2.0")
    return tuple(int(part) for part in version.split("."))


def sections(text: str) -> list[Section]:
    """Return the sections, `Unreleased` first. Raises `ChangelogError`."""
    found: list[Section] = []
    at: tuple[str, datetime.date | None] | None = None
    lines: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("## "):
            if at is not None:
                found.append(Section(*at, "\n".join(lines).strip()))
            at, lines = _heading(line, number), []
            continue
        if line.startswith("### ") and line[4:] not in GROUPS:
            raise ChangelogError(f"line {number}: {line[4:]!r} is none of {', '.join(GROUPS)}")
        lines.append(line)
    if at is not None:
        found.append(Section(*at, "\n".join(lines).strip()))
    _check(found)
    return found


def _heading(line: str, number: int) -> tuple[str, datetime.date | None]:
    match = HEADING.fullmatch(line)
    if match is None:
        raise ChangelogError(f"line {number}: not `## [VERSION] - YYYY-MM-DD`: {line}")
    name = match["name"]
    if name == UNRELEASED:
        if match["date"] is not None:
            raise ChangelogError(f"line {number}: what is not released has no date")
        return name, None
    order_of(name)
    try:
        return name, datetime.date.fromisoformat(match["date"] or "")
    except ValueError:
        raise ChangelogError(f"line {number}: {name} has no date that is one") from None


def _check(found: list[Section]) -> None:
    if not found or found[0].name != UNRELEASED:
        raise ChangelogError(f"its first section is not `## [{UNRELEASED}]`")
    released = [order_of(section.name) for section in found[1:] if section.name != UNRELEASED]
    if len(released) != len(found) - 1 or released != sorted(set(released), reverse=True):
        raise ChangelogError("versions do not stand once each, the newest first")
    for section in found[1:]:
        if not section.body:
            raise ChangelogError(f"{section.name} says nothing")


def notes(text: str, version: str) -> str:
    """Return what changed in a version. Raises `ChangelogError` where it is not there."""
    for section in sections(text):
        if section.name == version:
            return section.body
    raise ChangelogError(f"there is no section of {version}")


def cut(text: str, version: str, date: datetime.date) -> str:
    """Return the text with what is unreleased as that of `version`. Raises `ChangelogError`."""
    unreleased, *released = sections(text)
    if not unreleased.body:
        raise ChangelogError("nothing is unreleased")
    if released and order_of(version) <= order_of(released[0].name):
        raise ChangelogError(f"{version} is not above {released[0].name}, the newest released")
    order_of(version)
    heading = f"## [{UNRELEASED}]\n"
    return text.replace(heading, f"{heading}\n## [{version}] - {date.isoformat()}\n", 1)
