"""Runs `coulisse` on the core with planted faults, with one of them in all that it makes.

    python tests/chaos/planted.py LIBRARY FAULT serve --port 0 …
    python tests/chaos/planted.py LIBRARY FAULT hashes DATA_DIR

The projector that such a node starts is a process of its own, and has the sound core.
"""

import importlib.util
import sys
from pathlib import Path


def plant(library: Path, fault: str) -> None:
    """Let `coulisse._core` be the faulty one, for this process."""
    spec = importlib.util.spec_from_file_location("coulisse._core", library)
    assert spec is not None and spec.loader is not None
    core = importlib.util.module_from_spec(spec)
    sys.modules["coulisse._core"] = core
    spec.loader.exec_module(core)
    core.plant_everywhere(fault)


def hashes(directory: str) -> str:
    """Open the core of a data directory once; return its state's and its events' hash."""
    from coulisse import _core

    core = _core.Core(data_dir=directory)
    found = f"{core.state_hash().hex()} {core.event_hash().hex()}"
    core.close()
    return found


if __name__ == "__main__":
    plant(Path(sys.argv[1]), sys.argv[2])
    if sys.argv[3] == "hashes":
        print(hashes(sys.argv[4]))
    else:
        from coulisse.cli import main

        del sys.argv[1:3]
        main()
