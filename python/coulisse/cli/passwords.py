"""How commands come by a password: typed twice, or the first line of what is piped in."""

from __future__ import annotations

import sys

import typer


def ask_password(what: str, *, new: bool) -> str:
    """Ask for a password. Never an option: what stands on a command line, others can read."""
    if sys.stdin.isatty():
        return str(typer.prompt(what, hide_input=True, confirmation_prompt=new, err=True))
    return sys.stdin.readline().rstrip("\n")
