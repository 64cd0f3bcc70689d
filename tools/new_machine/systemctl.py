"""`systemctl` where no systemd runs: it verifies units and starts their processes, and no more.

What a unit says of user, directories, environment and commands is done as systemd does it; what it
says of hardening is left to `systemd-analyze verify`, and to a machine with systemd.
"""

from __future__ import annotations

import os
import pwd
import re
import shlex
import signal
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

PLACES = (Path("/etc/systemd/system"), Path("/lib/systemd/system"))
PIDS = Path("/run/new-machine")
TURNS_MAX = 600


def unit_of(name: str) -> Path:
    """Return the file of a unit."""
    name = name if "." in name else f"{name}.service"
    for place in PLACES:
        if (place / name).is_file():
            return place / name
    sys.exit(f"systemctl: there is no unit {name}")


def read(unit: Path) -> dict[str, list[str]]:
    """Return what the unit's section `[Service]` says, all values of each name."""
    said: dict[str, list[str]] = defaultdict(list)
    section = ""
    for line in unit.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            section = line
        elif section == "[Service]" and re.match(r"\w+=", line):
            name, _, value = line.partition("=")
            said[name].append(value)
    return said


def environment(said: dict[str, list[str]]) -> dict[str, str]:
    """Return the variables that the unit's processes get."""
    given = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C"}
    pairs = [pair for line in said["Environment"] for pair in shlex.split(line)]
    for name in said["EnvironmentFile"]:
        lines = Path(name.lstrip("-")).read_text(encoding="utf-8").splitlines()
        pairs += [line for line in lines if line and not line.startswith("#")]
    for pair in pairs:
        name, _, value = pair.partition("=")
        given[name] = value.strip('"')
    return given


def made(said: dict[str, list[str]], kind: str, place: Path, owner: pwd.struct_passwd) -> None:
    """Make the unit's directories of one kind."""
    mode = int((said[f"{kind}Mode"] or ["0755"])[0], 8)
    for name in said[kind]:
        directory = place / name
        directory.mkdir(parents=True, exist_ok=True)
        os.chown(directory, owner.pw_uid, owner.pw_gid)
        directory.chmod(mode)


def start(name: str) -> None:
    """Start a service, after what comes before it; a timer is only looked for."""
    if name == "postgresql":
        subprocess.run(["pg_ctlcluster", "15", "main", "start"], check=True)
        return
    unit = unit_of(name)
    if unit.suffix != ".service":
        return
    said = read(unit)
    owner = pwd.getpwnam((said["User"] or ["root"])[0])
    made(said, "StateDirectory", Path("/var/lib"), owner)
    made(said, "RuntimeDirectory", Path("/run"), owner)
    given = environment(said)
    where = (said["WorkingDirectory"] or ["/"])[0]

    def words(line: str) -> list[str]:
        parts = [given.get(part[1:], part) if part[:1] == "$" else part for part in line.split()]
        return [word for part in parts for word in shlex.split(part)]

    for line in said["ExecStartPre"]:
        subprocess.run(words(line), check=True, env=given, cwd=where, user=owner.pw_uid,
                       group=owner.pw_gid, extra_groups=[])  # fmt: skip
    with (PIDS / f"{unit.stem}.log").open("ab") as log:
        process = subprocess.Popen(
            words(said["ExecStart"][0]), env=given, cwd=where, user=owner.pw_uid,
            group=owner.pw_gid, extra_groups=[], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True, umask=int((said["UMask"] or ["0022"])[0], 8),
        )  # fmt: skip
    (PIDS / unit.stem).write_text(str(process.pid))


def stop(name: str) -> None:
    """Stop a service that was started here, and wait until it is gone."""
    pid_file = PIDS / unit_of(name).stem
    if not pid_file.is_file():
        return
    pid = int(pid_file.read_text())
    os.kill(pid, signal.SIGTERM)
    # Process 1 of this machine buries nobody: what has ended is a zombie.
    for _ in range(TURNS_MAX):
        if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
            break
        subprocess.run(["sleep", "0.1"], check=True)
    else:
        sys.exit(f"systemctl: {name} does not stop")
    pid_file.unlink()


def main(words: list[str]) -> None:
    """Do as `systemctl` would."""
    PIDS.mkdir(exist_ok=True)
    action, names = words[0], [word for word in words[1:] if word != "--now"]
    match action:
        case "daemon-reload":
            ours = [*PLACES[0].glob("coulisse*"), *PLACES[0].glob("questdb*")]
            subprocess.run(["systemd-analyze", "verify", *map(str, sorted(ours))], check=True)
        case "restart":
            for name in names:
                stop(name)
                start(name)
        case "start" | "enable":
            for name in names:
                start(name)
        case _:
            sys.exit(f"systemctl {action}: not for this machine")


if __name__ == "__main__":
    main(sys.argv[1:])
