"""Rules for what is installed: locks and declared dependencies agree."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator

from tools.tidy.tree import Tree

PIN = re.compile(r"^([a-z0-9][a-z0-9.-]*)==(\S+)", re.MULTILINE)
NAME = re.compile(r"^([A-Za-z0-9][A-Za-z0-9_.-]*)")
# In run.in because `make run` builds with it; the package itself never imports it.
BUILD_ONLY = frozenset({"maturin"})


def pins(tree: Tree, group: str) -> dict[str, str]:
    """Return the exact versions in a lock."""
    return dict(PIN.findall(tree.files.get(f"requirements/{group}.txt", "")))


def names(lines: list[str]) -> set[str]:
    """Return the package names at the head of requirement lines."""
    found = (NAME.match(line.strip()) for line in lines)
    return {match.group(1).lower().replace("_", "-") for match in found if match}


def locks(tree: Tree) -> Iterator[str]:
    """See that the locks check every file, hold no address, and agree with each other."""
    for path, content in tree.select(".txt", under="requirements/"):
        if path.endswith("system.txt"):
            continue
        if re.search(
            r"https?:|^\s*(-i|--index-url|--extra-index-url|--find-links)\b", content, re.M
        ):
            yield f"{path}: names an address; a lock holds versions and hashes"
        for block in re.split(r"\n(?=[a-z0-9])", content):
            if PIN.match(block) and "--hash=sha256:" not in block:
                yield f"{path}: {block.split()[0]} has no hash"
    dev = pins(tree, "dev")
    for name, version in pins(tree, "run").items():
        if dev.get(name) != version:
            yield f"requirements/dev.txt: has not {name}=={version}, which run.txt has"
    for name, version in pins(tree, "docs").items():
        if dev.get(name, version) != version:
            yield f"requirements/docs.txt: {name}=={version} is {dev[name]} in dev.txt"
    for group in ("run", "dev", "docs"):
        wanted = names(tree.files.get(f"requirements/{group}.in", "").splitlines())
        for name in sorted(wanted - set(pins(tree, group))):
            yield f"requirements/{group}.txt: has not {name}, which {group}.in asks for"


def dependencies(tree: Tree) -> Iterator[str]:
    """See that the package declares what run.in installs, and the other way round."""
    declared = tomllib.loads(tree.files.get("pyproject.toml", "")).get("project", {})
    asked = names(declared.get("dependencies", []))
    installed = names(tree.files.get("requirements/run.in", "").splitlines()) - BUILD_ONLY
    for name in sorted(asked ^ installed):
        where = "pyproject.toml" if name in installed else "requirements/run.in"
        yield f"{where}: has not {name}, which the other asks for"
