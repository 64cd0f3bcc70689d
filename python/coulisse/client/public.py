"""Public REST, which needs no key and no session."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from coulisse.domain.errors import ConnectionLost, Refused
from coulisse.domain.outcomes import rejected_from_wire

TIMEOUT_S: Final = 10.0


async def get_json(http_url: str, path: str, params: Mapping[str, str | int]) -> dict[str, Any]:
    """Read a public route. Raises `Refused` or `ConnectionLost`."""
    # Loaded here: it takes a third of the start of every command that needs none of it.
    import httpx

    try:
        async with httpx.AsyncClient(base_url=http_url, timeout=TIMEOUT_S, trust_env=False) as http:
            answer = await http.get(path, params=dict(params))
    except httpx.HTTPError as error:
        raise ConnectionLost(f"{http_url}: {error}") from None
    body: dict[str, Any] = msgspec.json.decode(answer.content)
    if answer.status_code != httpx.codes.OK:
        raise Refused(rejected_from_wire(body["error"]))
    return body
