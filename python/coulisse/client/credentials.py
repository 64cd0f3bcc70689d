"""Where a server is and with which key to log on: files, variables, the pointer.

Looked for in this order: what the caller gives, `COULISSE_URL` and `COULISSE_KEY_FILE`, then the
pointer at `$XDG_STATE_HOME/coulisse/current`, which a running demo leaves behind.
"""

from __future__ import annotations

import os
import socket
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from coulisse.domain.errors import NoCredentials

SCHEMES = ("http", "https", "ws", "wss")
KEY_SCHEMES = ("ed25519", "hmac_sha256", "password", "token")
ANSWER_TIMEOUT_S = 1.0
"""How long a demo that stops waits to see whether an earlier one still runs."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """A server, and a key there. Without a key only public data can be read."""

    url: str
    """`http://host:port`; `ws://` is taken as well."""
    key_id: str | None = None
    private_key: str | None = field(default=None, repr=False)
    """Ed25519, 64 hexadecimal digits; or what `scheme` says. Never printed."""
    account: str | None = None
    """Whose key it is, for people to read."""
    scheme: str = "ed25519"
    """`ed25519`; or `hmac_sha256`, `password`, `token`: then `private_key` is the secret, the
    password of the person whose name is `key_id`, or a token that stands for somebody."""

    def __post_init__(self) -> None:
        scheme, _, rest = self.url.partition("://")
        if self.scheme not in KEY_SCHEMES:
            raise NoCredentials(f"scheme {self.scheme!r} is none of {', '.join(KEY_SCHEMES)}")
        if scheme not in SCHEMES or not rest.strip("/"):
            raise NoCredentials(f"url {self.url!r} is not of the form http://host:port")

    @property
    def http_url(self) -> str:
        """The base of REST."""
        scheme, rest = self.url.rstrip("/").split("://", 1)
        secure = scheme in ("https", "wss")
        return f"{'https' if secure else 'http'}://{rest.removesuffix('/v1/ws')}"

    @property
    def ws_url(self) -> str:
        """The native protocol's address."""
        scheme, rest = self.http_url.split("://", 1)
        return f"{'wss' if scheme == 'https' else 'ws'}://{rest}/v1/ws"

    @property
    def host(self) -> str:
        """The Host header of connections there."""
        return self.http_url.split("://", 1)[1].split("/", 1)[0]


def pointer_file(environ: Mapping[str, str] | None = None) -> Path:
    """Return where the pointer to the running demo's credentials is."""
    variables = os.environ if environ is None else environ
    state = variables.get("XDG_STATE_HOME") or str(
        Path(variables.get("HOME") or Path.home()) / ".local" / "state"
    )
    return Path(state) / "coulisse" / "current"


def find_credentials(
    url: str | None = None,
    key_file: Path | str | None = None,
    environ: Mapping[str, str] | None = None,
) -> Credentials:
    """Return the first credentials there are. Raises `NoCredentials`, with what to do."""
    variables = os.environ if environ is None else environ
    url = url or variables.get("COULISSE_URL") or None
    file = key_file or variables.get("COULISSE_KEY_FILE") or None
    if file is not None:
        found = load_credentials(Path(file))
        return found if url is None else replace(found, url=url)
    if url is not None:
        return Credentials(url)
    named = pointed_to(variables)
    if named is not None and named.is_file():
        return load_credentials(named)
    raise NoCredentials(
        "no server is known: start one with `coulisse demo`, or give --url and --key-file, "
        "or set COULISSE_URL and COULISSE_KEY_FILE"
    )


def choose_credentials(
    url: str | None,
    credentials: Credentials | Path | str | None,
    key_id: str | None,
    proofs: Iterable[tuple[str | None, str]],
) -> Credentials:
    """Return what was given: credentials, or the first of `proofs`, secret and scheme, for `url`.

    A token needs no `key_id`. Without any, what is found.
    """
    if isinstance(credentials, Credentials):
        return credentials
    for secret, scheme in proofs:
        if url is not None and secret is not None and (key_id is not None or scheme == "token"):
            return Credentials(url, key_id, secret, scheme=scheme)
    return find_credentials(url, credentials)


def load_credentials(file: Path) -> Credentials:
    """Read a credentials file. Raises `NoCredentials`."""
    try:
        tree = tomllib.loads(file.read_text())
        return Credentials(
            url=str(tree["url"]),
            key_id=str(tree["key_id"]),
            private_key=str(tree["private_key"]),
            account=str(tree["account"]) if "account" in tree else None,
            scheme=str(tree.get("scheme", KEY_SCHEMES[0])),
        )
    except OSError as error:
        raise NoCredentials(f"{file}: {error.strerror}") from None
    except NoCredentials as error:
        raise NoCredentials(f"{file}: {error}") from None
    except (ValueError, KeyError) as error:
        # What is no TOML, or not even text.
        raise NoCredentials(f"{file}: not a credentials file: {error}") from None


def write_credentials(file: Path, credentials: Credentials) -> None:
    """Write a credentials file that only its owner can read."""
    lines = [f'url = "{credentials.url}"', f'key_id = "{credentials.key_id}"']
    lines.append(f'private_key = "{credentials.private_key}"')
    if credentials.account is not None:
        lines.append(f'account = "{credentials.account}"')
    if credentials.scheme != KEY_SCHEMES[0]:
        lines.append(f'scheme = "{credentials.scheme}"')
    # Never readable by others, not even between creation and chmod.
    fd = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(fd, "w") as out:
        os.fchmod(out.fileno(), 0o600)
        out.write("\n".join(lines) + "\n")


def point_to(file: Path, environ: Mapping[str, str] | None = None) -> Path:
    """Let the pointer name `file`; return where the pointer is."""
    pointer = pointer_file(environ)
    pointer.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = pointer.with_name(f".current.{os.getpid()}")
    fresh.write_text(f"{file}\n")
    fresh.replace(pointer)
    return pointer


def pointed_to(environ: Mapping[str, str] | None = None) -> Path | None:
    """Return the file that the pointer names, if there is one."""
    pointer = pointer_file(environ)
    return Path(pointer.read_text().strip()) if pointer.is_file() else None


def forget_pointer(
    file: Path, before: Path | None = None, environ: Mapping[str, str] | None = None
) -> None:
    """Take the pointer off `file`, if it still names it: a later demo may have taken it over.

    It then names the file from `before` again, if a server still answers there.
    """
    if pointed_to(environ) != file:
        return
    if before is not None and before != file and _answers(before):
        point_to(before, environ)
    else:
        pointer_file(environ).unlink()


def _answers(file: Path) -> bool:
    try:
        address = urlsplit(load_credentials(file).http_url)
        where = (address.hostname or "", address.port or 80)
        with socket.create_connection(where, timeout=ANSWER_TIMEOUT_S):
            return True
    except (OSError, ValueError, NoCredentials):
        return False
