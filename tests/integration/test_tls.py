"""TLS on the port: who may speak it, which certificate is shown, what happens when it changes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import ssl
import subprocess
from pathlib import Path

import httpx
import pytest
import websockets

from coulisse import Client
from coulisse.bench.tls import write_self_signed
from coulisse.domain.outcomes import OrderResult

from .conftest import COMMAND, Server, Start, environment

SERVE = ("serve", "--port", "0", "--durability", "os")


def a_pair(folder: Path, name: str = "node", days: int = 90) -> tuple[Path, Path]:
    """A self-signed ECDSA certificate for this machine, and its key."""
    files = folder / f"{name}.pem", folder / f"{name}.key"
    write_self_signed(*files, days=days)
    return files


def with_tls(certificate: Path, key: Path, **more: str) -> dict[str, str]:
    names = {"CERTIFICATE": str(certificate), "KEY": str(key), **more}
    return {f"COULISSE_GATEWAY__TLS__{name}": value for name, value in names.items()}


def trusting(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=certificate)


def shown(server: Server, context: ssl.SSLContext) -> tuple[str, str, bytes]:
    """What a handshake agrees on: version, cipher, certificate."""
    host, port = server.http.removeprefix("https://").split(":")
    with (
        socket.create_connection((host, int(port)), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=host) as peer,
    ):
        cipher, certificate = peer.cipher(), peer.getpeercert(binary_form=True)
        assert cipher is not None and certificate is not None
        return str(peer.version()), cipher[0], certificate


@pytest.mark.parametrize("workers", ["0", "2"])
async def test_sockets_and_rest_are_served_over_tls(
    start: Start, tmp_path: Path, workers: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = a_pair(tmp_path)
    server = start(*SERVE, "--workers", workers, **with_tls(*pair))
    assert server.http.startswith("https://") and server.ws.startswith("wss://")
    context = trusting(pair[0])
    async with httpx.AsyncClient(verify=context) as http:
        for _ in range(3):
            answer = await http.get(f"{server.http}/v1/instruments")
            assert answer.status_code == 200 and answer.json()["instruments"]
    async with websockets.connect(server.ws, ssl=context) as peer:
        assert json.loads(await peer.recv())["type"] == "hello"
        await peer.send(json.dumps({"id": "x" * 60, "op": "time"}))
        assert json.loads(await peer.recv())["ok"] is True
    monkeypatch.setenv("SSL_CERT_FILE", str(pair[0]))
    async with await Client.connect(server.http, credentials=server.credentials) as client:
        await client.deposit("operator", "USD", "1000")
        placed = [client.place("BTC-USD", "buy", "0.001", price="60") for _ in range(200)]
        results = await asyncio.gather(*placed)
        assert all(isinstance(one, OrderResult) for one in results)


def test_old_versions_and_weak_ciphers_are_refused(start: Start, tmp_path: Path) -> None:
    pair = a_pair(tmp_path)
    server = start(*SERVE, **with_tls(*pair))
    version, cipher, _ = shown(server, trusting(pair[0]))
    assert version == "TLSv1.3"
    context = trusting(pair[0])
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    version, cipher, _ = shown(server, context)
    assert version == "TLSv1.2" and cipher.startswith("ECDHE-ECDSA-") and "CBC" not in cipher
    old = trusting(pair[0])
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning):
        old.minimum_version = ssl.TLSVersion.TLSv1
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, ConnectionError)):
        shown(server, old)
    weak = trusting(pair[0])
    weak.maximum_version = ssl.TLSVersion.TLSv1_2
    weak.set_ciphers("ECDHE+AES+SHA1:@SECLEVEL=0")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        shown(server, weak)


def test_tls_1_2_is_refused_where_the_settings_ask_for_1_3(start: Start, tmp_path: Path) -> None:
    pair = a_pair(tmp_path)
    server = start(*SERVE, **with_tls(*pair, MIN_VERSION="1.3"))
    context = trusting(pair[0])
    assert shown(server, context)[0] == "TLSv1.3"
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises((ssl.SSLError, ConnectionError)):
        shown(server, context)


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        ("no certificate", "TLS_FILE: gateway.tls.certificate: {certificate} No such file"),
        ("open key", "TLS_FILE: gateway.tls.key: {key} others may read it; chmod 600"),
        ("other key", "TLS_KEY_MISMATCH: gateway.tls.key: {key} is not the key of {certificate}"),
        ("bad certificate", "TLS_CERTIFICATE: gateway.tls.certificate: {certificate} is no cert"),
        ("bad key", "TLS_KEY: gateway.tls.key: {key} is no private key"),
    ],
)
def test_a_pair_that_cannot_be_served_ends_the_start_in_one_line(
    tmp_path: Path, break_it: str, said: str
) -> None:
    certificate, key = a_pair(tmp_path)
    match break_it:
        case "no certificate":
            certificate.unlink()
        case "open key":
            key.chmod(0o644)
        case "other key":
            key.write_bytes(a_pair(tmp_path, "other")[1].read_bytes())
        case "bad certificate":
            certificate.write_text("nothing")
        case _:
            key.write_text("nothing")
    environ = environment(tmp_path, **with_tls(certificate, key))
    done = subprocess.run(
        [*COMMAND, *SERVE], env=environ, cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert said.format(certificate=certificate, key=key) in done.stderr, done.stderr
    assert done.stderr.count("\n") == 1


async def test_a_new_certificate_is_shown_and_no_session_is_dropped(
    start: Start, tmp_path: Path
) -> None:
    certificate, key = a_pair(tmp_path)
    server = start(*SERVE, **with_tls(certificate, key))
    first = trusting(certificate)
    async with websockets.connect(server.ws, ssl=first) as peer:
        await peer.recv()
        before = await asyncio.to_thread(shown, server, first)
        fresh = a_pair(tmp_path, "fresh")
        # One after the other, as tools do: what does not fit together is not taken.
        os.replace(fresh[0], certificate)
        os.replace(fresh[1], key)
        second = trusting(certificate)
        after = before
        async with asyncio.timeout(20):
            while after[2] == before[2]:
                try:
                    after = await asyncio.to_thread(shown, server, second)
                except ssl.SSLError:
                    # It still shows the old one.
                    continue
        await peer.send(json.dumps({"id": 1, "op": "time"}))
        assert json.loads(await peer.recv())["ok"] is True
    server.process.terminate()
    _, logs = server.process.communicate(timeout=20)
    assert "tls_reloaded" in logs


def test_an_expired_certificate_is_warned_of(start: Start, tmp_path: Path) -> None:
    server = start(*SERVE, **with_tls(*a_pair(tmp_path, days=-1)))
    server.process.terminate()
    _, logs = server.process.communicate(timeout=20)
    assert "tls_certificate_expired" in logs


async def test_who_never_ends_the_handshake_is_ended(start: Start, tmp_path: Path) -> None:
    pair = a_pair(tmp_path)
    server = start(*SERVE, **with_tls(*pair, HANDSHAKE_TIMEOUT_S="1"))
    host, port = server.http.removeprefix("https://").split(":")
    slow = [await asyncio.open_connection(host, int(port)) for _ in range(20)]
    for _, writer in slow:
        # The beginning of a hello, and no more.
        writer.write(b"\x16\x03\x01\x02\x00\x01")
    async with asyncio.timeout(15):
        for reader, writer in slow:
            with contextlib.suppress(ConnectionError):
                await reader.read()
            writer.transport.abort()
    assert (await asyncio.to_thread(shown, server, trusting(pair[0])))[0] == "TLSv1.3"


def test_what_tls_costs_is_measured_beside_a_plain_port(tmp_path: Path) -> None:
    command = [*COMMAND, "bench", "tls", "--json", "--orders", "4000", "--connections", "50"]
    command += ["--data-dir", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["orders"] == 4_096 // 2 and 0 < result["orders_ratio"]
    assert result["connections"] == 50 and result["tls_connection_kb"] > 0
