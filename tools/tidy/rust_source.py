"""Rules for the crates: their edges, what they may not contain, and the words they use."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Any

from tools.tidy.tree import Tree

FILE_LINES_MAX = 800
FUNCTION_LINES_SETTING = "too-many-lines-threshold = 60"
# Which of our crates a crate may depend on. `python` stands on all of them but `bench`.
EDGES = {
    "types": set[str](),
    "book": {"types"},
    "engine": {"types", "book"},
    "wire": {"types"},
    "journal": {"types"},
    "gateway": {"types", "wire"},
    "projections": {"types"},
    "python": {"types", "book", "engine", "wire", "journal", "gateway", "projections"},
    "bench": {"types", "book", "engine", "wire", "gateway"},
    "fuzz": {"types", "engine", "wire", "journal", "gateway"},
}
NO_STD = ("types", "book", "engine", "wire")
MAY_BE_UNSAFE = ("crates/python/", "crates/bench/")
SAFETY_LINES_ABOVE = 8
# Whole words of an identifier (`_` and capitals part them), and compounds of them. Only those that
# cannot mean anything else here: `pair`, `market` or `amount` have honest uses too.
BANNED_WORDS = frozenset({"wallet", "wallets", "cloid", "coin", "coins", "slave", "inventory"})
BANNED_COMPOUNDS = (
    "trading_pair", "currency_pair", "asset_pair", "order_size", "order_volume", "locked_balance",
    "frozen_balance", "write_ahead_log", "price_precision", "qty_precision",
)  # fmt: skip
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
NAMED = re.compile(
    r"\b(?:fn|let|let mut|struct|enum|trait|mod|const|static|type|union)\s+(?:mut\s+)?(\w+)"
    r"|^\s*(?:pub(?:\([a-z]+\))?\s+)?(\w+)\s*:(?!:)"
)
NOT_CODE = re.compile(
    r"//[^\n]*"
    r"|/\*.*?\*/"
    r'|b?r(#*)".*?"\1'
    r'|b?"(?:\\.|[^"\\])*"'
    r"|b?'(?:\\.[^']*|[^'\\])'",
    re.DOTALL,
)


def banned_word(identifier: str) -> str | None:
    """Return the word in `identifier` that the glossary replaces by another, if any."""
    words: list[str] = [word.lower() for word in WORD.findall(identifier)]
    for word in words:
        if word in BANNED_WORDS:
            return word
    joined = f"_{'_'.join(words)}_"
    compounds = [word for word in BANNED_COMPOUNDS if f"_{word}_" in joined]
    return compounds[0] if compounds else None


def code_lines(content: str) -> list[str]:
    """Return the lines of a Rust source with comments and literals blanked."""
    blank = NOT_CODE.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), content)
    return blank.split("\n")


def manifests(tree: Tree) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the short name and the manifest of every crate of the workspace."""
    for path, content in tree.select("/Cargo.toml", under="crates/"):
        crate, *inner = path.removeprefix("crates/").split("/")
        if inner == ["Cargo.toml"]:
            yield crate, tomllib.loads(content)


def file_length(tree: Tree) -> Iterator[str]:
    """Find source files that are more than one room."""
    for path, content in tree.select(".rs"):
        lines = content.count("\n")
        if lines > FILE_LINES_MAX:
            yield f"{path}: {lines} lines, at most {FILE_LINES_MAX}"


def function_length_setting(tree: Tree) -> Iterator[str]:
    """See that clippy, which counts the lines of functions, is told how many may be."""
    for path, content in tree.select("clippy.toml"):
        if FUNCTION_LINES_SETTING not in content:
            yield f"{path}: does not say `{FUNCTION_LINES_SETTING}`"
    if "clippy.toml" not in tree.files:
        yield "clippy.toml: missing, so the crates without their own count to 100"


def banned_identifiers(tree: Tree) -> Iterator[str]:
    """Find names that say a thing by another word than the glossary's."""
    for path, content in tree.select(".rs"):
        for number, line in enumerate(code_lines(content), 1):
            for found in NAMED.finditer(line):
                name = found.group(1) or found.group(2)
                if word := banned_word(name):
                    yield f"{path}:{number}: `{name}`: the glossary has another word for {word}"


def crate_edges(tree: Tree) -> Iterator[str]:
    """Find dependencies against the grain, and PyO3 below `crates/python`."""
    for crate, manifest in manifests(tree):
        if crate not in EDGES:
            yield f"crates/{crate}: its place among the crates is not said in tools/tidy"
            continue
        for kind in ("dependencies", "build-dependencies"):
            for name in manifest.get(kind, {}):
                ours = name.removeprefix("coulisse-")
                if ours != name and ours not in EDGES[crate]:
                    yield f"crates/{crate}/Cargo.toml: {crate} must not stand on {ours}"
                if name.startswith("pyo3") and crate != "python":
                    yield f"crates/{crate}/Cargo.toml: only crates/python names {name}"


def no_std_crates(tree: Tree) -> Iterator[str]:
    """See that the deterministic crates have no clock, file, thread or random hasher to reach for.

    Their dependencies must not bring `std` back: ours are checked here too, others are taken
    without their default features.
    """
    for crate, manifest in manifests(tree):
        if crate not in NO_STD:
            continue
        path = f"crates/{crate}/src/lib.rs"
        source = "\n".join(code_lines(tree.files.get(path, "")))
        for attribute in ("#![no_std]", "#![forbid(unsafe_code)]"):
            if attribute not in source:
                yield f"{path}: does not say {attribute}"
        if re.search(r"(?<!#\[cfg\(test\)\]\n)^extern crate std\b", source, re.MULTILINE):
            yield f"{path}: brings std back"
        for name, asked in manifest.get("dependencies", {}).items():
            plain = not isinstance(asked, dict) or asked.get("default-features", True)
            if plain and not name.startswith("coulisse-"):
                yield f"crates/{crate}/Cargo.toml: {name} needs default-features = false"


def unsafe_code(tree: Tree) -> Iterator[str]:
    """Find `unsafe` where it is forbidden, and where nobody says why it is sound."""
    for path, content in tree.select(".rs"):
        lines = content.split("\n")
        for number, line in enumerate(code_lines(content)):
            if not re.search(r"\bunsafe\b(?!_)", line):
                continue
            if not path.startswith(MAY_BE_UNSAFE):
                yield f"{path}:{number + 1}: unsafe is for crates/python and crates/bench only"
                continue
            above = "\n".join(lines[max(0, number - SAFETY_LINES_ABOVE) : number + 1])
            if "SAFETY:" not in above and "# Safety" not in above:
                yield f"{path}:{number + 1}: unsafe without a `// SAFETY:` comment above it"
