//! Requests: one strict JSON object in, one typed request out.
//!
//! Invariants
//! - What is accepted was read completely, each key once, each key known.
//! - What breaks the syntax is said before what breaks a rule, wherever either stands.
//! - Text that is a number becomes ticks, lots or minor units exactly, or the request is refused.
//!
//! Cost: one pass, no allocation, but for the list of instruments of a subscription; a refused
//! request is read a second time to find its id and the first fault of its syntax.

use alloc::boxed::Box;
use alloc::vec::Vec;

use coulisse_types::command::{
    Deposit, KeyBind, KillReset, KillSwitch, LimitSet, OrderAmend, OrderCancel, OrderCancelAll,
    RiskStateSet,
};
use coulisse_types::{
    AccountId, AccountName, ClientOrderId, Command, InstrumentId, KeyId, OrderId, Price, Qty,
    RejectCode, RequestId,
};

use super::bodies::read_body;
use super::error::{Detail, RequestError};
use super::feed::CandleInterval;
use super::params::{
    Fault, Params, Read, duplicate_field, integer, missing, name, no_price, read_price, read_qty,
    unknown_field,
};
use super::people::{Password, People, mentions_secret};
use super::spec::{Channel, Op, ParamKind};
use crate::instruments::{InstrumentInfo, Symbols};
use crate::json::{Kind, Raw, Scanner, validate};
use crate::limits::{INTEGER_MAX, REQUEST_ID_BYTES_MAX, SIGNATURE_BYTES, TEXT_BYTES_MAX};

/// What a client proves its key with.
pub type Signature = coulisse_types::keys::Bytes<SIGNATURE_BYTES>;

/// One request of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// Its id as it came, to be echoed; empty for none.
    pub id_raw: &'a [u8],
    /// What is asked for.
    pub op: Op,
    /// For which account, if it says.
    pub account: Option<AccountName>,
    /// Microseconds since the epoch after which it is void, if it says.
    pub deadline_us: Option<i64>,
    /// The rest.
    pub body: Body<'a>,
}

/// What a request asks for, with its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body<'a> {
    /// `session.logon`.
    Logon {
        /// The key.
        key_id: KeyId,
        /// The signature: 64 bytes of Ed25519, 32 of HMAC-SHA256.
        signature: Signature,
    },
    /// What is about people: their passwords and tokens.
    People(Box<People>),
    /// `session.logoff`.
    Logoff,
    /// `session.resume`: channels, each with the last seq that was received on it.
    Resume(Vec<(Channel, u64)>),
    /// `session.cancel_on_disconnect`.
    CancelOnDisconnect(bool),
    /// `order.place`, `order.replace`, `order.place_list`, `order.cancel` and `order.cancel_after`:
    /// ready for the log.
    Command {
        /// The command.
        command: Command,
        /// The instrument that it names; 0 for none. The reply's numbers are written by it.
        instrument: InstrumentId,
    },
    /// `order.amend`: its numbers wait for the order's instrument.
    Amend(Amend<'a>),
    /// `order.cancel_all`: which session is asking, the edge knows.
    CancelAll {
        /// The command; its session is 0.
        all: OrderCancelAll,
        /// Whether only the orders of the asking session are meant.
        this_session: bool,
    },
    /// What only operators may ask for; in a box, so that the others stay small.
    Admin(Box<Admin>),
    /// `account.deposit`.
    Deposit {
        /// What is credited.
        deposit: Deposit,
        /// The client's idempotency id.
        request_id: RequestId,
    },
    /// `order.place_batch`: each order as it was read, or why it was not.
    Batch(Vec<Placement<'a>>),
    /// `order.test`: the command that would place it, and its instrument.
    Test(Command, InstrumentId),
    /// `orders.open`, `fills.get`, `balances.get`, `positions.get` and `keys.get`.
    Read(super::Read),
    /// `orders.history`, `fills.history` and `ledger.get`.
    History(Box<super::History>),
    /// `subscribe`.
    Subscribe(Subscription),
    /// `unsubscribe`.
    Unsubscribe(Subscription),
    /// `ping`.
    Ping {
        /// Whether to say what is left of the quotas.
        quota: bool,
    },
    /// `time`.
    Time,
}

/// One order of a batch, and its instrument.
pub type Placement<'a> = Result<(Command, InstrumentId), RequestError<'a>>;

/// What an operator asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admin {
    /// The command; where it binds an account, its `scope_id` waits for that account's id.
    pub command: Command,
    /// The account that it binds, by its name.
    pub bound: Option<AccountName>,
    /// The accounts that a key is bound to, by their names: their ids wait in the same way.
    pub accounts: Vec<AccountName>,
    /// The password of the person's key that it makes.
    pub password: Option<Password>,
    /// The instrument that it is about; 0 for none. The reply's numbers are written by it.
    pub instrument: InstrumentId,
    /// The client's idempotency id; 0 for none.
    pub request_id: RequestId,
}

impl Admin {
    /// The command, with the id of the account that it binds.
    #[must_use]
    pub const fn resolve(&self, account: AccountId) -> Command {
        let scope_id = account.0;
        match self.command {
            Command::LimitSet(set) => Command::LimitSet(LimitSet { scope_id, ..set }),
            Command::RiskStateSet(set) => Command::RiskStateSet(RiskStateSet { scope_id, ..set }),
            Command::KillSwitch(kill) => Command::KillSwitch(KillSwitch { scope_id, ..kill }),
            Command::KillReset(reset) => Command::KillReset(KillReset { scope_id, ..reset }),
            other => other,
        }
    }

    /// The command, with the ids of the accounts that a key is bound to.
    #[must_use]
    pub fn resolve_accounts(&self, ids: Vec<u32>) -> Command {
        match self.command {
            Command::KeyBind(bind) => {
                Command::KeyBind(KeyBind { accounts: super::keys::id_list(ids), ..bind })
            }
            other => other,
        }
    }
}

/// What a session subscribes to or no longer wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// The channel.
    pub channel: Channel,
    /// Instruments of a public channel, each once; empty for a private one.
    pub instruments: Vec<InstrumentId>,
    /// Levels of each side, for books; 0 for all.
    pub depth: u32,
    /// Whether each change of a book is wanted, and not the newest state from time to time.
    pub is_raw: bool,
    /// How long a candle is, for candles.
    pub interval: CandleInterval,
    /// The seq after which to resume.
    pub from_seq: Option<u64>,
}

/// An amendment whose numbers are still text: what they mean depends on the order's instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amend<'a> {
    /// The engine's id; 0 for none.
    pub order_id: OrderId,
    /// The client's id; empty for none.
    pub client_order_id: ClientOrderId,
    pub(super) id_raw: &'a [u8],
    pub(super) qty: Raw<'a>,
    pub(super) price: Raw<'a>,
}

impl<'a> Amend<'a> {
    /// The command, given the instrument of the order.
    ///
    /// Without an instrument there is no such order: each number then stands as 1, so that the core
    /// is asked in the usual way and says `ORDER_NOT_FOUND`.
    ///
    /// A total of 0 is at or below whatever is filled: it cancels. In an `OrderAmend` it would leave
    /// the quantity as it is, so it becomes an `OrderCancel`, whose reply has the same form.
    ///
    /// # Errors
    /// [`RequestError`] if a number is none of the instrument's, or the price is zero.
    pub fn resolve(&self, info: Option<&InstrumentInfo>) -> Result<Command, RequestError<'a>> {
        let mut scratch = [0; TEXT_BYTES_MAX];
        let one = (Price::from_ticks(1), Qty::from_lots(1));
        let (mut price, mut qty) = (Price::default(), Qty::default());
        let result = (|| {
            if self.qty.is_present() {
                qty = match info {
                    Some(info) => read_qty(info, "qty", self.qty, &mut scratch)?,
                    None => one.1,
                };
            }
            if self.price.is_present() {
                price = match info {
                    Some(info) => read_price(info, "price", self.price, &mut scratch)?,
                    None => one.0,
                };
                if let (0, Some(info)) = (price.ticks(), info) {
                    return Err(no_price(info, self.price));
                }
            }
            Ok(())
        })();
        match result {
            Ok(()) => {
                let (order_id, client_order_id) = (self.order_id, self.client_order_id);
                if self.qty.is_present() && qty.is_zero() {
                    return Ok(OrderCancel { order_id, client_order_id }.into());
                }
                Ok(OrderAmend { order_id, client_order_id, qty, price }.into())
            }
            Err(Fault(error)) => Err(RequestError { id_raw: self.id_raw, ..error }),
        }
    }
}

/// Reads one request.
///
/// # Errors
/// [`RequestError`] with the code, the field and the value that was refused.
pub fn parse_request<'a>(
    bytes: &'a [u8],
    symbols: &(impl Symbols + ?Sized),
) -> Result<Request<'a>, RequestError<'a>> {
    read_request(bytes, symbols).map_err(|fault| explain(bytes, &fault))
}

/// Finds what to say: the first fault of the syntax if there is one, and the id.
#[cold]
pub(super) fn explain<'a>(bytes: &'a [u8], fault: &Fault<'a>) -> RequestError<'a> {
    let ((id, id_bytes), syntax) = validate(bytes);
    let id_raw = match check_id(id) {
        Ok(()) => id_bytes,
        Err(_) => &[],
    };
    let error = match syntax {
        Some(error) => RequestError { id_raw, ..RequestError::of_syntax(bytes, &error) },
        None => RequestError { id_raw, ..fault.0 },
    };
    // What stood there may be what nobody is to read again.
    if mentions_secret(bytes) { RequestError { value: &[], ..error } } else { error }
}

/// The request without its parameters.
struct Envelope<'a> {
    id: Raw<'a>,
    id_raw: &'a [u8],
    op: Option<Op>,
    account: Raw<'a>,
    deadline: Raw<'a>,
    /// Where the parameters are if they came before the operation.
    early_params: Option<Scanner<'a>>,
    has_params: bool,
}

fn read_request<'a>(bytes: &'a [u8], symbols: &(impl Symbols + ?Sized)) -> Read<'a, Request<'a>> {
    let mut params = Params::none();
    let mut envelope = Envelope {
        id: Raw::ABSENT,
        id_raw: &[],
        op: None,
        account: Raw::ABSENT,
        deadline: Raw::ABSENT,
        early_params: None,
        has_params: false,
    };
    read_envelope(bytes, &mut envelope, &mut params)?;
    check_id(envelope.id)?;
    let op = envelope.op.ok_or_else(|| missing("op"))?;
    if let Some(scanner) = envelope.early_params {
        params.read(scanner, op.spec().params)?;
    }
    params.check_required(op.spec().params)?;
    let account = envelope.account.present().map(|value| name(value, "account")).transpose()?;
    let deadline = envelope.deadline.present().map(|value| integer(value, "deadline", INTEGER_MAX));
    let deadline_us = deadline.transpose()?.and_then(|us| i64::try_from(us).ok());
    let id_raw = envelope.id_raw;
    let body = read_body(op, &params, id_raw, symbols)?;
    Ok(Request { id_raw, op, account, deadline_us, body })
}

fn read_envelope<'a>(
    bytes: &'a [u8],
    envelope: &mut Envelope<'a>,
    params: &mut Params<'a>,
) -> Read<'a, ()> {
    let mut scanner = Scanner::new(bytes);
    if !scanner.take(b'{') {
        return Err(Fault(RequestError::new(&[], RejectCode::BadJson)));
    }
    if !scanner.take(b'}') {
        loop {
            let key = scanner.key()?;
            read_entry(&mut scanner, key, envelope, params)?;
            if !scanner.another(b'}')? {
                break;
            }
        }
    }
    scanner.end()?;
    Ok(())
}

fn read_entry<'a>(
    scanner: &mut Scanner<'a>,
    key: Raw<'a>,
    envelope: &mut Envelope<'a>,
    params: &mut Params<'a>,
) -> Read<'a, ()> {
    let mut scratch = [0; 16];
    match key.text(&mut scratch) {
        Some(b"id") => {
            once(envelope.id, "id")?;
            (envelope.id, envelope.id_raw) = scanner.whole_value(1)?;
        }
        Some(b"op") => {
            if envelope.op.is_some() {
                return Err(duplicate_field("op"));
            }
            envelope.op = Some(read_op(scanner.value(1)?)?);
        }
        Some(b"params") => {
            if envelope.has_params {
                return Err(duplicate_field("params"));
            }
            envelope.has_params = true;
            if let Some(op) = envelope.op {
                *scanner = params.read(*scanner, op.spec().params)?;
            } else {
                envelope.early_params = Some(*scanner);
                scanner.value(1)?;
            }
        }
        Some(b"account") => {
            once(envelope.account, "account")?;
            envelope.account = scanner.value(1)?;
        }
        Some(b"deadline") => {
            once(envelope.deadline, "deadline")?;
            envelope.deadline = scanner.value(1)?;
        }
        _ => return Err(unknown_field(key, scanner.value(1)?)),
    }
    Ok(())
}

fn once<'a>(value: Raw<'a>, name: &'static str) -> Read<'a, ()> {
    if value.is_present() { Err(duplicate_field(name)) } else { Ok(()) }
}

fn read_op(value: Raw<'_>) -> Read<'_, Op> {
    if !value.is_text() {
        let fault = Fault::new(RejectCode::WrongType, "op", value);
        return Err(fault.with(Detail::Wanted(ParamKind::Text.name())));
    }
    let mut scratch = [0; 32];
    let op = value.text(&mut scratch).and_then(Op::from_name);
    op.ok_or_else(|| Fault::new(RejectCode::UnknownOp, "op", value))
}

fn check_id(id: Raw<'_>) -> Read<'_, ()> {
    match id.kind {
        Kind::Absent | Kind::Null => Ok(()),
        Kind::Integer => integer(id, "id", INTEGER_MAX).map(|_| ()),
        Kind::Text | Kind::EscapedText if id.bytes.len() <= REQUEST_ID_BYTES_MAX => Ok(()),
        Kind::Text | Kind::EscapedText => {
            Err(Fault::new(RejectCode::InvalidValue, "id", id)
                .with(Detail::Wanted("at most 64 bytes")))
        }
        _ => Err(Fault::new(RejectCode::WrongType, "id", id)
            .with(Detail::Wanted("integer, string or null"))),
    }
}
