"""The files that `coulisse init` writes: they change nothing, and every line in them is sound."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from coulisse.config import Config, load_config
from coulisse.config.shown import shown
from coulisse.config.template import env_template, leaves, toml_template, variable_of
from coulisse.domain.errors import ConfigError

ROOT = Path(__file__).resolve().parents[2]
WITHOUT_DEFAULT = {
    "log.dir", "log.archive", "node.cpu", "projector.enabled", "series.database", "traces.endpoint",
    "secrets.master_key_file", "gateway.tls", "asset_scales", "accounts", "risk.limits",
    "risk.withdrawal_caps",
}  # fmt: skip
"""What has an example in the files, and no default or an empty one."""


@pytest.fixture(autouse=True)
def clean_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("COULISSE_RECORDED_DIR", "COULISSE_SEED"):
        monkeypatch.delenv(name, raising=False)


def uncommented(text: str) -> str:
    return re.sub(r"^#(?=[^ ])", "", text, flags=re.MULTILINE)


def flat(config: Config) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, branch in shown(config).items():
        inner = branch if isinstance(branch, dict) and name != "asset_scales" else {"": branch}
        found |= {f"{name}.{key}".rstrip("."): value for key, value in inner.items()}
    return found


def test_a_fresh_coulisse_toml_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "coulisse.toml"
    file.write_text(toml_template())
    assert load_config(file) == Config()


def test_every_line_of_it_is_sound_and_shows_the_default(tmp_path: Path) -> None:
    file = tmp_path / "coulisse.toml"
    file.write_text(uncommented(toml_template()))
    found, default = flat(load_config(file)), flat(Config())
    differ = {key for key in found if found[key] != default[key]}
    assert differ == WITHOUT_DEFAULT


def test_every_setting_stands_in_both_files_with_a_comment() -> None:
    toml, env = toml_template(), env_template()
    tree = tomllib.loads(uncommented(toml))
    for path, field in leaves(Config):
        assert f"{variable_of(path)}=" in env, path
        assert field.description, path
        place = tree
        for name in path[:-1]:
            place = place[name]
        assert path == ("secrets", "master_key") or path[-1] in place, path
    assert max(len(line) for line in toml.splitlines() if "= [" not in line) <= 100


def test_a_fresh_env_has_a_master_key_and_nothing_else_that_counts(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(env_template("5a" * 32, secrets_alone=True))
    config = load_config()
    assert config.secrets.read() == bytes.fromhex("5a" * 32)
    assert config.model_copy(update={"secrets": Config().secrets}) == Config()


def test_every_variable_of_the_example_is_sound(tmp_path: Path) -> None:
    text = uncommented(env_template("5a" * 32))
    (tmp_path / ".env").write_text(text)
    found, default = flat(load_config()), flat(Config())
    differ = {key for key in found if found[key] != default[key]}
    assert differ == WITHOUT_DEFAULT | {"secrets.master_key"}


def test_the_example_in_the_repository_holds_no_key_that_would_be_taken(tmp_path: Path) -> None:
    text = (ROOT / ".env.example").read_text()
    assert text == env_template()
    (tmp_path / ".env").write_text(text)
    assert load_config() == Config()
    (tmp_path / ".env").write_text(uncommented(text))
    with pytest.raises(ConfigError, match="64 hexadecimal digits"):
        load_config()
