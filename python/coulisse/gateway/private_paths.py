"""The paths of the private routes, which Rust answers but for wrong methods on them."""

from __future__ import annotations

import re

from coulisse import _core


def _pattern(path: str) -> re.Pattern[str]:
    parts = re.split(r"{[a-z_]+}", path)
    return re.compile("[^/]+".join(re.escape(part) for part in parts))


_ROUTES = [(method, _pattern(path)) for method, path, _ in _core.rest_routes()]


def private_methods(path: str) -> tuple[str, ...]:
    """Return the methods of a private path, sorted; none for any other path."""
    return tuple(sorted({method for method, pattern in _ROUTES if pattern.fullmatch(path)}))
