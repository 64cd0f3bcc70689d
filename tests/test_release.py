"""Releases: the changelog's form, the one version, the wheel and what goes beside it, audits."""

from __future__ import annotations

import datetime
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tools.release.audit import Looked, Outcome, exit_code, of_cargo_deny, of_pip_audit
from tools.release.changelog import ChangelogError, cut, notes, sections
from tools.release.sbom import SbomError, compiled, composed, locked, rust_half
from tools.release.trial import TrialError, install, try_wheel
from tools.release.version import PLACES, ReleaseError, prepare, stated, verify, version
from tools.release.wheel import SUMS, WheelError, build, built_for, faults, gather, sums

ROOT = Path(__file__).resolve().parent.parent
TODAY = datetime.date(2026, 11, 26)
TEXT = """# Changelog

## [Unreleased]

### Added

- A thing.

## [0.2.0] - 2026-11-20

### Fixed

- Another.

## [0.1.0] - 2026-11-01

### Added

- All.
"""


def test_the_changelog_of_this_repository_can_be_read() -> None:
    unreleased, *_ = sections((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    assert unreleased.name == "Unreleased"


def test_a_cut_moves_what_is_unreleased_under_a_version_with_its_date() -> None:
    after = cut(TEXT, "0.3.0", TODAY)
    found = sections(after)
    assert [section.name for section in found] == ["Unreleased", "0.3.0", "0.2.0", "0.1.0"]
    assert found[0].body == "" and found[1].date == TODAY
    assert notes(after, "0.3.0") == "### Added\n\n- A thing."
    assert notes(after, "0.1.0") == notes(TEXT, "0.1.0")


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("## [Unreleased]", "## Unreleased", "line 3: not `## [VERSION] - YYYY-MM-DD`"),
        ("## [Unreleased]\n", "", "first section is not"),
        ("### Fixed", "### Mended", "line 11: 'Mended' is none of Added"),
        ("2026-11-20", "2026-13-20", "line 9: 0.2.0 has no date"),
        (" - 2026-11-20", "", "line 9: 0.2.0 has no date"),
        ("[0.2.0]", "[0.0.9]", "newest first"),
        ("[0.2.0]", "[0.1.0]", "once each"),
        ("[0.2.0]", "[0.2]", "'0.2' is no version"),
        ("### Fixed\n\n- Another.\n", "", "0.2.0 says nothing"),
    ],
)
def test_a_changelog_of_another_form_is_refused_with_its_line(
    before: str, after: str, said: str
) -> None:
    assert before in TEXT
    with pytest.raises(ChangelogError) as refused:
        sections(TEXT.replace(before, after, 1))
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("wanted", "text", "said"),
    [
        ("0.2.0", TEXT, "0.2.0 is not above 0.2.0"),
        ("0.1.9", TEXT, "0.1.9 is not above 0.2.0"),
        ("1.0", TEXT, "'1.0' is no version"),
        ("0.3.0", TEXT.replace("### Added\n\n- A thing.\n", "", 1), "nothing is unreleased"),
    ],
)
def test_a_version_that_cannot_be_is_not_cut(wanted: str, text: str, said: str) -> None:
    with pytest.raises(ChangelogError) as refused:
        cut(text, wanted, TODAY)
    assert said in str(refused.value)


def a_tree(root: Path, changelog: str = TEXT) -> Path:
    """The files that state a version, as they are here, and a changelog."""
    for name, _ in PLACES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, root / name)
    (root / "CHANGELOG.md").write_text(changelog)
    return root


def test_all_places_state_one_version_and_another_one_is_found(tmp_path: Path) -> None:
    assert len({said for _, said in stated(ROOT)}) == 1
    from coulisse import __version__

    assert version(ROOT) == __version__
    tree = a_tree(tmp_path)
    chart = tree / "deploy/helm/coulisse/Chart.yaml"
    chart.write_text(chart.read_text().replace(f'appVersion: "{__version__}"', 'appVersion: "9"'))
    with pytest.raises(ReleaseError, match=r"Chart\.yaml states 9, Cargo\.toml states"):
        version(tree)


def test_a_release_is_prepared_in_every_place_and_then_its_tag_is_good(tmp_path: Path) -> None:
    tree = a_tree(tmp_path)
    files = prepare(tree, "0.3.0", TODAY)
    assert set(files) == {"CHANGELOG.md", *(name for name, _ in PLACES)}
    for name, text in files.items():
        (tree / name).write_text(text)
    assert [said for _, said in stated(tree)] == ["0.3.0"] * len(PLACES)
    assert verify(tree, "v0.3.0") == "0.3.0"
    with pytest.raises(ReleaseError, match=r"the tag is v0\.3\.1"):
        verify(tree, "v0.3.1")
    spoilt = files["CHANGELOG.md"].replace("## [Unreleased]\n", "## [Unreleased]\n\nMore.\n")
    (tree / "CHANGELOG.md").write_text(spoilt)
    with pytest.raises(ReleaseError, match="something stands under Unreleased"):
        verify(tree, "v0.3.0")


def test_the_tag_of_a_version_that_was_not_cut_is_refused(tmp_path: Path) -> None:
    tree = a_tree(tmp_path, TEXT.replace("0.1.0", "0.0.1"))
    with pytest.raises(ReleaseError, match="its newest release is not"):
        verify(tree, f"v{version(tree)}")


def test_the_version_never_goes_back(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match=r"0\.0\.1 is below"):
        prepare(a_tree(tmp_path), "0.0.1", TODAY)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, of the core that set-up has built already."""
    return build(tmp_path_factory.mktemp("dist"))


@pytest.mark.timeout(1200)  # where set-up built another profile, the core is built here
def test_the_wheel_installs_into_a_fresh_venv_and_runs_the_demo(
    wheel: Path, tmp_path: Path
) -> None:
    (packages,) = Path(sys.prefix).glob("lib/python3*/site-packages")
    programs = install(wheel, tmp_path / "venv", packages)
    try_wheel(programs, version(ROOT), tmp_path)
    with pytest.raises(TrialError, match=r"--version said .*, not 'coulisse 9\.9\.9"):
        try_wheel(programs, "9.9.9", tmp_path)


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path, tmp_path: Path) -> None:
    assert list(faults(wheel, version(ROOT))) == []
    spoilt = tmp_path / "coulisse-0.0.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as whole, zipfile.ZipFile(spoilt, "w") as archive:
        for name in whole.namelist():
            if not name.endswith(("page.js", "entry_points.txt")):
                archive.writestr(name, whole.read(name))
        archive.writestr("coulisse/test_it.py", "")
    assert list(faults(spoilt, version(ROOT))) == [
        "coulisse/gateway/page/page.js is not in it, or is another",
        "coulisse/test_it.py is in it, and not in the source",
        "its entry point is not `coulisse`",
        "its name does not say that it is for every Python from 3.11 on, on any Linux",
    ]


def test_the_wheel_says_which_processor_it_is_built_for(wheel: Path) -> None:
    from coulisse import _core

    assert built_for(wheel) == _core.BUILT_FOR


def a_python_half() -> dict[str, Any]:
    return {
        "components": [
            {"name": "Ruamel.Yaml", "version": "1.0", "bom-ref": "Ruamel.Yaml==1.0",
             "purl": "pkg:pypi/ruamel.yaml@1.0"},
            {"name": "mypy", "version": "2.0", "bom-ref": "mypy==2.0",
             "purl": "pkg:pypi/mypy@2.0"},
        ],
        "dependencies": [{"ref": "Ruamel.Yaml==1.0", "dependsOn": ["mypy==2.0"]}],
    }  # fmt: skip


def test_the_bill_of_materials_names_what_is_compiled_in_and_what_it_runs_with(
    wheel: Path,
) -> None:
    packages = locked("ruamel-yaml==0.9 ; python_version < '3.9' \\\nruamel-yaml==1.0 \\\n")
    crates = compiled("x86_64-unknown-linux-gnu")
    bom = composed(wheel, (rust_half(wheel), a_python_half()), crates, packages)
    found = {one["purl"].partition("@")[0] for one in bom["components"]}
    assert {"pkg:cargo/pyo3", "pkg:cargo/sha2", "pkg:cargo/coulisse-engine"} <= found
    # For other systems, and for tests.
    assert "pkg:cargo/windows-sys" not in found and "pkg:pypi/mypy" not in found
    assert "pkg:pypi/ruamel.yaml" in found
    root, *edges = bom["dependencies"]
    assert root["ref"] == "coulisse"
    assert root["dependsOn"] == [f"coulisse-python@{version(ROOT)}", "Ruamel.Yaml==1.0"]
    refs = {one["bom-ref"] for one in bom["components"]}
    assert all(set(edge.get("dependsOn", ())) <= refs and edge["ref"] in refs for edge in edges)
    # No folder of the machine that built it.
    assert str(ROOT) not in json.dumps(bom)


def test_a_bill_that_would_leave_something_out_is_not_written(wheel: Path) -> None:
    rust = rust_half(wheel)
    with pytest.raises(SbomError, match="compiled, and not in the wheel's bill"):
        composed(wheel, (rust, a_python_half()), {("unheard-of", "1.0.0")}, {})
    with pytest.raises(SbomError, match=r"mypy 2\.0 is here, and not in the lock"):
        composed(wheel, (rust, a_python_half()), set(), {"mypy": {"1.0"}})


def parts(folder: Path) -> Path:
    """What two machines have built."""
    for arch in ("x86_64", "aarch64"):
        (folder / arch).mkdir(parents=True)
        (folder / arch / f"coulisse_{arch}.whl").write_text(arch)
        sums(folder / arch)
    return folder


def test_what_several_machines_have_built_is_gathered_and_summed_up(tmp_path: Path) -> None:
    gather(parts(tmp_path / "parts"), tmp_path / "out")
    checked = subprocess.run(
        ["sha256sum", "--check", "--strict", SUMS], cwd=tmp_path / "out", capture_output=True
    )
    assert checked.returncode == 0 and checked.stdout.count(b": OK") == 2


@pytest.mark.parametrize(
    ("name", "said"),
    [("aarch64/coulisse_aarch64.whl", "not what it was"), ("aarch64/more.whl", "are not those")],
)
def test_what_changed_on_the_way_is_not_gathered(name: str, said: str, tmp_path: Path) -> None:
    (parts(tmp_path / "parts") / name).write_text("other")
    with pytest.raises(WheelError, match=said):
        gather(tmp_path / "parts", tmp_path / "out")


def a_line(kind: str, **fields: object) -> str:
    return json.dumps({"type": kind, "fields": fields}) + "\n"


SUMMARY = a_line("summary", advisories={"errors": 0})
NO_DATABASE = a_line("log", level="ERROR", message="failed to fetch advisory database\nmore")


def test_cargo_deny_is_clean_only_where_it_came_to_its_summary() -> None:
    fault = a_line("diagnostic", severity="error", message="an advisory") + SUMMARY
    warning = a_line("diagnostic", severity="warning", message="twice") + SUMMARY
    assert of_cargo_deny("a", 1, fault) == Looked("a", Outcome.FOUND, "an advisory")
    assert of_cargo_deny("a", 0, warning) == Looked("a", Outcome.CLEAN)
    unchecked = Looked("a", Outcome.UNCHECKED, "failed to fetch advisory database")
    assert of_cargo_deny("a", 1, NO_DATABASE) == unchecked
    assert of_cargo_deny("a", 0, "") == Looked("a", Outcome.UNCHECKED, "it said nothing")


def test_a_registry_that_knows_no_advisories_has_checked_nothing() -> None:
    clean = {"name": "a", "version": "1", "vulns": []}
    broken = {"name": "b", "version": "2", "vulns": [{"id": "CVE-1"}, {"id": "CVE-2"}]}
    skipped = {"name": "c", "skip_reason": "not found"}

    def judged(*packages: object) -> Looked:
        return of_pip_audit("p", json.dumps({"dependencies": packages}), "")

    assert judged(clean) == Looked("p", Outcome.CLEAN, "1 packages")
    assert judged(clean, skipped, broken) == Looked("p", Outcome.FOUND, "b 2: CVE-1 CVE-2")
    said = "the registry told nothing of 1 of 2 packages"
    assert judged(clean, skipped) == Looked("p", Outcome.UNCHECKED, said)
    assert judged().outcome is Outcome.UNCHECKED
    assert of_pip_audit("p", "", "no route\n").said == "no route"


def test_an_audit_succeeds_only_where_all_was_checked() -> None:
    clean, unchecked, found = (Looked("", outcome) for outcome in
                               (Outcome.CLEAN, Outcome.UNCHECKED, Outcome.FOUND))  # fmt: skip
    assert exit_code([clean, clean]) == 0
    assert exit_code([clean, unchecked]) == 2
    assert exit_code([unchecked, found]) == 1
    assert exit_code([]) == 2
