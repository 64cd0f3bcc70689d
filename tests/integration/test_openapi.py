"""The REST side against its own OpenAPI document, as `schemathesis` reads it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import httpx

from .conftest import Start

EXAMPLES = "15"
DOCUMENTS = Path(__file__).parents[2] / "docs" / "protocol"
PROGRAM = Path(sys.executable).parent / "schemathesis"


def _run(url: str, cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(PROGRAM), "run", url, "--max-examples", EXAMPLES, "--seed", "1", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=240)


def test_every_public_operation_answers_as_the_document_says(start: Start, tmp_path: Path) -> None:
    server = start("serve", "--port", "0", "--durability", "os")
    document = f"{server.http}/docs/openapi.json"
    done = _run(document, tmp_path, "--exclude-tag", "signed")
    assert done.returncode == 0, done.stdout[-8_000:]


def test_what_is_served_is_what_the_repository_shows(start: Start) -> None:
    server = start("serve", "--port", "0", "--durability", "os")
    for name in ("openapi.json", "asyncapi.json"):
        served = httpx.get(f"{server.http}/docs/{name}")
        assert served.json() == json.loads((DOCUMENTS / name).read_text()), name
    page = httpx.get(f"{server.http}/docs").text
    assert "/docs/asyncapi.json" in page and "cancel_order_id" in page


def test_an_answer_that_the_document_does_not_know_is_found(start: Start, tmp_path: Path) -> None:
    server = start("serve", "--port", "0", "--durability", "os")
    document = tmp_path / "openapi.json"
    document.write_text(
        '{"openapi": "3.1.0", "info": {"title": "planted", "version": "1"}, "paths": '
        '{"/v1/book/NO-SUCH": {"get": {"responses": {"200": {"description": "a book"}}}}}}'
    )
    done = _run(str(document), tmp_path, "--url", server.http)
    assert done.returncode == 1 and "Undocumented" in done.stdout, done.stdout[-8_000:]
