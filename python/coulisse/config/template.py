"""A commented `coulisse.toml` and `.env`, made of the settings themselves.

Whatever has a default stands there as a comment with it, `#name = value`; what has none, with an
example. So a fresh file changes nothing, and taking a `#` away always gives a sound one.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from coulisse.config import PREFIX, Config

WIDTH: Final = 96
MASTER_KEY: Final = ("secrets", "master_key")
TOML_HEAD: Final = """\
# Settings of a Coulisse node. `coulisse serve --config` reads this file; .env and the environment
# (COULISSE_GATEWAY__PORT) win over it, and the flags of a command over those.
# What begins with # and no space is a setting with its default, or an example where it has none.
# `coulisse config check --config FILE` says what is wrong, `config show` what holds.
"""
ENV_HEAD: Final = """\
# What a Coulisse node reads from the environment, and from a file .env where it is started. It wins
# over coulisse.toml. Secrets belong here: nobody else may read this file (chmod 600).
# What begins with # and no space is a setting with its default, or an example where it has none.
"""


def toml_template() -> str:
    """Return `coulisse.toml` with every setting but the master key, which stands in `.env`."""
    lines = [TOML_HEAD]
    for name, field in Config.model_fields.items():
        branch = _branch_of(field)
        if branch is None:
            lines += [*_prose(field.description), *_tables(name, field), ""]
        else:
            lines += [*_prose(branch.__doc__), f"[{name}]", *_settings(name, branch), ""]
    return "\n".join(lines).rstrip() + "\n"


def env_template(master_key: str | None = None, *, secrets_alone: bool = False) -> str:
    """Return `.env`: all settings as variables, or those alone that may hold a secret.

    A `master_key` stands in it as a setting; without one its variable is empty.
    """
    lines = [ENV_HEAD]
    for path, field in leaves(Config):
        if secrets_alone and not _may_be_secret(field):
            continue
        variable, value = variable_of(path), _env_text(_example(field))
        lines += _prose(field.description)
        if path == MASTER_KEY and master_key is not None:
            lines += [f"{variable}={master_key}", ""]
        else:
            lines += [f"#{variable}={value}", ""]
    return "\n".join(lines).rstrip() + "\n"


def leaves(
    model: type[BaseModel], above: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], FieldInfo]]:
    """Yield every setting with its path: what is no branch, or a branch's own."""
    for name, field in model.model_fields.items():
        branch = _branch_of(field)
        if branch is None:
            yield (*above, name), field
        else:
            yield from leaves(branch, (*above, name))


def variable_of(path: tuple[str, ...]) -> str:
    """Return the environment's name of a setting."""
    return PREFIX + "__".join(path).upper()


def _settings(path: str, branch: type[BaseModel]) -> list[str]:
    """Return the settings of a branch; its own tables stand behind them."""
    lines, tables = [], []
    for name, field in branch.model_fields.items():
        prose, inner = _prose(field.description), _branch_of(field)
        if inner is not None:
            tables += ["", *prose, f"#[{path}.{name}]"]
            for key, of in inner.model_fields.items():
                tables += [*_prose(of.description), _line(key, of)]
        elif _row_of(field) is not None:
            tables += ["", *prose, *_tables(f"{path}.{name}", field)]
        elif (path, name) == MASTER_KEY:
            lines += [*prose, f"# It stands in .env, as {variable_of(MASTER_KEY)}."]
        else:
            lines += [*prose, _line(name, field)]
    return [*lines, *tables]


def _line(name: str, field: FieldInfo) -> str:
    return f"#{name} = {_toml(_example(field))}"


def _tables(path: str, field: FieldInfo) -> list[str]:
    """Return a table with names of the user's, or an array of tables."""
    example = _example(field)
    if isinstance(example, Mapping):
        return [f"#[{path}]", *(f"#{name} = {_toml(value)}" for name, value in example.items())]
    lines: list[str] = []
    for one in example:
        row = one.model_dump(exclude_none=True) if isinstance(one, BaseModel) else one
        lines += [f"#[[{path}]]", *(f"#{name} = {_toml(value)}" for name, value in row.items())]
    return lines


def _example(field: FieldInfo) -> Any:  # noqa: ANN401  # a value of any setting
    """Return an example where there is one, else the default."""
    if field.examples:
        return field.examples[0]
    return field.get_default(call_default_factory=True, validated_data={})


def _branch_of(field: FieldInfo) -> type[BaseModel] | None:
    """Return the branch of settings that a field is, or may be."""
    return _model_in(field.annotation)


def _row_of(field: FieldInfo) -> type[BaseModel] | None:
    """Return what the rows of an array of tables are, if a field is one."""
    is_array = get_origin(field.annotation) is tuple
    return _model_in(get_args(field.annotation)[0]) if is_array else None


def _may_be_secret(field: FieldInfo) -> bool:
    return SecretStr in _kinds(field.annotation)


def _model_in(annotation: object) -> type[BaseModel] | None:
    models = (kind for kind in _kinds(annotation) if isinstance(kind, type))
    return next((kind for kind in models if issubclass(kind, BaseModel)), None)


def _kinds(annotation: object) -> Iterator[object]:
    """Yield what a value may be, without what is said about it."""
    match get_origin(annotation):
        case origin if origin in (Union, UnionType):
            for kind in get_args(annotation):
                yield from _kinds(kind)
        case origin if origin is Annotated:
            yield from _kinds(get_args(annotation)[0])
        case _:
            yield annotation


def _prose(text: str | None) -> list[str]:
    """Return a docstring as lines of comment."""
    plain = " ".join((text or "").split())
    return [f"# {line}" for line in textwrap.wrap(plain, WIDTH - 2)]


def _toml(value: Any) -> str:  # noqa: ANN401  # a value of any setting
    match value:
        case SecretStr():
            return json.dumps(value.get_secret_value(), ensure_ascii=False)
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case Decimal():
            return f'"{value:f}"'
        case str() | Path():
            return json.dumps(str(value), ensure_ascii=False)
        case Mapping():
            inside = ", ".join(f"{name} = {_toml(one)}" for name, one in value.items())
            return f"{{ {inside} }}" if inside else "{}"
        case list() | tuple():
            return f"[{', '.join(_toml(one) for one in value)}]"
        case _:
            raise TypeError(f"no setting is a {type(value).__name__}")


def _env_text(value: Any) -> str:  # noqa: ANN401  # a value of any setting
    match value:
        case None:
            return ""
        case SecretStr():
            return value.get_secret_value()
        case bool():
            return "true" if value else "false"
        case Mapping() | list() | tuple():
            return f"'{json.dumps(value, default=_json_default)}'"
        case _:
            return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _json_default(value: object) -> object:
    return value.model_dump(mode="json") if isinstance(value, BaseModel) else str(value)
