"""The paths of the private routes, which Rust answers but for wrong methods on them."""

from __future__ import annotations

import re

from coulisse import _core


def _pattern(path: str) -> re.Pattern[str]:
    parts = re.split(r"{[a-z_]+}", path)
    return re.compile("[^/]+".join(re.escape(part) for part in parts))


_METHODS = [(method, path) for method, path, _ in _core.rest_routes()]
_ROUTES = [(method, _pattern(path)) for method, path in _METHODS]


def private_methods(path: str) -> tuple[str, ...]:
    """Return the methods of a private path, sorted; none for any other path."""
    # A path that stands among the routes is no part of another one.
    own = {method for method, known in _METHODS if known == path}
    return tuple(sorted(own or {method for method, form in _ROUTES if form.fullmatch(path)}))
