"""The workflow files for public CI: of their form, safe, pinned, and true to the Makefile."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
BIN = Path(sys.executable).parent
# In order of their place in the YAML: `uses: owner/name@<commit> # v1.2.3`.
USES = re.compile(r"uses: (\S+)(.*)")
PINNED = re.compile(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")


def said(*command: str) -> tuple[int, str]:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def schema(name: str, *files: Path) -> tuple[int, str]:
    check = [str(BIN / "check-jsonschema"), "--builtin-schema", f"vendor.{name}"]
    return said(*check, *(str(file) for file in files))


def zizmor(where: Path) -> tuple[int, str]:
    return said(
        str(BIN / "zizmor"), "--offline", "--no-progress", "--persona", "pedantic", str(where)
    )


def test_they_are_of_their_form_and_a_wrong_key_would_be_found(tmp_path: Path) -> None:
    assert schema("github-workflows", *WORKFLOWS)[0] == 0
    assert schema("dependabot", GITHUB / "dependabot.yml")[0] == 0
    spoilt = tmp_path / "spoilt.yml"
    spoilt.write_text(WORKFLOWS[0].read_text().replace("runs-on:", "run-on:", 1))
    code, text = schema("github-workflows", spoilt)
    assert code == 1 and "run-on" in text


def test_nothing_in_them_is_unsafe_and_what_is_would_be_found(tmp_path: Path) -> None:
    code, text = zizmor(GITHUB)
    assert code == 0, text
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    text = (GITHUB / "workflows" / "release.yml").read_text()
    text = re.sub(r"actions/checkout@\w+", "actions/checkout@v7", text)
    text = text.replace('notes "${GITHUB_REF_NAME#v}"', "notes ${{ github.ref_name }}")
    (folder / "spoilt.yml").write_text(text)
    code, text = zizmor(tmp_path / ".github")
    assert code != 0 and "unpinned-uses" in text and "template-injection" in text


def test_every_action_is_named_by_its_commit_with_its_version_beside() -> None:
    for file in WORKFLOWS:
        for name, rest in USES.findall(file.read_text()):
            if name.startswith("./"):
                assert (ROOT / name).is_file(), name
            else:
                assert PINNED.fullmatch(name + rest), f"{file.name}: {name}{rest}"


def test_one_action_has_one_commit_and_one_version() -> None:
    found: dict[str, set[str]] = {}
    for file in WORKFLOWS:
        for name, rest in USES.findall(file.read_text()):
            found.setdefault(name.partition("@")[0], set()).add(name + rest)
    assert all(len(pins) == 1 for pins in found.values()), found


def test_they_run_what_the_makefile_has_and_the_tools_know() -> None:
    makefile = (ROOT / "Makefile").read_text()
    told = "".join(file.read_text() for file in WORKFLOWS)
    targets = set(re.findall(r"\bmake (\w+)$", told, re.MULTILINE))
    assert targets == {"check", "test", "audit", "wheel", "docs"}
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)
    commands = set(re.findall(r"tools\.release (\w+)", told))
    assert commands == {"verify", "try", "gather", "notes"}
    _, helped = said(sys.executable, "-m", "tools.release", "--help")
    assert all(command in helped for command in commands)


def test_every_python_that_the_project_names_is_tested_and_every_wheel_is_tried() -> None:
    pythons = 'python: ["3.11", "3.12", "3.13"]'
    for name in ("ci.yml", "wheels.yml"):
        assert pythons in (GITHUB / "workflows" / name).read_text()
