"""TLS on a listener: which versions and ciphers, whose certificate, what happens when it changes.

The handshake and the records are OpenSSL's, on the transports of uvloop: what stands above them
does not know. One context serves all connections of a process; a certificate that changes is loaded
into it, so that the next handshake shows the new one and no session is touched.

Invariant: a pair that cannot be served never replaces one that can.

Source: RFC 9325 (2022): TLS 1.2 with forward secrecy and authenticated encryption, TLS 1.3, no
renegotiation, no compression.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from coulisse.config.gateway import TlsConfig
from coulisse.domain.errors import StartError
from coulisse.telemetry.logs import logger

CIPHERS_1_2: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"
VERSIONS: Final = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
LOOK_INTERVAL_S: Final = 2.0
"""How often the files are looked at."""
WARN_DAYS: Final = 21
SHUTDOWN_TIMEOUT_S: Final = 5.0
"""How long a peer may take to say that it has seen the end."""


class Tls:
    """What a process shows in its handshakes."""

    def __init__(self, config: TlsConfig) -> None:
        """Read the pair. Raises `StartError` that names the code, the setting and the file."""
        self._config = config
        self._log = logger("tls")
        self._seen = self._state()
        self.context = _context(config)
        self._warn()

    async def follow(self, closed: asyncio.Event) -> None:
        """Load the pair again whenever a file of it changes, until the listener is closed."""
        while not closed.is_set():
            self.look()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_INTERVAL_S):
                    await closed.wait()

    def look(self) -> bool:
        """Load the pair again if a file of it has changed; tell whether it was loaded."""
        state = self._state()
        if state == self._seen:
            return False
        self._seen = state
        try:
            # What does not load into a context of its own leaves the one in use as it is.
            _context(self._config)
            _load(self.context, self._config)
        except StartError as error:
            # The other file of the pair may be about to follow.
            self._log.warning("tls_not_reloaded", reason=str(error))
            return False
        self._log.info("tls_reloaded", certificate=str(self._config.certificate))
        self._warn()
        return True

    def _state(self) -> tuple[tuple[int, int, int] | None, ...]:
        """Return what differs after a change of a file; a file may be replaced by another."""
        found: list[tuple[int, int, int] | None] = []
        for file in (self._config.certificate, self._config.key):
            try:
                stat = file.stat()
            except OSError:
                found.append(None)
            else:
                found.append((stat.st_mtime_ns, stat.st_ino, stat.st_size))
        return tuple(found)

    def _warn(self) -> None:
        ends = _ends(self._config.certificate)
        left = ends - datetime.now(UTC)
        if left < timedelta(0):
            self._log.warning("tls_certificate_expired", since=ends.isoformat())
        elif left < timedelta(days=WARN_DAYS):
            self._log.warning("tls_certificate_expires", at=ends.isoformat())


def check_pair(config: TlsConfig) -> datetime:
    """See that a pair can be served; return when its certificate ends. Raises `StartError`."""
    _context(config)
    return _ends(config.certificate)


def _context(config: TlsConfig) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = VERSIONS[config.min_version]
    context.set_ciphers(CIPHERS_1_2)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    _load(context, config)
    return context


def _load(context: ssl.SSLContext, config: TlsConfig) -> None:
    for name, file in (("certificate", config.certificate), ("key", config.key)):
        try:
            mode = file.stat().st_mode
            file.read_bytes()
        except OSError as error:
            raise _refused("TLS_FILE", name, file, error.strerror or "cannot be read") from None
        if name == "key" and mode & 0o077:
            raise _refused("TLS_FILE", name, file, "others may read it; chmod 600")
    _ends(config.certificate)
    try:
        # A key with a passphrase is none that a node can start with by itself.
        context.load_cert_chain(config.certificate, config.key, password=lambda: "")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            what = f"is not the key of {config.certificate}"
            raise _refused("TLS_KEY_MISMATCH", "key", config.key, what) from None
        if error.reason in ("EE_KEY_TOO_SMALL", "CA_MD_TOO_WEAK"):
            what = "is too weak to be taken by anybody"
            raise _refused("TLS_CERTIFICATE", "certificate", config.certificate, what) from None
        what = "is no private key in PEM, or has a passphrase"
        raise _refused("TLS_KEY", "key", config.key, what) from None


def _ends(file: Path) -> datetime:
    """Return when the certificate ends. Raises `StartError` where there is none."""
    # Loaded here: a node without TLS needs no X.509.
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificate(file.read_bytes()).not_valid_after_utc
    except (OSError, ValueError):
        raise _refused("TLS_CERTIFICATE", "certificate", file, "is no certificate in PEM") from None


def _refused(code: str, name: str, file: Path, what: str) -> StartError:
    return StartError(f"{code}: gateway.tls.{name}: {file} {what}")
