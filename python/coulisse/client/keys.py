"""Keys, and what is signed with them: logons and REST requests."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING

from coulisse import _core

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

KEY_HEX_DIGITS = 64


def new_private_key() -> str:
    """Draw a private key; 64 hexadecimal digits."""
    return secrets.token_hex(KEY_HEX_DIGITS // 2)


def public_key(private_key: str) -> bytes:
    """Return the 32 bytes of the public key."""
    return _core.public_key(_bytes(private_key))


def sign_logon(
    private_key: str, *, host: str, key_id: str, nonce: str, scheme: str = "ed25519"
) -> str:
    """Return the signature that `session.logon` wants, in hexadecimal.

    Of an `hmac_sha256` key `private_key` is the secret.

    `host` is the Host header of this connection: a signature made for one server is worth nothing
    at another.
    """
    text = f"coulisse-logon-v1|{host}|{key_id}|{nonce}"
    return _sign(private_key, scheme, text.encode("ascii"))


def sign_rest(
    secret: str,
    *,
    scheme: str = "ed25519",
    host: str,
    key_id: str,
    method: str,
    target: str,
    body: bytes = b"",
    timestamp_us: int,
    nonce: int | None = None,
    window_ms: int | None = None,
) -> dict[str, str]:
    """Return the headers of a signed REST request.

    `secret` is the private key of an `ed25519` key or the secret of an `hmac_sha256` one, 64
    hexadecimal digits; `target` the path with its query as they are sent; `timestamp_us` the time
    in microseconds since the epoch. What changes something needs a `nonce`, 1 to 2^63 - 1, that
    the key has not used.
    """
    sent = [str(timestamp_us), *["" if n is None else str(n) for n in (nonce, window_ms)]]
    line = "|".join(("coulisse-rest-v1", host, key_id, *sent, method, target))
    text = line.encode("ascii") + b"\n" + body
    signature = _sign(secret, scheme, text)
    names = ("Coulisse-Key", "Coulisse-Timestamp", "Coulisse-Nonce", "Coulisse-Window")
    given = zip(names, (key_id, *sent), strict=True)
    return {name: value for name, value in given if value} | {"Coulisse-Signature": signature}


def _sign(secret: str, scheme: str, text: bytes) -> str:
    if scheme == "hmac_sha256":
        return hmac.new(bytes.fromhex(secret), text, hashlib.sha256).hexdigest()
    return _load(secret).sign(text).hex()


def _load(private_key: str) -> Ed25519PrivateKey:
    # Loaded here: a node makes keys and signs nothing.
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(_bytes(private_key))


def _bytes(private_key: str) -> bytes:
    if len(private_key) != KEY_HEX_DIGITS:
        raise ValueError(f"an Ed25519 private key is {KEY_HEX_DIGITS} hexadecimal digits")
    return bytes.fromhex(private_key)
