"""The page in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest

from .browser import Browser
from .conftest import Server, Start

pytestmark = pytest.mark.timeout(180)
LADDER = """document.querySelectorAll('#bids .row').length >= 8
    && document.querySelectorAll('#asks .row').length >= 8"""
PLACE = """(() => {
    document.getElementById('qty').value = '%s';
    document.getElementById('price').value = '%s';
    document.querySelector('button[value=%s]').click();
})()"""


async def test_a_visitor_sees_a_living_market_and_trades_in_it(
    demo: Server, tmp_path: Path
) -> None:
    async with Browser(tmp_path / "chromium") as page:
        await page.open(f"{demo.http}/")
        assert await page.until(LADDER)
        assert await page.until("document.querySelectorAll('#trades .row').length > 0")
        assert await page.until("document.getElementById('connection').dataset.state === 'live'")
        seq = await page.until("Number(document.getElementById('seq').textContent)")
        assert await page.until(f"Number(document.getElementById('seq').textContent) > {seq}")
        await page.until("!document.getElementById('desk').hidden")
        await page.run(PLACE % ("0.01", "", "buy"))
        filled = await page.until(
            "document.getElementById('outcome').textContent.includes('filled')"
            " && document.getElementById('outcome').textContent"
        )
        assert "0.01000" in filled
        await page.run(PLACE % ("0.01", "45000", "buy"))
        assert await page.until("document.querySelector('#orders .row button')")
        assert "45000.00" in await page.until("document.getElementById('orders').textContent")
        await page.run("document.querySelector('#orders .row button').click()")
        assert await page.until("document.getElementById('orders').textContent === 'none'")
        await page.run(PLACE % ("900", "", "sell"))
        assert await page.until("document.querySelector('#outcome.bad')")
        assert "BTC" in await page.until("document.getElementById('balances').textContent")
        await page.screenshot(tmp_path / "page.png")
        assert page.complaints == []


async def test_another_instrument_is_one_click_away(demo: Server, tmp_path: Path) -> None:
    async with Browser(tmp_path / "chromium") as page:
        await page.open(f"{demo.http}/")
        assert await page.until(LADDER)
        await page.run("document.querySelectorAll('#instruments button')[1].click()")
        price = await page.until(
            f"{LADDER} && Number(document.querySelector('#bids .row span').textContent) < 10000"
            " && document.querySelector('#bids .row span').textContent"
        )
        assert 2700 < int(price.split(".")[0]) < 3300
        assert page.complaints == []


async def test_on_a_node_that_is_no_demo_one_can_only_watch(start: Start, tmp_path: Path) -> None:
    server = start("serve", "--port", "0", "--data-dir", "data")
    async with Browser(tmp_path / "chromium") as page:
        await page.open(f"{server.http}/")
        assert await page.until("document.getElementById('connection').dataset.state === 'live'")
        assert await page.until("document.getElementById('desk').hidden")
        # Asking for the key of a demo that is none is a 404, and the browser's only complaint.
        assert all("/demo/key" in text for text in page.complaints)


async def test_the_page_finds_back_after_the_server_was_gone(start: Start, tmp_path: Path) -> None:
    first = start("demo", "--port", "0", "--data-dir", "data")
    port = first.http.rsplit(":", 1)[1]
    async with Browser(tmp_path / "chromium") as page:
        await page.open(f"{first.http}/")
        assert await page.until(LADDER)
        assert first.stop() == 0
        assert await page.until("document.getElementById('connection').dataset.state !== 'live'")
        start("demo", "--port", port, "--data-dir", "data")
        assert await page.until("document.getElementById('connection').dataset.state === 'live'")
        assert await page.until(LADDER)
