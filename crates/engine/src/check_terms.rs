//! The invariants of orders with terms: what waits, what watches it, timers and lists.

use crate::check::{Broken, Needs};
use crate::closing::NOWHERE;
use crate::engine::Engine;
use crate::forest::Tree;
use crate::instruments::Listing;
use crate::lists::{Leg, List, Phase};
use crate::orders::Order;
use crate::paged::NONE;
use crate::terms::Wait;
use crate::watch::{Range, Way};
use coulisse_book::OrderView;
use coulisse_types::{InstrumentId, ListKind, Qty, Side, TradingState, TriggerOn};

/// How many of each kind of waiting order an instrument has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Waiting {
    stops: u32,
    trailing: u32,
    pegs: u32,
    lists: u32,
}

#[expect(clippy::arithmetic_side_effects, reason = "sums and counts of what exists")]
impl Engine {
    /// Whether an order rests at the price, and with the qty, that its terms say.
    pub(crate) fn rests_rightly(&self, order: &Order, on_book: &OrderView) -> bool {
        if order.terms == NONE {
            return order.price_ticks == on_book.price.ticks() && order.remaining() == on_book.qty;
        }
        let terms = self.orders.terms(order);
        let (price_ticks, limit) = (on_book.price.ticks(), order.price_ticks);
        let price_fits = match (terms.asked.is_pegged(), order.side) {
            (false, _) => price_ticks == limit,
            (true, Side::Buy) => price_ticks <= limit,
            (true, Side::Sell) => price_ticks >= limit,
        };
        let qty_fits = if terms.asked.display_qty.is_zero() {
            on_book.qty == order.remaining()
        } else {
            on_book.qty > Qty::ZERO && on_book.qty <= self.shown(order)
        };
        price_fits && qty_fits && terms.wait == Wait::No && terms.holds
    }

    /// How many orders live that do not rest. Adds what they, and lists, hold.
    pub(crate) fn check_waiting(&self, needs: &mut Needs) -> Result<u64, Broken> {
        let (mut waiting, mut with_terms) = (0, 0);
        for place in self.orders.by_id() {
            let order = self.orders.at(place);
            let broken = Broken::Terms { order_id: order.id };
            with_terms += u32::from(order.terms != NONE);
            if order.handle != NOWHERE {
                continue;
            }
            let terms = self.orders.terms_at(place).ok_or(broken)?;
            let rules = &self.instruments.at(order.instrument).rules;
            let holds_nothing = terms.wait == Wait::List || terms.list != NONE;
            if terms.wait == Wait::No || terms.holds == holds_nothing {
                return Err(broken);
            }
            if terms.holds {
                let asset = order.held_asset(rules);
                *needs.entry((order.account.0, asset)).or_default() += order.need(rules);
            }
            waiting += 1;
        }
        if with_terms != self.orders.terms_count() {
            return Err(Broken::Nodes { count: self.orders.terms_count() });
        }
        for at in self.lists.by_id(&self.orders) {
            self.check_list(at, needs)?;
        }
        Ok(waiting)
    }

    fn check_list(&self, at: u32, needs: &mut Needs) -> Result<(), Broken> {
        let list = self.lists.at(at);
        let broken = Broken::List { list_id: list.id };
        for (number, leg) in (0_u8..).zip(list.legs) {
            let Some(Leg { id, place }) = leg else { continue };
            let is_it = self.orders.at(place).id == id
                && self
                    .orders
                    .terms_at(place)
                    .is_some_and(|terms| terms.list == at && terms.leg == number);
            if !is_it {
                return Err(broken);
            }
        }
        let lives = list.legs.map(|leg| leg.is_some());
        let is_whole = match list.phase {
            Phase::Pending => [true, true, list.kind == ListKind::Otoco] == lives,
            Phase::Due => [false, true, list.kind == ListKind::Otoco] == lives,
            Phase::Pair => {
                [list.kind == ListKind::Oco, true, list.kind == ListKind::Otoco] == lives
            }
        } && (list.kind == ListKind::Oco) <= (list.phase == Phase::Pair);
        let watch = &self.instruments.at(list.instrument).watch;
        let is_due = self.forest.get(watch.due_lists, (0, list.id.0)) == Some(at);
        if !is_whole || is_due != (list.phase == Phase::Due) || !self.holds_rightly(list, needs) {
            return Err(broken);
        }
        Ok(())
    }

    /// Whether a pair holds the larger need of its two; adds what it holds beyond the first.
    fn holds_rightly(&self, list: &List, needs: &mut Needs) -> bool {
        if list.phase != Phase::Pair {
            return list.extra_minor == 0;
        }
        let mut legs = list.legs.into_iter().flatten().map(|leg| self.orders.at(leg.place));
        let (Some(limit), Some(stop)) = (legs.next(), legs.next()) else { return false };
        let rules = &self.instruments.at(list.instrument).rules;
        let key = (limit.account.0, limit.held_asset(rules));
        *needs.entry(key).or_default() += list.extra_minor;
        list.extra_minor == (stop.need(rules) - limit.need(rules)).max(0)
    }

    /// Verifies trees, followers and timers against the orders that live.
    pub(crate) fn check_watched(&self) -> Result<(), Broken> {
        let (mut nodes, mut unsettled, mut pegs, mut lists) = (0, 0, 0, 0);
        for listing in self.instruments.iter() {
            let instrument = listing.rules.id;
            let broken = Broken::Watch { instrument };
            let waiting = self.count_waiting(instrument);
            let watch = &listing.watch;
            let (last, mark) = (&watch.last.stops, &watch.mark.stops);
            let trees = [last.rising, last.falling, mark.rising, mark.falling, watch.due_lists];
            nodes += trees.iter().map(|tree| tree.count()).sum::<u32>();
            nodes += listing.auction.market_orders.count();
            let stops: u32 = trees.iter().take(4).map(|tree| tree.count()).sum();
            let agrees = waiting.stops == stops
                && waiting.trailing == watch.trailing.count()
                && waiting.pegs == watch.pegs.count()
                && watch.watchers == waiting.stops + waiting.trailing + waiting.lists
                && trees.iter().all(|tree| self.forest.check(*tree))
                && self.stops_agree(listing, TriggerOn::Last)
                && self.stops_agree(listing, TriggerOn::Mark);
            if !agrees || !is_settled_rightly(listing) {
                return Err(broken);
            }
            unsettled += u32::from(watch.unsettled);
            pegs += waiting.pegs;
            lists += waiting.lists;
        }
        let timers = self.check_timers()?;
        let counted = self.attention.unsettled == unsettled && self.attention.pegs == pegs;
        if !counted || lists != self.lists.count() || self.forest.count() != nodes + timers {
            return Err(Broken::Nodes { count: self.forest.count() });
        }
        Ok(())
    }

    fn count_waiting(&self, instrument: InstrumentId) -> Waiting {
        let mut waiting = Waiting::default();
        for place in self.orders.by_id() {
            let Some(terms) = self.orders.terms_at(place) else { continue };
            if self.orders.at(place).instrument != instrument {
                continue;
            }
            let is_trailing = terms.asked.is_trailing();
            waiting.stops += u32::from(terms.wait == Wait::Trigger && !is_trailing);
            waiting.trailing += u32::from(terms.wait == Wait::Trigger && is_trailing);
            waiting.pegs += u32::from(terms.asked.is_pegged());
        }
        let lists = self.lists.by_id(&self.orders);
        let here = lists.iter().filter(|at| self.lists.at(**at).instrument == instrument);
        waiting.lists = u32::try_from(here.count()).unwrap_or(u32::MAX);
        waiting
    }

    /// Whether each order in the trees of a price waits there.
    fn stops_agree(&self, listing: &Listing, on: TriggerOn) -> bool {
        let stops = listing.watch.of(on).stops;
        let agrees = |tree: Tree, way: Way| {
            self.forest.iter(tree).all(|((price, id), place)| {
                let (order, terms) = (self.orders.at(place), self.orders.terms_at(place));
                order.id.0 == id
                    && order.instrument == listing.rules.id
                    && terms.is_some_and(|terms| {
                        terms.wait == Wait::Trigger
                            && terms.asked.trigger_on == on
                            && Way::of(terms.asked.trigger, order.side) == way
                            && terms.trigger_ticks == price.abs()
                    })
            })
        };
        agrees(stops.rising, Way::Rising) && agrees(stops.falling, Way::Falling)
    }

    /// How many timers there are.
    fn check_timers(&self) -> Result<u32, Broken> {
        let (expiries, switches) = (self.timers.expiries, self.timers.switches);
        let (found, set) = (expiries.count(), switches.count());
        let broken = Broken::Timers { expiries: found, switches: set };
        let mut expected = 0;
        for place in self.orders.by_id() {
            let expire_ns = self.orders.terms_at(place).map_or(0, |terms| terms.expire_ns);
            let key = (expire_ns, self.orders.at(place).id.0);
            expected += u32::from(expire_ns != 0);
            if expire_ns != 0 && self.forest.get(expiries, key) != Some(place) {
                return Err(broken);
            }
        }
        let deadlines = self.accounts.iter().map(|account| self.timers.deadline_ns(account.id));
        let deadlines = deadlines.filter(|deadline_ns| *deadline_ns != 0).count();
        let agree = self.forest.iter(switches).all(|((deadline_ns, id), account)| {
            u64::from(account) == id
                && self.timers.deadline_ns(coulisse_types::AccountId(account)) == deadline_ns
        });
        let counted = found == expected && u32::try_from(deadlines) == Ok(set);
        let trees = self.forest.check(expiries) && self.forest.check(switches);
        if counted && agree && trees { Ok(found + set) } else { Err(broken) }
    }
}

/// Whether an instrument is unsettled exactly where there is something to look at.
fn is_settled_rightly(listing: &Listing) -> bool {
    let watch = &listing.watch;
    let ranges = [watch.last.touched, watch.mark.touched, watch.last.trailed, watch.mark.trailed];
    let is_clean = ranges.iter().all(|range| *range == Range::EMPTY) && watch.due_lists.is_empty();
    is_clean || (watch.unsettled && listing.state != TradingState::Open)
}
