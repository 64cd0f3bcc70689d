"""One bill of materials of a wheel, in CycloneDX: what is compiled into it and what it runs with.

The Rust half is what maturin put into the wheel (PEP 770), without what is only for other machines
and with our own crates named by their name, not by a folder of the machine that built it. The
Python half is what cyclonedx-py finds in `.venv`, cut down to the packages that the image installs,
in the versions that are tested; the wheel itself takes newer ones too.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import uuid
import zipfile
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from tools.release.programs import ROOT

SPEC: Final = "1.6"
SCHEMA: Final = "http://cyclonedx.org/schema/bom-1.6.schema.json"
OWN: Final = re.compile(r"path\+file://[^#]*#([\w-]+@[^ ]+)")
PIN: Final = re.compile(r"^([a-z0-9][a-z0-9.-]*)==([^ ;\\]+)", re.MULTILINE)
# The one that is in the wheel, and not a crate that another program would take from a registry.
ROOT_CRATE: Final = "coulisse-python"
VALIDATE: Final = """
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(sys.stdin.read())
sys.exit(None if fault is None else f"not CycloneDX 1.6: {fault}")
"""

Bom = Mapping[str, Any]
Packages = Mapping[str, Collection[str]]


class SbomError(Exception):
    """What is missing from a bill of materials."""


def rust_half(wheel: Path) -> Bom:
    """Return the bill that maturin put into a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if name.endswith(".cyclonedx.json")]
        if len(names) != 1:
            raise SbomError(f"{wheel.name} holds {len(names)} bills of materials, not one")
        text = archive.read(names[0]).decode()
    bom: Bom = json.loads(OWN.sub(r"\1", text))
    return bom


def python_half(programs: Path) -> Bom:
    """Return the bill of everything in `.venv`, which holds more than the wheel runs with."""
    command = [
        str(programs / "cyclonedx-py"),
        "environment",
        str(ROOT / ".venv" / "bin" / "python"),
    ]
    command += ["--spec-version", SPEC, "--output-reproducible", "--output-file", "-"]
    bom: Bom = json.loads(subprocess.check_output(command, stderr=subprocess.DEVNULL))
    return bom


def compiled(target: str) -> set[tuple[str, str]]:
    """Return name and version of each crate that is compiled for `target`, or helps to."""
    command = [
        "cargo",
        "tree",
        "--package",
        ROOT_CRATE,
        "--locked",
        "--offline",
        "--prefix",
        "none",
    ]
    command += ["--edges", "normal,build", "--target", target, "--format", "{p}"]
    lines = subprocess.check_output(command, cwd=ROOT, text=True).splitlines()
    found = (line.split()[:2] for line in lines if line)
    return {(name, number.removeprefix("v")) for name, number in found}


def locked(lock: str) -> Packages:
    """Return the versions in a lock; a package may have one for older Pythons beside the newest."""
    found: dict[str, set[str]] = {}
    for name, number in PIN.findall(lock):
        found.setdefault(name, set()).add(number)
    return found


def composed(
    wheel: Path,
    halves: tuple[Bom, Bom],
    crates: Collection[tuple[str, str]],
    packages: Packages,
) -> Bom:
    """Make one bill of both halves. Raises `SbomError` where one lacks what it must hold."""
    rust, python = halves
    kept = [*_rust(rust, crates), *_python(python, packages)]
    refs = {str(one["bom-ref"]) for one in kept}
    name, number = wheel.name.split("-")[:2]
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    root = {
        "type": "application",
        "bom-ref": name,
        "name": name,
        "version": number,
        "purl": f"pkg:pypi/{name}@{number}",
        "licenses": [{"license": {"id": "MIT"}}],
        "hashes": [{"alg": "SHA-256", "content": digest}],
        "properties": [{"name": "coulisse:file", "value": wheel.name}],
    }
    tools = [{"type": "application", "name": one} for one in ("cargo-cyclonedx", "cyclonedx-py")]
    inside = {name: _ref(ROOT_CRATE, rust)}
    return {
        "$schema": SCHEMA,
        "bomFormat": "CycloneDX",
        "specVersion": SPEC,
        # The same wheel has the same bill.
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, digest)}",
        "version": 1,
        "metadata": {"component": root, "tools": {"components": tools}},
        "components": sorted(kept, key=lambda one: (one["purl"], one["bom-ref"])),
        "dependencies": list(_edges(halves, refs, inside, packages)),
    }


def _ref(crate: str, rust: Bom) -> str:
    return f"{crate}@{rust['metadata']['component']['version']}"


def _rust(rust: Bom, crates: Collection[tuple[str, str]]) -> Iterator[dict[str, Any]]:
    own = rust["metadata"]["component"]
    found = {(one["name"], one["version"]): one for one in (own, *rust["components"])}
    if missing := set(crates) - set(found):
        raise SbomError(f"compiled, and not in the wheel's bill: {sorted(missing)}")
    for key in sorted(crates):
        one = {name: of for name, of in found[key].items() if name != "components"}
        one["purl"] = one["purl"].partition("?download_url=file")[0]
        yield one


def _python(python: Bom, packages: Packages) -> Iterator[dict[str, Any]]:
    found = {_plain(one["name"]): one for one in python["components"]}
    for name, numbers in packages.items():
        # What is locked for another system is not here.
        if name not in found:
            continue
        if found[name]["version"] not in numbers:
            raise SbomError(f"{name} {found[name]['version']} is here, and not in the lock")
        yield dict(found[name])


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _edges(
    halves: tuple[Bom, Bom], refs: set[str], inside: Mapping[str, str], packages: Packages
) -> Iterator[dict[str, Any]]:
    python = {_plain(ref.partition("==")[0]): ref for ref in refs if "==" in ref}
    runs_with = sorted(ref for name, ref in python.items() if name in packages)
    for name, crate in inside.items():
        yield {"ref": name, "dependsOn": [crate, *runs_with]}
    for half in halves:
        for edge in half["dependencies"]:
            if edge["ref"] in refs:
                on = sorted({one for one in edge.get("dependsOn", ()) if one in refs})
                yield {"ref": edge["ref"], **({"dependsOn": on} if on else {})}


def write_sbom(wheel: Path, target: str, programs: Path) -> Path:
    """Write the bill of `wheel`, built for `target`, beside it; return the file.

    Raises `SbomError`, also where the result is not what CycloneDX says.
    """
    lock = (ROOT / "deploy" / "image" / "packages.txt").read_text(encoding="utf-8")
    halves = (rust_half(wheel), python_half(programs))
    text = json.dumps(composed(wheel, halves, compiled(target), locked(lock)), indent=1) + "\n"
    checked = subprocess.run(
        [str(programs / "python"), "-c", VALIDATE], input=text, text=True, capture_output=True
    )
    if checked.returncode != 0:
        raise SbomError(checked.stderr.strip())
    file = wheel.with_suffix(".cdx.json")
    file.write_text(text, encoding="utf-8")
    return file
