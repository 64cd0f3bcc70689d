"""The messages of the core as a table, and their bytes.

A message is a kind and its fields by name: `Message("Deposit", asset=1, amount=5)`. The table is
the one of `crates/types`, and a test compares the two; enums are written by their names.

Little-endian integers; text is a length byte and ASCII.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace

COMMANDS = """
1 Genesis hash_seed:u64 shard:u16 assets_max:u32 instruments_max:u32 accounts_max:u32 keys_max:u32
  live_orders_max:u32 open_orders_per_account_max:u32 fills_per_command_max:u32
  client_order_ids_max:u32 closed_ids_per_account_max:u32 request_ids_max:u32
2 NodeStarted incarnation:u32
3 AssetCreate name:text scale:u8
4 InstrumentCreate symbol:text base:asset_id quote:asset_id tick_minor:i64 lot_minor:i64
  min_qty:qty_lots max_qty:qty_lots min_notional:amount_minor maker_fee:rate_ppm
  taker_fee:rate_ppm
5 AccountCreate name:text
6 KeyCreate key_id:text public_key:bytes32 permissions:u8
7 Deposit asset:asset_id amount:amount_minor
8 Withdraw asset:asset_id amount:amount_minor
9 GroupCreate name:text
10 AccountConfigure group:group_id trade_group:u32
11 InstrumentConfigure instrument:instrument_id matching:matching_mode reference:reference_kind
  collar_ppm:u32 slippage_ppm:u32 band_ppm:u32 auction_ns:i64 auction_fee:rate_ppm
12 TradingStateSet instrument:instrument_id state:trading_state
13 MarkSet instrument:instrument_id price:price_ticks
14 FeeTierSet asset:asset_id tier:u8 threshold:amount_minor maker_fee:rate_ppm taker_fee:rate_ppm
15 LimitSet scope:scope scope_id:u32 kind:limit_kind subject:u32 value:i128 burst:u32
16 OrderPlace instrument:instrument_id side:side order_type:order_type time_in_force:time_in_force
  post_only:bool qty:qty_lots price:price_ticks notional:amount_minor client_order_id:text
17 OrderCancel order_id:order_id client_order_id:text
18 OrderAmend order_id:order_id client_order_id:text qty:qty_lots price:price_ticks
19 OrderCancelAll instrument:instrument_id side:side_filter session:u64
20 OrderPlaceTerms instrument:instrument_id side:side order_type:order_type
  time_in_force:time_in_force post_only:bool qty:qty_lots price:price_ticks notional:amount_minor
  client_order_id:text self_trade:self_trade trigger:trigger trigger_on:trigger_on
  trigger_price:price_ticks trail:i64 display_qty:qty_lots min_qty:qty_lots peg:peg peg_offset:i64
  reduce_only:bool expire_ns:i64
21 OrderReplace cancel_order_id:order_id cancel_client_order_id:text allow_failure:bool
  instrument:instrument_id side:side order_type:order_type time_in_force:time_in_force
  post_only:bool qty:qty_lots price:price_ticks notional:amount_minor client_order_id:text
  self_trade:self_trade trigger:trigger trigger_on:trigger_on trigger_price:price_ticks trail:i64
  display_qty:qty_lots min_qty:qty_lots peg:peg peg_offset:i64 reduce_only:bool expire_ns:i64
22 OrderListPlace kind:list_kind instrument:instrument_id client_order_id:text side_0:side
  order_type_0:order_type time_in_force_0:time_in_force qty_0:qty_lots price_0:price_ticks
  trigger_0:trigger trigger_on_0:trigger_on trigger_price_0:price_ticks side_1:side
  order_type_1:order_type time_in_force_1:time_in_force qty_1:qty_lots price_1:price_ticks
  trigger_1:trigger trigger_on_1:trigger_on trigger_price_1:price_ticks side_2:side
  order_type_2:order_type time_in_force_2:time_in_force qty_2:qty_lots price_2:price_ticks
  trigger_2:trigger trigger_on_2:trigger_on trigger_price_2:price_ticks
23 CancelAfter timeout_ns:i64
32 Tick
33 RiskStateSet scope:scope scope_id:u32 state:risk_state
34 KillSwitch scope:scope scope_id:u32
35 KillReset scope:scope scope_id:u32 step:u8
36 AuctionSchedule instrument:instrument_id start_ns:i64 end_ns:i64
37 Void seq:seq instrument:instrument_id
38 KeyIssue key_id:text scheme:key_scheme material:bytes permissions:u8 label:text expire_ns:i64
  waits:bool
39 KeyBind key_id:text accounts:bytes instruments:bytes networks:bytes
40 KeyRevoke key_id:text
44 PasswordSet key_id:text material:bytes
45 SessionEnd session:u64 until_ns:i64
46 CancelOnDisconnect session:u64 enabled:bool
48 WithdrawalCapSet asset:asset_id cap:amount_minor
49 WithdrawalApprove withdrawal_id:seq
50 WithdrawalReject withdrawal_id:seq
51 WithdrawalCancel withdrawal_id:seq
"""
EVENTS = """
1 Rejected code:reject_code field:field unit:unit value:i128 limit:i128 client_order_id:text
2 OrderDuplicate order_id:order_id first_seq:seq state:order_state filled:qty_lots
  client_order_id:text
3 RequestDuplicate request_id:request_id first_seq:seq
4 GenesisSet shard:u16
5 NodeJoined node:u16 incarnation:u32
6 AssetCreated asset:asset_id name:text scale:u8
7 InstrumentCreated instrument:instrument_id symbol:text base:asset_id quote:asset_id
  tick_minor:i64 lot_minor:i64 min_qty:qty_lots max_qty:qty_lots min_notional:amount_minor
  maker_fee:rate_ppm taker_fee:rate_ppm
8 AccountCreated account:account_id name:text
9 KeyCreated key:key_index key_id:text account:account_id public_key:bytes32 permissions:u8
10 Deposited account:account_id asset:asset_id amount:amount_minor request_id:request_id
11 Withdrawn account:account_id asset:asset_id amount:amount_minor request_id:request_id
12 BalanceChanged account:account_id asset:asset_id available:amount_minor held:amount_minor
13 GroupCreated group:group_id name:text
14 AccountConfigured account:account_id group:group_id trade_group:u32
15 InstrumentConfigured instrument:instrument_id version:u32 matching:matching_mode
  reference:reference_kind collar_ppm:u32 slippage_ppm:u32 band_ppm:u32 auction_ns:i64
  auction_fee:rate_ppm
16 OrderAccepted order_id:order_id account:account_id instrument:instrument_id side:side
  order_type:order_type time_in_force:time_in_force post_only:bool qty:qty_lots price:price_ticks
  notional:amount_minor client_order_id:text
17 Traded instrument:instrument_id trade_id:trade_id price:price_ticks qty:qty_lots
  taker_side:side maker_order_id:order_id taker_order_id:order_id
18 OrderFilled order_id:order_id account:account_id instrument:instrument_id trade_id:trade_id
  side:side role:role price:price_ticks qty:qty_lots notional:amount_minor fee:amount_minor
  filled:qty_lots remaining:qty_lots client_order_id:text
19 OrderRested order_id:order_id account:account_id instrument:instrument_id side:side
  price:price_ticks remaining:qty_lots
20 OrderAmended order_id:order_id account:account_id instrument:instrument_id qty:qty_lots
  price:price_ticks remaining:qty_lots kept_priority:bool client_order_id:text
21 OrderClosed order_id:order_id account:account_id instrument:instrument_id state:order_state
  reason:close_reason filled:qty_lots remaining:qty_lots client_order_id:text
22 OrdersCancelled account:account_id instrument:instrument_id count:u32
23 OrderTermsSet order_id:order_id account:account_id instrument:instrument_id
  self_trade:self_trade trigger:trigger trigger_on:trigger_on trigger_price:price_ticks trail:i64
  display_qty:qty_lots min_qty:qty_lots peg:peg peg_offset:i64 reduce_only:bool expire_ns:i64
24 OrderTriggered order_id:order_id account:account_id instrument:instrument_id
  trigger_on:trigger_on trigger_price:price_ticks price:price_ticks client_order_id:text
25 OrderRefreshed order_id:order_id account:account_id instrument:instrument_id side:side
  price:price_ticks displayed:qty_lots remaining:qty_lots
26 OrderRepriced order_id:order_id account:account_id instrument:instrument_id side:side
  price:price_ticks remaining:qty_lots
27 OrderDecremented order_id:order_id account:account_id instrument:instrument_id by:qty_lots
  qty:qty_lots remaining:qty_lots client_order_id:text
28 OrderListPlaced list_id:order_id account:account_id instrument:instrument_id kind:list_kind
  leg_1:order_id leg_2:order_id
29 CancelAfterSet account:account_id deadline_ns:i64
32 LevelChanged instrument:instrument_id side:side price:price_ticks qty:qty_lots order_count:u32
33 MarkChanged instrument:instrument_id price:price_ticks
34 TradingStateChanged instrument:instrument_id state:trading_state reason:state_reason
  until_ns:i64
35 AuctionIndicated instrument:instrument_id price:price_ticks qty:qty_lots surplus:qty_lots
36 AuctionUncrossed instrument:instrument_id price:price_ticks qty:qty_lots
37 AuctionScheduled instrument:instrument_id start_ns:i64 end_ns:i64
38 PositionChanged account:account_id instrument:instrument_id qty:qty_lots cost:amount_minor
  realised:amount_minor fees:amount_minor
39 LimitChanged scope:scope scope_id:u32 kind:limit_kind subject:u32 value:i128 burst:u32
  version:u32
40 LimitUsed scope:scope scope_id:u32 kind:limit_kind subject:u32 used:i128 limit:i128 level:u8
41 RiskStateChanged scope:scope scope_id:u32 state:risk_state
42 KillSwitchSet scope:scope scope_id:u32 last_order_id:order_id
43 KillResetAsked scope:scope scope_id:u32
44 KillSwitchReset scope:scope scope_id:u32
45 FeeTierChanged asset:asset_id tier:u8 threshold:amount_minor maker_fee:rate_ppm
  taker_fee:rate_ppm
46 Ticked closed:u32 more:bool
47 RecordVoided voided_seq:seq instrument:instrument_id
48 KeyIssued key:key_index key_id:text account:account_id scheme:key_scheme permissions:u8
  label:text expire_ns:i64 waits:bool
49 KeyBound key:key_index accounts:bytes instruments:bytes networks:bytes
50 KeyRevoked key:key_index key_id:text
54 PasswordChanged key:key_index key_id:text
55 SessionEnded key:key_index session:u64 until_ns:i64
56 WithdrawalHeld withdrawal_id:seq account:account_id asset:asset_id amount:amount_minor
  request_id:request_id asked_by:key_index expire_ns:i64
57 WithdrawalEnded withdrawal_id:seq account:account_id asset:asset_id amount:amount_minor
  end:withdrawal_end ended_by:key_index
58 WithdrawalCapProposed asset:asset_id cap:amount_minor asked_by:key_index
59 WithdrawalCapChanged asset:asset_id cap:amount_minor version:u32
60 CancelOnDisconnectSet account:account_id session:u64 enabled:bool
"""
ENUMS = {
    name: dict(enumerate(values.split(" ")))
    for name, values in {
        "side": "buy sell",
        "order_type": "limit market",
        "time_in_force": "gtc ioc fok gtd day",
        "order_state": "open filled cancelled expired waiting",
        "close_reason": "filled cancel_requested cancel_all amended_to_filled immediate_or_cancel"
        " fill_or_kill no_liquidity insufficient_balance fill_limit notional_spent"
        " self_trade expiry min_qty reduce_only slippage kill_switch dead_man replaced"
        " list auction_end",
        "role": "maker taker",
        "field": " account key_id symbol side type tif post_only qty price notional"
        " client_order_id order_id request_id asset amount name base quote tick_size"
        " lot_size min_qty max_qty min_notional maker_fee taker_fee scale available"
        " permissions incarnation count self_trade trigger trigger_price trail"
        " display_qty peg peg_offset reduce_only expire_time state scope scope_id"
        " subject limit burst timeout collar slippage band auction_time auction_fee tier"
        " threshold group trade_group seq step legs kind start_time end_time material accounts"
        " symbols networks nonce",
        "key_scheme": "ed25519 hmac_sha256 password",
        "unit": " ticks lots base_minor quote_minor asset_minor number ppm ns",
        "self_trade": "none expire_taker expire_maker expire_both decrement",
        "trigger": "none stop take_profit trail_ticks trail_bp",
        "trigger_on": "last mark",
        "peg": "none bid ask mid",
        "list_kind": "oco oto otoco",
        "side_filter": "both buy sell",
        "matching_mode": "price_time pro_rata",
        "reference_kind": "last mid mark",
        "trading_state": "open cancel_only post_only halted auction",
        "state_reason": "command band stops schedule uncrossed void",
        "scope": "firm group account instrument",
        "risk_state": "active reducing halted",
        "withdrawal_end": "approved rejected cancelled expired",
        "limit_kind": "order_qty order_notional open_orders conditional_orders position"
        " gross_notional net_notional order_rate message_rate duplicate_window"
        " daily_loss drawdown",
    }.items()
}
ENUMS["field"] |= {70: "withdrawal_id", 71: "cap"}
REJECTS = dict(
    enumerate(
        "UNKNOWN_KEY NOT_PERMITTED UNKNOWN_ACCOUNT UNKNOWN_ASSET UNKNOWN_INSTRUMENT"
        " ALREADY_EXISTS INVALID_NAME INVALID_INSTRUMENT TABLE_FULL INVALID_COMBINATION"
        " PRICE_OUT_OF_RANGE QTY_BELOW_MIN QTY_ABOVE_MAX NOTIONAL_BELOW_MIN NOTIONAL_ABOVE_MAX"
        " AMOUNT_OUT_OF_RANGE INSUFFICIENT_BALANCE POST_ONLY_WOULD_TRADE TOO_MANY_OPEN_ORDERS"
        " ORDER_NOT_FOUND CLIENT_ORDER_ID_CONFLICT REQUEST_ID_CONFLICT GENESIS_EXISTS"
        " GENESIS_MISSING STALE_INCARNATION TRIGGER_WOULD_FIRE TIME_OUT_OF_RANGE"
        " TOO_MANY_CONDITIONAL_ORDERS TOO_MANY_FOLLOWERS TRADING_STATE NO_REFERENCE"
        " REDUCE_ONLY RISK_PRICE_COLLAR RISK_ORDER_QTY RISK_ORDER_NOTIONAL RISK_POSITION"
        " RISK_GROSS_NOTIONAL RISK_NET_NOTIONAL RISK_ORDER_RATE RISK_MESSAGE_RATE"
        " RISK_DUPLICATE_ORDER RISK_DAILY_LOSS RISK_DRAWDOWN RISK_REDUCING RISK_HALTED"
        " KILL_SWITCH_ON KILL_SWITCH_STATE UNKNOWN_GROUP LIMIT_BINDS_ASKER VOIDED"
        " KEY_REVOKED KEY_EXPIRED KEY_NOT_BOUND NONCE_USED".split(),
        start=100,
    )
) | {160: "UNKNOWN_WITHDRAWAL", 161: "SECOND_PERSON_NEEDED"}
# Length, CRC, schema, kind, node, index, seq, time_ns, batch, incarnation, account, key, 0 and
# session; the request id of 16 bytes follows.
HEADER_STRUCT = "<IIHHHHQqQIIIIQ"
# Bytes, and whether signed.
INTEGERS = {
    **{"u8": (1, False), "u16": (2, False), "u32": (4, False), "u64": (8, False)},
    **{"u128": (16, False), "i32": (4, True), "i64": (8, True), "i128": (16, True)},
    **{"seq": (8, False), "account_id": (4, False), "group_id": (4, False), "asset_id": (4, False)},
    **{"instrument_id": (4, False), "key_index": (4, False), "order_id": (8, False)},
    **{"trade_id": (8, False), "request_id": (16, False), "price_ticks": (8, True)},
    **{"qty_lots": (8, True), "amount_minor": (16, True), "rate_ppm": (4, True)},
}

Fields = tuple[tuple[str, str], ...]


class Message(SimpleNamespace):
    """A command or an event: its kind and its fields."""

    def __init__(self, kind: str, **fields: object) -> None:
        super().__init__(kind=kind, **fields)


@dataclass(frozen=True, slots=True)
class Header:
    """What stands before a command in the log (`crates/types/src/record.rs`)."""

    seq: int
    time_ns: int = 0
    node: int = 1
    incarnation: int = 0
    batch: int = 0
    index: int = 0
    account: int = 0
    key: int = 0
    session: int = 0
    request_id: int = 0
    # Not of the record: whoever applies it has read that it is void (section 25).
    void: bool = False


def _table(text: str) -> dict[int, tuple[str, Fields]]:
    rows = text.replace("\n  ", " ").split("\n")[1:-1]
    words = [row.split() for row in rows]
    return {int(w[0]): (w[1], tuple(_name_and_type(field) for field in w[2:])) for w in words}


def _name_and_type(field: str) -> tuple[str, str]:
    name, _, type_name = field.partition(":")
    return name, type_name


def attribute(field: str) -> str:
    """Where a message keeps a field: `kind` is the kind of the message itself already."""
    return "of_kind" if field == "kind" else field


def _encoder(type_name: str) -> Callable[..., bytes]:
    if type_name in INTEGERS:
        width, signed = INTEGERS[type_name]
        return lambda value: value.to_bytes(width, "little", signed=signed)
    if type_name == "reject_code":
        codes = {name: code.to_bytes(2, "little") for code, name in REJECTS.items()}
        return codes.__getitem__
    if type_name in ENUMS:
        numbers = {name: bytes([number]) for number, name in ENUMS[type_name].items()}
        return numbers.__getitem__
    if type_name == "text":
        return lambda text: bytes([len(text)]) + text.encode("ascii")
    if type_name == "bool":
        return lambda value: bytes([bool(value)])
    if type_name == "bytes":
        return lambda value: bytes([len(value)]) + value
    assert type_name == "bytes32"
    return bytes


COMMAND_TABLE, EVENT_TABLE = _table(COMMANDS), _table(EVENTS)
_ENCODERS = {
    kind: (number, [(attribute(name), _encoder(type_name)) for name, type_name in fields])
    for table in (COMMAND_TABLE, EVENT_TABLE)
    for number, (kind, fields) in table.items()
}


FIELD_NAMES = {kind: [name for name, _ in fields] for kind, (_, fields) in _ENCODERS.items()}


def number(kind: str) -> int:
    """The number of a kind in records."""
    return _ENCODERS[kind][0]


def encode_body(message: Message) -> bytes:
    """The fields in order, without the kind."""
    values = vars(message)
    return b"".join([encode(values[name]) for name, encode in _ENCODERS[message.kind][1]])


def encode_record(header: Header, command: Message) -> bytes:
    """80 bytes of header, then the body. The CRC is the journal's and stays 0 here."""
    h, body = header, encode_body(command)
    head = struct.pack(
        HEADER_STRUCT,
        *(80 + len(body), 0, 0, number(command.kind), h.node, h.index, h.seq, h.time_ns, h.batch),
        *(h.incarnation, h.account, h.key, 0, h.session),
    )
    return head + h.request_id.to_bytes(16, "little") + body


def encode_events(events: list[Message]) -> bytes:
    """What the core answers to a record: for each event kind u16, body length u16, body."""
    bodies = [(number(event.kind), encode_body(event)) for event in events]
    return b"".join([struct.pack("<HH", kind, len(body)) + body for kind, body in bodies])


def decode_events(data: bytes) -> list[Message]:
    """The events in a core's answer."""
    events, at = [], 0
    while at < len(data):
        kind, length = struct.unpack_from("<HH", data, at)
        events.append(decode_body(EVENT_TABLE[kind], data[at + 4 : at + 4 + length]))
        at += 4 + length
    assert at == len(data), "an event is cut short"
    return events


def decode_body(spec: tuple[str, Fields], body: bytes) -> Message:
    """The message of one table row with these bytes."""
    kind, fields = spec
    values: dict[str, object] = {}
    at = 0
    for name, type_name in fields:
        values[attribute(name)], at = _decode(type_name, body, at)
    assert at == len(body), f"{kind}: {len(body) - at} bytes too many"
    return Message(kind, **values)


def _decode(type_name: str, body: bytes, at: int) -> tuple[object, int]:
    if type_name in INTEGERS:
        width, signed = INTEGERS[type_name]
        return int.from_bytes(body[at : at + width], "little", signed=signed), at + width
    if type_name == "reject_code":
        return REJECTS[int.from_bytes(body[at : at + 2], "little")], at + 2
    if type_name in ENUMS:
        return ENUMS[type_name][body[at]], at + 1
    if type_name == "text":
        return body[at + 1 : at + 1 + body[at]].decode("ascii"), at + 1 + body[at]
    if type_name == "bool":
        return bool(body[at]), at + 1
    if type_name == "bytes":
        return body[at + 1 : at + 1 + body[at]], at + 1 + body[at]
    return body[at : at + 32], at + 32
