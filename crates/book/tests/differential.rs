//! The book against a naive one, command by command, over flow with wide price jumps.

use coulisse_book::{AddError, IndexedBook, MakerFill};
use coulisse_types::{OrderId, Price, Qty, Side, TimeInForce};
use std::collections::{BTreeMap, VecDeque};

const OPERATIONS: u64 = 200_000;
const PHASE: u64 = 40_000;
const CHECK_EVERY: u64 = 2_000;

/// Maker, price in ticks, quantity, what is left of the maker and of the level, orders left in it.
type Fill = (u64, i64, i64, i64, i64, u32);

/// A book whose correctness can be seen.
#[derive(Default)]
struct Naive {
    /// By side and price: ids and lots, first come first.
    sides: [BTreeMap<i64, VecDeque<(u64, i64)>>; 2],
}

impl Naive {
    fn best(&self, side: Side) -> Option<i64> {
        match side {
            Side::Buy => self.sides[0].keys().next_back().copied(),
            Side::Sell => self.sides[1].keys().next().copied(),
        }
    }

    fn levels(&mut self, side: Side) -> &mut BTreeMap<i64, VecDeque<(u64, i64)>> {
        &mut self.sides[usize::from(side.number())]
    }

    fn is_within(side: Side, limit: Option<i64>, maker: i64) -> bool {
        match (limit, side) {
            (None, _) => true,
            (Some(limit), Side::Buy) => maker <= limit,
            (Some(limit), Side::Sell) => maker >= limit,
        }
    }

    /// Matches; what is left, and the fills.
    fn take(&mut self, side: Side, limit: Option<i64>, mut lots: i64) -> (i64, Vec<Fill>) {
        let mut fills = Vec::new();
        while lots > 0 {
            let Some(price) = self.best(side.opposite()) else { break };
            if !Self::is_within(side, limit, price) {
                break;
            }
            let levels = self.levels(side.opposite());
            let queue = levels.get_mut(&price).expect("the best level");
            let front = queue.front_mut().expect("a level has an order");
            let fill = lots.min(front.1);
            front.1 -= fill;
            lots -= fill;
            let (id, left) = *front;
            if left == 0 {
                queue.pop_front();
            }
            let count = u32::try_from(queue.len()).expect("few orders");
            fills.push((id, price, fill, left, queue.iter().map(|order| order.1).sum(), count));
            if queue.is_empty() {
                levels.remove(&price);
            }
        }
        (lots, fills)
    }

    fn fillable(&self, side: Side, limit: Option<i64>) -> i64 {
        let makers = self.sides[usize::from(side.opposite().number())].iter();
        let within = makers.filter(|(price, _)| Self::is_within(side, limit, **price));
        within.flat_map(|(_, queue)| queue).map(|order| order.1).sum()
    }

    fn cancel(&mut self, side: Side, price: i64, id: u64) -> i64 {
        let levels = self.levels(side);
        let queue = levels.get_mut(&price).expect("a live order's level");
        let at = queue.iter().position(|order| order.0 == id).expect("a live order");
        let (_, lots) = queue.remove(at).expect("just found");
        if queue.is_empty() {
            levels.remove(&price);
        }
        lots
    }
}

/// Numbers from a seed (xorshift64*, Vigna 2016).
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) % bound
    }

    fn signed_below(&mut self, bound: u64) -> i64 {
        i64::try_from(self.below(bound)).expect("53 bits")
    }

    /// How far from the touch, in ticks: mostly near, at times anywhere up to 2^52.
    fn distance(&mut self) -> i64 {
        match self.below(10) {
            0..6 => self.signed_below(12),
            6..9 => self.signed_below(3_000),
            _ => {
                let bits = self.below(52);
                self.signed_below(1 << bits)
            }
        }
    }
}

/// Both books, and what is live.
struct Pair {
    book: IndexedBook,
    naive: Naive,
    live: Vec<(u64, Side, i64)>,
    draw: Draw,
    next_id: u64,
    id_factor: u64,
}

impl Pair {
    fn place(&mut self) {
        let side = if self.draw.below(2) == 0 { Side::Buy } else { Side::Sell };
        let away =
            if self.draw.below(8) == 0 { -self.draw.signed_below(9) } else { self.draw.distance() };
        let touch = self.naive.best(side.opposite()).or(self.naive.best(side)).unwrap_or(1 << 50);
        let price = if side == Side::Buy { touch - away } else { touch + away };
        let limit = (self.draw.below(50) > 0).then_some(price);
        let time_in_force = match self.draw.below(10) {
            0 => TimeInForce::Ioc,
            1 => TimeInForce::Fok,
            _ => TimeInForce::Gtc,
        };
        let lots = 1 + self.draw.signed_below(30);
        self.next_id += 1;
        let id = self.next_id.wrapping_mul(self.id_factor);
        let mut fills: Vec<Fill> = Vec::new();
        let on_fill = |fill: &MakerFill| {
            let lefts = (fill.maker_left.lots(), fill.level_left.lots(), fill.level_count);
            let (id, price, lots) = (fill.order_id.0, fill.price.ticks(), fill.qty.lots());
            fills.push((id, price, lots, lefts.0, lefts.1, lefts.2));
        };
        let (price_limit, qty) = (limit.map(Price::from_ticks), Qty::from_lots(lots));
        let added = self.book.add(OrderId(id), side, price_limit, qty, time_in_force, on_fill);
        let added = added.expect("there is room");

        let whole = self.naive.fillable(side, limit) >= lots;
        let (mut left, mut expected) = (lots, Vec::new());
        if time_in_force != TimeInForce::Fok || whole {
            (left, expected) = self.naive.take(side, limit, lots);
        }
        assert_eq!(fills, expected);
        assert_eq!(added.filled.lots(), lots - left);
        let rests = if limit.is_some() && time_in_force == TimeInForce::Gtc { left } else { 0 };
        assert_eq!((added.rests.lots(), added.expired.lots()), (rests, left - rests));
        assert_eq!(added.handle.is_some(), rests > 0);
        for fill in expected.iter().filter(|fill| fill.3 == 0) {
            self.live.retain(|order| order.0 != fill.0);
        }
        if rests > 0 {
            self.naive.levels(side).entry(price).or_default().push_back((id, rests));
            self.live.push((id, side, price));
        }
    }

    fn pick(&mut self) -> Option<usize> {
        let bound = u64::try_from(self.live.len()).expect("few orders");
        (bound > 0).then(|| usize::try_from(self.draw.below(bound)).expect("few orders"))
    }

    fn cancel(&mut self) {
        let Some(at) = self.pick() else { return };
        let (id, side, price) = self.live.swap_remove(at);
        let cancelled = self.book.cancel(OrderId(id)).expect("it rests");
        assert_eq!((cancelled.side, cancelled.price.ticks()), (side, price));
        assert_eq!(cancelled.qty.lots(), self.naive.cancel(side, price, id));
        assert_eq!(self.book.cancel(OrderId(id)), None);
    }

    fn reduce(&mut self) {
        let Some(at) = self.pick() else { return };
        let (id, side, price) = self.live[at];
        let by = self.draw.signed_below(20);
        let queue = self.naive.levels(side).get_mut(&price).expect("a live order's level");
        let order = queue.iter_mut().find(|order| order.0 == id).expect("a live order");
        let expected = (by > 0 && by < order.1).then(|| {
            order.1 -= by;
            order.1
        });
        let reduced = self.book.reduce(OrderId(id), Qty::from_lots(by));
        assert_eq!(reduced.map(|order| order.qty.lots()), expected);
    }

    fn duplicate(&mut self) {
        let Some(at) = self.pick() else { return };
        let order_id = OrderId(self.live[at].0);
        let price = Some(Price::from_ticks(self.live[at].2));
        let again =
            self.book.add(order_id, Side::Buy, price, Qty::from_lots(1), TimeInForce::Gtc, |_| {});
        assert_eq!(again, Err(AddError::DuplicateId { order_id }));
    }

    fn compare(&self) {
        assert_eq!(self.book.check(), Ok(()));
        let book = self.book.book();
        for side in [Side::Buy, Side::Sell] {
            let levels = self.naive.sides[usize::from(side.number())].iter();
            let mut expected: Vec<(i64, Vec<(u64, i64)>)> =
                levels.map(|(price, queue)| (*price, queue.iter().copied().collect())).collect();
            if side == Side::Buy {
                expected.reverse();
            }
            let found: Vec<(i64, Vec<(u64, i64)>)> = book
                .levels(side)
                .map(|level| {
                    let orders = book.orders(side, level.price);
                    let orders = orders.map(|order| (order.order_id.0, order.qty.lots()));
                    (level.price.ticks(), orders.collect())
                })
                .collect();
            assert_eq!(found, expected);
        }
    }
}

/// Runs both books on flow that fills and drains them in turn; the most orders that were live.
fn run(seed: u64, id_factor: u64) -> usize {
    let book = IndexedBook::new(100_000);
    let (naive, draw) = (Naive::default(), Draw(seed));
    let mut pair = Pair { book, naive, live: Vec::new(), draw, next_id: 0, id_factor };
    let mut live_max = 0;
    for round in 0..OPERATIONS {
        let cancels = if round % PHASE < PHASE / 2 { 1 } else { 9 };
        match pair.draw.below(13 + cancels) {
            0 => pair.reduce(),
            1 => pair.duplicate(),
            2..13 => pair.place(),
            _ => pair.cancel(),
        }
        live_max = live_max.max(pair.live.len());
        if round % CHECK_EVERY == 0 {
            pair.compare();
        }
    }
    pair.compare();
    live_max
}

#[test]
fn the_book_agrees_with_a_naive_one_on_consecutive_ids() {
    assert!(run(42, 1) > 3_000, "the flow must build a book");
}

#[test]
fn the_book_agrees_with_a_naive_one_on_scattered_ids() {
    assert!(run(43, (1 << 40) + 1) > 3_000, "the flow must build a book");
}
