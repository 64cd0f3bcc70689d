"""One request of an operator, and what is printed of its result; arguments that several share."""

from __future__ import annotations

import inspect
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from coulisse.cli.options import AsJson, KeyFile, Url
from coulisse.cli.runner import connect, fail, run

if TYPE_CHECKING:
    from coulisse.client.client import Client

Symbol = Annotated[str, typer.Argument(help="The instrument, as BTC-USD.")]
Whom = Annotated[
    str,
    typer.Argument(help="firm, group:NAME or account:NAME."),
]
RequestId = Annotated[
    str | None,
    typer.Option("--request-id", help="Done once under one id, however often it is asked for."),
]
Result = Mapping[str, Any]
Says = str | Callable[[Result], str]
"""The sentence that is printed, or what makes it of a result."""
Asked = tuple[Callable[["Client", str | None], Awaitable[Result]], Says]
"""What is asked for, given the client and the request id, and what is said when it is done."""


def whom_of(text: str) -> tuple[str, str | None]:
    """Read `firm`, `group:desk` and such as scope and name."""
    scope, colon, name = text.partition(":")
    if scope not in ("firm", "group", "account", "instrument") or (scope == "firm") == bool(colon):
        fail(f"say firm, group:NAME or account:NAME, not {text!r}")
    return scope, name or None


def in_utc(time: datetime | None) -> datetime | None:
    """Return a time of the command line, which has no zone, as one in UTC."""
    return None if time is None else time.replace(tzinfo=UTC)


def asking(says: Callable[..., Asked], *, once: bool = True) -> Callable[..., None]:
    """Make a command of a function that says what to ask for.

    The command has the function's own arguments, then the options that all share: `--request-id`
    where it is done `once` under one, `--json`, `--url` and `--key-file`.
    """
    options = inspect.signature(Shared, eval_str=True).parameters
    shared = {name: one for name, one in options.items() if once or name != "request_id"}
    own = inspect.signature(says, eval_str=True).parameters

    def command(**given: object) -> None:
        asked = says(**{name: given[name] for name in own})
        run(_ask(asked, Shared(**{name: given[name] for name in shared})))  # type: ignore[arg-type]

    parameters = [*own.values(), *shared.values()]
    command.__dict__["__signature__"] = inspect.Signature(parameters)
    command.__annotations__ = {one.name: one.annotation for one in parameters}
    command.__name__, command.__doc__ = says.__name__, says.__doc__
    return command


asking_again = partial(asking, once=False)
"""The same for what has no request id: it may be done twice."""


@dataclass(frozen=True, slots=True)
class Shared:
    """What every command is given."""

    request_id: RequestId = None
    as_json: AsJson = False
    url: Url = None
    key_file: KeyFile = None


async def _ask(asked: Asked, shared: Shared) -> None:
    work, says = asked
    async with await connect(shared.url, shared.key_file) as client:
        result = await work(client, shared.request_id)
    if shared.as_json:
        typer.echo(json.dumps({"ok": True, **result}))
    elif callable(says):
        typer.echo(says(result))
    else:
        typer.echo(f"{says} (done before)" if result.get("duplicate") else says)
