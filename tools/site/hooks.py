"""What MkDocs does to the pages of docs/ on the way to the site (`hooks` in mkdocs.yml).

- Pages of the repository's root are shown too, under `project/`.
- A link to a file that is no page of the site becomes the file's path; with `COULISSE_REPO_URL` (an
  address that a path of the repository can be put behind) it leads there.
- Headings have the anchors that they have elsewhere, by the function that `tests/test_tidy.py`
  follows links with.
- A list that has become text is a warning, and so `--strict` refuses it.
- A page that would load something from another host is a warning, so `--strict` refuses it.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from pathlib import Path
from posixpath import relpath
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tools.site.nav import ROOT_PAGES, expanded  # noqa: E402
from tools.tidy.docs import anchor, resolve  # noqa: E402

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

log = logging.getLogger("mkdocs.hooks.coulisse")
FENCE = re.compile(r"(^ *```.*?^ *```$)", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!`)(!?)\[([^\]]*)\]\(([^)\s]+)\)")
# A list that no empty line comes before is one to GitHub, and text to this builder.
LOST_LIST = re.compile(r"<p>(?:(?!</p>).)*?\n(?:- |\d+\. )(?:(?!</p>).){0,40}", re.DOTALL)
# What a browser fetches by itself; a link that a reader follows is no such thing.
LOADED = re.compile(r"<(?:script|img|iframe|source)\b[^>]*\bsrc=[\"']?(?:https?:)?//[^\"'\s>]+")
SHEET = re.compile(
    r"<link\b[^>]*\brel=[\"']?(?:stylesheet|preconnect|preload|icon)[^>]*\bhref=[\"']?(?:https?:)?//[^>]+"
)
IMPORT = re.compile(r"(?:@import|url\()\s*[\"']?(?:https?:)?//[^\"')\s]+")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Fill in the folders of the nav, and name headings as the repository's other readers do."""
    config.nav = expanded(config.nav or [], Path(config.docs_dir))
    config.mdx_configs.setdefault("toc", {})["slugify"] = lambda text, _separator: anchor(text)
    return config


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the pages of the repository's root."""
    from mkdocs.structure.files import File

    for name, shown in ROOT_PAGES.items():
        content = (ROOT / name).read_text(encoding="utf-8")
        files.append(File.generated(config, shown, content=content))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links that lead through the repository into links of the site."""
    shown = page.file.src_uri
    source = next((name for name, at in ROOT_PAGES.items() if at == shown), f"docs/{shown}")
    parts = FENCE.split(markdown)
    parts[::2] = [links_of_the_site(part, source=source, shown=shown) for part in parts[::2]]
    return "".join(parts)


def links_of_the_site(text: str, *, source: str, shown: str) -> str:
    """Rewrite the links of `text`: `source` of the repository, which the site has as `shown`."""

    def rewrite(match: re.Match[str]) -> str:
        bang, label, address = match.groups()
        target, mark, fragment = address.partition("#")
        if re.match(r"[a-z]+:", target) or not target:
            return match[0]
        path = resolve(source, target)
        if path is None or not (ROOT / path).exists():
            return match[0]
        where = ROOT_PAGES.get(
            path, path.removeprefix("docs/") if path.startswith("docs/") else None
        )
        if where is not None and (ROOT / path).is_dir():
            where = None
        if where is not None:
            return (
                f"{bang}[{label}]({relpath(where, Path(shown).parent.as_posix())}{mark}{fragment})"
            )
        if base := os.environ.get("COULISSE_REPO_URL"):
            return f"[{label}]({base.rstrip('/')}/{path})"
        plain = label.replace("`", "")
        name = f"`{path}`"
        return name if path.endswith(plain.strip("/")) else f"{plain} ({name})"

    return LINK.sub(rewrite, text)


def on_page_content(html: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """See that what is meant as a list has become one."""
    for found in LOST_LIST.findall(html):
        log.warning("%s: a list needs an empty line before it: %r", page.file.src_uri, found[-60:])
    return html


def on_post_build(*, config: MkDocsConfig) -> None:
    """See that no page makes a browser ask another host for anything."""
    site = Path(config.site_dir)
    for path in sorted(site.rglob("*")):
        if path.suffix not in (".html", ".css"):
            continue
        content = path.read_text(encoding="utf-8")
        for pattern in (LOADED, SHEET) if path.suffix == ".html" else (IMPORT,):
            for found in pattern.findall(content):
                log.warning("%s loads from elsewhere: %s", path.relative_to(site), found[:160])
