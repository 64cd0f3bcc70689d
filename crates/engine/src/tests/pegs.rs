//! Orders whose price follows the book.

use super::*;
use coulisse_types::event::OrderState;

fn pegged(peg: Peg, offset: i64, order: OrderPlace) -> OrderPlaceTerms {
    OrderPlaceTerms { peg, peg_offset: offset, ..order.with_terms() }
}

/// Bids at 90 and asks at 100.
fn a_book() -> World {
    let mut world = World::usual();
    world.buy(BOB, 5, 90);
    world.sell(BOB, 5, 100);
    world
}

#[test]
fn a_pegged_order_rests_where_its_peg_is_and_is_held_for_at_its_limit() {
    let mut world = a_book();
    for (peg, offset, side, at) in [
        (Peg::Bid, 2, Side::Buy, 92),
        (Peg::Mid, 0, Side::Buy, 95),
        (Peg::Ask, 50, Side::Buy, 98),
        (Peg::Ask, -3, Side::Sell, 99),
    ] {
        let price = if side == Side::Buy { 98 } else { 99 };
        let events = world.run(ANN, pegged(peg, offset, limit(side, 1, price)));
        let rested = alloc::format!("rested {} {at}", world.engine.order_count());
        assert_eq!(told(&events), [rested]);
    }
    assert_eq!(world.has(ANN, USD).1, 3 * (98 + 1));
    let shown = world.engine.order(order_id(3)).expect("it lives");
    assert_eq!((shown.price.ticks(), shown.book_price.ticks()), (98, 92));
}

#[test]
fn a_pegged_order_follows_at_the_end_of_the_command_and_goes_behind_all_there() {
    let mut world = a_book();
    world.run(ANN, pegged(Peg::Bid, 0, limit(Side::Buy, 3, 99)));
    assert_eq!(world.queue(Side::Buy), [1, 3]);
    let events = world.buy(BOB, 1, 93);
    assert_eq!(told(&events), ["rested 4 93", "moved 3 93"]);
    assert_eq!(levels(&events), [(93, 1), (90, 5), (93, 4)]);
    assert_eq!(world.queue(Side::Buy), [4, 3, 1]);
    // Of those that are not pegged only the bid at 90 is left to follow.
    let events = world.run(BOB, cancel(4));
    assert_eq!(told(&events), ["cancel_requested 4 1", "moved 3 90"]);
}

#[test]
fn without_anything_to_follow_it_waits_and_comes_back() {
    let mut world = World::usual();
    let events = world.run(ANN, pegged(Peg::Bid, 0, limit(Side::Buy, 3, 99)));
    assert_eq!(told(&events), ["moved 1 0"]);
    let state = |world: &World| world.engine.order(order_id(1)).map(|order| order.state);
    assert_eq!(state(&world), Some(OrderState::Waiting));
    assert_eq!(told(&world.buy(BOB, 1, 50)), ["rested 2 50", "moved 1 50"]);
    let events = world.run(BOB, cancel(2));
    assert_eq!(told(&events), ["cancel_requested 2 1", "moved 1 0"]);
    assert_eq!(levels(&events), [(50, 3), (50, 0)]);
    assert_eq!(names(&world.run(ANN, cancel(1))), ["OrderClosed", "BalanceChanged"]);
}

#[test]
fn it_never_takes_and_trades_at_its_peg_price() {
    let mut world = a_book();
    world.run(ANN, pegged(Peg::Ask, 5, limit(Side::Buy, 3, 200)));
    assert_eq!(world.engine.best(BTC_USD, Side::Buy).map(|best| best.price.ticks()), Some(99));
    let fill = fills(&world.sell(BOB, 1, 50))[0];
    assert_eq!(fill.price.ticks(), 99);
}

#[test]
fn amended_down_it_keeps_its_place_and_otherwise_comes_anew() {
    let mut world = a_book();
    world.run(ANN, pegged(Peg::Bid, 0, limit(Side::Buy, 3, 95)));
    world.buy(BOB, 1, 90);
    let events = world.run(ANN, amend(3, 2, 0));
    assert_eq!(levels(&events), [(90, 8)]);
    assert_eq!(world.queue(Side::Buy), [1, 3, 4]);
    let events = world.run(ANN, amend(3, 4, 0));
    assert_eq!(told(&events), ["amended 3 4", "rested 3 90"]);
    assert_eq!(world.queue(Side::Buy), [1, 4, 3]);
    assert_eq!(told(&world.run(ANN, amend(3, 0, 80))), ["amended 3 4", "rested 3 80"]);
}

#[test]
fn a_seller_that_would_be_worth_too_much_waits() {
    let mut world = World::usual();
    world.run(
        0,
        InstrumentCreate {
            symbol: text("USD-BTC"),
            base: USD,
            quote: BTC,
            tick_minor: i64::MAX,
            lot_minor: 100,
            max_qty: Qty::from_lots(1 << 53),
            ..an_instrument()
        },
    );
    world.run(BOB, Deposit { asset: USD, amount: Amount::from_minor(1 << 62) });
    world.run(ANN, Deposit { asset: USD, amount: Amount::from_minor(1 << 62) });
    let here = |order: OrderPlace| OrderPlace { instrument: InstrumentId(2), ..order };
    world.run(BOB, here(limit(Side::Sell, 1, 1 << 30)));
    let order = pegged(Peg::Ask, 0, here(limit(Side::Sell, 1 << 30, 1)));
    assert_eq!(told(&world.run(ANN, order)), ["moved 2 0"]);
    // No level changed since, but what it would be worth has.
    let events = world.run(ANN, amend(2, 1, 0));
    assert_eq!(told(&events), ["amended 2 1", "moved 2 1073741824"]);
}

#[test]
fn what_comes_and_goes_behind_the_price_it_follows_hides_no_change_of_that() {
    let mut world = a_book();
    world.run(ANN, pegged(Peg::Mid, 0, limit(Side::Buy, 3, 99)));
    assert_eq!(told(&world.buy(BOB, 1, 80)), ["rested 4 80"]);
    assert_eq!(told(&world.sell(BOB, 1, 110)), ["rested 5 110"]);
    let events = world.run(BOB, cancel(2));
    assert_eq!(told(&events), ["cancel_requested 2 5", "moved 3 99"]);
    assert_eq!(told(&world.buy(BOB, 1, 70)), ["rested 6 70"]);
    let events = world.run(BOB, cancel(1));
    assert_eq!(told(&events), ["cancel_requested 1 5", "moved 3 95"]);
    // Behind the bid that is followed, but before all others.
    assert_eq!(told(&world.sell(BOB, 1, 96)), ["rested 7 96", "moved 3 88"]);
}
