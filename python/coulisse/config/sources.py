"""Where each setting comes from: a flag, the environment, `.env`, the file, or nowhere."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from dotenv import dotenv_values
from pydantic import BaseModel

from coulisse.config import Config, read_toml
from coulisse.config.shown import shown
from coulisse.config.template import variable_of

DOTENV: Final = Path(".env")
DEFAULT: Final = "default"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting as it holds."""

    key: str
    """Its path, as `gateway.port`."""
    value: Any
    """As JSON has it; what is secret is masked."""
    source: str
    """`default`, the file's name, a variable's, or a flag."""


def settings_of(
    config: Config,
    file: Path | None,
    flags: Mapping[str, str],
    environ: Mapping[str, str] | None = None,
) -> list[Setting]:
    """Return all settings of `config`, which was read from `file` and the surroundings.

    `flags` are those of the command line, by the setting that each has set. Raises `ConfigError`.
    """
    variables = os.environ if environ is None else environ
    dotenv = dotenv_values(DOTENV) if DOTENV.is_file() else {}
    tree = {} if file is None else read_toml(file)
    found = []
    for path, value in _values(config, ()):
        key = ".".join(path)
        source = (
            flags.get(key)
            or _variable(path, variables)
            or _in_dotenv(path, dotenv)
            or (str(file) if _is_in(tree, path) else DEFAULT)
        )
        found.append(Setting(key, shown(value), source))
    return found


def _values(branch: BaseModel, above: tuple[str, ...]) -> list[tuple[tuple[str, ...], Any]]:
    found: list[tuple[tuple[str, ...], Any]] = []
    for name in type(branch).model_fields:
        value = getattr(branch, name)
        if isinstance(value, BaseModel):
            found += _values(value, (*above, name))
        else:
            found.append(((*above, name), value))
    return found


def _in_dotenv(path: tuple[str, ...], dotenv: Mapping[str, str | None]) -> str | None:
    given = {name: value for name, value in dotenv.items() if value is not None}
    name = _variable(path, given)
    return f"{name} in {DOTENV}" if name else None


def _variable(path: tuple[str, ...], variables: Mapping[str, str]) -> str | None:
    """Return the variable that sets what is at `path`: its own, or one of a branch above or below.

    Names of variables count in capitals or not, as they do where settings are read.
    """
    upper = {name.upper(): name for name in variables}
    own = variable_of(path)
    below = next((name for name in sorted(upper) if name.startswith(f"{own}__")), None)
    if own in upper or below is not None:
        return upper[own if own in upper else str(below)]
    for depth in range(len(path) - 1, 0, -1):
        name = upper.get(variable_of(path[:depth]))
        if name is not None and _is_in(_json(variables[name]), path[depth:]):
            return name
    return None


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _is_in(tree: object, path: tuple[str, ...]) -> bool:
    for name in path:
        if not isinstance(tree, Mapping) or name not in tree:
            return False
        tree = tree[name]
    return True
