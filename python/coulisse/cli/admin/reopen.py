"""`coulisse admin open`: let an instrument trade."""

from __future__ import annotations

from coulisse.cli.admin.asking import RequestId, Symbol, ask
from coulisse.cli.options import AsJson, KeyFile, Url


def reopen(
    symbol: Symbol,
    request_id: RequestId = None,
    as_json: AsJson = False,
    url: Url = None,
    key_file: KeyFile = None,
) -> None:
    """Take everything in SYMBOL again; an auction is uncrossed first."""
    ask(
        lambda admin: admin.set_state(symbol, "open", request_id=request_id),
        f"{symbol}: open", as_json, url, key_file,
    )  # fmt: skip
