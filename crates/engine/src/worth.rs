//! What lots are worth at most: how the gate, and the use of limits, are sure without adding up.
//!
//! Around each mark there is a band. The firm, each group and each account keep what their lots in a
//! quote asset are worth at the upper ends of these bands: one product more per order and per fill. As
//! long as no mark leaves its band that is no less than the exact sum, so whoever stays below a limit by
//! it, and below the part of it that is told, does so exactly. Whoever does not is looked at by adding
//! everything up, in [`crate::value`].
//!
//! Invariants
//! - A worth of the version of its asset is the sum over the lots of its scope; any other is counted
//!   anew before it is believed.
//! - A mark is within its band: when it leaves it there is another band, and another version.
//! - A fence is what the limits of its scope say.
//!
//! [`check`] verifies them.
//!
//! Cost: constant per order and fill. A step per instrument of the asset, or per row of the account,
//! when a mark has left its band or someone's lots changed by other ways.

use crate::bounds::{Slot, slot};
use crate::engine::Engine;
use crate::instruments::Listing;
use crate::paged::{NONE, index};
use crate::risk::{Lots, Risk};
use crate::value::value_of;
use alloc::vec::Vec;
use coulisse_types::{AccountId, InstrumentId, LimitKind, ReferenceKind, Scope, Side};

mod check;

/// A band reaches so far to each side of the mark it was drawn around: a 2^6th of it.
const REACH_SHIFT: u32 = 6;
/// Its width is at most a 2^5th of its upper end.
const WIDTH_SHIFT: u32 = 5;
/// The most that a lot may be worth where bands are used, in quote minor units.
const VALUE_MAX: i64 = 1 << 60;
/// Worths count in units of which a whole one of the asset is about 2^27: so they fit 64 bits.
const WHOLE_BITS: u32 = 27;

/// What a lot of an instrument is worth.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    /// At the reference, in quote minor units; 0 without one. Not kept where the reference is the
    /// middle of the book, which moves with every order.
    pub(crate) value_minor: i64,
    /// The band.
    low_minor: i64,
    high_minor: i64,
    /// The upper end in the units of worths, rounded up.
    weight: i64,
    pub(crate) quote: u32,
    /// Whether `value_minor` is kept.
    pub(crate) is_kept: bool,
    /// Whether it is above what bands are used for.
    is_large: bool,
}

/// What is known of all instruments quoted in an asset.
#[derive(Clone, Debug)]
pub(crate) struct Quoted {
    /// How often a mark left its band, from 1.
    pub(crate) version: u64,
    /// How many minor units, as a power of 2, are one in a worth.
    pub(crate) shift: u32,
    /// Instruments of which a lot is worth too much for bands.
    large: u32,
    /// Those whose reference is the middle of the book.
    mids: Vec<u32>,
}

/// What the lots of a scope in a quote asset are worth at most, and what it may come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Worth {
    /// Of the asset, when it was last right; 0 where it is not.
    pub(crate) version: u64,
    /// What is held, long and short.
    held: i64,
    /// What is held long and may be bought yet, and the same for the other side.
    long: i64,
    short: i64,
    pub(crate) fence: Fence,
}

/// What is surely within the limits of a scope on a quote asset, in the units of worths: all that is
/// below, of an order's notional all that is not above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fence {
    pub(crate) gross: i64,
    pub(crate) net: i64,
    pub(crate) daily_loss: i64,
    pub(crate) drawdown: i64,
    pub(crate) notional: i64,
}

/// The same on an instrument, in lots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LotFence {
    pub(crate) position: i64,
    /// Of an order: the largest that passes.
    pub(crate) order: i64,
}

/// What a change is worth in the account, its group and the firm.
#[derive(Clone, Copy)]
enum Change {
    Open(Side, Option<i64>),
    Held { long: Option<i64>, short: Option<i64> },
}

impl Mark {
    const NONE: Self = Self {
        value_minor: 0,
        low_minor: 0,
        high_minor: 0,
        weight: 0,
        quote: 0,
        is_kept: true,
        is_large: false,
    };

    /// What a lot is worth at most, in the units of worths.
    #[inline]
    pub(crate) const fn weight(&self) -> i64 {
        self.weight
    }
}

impl Quoted {
    /// Minor units in the units of worths, rounded down. What does not fit is cut: it is not below the
    /// highest fence, and below each but the lowest.
    #[inline]
    pub(crate) fn rounded_down(&self, minor: i128) -> i64 {
        match i64::try_from(minor) {
            Ok(minor) => minor.wrapping_shr(self.shift),
            Err(_) => cut(minor.wrapping_shr(self.shift)),
        }
    }

    /// The same of not fewer than none, rounded up: what is not above a fence exactly where they are
    /// not. `None` for what does not fit.
    #[inline]
    pub(crate) fn rounded_up(&self, minor: i128) -> Option<i64> {
        let most_rest = 1_i64.wrapping_shl(self.shift).wrapping_sub(1);
        match i64::try_from(minor).ok().and_then(|minor| minor.checked_add(most_rest)) {
            Some(minor) => Some(minor.wrapping_shr(self.shift)),
            None => {
                i64::try_from(minor.saturating_add(most_rest.into()).wrapping_shr(self.shift)).ok()
            }
        }
    }

    /// Whether the middle of a book is the reference of any of them.
    #[inline]
    pub(crate) fn has_middles(&self) -> bool {
        !self.mids.is_empty()
    }
}

impl LotFence {
    pub(crate) const OPEN: Self = Self { position: i64::MAX, order: i64::MAX };
}

impl Fence {
    const OPEN: Self = Self {
        gross: i64::MAX,
        net: i64::MAX,
        daily_loss: i64::MAX,
        drawdown: i64::MAX,
        notional: i64::MAX,
    };
}

impl Worth {
    /// Not yet counted.
    pub(crate) const fn new(fence: Fence) -> Self {
        Self { version: 0, held: 0, long: 0, short: 0, fence }
    }

    /// Whether the scope stays within its limits, and at level 0, with so much more on a side.
    #[inline]
    pub(crate) fn is_far(&self, bought: i64, sold: i64) -> bool {
        let (long, short) = (self.long.saturating_add(bought), self.short.saturating_add(sold));
        // What would not fit is not below anything.
        long.saturating_add(short) < self.fence.gross && long.max(short) < self.fence.net
    }

    /// What all that is held is worth at most, in minor units.
    #[inline]
    fn held_minor(&self, shift: u32) -> i128 {
        i128::from(self.held).wrapping_shl(shift)
    }

    /// Takes in a change; what does not fit is counted anew, until it does.
    #[inline]
    fn take(&mut self, version: u64, change: Change) {
        if self.version != version {
            return;
        }
        let add = |slot: &mut i64, by: Option<i64>| match by.and_then(|by| slot.checked_add(by)) {
            Some(sum) => {
                *slot = sum;
                true
            }
            None => false,
        };
        let fits = match change {
            Change::Open(Side::Buy, by) => add(&mut self.long, by),
            Change::Open(Side::Sell, by) => add(&mut self.short, by),
            Change::Held { long, short } => {
                add(&mut self.held, long)
                    && add(&mut self.held, short)
                    && add(&mut self.long, long)
                    && add(&mut self.short, short)
            }
        };
        if !fits {
            self.version = 0;
        }
    }

    fn count(&mut self, version: u64, parts: impl Iterator<Item = (Lots, i64)>) {
        let [mut held, mut long, mut short] = [0_i64; 3];
        for (lots, weight) in parts {
            let add = |sum: &mut i64, lots: i128| {
                let by = i64::try_from(lots).ok().and_then(|lots| lots.checked_mul(weight));
                by.and_then(|by| sum.checked_add(by)).map(|all| *sum = all)
            };
            let all = [
                add(&mut held, lots.long),
                add(&mut held, lots.short),
                add(&mut long, lots.long),
                add(&mut long, lots.open_buy),
                add(&mut short, lots.short),
                add(&mut short, lots.open_sell),
            ];
            if all.contains(&None) {
                self.version = 0;
                return;
            }
        }
        *self = Self { version, held, long, short, fence: self.fence };
    }
}

#[expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "ids exist and are from 1; values of lots are at most 2^60, shifts below 64"
)]
impl Risk {
    pub(crate) fn add_mark(&mut self, quote: u32) {
        self.marks.push(Mark { quote, ..Mark::NONE });
    }

    /// `scale`: the decimals of a minor unit.
    pub(crate) fn add_valuation(&mut self, scale: u8) {
        let whole_minor = 10_u64.saturating_pow(scale.into());
        let shift = whole_minor.ilog2().saturating_sub(WHOLE_BITS);
        self.valued.push(Quoted { version: 1, shift, large: 0, mids: Vec::new() });
        self.firm_worths.push(Worth::new(Fence::OPEN));
    }

    #[inline]
    pub(crate) fn mark(&self, instrument: u32) -> &Mark {
        &self.marks[index(instrument - 1)]
    }

    #[inline]
    pub(crate) fn quoted_in(&self, asset: u32) -> &Quoted {
        &self.valued[index(asset - 1)]
    }

    /// All worths are to be counted anew.
    pub(crate) fn forget_worths(&mut self) {
        for quoted in &mut self.valued {
            quoted.version += 1;
        }
    }

    /// Takes over what a lot is worth now.
    pub(crate) fn follow_mark(&mut self, listing: &Listing) {
        let instrument = listing.rules.id.0;
        let value_minor = value_of(listing.reference(), listing.rules.unit);
        let value_minor =
            i64::try_from(value_minor).ok().filter(|minor| (0..=VALUE_MAX).contains(minor));
        let is_mid = listing.config.reference == ReferenceKind::Mid;
        let mark = &mut self.marks[index(instrument - 1)];
        let quoted = &mut self.valued[index(mark.quote - 1)];
        let is_large = value_minor.is_none();
        let value_minor = value_minor.unwrap_or(0);
        mark.value_minor = value_minor;
        mark.is_kept = !is_mid && !is_large;
        let is_within = mark.low_minor <= value_minor && value_minor <= mark.high_minor;
        if is_within && is_large == mark.is_large {
            return;
        }
        quoted.large = quoted.large + u32::from(is_large) - u32::from(mark.is_large);
        quoted.version += 1;
        let reach_minor = value_minor >> REACH_SHIFT;
        mark.is_large = is_large;
        mark.low_minor = value_minor - reach_minor;
        mark.high_minor = value_minor + reach_minor;
        mark.weight = (mark.high_minor - i64::from(value_minor > 0)) >> quoted.shift;
        mark.weight += i64::from(value_minor > 0);
    }

    /// Notes that the reference of an instrument may be another now.
    #[inline]
    pub(crate) fn note_moved(&mut self, instrument: u32) {
        if self.moved.last() != Some(&instrument) {
            self.moved.push(instrument);
        }
    }

    /// Follows a position from `before` to `after`.
    #[inline]
    pub(crate) fn weigh_held(&mut self, place: u32, before: i64, after: i64) {
        if self.limits.weighed > 0 {
            let row = self.rows.at(place);
            let (instrument, money) = (row.instrument, row.money);
            let group_worth = self.sums.get(row.sums).map_or(NONE, |sums| sums.worth);
            self.weigh(instrument, money, group_worth, |weight| {
                let long = after.max(0) - before.max(0);
                let short = before.min(0) - after.min(0);
                Change::Held { long: long.checked_mul(weight), short: short.checked_mul(weight) }
            });
        }
    }

    /// Follows an order that asks for so many lots more, or fewer; `group_worth` may be void.
    #[inline]
    pub(crate) fn weigh_open(
        &mut self,
        (instrument, money, group_worth): (u32, u32, u32),
        side: Side,
        lots: i64,
    ) {
        if self.limits.weighed > 0 {
            let change = |weight: i64| Change::Open(side, lots.checked_mul(weight));
            self.weigh(instrument, money, group_worth, change);
        }
    }

    /// Follows a change in an account, its group and the firm.
    #[inline]
    fn weigh(
        &mut self,
        instrument: u32,
        money: u32,
        group_worth: u32,
        change: impl FnOnce(i64) -> Change,
    ) {
        let mark = &self.marks[index(instrument - 1)];
        let (change, at) = (change(mark.weight), index(mark.quote - 1));
        let version = self.valued[at].version;
        self.money.at_mut(money).worth.take(version, change);
        self.firm_worths[at].take(version, change);
        if group_worth != NONE {
            self.worths.at_mut(group_worth).take(version, change);
        }
    }

    /// Counts anew what is not of the asset's version, of a row's account, its group and the firm;
    /// whether all could be.
    #[inline]
    pub(crate) fn are_worths_known(&mut self, money: u32, group_worth: u32, asset: u32) -> bool {
        let quoted = self.quoted_in(asset);
        if quoted.large > 0 {
            return false;
        }
        let version = quoted.version;
        let is_known = self.money.at(money).worth.version == version
            && self.firm_worths[index(asset - 1)].version == version
            && (group_worth == NONE || self.worths.at(group_worth).version == version);
        is_known || self.count_worths(money, group_worth, asset)
    }

    #[cold]
    #[inline(never)]
    fn count_worths(&mut self, money: u32, group_worth: u32, asset: u32) -> bool {
        let Self { money: moneys, worths, firm_worths, .. } = self;
        let mut own = moneys.at(money).worth;
        let mut of_group = worths.get(group_worth).copied();
        let mut of_firm = firm_worths[index(asset - 1)];
        let version = self.quoted_in(asset).version;
        let group = self.account(self.money.at(money).account).group;
        let weight = |instrument: u32| self.mark(instrument).weight;
        let quoted = || self.quoted[index(asset - 1)].iter().copied();
        if own.version != version {
            let rows = self.rows_of(money);
            own.count(version, rows.map(|row| (self.lots(row), weight(row.instrument))));
        }
        if let Some(worth) = of_group.as_mut().filter(|worth| worth.version != version) {
            worth.count(version, quoted().map(|at| (self.group_lots(group, at), weight(at))));
        }
        if of_firm.version != version {
            of_firm.count(version, quoted().map(|at| (self.firm_lots(at), weight(at))));
        }
        self.money.at_mut(money).worth = own;
        self.firm_worths[index(asset - 1)] = of_firm;
        let mut all_known = own.version == version && of_firm.version == version;
        if let Some(worth) = of_group {
            *self.worths.at_mut(group_worth) = worth;
            all_known &= worth.version == version;
        }
        all_known
    }

    /// Whether an account's marked profit was computed since its positions changed, and a mark left
    /// its band.
    #[inline]
    pub(crate) fn is_pnl_known(&self, money: u32, asset: u32) -> bool {
        let row = self.money.at(money);
        row.loss.is_none() || row.marked_version == self.quoted_in(asset).version
    }

    /// The most that an account has lost, today and since its best, in minor units. What its lots are
    /// worth, and its marked profit, are known.
    #[inline]
    pub(crate) fn losses_at_most(&self, money: u32, asset: u32, today: i64) -> (i128, i128) {
        let row = self.money.at(money);
        let Some(loss) = &row.loss else { return (0, 0) };
        // Each lot that is held may be worth less, or more where it is owed, by the width of a band.
        let held_minor = row.worth.held_minor(self.quoted_in(asset).shift);
        let least_minor = row.marked_minor - (held_minor >> WIDTH_SHIFT) - 1;
        (loss.base(today) - least_minor, loss.peak_minor - least_minor)
    }

    /// The fence of the limits at a place on an instrument.
    pub(crate) fn lot_fence(&self, bounds: u32, instrument: u32) -> LotFence {
        if bounds == NONE {
            return LotFence::OPEN;
        }
        let find = |kind| self.limits.get(bounds, kind, instrument);
        let position = find(LimitKind::Position).map_or(i128::MAX, |limit| limit.ease());
        let order = find(LimitKind::OrderQty).map_or(i128::MAX, |limit| limit.value);
        LotFence { position: cut(position), order: cut(order) }
    }

    /// The same on a quote asset.
    pub(crate) fn fence(&self, bounds: u32, asset: u32) -> Fence {
        if bounds == NONE {
            return Fence::OPEN;
        }
        let shift = self.quoted_in(asset).shift;
        let find = |kind| self.limits.get(bounds, kind, asset);
        let ease = |kind| {
            let limit = find(kind).map_or(i128::MAX, |limit| limit.ease());
            cut(limit >> shift)
        };
        let notional = find(LimitKind::OrderNotional).map_or(i128::MAX, |limit| limit.value);
        Fence {
            gross: ease(LimitKind::GrossNotional),
            net: ease(LimitKind::NetNotional),
            daily_loss: ease(LimitKind::DailyLoss),
            drawdown: ease(LimitKind::Drawdown),
            notional: cut(notional >> shift),
        }
    }

    /// A limit of a scope, or its level, is another now: its fence follows.
    pub(crate) fn follow_limit(
        &mut self,
        (scope, scope_id): (Scope, u32),
        bounds: u32,
        kind: LimitKind,
        subject: u32,
    ) {
        match slot(kind) {
            Slot::Rate | Slot::Plain(_) => {}
            Slot::Instrument(_) => {
                let fence = self.lot_fence(bounds, subject);
                match scope {
                    Scope::Firm | Scope::Instrument => {
                        self.firm_fences[index(subject - 1)] = fence;
                    }
                    Scope::Group => {
                        let group = self.group(scope_id);
                        let sums = group.sums.get(index(subject - 1)).copied().unwrap_or(NONE);
                        if sums != NONE {
                            self.sums.at_mut(sums).fence = fence;
                        }
                    }
                    Scope::Account => {
                        if let Some(place) = self.find_row(scope_id, subject) {
                            self.rows.at_mut(place).fence = fence;
                        }
                    }
                }
            }
            Slot::Asset(_) => {
                let fence = self.fence(bounds, subject);
                match scope {
                    Scope::Firm | Scope::Instrument => {
                        self.firm_worths[index(subject - 1)].fence = fence;
                    }
                    Scope::Group => {
                        let group = self.group(scope_id);
                        let worth = group.worths.get(index(subject - 1)).copied().unwrap_or(NONE);
                        if worth != NONE {
                            self.worths.at_mut(worth).fence = fence;
                        }
                    }
                    Scope::Account => {
                        if let Some(money) = self.find_money(scope_id, subject) {
                            self.money.at_mut(money).worth.fence = fence;
                        }
                    }
                }
            }
        }
    }
}

/// A bound that fits, for values that do.
fn cut(bound: i128) -> i64 {
    i64::try_from(bound).unwrap_or(if bound < 0 { i64::MIN } else { i64::MAX })
}

impl Engine {
    /// Takes over the references that the command has moved so far.
    #[inline]
    pub(crate) fn follow_marks(&mut self) {
        if !self.risk.moved.is_empty() {
            self.follow_moved();
        }
    }

    fn follow_moved(&mut self) {
        while let Some(instrument) = self.risk.moved.pop() {
            self.risk.follow_mark(self.instruments.at(InstrumentId(instrument)));
        }
    }

    /// Takes over the middles of books, in the asset's instruments that are marked there.
    #[inline]
    pub(crate) fn follow_middles(&mut self, asset: u32) {
        let mut at = 0_usize;
        while let Some(instrument) = self.risk.quoted_in(asset).mids.get(at).copied() {
            self.risk.follow_mark(self.instruments.at(InstrumentId(instrument)));
            at = at.saturating_add(1);
        }
    }

    /// An instrument is marked another way, or its marks were read from a snapshot.
    pub(crate) fn remark(&mut self, instrument: InstrumentId) {
        let Self { risk, instruments, .. } = self;
        let listing = instruments.at(instrument);
        let quote = listing.rules.quote.0;
        if let Some(quoted) = risk.valued.get_mut(index(quote.saturating_sub(1))) {
            quoted.mids.retain(|other| *other != instrument.0);
            if listing.config.reference == ReferenceKind::Mid {
                quoted.mids.push(instrument.0);
            }
        }
        risk.follow_mark(listing);
    }

    /// Whether the orders of a row's account, its group and the firm stay below what is told, and
    /// below their limits, by count, with so many more that are open and that are conditional.
    #[inline]
    pub(crate) fn are_orders_few(&self, account: AccountId, more: (u32, u32)) -> bool {
        let risk = &self.risk;
        if risk.dead > 0 {
            return false;
        }
        let is_few = |bounds: u32, live: u32, waiting: u32| {
            bounds == NONE || {
                let bounds = risk.limits.at(bounds);
                let open = live.saturating_sub(waiting).saturating_add(more.0);
                open < bounds.open_ease && waiting.saturating_add(more.1) < bounds.waiting_ease
            }
        };
        let row = risk.account(account.0);
        let of_group = || {
            let group = risk.group(row.group);
            is_few(group.bounds, group.live, group.waiting)
        };
        is_few(risk.firm_bounds, self.orders.live(), risk.waiting)
            && (row.group == 0 || of_group())
            && is_few(row.bounds, self.orders.open_count(account), risk.waiting_of(account.0))
    }
}
