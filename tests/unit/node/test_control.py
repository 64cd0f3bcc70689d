"""The node's control socket: who may ask, what is refused, and that it is written down."""

from __future__ import annotations

import asyncio
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from coulisse.node.control import LINE_BYTES_MAX, SOCKET_NAME, controlled, short_path
from coulisse.telemetry.audit import AuditFile


class Node:
    """What is drained."""

    def __init__(self, directory: Path) -> None:
        self.stopping = asyncio.Event()
        self.connections = 3
        self.audit = AuditFile(directory / "audit.jsonl")
        self.waits: list[float] = []
        self.asked = asyncio.Event()

    def drain(self, wait_s: float) -> None:
        self.waits.append(wait_s)
        self.asked.set()


async def ask(directory: Path, text: bytes) -> list[dict[str, Any]]:
    with short_path(directory) as path:
        reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(text)
    said: list[dict[str, Any]] = []
    async with asyncio.timeout(10):
        # The end of a drain is the end of the process, which is this one.
        while not said or not (said[-1].get("stopping") or "error" in said[-1]):
            said.append(json.loads(await reader.readline()))
    writer.close()
    return said


@pytest.fixture
def deep(tmp_path: Path) -> Path:
    """A directory whose socket's own path no kernel would take."""
    directory = tmp_path / ("d" * 60) / ("e" * 60)
    directory.mkdir(parents=True)
    return directory


def audit_of(directory: Path) -> list[tuple[str, str, str]]:
    lines = map(json.loads, (directory / "audit.jsonl").read_text().splitlines())
    return [(line["what"], line["by"], line["outcome"]) for line in lines]


async def test_a_drain_is_done_told_of_and_written_down(deep: Path) -> None:
    node = Node(deep)
    async with controlled(node, deep):
        assert stat.S_IMODE((deep / SOCKET_NAME).stat().st_mode) == 0o600
        async with asyncio.TaskGroup() as group:
            asked = group.create_task(ask(deep, b'{"do":"drain","wait_s":7}\n'))
            async with asyncio.timeout(10):
                await node.asked.wait()
            node.connections = 0
            node.stopping.set()
        said = asked.result()
    assert node.waits == [7]
    assert said[0] == {"ok": True, "connections": 3}
    assert said[-1] == {"ok": True, "connections": 0, "stopping": True}
    assert audit_of(deep) == [("drain", f"uid {os.getuid()}", "done")]
    assert not (deep / SOCKET_NAME).exists()


@pytest.mark.parametrize(
    ("text", "code", "field"),
    [
        (b"drain\n", "BAD_JSON", None),
        (b"[]\n", "BAD_JSON", None),
        (b"{" + b" " * LINE_BYTES_MAX + b"\n", "BAD_JSON", None),
        (b'{"do":"stop","wait_s":1}\n', "UNKNOWN_OP", "do"),
        (b'{"do":"drain"}\n', "INVALID_VALUE", "wait_s"),
        (b'{"do":"drain","wait_s":-1}\n', "INVALID_VALUE", "wait_s"),
        (b'{"do":"drain","wait_s":true}\n', "INVALID_VALUE", "wait_s"),
        (b'{"do":"drain","wait_s":"1"}\n', "INVALID_VALUE", "wait_s"),
        (b'{"do":"drain","wait_s":1e400}\n', "INVALID_VALUE", "wait_s"),
        (b'{"do":"drain","wait_s":1,"now":true}\n', "UNKNOWN_FIELD", "now"),
    ],
)
async def test_anything_else_is_refused_and_written_down(
    tmp_path: Path, text: bytes, code: str, field: str | None
) -> None:
    node = Node(tmp_path)
    async with controlled(node, tmp_path):
        (said,) = await ask(tmp_path, text)
    assert said["ok"] is False
    assert (said["error"]["code"], said["error"].get("field")) == (code, field)
    assert node.waits == []
    assert [outcome for _, _, outcome in audit_of(tmp_path)] == [code]


async def test_what_a_killed_node_left_behind_is_taken_over(tmp_path: Path) -> None:
    node = Node(tmp_path)
    (tmp_path / SOCKET_NAME).write_text("")
    async with controlled(node, tmp_path):
        (said,) = await ask(tmp_path, b"no\n")
    assert said["ok"] is False


async def test_where_there_can_be_no_socket_the_node_goes_on(tmp_path: Path) -> None:
    (tmp_path / SOCKET_NAME).mkdir()
    lived = False
    async with controlled(Node(tmp_path), tmp_path):
        lived = True
    assert lived and (tmp_path / SOCKET_NAME).is_dir()
