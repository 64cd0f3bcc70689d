"""Where a server is, and with which key."""

from __future__ import annotations

import socket
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from coulisse.client.credentials import (
    Credentials,
    find_credentials,
    forget_pointer,
    load_credentials,
    point_to,
    pointed_to,
    write_credentials,
)
from coulisse.client.keys import new_private_key, public_key, sign_logon
from coulisse.domain.errors import NoCredentials

OWN = Credentials("http://127.0.0.1:1", "k1", "ab" * 32, "demo")


def a_file(folder: Path, credentials: Credentials = OWN) -> Path:
    file = folder / "client.toml"
    write_credentials(file, credentials)
    return file


def test_credentials_come_back_as_written_and_only_for_their_owner(tmp_path: Path) -> None:
    file = a_file(tmp_path)
    assert load_credentials(file) == OWN
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_file_that_others_could_read_is_closed_to_them_when_written_again(
    tmp_path: Path,
) -> None:
    file = tmp_path / "client.toml"
    file.write_text("")
    file.chmod(0o644)
    write_credentials(file, OWN)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_private_key_is_never_printed() -> None:
    assert "abab" not in repr(OWN)


@pytest.mark.parametrize("url", ["http://h:1", "ws://h:1", "ws://h:1/v1/ws", "http://h:1/"])
def test_any_spelling_of_an_address_gives_all_of_them(url: str) -> None:
    found = Credentials(url)
    assert (found.http_url, found.ws_url, found.host) == ("http://h:1", "ws://h:1/v1/ws", "h:1")
    assert Credentials("https://h").ws_url == "wss://h/v1/ws"


def test_flags_win_over_variables_and_variables_over_the_pointer(tmp_path: Path) -> None:
    state = {"XDG_STATE_HOME": str(tmp_path)}
    point_to(a_file(tmp_path), state)
    assert find_credentials(environ=state) == OWN
    other = tmp_path / "other.toml"
    write_credentials(other, Credentials("http://other:2", "k2", "cd" * 32))
    named = {**state, "COULISSE_KEY_FILE": str(other)}
    assert find_credentials(environ=named).key_id == "k2"
    assert find_credentials(environ={**named, "COULISSE_URL": "http://x:9"}).url == "http://x:9"
    flags = find_credentials("http://flag:3", tmp_path / "client.toml", named)
    assert (flags.url, flags.key_id) == ("http://flag:3", "k1")
    assert find_credentials("http://flag:3", environ=state).key_id is None


def test_nothing_known_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NoCredentials, match="coulisse demo"):
        find_credentials(environ={"XDG_STATE_HOME": str(tmp_path)})
    for bad in (b"url = 1", b"\xff\xfe", b'url = "1"\nkey_id = "k"\nprivate_key = "p"\n'):
        (tmp_path / "bad.toml").write_bytes(bad)
        with pytest.raises(NoCredentials, match=r"bad\.toml: "):
            load_credentials(tmp_path / "bad.toml")


def test_a_pointer_that_a_later_demo_has_taken_over_stays(tmp_path: Path) -> None:
    state = {"XDG_STATE_HOME": str(tmp_path)}
    first, second = tmp_path / "a.toml", tmp_path / "b.toml"
    point_to(first, state)
    pointer = point_to(second, state)
    forget_pointer(first, environ=state)
    assert pointer.read_text().strip() == str(second)
    forget_pointer(second, environ=state)
    assert not pointer.exists()
    forget_pointer(second, environ=state)


def test_a_pointer_goes_back_to_an_earlier_demo_that_still_runs(tmp_path: Path) -> None:
    state = {"XDG_STATE_HOME": str(tmp_path)}
    first, second = tmp_path / "a.toml", tmp_path / "b.toml"
    with socket.create_server(("127.0.0.1", 0)) as running:
        url = f"http://127.0.0.1:{running.getsockname()[1]}"
        write_credentials(first, Credentials(url, "k", "ab" * 32))
        point_to(first, state)
        before = pointed_to(state)
        pointer = point_to(second, state)
        forget_pointer(second, before, state)
        assert pointer.read_text().strip() == str(first)
        point_to(second, state)
    forget_pointer(second, before, state)
    assert not pointer.exists()


def test_a_logon_signature_holds_for_its_host_key_and_nonce() -> None:
    private = new_private_key()
    signature = bytes.fromhex(sign_logon(private, host="h:1", key_id="k", nonce="00ff"))
    Ed25519PublicKey.from_public_bytes(public_key(private)).verify(
        signature, b"coulisse-logon-v1|h:1|k|00ff"
    )


def test_a_key_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="64 hexadecimal"):
        public_key("ab")
