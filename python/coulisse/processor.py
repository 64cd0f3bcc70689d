"""Whether this processor can run the extension, looked at before it is loaded.

A release is built for x86-64-v3: AVX2, BMI2 and FMA, which servers have had since 2015. On an
older processor, or in a virtual machine that hides them, loading it would end the process with an
illegal instruction and no word why. Whatever was built for the oldest x86-64 runs there.

Cost: the first few kilobytes of /proc/cpuinfo; the extension is read only where something lacks.
Source: the System V ABI for AMD64, 3.1.1, which defines x86-64-v3; /proc/cpuinfo calls LZCNT abm.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

CPUINFO: Final = Path("/proc/cpuinfo")
CORE: Final = Path(__file__).with_name("_core.abi3.so")
V3: Final = frozenset("avx avx2 bmi1 bmi2 f16c fma abm movbe xsave".split())
BUILT_FOR_V3: Final = b"coulisse is built for x86-64-v3"
"""What stands in an extension that needs them; crates/python/src/lib.rs writes it."""


def missing() -> frozenset[str]:
    """Return what x86-64-v3 has and this processor has not; nothing where nobody tells."""
    try:
        with CPUINFO.open(encoding="ascii", errors="replace") as lines:
            for line in lines:
                # Other architectures call theirs Features.
                if line.startswith("flags"):
                    return V3 - set(line.partition(":")[2].split())
    except OSError:
        pass
    return frozenset()


def refuse_if_too_old() -> None:
    """Raise `ImportError` where loading the extension would end in an illegal instruction."""
    lacking = missing()
    if lacking and CORE.is_file() and BUILT_FOR_V3 in CORE.read_bytes():
        raise ImportError(
            "coulisse is built for x86-64-v3, and this processor (or the virtual machine) lacks "
            f"{' '.join(sorted(lacking))}: build it for any x86-64, from its sources, with "
            "RUSTFLAGS='-C target-cpu=x86-64' (docs/operating/releases.md)"
        )
