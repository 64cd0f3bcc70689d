"""The repository keeps its own rules, and every check of them can fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import generate
from tools.tidy import CHECKS, Tree

ROOT = Path(__file__).resolve().parent.parent
MARKER = "TO" + "DO"
HOST = "pypi" + ".org"
LONG_FUNCTION = "def long() -> None:\n" + "    pass\n" * 60
LOCKED = "a==1 \\\n    --hash=sha256:00\n"

# For each check, a small tree with one fault, and what the check must say about it.
FAULTS: list[tuple[str, dict[str, str], str]] = [
    ("leftover_markers", {"a.rs": f"// {MARKER} later\n"}, "a.rs:1"),
    ("registry_hosts", {"Makefile": f"x:\n\tcurl {HOST}\n"}, "Makefile:2"),
    ("machine_paths", {"docs/a.md": "see /" + "root/.cargo\n"}, "docs/a.md:1"),
    ("line_length", {"a.rs": "/" * 121 + "\n"}, "121 characters"),
    ("module_names", {"python/coulisse/utils.py": ""}, "`utils` names nothing"),
    ("module_names", {"crates/book/src/helpers/a.rs": ""}, "`helpers` names nothing"),
    ("function_length", {"tests/a.py": LONG_FUNCTION}, "long has 61 lines"),
    ("module_length", {"python/coulisse/a.py": "\n" * 401}, "401 lines"),
    ("banned_words", {"a.py": "user_wallet = 1\n"}, "user_wallet"),
    (
        "banned_words",
        {"a.py": "def f(clOrdId: str, trading_pair: str) -> None: ...\n"},
        "trading_pair",
    ),
    ("dead_modules", {"python/coulisse/node/lost.py": ""}, "nothing in the package imports it"),
    (
        "imports_from_the_root",
        {"python/coulisse/domain/a.py": "from coulisse import _core, TradingEngine\n"},
        "takes TradingEngine",
    ),
    ("file_length", {"crates/book/src/a.rs": "\n" * 801}, "801 lines"),
    ("function_length_setting", {"clippy.toml": "too-many-lines-threshold = 100\n"}, "clippy.toml"),
    ("function_length_setting", {}, "missing"),
    ("banned_identifiers", {"a.rs": "struct CoinId(u32);\n"}, "CoinId"),
    ("banned_identifiers", {"a.rs": "    pub locked_balance: i64,\n"}, "locked_balance"),
    (
        "crate_edges",
        {"crates/book/Cargo.toml": "[dependencies]\ncoulisse-engine = {}\n"},
        "book must not stand on engine",
    ),
    (
        "crate_edges",
        {"crates/wire/Cargo.toml": "[dependencies]\npyo3 = '1'\n"},
        "only crates/python",
    ),
    ("crate_edges", {"crates/new/Cargo.toml": ""}, "its place among the crates"),
    (
        "no_std_crates",
        {"crates/types/Cargo.toml": "", "crates/types/src/lib.rs": "//! #![no_std]\n"},
        "does not say #![no_std]",
    ),
    (
        "no_std_crates",
        {"crates/types/Cargo.toml": "[dependencies]\nblake3 = '1'\n"},
        "default-features = false",
    ),
    (
        "no_std_crates",
        {"crates/types/Cargo.toml": "", "crates/types/src/lib.rs": "extern crate std;\n"},
        "brings std back",
    ),
    ("unsafe_code", {"crates/book/src/a.rs": "// SAFETY: no\nunsafe {}\n"}, "crates/python and"),
    ("unsafe_code", {"crates/python/src/a.rs": "fn f() { unsafe {} }\n"}, "without a `// SAFETY"),
    ("dead_links", {"docs/a.md": "[b](../b.md)\n"}, "dead link to ../b.md"),
    ("dead_links", {"a.md": "[b](b.md#here)\n", "b.md": "# There\n"}, "no heading `here`"),
    ("make_targets", {"README.md": "Type `make magic`.\n"}, "no target `magic`"),
    ("decision_index", {"docs/decisions/0001-x.md": ""}, "not listed"),
    (
        "invariants_name_their_keeper",
        {"ARCHITECTURE.md": "*Invariant:* it never fails.\n"},
        "no keeper is linked",
    ),
    ("locks", {"requirements/run.txt": "a==1\n"}, "has no hash"),
    ("locks", {"requirements/run.txt": f"--index-url https://x\n{LOCKED}"}, "names an address"),
    ("locks", {"requirements/run.txt": LOCKED}, "dev.txt: has not a==1"),
    ("locks", {"requirements/run.in": "b\n", "requirements/run.txt": LOCKED}, "has not b"),
    (
        "locks",
        {"requirements/docs.txt": LOCKED, "requirements/dev.txt": LOCKED.replace("1", "2", 1)},
        "a==1 is 2 in dev.txt",
    ),
    ("dependencies", {"pyproject.toml": "[project]\ndependencies = ['a>=1']\n"}, "has not a"),
]


def a_tree(root: Path, files: dict[str, str]) -> Tree:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content, encoding="utf-8")
    return Tree(root)


@pytest.fixture(scope="module")
def repository() -> Tree:
    return Tree(ROOT)


@pytest.mark.parametrize("check", CHECKS)
def test_the_repository_keeps_the_rule(check: str, repository: Tree) -> None:
    faults = list(CHECKS[check](repository))
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(("check", "files", "said"), FAULTS)
def test_a_planted_fault_is_found(
    check: str, files: dict[str, str], said: str, tmp_path: Path
) -> None:
    faults = list(CHECKS[check](a_tree(tmp_path, files)))
    assert any(said in fault for fault in faults), faults


def test_every_check_has_a_planted_fault() -> None:
    assert {check for check, _, _ in FAULTS} | {"readme_figures"} == set(CHECKS)


def test_a_figure_typed_into_readme_by_hand_is_found(tmp_path: Path) -> None:
    begin, end = "<!-- figures: begin; written by", "<!-- figures: end -->"
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    before, _, rest = page.partition(end)
    assert begin in before
    edited = f"{before}| engine | 99,000,000 operations/s |\n{end}{rest}"
    tree = a_tree(tmp_path, {"README.md": edited})
    assert any("figures" in fault for fault in CHECKS["readme_figures"](tree))


def test_words_in_comments_and_literals_are_not_taken_for_code(tmp_path: Path) -> None:
    source = (
        '// unsafe { let wallet = 1; }\nconst S: &str = "unsafe {";\nlet c = \'"\'; // unsafe\n'
    )
    tree = a_tree(tmp_path, {"crates/book/src/a.rs": source})
    assert list(CHECKS["unsafe_code"](tree)) == []
    assert list(CHECKS["banned_identifiers"](tree)) == []


def test_a_sound_unsafe_block_in_its_crate_is_allowed(tmp_path: Path) -> None:
    source = "fn f() {\n    // SAFETY: the pointer came from a live slice.\n    unsafe { g() }\n}\n"
    tree = a_tree(tmp_path, {"crates/python/src/a.rs": source})
    assert list(CHECKS["unsafe_code"](tree)) == []


def test_results_are_rendered_as_they_were_recorded(tmp_path: Path) -> None:
    from tools.readme_figures import cell

    result = {"book_ops_per_s": 12_345_678, "shapes": {"50x32": {"p50_us": 0.4567}}}
    assert cell("{book_ops_per_s:count} operations/s", result) == "12,300,000 operations/s"
    assert cell("{shapes.50x32.p50_us:count} µs", result) == "0.46 µs"


def test_generated_files_are_what_their_generators_write() -> None:
    assert generate.main(check=True) == 0


def test_a_generated_file_edited_by_hand_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(generate, "ROOT", tmp_path)
    monkeypatch.setattr(generate, "GENERATORS", (lambda: {"page.md": "as generated\n"},))
    (tmp_path / "page.md").write_text("as edited\n")
    assert generate.main(check=True) == 1
    assert "page.md is stale" in capsys.readouterr().err
    assert (tmp_path / "page.md").read_text() == "as edited\n"
    assert generate.main(check=False) == 0
    assert (tmp_path / "page.md").read_text() == "as generated\n"
