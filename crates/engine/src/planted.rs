//! Faults to plant, one at a time, to see that the tests would find them.
//!
//! Without the feature `planted` there are none, and every question after one is the constant
//! `false`, which costs nothing.

#[cfg(feature = "planted")]
use core::sync::atomic::{AtomicUsize, Ordering};
use coulisse_types::Command;

/// The price that [`Fault::PanicOnPrice`] does not take, in ticks.
#[cfg(feature = "planted")]
const PANIC_TICKS: i64 = 101;

/// What can be planted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    not(feature = "planted"),
    expect(dead_code, unreachable_pub, reason = "nobody can plant them")
)]
pub enum Fault {
    /// The youngest order of a level is filled first.
    LifoLevel,
    /// Matching looks past the best level where there is a second one.
    SkipBestLevel,
    /// A trade is at the taker's limit and not at the maker's price.
    TakerPrice,
    /// An immediate-or-cancel order that was filled in part keeps what it holds.
    IocKeepsHold,
    /// A cancelled order's hold is not released.
    CancelKeepsHold,
    /// Each fill's fee is rounded by itself.
    FeePerFill,
    /// A maker is charged the taker's rate.
    MakerPaysTakerRate,
    /// A seller is credited the notional without the fee taken off.
    SellWithoutFee,
    /// A post-only order that crosses is taken.
    PostOnlyIgnored,
    /// An amend to more qty keeps its place.
    AmendKeepsPriority,
    /// An amend to less qty loses its place.
    AmendLosesPriority,
    /// A fill-or-kill order that cannot be filled in full is filled in part.
    FokPartial,
    /// A client order id is forgotten when its order closes.
    ClientIdForgotten,
    /// A limit order trades one tick past its limit.
    PastLimit,
    /// A cancel-all of one side takes both.
    CancelAllTakesBothSides,
    /// An instrument's last price stays that of its first trade.
    LastPriceKept,
    /// An order that is due expires only once its time is past.
    ExpiryLate,
    /// A book shows all of an iceberg.
    IcebergShowsAll,
    /// A smallest quantity is not looked at.
    MinQtyIgnored,
    /// Orders of one owner trade, whatever the arriving one says.
    SelfTradeAllowed,
    /// What a trailing order saw last is forgotten: it stays where it was placed.
    TrailStays,
    /// A pegged order stays where it first came to rest.
    PegStays,
    /// A pair goes on when one of the two is filled in part.
    PairKept,
    /// A key that was revoked goes on working.
    RevokedKeyWorks,
    /// A nonce behind the highest is taken again.
    NonceTakenAgain,
    /// An order at a certain price breaks the core, when half of what it does is done.
    PanicOnPrice,
}

#[cfg(feature = "planted")]
impl Fault {
    /// Every fault with its name.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("lifo_level", Self::LifoLevel),
        ("skip_best_level", Self::SkipBestLevel),
        ("taker_price", Self::TakerPrice),
        ("ioc_keeps_hold", Self::IocKeepsHold),
        ("cancel_keeps_hold", Self::CancelKeepsHold),
        ("fee_per_fill", Self::FeePerFill),
        ("maker_pays_taker_rate", Self::MakerPaysTakerRate),
        ("sell_without_fee", Self::SellWithoutFee),
        ("post_only_ignored", Self::PostOnlyIgnored),
        ("amend_keeps_priority", Self::AmendKeepsPriority),
        ("amend_loses_priority", Self::AmendLosesPriority),
        ("fok_partial", Self::FokPartial),
        ("client_id_forgotten", Self::ClientIdForgotten),
        ("past_limit", Self::PastLimit),
        ("cancel_all_takes_both_sides", Self::CancelAllTakesBothSides),
        ("last_price_kept", Self::LastPriceKept),
        ("expiry_late", Self::ExpiryLate),
        ("iceberg_shows_all", Self::IcebergShowsAll),
        ("min_qty_ignored", Self::MinQtyIgnored),
        ("self_trade_allowed", Self::SelfTradeAllowed),
        ("trail_stays", Self::TrailStays),
        ("peg_stays", Self::PegStays),
        ("pair_kept", Self::PairKept),
        ("revoked_key_works", Self::RevokedKeyWorks),
        ("nonce_taken_again", Self::NonceTakenAgain),
        ("panic_on_price", Self::PanicOnPrice),
    ];
}

/// The fault that every new engine of this process has: its place in [`Fault::ALL`], from 1.
#[cfg(feature = "planted")]
static IN_EVERY_ENGINE: AtomicUsize = AtomicUsize::new(0);

#[cfg(feature = "planted")]
impl Fault {
    /// Plants a fault in every engine that this process makes from here on.
    pub fn plant_everywhere(self) {
        let at = Self::ALL.iter().position(|(_, fault)| *fault == self);
        IN_EVERY_ENGINE.store(at.map_or(0, |at| at.saturating_add(1)), Ordering::Relaxed);
    }

    fn in_every_engine() -> Option<Self> {
        let at = IN_EVERY_ENGINE.load(Ordering::Relaxed).checked_sub(1)?;
        Self::ALL.get(at).map(|(_, fault)| *fault)
    }
}

/// The fault that is planted, if any.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(feature = "planted"), derive(Default))]
pub(crate) struct Planted {
    #[cfg(feature = "planted")]
    fault: Option<Fault>,
}

#[cfg(feature = "planted")]
impl Default for Planted {
    fn default() -> Self {
        Self { fault: Fault::in_every_engine() }
    }
}

impl Planted {
    /// Whether this fault is planted.
    #[cfg(feature = "planted")]
    #[inline]
    pub(crate) fn is(self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    /// Breaks the core on what [`Fault::PanicOnPrice`] does not take.
    #[cfg(feature = "planted")]
    pub(crate) fn break_on(self, command: &Command) {
        let price = match command {
            Command::OrderPlace(body) => body.price,
            Command::OrderPlaceTerms(body) => body.price,
            _ => return,
        };
        let is_wrong = self.is(Fault::PanicOnPrice) && price.ticks() == PANIC_TICKS;
        assert!(!is_wrong, "a planted fault: the price is {PANIC_TICKS} ticks");
    }

    /// Breaks nothing.
    #[cfg(not(feature = "planted"))]
    #[inline]
    #[expect(clippy::unused_self, reason = "the twin of the one that looks")]
    pub(crate) const fn break_on(self, _command: &Command) {}

    /// Whether this fault is planted.
    #[cfg(not(feature = "planted"))]
    #[inline]
    #[expect(clippy::unused_self, reason = "the twin of the one that looks")]
    pub(crate) const fn is(self, _fault: Fault) -> bool {
        false
    }
}

#[cfg(feature = "planted")]
impl crate::Engine {
    /// Plants a fault from here on; `None` takes it away.
    pub fn plant(&mut self, fault: Option<Fault>) {
        self.planted = Planted { fault };
    }
}

/// How the faults that concern time priority bend the book.
#[cfg(feature = "planted")]
mod bent {
    use super::{Fault, Planted};
    use crate::orders::{Order, Orders};
    use alloc::vec::Vec;
    use coulisse_book::{Book, Handle, MakerFill, OrderView, Top};
    use coulisse_types::{Qty, Side};

    impl Planted {
        /// The order that the next taker is to meet.
        pub(crate) fn peek(self, book: &Book, makers: Side) -> Option<Top> {
            let order = if self.is(Fault::LifoLevel) {
                book.orders(makers, book.best(makers)?).last()?
            } else if self.is(Fault::SkipBestLevel) {
                let level = book.levels(makers).nth(1).or_else(|| book.best_level(makers))?;
                book.orders(makers, level.price).next()?
            } else {
                return book.peek_best(makers);
            };
            let OrderView { handle, price, qty, .. } = order;
            Some(Top { handle, price, qty })
        }

        /// Fills the order that [`Self::peek`] chose, wherever it stands.
        pub(crate) fn fill(
            book: &mut Book,
            orders: &mut Orders,
            makers: Side,
            maker: Handle,
            qty: Qty,
        ) -> Option<MakerFill> {
            if book.front(makers) == Some(maker) {
                return book.fill_front(makers, qty);
            }
            let OrderView { handle, order_id, owner, side, price, qty: before } =
                book.remove(maker);
            let maker_left = before.checked_sub(qty)?;
            if !maker_left.is_zero() {
                let handle = book.insert(side, price, maker_left, order_id, owner).ok()?;
                orders.at_mut(owner).handle = handle;
            }
            let level = book.level(side, price);
            Some(MakerFill {
                handle,
                order_id,
                owner,
                price,
                qty,
                maker_left,
                level_left: level.map_or(Qty::ZERO, |level| level.qty),
                level_count: level.map_or(0, |level| level.count),
            })
        }
    }

    impl crate::Engine {
        /// Who stands behind an order that grows, if it is to keep its place.
        pub(crate) fn planted_bypassed(&self, old: &Order, new: &Order) -> Vec<u32> {
            let grows = old.price_ticks == new.price_ticks && new.qty_lots > old.qty_lots;
            if !grows || !self.planted.is(Fault::AmendKeepsPriority) {
                return Vec::new();
            }
            let book = &self.instruments.at(old.instrument).book;
            let behind = |handle: &Handle| book.next_in_level(*handle);
            core::iter::successors(book.next_in_level(old.handle), behind)
                .map(|handle| book.order(handle).owner)
                .collect()
        }

        /// Puts orders at the end of their level, in their order.
        pub(crate) fn planted_requeue(&mut self, places: &[u32]) {
            for place in places {
                let order = *self.orders.at(*place);
                let book = &mut self.instruments.at_mut(order.instrument).book;
                let OrderView { side, price, qty, order_id, owner, .. } = book.remove(order.handle);
                if let Ok(handle) = book.insert(side, price, qty, order_id, owner) {
                    self.orders.at_mut(*place).handle = handle;
                }
            }
        }
    }
}
