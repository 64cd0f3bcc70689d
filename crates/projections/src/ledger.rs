//! The double-entry ledger: each entry takes from one account what it gives to another.
//!
//! Invariants
//! - What an account has, available and held, is the sum of what it got less the sum of what it gave.
//! - Of each asset, what came from outside is with the accounts and with the house.
//!
//! A hold is no entry: it changes what may be spent, not whose it is. Nor is what rounding moves between
//! two pockets of the house.

use crate::fold::{At, Instrument};
use crate::orders::id;
use crate::rows::{Cell, Rows};
use crate::tables::TableId;
use coulisse_types::event::{Deposited, OrderFilled, Withdrawn};
use coulisse_types::{AssetId, Side};

/// The account that stands for everything outside.
pub const EXTERNAL: i64 = 0;
/// The account that stands for the house's fees, rounding included.
pub const FEES: i64 = -1;

/// The entries of one record.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ledger {
    /// The number of the record's next entry.
    next: i64,
    /// The maker's side of the trade whose taker's comes next.
    maker: Option<OrderFilled>,
}

/// What an entry is about.
#[derive(Clone, Copy, Debug, Default)]
struct About {
    kind: &'static str,
    instrument: i64,
    trade_id: i64,
    order_id: i64,
}

impl Ledger {
    pub(crate) fn deposited(&mut self, at: At, event: &Deposited, out: &mut Rows) {
        let about = About { kind: "deposit", ..About::default() };
        let account = event.account.0.into();
        self.enter(at, event.asset, (EXTERNAL, account), event.amount.minor(), about, out);
    }

    pub(crate) fn withdrawn(&mut self, at: At, event: &Withdrawn, out: &mut Rows) {
        let about = About { kind: "withdrawal", ..About::default() };
        let account = event.account.0.into();
        self.enter(at, event.asset, (account, EXTERNAL), event.amount.minor(), about, out);
    }

    /// Takes one side of a trade; with the second, the maker's having come first, money moves.
    pub(crate) fn filled(
        &mut self,
        at: At,
        event: &OrderFilled,
        instrument: &Instrument,
        out: &mut Rows,
    ) {
        let Some(maker) = self.maker.take() else {
            self.maker = Some(*event);
            return;
        };
        assert_eq!(maker.trade_id, event.trade_id, "both sides of a trade follow each other");
        let (buyer, seller) =
            if event.side == Side::Buy { (event, &maker) } else { (&maker, event) };
        let of = |fill: &OrderFilled, kind| About {
            kind,
            instrument: event.instrument.0.into(),
            trade_id: trade(event),
            order_id: id(fill.order_id),
        };
        let (buys, sells) = (i64::from(buyer.account.0), i64::from(seller.account.0));
        let base = i128::from(event.qty.lots()) * i128::from(instrument.lot_minor);
        self.enter(at, instrument.base, (sells, buys), base, of(seller, "trade"), out);
        let quote = instrument.quote;
        self.enter(at, quote, (buys, sells), event.notional.minor(), of(buyer, "trade"), out);
        for fill in [&maker, event] {
            let account = i64::from(fill.account.0);
            let fee = fill.fee.minor();
            if fee > 0 {
                self.enter(at, quote, (account, FEES), fee, of(fill, "fee"), out);
            } else if fee < 0 {
                self.enter(at, quote, (FEES, account), -fee, of(fill, "rebate"), out);
            }
        }
    }

    fn enter(
        &mut self,
        at: At,
        asset: AssetId,
        (debit, credit): (i64, i64),
        amount: i128,
        about: About,
        out: &mut Rows,
    ) {
        out.add(
            TableId::Ledger,
            &[
                Cell::Int(at.seq),
                Cell::Int(self.next),
                Cell::Int(at.time_ns),
                Cell::Int(asset.0.into()),
                Cell::Int(debit),
                Cell::Int(credit),
                Cell::Minor(amount),
                Cell::Text(about.kind),
                Cell::Int(about.instrument),
                Cell::Int(about.trade_id),
                Cell::Int(about.order_id),
            ],
        );
        self.next += 1;
    }
}

/// A trade's id as a column has it: trades are counted.
pub(crate) fn trade(event: &OrderFilled) -> i64 {
    i64::try_from(event.trade_id.0).expect("a trade id counts trades")
}
