//! Limits: section 22 of the rules. What binds the firm, a group or an account, found by index.
//!
//! Invariants
//! - A kind's bit is set exactly where a limit of that kind is in force there.
//! - A limit that is not in force has the value `OFF` and level 0.
//! - What orders are counted against, and the window, are what the limits of those kinds say.
//!
//! Cost: two short look-ups to a limit by instrument or asset; none where the kind's bit is clear. What
//! every order is looked at by stands in one cache line: rates, counts, the window.

use crate::engine::Engine;
use crate::paged::{NONE, Paged, index};
use crate::planted::Fault;
use crate::reject::{Reject, ensure};
use alloc::vec::Vec;
use coulisse_types::command::LimitSet;
use coulisse_types::event::LimitChanged;
use coulisse_types::limits::{ASSET_TOTAL_MINOR_MAX, DAY_NS, RISK_LIMITS_MAX, RISK_RATE_MAX};
use coulisse_types::{
    AccountId, AssetId, Event, Field, GroupId, InstrumentId, KeyIndex, LimitKind, RecordHeader,
    RejectCode, Scope, Unit,
};

/// The value of a limit that is not in force.
pub(crate) const OFF: i128 = -1;
/// What one token is counted as.
pub(crate) const TOKEN: i64 = 1_000_000_000;
/// Kinds of limits.
const KINDS: usize = LimitKind::ALL.len();
/// Kinds that are about nothing in particular, rates apart, an instrument, an asset.
const PLAIN: usize = 3;
const OPEN: usize = 0;
const WAITING: usize = 1;
const WINDOW: usize = 2;
const BY_INSTRUMENT: usize = 2;
const BY_ASSET: usize = 5;

/// One limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limit {
    /// The bound, in the kind's unit.
    pub(crate) value: i128,
    /// Of a rate: what is in the bucket at its time, in 10^-9 tokens.
    pub(crate) bucket: i64,
    pub(crate) time_ns: i64,
    /// Of a rate: how many at once.
    pub(crate) burst: u32,
    /// The level of use last said: 0, 80 or 100.
    pub(crate) level: u8,
}

impl Limit {
    const OFF: Self = Self { value: OFF, bucket: 0, time_ns: 0, burst: 0, level: 0 };

    /// Whether it is in force.
    #[inline]
    pub(crate) const fn is_on(&self) -> bool {
        self.value >= 0
    }

    /// What is below this is within the limit, and at level 0 as last said: every value where there is
    /// no limit, none where another level was said.
    pub(crate) const fn ease(&self) -> i128 {
        if !self.is_on() {
            return i128::MAX;
        }
        if self.level != 0 {
            return i128::MIN;
        }
        // The least that is 80 % of it, but of nothing nothing: a limit's value is far from overflow.
        self.value.saturating_mul(80).saturating_add(99).div_euclid(100)
    }
}

#[expect(clippy::arithmetic_side_effects, reason = "at most 2^62 in a bucket")]
impl Bucket {
    const NONE: Self = Self { count: 0, time_ns: 0, rate: 0, burst: 0 };

    /// What is in it, in 10^-9 tokens. What would not fit 64 bits is more than it holds.
    #[inline]
    pub(crate) fn at(&self, now: i64) -> i64 {
        let elapsed_ns = now.saturating_sub(self.time_ns).max(0);
        let gained = elapsed_ns.saturating_mul(self.rate.into());
        self.count.saturating_add(gained).min(i64::from(self.burst) * TOKEN)
    }

    /// Whether a token is there, or there is no limit.
    #[inline]
    pub(crate) fn has_token(&self, now: i64) -> bool {
        // What was left the last time is there still, as far as the bucket holds a token at all.
        self.rate == 0 || self.count >= TOKEN || self.at(now) >= TOKEN
    }

    /// Takes a token, or what there is of one.
    #[inline]
    pub(crate) fn take_token(&mut self, now: i64) {
        if self.rate != 0 {
            self.count = self.at(now).saturating_sub(TOKEN).max(0);
            self.time_ns = self.time_ns.max(now);
        }
    }

    /// Whole tokens that are not there.
    pub(crate) fn spent_at(&self, now: i64) -> i64 {
        (i64::from(self.burst) * TOKEN - self.at(now)).div_euclid(TOKEN)
    }

    /// The same as any limit.
    fn limit(&self) -> Limit {
        if self.rate == 0 {
            return Limit::OFF;
        }
        let Self { count, time_ns, rate, burst } = *self;
        Limit { value: rate.into(), bucket: count, time_ns, burst, level: 0 }
    }

    /// Of a limit that is a rate: one a second at least, 10^9 at most.
    pub(crate) fn of(limit: &Limit) -> Self {
        let rate = if limit.is_on() { u32::try_from(limit.value).unwrap_or(u32::MAX) } else { 0 };
        Self { count: limit.bucket, time_ns: limit.time_ns, rate, burst: limit.burst }
    }
}

impl Bounds {
    const fn bucket(&self, kind: LimitKind) -> &Bucket {
        match kind {
            LimitKind::OrderRate => &self.orders,
            _ => &self.messages,
        }
    }

    const fn bucket_mut(&mut self, kind: LimitKind) -> &mut Bucket {
        match kind {
            LimitKind::OrderRate => &mut self.orders,
            _ => &mut self.messages,
        }
    }

    /// Takes over what the plain limits say.
    fn settle_plain(&mut self) {
        let [open, waiting, window] = &self.plain;
        let ease = |limit: &Limit| u32::try_from(limit.ease().clamp(0, u32::MAX.into()));
        self.open_ease = ease(open).unwrap_or(0);
        self.waiting_ease = ease(waiting).unwrap_or(0);
        self.window_ns = i64::try_from(window.value.max(0)).unwrap_or(i64::MAX);
    }
}

/// A rate and what is in its bucket; without a rate where there is no limit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bucket {
    /// In 10^-9 tokens, at `time_ns`.
    count: i64,
    time_ns: i64,
    /// Tokens a second; 0 for no limit.
    pub(crate) rate: u32,
    pub(crate) burst: u32,
}

/// The limits of the firm, a group or an account.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
pub(crate) struct Bounds {
    pub(crate) messages: Bucket,
    pub(crate) orders: Bucket,
    /// In which the same placement may not come again; 0 for none.
    pub(crate) window_ns: i64,
    /// As many open, and conditional, orders are surely within their limits, and at level 0: all
    /// that are below.
    pub(crate) open_ease: u32,
    pub(crate) waiting_ease: u32,
    /// A bit for each kind of which there is one.
    pub(crate) kinds: u16,
    counts: [u32; KINDS],
    plain: [Limit; PLAIN],
    /// By instrument, by asset: the place of those limits.
    instruments: Vec<u32>,
    assets: Vec<u32>,
}

/// All limits.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    all: Paged<Bounds, 64>,
    by_instrument: Paged<[Limit; BY_INSTRUMENT], 256>,
    by_asset: Paged<[Limit; BY_ASSET], 256>,
    /// How many are in force.
    pub(crate) count: u32,
    /// How often one was set.
    pub(crate) version: u32,
    /// How many are in force of which use is told.
    pub(crate) watched: u32,
    /// How many are in force that worths are kept for.
    pub(crate) weighed: u32,
}

/// Where a kind's limit stands.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Slot {
    Rate,
    Plain(usize),
    Instrument(usize),
    Asset(usize),
}

pub(crate) const fn slot(kind: LimitKind) -> Slot {
    match kind {
        LimitKind::OrderQty => Slot::Instrument(0),
        LimitKind::Position => Slot::Instrument(1),
        LimitKind::OrderNotional => Slot::Asset(0),
        LimitKind::GrossNotional => Slot::Asset(1),
        LimitKind::NetNotional => Slot::Asset(2),
        LimitKind::DailyLoss => Slot::Asset(3),
        LimitKind::Drawdown => Slot::Asset(4),
        LimitKind::OpenOrders => Slot::Plain(OPEN),
        LimitKind::ConditionalOrders => Slot::Plain(WAITING),
        LimitKind::DuplicateWindow => Slot::Plain(WINDOW),
        LimitKind::OrderRate | LimitKind::MessageRate => Slot::Rate,
    }
}

/// The bit of a kind.
#[inline]
pub(crate) const fn bit(kind: LimitKind) -> u16 {
    match kind {
        LimitKind::OrderQty => 1,
        LimitKind::OrderNotional => 1 << 1,
        LimitKind::OpenOrders => 1 << 2,
        LimitKind::ConditionalOrders => 1 << 3,
        LimitKind::Position => 1 << 4,
        LimitKind::GrossNotional => 1 << 5,
        LimitKind::NetNotional => 1 << 6,
        LimitKind::OrderRate => 1 << 7,
        LimitKind::MessageRate => 1 << 8,
        LimitKind::DuplicateWindow => 1 << 9,
        LimitKind::DailyLoss => 1 << 10,
        LimitKind::Drawdown => 1 << 11,
    }
}

/// Whether the use of a kind is told.
pub(crate) const fn is_watched(kind: LimitKind) -> bool {
    matches!(
        kind,
        LimitKind::Position
            | LimitKind::GrossNotional
            | LimitKind::NetNotional
            | LimitKind::OpenOrders
            | LimitKind::ConditionalOrders
            | LimitKind::DailyLoss
            | LimitKind::Drawdown
    )
}

/// Whether a kind is about what lots are worth, all together.
const fn is_weighed(kind: LimitKind) -> bool {
    matches!(
        kind,
        LimitKind::GrossNotional
            | LimitKind::NetNotional
            | LimitKind::DailyLoss
            | LimitKind::Drawdown
    )
}

/// Whether a kind is a rate.
pub(crate) const fn is_rate(kind: LimitKind) -> bool {
    matches!(kind, LimitKind::OrderRate | LimitKind::MessageRate)
}

#[expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "ids exist and are from 1, slots are below the lengths; counts of limits that exist"
)]
impl Limits {
    pub(crate) fn new() -> Self {
        let most = RISK_LIMITS_MAX;
        Self {
            all: Paged::new(most),
            by_instrument: Paged::new(most),
            by_asset: Paged::new(most),
            count: 0,
            version: 0,
            watched: 0,
            weighed: 0,
        }
    }

    /// Which kinds bind at a place; none at none.
    #[inline]
    pub(crate) fn kinds(&self, place: u32) -> u16 {
        if place == NONE { 0 } else { self.all.at(place).kinds }
    }

    /// A limit, of a kind that may be in force at a place that exists.
    #[inline]
    pub(crate) fn find(&self, place: u32, kind: LimitKind, subject: u32) -> Option<Limit> {
        let bounds = self.all.at(place);
        let limit = match slot(kind) {
            Slot::Rate => bounds.bucket(kind).limit(),
            Slot::Plain(at) => *bounds.plain.get(at)?,
            Slot::Instrument(at) => {
                let found = bounds.instruments.get(index(subject - 1))?;
                *self.by_instrument.get(*found)?.get(at)?
            }
            Slot::Asset(at) => {
                let found = bounds.assets.get(index(subject - 1))?;
                *self.by_asset.get(*found)?.get(at)?
            }
        };
        limit.is_on().then_some(limit)
    }

    /// Reads what stands at a place, if there is one; the value means nothing.
    #[inline]
    pub(crate) fn peek(&self, place: u32) -> u32 {
        self.all.get(place).map_or(0, |bounds| bounds.open_ease ^ u32::from(bounds.kinds))
    }

    /// What stands at a place that exists.
    #[inline]
    pub(crate) fn at(&self, place: u32) -> &Bounds {
        self.all.at(place)
    }

    /// The same, to change.
    #[inline]
    pub(crate) fn at_mut(&mut self, place: u32) -> &mut Bounds {
        self.all.at_mut(place)
    }

    /// The same, where the place or the kind may not exist.
    #[inline]
    pub(crate) fn get(&self, place: u32, kind: LimitKind, subject: u32) -> Option<Limit> {
        if self.kinds(place) & bit(kind) == 0 {
            return None;
        }
        self.find(place, kind, subject)
    }

    /// Writes a limit down, that of a kind which is counted where it stands.
    pub(crate) fn write(&mut self, place: u32, kind: LimitKind, subject: u32, limit: Limit) {
        let bounds = self.all.at_mut(place);
        match slot(kind) {
            Slot::Rate => *bounds.bucket_mut(kind) = Bucket::of(&limit),
            Slot::Plain(at) => {
                bounds.plain[at] = limit;
                bounds.settle_plain();
            }
            Slot::Instrument(at) => {
                let list = &mut bounds.instruments;
                let found =
                    entry(list, subject, || self.by_instrument.push([Limit::OFF; BY_INSTRUMENT]));
                self.by_instrument.at_mut(found)[at] = limit;
            }
            Slot::Asset(at) => {
                let list = &mut bounds.assets;
                let found = entry(list, subject, || self.by_asset.push([Limit::OFF; BY_ASSET]));
                self.by_asset.at_mut(found)[at] = limit;
            }
        }
    }

    fn add(&mut self) -> u32 {
        self.all.push(Bounds {
            messages: Bucket::NONE,
            orders: Bucket::NONE,
            window_ns: 0,
            open_ease: u32::MAX,
            waiting_ease: u32::MAX,
            kinds: 0,
            counts: [0; KINDS],
            plain: [Limit::OFF; PLAIN],
            instruments: Vec::new(),
            assets: Vec::new(),
        })
    }

    pub(crate) fn put(&mut self, place: u32, body: &LimitSet, time_ns: i64) {
        let LimitSet { kind, subject, value, burst, .. } = *body;
        let (was, is) = (self.get(place, kind, subject).is_some(), value >= 0);
        let mut limit = Limit::OFF;
        if is {
            let bucket = i64::from(burst) * TOKEN;
            limit = Limit { value, bucket, time_ns, burst, level: 0 };
        }
        self.write(place, kind, subject, limit);
        if was == is {
            return;
        }
        let bounds = self.all.at_mut(place);
        let count = &mut bounds.counts[usize::from(kind.number())];
        let watched = u32::from(is_watched(kind));
        let weighed = u32::from(is_weighed(kind));
        if is {
            *count += 1;
            self.count += 1;
            self.watched += watched;
            self.weighed += weighed;
        } else {
            *count -= 1;
            self.count -= 1;
            self.watched -= watched;
            self.weighed -= weighed;
        }
        if *count == 0 {
            bounds.kinds &= !bit(kind);
        } else {
            bounds.kinds |= bit(kind);
        }
    }

    /// The limits in force at a place, by ascending kind and subject.
    pub(crate) fn iter(&self, place: u32) -> impl Iterator<Item = (LimitKind, u32, Limit)> {
        let bounds = self.all.get(place);
        let subjects = move |kind| match (slot(kind), bounds) {
            (_, None) => 0..0,
            (Slot::Plain(_) | Slot::Rate, Some(_)) => 0..1,
            (Slot::Instrument(_), Some(bounds)) => 1..bounds.instruments.len() + 1,
            (Slot::Asset(_), Some(bounds)) => 1..bounds.assets.len() + 1,
        };
        let all = LimitKind::ALL.iter().flat_map(move |kind| subjects(*kind).map(|at| (*kind, at)));
        all.filter_map(move |(kind, at)| {
            let subject = u32::try_from(at).unwrap_or(NONE);
            Some((kind, subject, self.find(place, kind, subject)?))
        })
    }
}

/// What stands in a list at an id, made if there is nothing.
fn entry(list: &mut Vec<u32>, id: u32, make: impl FnOnce() -> u32) -> u32 {
    let at = index(id.saturating_sub(1));
    if list.len() <= at {
        list.resize(at.saturating_add(1), NONE);
    }
    match list.get_mut(at) {
        Some(slot) if *slot == NONE => {
            *slot = make();
            *slot
        }
        Some(slot) => *slot,
        None => NONE,
    }
}

impl Engine {
    /// Whether what a scope names exists. An instrument is the caller's to look for.
    pub(crate) fn check_scope(&self, scope: Scope, scope_id: u32) -> Result<(), Reject> {
        let refuse = |code| Err(Reject::new(code, Field::ScopeId).number(scope_id));
        match scope {
            Scope::Firm if scope_id != 0 => refuse(RejectCode::InvalidCombination),
            Scope::Group if !self.groups.exists(GroupId(scope_id)) => {
                refuse(RejectCode::UnknownGroup)
            }
            Scope::Account if !self.accounts.exists(AccountId(scope_id)) => {
                refuse(RejectCode::UnknownAccount)
            }
            Scope::Instrument if self.instruments.get(InstrumentId(scope_id)).is_none() => {
                refuse(RejectCode::UnknownInstrument)
            }
            Scope::Firm | Scope::Group | Scope::Account | Scope::Instrument => Ok(()),
        }
    }

    /// Refuses a scope that is an instrument.
    pub(crate) fn check_no_instrument(scope: Scope) -> Result<(), Reject> {
        ensure(scope != Scope::Instrument, || {
            Reject::new(RejectCode::InvalidCombination, Field::Scope).number(scope.number())
        })
    }

    /// Whether a scope binds the account of the key that asks. The firm's bind every account, and
    /// are set by any admin.
    pub(crate) fn binds_asker(&self, header: &RecordHeader, scope: Scope, scope_id: u32) -> bool {
        let Some(rights) = self.keys.rights(header.key).filter(|_| header.key != KeyIndex(0))
        else {
            return false;
        };
        match scope {
            Scope::Firm | Scope::Instrument => false,
            Scope::Group => self.accounts.membership(rights.account).group == GroupId(scope_id),
            Scope::Account => rights.account == AccountId(scope_id),
        }
    }

    /// The place of a scope's limits; void for none.
    pub(crate) fn bounds_of(&self, scope: Scope, scope_id: u32) -> u32 {
        match scope {
            Scope::Firm | Scope::Instrument => self.risk.firm_bounds,
            Scope::Group => self.risk.group(scope_id).bounds,
            Scope::Account => self.risk.account(scope_id).bounds,
        }
    }

    pub(crate) fn set_limit(
        &mut self,
        header: &RecordHeader,
        body: &LimitSet,
    ) -> Result<Event, Reject> {
        let LimitSet { scope, scope_id, kind, subject, value, burst } = *body;
        Self::check_no_instrument(scope)?;
        self.check_scope(scope, scope_id)?;
        self.check_subject(kind, subject)?;
        check_value(body)?;
        let mut place = self.bounds_of(scope, scope_id);
        let known = self.risk.limits.get(place, kind, subject).unwrap_or(Limit::OFF);
        let is_looser = is_looser(kind, &known, body);
        let is_bound = self.binds_asker(header, scope, scope_id);
        ensure(!(is_looser && is_bound) || self.planted.is(Fault::OwnLimitRaised), || {
            Reject::new(RejectCode::LimitBindsAsker, Field::Limit).number(value).limit(known.value)
        })?;
        let limits = &mut self.risk.limits;
        let is_new = !known.is_on() && value >= 0;
        ensure(!is_new || limits.count < RISK_LIMITS_MAX, || {
            Reject::table_full(Field::Limit, RISK_LIMITS_MAX)
        })?;
        if is_new {
            place = self.bounds_made(scope, scope_id);
        }
        if known.is_on() || is_new {
            self.put_limit(place, body);
        }
        let limits = &mut self.risk.limits;
        limits.version = limits.version.checked_add(1).unwrap_or(limits.version);
        let version = limits.version;
        Ok(Event::LimitChanged(LimitChanged {
            scope,
            scope_id,
            kind,
            subject,
            value,
            burst,
            version,
        }))
    }

    /// Puts a limit into force, or takes one away, and all that follows from limits.
    pub(crate) fn put_limit(&mut self, place: u32, body: &LimitSet) {
        let LimitSet { scope, scope_id, kind, subject, .. } = *body;
        let risk = &mut self.risk;
        let were_weighed = risk.limits.weighed > 0;
        risk.limits.put(place, body, self.time_ns);
        if !were_weighed {
            risk.forget_worths();
        }
        risk.follow_limit((scope, scope_id), place, kind, subject);
    }

    /// The place of a scope's limits, made if there are none.
    pub(crate) fn bounds_made(&mut self, scope: Scope, scope_id: u32) -> u32 {
        let known = self.bounds_of(scope, scope_id);
        if known != NONE {
            return known;
        }
        let place = self.risk.limits.add();
        match scope {
            Scope::Firm | Scope::Instrument => self.risk.firm_bounds = place,
            Scope::Group => self.risk.group_mut(scope_id).bounds = place,
            Scope::Account => self.risk.account_mut(scope_id).bounds = place,
        }
        place
    }

    pub(crate) fn check_subject(&self, kind: LimitKind, subject: u32) -> Result<(), Reject> {
        let (holds, code) = match slot(kind) {
            Slot::Instrument(_) => (
                self.instruments.get(InstrumentId(subject)).is_some(),
                RejectCode::UnknownInstrument,
            ),
            Slot::Asset(_) => {
                (self.ledger.asset(AssetId(subject)).is_some(), RejectCode::UnknownAsset)
            }
            Slot::Plain(_) | Slot::Rate => (subject == 0, RejectCode::InvalidCombination),
        };
        ensure(holds, || Reject::new(code, Field::Subject).number(subject))
    }
}

/// Whether a limit's numbers are within bounds.
fn check_value(body: &LimitSet) -> Result<(), Reject> {
    let LimitSet { kind, value, burst, .. } = *body;
    let refuse = |field, unit, value: i128, limit: i128| {
        Err(Reject::new(RejectCode::AmountOutOfRange, field).value(unit, value).limit(limit))
    };
    if value > ASSET_TOTAL_MINOR_MAX {
        return refuse(Field::Limit, Unit::Number, value, ASSET_TOTAL_MINOR_MAX);
    }
    if is_rate(kind) {
        if value == 0 || value > RISK_RATE_MAX {
            return refuse(Field::Limit, Unit::Number, value, RISK_RATE_MAX);
        }
        if value > 0 && burst < 1 {
            return refuse(Field::Burst, Unit::Number, burst.into(), 1);
        }
        return Ok(());
    }
    if kind == LimitKind::DuplicateWindow && value > i128::from(DAY_NS) {
        return refuse(Field::Limit, Unit::Ns, value, DAY_NS.into());
    }
    ensure(burst == 0, || Reject::new(RejectCode::InvalidCombination, Field::Burst).number(burst))
}

/// Whether what is asked for binds less than what is.
fn is_looser(kind: LimitKind, known: &Limit, body: &LimitSet) -> bool {
    if !known.is_on() {
        return false;
    }
    if body.value < 0 {
        return true;
    }
    if kind == LimitKind::DuplicateWindow {
        return body.value < known.value;
    }
    body.value > known.value || body.value == known.value && body.burst > known.burst
}
