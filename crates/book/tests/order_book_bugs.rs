//! The order-book bugs that other engines have had, one test each, by name.
//!
//! Source: the classes of fault in the `CORRECTNESS_FINDINGS` of an open benchmark of 247 engines.

use core::ops::ControlFlow;
use coulisse_book::{AddError, Book, BookError, IndexedBook, MakerFill, OrderView, Stop};
use coulisse_types::{OrderId, Price, Qty, Side, TimeInForce};

const BUY: Side = Side::Buy;
const SELL: Side = Side::Sell;
const GTC: TimeInForce = TimeInForce::Gtc;

fn price(ticks: i64) -> Price {
    Price::from_ticks(ticks)
}

fn qty(lots: i64) -> Qty {
    Qty::from_lots(lots)
}

/// A book with these orders resting: id, side, price in ticks, quantity in lots.
fn a_book_with(orders: &[(u64, Side, i64, i64)]) -> IndexedBook {
    let mut book = IndexedBook::new(1_000);
    for &(id, side, ticks, lots) in orders {
        let fills = add(&mut book, id, side, Some(ticks), lots, GTC);
        assert_eq!(fills, [], "the builder's orders do not trade");
    }
    book
}

/// Adds an order that is taken; its fills as (maker, price in ticks, quantity in lots).
fn add(
    book: &mut IndexedBook,
    id: u64,
    side: Side,
    ticks: Option<i64>,
    lots: i64,
    time_in_force: TimeInForce,
) -> Vec<(u64, i64, i64)> {
    let mut fills = Vec::new();
    let on_fill = |fill: &MakerFill| {
        fills.push((fill.order_id.0, fill.price.ticks(), fill.qty.lots()));
    };
    book.add(OrderId(id), side, ticks.map(price), qty(lots), time_in_force, on_fill)
        .expect("the order is taken");
    book.check().expect("every invariant holds");
    fills
}

fn cancel(book: &mut IndexedBook, id: u64) -> Option<OrderView> {
    let cancelled = book.cancel(OrderId(id));
    book.check().expect("every invariant holds");
    cancelled
}

/// The ids at a price, first come first.
fn queue(book: &IndexedBook, side: Side, ticks: i64) -> Vec<u64> {
    book.book().orders(side, price(ticks)).map(|order| order.order_id.0).collect()
}

#[test]
fn a_fill_is_at_the_makers_price_and_not_at_the_takers() {
    let mut book = a_book_with(&[(1, SELL, 100, 5), (2, BUY, 90, 5)]);
    assert_eq!(add(&mut book, 3, BUY, Some(105), 5, GTC), [(1, 100, 5)]);
    assert_eq!(add(&mut book, 4, SELL, Some(80), 5, GTC), [(2, 90, 5)]);
}

#[test]
fn a_marketable_limit_order_does_not_sweep_past_its_own_limit() {
    let mut book = a_book_with(&[(1, SELL, 100, 5), (2, SELL, 101, 5), (3, SELL, 102, 5)]);
    assert_eq!(add(&mut book, 4, BUY, Some(101), 20, GTC), [(1, 100, 5), (2, 101, 5)]);
    assert_eq!(book.book().best(SELL), Some(price(102)));
    assert_eq!(book.book().best(BUY), Some(price(101)));
    assert_eq!(book.order(OrderId(4)).map(|order| order.qty), Some(qty(10)));
}

#[test]
fn a_live_id_is_refused_and_its_order_keeps_its_place() {
    let mut book = a_book_with(&[(1, BUY, 100, 5), (2, BUY, 100, 6)]);
    for (side, ticks) in [(BUY, 100), (BUY, 99), (SELL, 100), (SELL, 110)] {
        let again = book.add(OrderId(1), side, Some(price(ticks)), qty(7), GTC, |_| {});
        assert_eq!(again, Err(AddError::DuplicateId { order_id: OrderId(1) }));
    }
    assert_eq!(queue(&book, BUY, 100), [1, 2]);
    assert_eq!(book.book().len(), 2);
    book.check().expect("every invariant holds");
}

#[test]
fn an_id_can_be_used_again_once_its_order_is_gone() {
    let mut book = a_book_with(&[(1, SELL, 100, 5), (2, SELL, 101, 5)]);
    assert_eq!(add(&mut book, 3, BUY, Some(100), 5, GTC), [(1, 100, 5)]);
    assert!(cancel(&mut book, 2).is_some());
    assert_eq!(add(&mut book, 1, BUY, Some(90), 5, GTC), []);
    assert_eq!(add(&mut book, 2, BUY, Some(90), 5, GTC), []);
    assert_eq!(queue(&book, BUY, 90), [1, 2]);
}

#[test]
fn a_cancel_finds_its_order_on_either_side() {
    let mut book = a_book_with(&[(1, BUY, 100, 5), (2, SELL, 200, 6)]);
    let ask = cancel(&mut book, 2).expect("it rests");
    assert_eq!((ask.side, ask.price, ask.qty), (SELL, price(200), qty(6)));
    let bid = cancel(&mut book, 1).expect("it rests");
    assert_eq!((bid.side, bid.price, bid.qty), (BUY, price(100), qty(5)));
    assert_eq!(cancel(&mut book, 1), None);
    assert!(book.book().is_empty());
}

#[test]
fn a_cancel_in_the_middle_does_not_move_the_last_order_forward() {
    let mut book =
        a_book_with(&[(1, SELL, 100, 1), (2, SELL, 100, 1), (3, SELL, 100, 1), (4, SELL, 100, 1)]);
    assert!(cancel(&mut book, 2).is_some());
    assert_eq!(queue(&book, SELL, 100), [1, 3, 4]);
    assert_eq!(add(&mut book, 5, BUY, Some(100), 3, GTC), [(1, 100, 1), (3, 100, 1), (4, 100, 1)]);
}

#[test]
fn there_is_no_fill_of_zero_lots() {
    let mut book = a_book_with(&[(1, SELL, 100, 5), (2, SELL, 100, 5)]);
    assert_eq!(add(&mut book, 3, BUY, Some(100), 5, GTC), [(1, 100, 5)]);
    for lots in [0, -1] {
        let refused = book.add(OrderId(4), BUY, Some(price(100)), qty(lots), GTC, |_| {});
        assert_eq!(refused, Err(AddError::Book(BookError::QtyNotPositive { qty: qty(lots) })));
        let refused = book.add(OrderId(4), BUY, None, qty(lots), TimeInForce::Ioc, |_| {});
        assert_eq!(refused, Err(AddError::Book(BookError::QtyNotPositive { qty: qty(lots) })));
    }
    let mut bare = Book::new(1);
    bare.insert(SELL, price(100), qty(5), OrderId(1), 0).expect("there is room");
    assert_eq!(bare.fill_front(SELL, qty(0)), None);
    assert_eq!(bare.fill_front(SELL, qty(-1)), None);
    assert_eq!(bare.match_taker(BUY, None, qty(0), 9, |_| ControlFlow::Continue(())).fills, 0);
}

#[test]
fn the_best_price_follows_when_the_best_level_empties() {
    // The next best lies in the same page, in the next page, and far away.
    let mut book =
        a_book_with(&[(1, BUY, 1_000, 1), (2, BUY, 999, 1), (3, BUY, 930, 1), (4, BUY, 1, 1)]);
    for (id, best) in [(1, Some(999)), (2, Some(930)), (3, Some(1)), (4, None)] {
        assert!(cancel(&mut book, id).is_some());
        assert_eq!(book.book().best(BUY).map(Price::ticks), best);
    }
    let mut book = a_book_with(&[
        (1, SELL, 10, 1),
        (2, SELL, 11, 1),
        (3, SELL, 100, 1),
        (4, SELL, 1 << 53, 1),
    ]);
    for (id, best) in [(1, Some(11)), (2, Some(100)), (3, Some(1 << 53)), (4, None)] {
        assert_eq!(
            add(&mut book, 10, BUY, None, 1, TimeInForce::Ioc).first().map(|fill| fill.0),
            Some(id)
        );
        assert_eq!(book.book().best(SELL).map(Price::ticks), best);
    }
}

#[test]
fn cancelling_the_last_but_one_order_of_a_level_leaves_the_last() {
    for (gone, survivor) in [(1, 2), (2, 1)] {
        let mut book = a_book_with(&[(1, SELL, 100, 3), (2, SELL, 100, 4)]);
        assert!(cancel(&mut book, gone).is_some());
        assert_eq!(queue(&book, SELL, 100), [survivor]);
        assert_eq!(book.book().level(SELL, price(100)).map(|level| level.count), Some(1));
        assert_eq!(add(&mut book, 3, SELL, Some(100), 5, GTC), []);
        assert_eq!(queue(&book, SELL, 100), [survivor, 3]);
    }
}

#[test]
fn a_cancelled_or_filled_orders_slot_is_used_again() {
    let mut book = IndexedBook::new(2);
    for round in 0..10_000 {
        let ticks = 100 + round * 7_919;
        assert_eq!(add(&mut book, 1, SELL, Some(ticks), 1, GTC), []);
        assert_eq!(add(&mut book, 2, SELL, Some(ticks + 64), 1, GTC), []);
        let full = book.add(OrderId(3), SELL, Some(price(ticks)), qty(1), GTC, |_| {});
        assert_eq!(full, Err(AddError::Book(BookError::Full { orders_max: 2 })));
        assert!(cancel(&mut book, 2).is_some());
        assert_eq!(add(&mut book, 4, BUY, None, 1, TimeInForce::Ioc), [(1, ticks, 1)]);
    }
    assert_eq!((book.book().level_count(), book.book().page_count()), (0, 0));
}

#[test]
fn the_slot_freed_last_is_given_first() {
    let mut book = Book::new(3);
    let insert = |book: &mut Book| book.insert(BUY, price(5), qty(1), OrderId(1), 0).expect("room");
    let handles = [insert(&mut book), insert(&mut book), insert(&mut book)];
    assert_eq!(handles.map(coulisse_book::Handle::index), [0, 1, 2]);
    book.remove(handles[0]);
    book.remove(handles[2]);
    assert_eq!(insert(&mut book), handles[2]);
    assert_eq!(insert(&mut book), handles[0]);
}

#[test]
fn orders_at_far_prices_are_kept() {
    let far =
        [0, -5, i64::MIN, i64::MIN + 1, 1, 63, 64, 65, 4_096, 1 << 40, (1 << 53) - 1, 1 << 53];
    let mut bids = IndexedBook::new(100);
    let mut asks = IndexedBook::new(100);
    for (id, ticks) in (1..).zip(far) {
        assert_eq!(add(&mut bids, id, BUY, Some(ticks), 1, GTC), []);
        assert_eq!(add(&mut asks, id, SELL, Some(ticks), 1, GTC), []);
    }
    let mut sorted = far;
    sorted.sort_unstable();
    let ticks = |book: &IndexedBook, side| -> Vec<i64> {
        book.book().levels(side).map(|level| level.price.ticks()).collect()
    };
    assert_eq!(ticks(&asks, SELL), sorted);
    sorted.reverse();
    assert_eq!(ticks(&bids, BUY), sorted);
}

#[test]
fn the_last_price_of_all_is_a_price_and_not_none() {
    for (side, taker, ticks) in [(SELL, BUY, i64::MAX), (BUY, SELL, i64::MIN)] {
        let mut book = a_book_with(&[(1, side, ticks, 2)]);
        assert_eq!(book.book().best(side), Some(price(ticks)));
        assert!(book.book().crosses(taker, price(ticks)));
        assert_eq!(add(&mut book, 2, taker, Some(ticks), 1, GTC), [(1, ticks, 1)]);
        assert!(cancel(&mut book, 1).is_some());
        assert_eq!(book.book().best(side), None);
        assert!(!book.book().crosses(taker, price(ticks)));
        assert_eq!(add(&mut book, 3, taker, Some(ticks), 1, GTC), []);
    }
}

#[test]
fn a_price_of_zero_is_a_price_and_an_empty_side_has_none() {
    let mut book = IndexedBook::new(10);
    assert_eq!((book.book().best(BUY), book.book().best(SELL)), (None, None));
    assert_eq!(add(&mut book, 1, SELL, Some(0), 1, GTC), []);
    assert_eq!((book.book().best(BUY), book.book().best(SELL)), (None, Some(price(0))));
    assert_eq!(add(&mut book, 2, BUY, Some(-1), 1, GTC), []);
    assert_eq!(add(&mut book, 3, BUY, Some(0), 1, GTC), [(1, 0, 1)]);
    assert_eq!((book.book().best(BUY), book.book().best(SELL)), (Some(price(-1)), None));
}

#[test]
fn the_rest_of_a_partly_filled_ioc_or_market_order_is_let_go() {
    for (ticks, time_in_force) in
        [(Some(100), TimeInForce::Ioc), (None, TimeInForce::Ioc), (None, GTC)]
    {
        let mut book = a_book_with(&[(1, SELL, 100, 5)]);
        let added = book
            .add(OrderId(2), BUY, ticks.map(price), qty(8), time_in_force, |_| {})
            .expect("the order is taken");
        assert_eq!((added.filled, added.expired, added.rests), (qty(5), qty(3), qty(0)));
        assert_eq!((added.handle, book.order(OrderId(2))), (None, None));
        assert!(book.book().is_empty());
        assert_eq!(add(&mut book, 2, BUY, Some(100), 1, GTC), []);
    }
}

#[test]
fn a_fok_order_fills_whole_or_leaves_the_book_as_it_was() {
    let mut book = a_book_with(&[(1, SELL, 100, 5), (2, SELL, 101, 5), (3, SELL, 102, 5)]);
    assert_eq!(add(&mut book, 4, BUY, Some(101), 11, TimeInForce::Fok), []);
    assert_eq!(book.book().level_count(), 3);
    assert_eq!(add(&mut book, 4, BUY, Some(101), 10, TimeInForce::Fok), [(1, 100, 5), (2, 101, 5)]);
}

#[test]
fn reducing_an_order_keeps_its_place_and_never_empties_it() {
    let mut book = a_book_with(&[(1, BUY, 100, 5), (2, BUY, 100, 5)]);
    assert_eq!(book.reduce(OrderId(1), qty(2)).map(|order| order.qty), Some(qty(3)));
    assert_eq!(book.book().level(BUY, price(100)).map(|level| level.qty), Some(qty(8)));
    for by in [0, -1, 3, 4] {
        assert_eq!(book.reduce(OrderId(1), qty(by)), None);
    }
    assert_eq!(book.reduce(OrderId(9), qty(1)), None);
    book.check().expect("every invariant holds");
    assert_eq!(add(&mut book, 3, SELL, Some(100), 4, GTC), [(1, 100, 3), (2, 100, 1)]);
}

#[test]
fn an_order_that_comes_back_goes_to_the_end_of_its_level() {
    let mut book = a_book_with(&[(1, BUY, 100, 5), (2, BUY, 100, 5)]);
    assert!(cancel(&mut book, 1).is_some());
    assert_eq!(add(&mut book, 1, BUY, Some(100), 5, GTC), []);
    assert_eq!(queue(&book, BUY, 100), [2, 1]);
}

#[test]
fn a_level_sum_that_would_overflow_is_refused() {
    let mut book = a_book_with(&[(1, BUY, 100, i64::MAX)]);
    let refused = book.add(OrderId(2), BUY, Some(price(100)), qty(1), GTC, |_| {});
    assert!(matches!(refused, Err(AddError::Book(BookError::LevelQtyOverflow { .. }))));
    assert_eq!(add(&mut book, 2, BUY, Some(99), i64::MAX, GTC), []);
    // A taker may be larger than any sum: the walk over levels does not overflow either.
    assert_eq!(book.book().fillable(SELL, None, qty(i64::MAX), u32::MAX), qty(i64::MAX));
}

#[test]
fn a_match_stops_where_it_is_told_and_says_why() {
    let mut book = Book::new(10);
    for id in 1..=4 {
        book.insert(SELL, price(100), qty(2), OrderId(id), 7).expect("there is room");
    }
    let go_on = |_: &MakerFill| ControlFlow::Continue(());
    let matched = book.match_taker(BUY, None, qty(8), 1, go_on);
    assert_eq!((matched.left, matched.fills, matched.stop), (qty(6), 1, Stop::FillsMax));
    let matched = book.match_taker(BUY, Some(price(99)), qty(8), 9, go_on);
    assert_eq!((matched.fills, matched.stop), (0, Stop::NoMaker));
    let matched = book.match_taker(BUY, None, qty(8), 9, |fill| {
        assert_eq!((fill.owner, fill.level_left, fill.level_count), (7, qty(4), 2));
        ControlFlow::Break(())
    });
    assert_eq!((matched.left, matched.stop), (qty(6), Stop::Broken));
    let matched = book.match_taker(BUY, None, qty(3), 9, go_on);
    assert_eq!((matched.left, matched.stop), (qty(0), Stop::Filled));
    assert_eq!(book.match_taker(BUY, None, qty(3), 1, go_on).stop, Stop::NoMaker);
    assert_eq!(book.check(), Ok(()));
}

#[test]
fn what_is_fillable_is_what_a_match_fills() {
    let mut book = Book::new(10);
    for (id, ticks) in (1..).zip([100, 100, 100, 101, 101, 300]) {
        book.insert(SELL, price(ticks), qty(2), OrderId(id), 0).expect("there is room");
    }
    for limit in [None, Some(price(99)), Some(price(100)), Some(price(200)), Some(price(300))] {
        for lots in 1..14 {
            for fills_max in 0..8 {
                let fillable = book.fillable(BUY, limit, qty(lots), fills_max);
                let go_on = |_: &MakerFill| ControlFlow::Continue(());
                let matched = book.clone().match_taker(BUY, limit, qty(lots), fills_max, go_on);
                assert_eq!(fillable.lots(), lots - matched.left.lots());
            }
        }
    }
}

#[test]
fn walking_from_order_to_order_visits_a_side_in_price_time_order() {
    let orders = [
        (1, SELL, 105, 1),
        (2, SELL, 100, 1),
        (3, SELL, 105, 1),
        (4, SELL, 900, 1),
        (5, SELL, 100, 1),
    ];
    let book = a_book_with(&orders);
    let book = book.book();
    let walk = std::iter::successors(book.front(SELL), |&handle| book.next_in_side(handle));
    let ids: Vec<u64> = walk.map(|handle| book.order(handle).order_id.0).collect();
    assert_eq!(ids, [2, 5, 1, 3, 4]);
    assert_eq!(book.side_orders(SELL).map(|order| order.order_id.0).collect::<Vec<_>>(), ids);
}
