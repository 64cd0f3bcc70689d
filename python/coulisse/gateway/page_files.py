"""The page's files, as they lie in the package: no build step, no other host."""

from __future__ import annotations

from importlib import resources

HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_TYPES = {"html": "text/html", "js": "text/javascript", "css": "text/css"}


def read_page_file(name: str) -> tuple[bytes, str]:
    """Return one file of the page and its media type."""
    content = resources.files("coulisse.gateway").joinpath("page", name).read_bytes()
    # Litestar adds the charset.
    return content, _TYPES[name.rsplit(".", 1)[1]]
