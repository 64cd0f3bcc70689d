//! Balances, and the only ways money moves: [`Ledger::post`], and for a trade [`Ledger::exchange`].
//!
//! Invariants
//! - A posting takes from one pocket what it gives to another, a trade from three; at the end of a command the changes
//!   of every asset, over all balances, fees and the outside, are summed again and must be zero.
//! - No available and no held is ever negative.
//!
//! Cost: constant per posting. An account's first assets lie in one block; further ones in blocks of
//! the same size, whose places stand beside the first one.

use crate::paged::{NONE, Paged, index};
use alloc::vec::Vec;
use coulisse_types::event::{BalanceChanged, Event};
use coulisse_types::{AccountId, Amount, AssetId, AssetName};

mod snapshot;

/// Assets in one block.
const BLOCK: usize = 4;
/// The same, for ids.
const BLOCK_IDS: u32 = 4;
/// Further blocks whose places stand beside the first one.
const NEAR: usize = 12;

/// An account's money in one asset, in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    /// What may be spent.
    pub available: Amount,
    /// What open orders hold.
    pub held: Amount,
}

/// An asset and what the system as a whole has of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asset {
    /// Its id.
    pub id: AssetId,
    /// Its name.
    pub name: AssetName,
    /// Decimals of the minor unit.
    pub scale: u8,
    /// Deposited less withdrawn, in minor units.
    pub net_deposits: Amount,
    /// Fees collected, in minor units.
    pub fees: Amount,
    /// What rounding up added to fees of orders that closed, in minor units. Not part of `fees`.
    pub rounding: Amount,
}

/// Where money can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pocket {
    /// With an account, to be spent.
    Available(u32),
    /// With an account, held by its orders.
    Held(u32),
    /// With the house.
    Fees,
    /// With the house, from rounding fees up.
    Rounding,
    /// Outside.
    External,
}

/// What a trade moves, in minor units: the base asset one way, the quote asset the other, and fees.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exchange {
    pub(crate) base: u32,
    pub(crate) quote: u32,
    pub(crate) seller: u32,
    pub(crate) buyer: u32,
    /// Whether it is paid out of what the seller, and the buyer, hold.
    pub(crate) is_seller_held: bool,
    pub(crate) is_buyer_held: bool,
    pub(crate) base_minor: i128,
    pub(crate) notional_minor: i128,
    /// Below 0 for a rebate.
    pub(crate) seller_fee_minor: i128,
    pub(crate) buyer_fee_minor: i128,
    /// What the buyer holds no longer, beside what it pays; nothing where it does not hold.
    pub(crate) buyer_saved_minor: i128,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    available_minor: i128,
    held_minor: i128,
}

/// The balances of one account in assets that follow each other.
#[derive(Clone, Copy, Debug)]
struct Block {
    rows: [Row; BLOCK],
    /// Where each stands among the touched ones, if the entry there says so too.
    marks: [u32; BLOCK],
}

#[expect(clippy::arithmetic_side_effects, reason = "no asset has more than 10^32 minor units")]
impl Row {
    /// Takes out what is paid, and makes available what is no longer held.
    #[inline]
    fn pay(&mut self, is_held: bool, paid_minor: i128, saved_minor: i128) {
        if is_held {
            self.held_minor -= paid_minor + saved_minor;
            self.available_minor += saved_minor;
        } else {
            self.available_minor -= paid_minor;
        }
        self.check();
    }

    #[inline]
    fn check(&self) {
        assert!(self.available_minor >= 0, "an available balance would be negative");
        assert!(self.held_minor >= 0, "a held balance would be negative");
    }
}

const NO_MONEY: Row = Row { available_minor: 0, held_minor: 0 };
const EMPTY: Block = Block { rows: [NO_MONEY; BLOCK], marks: [NONE; BLOCK] };

/// An account's first block, and where the next ones stand: three cache lines.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Home {
    first: Block,
    near: [u32; NEAR],
}

/// The balances of all accounts.
#[derive(Clone, Debug)]
struct Balances {
    /// By account.
    homes: Paged<Home, 256>,
    /// By account: where the blocks beyond the near ones are.
    far: Paged<Vec<u32>, 256>,
    blocks: Paged<Block, 256>,
}

/// A balance as it was when the command first touched it.
#[derive(Clone, Copy, Debug)]
struct Touched {
    account: u32,
    asset: u32,
    before: Row,
}

#[derive(Clone, Copy, Debug)]
struct AssetRow {
    asset: Asset,
    /// The sum of this command's changes so far looked at.
    unbalanced_minor: i128,
}

/// All balances.
#[derive(Clone, Debug)]
pub(crate) struct Ledger {
    assets: Vec<AssetRow>,
    balances: Balances,
    touched: Vec<Touched>,
}

/// The block of an asset, from 0 for the first, and its place there.
#[inline]
#[expect(clippy::arithmetic_side_effects, reason = "ids are from 1")]
const fn seat(asset: u32) -> (u32, usize) {
    ((asset - 1) / BLOCK_IDS, index((asset - 1) % BLOCK_IDS))
}

#[expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "accounts exist and are from 1; a list was made longer than the place that is set"
)]
impl Balances {
    fn new(accounts_max: u32) -> Self {
        Self {
            homes: Paged::new(accounts_max),
            far: Paged::new(accounts_max),
            blocks: Paged::new(accounts_max),
        }
    }

    fn add_account(&mut self) {
        self.homes.push(Home { first: EMPTY, near: [NONE; NEAR] });
        self.far.push(Vec::new());
    }

    /// Where a block of an account beyond the first stands; void where there is none.
    #[inline]
    fn place(&self, account: u32, block: u32) -> u32 {
        let at = index(block - 1);
        match self.homes.at(account - 1).near.get(at) {
            Some(place) => *place,
            None => self.far.at(account - 1).get(at - NEAR).copied().unwrap_or(NONE),
        }
    }

    /// An account's block, if there is one.
    #[inline]
    fn get(&self, account: u32, block: u32) -> Option<&Block> {
        if block == 0 {
            return Some(&self.homes.at(account - 1).first);
        }
        self.blocks.get(self.place(account, block))
    }

    /// The balance of an account that exists in an asset that exists.
    #[inline]
    fn row(&self, account: u32, asset: u32) -> &Row {
        let (block, place) = seat(asset);
        // Not copied: what was just written in parts, and is read as a whole, is waited for.
        self.get(account, block).map_or(&NO_MONEY, |block| &block.rows[place])
    }

    /// An account's block to change, made if there is none.
    #[inline]
    fn at_mut(&mut self, account: u32, block: u32) -> &mut Block {
        if block == 0 {
            return &mut self.homes.at_mut(account - 1).first;
        }
        let place = match self.place(account, block) {
            NONE => self.add(account, block),
            place => place,
        };
        self.blocks.at_mut(place)
    }

    #[cold]
    #[inline(never)]
    fn add(&mut self, account: u32, block: u32) -> u32 {
        let (at, place) = (index(block - 1), self.blocks.push(EMPTY));
        if let Some(near) = self.homes.at_mut(account - 1).near.get_mut(at) {
            *near = place;
            return place;
        }
        let (list, at) = (self.far.at_mut(account - 1), at - NEAR);
        if list.len() <= at {
            list.resize(at + 1, NONE);
        }
        list[at] = place;
        place
    }

    /// An account's blocks that there are, each with its number.
    fn of(&self, account: u32) -> impl Iterator<Item = (u32, &Block)> {
        let further = self.homes.at(account - 1).near.iter().chain(self.far.at(account - 1));
        let further = (1..)
            .zip(further)
            .filter_map(|(number, place)| Some((number, self.blocks.get(*place)?)));
        core::iter::once((0, &self.homes.at(account - 1).first)).chain(further)
    }
}

#[expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "ids exist and are from 1; no asset has more than 10^32 minor units, and an overflow \
              would be a broken invariant"
)]
impl Ledger {
    /// No assets and no accounts. `touches_max` is how many balances one command may touch.
    pub(crate) fn new(assets_max: u32, accounts_max: u32, touches_max: usize) -> Self {
        Self {
            assets: Vec::with_capacity(index(assets_max)),
            balances: Balances::new(accounts_max),
            touched: Vec::with_capacity(touches_max),
        }
    }

    /// Adds an asset under the next id.
    pub(crate) fn add_asset(&mut self, name: AssetName, scale: u8) -> AssetId {
        let id = AssetId(self.asset_count() + 1);
        let asset = Asset {
            id,
            name,
            scale,
            net_deposits: Amount::ZERO,
            fees: Amount::ZERO,
            rounding: Amount::ZERO,
        };
        self.assets.push(AssetRow { asset, unbalanced_minor: 0 });
        id
    }

    /// Adds room for the next account.
    pub(crate) fn add_account(&mut self) {
        self.balances.add_account();
    }

    pub(crate) fn asset_count(&self) -> u32 {
        u32::try_from(self.assets.len()).unwrap_or(NONE)
    }

    pub(crate) fn asset(&self, id: AssetId) -> Option<&Asset> {
        self.assets.get(index(id.0.checked_sub(1)?)).map(|row| &row.asset)
    }

    pub(crate) fn assets(&self) -> impl Iterator<Item = &Asset> {
        self.assets.iter().map(|row| &row.asset)
    }

    pub(crate) fn balance(&self, account: AccountId, asset: AssetId) -> Balance {
        let row = self.balances.row(account.0, asset.0);
        Balance {
            available: Amount::from_minor(row.available_minor),
            held: Amount::from_minor(row.held_minor),
        }
    }

    /// Reads an account's first balances; the value means nothing.
    #[inline]
    pub(crate) fn peek(&self, account: AccountId) -> u32 {
        let home = self.balances.homes.get(account.0.wrapping_sub(1));
        home.map_or(0, |home| home.first.marks[0])
    }

    /// Reads an account's balance of an asset that exists; the value means nothing.
    #[inline]
    pub(crate) fn peek_in(&self, account: AccountId, asset: AssetId) -> bool {
        self.balances.row(account.0, asset.0).held_minor == 0
    }

    /// What an account may spend, in minor units.
    #[inline]
    pub(crate) fn available_minor(&self, account: AccountId, asset: AssetId) -> i128 {
        self.balances.row(account.0, asset.0).available_minor
    }

    /// The balance to change; what it was before the command's first change is kept.
    #[inline]
    fn touch(&mut self, account: u32, asset: u32) -> &mut Row {
        let (block, place) = seat(asset);
        let Self { balances, touched, .. } = self;
        let next = u32::try_from(touched.len()).unwrap_or(NONE);
        let block = balances.at_mut(account, block);
        let mark = &mut block.marks[place];
        let known = touched.get(index(*mark));
        if !known.is_some_and(|known| known.account == account && known.asset == asset) {
            *mark = next;
            touched.push(Touched { account, asset, before: block.rows[place] });
        }
        &mut block.rows[place]
    }

    #[inline]
    fn add(&mut self, pocket: Pocket, asset: u32, minor: i128) {
        match pocket {
            Pocket::Available(account) => {
                let row = self.touch(account, asset);
                row.available_minor += minor;
                assert!(row.available_minor >= 0, "an available balance would be negative");
            }
            Pocket::Held(account) => {
                let row = self.touch(account, asset);
                row.held_minor += minor;
                assert!(row.held_minor >= 0, "a held balance would be negative");
            }
            Pocket::Fees => {
                let row = &mut self.assets[index(asset - 1)];
                row.asset.fees = Amount::from_minor(row.asset.fees.minor() + minor);
                row.unbalanced_minor += minor;
            }
            Pocket::Rounding => {
                let row = &mut self.assets[index(asset - 1)];
                row.asset.rounding = Amount::from_minor(row.asset.rounding.minor() + minor);
                row.unbalanced_minor += minor;
            }
            Pocket::External => {
                let row = &mut self.assets[index(asset - 1)];
                let net = row.asset.net_deposits.minor() - minor;
                row.asset.net_deposits = Amount::from_minor(net);
                row.unbalanced_minor += minor;
            }
        }
    }

    /// Moves `minor` units of an asset, not fewer than none, out of `debit` and into `credit`.
    #[inline]
    pub(crate) fn post(&mut self, debit: Pocket, credit: Pocket, asset: u32, minor: i128) {
        assert!(minor >= 0, "a posting of less than nothing");
        if minor == 0 {
            return;
        }
        match (debit, credit) {
            // Within one balance: it is looked for once.
            (Pocket::Available(account), Pocket::Held(same)) if account == same => {
                self.hold(account, asset, minor);
            }
            (Pocket::Held(account), Pocket::Available(same)) if account == same => {
                self.hold(account, asset, -minor);
            }
            _ => {
                self.add(debit, asset, -minor);
                self.add(credit, asset, minor);
            }
        }
    }

    /// Moves `minor` units from available to held; back, where it is negative.
    #[inline]
    fn hold(&mut self, account: u32, asset: u32, minor: i128) {
        let row = self.touch(account, asset);
        row.available_minor -= minor;
        row.held_minor += minor;
        row.check();
    }

    /// Moves what a trade moves. Each balance is looked for once.
    #[inline]
    pub(crate) fn exchange(&mut self, trade: &Exchange) {
        let Exchange { base, quote, seller, buyer, base_minor, .. } = *trade;
        assert!(trade.buyer_saved_minor >= 0, "a fill after which an order needs more");
        self.touch(seller, base).pay(trade.is_seller_held, base_minor, 0);
        self.touch(buyer, base).available_minor += base_minor;
        let paid_minor = trade.notional_minor + trade.buyer_fee_minor;
        let row = self.touch(buyer, quote);
        row.pay(trade.is_buyer_held, paid_minor, trade.buyer_saved_minor);
        let row = self.touch(seller, quote);
        row.available_minor += trade.notional_minor - trade.seller_fee_minor;
        row.check();
        self.add(Pocket::Fees, quote, trade.buyer_fee_minor + trade.seller_fee_minor);
    }

    /// Whether no balance was touched since the last command ended.
    pub(crate) fn is_settled(&self) -> bool {
        self.touched.is_empty()
    }

    /// Ends a command: one event for each balance that is not what it was, by account and asset.
    ///
    /// # Panics
    /// If the changes of an asset do not sum to zero: a broken invariant.
    #[inline]
    pub(crate) fn settle(&mut self, events: &mut Vec<Event>) {
        if self.touched.is_empty() {
            return;
        }
        let mut touched = core::mem::take(&mut self.touched);
        if touched.len() > 1 {
            touched.sort_unstable_by_key(|t| (t.account, t.asset));
        }
        let Self { assets, balances, .. } = self;
        for Touched { account, asset, before } in &touched {
            let now = balances.row(*account, *asset);
            let available_change = now.available_minor - before.available_minor;
            let held_change = now.held_minor - before.held_minor;
            if available_change != 0 || held_change != 0 {
                assets[index(*asset - 1)].unbalanced_minor += available_change + held_change;
                events.push(Event::BalanceChanged(BalanceChanged {
                    account: AccountId(*account),
                    asset: AssetId(*asset),
                    available: Amount::from_minor(now.available_minor),
                    held: Amount::from_minor(now.held_minor),
                }));
            }
        }
        for Touched { asset, .. } in &touched {
            let unbalanced_minor = assets[index(*asset - 1)].unbalanced_minor;
            assert!(unbalanced_minor == 0, "a command made or lost money");
        }
        touched.clear();
        self.touched = touched;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn a_ledger(assets: u32, accounts: u32) -> Ledger {
        let mut ledger = Ledger::new(assets, accounts, 8);
        for _ in 0..assets {
            ledger.add_asset(AssetName::new(b"USD").expect("plain"), 2);
        }
        for _ in 0..accounts {
            ledger.add_account();
        }
        ledger
    }

    #[test]
    fn balances_are_told_once_in_order_and_only_where_they_changed() {
        let mut ledger = a_ledger(9, 2);
        for asset in [9, 1] {
            ledger.post(Pocket::External, Pocket::Available(2), asset, 100);
            ledger.post(Pocket::Available(2), Pocket::Available(1), asset, 30);
            ledger.post(Pocket::Available(1), Pocket::Available(2), asset, 30);
            ledger.post(Pocket::Available(2), Pocket::Held(2), asset, 60);
        }
        let mut events = Vec::new();
        ledger.settle(&mut events);
        let told = |asset| {
            Event::BalanceChanged(BalanceChanged {
                account: AccountId(2),
                asset: AssetId(asset),
                available: Amount::from_minor(40),
                held: Amount::from_minor(60),
            })
        };
        assert_eq!(events, [told(1), told(9)]);
        assert!(ledger.is_settled());
    }

    #[test]
    #[should_panic(expected = "would be negative")]
    fn spending_more_than_there_is_ends_the_process() {
        a_ledger(1, 1).post(Pocket::Available(1), Pocket::Fees, 1, 1);
    }

    #[test]
    #[should_panic(expected = "made or lost money")]
    fn money_out_of_nothing_ends_the_process() {
        let mut ledger = a_ledger(1, 1);
        ledger.add(Pocket::Available(1), 1, 5);
        ledger.settle(&mut Vec::new());
    }
}
