"""What README says can be typed, typed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pty
import re
import select
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import websockets

from coulisse.bench.own_server import free_port

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
START = ROOT / "docs" / "start"
# These go on until they are stopped: their first lines are what README promises.
ENDLESS = ("coulisse book", "coulisse trades")
A_PRICE = re.compile(rb"\b[56]\d{4}(?:\.\d+)?\b")
PATIENCE_S = 60


def fences(language: str, page: str = README) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page, re.MULTILINE | re.DOTALL)


def examples() -> list[tuple[str, str]]:
    """The programs of the pages that one starts with, and what each must say."""
    said = {"bot.md": ("filled", "sell 0.01"), "desk.md": ("filled", "60000.00 0.2")}
    found = {name: fences("python", (START / name).read_text(encoding="utf-8")) for name in said}
    return [pair for name in said for pair in zip(found[name], said[name], strict=True)]


def commands() -> list[str]:
    """The commands of the section on the command line, without their comments."""
    section = README.partition("## Command line")[2].partition("\n## ")[0]
    (fence,) = re.findall(r"^```sh\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    return [line.partition(" # ")[0].strip() for line in fence.splitlines() if line]


@contextlib.contextmanager
def running(
    command: list[str], stdout: int = subprocess.PIPE, **environment: str
) -> Iterator[subprocess.Popen[str]]:
    """A program that is interrupted, as with Ctrl-C, when the test is done with it."""
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        text=True,
    ) as program:
        try:
            yield program
        finally:
            program.send_signal(2)
            try:
                program.wait(timeout=20)
            except subprocess.TimeoutExpired:
                program.kill()


async def answer_of(port: int, sent: dict[str, object], awaited: str) -> dict[str, object]:
    """Connect as soon as something listens, send one event, return the first one awaited."""
    async with asyncio.timeout(PATIENCE_S):
        async for connection in websockets.connect(f"ws://127.0.0.1:{port}/ws"):
            await connection.send(json.dumps(sent))
            while True:
                event: dict[str, object] = json.loads(await connection.recv())
                if event["event"] == awaited:
                    await connection.close()
                    return event
    raise AssertionError("no connection")


def test_the_server_example_answers_an_order_with_its_result() -> None:
    example = next(fence for fence in fences("python") if "WebSocketServer" in fence)
    port = free_port()
    assert "port=8080" in example
    order = {"symbol": "BTC-USD", "side": "buy", "type": "limit", "price": "60000", "qty": "0.01"}
    source = example.replace("port=8080", f"port={port}")
    with running([sys.executable, "-c", source]):
        trade = asyncio.run(answer_of(port, {"event": "order", "data": order}, "trade"))
    assert isinstance(trade["data"], dict)
    assert trade["data"]["order_id"]


def test_the_server_example_ends_by_a_signal_and_leaves_nothing_behind(tmp_path: Path) -> None:
    example = next(fence for fence in fences("python") if "WebSocketServer" in fence)
    port = free_port()
    source = example.replace("port=8080", f"port={port}")
    for number, code in ((signal.SIGTERM, 0), (signal.SIGINT, -signal.SIGINT)):
        with running([sys.executable, "-c", source], TMPDIR=str(tmp_path)) as program:
            asyncio.run(answer_of(port, {"event": "nope"}, "error"))
            assert [path.name[:9] for path in tmp_path.iterdir()] == ["coulisse-"]
            program.send_signal(number)
            assert program.wait(timeout=20) == code
        assert list(tmp_path.iterdir()) == []


def test_the_order_book_example_holds() -> None:
    example = next(fence for fence in fences("python") if "OrderBook(" in fence)
    exec(compile(example, "README.md", "exec"), {})


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A running demo; the environment in which the command line finds it."""
    data_dir = tmp_path_factory.mktemp("demo")
    command = [".venv/bin/coulisse", "demo", "--port", "0", "--json", "--data-dir", str(data_dir)]
    with running(command, XDG_STATE_HOME=str(data_dir / "state")) as program:
        assert program.stdout is not None
        ready = json.loads(program.stdout.readline())
        yield {"COULISSE_URL": ready["http"], "COULISSE_KEY_FILE": ready["credentials"]}


def seen_on_a_terminal(words: list[str], awaited: re.Pattern[bytes], **environment: str) -> bytes:
    """Run a program on a terminal until it shows what is awaited; return all that it showed."""
    ours, theirs = pty.openpty()
    shown = b""
    try:
        with running(words, stdout=theirs, TERM="xterm", **environment):
            while not awaited.search(shown) and select.select([ours], [], [], PATIENCE_S)[0]:
                shown += os.read(ours, 65_536)
    finally:
        os.close(ours)
        os.close(theirs)
    return shown


@pytest.mark.parametrize("command", commands())
def test_a_command_of_readme_works_against_the_demo(command: str, demo: dict[str, str]) -> None:
    words = shlex.split(command)
    if command.removeprefix(".venv/bin/").startswith(ENDLESS):
        assert A_PRICE.search(seen_on_a_terminal(words, A_PRICE, **demo))
        return
    done = subprocess.run(
        words,
        cwd=ROOT,
        env={**os.environ, **demo},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


@pytest.mark.parametrize(("source", "said"), examples())
def test_an_example_of_the_start_pages_says_what_it_should(
    source: str, said: str, demo: dict[str, str]
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", source],
        env={**os.environ, **demo},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 0, done.stderr
    assert said in done.stdout


@pytest.mark.torture
def test_the_operators_start_page_can_be_typed(tmp_path: Path) -> None:
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    port = free_port()
    page = (START / "operator.md").read_text(encoding="utf-8")
    first, second = fences("sh", page.replace("127.0.0.1:8080", f"127.0.0.1:{port}"))
    environment = {**os.environ, "COULISSE_GATEWAY__PORT": str(port)}
    *before, serve = first.splitlines()
    # doctor is right to warn of the machine that a test runs on; only a fault would be one here.
    typed = "\n".join(line for line in before if " doctor " not in line)
    done = subprocess.run(["bash", "-euc", typed], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    node = [*shlex.split(serve), "--json"]
    with subprocess.Popen(
        node, cwd=tmp_path / "node", env=environment, stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout is not None
            assert json.loads(server.stdout.readline())["ready"]
            done = subprocess.run(
                ["bash", "-euc", second], cwd=tmp_path / "node", capture_output=True, text=True
            )
        finally:
            server.terminate()
    assert done.returncode == 0, done.stderr
    assert "alice" in done.stdout


def test_every_command_that_readme_names_exists() -> None:
    named = set(re.findall(r"`coulisse ([a-z]+(?: (?:core|gateway))?)", README))
    assert named
    for words in named:
        asked = [".venv/bin/coulisse", *words.split(), "--help"]
        done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S)
        assert done.returncode == 0, (words, done.stderr)
