"""An operator's commands against a real node: how it is, stopping parts of it, backups, drain."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from coulisse.cli.app import command
from coulisse.client.credentials import load_credentials
from tests.full_disk import no_file_larger_than
from tests.session.raw_socket import dial

from .conftest import COMMAND, MASTER_KEY, STOP_TIMEOUT_S, Server, Start, environment, launch
from .test_secrets import _found

Done = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One node for what leaves it as it was."""
    home = tmp_path_factory.mktemp("node")
    server = launch(["serve", "--port", "0", "--data-dir", "data"], environment(home), home)
    server.cli("account", "deposit", "USD", "100000")
    server.cli("order", "buy", "0.01", "BTC-USD", "@60000")
    yield server
    server.process.kill()
    server.stop()


def run(directory: Path, *arguments: str, **more: str | None) -> Done:
    """A command of the machine that the node runs on; in this process, where it starts sooner."""
    environ: dict[str, str | None] = {**environment(directory), **more}
    with contextlib.chdir(directory):
        done = CliRunner(env=environ).invoke(command([arguments[0]]), arguments)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.output
    return subprocess.CompletedProcess(arguments, done.exit_code, done.stdout, done.stderr)


def ask(node: Server, *arguments: str) -> Done:
    """A command that talks to the node."""
    return run(node.data_dir.parent, *arguments, COULISSE_KEY_FILE=str(node.credentials))


def lines(done: Done) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_status_says_how_a_node_is_and_when_there_is_none(node: Server) -> None:
    told = ask(node, "status")
    assert told.returncode == 0, told.stdout
    assert "takes orders" in told.stdout and "projector: " in told.stdout
    assert "limits: the nearest is " in told.stdout
    (said,) = lines(ask(node, "status", "--json"))
    assert said["ok"] and said["health"]["durable_seq"] > 0
    assert all(name.startswith("coulisse_") for name in said["metrics"]) and said["metrics"]
    gone = ask(node, "status", "--url", "http://127.0.0.1:9")
    assert gone.returncode == 1 and gone.stderr.count("\n") == 1


def test_doctor_and_config_look_at_the_node_that_runs(node: Server, tmp_path: Path) -> None:
    port = node.http.rsplit(":", 1)[1]
    where = ("--port", port, "--data-dir", str(node.data_dir))
    found = {one["what"]: one for one in lines(run(tmp_path, "doctor", *where, "--json"))}
    assert found["port"]["state"] == "ok" and "a node of version" in found["port"]["says"]
    assert "a node runs on it" in found["journal"]["says"]
    assert not any(MASTER_KEY in json.dumps(one) for one in found.values())
    shown = run(tmp_path, "config", "show", "secrets", *where)
    assert shown.returncode == 0
    line = 'secrets.master_key = "***"  (COULISSE_SECRETS__MASTER_KEY)'
    assert line in shown.stdout and MASTER_KEY not in shown.stdout
    (one,) = lines(run(tmp_path, "config", "show", "gateway.port", *where, "--json"))
    assert one == {"key": "gateway.port", "value": int(port), "source": "--port"}
    assert run(tmp_path, "config", "show", "nope").returncode == 1


def test_doctor_ends_with_1_where_a_node_would_not_start(tmp_path: Path) -> None:
    without: dict[str, str | None] = {"COULISSE_SECRETS__MASTER_KEY": None}
    done = run(tmp_path, "config", "check", **without)
    assert done.returncode == 1 and "FAIL  settings.master_key" in done.stdout
    assert run(tmp_path, "config", "check").returncode == 0
    wrong = run(tmp_path, "config", "check", COULISSE_GATEWAY__PORT="many")
    assert wrong.returncode == 1 and wrong.stderr.count("\n") == 1


def test_init_writes_what_a_node_starts_with_and_never_writes_over(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("MINE=1\n")
    (one,) = lines(run(tmp_path, "init", "--json"))
    assert (one["written"], one["kept"]) == (["coulisse.toml"], [".env"])
    assert (tmp_path / ".env").read_text() == "MINE=1\n"
    (tmp_path / ".env").unlink()
    (two,) = lines(run(tmp_path, "init", "--json"))
    assert (two["written"], two["kept"]) == ([".env"], ["coulisse.toml"])
    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600
    assert run(tmp_path, "init").returncode == 1
    environ = environment(tmp_path)
    del environ["COULISSE_SECRETS__MASTER_KEY"]
    server = launch(["serve", "--config", "coulisse.toml", "--port", "0"], environ, tmp_path)
    try:
        assert httpx.get(f"{server.http}/readyz").status_code == 200
        assert server.data_dir == tmp_path / "coulisse-data"
    finally:
        server.process.kill()
        server.stop()


def test_init_without_room_leaves_no_half_of_a_file(tmp_path: Path) -> None:
    full = tmp_path / "full"
    with no_file_larger_than(100):
        done = run(tmp_path, "init", str(full))
    assert done.returncode == 1 and f"{full}/coulisse.toml: File too large" in done.stderr
    assert list(full.iterdir()) == []
    assert run(tmp_path, "init", str(full)).returncode == 0


def test_the_demo_leaves_the_directory_of_another_node_as_it_is(node: Server) -> None:
    before = sorted(path.name for path in node.data_dir.iterdir())
    home = node.data_dir.parent
    for more in ({}, {"COULISSE_SECRETS__MASTER_KEY": None}):
        refused = run(home, "demo", "--port", "0", "--data-dir", str(node.data_dir), **more)
        assert refused.returncode == 1
        assert "JOURNAL_LOCKED" in refused.stderr or "another master key" in refused.stderr
    assert sorted(path.name for path in node.data_dir.iterdir()) == before


def test_halt_and_kill_switch_are_commands_of_their_own_and_written_down(node: Server) -> None:
    (halted,) = lines(ask(node, "halt", "ETH-USD", "--json"))
    assert halted["ok"] and ask(node, "admin", "open", "ETH-USD").returncode == 0
    ask(node, "admin", "account-create", "unruly")
    (killed,) = lines(ask(node, "kill-switch", "account:unruly", "--json"))
    assert killed["ok"]
    wrong = ask(node, "kill-switch", "everybody")
    assert wrong.returncode == 1 and "say firm, group:NAME or account:NAME" in wrong.stderr
    # Four times a second it is written down.
    wanted, found = {"TradingStateSet", "KillSwitch"}, set[str]()
    give_up_s = time.monotonic() + 10
    while not wanted <= found and time.monotonic() < give_up_s:
        httpx.get(f"{node.http}/healthz")
        text = (node.data_dir / "audit.jsonl").read_text()
        found = {str(json.loads(line)["what"]) for line in text.splitlines()}
    assert wanted <= found


def test_a_backup_while_it_runs_holds_no_secret_and_is_restored(
    node: Server, start: Start, tmp_path: Path
) -> None:
    made = lines(ask(node, "admin", "key-create", "operator", "hidden", "--json"))
    secret = str(made[0]["secret"])
    assert node.credentials is not None
    own = str(load_credentials(node.credentials).private_key)
    target, again = tmp_path / "backup", tmp_path / "again"
    where = ("--data-dir", str(node.data_dir))
    (said,) = lines(run(tmp_path, "backup", str(target), *where, "--json"))
    assert said["ok"] and said["seq"] > 0
    assert {one["name"] for one in said["files"]} >= {"data_keys", "audit.jsonl"}
    places = [(file.name, file.read_bytes()) for file in target.iterdir()]
    assert _found(places, [MASTER_KEY, secret, own]) == []
    assert _found([*places, ("planted", own.encode())], [own])
    twice = run(tmp_path, "backup", str(target), *where)
    assert twice.returncode == 1 and "must be empty" in twice.stderr
    assert run(tmp_path, "restore", "--check", str(target)).returncode == 0
    done = run(tmp_path, "restore", str(target), "--data-dir", str(again))
    assert done.returncode == 0 and f"at seq {said['seq']}" in done.stdout
    second = start("serve", "--port", "0", "--data-dir", str(again))
    health = httpx.get(f"{second.http}/healthz").json()
    assert health["durable_seq"] > said["seq"]
    book = httpx.get(f"{second.http}/v1/book/BTC-USD").json()
    assert (book["bids"], book["epoch"]) == ([["60000.00", "0.01000"]], 2)


@pytest.mark.parametrize("workers", ["0", "2"])
async def test_a_drain_lets_sessions_finish_and_takes_no_new_ones(
    start: Start, tmp_path: Path, workers: str
) -> None:
    server = start("serve", "--port", "0", "--data-dir", "data", "--workers", workers)
    where = ("--data-dir", str(server.data_dir))
    host, port = server.http.removeprefix("http://").split(":")
    session = await dial(host, int(port), f"{host}:{port}")
    assert b'"hello"' in (await session.receive() or b"")
    async with httpx.AsyncClient(base_url=server.http) as kept:
        assert (await kept.get("/readyz")).status_code == 200
        draining = await asyncio.create_subprocess_exec(
            *COMMAND, "drain", "--wait", "60", *where, "--json",
            env=server.environ, cwd=tmp_path, stdout=subprocess.PIPE,
        )  # fmt: skip
        told = json.loads(await session.receive() or b"")
        assert (told["type"], told["reason"]) == ("going_away", "the node stops within 60 s")
        await asyncio.to_thread(until_refused, server.http)
        answer = await kept.get("/readyz")
        assert (answer.status_code, answer.json()["draining"]) == (503, True)
        # Nothing is refused yet to whoever is there.
        await session.send([b'{"id":1,"op":"ping"}'])
        assert b'"ok":true' in (await session.receive() or b"")
        assert server.process.poll() is None
    await session.close()
    async with asyncio.timeout(STOP_TIMEOUT_S):
        stdout, _ = await draining.communicate()
    said = [json.loads(line) for line in stdout.splitlines()]
    assert draining.returncode == 0 and all(one["ok"] for one in said)
    assert said[-1]["stopping"] and said[-1]["connections"] == 0
    _, logged = await asyncio.to_thread(server.process.communicate, timeout=STOP_TIMEOUT_S)
    assert server.process.returncode == 0
    assert '"level": "error"' not in logged and "Traceback" not in logged
    audit = (server.data_dir / "audit.jsonl").read_text().splitlines()
    drains = [one for one in map(json.loads, audit) if one["what"] == "drain"]
    assert [(one["by"], one["outcome"]) for one in drains] == [(f"uid {os.getuid()}", "done")]
    gone = await asyncio.to_thread(run, tmp_path, "drain", *where)
    assert gone.returncode == 1 and "no node runs there" in gone.stderr


def until_refused(url: str) -> None:
    """Wait until nobody is let in any more."""
    give_up_s = time.monotonic() + 20
    while time.monotonic() < give_up_s:
        try:
            httpx.get(f"{url}/healthz", timeout=2)
        except httpx.TransportError:
            return
    pytest.fail("it still lets strangers in")
