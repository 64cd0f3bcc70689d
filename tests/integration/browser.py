"""A headless Chromium over its debugging protocol: open a page, ask it things, look at it."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

START_TIMEOUT_S = 60.0
ANSWER_TIMEOUT_S = 60.0


class Browser:
    """One page."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._wire: ClientConnection | None = None
        self._ids = itertools.count(1)
        self.complaints: list[str] = []

    async def __aenter__(self) -> Browser:
        self._spawn()
        async with asyncio.timeout(START_TIMEOUT_S):
            address = await asyncio.to_thread(self._address)
        self._wire = await connect(address, proxy=None, max_size=2**26)
        targets = await self._call("Target.getTargets")
        page = next(t for t in targets["targetInfos"] if t["type"] == "page")
        host = address.split("/")[2]
        await self._wire.close()
        page_address = f"ws://{host}/devtools/page/{page['targetId']}"
        self._wire = await connect(page_address, proxy=None, max_size=2**26)
        for domain in ("Page", "Runtime", "Log"):
            await self._call(f"{domain}.enable")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._wire is not None:
            await self._wire.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            if self._process.stderr is not None:
                self._process.stderr.close()

    async def open(self, url: str) -> None:
        """Load a page."""
        await self._call("Page.navigate", url=url)

    async def until(self, condition: str) -> Any:  # noqa: ANN401  # whatever the page says
        """Wait until an expression is true in the page; return its value."""
        script = f"""new Promise((done) => {{
            const look = () => {{
                let value = null;
                try {{ value = ({condition}); }} catch {{ value = null; }}
                if (value) done(value instanceof Node ? true : value);
                else requestAnimationFrame(look);
            }};
            look();
        }})"""
        answer = await self._call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def run(self, script: str) -> None:
        """Run statements in the page."""
        answer = await self._call("Runtime.evaluate", expression=script)
        assert "exceptionDetails" not in answer, answer

    async def screenshot(self, file: Path) -> None:
        """Write what the page looks like."""
        answer = await self._call("Page.captureScreenshot", format="png")
        await asyncio.to_thread(file.write_bytes, base64.b64decode(answer["data"]))

    def _spawn(self) -> None:
        program = shutil.which("chromium") or shutil.which("google-chrome")
        if program is None:
            pytest.skip("no chromium here; `make test` installs it where it may")
        self._process = subprocess.Popen(
            [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
             "--disable-dev-shm-usage", "--remote-debugging-port=0", "--window-size=1360,860",
             f"--user-data-dir={self._folder}", "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip

    def _address(self) -> str:
        assert self._process is not None and self._process.stderr is not None
        for line in self._process.stderr:
            _, found, address = line.decode(errors="replace").partition("DevTools listening on ")
            if found:
                return address.strip()
        raise AssertionError("chromium ended before it listened")

    async def _call(self, method: str, **params: object) -> dict[str, Any]:
        assert self._wire is not None
        number = next(self._ids)
        await self._wire.send(json.dumps({"id": number, "method": method, "params": params}))
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            while True:
                message = json.loads(await self._wire.recv())
                if message.get("id") == number:
                    assert "error" not in message, message
                    result: dict[str, Any] = message["result"]
                    return result
                self._note(message)

    def _note(self, message: dict[str, Any]) -> None:
        if message.get("method") == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(message["params"]["exceptionDetails"])[:500])
        if message.get("method") == "Log.entryAdded":
            entry = message["params"]["entry"]
            if entry["level"] == "error":
                self.complaints.append(f"{entry['text']} {entry.get('url', '')}")
