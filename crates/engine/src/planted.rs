//! Faults to plant, one at a time, to see that the tests would find them.
//!
//! Without the feature `planted` there are none, and every question after one is the constant
//! `false`, which costs nothing.

use crate::instruments::Listing;
use crate::risk::Lots;
#[cfg(feature = "planted")]
use core::sync::atomic::{AtomicUsize, Ordering};
use coulisse_types::Command;

/// The price that [`Fault::PanicOnPrice`] does not take, in ticks.
#[cfg(feature = "planted")]
const PANIC_TICKS: i64 = 101;
/// How far ahead of the log the clock of [`Fault::ThrottleAheadOfLog`] is.
const AHEAD_NS: i64 = 1_000_000;

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
    /// A key that may not administer sets the passwords of others.
    AnyPasswordIsOwn,
    /// A position limit counts what was filled and not what is open.
    PositionWithoutOrders,
    /// A position limit looks at open buys only.
    PositionWithoutSells,
    /// Gross and net notional are looked at without the order that comes.
    NotionalWithoutOrder,
    /// A collar is around the mark, whatever the reference is.
    CollarAroundMark,
    /// A market order trades at any price.
    SlippageUnbounded,
    /// A kill switch cancels, and lets new orders pass.
    KillDoesNotBlock,
    /// A kill switch is reset by the second step alone.
    ResetInOneStep,
    /// One key does both steps of a reset.
    ResetByOneKey,
    /// An order that a kill switch ended is traded with.
    DeadTrade,
    /// A halted account still reduces.
    HaltedLetsReduce,
    /// The limits of a group bind nobody.
    GroupUnseen,
    /// A drawdown is measured from the last fill and not from the best.
    DrawdownForgiven,
    /// A daily loss is measured from the first day.
    DayNeverBegins,
    /// A message takes no token.
    MessagesFree,
    /// A throttle refills by a clock that is ahead of the log.
    ThrottleAheadOfLog,
    /// An order of the other side counts as the same one again.
    DuplicateIgnoresSide,
    /// An account's own key raises its limit.
    OwnLimitRaised,
    /// That 80 % of a limit are used is told by every command.
    UseToldAgain,
    /// An order that only reduces goes through to the other side.
    ReduceOnlyFlips,
    /// Each side of a trade pays the other's fee.
    FeesOfTheOther,
    /// What a self-trade takes off an order stays held.
    DecrementKeepsHold,
    /// A maker's rebate is more than its taker pays.
    RebateUncut,
    /// What rounding up added stays with the fees.
    RoundingStays,
    /// An auction costs what taking costs.
    AuctionAtTakerRate,
    /// A position that changes sides keeps the entry price of the one that it was.
    FlipKeepsEntry,
    /// What a closed position gained counts as lost.
    ProfitReversed,
    /// Only takers come nearer to a fee tier.
    TakersOnlyTraded,
    /// The fee tier of the highest number wins, and not of the highest threshold.
    TierByNumber,
    /// An auction's price is not the one nearest the reference.
    AuctionWithoutReference,
    /// Trades outside the band are made.
    BandUnseen,
    /// Where orders share, the oldest takes all.
    ProRataByAge,
    /// Stops that a stop made due are not looked at.
    CascadeOnce,
    /// Whoever asked for a withdrawal approves it.
    ApprovedByAsker,
    /// What a rejected withdrawal held stays held.
    RejectKeepsHold,
    /// A withdrawal cap is for each by itself, and not for a day.
    CapPerRequest,
    /// A withdrawal that was approved waits on.
    WithdrawnTwice,
    /// One person raises a withdrawal cap.
    CapRaisedByOne,
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
        ("any_password_is_own", Self::AnyPasswordIsOwn),
        ("position_without_orders", Self::PositionWithoutOrders),
        ("position_without_sells", Self::PositionWithoutSells),
        ("notional_without_order", Self::NotionalWithoutOrder),
        ("collar_around_mark", Self::CollarAroundMark),
        ("slippage_unbounded", Self::SlippageUnbounded),
        ("kill_does_not_block", Self::KillDoesNotBlock),
        ("reset_in_one_step", Self::ResetInOneStep),
        ("reset_by_one_key", Self::ResetByOneKey),
        ("dead_trade", Self::DeadTrade),
        ("halted_lets_reduce", Self::HaltedLetsReduce),
        ("group_unseen", Self::GroupUnseen),
        ("drawdown_forgiven", Self::DrawdownForgiven),
        ("day_never_begins", Self::DayNeverBegins),
        ("messages_free", Self::MessagesFree),
        ("throttle_ahead_of_log", Self::ThrottleAheadOfLog),
        ("duplicate_ignores_side", Self::DuplicateIgnoresSide),
        ("own_limit_raised", Self::OwnLimitRaised),
        ("use_told_again", Self::UseToldAgain),
        ("reduce_only_flips", Self::ReduceOnlyFlips),
        ("fees_of_the_other", Self::FeesOfTheOther),
        ("decrement_keeps_hold", Self::DecrementKeepsHold),
        ("rebate_uncut", Self::RebateUncut),
        ("rounding_stays", Self::RoundingStays),
        ("auction_at_taker_rate", Self::AuctionAtTakerRate),
        ("flip_keeps_entry", Self::FlipKeepsEntry),
        ("profit_reversed", Self::ProfitReversed),
        ("takers_only_traded", Self::TakersOnlyTraded),
        ("tier_by_number", Self::TierByNumber),
        ("auction_without_reference", Self::AuctionWithoutReference),
        ("band_unseen", Self::BandUnseen),
        ("pro_rata_by_age", Self::ProRataByAge),
        ("cascade_once", Self::CascadeOnce),
        ("approved_by_asker", Self::ApprovedByAsker),
        ("reject_keeps_hold", Self::RejectKeepsHold),
        ("cap_per_request", Self::CapPerRequest),
        ("withdrawn_twice", Self::WithdrawnTwice),
        ("cap_raised_by_one", Self::CapRaisedByOne),
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

impl Planted {
    /// What a position limit sees of lots.
    #[inline]
    pub(crate) fn seen(self, lots: Lots) -> Lots {
        match lots {
            _ if self.is(Fault::PositionWithoutOrders) => {
                Lots { open_buy: 0, open_sell: 0, ..lots }
            }
            _ if self.is(Fault::PositionWithoutSells) => Lots { open_sell: 0, ..lots },
            lots => lots,
        }
    }

    /// What a collar is around, in ticks.
    #[inline]
    pub(crate) fn collar_reference(self, listing: &Listing) -> i64 {
        if self.is(Fault::CollarAroundMark) { listing.mark_ticks } else { listing.reference() }
    }

    /// The time that a throttle goes by.
    #[inline]
    pub(crate) fn throttle_ns(self, log_ns: i64) -> i64 {
        if self.is(Fault::ThrottleAheadOfLog) { log_ns.saturating_add(AHEAD_NS) } else { log_ns }
    }

    /// Whom a trade's fees are taken from: the maker's and the taker's.
    #[inline]
    pub(crate) fn fees(self, maker_minor: i128, taker_minor: i128) -> (i128, i128) {
        let is_other = self.is(Fault::FeesOfTheOther);
        if is_other { (taker_minor, maker_minor) } else { (maker_minor, taker_minor) }
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
