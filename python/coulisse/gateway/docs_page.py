"""The page at /docs: the OpenAPI schema as plain HTML, made on the server.

The renderers that come with Litestar load their scripts from other hosts; this needs none.
"""

from __future__ import annotations

from html import escape
from typing import Any

from litestar import Request
from litestar.openapi.plugins import OpenAPIRenderPlugin

_STYLE = """
body{font:15px/1.6 system-ui,sans-serif;max-width:52rem;margin:3rem auto;padding:0 1rem;
background:#0f1318;color:#d7dde4}h1{font-weight:600}code,.m{font-family:ui-monospace,monospace}
section{border-top:1px solid #2a323b;padding:.6rem 0}.m{color:#4cc38a;margin-right:.6rem}
a{color:#6cb6ff}td{padding:.1rem 1.2rem .1rem 0;color:#9aa7b4}td:first-child{color:#d7dde4}
"""


class DocsPage(OpenAPIRenderPlugin):
    """Renders the schema."""

    def render(
        self,
        request: Request[Any, Any, Any],
        openapi_schema: dict[str, Any],
    ) -> bytes:
        """Return the page."""
        info = openapi_schema["info"]
        parts = [
            "<!doctype html><html lang=en><meta charset=utf-8>",
            f"<title>{escape(info['title'])}: REST</title><style>{_STYLE}</style>",
            f"<h1>{escape(info['title'])}</h1><p>{escape(info.get('description', ''))}</p>",
            "<p>As schemas: REST in <a href='/docs/openapi.json'>openapi.json</a>, the socket in "
            "<a href='/docs/asyncapi.json'>asyncapi.json</a></p>",
        ]
        for path, item in sorted(openapi_schema["paths"].items()):
            parts += [_operation(path, method, what) for method, what in item.items()]
        return "".join(parts).encode()


def _operation(path: str, method: str, what: dict[str, Any]) -> str:
    listed = [*(what.get("parameters") or []), *_in_body(what)]
    rows = "".join(_parameter(parameter) for parameter in listed)
    return (
        f"<section><span class=m>{escape(method.upper())}</span><code>{escape(path)}</code>"
        f"<div>{escape(what.get('summary') or '')}</div><table>{rows}</table></section>"
    )


def _in_body(what: dict[str, Any]) -> list[dict[str, Any]]:
    content = what.get("requestBody", {}).get("content", {})
    properties = content.get("application/json", {}).get("schema", {}).get("properties", {})
    return [
        {"name": name, "schema": schema, "description": schema.get("description")}
        for name, schema in properties.items()
    ]


def _parameter(parameter: dict[str, Any]) -> str:
    schema = parameter.get("schema", {})
    bounds = [
        f"{word} {_plain(schema[name])}"
        for name, word in (("minimum", "from"), ("maximum", "to"), ("default", "default"))
        if name in schema
    ]
    about = parameter.get("description") or ""
    cells = (parameter["name"], schema.get("type", ""), about, ", ".join(bounds))
    return "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in cells) + "</tr>"


def _plain(value: object) -> object:
    # Bounds of integers come as floats.
    return int(value) if isinstance(value, float) and value.is_integer() else value
