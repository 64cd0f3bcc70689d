"""What is said on a processor that cannot run the extension, before it is loaded."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from coulisse import _core, processor

OLD = "processor\t: 0\nflags\t\t: fpu sse2 avx bmi1 fma abm movbe xsave f16c\n"
NEW = OLD.replace("avx ", "avx avx2 bmi2 ")
# The package's own import, on a machine that the first argument describes.
IMPORT = """
import importlib.util, sys
from pathlib import Path
spec = importlib.util.spec_from_file_location("coulisse.processor", sys.argv[2])
module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
module.CPUINFO = Path(sys.argv[1])
module.BUILT_FOR_V3 = sys.argv[3].encode()
import coulisse
"""


def a_machine(folder: Path, cpuinfo: str) -> Path:
    file = folder / "cpuinfo"
    file.write_text(cpuinfo)
    return file


@pytest.mark.parametrize(
    ("cpuinfo", "lacking"),
    [
        (OLD, {"avx2", "bmi2"}),
        (NEW, set()),
        ("processor\t: 0\nFeatures\t: fp asimd\n", set()),
        ("", set()),
    ],
)
def test_what_is_missing_is_read_from_the_flags(
    cpuinfo: str, lacking: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processor, "CPUINFO", a_machine(tmp_path, cpuinfo))
    assert processor.missing() == lacking


def test_where_nobody_tells_nothing_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processor, "CPUINFO", tmp_path / "none")
    assert processor.missing() == set()


@pytest.mark.parametrize("content", [b"\x7fELF built for every processor", None])
def test_what_is_built_for_any_processor_is_loaded_on_any(
    content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    core = tmp_path / "_core.abi3.so"
    if content is not None:
        core.write_bytes(content)
    monkeypatch.setattr(processor, "CPUINFO", a_machine(tmp_path, OLD))
    monkeypatch.setattr(processor, "CORE", core)
    processor.refuse_if_too_old()


def test_the_extension_says_in_its_file_what_it_is_built_for() -> None:
    assert processor.CORE.read_bytes().count(_core.BUILT_FOR.encode()) == 1
    if _core.BUILT_FOR == processor.BUILT_FOR_V3.decode():
        assert processor.missing() == set(), "or nothing here would run"


def test_the_import_is_refused_in_one_line_instead_of_an_illegal_instruction(
    tmp_path: Path,
) -> None:
    command = [sys.executable, "-c", IMPORT, str(a_machine(tmp_path, OLD)), processor.__file__]
    done = subprocess.run([*command, _core.BUILT_FOR], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("ImportError: coulisse is built for x86-64-v3, and this processor")
    assert "lacks avx2 bmi2" in last and "RUSTFLAGS" in last
