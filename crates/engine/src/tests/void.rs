//! Records that are void, and what becomes of their instrument.

use super::*;
use coulisse_types::command::{OrderCancelAll, Tick, Void};
use coulisse_types::event::TradingStateChanged;
use coulisse_types::limits::SHARD_SHIFT;
use coulisse_types::{Field, SideFilter, StateReason, TradingState, Unit};

fn void_of(seq: u64, instrument: u32) -> Void {
    Void { seq: Seq(seq), instrument: InstrumentId(instrument) }
}

/// The shard's first order, or one behind it.
fn id_of(number: u64) -> OrderId {
    OrderId(1 << SHARD_SHIFT | number)
}

fn cancel(number: u64) -> OrderCancel {
    OrderCancel { order_id: id_of(number), client_order_id: ClientOrderId::default() }
}

impl World {
    fn run_void(&mut self, account: u32, command: impl Into<Command>) -> Vec<Event> {
        self.header.seq = Seq(self.header.seq.0 + 1);
        let header = RecordHeader { account: AccountId(account), ..self.header };
        let mut events = Vec::new();
        self.engine.apply_void(&header, &command.into(), &mut events);
        assert_eq!(self.engine.check_invariants(), Ok(()));
        events
    }
}

#[test]
fn a_void_record_is_a_reject_and_changes_nothing_but_the_seq_and_the_event_hash() {
    let (mut world, mut other) = (World::usual(), World::usual());
    let order = OrderPlace { client_order_id: text("a1"), ..limit(Side::Buy, 5, 10) };
    let rejected = refusal(&world.run_void(ANN, order));
    assert_eq!((rejected.code, rejected.field, rejected.unit), {
        (RejectCode::Voided, Field::None, Unit::None)
    });
    assert_eq!((rejected.value, rejected.limit), (0, 0));
    assert_eq!(rejected.client_order_id, text("a1"));
    assert_eq!((world.has(ANN, USD), world.queue(Side::Buy)), ((FUNDS_MINOR, 0), Vec::new()));
    assert_ne!(world.engine.event_hash(), other.engine.event_hash());
    // Whatever it says: even what would be refused for another reason.
    other.run_void(9, void_of(0, 9));
    assert_eq!(world.engine.state_hash(), other.engine.state_hash());
    // Its client order id is as free as before.
    assert_eq!(names(&world.run(ANN, order))[0], "OrderAccepted");
}

#[test]
fn a_void_halts_its_instrument_once() {
    let mut world = World::usual();
    let seq = world.header.seq.0;
    let events = world.run(0, void_of(seq, BTC_USD.0));
    assert_eq!(names(&events), ["RecordVoided", "TradingStateChanged"]);
    let Event::TradingStateChanged(changed) = events[1] else { panic!("{events:?}") };
    assert_eq!(changed, {
        let (state, reason) = (TradingState::Halted, StateReason::Void);
        TradingStateChanged { instrument: BTC_USD, state, reason, until_ns: 0 }
    });
    assert_eq!(world.engine.trading_state(BTC_USD), Some(TradingState::Halted));
    assert_eq!(names(&world.run(0, void_of(seq, BTC_USD.0))), ["RecordVoided"]);
    assert_eq!(names(&world.run(0, void_of(seq, 0))), ["RecordVoided"]);
}

#[test]
fn a_void_is_of_an_earlier_record_and_a_known_instrument_and_by_the_node() {
    let mut world = World::usual();
    world.run(
        ANN,
        coulisse_types::command::KeyCreate {
            key_id: text("all"),
            public_key: [9; 32],
            permissions: 15,
        },
    );
    for seq in [Some(0), None, Some(u64::MAX)] {
        let own_seq = i128::from(world.header.seq.0) + 1;
        let seq = seq.unwrap_or(world.header.seq.0 + 1);
        let rejected = refusal(&world.run(0, void_of(seq, 9)));
        assert_eq!((rejected.code, rejected.field), (RejectCode::AmountOutOfRange, Field::Seq));
        let numbers = (rejected.unit, rejected.value, rejected.limit);
        assert_eq!(numbers, (Unit::Number, i128::from(seq), own_seq - 1));
    }
    let rejected = refusal(&world.run(0, void_of(1, 9)));
    assert_eq!((rejected.code, rejected.field), (RejectCode::UnknownInstrument, Field::Symbol));
    assert_eq!(rejected.value, 9);
    assert_eq!(code(&world.run_by_key(1, ANN, void_of(1, 1))), RejectCode::NotPermitted);
    assert_eq!(world.engine.trading_state(BTC_USD), Some(TradingState::Open));
}

#[test]
fn a_halted_instrument_takes_nothing_and_keeps_what_it_has() {
    let mut world = World::usual();
    let order = OrderPlace { client_order_id: text("kept"), ..limit(Side::Buy, 5, 10) };
    world.run(ANN, order);
    world.run(0, void_of(1, BTC_USD.0));
    assert_eq!(names(&world.run(ANN, order)), ["OrderDuplicate"]);
    for command in [
        Command::from(limit(Side::Sell, 5, 10)),
        cancel(1).into(),
        OrderAmend {
            order_id: id_of(1),
            client_order_id: ClientOrderId::default(),
            qty: Qty::from_lots(1),
            price: Price::from_ticks(0),
        }
        .into(),
    ] {
        let rejected = refusal(&world.run(ANN, command));
        assert_eq!((rejected.code, rejected.field), {
            (RejectCode::TradingStateForbids, Field::State)
        });
        assert_eq!((rejected.unit, rejected.value), (Unit::Number, 3));
    }
    let (instrument, side) = (InstrumentId(0), SideFilter::Both);
    let events = world.run(ANN, OrderCancelAll { instrument, side, session: 0 });
    assert_eq!(names(&events), ["OrdersCancelled"]);
    assert_eq!(world.queue(Side::Buy), [1]);
    // An order that is not there is said before the state of an instrument.
    assert_eq!(code(&world.run(ANN, cancel(2))), RejectCode::OrderNotFound);
}

#[test]
fn a_record_concerns_the_instrument_that_it_or_its_order_names() {
    let mut world = World::usual();
    let order = OrderPlace { client_order_id: text("a1"), ..limit(Side::Buy, 5, 10) };
    world.run(ANN, order);
    let of = |account, command: Command| {
        let header = RecordHeader { account: AccountId(account), ..world.header };
        world.engine.instrument_of(&header, &command).0
    };
    assert_eq!(of(ANN, order.into()), 1);
    assert_eq!(of(ANN, OrderPlace { instrument: InstrumentId(2), ..order }.into()), 0);
    assert_eq!(of(ANN, cancel(1).into()), 1);
    assert_eq!(of(BOB, cancel(1).into()), 0);
    assert_eq!(of(ANN, cancel(2).into()), 0);
    let named = OrderCancel { order_id: OrderId(0), client_order_id: text("a1") };
    assert_eq!((of(ANN, named.into()), of(BOB, named.into())), (1, 0));
    assert_eq!(of(ANN, Tick {}.into()), 0);
    assert_eq!(of(0, default_genesis(7, 1).into()), 0);
}
