"""What runs inside the new machine: its disks, the programs it lacks, then the page's commands.

Called by `rehearse.py` in namespaces of its own: mounts, processes, network. It writes one JSON
object to stdout at the end.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

HERE = Path(__file__).resolve().parent
# The page's programs that a machine without systemd and network cannot have.
SHIMS = {
    "systemctl": f'''exec /usr/bin/python3 {HERE}/systemctl.py "$@"''',
    # Debian's packages are here already, or their programs are; their servers are started, as
    # Debian does it.
    "apt-get": """
[ "$1" = install ] || exit 0
for program in psql redis-server prometheus java curl; do command -v $program > /dev/null; done
/usr/bin/python3 -c 'import ensurepip, pip'
systemctl start postgresql redis-server prometheus
""",
    # What Maven would fetch, as the tests have fetched it.
    "mvn": """
for word; do
    case $word in
        -Dartifact=org.questdb:questdb:*) version=${word##*:} ;;
        -DoutputDirectory=*) into=${word#*=} ;;
    esac
done
mkdir -p "$into"
cp "$QUESTDB_JARS/questdb-$version.jar" "$into"
""",
}
LATE_S = 90.0
DONE = "--- that is done ---"


def mounted(work: Path) -> None:
    """Give the machine disks of its own: what is written is on them, and goes with them."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(work)], check=True)
    for name in ("etc", "var"):
        upper, inner = work / name, work / f"{name}-work"
        upper.mkdir()
        inner.mkdir()
        layers = f"lowerdir=/{name},upperdir={upper},workdir={inner}"
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", layers, f"/{name}"], check=True)
    for name in ("/opt", "/run"):
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", name], check=True)
    shims = work / "bin"
    shims.mkdir()
    for name, text in SHIMS.items():
        (shims / name).write_text(f"#!/bin/sh\nset -eu\n{text}\n", encoding="utf-8")
        (shims / name).chmod(0o755)
    work.chmod(0o755)
    os.environ["PATH"] = f"{shims}:/usr/sbin:/usr/bin:/sbin:/bin"


def answer(url: str) -> Any:  # noqa: ANN401  # JSON
    """Return what an address says, whatever its status."""
    try:
        with urllib.request.urlopen(url, timeout=5) as said:
            return json.load(said)
    except urllib.error.HTTPError as error:
        return json.load(error)


def awaited(what: str, holds: Callable[[], bool]) -> None:
    """Look again and again until it is so."""
    give_up = time.monotonic() + LATE_S
    while True:
        try:
            if holds():
                return
        except OSError:
            pass
        if time.monotonic() > give_up:
            sys.exit(f"not within {LATE_S:.0f} s: {what}\n{logs()}")
        subprocess.run(["sleep", "0.1"], check=True)


def logs() -> str:
    """Return the last lines of what the services said."""
    tails = []
    for file in sorted(Path("/run/new-machine").glob("*.log")):
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
        tails.append("\n".join([f"--- {file.stem}", *(line[:400] for line in lines[-5:])]))
    return "\n".join(tails)


def is_whole() -> bool:
    """Tell whether the node is ready, and all that it fills is there and filled."""
    said = answer("http://127.0.0.1:8080/readyz")
    states = {name: said.get(name, {}) for name in ("store", "series", "redis")}
    if any(
        one.get("state") not in ("writing", "telling") or one.get("behind")
        for one in states.values()
    ):
        return False
    return bool(said["ready"]) and not said.get("degraded")


def is_scraped() -> bool:
    """Tell whether Prometheus has had an answer from the node, and has its rules."""
    up = answer("http://127.0.0.1:9090/api/v1/query?query=up")["data"]["result"]
    rules = answer("http://127.0.0.1:9090/api/v1/rules")["data"]["groups"]
    alive = {one["metric"]["job"]: one["value"][1] for one in up}
    return alive.get("coulisse") == "1" and sum(len(one["rules"]) for one in rules) > 30


def asked(*command: str) -> str:
    """Return what a program says."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def typed(fences: list[str]) -> list[dict[str, Any]]:
    """Type the blocks into one shell, one after another; return how long each took."""
    took = []
    with subprocess.Popen(
        ["bash", "-eu", "-o", "pipefail"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True,
    ) as shell:  # fmt: skip
        assert shell.stdin is not None and shell.stdout is not None, "they are pipes"
        for fence in fences:
            if "/readyz" in fence:
                # A person reads the page meanwhile; a script does not.
                awaited("the node answers", is_ready)
            began_s = time.monotonic()
            shell.stdin.write(f"{fence}\necho {DONE}\n")
            shell.stdin.flush()
            said = until_done(shell.stdout)
            if said is not None:
                sys.exit(f"{fence}\n{said[-3_000:]}\n{logs()}")
            took_s = round(time.monotonic() - began_s, 1)
            took.append({"block": fence.splitlines()[0], "took_s": took_s})
    return took


def until_done(stream: IO[str]) -> str | None:
    """Read what a block says; return it where the shell ended instead of going on."""
    said = ""
    for line in stream:
        if line.strip().endswith(DONE):
            return None
        said += line
    return said


def is_ready() -> bool:
    """Tell whether the node takes orders."""
    return bool(answer("http://127.0.0.1:8080/readyz")["ready"])


def main() -> None:
    """Type the page, look at what came of it, say so."""
    work, page = Path(sys.argv[1]), Path(sys.argv[2])
    fences: list[str] = json.loads(page.read_text(encoding="utf-8"))
    mounted(work)
    began_s = time.monotonic()
    took = typed(fences)
    awaited("all is ready and filled", is_whole)
    awaited("Prometheus has looked", is_scraped)
    rows = asked(
        "runuser", "-u", "postgres", "--", "psql", "-Atc", "SELECT count(*) FROM ledger", "coulisse"
    )
    secret = Path("/etc/redis/redis.conf").read_text(encoding="utf-8").split()[-1]
    keys = asked("redis-cli", "--no-auth-warning", "-a", secret, "EXISTS", "coulisse:book:BTC-USD")
    files = ("/etc/coulisse/coulisse.env", "/etc/coulisse/questdb.env", "/var/lib/coulisse")
    modes = {name: oct(Path(name).stat().st_mode & 0o777) for name in files}
    print(json.dumps({
        "blocks": took, "total_s": round(time.monotonic() - began_s, 1), "ledger_rows": int(rows),
        "redis_keys": int(keys), "modes": modes, "ready": answer("http://127.0.0.1:8080/readyz"),
    }))  # fmt: skip


if __name__ == "__main__":
    main()
