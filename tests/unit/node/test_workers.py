"""The node's end of its workers, without the workers: a port of their own, lives, sums."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from coulisse.config import Config, GatewayConfig
from coulisse.domain.errors import StartError
from coulisse.gateway.listener import bind
from coulisse.node import lives, workers
from coulisse.node.worker_process import Settings
from coulisse.node.workers import Worker, Workers, reserved
from coulisse.telemetry.metrics import Reading

READY = "import sys; print('{\"ready\": true}', flush=True)\n"
SETTINGS = Settings(
    number=1,
    data_dir="data",
    node=1,
    durability="os",
    gateway={"port": 0},
    people=Config().people.rules(),
    master_key="5a" * 32,
    demo_key=None,
)


def a_program(monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    monkeypatch.setattr(workers, "PROGRAM", ("-c", script))
    monkeypatch.setattr(lives, "BACKOFF_FIRST_S", 0.01)


def test_a_port_that_another_program_has_is_refused_though_workers_share_theirs() -> None:
    with bind(GatewayConfig(port=0, reuse_port=True)) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(StartError, match="in use by another program"):
            reserved(GatewayConfig(port=port, workers=2))


def test_a_free_port_is_one_that_all_workers_can_take() -> None:
    gateway = reserved(GatewayConfig(port=0, workers=2))
    assert gateway.port > 0 and gateway.reuse_port
    with bind(gateway) as one, bind(gateway) as two:
        assert one.getsockname() == two.getsockname()


def test_settings_come_through_as_they_were_given() -> None:
    assert Settings.from_json(SETTINGS.to_json().encode()) == SETTINGS


async def test_a_worker_that_dies_is_started_again_and_one_that_hangs_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(workers, "SILENCE_S", 0.05)
    for script, reason in (
        (f'{READY}print(\'{{"error": "X: it is over"}}\'); sys.exit(1)', "X: it is over"),
        (f"{READY}sys.stdin.read()", "it has said nothing for 0.05 s"),
        (f"{READY}print('what?', flush=True); sys.stdin.read()", "Expecting value"),
    ):
        a_program(monkeypatch, script)
        worker = Worker(1, SETTINGS)
        async with asyncio.TaskGroup() as group, asyncio.timeout(60):
            group.create_task(worker.run())
            while worker.restarts < 2:
                await worker.is_up.wait()
                await asyncio.sleep(0.005)
                assert worker.restarts == 0 or reason in worker.last_reason
            await worker.end()
        assert worker.pid is None


async def test_the_master_key_is_told_by_stdin_and_stands_in_no_argument(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    script = (
        "import json, sys\n"
        "settings = json.loads(sys.stdin.readline())\n"
        "print(json.dumps({'metrics': {'requests': len(settings['master_key'])}}), flush=True)\n"
        "print(json.dumps({'ready': True}), flush=True)\n"
        "sys.stdin.read()\n"
    )
    a_program(monkeypatch, script)
    worker = Worker(1, SETTINGS)
    async with asyncio.TaskGroup() as group, asyncio.timeout(60):
        group.create_task(worker.run())
        await worker.is_up.wait()
        heard = worker.metrics
        arguments = await asyncio.to_thread(Path(f"/proc/{worker.pid}/cmdline").read_bytes)
        await worker.end()
    assert b"-c" in arguments and b"5a5a" not in arguments
    assert heard == {"requests": 64}


def test_what_each_worker_counts_is_told_by_its_number() -> None:
    gateway = GatewayConfig(workers=2)
    nothing: tuple[Mapping[str, object], Reading] = ({}, Reading())
    all_of = Workers(Config(gateway=gateway), None, lambda: nothing)
    all_of.all = [Worker(1, SETTINGS), Worker(2, SETTINGS)]
    for worker, requests in zip(all_of.all, (5, 7), strict=True):
        worker.metrics = {"gateway_requests_total": requests}
        worker.restarts = 1
    counted = {number: of["gateway_requests_total"] for number, of in all_of.counted().items()}
    assert counted == {"1": 5, "2": 7}
    all_of.all[0].metrics = {}
    assert list(all_of.counted()) == ["2"], "one that is not there tells nothing"
    assert all_of.metrics() == {
        "workers_wanted": 2, "workers_up": 0, "workers_restarts_total": 2,
    }  # fmt: skip
    assert all_of.pids() == {"worker-1": None, "worker-2": None}
    assert all_of.health() == {"workers": {"wanted": 2, "up": 0, "restarts": 2}}
    none = Workers(Config(), None, lambda: nothing)
    assert none.metrics() == none.counted() == none.health() == {}
