//! What the risk gate and positions know: rows of accounts, and sums over groups and the firm.
//!
//! Rooms: this file is the tables and how they follow each order and fill. [`crate::positions`] has
//! the arithmetic of one position, [`crate::bounds`] the limits, [`crate::gate`] the checks,
//! [`crate::kill`] states and kill switches, [`crate::limit_use`] what is said about limits in use,
//! [`crate::tiers`] the fee tiers, [`crate::worth`] what lots are worth at most.
//!
//! Invariants
//! - A group's, and the firm's, sums in an instrument are the sums over its accounts' rows.
//! - Rows and sums change only with an order that comes, goes, shrinks or fills: never recomputed.
//!
//! Cost: constant per order and fill. An account's rows in its first instruments are found from its
//! own row; those of further ones through a list by instrument.

use crate::bounds::Limits;
use crate::kill::Control;
use crate::paged::{NONE, Paged, index};
use crate::positions::{Filled, Row};
use crate::tiers::Tiers;
use crate::worth::{LotFence, Mark, Quoted, Worth};
use alloc::vec::Vec;
use coulisse_types::event::LimitUsed;
use coulisse_types::{InstrumentId, RiskState, Side};

mod snapshot;

/// Instruments whose rows an account finds without a further look-up.
const HOME: usize = 23;
/// Rows per account that room for the list of pages is made for.
const ROWS_PER_ACCOUNT: u32 = 8;
/// Rows that one fill may change.
const ROWS_PER_FILL: usize = 2;

/// An account as the gate sees it: one cache line, and one for the rest of its home.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(crate) struct AccountRow {
    pub(crate) control: Control,
    /// Its group; 0 for none.
    pub(crate) group: u32,
    /// The place of its limits; void for none.
    pub(crate) bounds: u32,
    /// Its orders that wait for their trigger, dead ones apart; of `epoch`.
    waiting: u32,
    epoch: u32,
    /// The place of its last placement; void where none was ever remembered.
    pub(crate) remembered: u32,
    home: [u32; HOME],
}

/// A group as the gate sees it.
#[derive(Clone, Debug)]
pub(crate) struct GroupRow {
    /// The place of its limits; void for none.
    pub(crate) bounds: u32,
    pub(crate) control: Control,
    /// Live orders of its accounts, and those of them that wait for their trigger; dead ones apart.
    pub(crate) live: u32,
    pub(crate) waiting: u32,
    /// By instrument: the place of its sums.
    pub(crate) sums: Vec<u32>,
    /// By asset: the place of what its lots are worth.
    pub(crate) worths: Vec<u32>,
}

/// Lots in one instrument: of a group, of the firm, or of an account in the same form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lots {
    pub(crate) long: i128,
    pub(crate) short: i128,
    pub(crate) open_buy: i128,
    pub(crate) open_sell: i128,
}

/// The lots of a group in one instrument.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sums {
    pub(crate) group: u32,
    /// The place of what the group's lots are worth in the instrument's quote asset.
    pub(crate) worth: u32,
    pub(crate) lots: Lots,
    /// What the group's limits on the instrument surely let pass.
    pub(crate) fence: LotFence,
}

/// One position, as all of an account's in a quote asset are gone through.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    /// Net lots; negative for short.
    pub(crate) qty_lots: i64,
    pub(crate) instrument: u32,
    /// The place of its row.
    pub(crate) row: u32,
}

/// What an account has in one quote asset over all instruments.
///
/// The first two cache lines, and what its loss is measured by, are all that a placement touches.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
pub(crate) struct Money {
    /// What its lots are worth at most.
    pub(crate) worth: Worth,
    /// The version of the asset when the marked profit was last computed; 0 where a position has
    /// changed since.
    pub(crate) marked_version: u64,
    pub(crate) account: u32,
    pub(crate) asset: u32,
    /// The marked profit then, in minor units.
    pub(crate) marked_minor: i128,
    /// Profit realised less fees less what positions were entered for, in minor units.
    pub(crate) settled_minor: i128,
    /// Its positions, those of which nothing is left included.
    pub(crate) held: Vec<Held>,
    /// The place of its traded notional; void where none was counted.
    pub(crate) traded: u32,
    /// What its loss is measured by; `None` before the first fill.
    pub(crate) loss: Option<Loss>,
}

/// Marked profits of an account in a quote asset, in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Loss {
    /// The day of the last fill, in days since the epoch.
    pub(crate) day: i64,
    /// What it was at the end of the last day before that had a fill.
    pub(crate) base_minor: i128,
    /// What it was after the last command with a fill.
    pub(crate) last_minor: i128,
    /// The most it ever was after a command with a fill.
    pub(crate) peak_minor: i128,
}

/// Account, instrument and place of a row that was filled.
pub(crate) type FilledRow = (u32, u32, u32);

/// All that is known for positions and risk.
#[derive(Clone, Debug)]
pub(crate) struct Risk {
    pub(crate) accounts: Paged<AccountRow, 256>,
    /// By account: its rows in the instruments beyond the first, by instrument.
    more: Paged<Vec<u32>, 256>,
    pub(crate) rows: Paged<Row, 256>,
    pub(crate) money: Paged<Money, 256>,
    pub(crate) groups: Vec<GroupRow>,
    pub(crate) sums: Paged<Sums, 256>,
    /// What groups' lots are worth in an asset.
    pub(crate) worths: Paged<Worth, 64>,
    /// By instrument: the firm's lots.
    pub(crate) firm: Vec<Lots>,
    /// By instrument: what the firm's limits surely let pass, and what a lot is worth.
    pub(crate) firm_fences: Vec<LotFence>,
    pub(crate) marks: Vec<Mark>,
    /// By asset: what the firm's lots are worth, and what is known of what is quoted in it.
    pub(crate) firm_worths: Vec<Worth>,
    pub(crate) valued: Vec<Quoted>,
    /// By instrument: what may be done there.
    pub(crate) instrument_states: Vec<RiskState>,
    /// By asset: the instruments quoted in it.
    pub(crate) quoted: Vec<Vec<u32>>,
    pub(crate) firm_bounds: u32,
    pub(crate) firm_control: Control,
    /// Orders that wait for their trigger, dead ones apart.
    pub(crate) waiting: u32,
    /// Orders that are dead and not closed yet.
    pub(crate) dead: u32,
    /// No account before this one has dead orders.
    pub(crate) sweep_from: u32,
    /// How often the firm was killed.
    pub(crate) epoch: u32,
    /// Live orders that may only reduce.
    pub(crate) reducers: u32,
    /// Bounds of what any position can have come to: all that was ever traded.
    pub(crate) traded_lots: i128,
    pub(crate) traded_minor: i128,
    pub(crate) limits: Limits,
    pub(crate) tiers: Tiers,
    /// The rows that this command filled, and those whose limits are to be looked at.
    pub(crate) filled: Vec<FilledRow>,
    pub(crate) touched: Vec<u32>,
    /// The row whose limits the gate was sure of, for as long as this command only rests an order.
    pub(crate) sure: u32,
    pub(crate) said: Vec<LimitUsed>,
    /// The instruments whose references may have moved.
    pub(crate) moved: Vec<u32>,
    pub(crate) placements: Vec<crate::gate::Placement>,
}

#[expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "ids exist and are from 1; sums of lots of what exists are far below 2^127"
)]
impl Risk {
    pub(crate) fn new(accounts_max: u32, instruments_max: u32, fills_max: usize) -> Self {
        let rows_max = accounts_max.saturating_mul(ROWS_PER_ACCOUNT);
        let rows_of_command = fills_max.saturating_add(1).saturating_mul(ROWS_PER_FILL);
        Self {
            accounts: Paged::new(accounts_max),
            more: Paged::new(accounts_max),
            rows: Paged::new(rows_max),
            money: Paged::new(rows_max),
            groups: Vec::new(),
            sums: Paged::new(instruments_max),
            worths: Paged::new(instruments_max),
            firm: Vec::with_capacity(index(instruments_max)),
            firm_fences: Vec::with_capacity(index(instruments_max)),
            marks: Vec::with_capacity(index(instruments_max)),
            firm_worths: Vec::new(),
            valued: Vec::new(),
            instrument_states: Vec::with_capacity(index(instruments_max)),
            quoted: Vec::new(),
            firm_bounds: NONE,
            firm_control: Control::OFF,
            waiting: 0,
            dead: 0,
            sweep_from: NONE,
            epoch: 0,
            reducers: 0,
            traded_lots: 0,
            traded_minor: 0,
            limits: Limits::new(),
            tiers: Tiers::new(),
            filled: Vec::with_capacity(rows_of_command),
            touched: Vec::with_capacity(rows_of_command),
            sure: NONE,
            said: Vec::new(),
            moved: Vec::with_capacity(index(instruments_max)),
            placements: Vec::new(),
        }
    }

    pub(crate) fn add_account(&mut self) {
        self.accounts.push(AccountRow {
            home: [NONE; HOME],
            group: 0,
            bounds: NONE,
            waiting: 0,
            epoch: 0,
            remembered: NONE,
            control: Control::OFF,
        });
        self.more.push(Vec::new());
    }

    pub(crate) fn add_group(&mut self) {
        self.groups.push(GroupRow {
            bounds: NONE,
            control: Control::OFF,
            live: 0,
            waiting: 0,
            sums: Vec::new(),
            worths: Vec::new(),
        });
    }

    /// `scale`: the decimals of a minor unit.
    pub(crate) fn add_asset(&mut self, scale: u8) {
        self.quoted.push(Vec::new());
        self.add_valuation(scale);
        self.tiers.add_asset();
    }

    pub(crate) fn add_instrument(&mut self, instrument: InstrumentId, quote: u32) {
        self.firm.push(Lots::default());
        self.firm_fences.push(self.lot_fence(self.firm_bounds, instrument.0));
        self.add_mark(quote);
        self.instrument_states.push(RiskState::Active);
        self.quoted[index(quote - 1)].push(instrument.0);
    }

    #[inline]
    pub(crate) fn account(&self, account: u32) -> &AccountRow {
        self.accounts.at(account - 1)
    }

    #[inline]
    pub(crate) fn account_mut(&mut self, account: u32) -> &mut AccountRow {
        self.accounts.at_mut(account - 1)
    }

    #[inline]
    pub(crate) fn group(&self, group: u32) -> &GroupRow {
        &self.groups[index(group - 1)]
    }

    #[inline]
    pub(crate) fn group_mut(&mut self, group: u32) -> &mut GroupRow {
        &mut self.groups[index(group - 1)]
    }

    /// The place of an account's row in an instrument, if there is one.
    #[inline]
    pub(crate) fn find_row(&self, account: u32, instrument: u32) -> Option<u32> {
        let at = index(instrument - 1);
        let place = match self.account(account).home.get(at) {
            Some(place) => *place,
            None => *self.more.at(account - 1).get(at - HOME)?,
        };
        (place != NONE).then_some(place)
    }

    /// The same, made if there is none.
    #[inline]
    pub(crate) fn row_of(&mut self, account: u32, instrument: u32, quote: u32) -> u32 {
        match self.find_row(account, instrument) {
            Some(place) => place,
            None => self.add_row(account, instrument, quote),
        }
    }

    #[cold]
    #[inline(never)]
    fn add_row(&mut self, account: u32, instrument: u32, quote: u32) -> u32 {
        let money = self.find_money(account, quote).unwrap_or_else(|| {
            let fence = self.fence(self.account(account).bounds, quote);
            self.money.push(Money {
                worth: Worth::new(fence),
                settled_minor: 0,
                marked_minor: 0,
                marked_version: 0,
                held: Vec::new(),
                account,
                asset: quote,
                traded: NONE,
                loss: None,
            })
        });
        let group = self.account(account).group;
        let sums = if group == 0 { NONE } else { self.sums_of(group, instrument) };
        let seat = u16::try_from(self.money.at(money).held.len()).unwrap_or(u16::MAX);
        let place = self.rows.push(Row {
            open_buy_lots: 0,
            open_sell_lots: 0,
            qty_lots: 0,
            account,
            instrument,
            sums,
            money,
            epoch: self.epoch,
            seat,
            is_filled: false,
            is_touched: false,
            fence: self.lot_fence(self.account(account).bounds, instrument),
            cost_minor: 0,
            realised_minor: 0,
            fees_minor: 0,
        });
        self.money.at_mut(money).held.push(Held { qty_lots: 0, instrument, row: place });
        let at = index(instrument - 1);
        match self.account_mut(account).home.get_mut(at) {
            Some(home) => *home = place,
            None => set(self.more.at_mut(account - 1), at - HOME, place),
        }
        place
    }

    /// The place of what an account has in a quote asset.
    pub(crate) fn find_money(&self, account: u32, asset: u32) -> Option<u32> {
        let mut quoted = self.quoted.get(index(asset - 1))?.iter();
        let row = quoted.find_map(|instrument| self.find_row(account, *instrument))?;
        Some(self.rows.at(row).money)
    }

    /// An account's rows in an asset's instruments, the oldest first.
    #[inline]
    pub(crate) fn rows_of(&self, money: u32) -> impl Iterator<Item = &Row> {
        self.money.at(money).held.iter().map(|held| self.rows.at(held.row))
    }

    /// The place of a group's sums in an instrument, made if there are none.
    fn sums_of(&mut self, group: u32, instrument: u32) -> u32 {
        let at = index(instrument - 1);
        if let Some(place) = self.group(group).sums.get(at).filter(|place| **place != NONE) {
            return *place;
        }
        let asset = self.mark(instrument).quote;
        let worth = self.worth_of(group, asset);
        let fence = self.lot_fence(self.group(group).bounds, instrument);
        let place = self.sums.push(Sums { group, worth, lots: Lots::default(), fence });
        set(&mut self.group_mut(group).sums, at, place);
        place
    }

    /// The place of what a group's lots are worth in an asset, made if there is none.
    fn worth_of(&mut self, group: u32, asset: u32) -> u32 {
        let at = index(asset - 1);
        if let Some(place) = self.group(group).worths.get(at).filter(|place| **place != NONE) {
            return *place;
        }
        let fence = self.fence(self.group(group).bounds, asset);
        let place = self.worths.push(Worth::new(fence));
        set(&mut self.group_mut(group).worths, at, place);
        place
    }

    /// The lots of a group in an instrument.
    #[inline]
    pub(crate) fn group_lots(&self, group: u32, instrument: u32) -> Lots {
        let place = self.group(group).sums.get(index(instrument - 1)).copied().unwrap_or(NONE);
        self.sums.get(place).map_or_else(Lots::default, |sums| sums.lots)
    }

    /// The lots of the firm in an instrument.
    #[inline]
    pub(crate) fn firm_lots(&self, instrument: u32) -> Lots {
        self.firm[index(instrument - 1)]
    }

    /// The lots of an account in an instrument.
    #[inline]
    pub(crate) fn account_lots(&self, account: u32, instrument: u32) -> Lots {
        let row = self.find_row(account, instrument).map(|place| self.rows.at(place));
        row.map_or_else(Lots::default, |row| self.lots(row))
    }

    /// The lots of a row.
    #[inline]
    pub(crate) fn lots(&self, row: &Row) -> Lots {
        let is_current = row.epoch == self.epoch;
        Lots {
            long: row.qty_lots.max(0).into(),
            short: (-row.qty_lots).max(0).into(),
            open_buy: if is_current { row.open_buy_lots } else { 0 },
            open_sell: if is_current { row.open_sell_lots } else { 0 },
        }
    }

    /// Adds to what a row's orders ask for, or takes off where `lots` is negative.
    #[inline]
    pub(crate) fn add_open(&mut self, place: u32, side: Side, lots: i64) {
        let row = self.rows.at_mut(place);
        if row.epoch != self.epoch {
            (row.open_buy_lots, row.open_sell_lots, row.epoch) = (0, 0, self.epoch);
        }
        let change = i128::from(lots);
        match side {
            Side::Buy => row.open_buy_lots += change,
            Side::Sell => row.open_sell_lots += change,
        }
        let Row { instrument, money, sums, .. } = *row;
        self.firm[index(instrument - 1)].add_open(side, change);
        let mut group_worth = NONE;
        if sums != NONE {
            let sums = self.sums.at_mut(sums);
            sums.lots.add_open(side, change);
            group_worth = sums.worth;
        }
        self.weigh_open((instrument, money, group_worth), side, lots);
    }

    /// Counts an order that came to live.
    #[inline]
    pub(crate) fn count_in(&mut self, place: u32) {
        let sums = self.rows.at(place).sums;
        if sums != NONE {
            let group = self.sums.at(sums).group;
            self.group_mut(group).live += 1;
        }
    }

    /// Counts one that went.
    #[inline]
    pub(crate) fn count_out(&mut self, place: u32) {
        let sums = self.rows.at(place).sums;
        if sums != NONE {
            let group = self.sums.at(sums).group;
            self.group_mut(group).live -= 1;
        }
    }

    /// Takes in a fill as one of its sides sees it.
    #[inline]
    pub(crate) fn fill(&mut self, place: u32, fill: &Filled) {
        let row = self.rows.at_mut(place);
        let before = row.qty_lots;
        row.fill(fill);
        let after = row.qty_lots;
        if !row.is_filled {
            row.is_filled = true;
            self.filled.push((row.account, row.instrument, place));
        }
        let Row { sums, instrument, money, seat, .. } = *row;
        self.firm[index(instrument - 1)].shift(before, after);
        if sums != NONE {
            self.sums.at_mut(sums).lots.shift(before, after);
        }
        // Whatever part of a fill closes and whatever opens: money came or went, and the fee.
        let spent_minor = match fill.side {
            Side::Buy => fill.notional_minor,
            Side::Sell => -fill.notional_minor,
        };
        let money = self.money.at_mut(money);
        money.settled_minor -= spent_minor + fill.fee_minor;
        money.marked_version = 0;
        money.held[usize::from(seat)].qty_lots = after;
        self.weigh_held(place, before, after);
        self.touch(place);
    }

    /// A row's position was read from a snapshot: the sums take it in.
    fn position_read(&mut self, place: u32) {
        let row = self.rows.at(place);
        let Row { qty_lots, sums, instrument, money, seat, .. } = *row;
        // Whatever a snapshot says of money must not end the process.
        let profit_minor = row.realised_minor.saturating_sub(row.fees_minor);
        let settled_minor = profit_minor.saturating_sub(row.cost_minor);
        let money = self.money.at_mut(money);
        money.settled_minor = money.settled_minor.saturating_add(settled_minor);
        money.held[usize::from(seat)].qty_lots = qty_lots;
        self.firm[index(instrument - 1)].shift(0, qty_lots);
        if sums != NONE {
            self.sums.at_mut(sums).lots.shift(0, qty_lots);
        }
    }

    /// Notes that the limits of a row are to be looked at when the command ends.
    #[inline]
    pub(crate) fn touch(&mut self, place: u32) {
        if self.limits.watched > 0 {
            let row = self.rows.at_mut(place);
            if !row.is_touched {
                row.is_touched = true;
                self.touched.push(place);
            }
        }
    }

    /// An account's orders that wait for their trigger, dead ones apart.
    #[inline]
    pub(crate) fn waiting_of(&self, account: u32) -> u32 {
        let row = self.account(account);
        if row.epoch == self.epoch { row.waiting } else { 0 }
    }

    /// Counts orders that began to wait for their trigger, or ended where `by` is negative.
    pub(crate) fn count_waiting(&mut self, account: u32, by: i32) {
        let epoch = self.epoch;
        let row = self.account_mut(account);
        if row.epoch != epoch {
            (row.waiting, row.epoch) = (0, epoch);
        }
        row.waiting = row.waiting.saturating_add_signed(by);
        let group = row.group;
        self.waiting = self.waiting.saturating_add_signed(by);
        if group != 0 {
            let group = self.group_mut(group);
            group.waiting = group.waiting.saturating_add_signed(by);
        }
    }

    /// The places of all rows of an account.
    pub(crate) fn places_of(&self, account: u32) -> impl Iterator<Item = u32> + '_ {
        let home = self.account(account).home.iter();
        let all = home.chain(self.more.at(account - 1));
        all.copied().filter(|place| *place != NONE)
    }

    /// Puts an account with `live` orders, dead ones apart, into another group.
    pub(crate) fn regroup(&mut self, account: u32, group: u32, live: u32) {
        let old = self.account(account).group;
        let waiting = self.waiting_of(account);
        if old == group {
            return;
        }
        let places: Vec<u32> = self.places_of(account).collect();
        for place in places {
            let lots = self.lots(self.rows.at(place));
            let Row { sums, instrument, .. } = *self.rows.at(place);
            if sums != NONE {
                self.sums.at_mut(sums).lots.take_off(&lots);
            }
            let sums = if group == 0 { NONE } else { self.sums_of(group, instrument) };
            self.rows.at_mut(place).sums = sums;
            if sums != NONE {
                self.sums.at_mut(sums).lots.put_on(&lots);
            }
        }
        if old != 0 {
            let row = self.group_mut(old);
            row.live -= live;
            row.waiting -= waiting;
        }
        if group != 0 {
            let row = self.group_mut(group);
            row.live += live;
            row.waiting += waiting;
        }
        self.account_mut(account).group = group;
        self.forget_worths();
    }

    /// Takes what an account's orders ask for out of all sums: they are dead.
    pub(crate) fn drop_open(&mut self, account: u32, live: u32) {
        let places: Vec<u32> = self.places_of(account).collect();
        for place in places {
            let lots = self.lots(self.rows.at(place));
            let open = Lots { long: 0, short: 0, ..lots };
            let row = self.rows.at_mut(place);
            (row.open_buy_lots, row.open_sell_lots, row.epoch) = (0, 0, self.epoch);
            self.firm[index(row.instrument - 1)].take_off(&open);
            if row.sums != NONE {
                self.sums.at_mut(row.sums).lots.take_off(&open);
            }
        }
        let waiting = i32::try_from(self.waiting_of(account)).unwrap_or(i32::MAX);
        self.count_waiting(account, -waiting);
        let group = self.account(account).group;
        if group != 0 {
            self.group_mut(group).live -= live;
        }
        self.forget_worths();
    }

    /// The same for everybody.
    pub(crate) fn drop_all_open(&mut self) {
        self.forget_worths();
        self.epoch += 1;
        self.waiting = 0;
        for lots in &mut self.firm {
            (lots.open_buy, lots.open_sell) = (0, 0);
        }
        for place in 0..self.sums.len() {
            let lots = &mut self.sums.at_mut(place).lots;
            (lots.open_buy, lots.open_sell) = (0, 0);
        }
        for group in &mut self.groups {
            (group.live, group.waiting) = (0, 0);
        }
    }

    /// Reads an account's row; the value means nothing.
    #[inline]
    pub(crate) fn peek(&self, account: u32) -> u32 {
        self.accounts.get(account.wrapping_sub(1)).map_or(0, |row| row.group)
    }

    /// Reads what an account, whose row was read, is held to by itself, and its last placement; the
    /// value means nothing.
    #[inline]
    pub(crate) fn peek_limits(&self, account: u32) -> u32 {
        let row = self.accounts.get(account.wrapping_sub(1));
        let bounds = row.map_or(NONE, |row| row.bounds);
        let last = row.and_then(|row| self.placements.get(index(row.remembered)));
        self.limits.peek(bounds) ^ last.map_or(0, |last| last.instrument.0)
    }

    /// Reads an account's row in one of its first instruments; the value means nothing.
    #[inline]
    pub(crate) fn peek_in(&self, account: u32, instrument: u32) -> u32 {
        let row = self.accounts.get(account.wrapping_sub(1));
        let place = row.and_then(|row| row.home.get(index(instrument.wrapping_sub(1))));
        self.peek_row(place.copied().unwrap_or(NONE))
    }

    /// Reads a row; the value means nothing.
    #[inline]
    pub(crate) fn peek_row(&self, place: u32) -> u32 {
        self.rows.get(place).map_or(0, |row| row.epoch ^ u32::from(row.fence.order < 0))
    }

    /// Reads what an account, whose row in an instrument was read, has in its quote asset; the value
    /// means nothing.
    #[inline]
    pub(crate) fn peek_money(&self, account: u32, instrument: u32) -> u32 {
        let row = self.accounts.get(account.wrapping_sub(1));
        let place = row.and_then(|row| row.home.get(index(instrument.wrapping_sub(1))));
        self.peek_money_of(place.copied().unwrap_or(NONE))
    }

    /// The same by the place of the row.
    #[inline]
    pub(crate) fn peek_money_of(&self, place: u32) -> u32 {
        let money = self.rows.get(place).and_then(|row| self.money.get(row.money));
        money.map_or(0, |money| {
            let has_gained = money.loss.as_ref().is_some_and(|loss| loss.peak_minor > 0);
            money.account ^ u32::from(money.worth.version == 0) ^ u32::from(has_gained)
        })
    }
}

#[expect(clippy::arithmetic_side_effects, reason = "sums of lots of what exists: far below 2^127")]
impl Lots {
    #[inline]
    fn add_open(&mut self, side: Side, lots: i128) {
        match side {
            Side::Buy => self.open_buy += lots,
            Side::Sell => self.open_sell += lots,
        }
    }

    /// Follows a position from `before` to `after`.
    #[inline]
    fn shift(&mut self, before: i64, after: i64) {
        self.long += i128::from(after.max(0)) - i128::from(before.max(0));
        self.short +=
            i128::from(after.min(0).unsigned_abs()) - i128::from(before.min(0).unsigned_abs());
    }

    pub(crate) fn put_on(&mut self, other: &Self) {
        self.long += other.long;
        self.short += other.short;
        self.open_buy += other.open_buy;
        self.open_sell += other.open_sell;
    }

    fn take_off(&mut self, other: &Self) {
        self.long -= other.long;
        self.short -= other.short;
        self.open_buy -= other.open_buy;
        self.open_sell -= other.open_sell;
    }

    /// Net lots; negative for short.
    #[inline]
    pub(crate) const fn net(&self) -> i128 {
        self.long - self.short
    }
}

/// Puts a place into a list by index, which grows as far as it must.
fn set(list: &mut Vec<u32>, at: usize, place: u32) {
    if list.len() <= at {
        list.resize(at.saturating_add(1), NONE);
    }
    if let Some(slot) = list.get_mut(at) {
        *slot = place;
    }
}
