"""Write every generated file again, or with `--check` say which are stale; names choose some.

A generator is a function that returns what its files should hold, by their paths. To add one, put
it in `GENERATORS`; `make generate` and `make check` then know it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tools.figures.pages import filled  # noqa: E402
from tools.image_locks import image_locks  # noqa: E402
from tools.readme_figures import with_figures  # noqa: E402


def readme() -> Mapping[str, str]:
    """README's table of figures, from bench/results."""
    return {"README.md": with_figures(ROOT)}


def protocol() -> Mapping[str, str]:
    """The pages that clients read, from the schema that the core itself decodes by."""
    from coulisse import _core

    return {f"docs/protocol/{name}": page for name, page in _core.protocol_docs()}


def documents() -> Mapping[str, str]:
    """The OpenAPI and AsyncAPI documents, as a node serves them at /docs."""
    from coulisse import _core
    from coulisse.gateway.rest import Site, build_app

    # Nothing of it is asked for: what a node serves does not depend on what it holds.
    nothing: Any = None
    app = build_app(Site(core=nothing, durable=nothing, metrics=nothing, health=nothing))
    rest = json.dumps(app.openapi_schema.to_schema(), indent=1, ensure_ascii=False)
    folder = "docs/protocol"
    return {
        f"{folder}/openapi.json": rest + "\n",
        f"{folder}/asyncapi.json": _core.asyncapi_json(),
    }


STORE_HEAD = """<!-- Generated from crates/projections by `make generate`. -->

# Tables of the store

Columns of the key stand first, in bold. Prices are in ticks and quantities in lots of their instrument, times in ns
since the epoch; `seq` is the place in the log. `minor` has up to 128 bits.
[What fills them](store.md)."""  # noqa: E501  # a line of the page
SERIES_HEAD = """<!-- Generated from crates/projections by `make generate`. -->

# Tables of the time series

Columns of the key stand first, in bold. Prices are in ticks and quantities in lots of their instrument, times in µs
since the epoch (TIMESTAMP in QuestDB); `seq` is the place in the log. `minor` has up to 128 bits.
[What fills them](series.md)."""  # noqa: E501  # a line of the page


def store() -> Mapping[str, str]:
    """The pages of the tables, from the lists that they are made by."""
    from coulisse.projections.tables import series_tables, tables

    return {
        "docs/operating/store-tables.md": _tables_page(STORE_HEAD, tables()),
        "docs/operating/series-tables.md": _tables_page(SERIES_HEAD, series_tables()),
    }


def _tables_page(head: str, tables: Mapping[str, Any]) -> str:
    page = [head]
    how = {
        "adds": "Rows never change.",
        "writes": "A row is written over by the next one with its key.",
        "changes": "Columns in italics change.",
    }
    for table in tables.values():
        page += ["", f"## {table.name}", "", f"{table.doc} {how[table.growth]}", ""]
        page += ["| column | type | meaning |", "| --- | --- | --- |"]
        for column in table.columns:
            mark = "**" if column.name in table.key else ""
            if table.growth == "changes" and column.name in table.changing:
                mark = "*"
            page.append(f"| {mark}{column.name}{mark} | {column.kind} | {column.doc} |")
    return "\n".join(page) + "\n"


def settings() -> Mapping[str, str]:
    """All settings as variables, for whoever starts with a `.env`."""
    from coulisse.config.template import env_template

    return {".env.example": env_template()}


def image() -> Mapping[str, str]:
    """What the image installs, by hash."""
    return image_locks(ROOT)


def metrics() -> Mapping[str, str]:
    """The page of metrics, from the list that a node shows them by."""
    from coulisse.telemetry.catalogue import page

    return {"docs/operating/metrics.md": page()}


def dashboards() -> Mapping[str, str]:
    """The dashboards, from the list of their panels."""
    from tools.monitoring.dashboards import dashboards

    return dict(dashboards())


def figures() -> Mapping[str, str]:
    """The pages that quote figures, their blocks from bench/results."""
    return dict(filled(ROOT))


GENERATORS: tuple[Callable[[], Mapping[str, str]], ...] = (
    readme,
    protocol,
    documents,
    store,
    settings,
    image,
    metrics,
    dashboards,
    figures,
)


def main(*, check: bool, only: Sequence[str] = ()) -> int:
    """Write, or compare, the files of `only`, or of all; return the exit code."""
    stale = 0
    chosen = (one for one in GENERATORS if not only or one.__name__ in only)
    for generator in chosen:
        for name, content in generator().items():
            path = ROOT / name
            if path.exists() and path.read_text(encoding="utf-8") == content:
                continue
            stale += 1
            if check:
                print(f"{name} is stale: run make generate", file=sys.stderr)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(content, encoding="utf-8")
                print(f"wrote {name}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    names = [word for word in sys.argv[1:] if word != "--check"]
    sys.exit(main(check="--check" in sys.argv[1:], only=names))
