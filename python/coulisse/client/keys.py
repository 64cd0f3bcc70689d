"""Ed25519 keys and the logon signature."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

KEY_HEX_DIGITS = 64


def new_private_key() -> str:
    """Draw a private key; 64 hexadecimal digits."""
    return Ed25519PrivateKey.generate().private_bytes_raw().hex()


def public_key(private_key: str) -> bytes:
    """Return the 32 bytes of the public key."""
    return _load(private_key).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def sign_logon(private_key: str, *, host: str, key_id: str, nonce: str) -> str:
    """Return the signature that `session.logon` wants, in hexadecimal.

    `host` is the Host header of this connection: a signature made for one server is worth nothing
    at another.
    """
    text = f"coulisse-logon-v1|{host}|{key_id}|{nonce}"
    return _load(private_key).sign(text.encode("ascii")).hex()


def _load(private_key: str) -> Ed25519PrivateKey:
    if len(private_key) != KEY_HEX_DIGITS:
        raise ValueError(f"an Ed25519 private key is {KEY_HEX_DIGITS} hexadecimal digits")
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(private_key))
