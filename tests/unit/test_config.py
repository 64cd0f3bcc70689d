"""Settings: sources, refusals, units."""

from __future__ import annotations

import errno
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import ValidationError

import coulisse.config as config_module
from coulisse.config import Config, load_config
from coulisse.domain.errors import ConfigError

CAP = "[[risk.withdrawal_caps]]\n"
BTC = '[[instruments]]\nsymbol="BTC-USD"\ntick_size="0.01"\nlot_size="0.00001"\n'
KEY = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"


@pytest.fixture(autouse=True)
def clean_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COULISSE_RECORDED_DIR", raising=False)


def a_file(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "coulisse.toml"
    file.write_text(text)
    return file


def test_defaults_are_three_instruments_on_this_machine_with_fsync() -> None:
    config = load_config()
    assert [item.symbol for item in config.instruments] == ["BTC-USD", "ETH-USD", "SOL-USD"]
    assert (config.gateway.host, config.gateway.port) == ("127.0.0.1", 8080)
    assert config.log.durability == "fsync"
    assert {item.maker_bp for item in config.instruments} == {Decimal(2)}
    assert {item.taker_bp for item in config.instruments} == {Decimal(5)}
    assert config.scale("BTC") == 8


def test_the_file_that_the_documentation_shows_is_good() -> None:
    page = Path(__file__).parents[2] / "docs" / "operating" / "configuration.md"
    example = page.read_text().split("```toml\n", 1)[1].split("```", 1)[0]
    config = load_config(a_file(Path.cwd(), example))
    without_cpu = config.node.model_copy(update={"cpu": None})
    assert (config.gateway, without_cpu) == (Config().gateway, Config().node)
    assert config.log == Config().log.model_copy(update={"dir": Path("coulisse-data")})
    assert config.projector == Config().with_projector().projector
    assert config.people == Config().people
    assert config.scale("JPY") == 4
    assert [limit.about for limit in config.risk.limits] == [
        "firm gross_notional USD",
        "account order_qty BTC-USD",
        "account alice order_rate",
    ]
    (alice,) = config.accounts
    assert alice.deposits == {"USD": Decimal(100_000), "BTC": Decimal(2)}
    assert alice.keys[0].permission_bits == 3


def test_the_environment_wins_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = a_file(tmp_path, '[gateway]\nport = 1111\nhost = "127.0.0.2"\n')
    monkeypatch.setenv("COULISSE_GATEWAY__PORT", "2222")
    config = load_config(file)
    assert (config.gateway.port, config.gateway.host) == (2222, "127.0.0.2")


def test_a_dotenv_file_is_read_and_the_environment_wins_over_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("COULISSE_GATEWAY__PORT=3333\nCOULISSE_LOG__DURABILITY=os\n")
    assert load_config().gateway.port == 3333
    assert load_config().log.durability == "os"
    monkeypatch.setenv("COULISSE_GATEWAY__PORT", "4444")
    assert load_config().gateway.port == 4444


def test_a_dotenv_file_may_hold_what_is_not_ours(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DATABASE_URL=x\nCOULISSE_URL=y\nCOULISSE_KEY_FILE=z\n")
    assert load_config().gateway.port == 8080


def test_a_dotenv_file_that_cannot_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_bytes(b"A=\xff\n")
    with pytest.raises(ConfigError, match=r"\.env: .*utf-8"):
        load_config()

    def refuse(file: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(file))

    # Root, who may run this, is refused no file.
    monkeypatch.setattr(config_module, "dotenv_values", refuse)
    with pytest.raises(ConfigError, match=r"\.env: Permission denied"):
        load_config()


def test_an_unknown_variable_in_the_dotenv_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("COULISSE_GATEWAX__PORT=3333\n")
    with pytest.raises(ConfigError, match="COULISSE_GATEWAX__PORT"):
        load_config()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[gateway]\nprot = 1\n", "gateway.prot"),
        ("[gatewax]\n", "gatewax"),
        ('[[accounts]]\nname = "a"\ncolour = "red"\n', "accounts.0.colour"),
        ('[[accounts]]\nname = "Upper"\n', "accounts.0.name"),
        ('[[accounts]]\nname = "a"\ndeposits = { usd = "1" }\n', "usd"),
        ('[[accounts]]\nname = "a"\ndeposits = { USD = "-1" }\n', "deposits.USD"),
        ('[[accounts]]\nname = "a"\ndeposits = { USD = 1.5 }\n', "as text"),
        ('[[accounts]]\nname="a"\nkeys=[{key_id="k",public_key="12"}]\n', "64 hexadecimal"),
        ('[[instruments]]\nsymbol="BTCUSD"\ntick_size="1"\nlot_size="1"\n', "not a symbol"),
        ('[[instruments]]\nsymbol="BTC-USD"\ntick_size=0.01\nlot_size="1"\n', "tick_size"),
        ("[gateway]\nport = 65536\n", "65536"),
        ('[log]\ndurability = "maybe"\n', "log.durability"),
        ("not toml", "coulisse.toml"),
        ('[gateway]\nhost = ""\n', "gateway.host: '' is no address"),
        ('[gateway]\nhost = " "\n', "gateway.host"),
        ('[gateway]\norigins = ["desk.example"]\n', "gateway.origins.0"),
        ("[gateway]\nsend_buffer_bytes = -1\n", "gateway.send_buffer_bytes: -1 is not between"),
        ("[gateway]\nsend_buffer_bytes = 99999999999\n", "99999999999 is not between"),
        ("[gateway]\nreceive_buffer_bytes = 0\n", "gateway.receive_buffer_bytes: 0 is not between"),
        ("[log]\nsegment_bytes = -5\n", "log.segment_bytes: -5 is not between"),
        ("[node]\nid = -1\n", "node.id: -1 is not between"),
        ("[node]\nid = 99999999999999\n", "node.id: 99999999999999 is not between"),
        ("[node]\ncpu = -1\n", "node.cpu: -1 is not between"),
        ("[asset_scales]\nUSD = -1\n", "asset_scales.USD: -1 is not between 0 and 18"),
        ("[asset_scales]\nusd = 2\n", "asset_scales.usd"),
        (f"{BTC}max_qty='99999999999999999999999'\n", "max_qty 99999999999999999999999 is more"),
        (BTC + BTC, "instruments: symbol: BTC-USD stands there twice"),
        (BTC + BTC.replace("BTC-", "BTC/"), "BTC-USD stands there twice"),
        ('[[accounts]]\nname="a"\n[[accounts]]\nname="a"\n', "accounts: name: a stands"),
        (f'[[accounts]]\nname="a"\nkeys=[{{key_id="k",public_key="{"f" * 64}"}}]\n', "f" * 64),
        (f'[[accounts]]\nname="a"\nkeys=[{{key_id="k",public_key="{"0" * 64}"}}]\n', "0" * 64),
        ("[gateway]\nport = 'many'\n", "not 'many'"),
        (f"{CAP}asset='usd'\ncap='1'\n", "'usd' is no asset"),
        (f"{CAP}asset='USD'\ncap='-1'\n", "risk.withdrawal_caps.0.cap"),
        (f"{CAP}asset='USD'\ncap=1.5\n", "risk.withdrawal_caps.0.cap"),
        (f"{CAP}asset='USD'\n", "risk.withdrawal_caps.0.cap"),
        (2 * f"{CAP}asset='USD'\ncap='1'\n", "withdrawal_caps: USD stands there twice"),
    ],
)
def test_what_means_nothing_is_refused_with_its_name_and_the_file(
    tmp_path: Path, text: str, named: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(a_file(tmp_path, text))
    assert named in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load_config(tmp_path / "none.toml")


@pytest.mark.parametrize("name", ["COULISSE_FOO", "COULISSE_GATEWAX__PORT", "COULISSE_PORT"])
def test_an_unknown_variable_is_refused_by_name(name: str) -> None:
    with pytest.raises(ConfigError, match=name):
        load_config(environ={name: "1"})


def test_variables_of_commands_and_tests_are_no_settings() -> None:
    ours = {"COULISSE_URL": "u", "COULISSE_KEY_FILE": "f", "COULISSE_RECORDED_DIR": "d"}
    assert load_config(environ=ours).gateway.port == 8080


def test_the_tree_cannot_be_changed() -> None:
    config = load_config()
    with pytest.raises(ValidationError):
        config.gateway.port = 1  # type: ignore[misc]
    assert config.with_gateway(port=0).gateway.port == 0
    assert config.gateway.port == 8080


def test_a_key_has_the_bits_of_its_permissions(tmp_path: Path) -> None:
    key = f'key_id="k"\npublic_key="{KEY}"\npermissions=["read","admin"]\n'
    text = f'[[accounts]]\nname="a"\n[[accounts.keys]]\n{key}'
    (account,) = load_config(a_file(tmp_path, text)).accounts
    assert account.keys[0].permission_bits == 9


def test_host_names_hold_the_own_address_and_what_is_added() -> None:
    config = Config.model_validate({"gateway": {"host": "10.0.0.5", "names": ["trade.example"]}})
    assert config.gateway.host_names == (
        "localhost", "127.0.0.1", "[::1]", "10.0.0.5", "trade.example",
    )  # fmt: skip


@pytest.mark.parametrize(
    "line", ["snapshot_interval_s = 0", "snapshots_kept = 0", "snapshots_kept = 65", "nice = 20"]
)
def test_a_projector_out_of_its_bounds_is_refused(tmp_path: Path, line: str) -> None:
    with pytest.raises(ConfigError, match=line.split()[0]):
        load_config(a_file(tmp_path, f"[projector]\n{line}\n"))


def test_a_projector_is_there_unless_the_file_says_no(tmp_path: Path) -> None:
    assert load_config().projector.enabled is None
    assert load_config().with_projector().projector.enabled is True
    without = load_config(a_file(tmp_path, "[projector]\nenabled = false\n"))
    assert without.with_projector().projector.enabled is False


def test_a_file_that_is_not_text_is_one_line_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"bytes\.toml: "):
        load_config(tmp_path / "bytes.toml")


def test_an_empty_host_is_refused_from_wherever_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"gateway\.host"):
        load_config().with_gateway(host="")
    with pytest.raises(ConfigError, match=r"log\.durability"):
        load_config().with_log(durability="never")
    monkeypatch.setenv("COULISSE_GATEWAY__HOST", "")
    with pytest.raises(ConfigError, match=r"gateway\.host"):
        load_config()


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ('kind = "order_qty"\nlimit = "1"', "symbol"),
        ('kind = "drawdown"\nlimit = "1"\nsubject = "BTC-USD"', "quote asset"),
        ('kind = "open_orders"\nlimit = "1"\nsubject = "USD"', "about nothing"),
        ('kind = "open_orders"\nlimit = "1.5"', "no whole number"),
        ('kind = "open_orders"\nlimit = "-1"', "negative"),
        ('kind = "open_orders"\nlimit = 1.5', "write the number as text"),
        ('kind = "open_orders"\nlimit = "1"\nburst = 2', "only a rate has a burst"),
        ('kind = "order_rate"\nlimit = "1"', "a rate needs a burst"),
        ('kind = "order_rate"\nlimit = "1"\nburst = 0', "a rate needs a burst"),
        ('kind = "open_orders"\nlimit = "1"\naccount = "alice"', "the scope is firm"),
        ('kind = "open_orders"\nlimit = "1"\nscope = "account"\naccount = "eve"', "no account eve"),
        ('kind = "all"\nlimit = "1"', "kind"),
        ('kind = "open_orders"\nlimit = "1"\nscope = "group"', "scope"),
    ],
)
def test_a_limit_that_means_nothing_is_refused(tmp_path: Path, fields: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        load_config(a_file(tmp_path, f"[[risk.limits]]\n{fields}\n"))


def test_a_limit_stands_there_once(tmp_path: Path) -> None:
    limit = '[[risk.limits]]\nkind = "open_orders"\nlimit = "1"\n'
    with pytest.raises(ConfigError, match="firm open_orders stands there twice"):
        load_config(a_file(tmp_path, limit + limit))
