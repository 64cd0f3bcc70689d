"""The site that `make docs` builds: its list of pages is whole, whoever adds one.

The building itself is strict (`make docs`): a dead link, a missing heading, something from another
host ends it.
"""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest
import yaml

from tools.site import hooks
from tools.site.nav import expanded, faults, pages_of

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
SITE = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
RULES = ROOT / "deploy" / "prometheus" / "rules"
# Read over by a copy; not for readers.
NO_ALERT = {"README"}


def test_every_page_is_in_the_nav() -> None:
    found = list(faults(SITE["nav"], DOCS))
    assert not found, "\n".join(found)


def test_every_alert_has_its_runbook_in_the_nav() -> None:
    alerts = {
        rule["alert"]
        for path in RULES.glob("*.yml")
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
        for rule in group["rules"]
        if "alert" in rule
    }
    shown = {
        Path(page).stem for page in pages_of(expanded(SITE["nav"], DOCS)) if "/runbooks/" in page
    }
    assert len(alerts) > 20
    assert shown - NO_ALERT == alerts


@pytest.mark.parametrize(
    ("nav", "said"),
    [
        (["a.md"], "docs/b/c.md: not in the nav"),
        (["a.md", {"B": ["b/*", "b/d.md"]}], "names b/d.md, which docs/ has not"),
        (["a.md", {"B": ["b/c.md", {"again": "b/c.md"}]}], "names b/c.md more than once"),
    ],
)
def test_a_page_that_is_lost_gone_or_twice_is_found(
    nav: list[object], said: str, tmp_path: Path
) -> None:
    (tmp_path / "b").mkdir()
    for name in ("a.md", "b/c.md"):
        (tmp_path / name).write_text("# A\n")
    assert any(said in fault for fault in faults(nav, tmp_path))
    assert not list(faults(["a.md", {"B": ["b/*"]}], tmp_path))


def test_links_out_of_the_docs_lead_somewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COULISSE_REPO_URL", raising=False)
    text = (
        "[log](log.md#x), [test_tidy.py](../../tests/test_tidy.py), "
        "[the rules](../../ARCHITECTURE.md)"
    )
    page = {"source": "docs/operating/a.md", "shown": "operating/a.md"}
    assert hooks.links_of_the_site(text, **page) == (
        "[log](log.md#x), `tests/test_tidy.py`, [the rules](../project/architecture.md)"
    )
    monkeypatch.setenv("COULISSE_REPO_URL", "https://code.example/blob/main/")
    assert "(https://code.example/blob/main/tests/test_tidy.py)" in hooks.links_of_the_site(
        text, **page
    )
    image = {"source": "README.md", "shown": "project/readme.md"}
    assert hooks.links_of_the_site("![p](docs/page.png)", **image) == "![p](../page.png)"


def test_what_a_browser_would_fetch_from_elsewhere_is_seen() -> None:
    assert hooks.LOADED.search('<script src="https://cdn.example/a.js"></script>')
    assert hooks.SHEET.search('<link rel="stylesheet" href="//x.example/a.css">')
    assert hooks.IMPORT.search('@import "https://fonts.example/css"')
    own = '<script src="../assets/a.js"></script><a href="https://example.com">there</a>'
    assert not hooks.LOADED.search(own) and not hooks.SHEET.search(own)


def test_what_the_reference_shows_exists() -> None:
    shown = [
        name
        for page in (DOCS / "reference").glob("*.md")
        for name in re.findall(r"^::: (\S+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert len(shown) > 8
    for name in shown:
        module, _, attribute = name.rpartition(".")
        try:
            assert hasattr(importlib.import_module(module), attribute), name
        except ModuleNotFoundError:
            importlib.import_module(name)
    public = importlib.import_module("coulisse")
    for name in public.__all__:
        if name != "__version__":
            kind = getattr(public, name)
            homes = {f"{kind.__module__}.{name}", kind.__module__}
            assert homes & set(shown), f"docs/reference shows no {name}"
