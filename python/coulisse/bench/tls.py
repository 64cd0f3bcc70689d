"""`coulisse bench tls`: what TLS costs a node, beside a plain port in the same run.

The load is the SDK, which is slower than the node: what is compared is the processor time that the
node itself takes for an order, and the memory that it takes for a connection that says nothing.
Both servers are loaded in turns, so that what else the machine does is the same for both.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from coulisse.bench import results, servers
from coulisse.bench.pinning import processors
from coulisse.bench.scratch import run_directory
from coulisse.client.credentials import Credentials
from coulisse.client.session import Session
from coulisse.domain.errors import CoulisseError
from coulisse.domain.outcomes import Rejected, Unknown

SESSIONS: Final = 8
IN_FLIGHT: Final = 32
"""Orders of each session that wait for their replies."""
ROUNDS: Final = 4
TRUST: Final = "SSL_CERT_FILE"


@dataclass(frozen=True, slots=True)
class TlsRun:
    """What to measure."""

    orders: int = 100_000
    """Orders of each of the two ports."""
    connections: int = 1_000
    """Connections of each port that say nothing."""
    data_dir: Path | None = None


@dataclass(frozen=True, slots=True)
class _Cost:
    """What one port cost so far."""

    cpu_s: float = 0.0
    orders: int = 0
    idle_kb: float = 0.0

    @property
    def order_us(self) -> float:
        return self.cpu_s / max(self.orders, 1) * 1e6


def measure(run: TlsRun) -> dict[str, Any]:
    """Run the benchmark and return its figures. Raises `CoulisseError` where there are none."""
    described = results.machine()
    with run_directory(run.data_dir) as directory:
        return {**_measure(run, directory), "date": results.today(), "machine": described}


def _measure(run: TlsRun, directory: Path) -> dict[str, Any]:
    cpu = processors().server
    certificate, key = directory / "node.pem", directory / "node.key"
    write_self_signed(certificate, key, days=2)
    ports: dict[str, tuple[servers.Server, Path]] = {}
    with contextlib.ExitStack() as running, _trusting(certificate):
        for name in ("plain", "tls"):
            files = servers.write_files(_folder(directory / name))
            if name == "tls":
                with files.config.open("a", encoding="utf-8") as config:
                    config.write(f'[gateway.tls]\ncertificate = "{certificate}"\nkey = "{key}"\n')
            node = servers.node(files, directory / name / "data", "os", cpu)
            ports[name] = (running.enter_context(node), files.accounts)
        costs = {name: _Cost() for name in ports}
        # Each round is a half warm cache for the other: the first is not counted.
        for number in range(ROUNDS + 1):
            for name, (server, accounts) in ports.items():
                rows = accounts.read_text().splitlines()[:SESSIONS]
                before_s = server.cpu_s()
                done = asyncio.run(_load(server.http, rows, run.orders // ROUNDS))
                spent_s = server.cpu_s() - before_s
                if number:
                    cost = costs[name]
                    costs[name] = replace(
                        cost, cpu_s=cost.cpu_s + spent_s, orders=cost.orders + done
                    )
        for name, (server, _) in ports.items():
            idle_kb = asyncio.run(_idle(server, run.connections))
            costs[name] = replace(costs[name], idle_kb=idle_kb)
    plain, secure = costs["plain"], costs["tls"]
    return {
        "plain_order_us": round(plain.order_us, 2),
        "tls_order_us": round(secure.order_us, 2),
        "orders_ratio": round(plain.order_us / max(secure.order_us, 1e-9), 3),
        "plain_connection_kb": round(plain.idle_kb, 1),
        "tls_connection_kb": round(secure.idle_kb, 1),
        "orders": secure.orders,
        "connections": run.connections,
    }


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


@contextlib.contextmanager
def _trusting(certificate: Path) -> Iterator[None]:
    """Let every client of this process trust `certificate`, and nothing else."""
    before = os.environ.get(TRUST)
    os.environ[TRUST] = str(certificate)
    try:
        yield
    finally:
        del os.environ[TRUST]
        if before is not None:
            os.environ[TRUST] = before


async def _load(url: str, rows: list[str], orders: int) -> int:
    """Place and cancel so many orders; return how many were done. Raises `CoulisseError`."""
    sessions = []
    for account, key_id, private_key in map(str.split, rows):
        session = Session(lambda message: None)
        await session.open(Credentials(url, key_id, private_key, account))
        sessions.append(session)
    each = max(orders // (SESSIONS * IN_FLIGHT), 2)
    tasks = [_trade(session, each) for session in sessions for _ in range(IN_FLIGHT)]
    done = sum(await asyncio.gather(*tasks))
    for session in sessions:
        session.close()
    return done


async def _trade(session: Session, orders: int) -> int:
    order = {"symbol": servers.SYMBOL, "side": "buy", "qty": "0.00001", "price": "1.00"}
    for _ in range(orders // 2):
        placed = await session.request("order.place", order)
        if isinstance(placed, Rejected | Unknown):
            raise CoulisseError(f"an order was not placed: {placed}")
        await session.request("order.cancel", {"order_id": placed["order_id"]})
    return orders // 2 * 2


async def _idle(server: servers.Server, count: int) -> float:
    """Return the memory that each of `count` connections takes, in kB."""
    address = urlsplit(server.http)
    context = ssl.create_default_context() if address.scheme == "https" else None
    before_mb = server.rss_mb()
    opened = [
        await asyncio.open_connection(address.hostname, address.port, ssl=context)
        for _ in range(count)
    ]
    taken_mb = server.rss_mb() - before_mb
    for _, writer in opened:
        writer.transport.abort()
    return taken_mb * 1_000 / count


def write_self_signed(certificate: Path, key: Path, days: int) -> None:
    """Write a self-signed ECDSA certificate for this machine that ends in `days`, and its key."""
    # Loaded here: nothing else of the package makes certificates.
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    private = ec.generate_private_key(ec.SECP256R1())
    called = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, certificate.stem)])
    now = datetime.now(UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), address])
    built = (
        x509.CertificateBuilder(called, called, private.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=100))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(private, hashes.SHA256())
    )
    certificate.write_bytes(built.public_bytes(serialization.Encoding.PEM))
    key.touch(mode=0o600)
    form, lock = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    key.write_bytes(private.private_bytes(serialization.Encoding.PEM, form, lock))
