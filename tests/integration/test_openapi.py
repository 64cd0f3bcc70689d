"""The REST side against its own OpenAPI document, as `schemathesis` reads it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from .conftest import Start

EXAMPLES = "15"
PROGRAM = Path(sys.executable).parent / "schemathesis"


def _run(url: str, cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(PROGRAM), "run", url, "--max-examples", EXAMPLES, "--seed", "1", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=240)


def test_every_operation_answers_as_the_document_says(start: Start, tmp_path: Path) -> None:
    server = start("serve", "--port", "0", "--durability", "os")
    done = _run(f"{server.http}/docs/openapi.json", tmp_path)
    assert done.returncode == 0, done.stdout[-8_000:]


def test_an_answer_that_the_document_does_not_know_is_found(start: Start, tmp_path: Path) -> None:
    server = start("serve", "--port", "0", "--durability", "os")
    document = tmp_path / "openapi.json"
    document.write_text(
        '{"openapi": "3.1.0", "info": {"title": "planted", "version": "1"}, "paths": '
        '{"/v1/book/NO-SUCH": {"get": {"responses": {"200": {"description": "a book"}}}}}}'
    )
    done = _run(str(document), tmp_path, "--url", server.http)
    assert done.returncode == 1 and "Undocumented" in done.stdout, done.stdout[-8_000:]
