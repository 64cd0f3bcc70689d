//! What the parameters of operators' requests become.

use alloc::vec::Vec;

use coulisse_types::command::{
    AccountConfigure, AuctionSchedule, FeeTierSet, GroupCreate, InstrumentConfigure, KillReset,
    KillSwitch, LimitSet, MarkSet, RiskStateSet, TradingStateSet,
};
use coulisse_types::{
    AccountName, Amount, Command, FeeRate, GroupId, InstrumentId, LimitKind, MatchingMode,
    ReferenceKind, RejectCode, RequestId, RiskState, Scope, TradingState, decimal,
};

use super::bodies::read_request_id;
use super::bounds::{Measure, Subject, measure};
use super::error::Detail;
use super::params::{
    Fault, Params, Read, find_symbol, missing, name, one_of, read_price, read_time, read_u32,
    refused_number,
};
use super::request::Admin;
use super::spec::{Op, ParamSpec, at::admin as at};
use super::{creating, keys, withdrawals};
use crate::instruments::{AssetInfo, InstrumentInfo, Symbols};
use crate::json::Raw;
use crate::limits::TEXT_BYTES_MAX;

/// Decimals of a rate: it is kept in millionths.
const RATE_DECIMALS: u8 = 6;
/// What takes a limit or a tier away.
const NONE: &[u8] = b"none";

#[cold]
pub(super) fn read_admin<'a>(
    op: Op,
    params: &Params<'a>,
    symbols: &(impl Symbols + ?Sized),
) -> Read<'a, Admin> {
    let request_id = match params.get(at::REQUEST_ID).present() {
        Some(value) => read_request_id(value)?,
        None => RequestId(0),
    };
    let admin = match op {
        Op::AccountCreate => creating::read_account(params)?,
        Op::AssetCreate => creating::read_asset(params)?,
        Op::InstrumentCreate => creating::read_instrument(params, symbols)?,
        Op::Withdraw
        | Op::WithdrawalCapSet
        | Op::WithdrawalCancel
        | Op::WithdrawalApprove
        | Op::WithdrawalReject => withdrawals::read(op, params, symbols)?,
        Op::KeyCreate => keys::read_create(params)?,
        Op::KeyBind => keys::read_bind(params, symbols)?,
        Op::KeyRevoke => keys::read_revoke(params)?,
        Op::GroupCreate => plain(GroupCreate { name: name(params.get(at::NAME), "name")? }.into()),
        Op::AccountConfigure => plain(read_account(params, symbols)?),
        Op::FeesSetTier => plain(read_tier(params, symbols)?),
        Op::LimitSet | Op::RiskSetState | Op::KillSwitch | Op::KillReset => {
            read_scoped(op, params, symbols)?
        }
        _ => {
            let info = find_symbol(params.get(at::SYMBOL), "symbol", symbols)?;
            Admin { instrument: info.id, ..plain(read_listed(op, params, info)?) }
        }
    };
    Ok(Admin { request_id, ..admin })
}

pub(super) const fn plain(command: Command) -> Admin {
    let (instrument, request_id) = (InstrumentId(0), RequestId(0));
    Admin { command, bound: None, accounts: Vec::new(), password: None, instrument, request_id }
}

fn read_account<'a>(params: &Params<'a>, symbols: &(impl Symbols + ?Sized)) -> Read<'a, Command> {
    let group = match params.get(at::account::GROUP).present() {
        Some(value) => find_group(value, "group", symbols)?,
        None => GroupId(0),
    };
    let trade_group = params.get(at::account::TRADE_GROUP).present();
    let trade_group = trade_group.map(|value| read_u32(value, "trade_group")).transpose()?;
    Ok(AccountConfigure { group, trade_group: trade_group.unwrap_or_default() }.into())
}

fn find_group<'a>(
    value: Raw<'a>,
    field: &'static str,
    symbols: &(impl Symbols + ?Sized),
) -> Read<'a, GroupId> {
    let mut scratch = [0; TEXT_BYTES_MAX];
    let found = value.text(&mut scratch).and_then(|name| symbols.find_group(name));
    found.ok_or_else(|| Fault::new(RejectCode::UnknownGroup, field, value))
}

pub(super) fn find_asset<'a, 's>(
    value: Raw<'a>,
    field: &'static str,
    symbols: &'s (impl Symbols + ?Sized),
) -> Read<'a, &'s AssetInfo> {
    let mut scratch = [0; TEXT_BYTES_MAX];
    let found = value.text(&mut scratch).and_then(|name| symbols.find_asset(name));
    found.ok_or_else(|| Fault::new(RejectCode::UnknownAsset, field, value))
}

/// What is about one instrument.
fn read_listed<'a>(op: Op, params: &Params<'a>, info: &InstrumentInfo) -> Read<'a, Command> {
    let instrument = info.id;
    let listed = op.spec().params;
    Ok(match op {
        Op::InstrumentConfigure => read_configuration(listed, params, instrument)?.into(),
        Op::InstrumentState => {
            let state = params.get(at::STATE);
            let state = one_of(listed, at::STATE, state, TradingState::from_name)?;
            TradingStateSet { instrument, state }.into()
        }
        Op::MarkSet => {
            let mut scratch = [0; TEXT_BYTES_MAX];
            let price = read_price(info, "price", params.get(at::PRICE), &mut scratch)?;
            MarkSet { instrument, price }.into()
        }
        _ => {
            let [start, end] =
                [at::auction::START_TIME, at::auction::END_TIME].map(|i| params.get(i));
            match (start.is_present(), end.is_present()) {
                (true, false) => return Err(missing("end_time")),
                (false, true) => return Err(missing("start_time")),
                _ => {}
            }
            let start_ns = read_time(start, "start_time")?;
            AuctionSchedule { instrument, start_ns, end_ns: read_time(end, "end_time")? }.into()
        }
    })
}

fn read_configuration<'a>(
    listed: &'static [ParamSpec],
    params: &Params<'a>,
    instrument: InstrumentId,
) -> Read<'a, InstrumentConfigure> {
    let matching = match params.get(at::instrument::MATCHING).present() {
        Some(value) => one_of(listed, at::instrument::MATCHING, value, MatchingMode::from_name)?,
        None => MatchingMode::PriceTime,
    };
    let reference = match params.get(at::instrument::REFERENCE).present() {
        Some(value) => one_of(listed, at::instrument::REFERENCE, value, ReferenceKind::from_name)?,
        None => ReferenceKind::Last,
    };
    Ok(InstrumentConfigure {
        instrument,
        matching,
        reference,
        collar_ppm: read_rate(params.get(at::instrument::COLLAR), "collar")?,
        slippage_ppm: read_rate(params.get(at::instrument::SLIPPAGE), "slippage")?,
        band_ppm: read_rate(params.get(at::instrument::BAND), "band")?,
        auction_ns: read_time(params.get(at::instrument::AUCTION_TIME), "auction_time")?,
        auction_fee: read_fee(params.get(at::instrument::AUCTION_FEE), "auction_fee")?,
    })
}

/// A fraction as millionths; absent is 0.
fn read_rate<'a, T: TryFrom<i128> + Default>(value: Raw<'a>, field: &'static str) -> Read<'a, T> {
    if !value.is_present() {
        return Ok(T::default());
    }
    let mut scratch = [0; TEXT_BYTES_MAX];
    let text = value.text(&mut scratch).unwrap_or_default();
    let ppm = decimal::parse(text, RATE_DECIMALS).map_err(|_| {
        let fault = Fault::new(RejectCode::InvalidValue, field, value);
        fault.with(Detail::Wanted("a fraction with at most 6 decimals, as 0.0005"))
    })?;
    T::try_from(ppm).map_err(|_| Fault::new(RejectCode::NumberOutOfRange, field, value))
}

pub(super) fn read_fee<'a>(value: Raw<'a>, field: &'static str) -> Read<'a, FeeRate> {
    read_rate(value, field).map(FeeRate::from_ppm)
}

fn read_tier<'a>(params: &Params<'a>, symbols: &(impl Symbols + ?Sized)) -> Read<'a, Command> {
    let asset = find_asset(params.get(at::tier::ASSET), "asset", symbols)?;
    let value = params.get(at::tier::TIER);
    let tier = u8::try_from(read_u32(value, "tier")?)
        .map_err(|_| Fault::new(RejectCode::NumberOutOfRange, "tier", value))?;
    let subject = Subject::Asset(asset);
    // Money is what limits by asset count: the kind only says so.
    let threshold =
        read_bound(params.get(at::tier::THRESHOLD), "threshold", &subject, LimitKind::DailyLoss)?;
    let set = FeeTierSet {
        asset: asset.id,
        tier,
        threshold: Amount::from_minor(threshold),
        maker_fee: read_fee(params.get(at::tier::MAKER_FEE), "maker_fee")?,
        taker_fee: read_fee(params.get(at::tier::TAKER_FEE), "taker_fee")?,
    };
    Ok(set.into())
}

/// A bound that is not negative; `none` is −1.
fn read_bound<'a>(
    value: Raw<'a>,
    field: &'static str,
    subject: &Subject<'_>,
    kind: LimitKind,
) -> Read<'a, i128> {
    let mut scratch = [0; TEXT_BYTES_MAX];
    let text = value.text(&mut scratch).unwrap_or_default();
    if text == NONE {
        return Ok(-1);
    }
    match subject.read(kind, text) {
        Ok(bound) if bound >= 0 => Ok(bound),
        Ok(_) | Err(RejectCode::InvalidValue) => {
            let fault = Fault::new(RejectCode::InvalidValue, field, value);
            Err(fault.with(Detail::Wanted("a number that is not negative, or none")))
        }
        Err(code) => {
            let mut step = Vec::new();
            subject.write(&mut step, kind, 1);
            Err(refused_number(code, field, value, code, &step))
        }
    }
}

/// What binds the firm, a group, an account or an instrument.
fn read_scoped<'a>(
    op: Op,
    params: &Params<'a>,
    symbols: &(impl Symbols + ?Sized),
) -> Read<'a, Admin> {
    let listed = op.spec().params;
    let scope = one_of(listed, at::SCOPE, params.get(at::SCOPE), Scope::from_name)?;
    let (scope_id, bound) = read_scope_id(params.get(at::SCOPE_ID), scope, symbols)?;
    let mut instrument = InstrumentId(0);
    let command = match op {
        Op::LimitSet => {
            let set = read_limit(listed, params, symbols)?;
            if measure(set.kind) == Measure::Lots {
                instrument = InstrumentId(set.subject);
            }
            LimitSet { scope, scope_id, ..set }.into()
        }
        Op::RiskSetState => {
            let state = params.get(at::RISK_STATE);
            let state = one_of(listed, at::RISK_STATE, state, RiskState::from_name)?;
            RiskStateSet { scope, scope_id, state }.into()
        }
        Op::KillSwitch => KillSwitch { scope, scope_id }.into(),
        _ => {
            let value = params.get(at::STEP);
            let step = u8::try_from(read_u32(value, "step")?)
                .map_err(|_| Fault::new(RejectCode::NumberOutOfRange, "step", value))?;
            KillReset { scope, scope_id, step }.into()
        }
    };
    Ok(Admin { bound, instrument, ..plain(command) })
}

/// The number of what is bound, or the name of the account, whose number the edge finds.
fn read_scope_id<'a>(
    value: Raw<'a>,
    scope: Scope,
    symbols: &(impl Symbols + ?Sized),
) -> Read<'a, (u32, Option<AccountName>)> {
    let present = value.is_present();
    if scope == Scope::Firm && present {
        let fault = Fault::new(RejectCode::InvalidValue, "scope_id", value);
        return Err(fault.with(Detail::Wanted("absent for the firm")));
    }
    if scope != Scope::Firm && !present {
        return Err(missing("scope_id"));
    }
    match scope {
        Scope::Firm => Ok((0, None)),
        Scope::Group => Ok((find_group(value, "scope_id", symbols)?.0, None)),
        Scope::Account => Ok((0, Some(name(value, "scope_id")?))),
        Scope::Instrument => Ok((find_symbol(value, "scope_id", symbols)?.id.0, None)),
    }
}

/// A limit, without whom it binds.
fn read_limit<'a>(
    listed: &'static [ParamSpec],
    params: &Params<'a>,
    symbols: &(impl Symbols + ?Sized),
) -> Read<'a, LimitSet> {
    let kind = params.get(at::limit::KIND);
    let kind = one_of(listed, at::limit::KIND, kind, LimitKind::from_name)?;
    let value = params.get(at::limit::SUBJECT);
    let subject = match (measure(kind), value.is_present()) {
        (Measure::Lots | Measure::Money, false) => return Err(missing("subject")),
        (Measure::Lots, true) => Subject::Instrument(find_symbol(value, "subject", symbols)?),
        (Measure::Money, true) => Subject::Asset(find_asset(value, "subject", symbols)?),
        (Measure::Count | Measure::Rate | Measure::Time, false) => Subject::Nothing,
        (Measure::Count | Measure::Rate | Measure::Time, true) => {
            let fault = Fault::new(RejectCode::InvalidValue, "subject", value);
            return Err(
                fault.with(Detail::Wanted("absent: this kind is about nothing in particular"))
            );
        }
    };
    let burst = params.get(at::limit::BURST).present();
    let burst = burst.map(|value| read_u32(value, "burst")).transpose()?;
    Ok(LimitSet {
        scope: Scope::Firm,
        scope_id: 0,
        kind,
        subject: subject.id(),
        value: read_bound(params.get(at::limit::LIMIT), "limit", &subject, kind)?,
        burst: burst.unwrap_or_default(),
    })
}
