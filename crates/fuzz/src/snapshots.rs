//! The state of the core and of the feeds, as snapshots hold them: what is read is what would be written.

use std::sync::OnceLock;

use coulisse_engine::{Engine, default_genesis};
use coulisse_gateway::hub::Hub;
use coulisse_types::command::{
    AccountCreate, AssetCreate, Deposit, Genesis, GroupCreate, InstrumentCreate,
};
use coulisse_types::{
    AccountId, Amount, AssetId, Command, Event, FeeRate, Qty, RecordHeader, Seq, Text,
};

/// Room for so little that a start takes no time.
fn a_small_genesis() -> Genesis {
    Genesis {
        assets_max: 4,
        instruments_max: 4,
        accounts_max: 5,
        keys_max: 5,
        live_orders_max: 60,
        open_orders_per_account_max: 25,
        fills_per_command_max: 6,
        client_order_ids_max: 90,
        closed_ids_per_account_max: 25,
        request_ids_max: 5,
        ..default_genesis(99, 3)
    }
}

fn text<const N: usize>(name: &str) -> Text<N> {
    Text::new(name.as_bytes()).expect("a name")
}

/// Commands that make a small world, each with whose it is.
fn commands() -> Vec<(u32, Command)> {
    let asset = |name| AssetCreate { name: text(name), scale: 8 };
    let instrument = InstrumentCreate {
        symbol: text("BTC-USD"),
        base: AssetId(1),
        quote: AssetId(2),
        tick_minor: 1_000_000,
        lot_minor: 1_000,
        min_qty: Qty::from_lots(1),
        max_qty: Qty::from_lots(1_000),
        min_notional: Amount::ZERO,
        maker_fee: FeeRate::from_ppm(200),
        taker_fee: FeeRate::from_ppm(500),
    };
    let funds = |asset| Deposit { asset: AssetId(asset), amount: Amount::from_minor(1 << 60) };
    vec![
        (0, a_small_genesis().into()),
        (0, asset("BTC").into()),
        (0, asset("USD").into()),
        (0, instrument.into()),
        (0, AccountCreate { name: text("alice") }.into()),
        (0, AccountCreate { name: text("bob") }.into()),
        (0, GroupCreate { name: text("desk") }.into()),
        (1, funds(2).into()),
        (2, funds(1).into()),
    ]
}

/// The engine after each of them, and what they caused.
fn lives() -> (Vec<Vec<u8>>, Vec<Event>) {
    let mut engine = Engine::new();
    let (mut events, mut written) = (Vec::new(), Vec::new());
    for (seq, (account, command)) in (1..).zip(commands()) {
        let account = AccountId(account);
        let header =
            RecordHeader { seq: Seq(seq), time_ns: 1_000, account, ..RecordHeader::default() };
        engine.apply(&header, &command, &mut events);
        let mut bytes = Vec::new();
        let Ok(()) = engine.write_snapshot(&mut bytes);
        written.push(bytes);
    }
    (written, events)
}

pub(crate) fn run(bytes: &[u8]) {
    let Some(bytes) = with_small_tables(bytes) else { return };
    if let Ok(engine) = Engine::from_snapshot(&bytes) {
        let mut again = Vec::new();
        let Ok(()) = engine.write_snapshot(&mut again);
        assert_eq!(again, bytes, "written again");
    }
}

/// The input, where what it says of the tables is what the seeds say: tables as large as a genesis may
/// ask for take half a gigabyte, and that is no fault.
fn with_small_tables(bytes: &[u8]) -> Option<Vec<u8>> {
    static HEAD: OnceLock<Vec<u8>> = OnceLock::new();
    let head = HEAD.get_or_init(|| {
        let (written, _) = lives();
        let mut body = Vec::new();
        Command::from(a_small_genesis()).encode_body(&mut body);
        let first = &written[0];
        let at = first.windows(body.len()).position(|part| part == body).expect("it is in there");
        first[..at + body.len()].to_vec()
    });
    let mut bytes = bytes.to_vec();
    let genesis = head.len().min(bytes.len());
    // Its own length stands in front of each section; behind it anything may stand.
    let is_long = bytes.len() > head.len();
    bytes[..genesis].copy_from_slice(&head[..genesis]);
    is_long.then_some(bytes)
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    lives().0
}

fn a_hub() -> Hub {
    Hub::new(vec!["localhost".to_owned()], "coulisse/test".to_owned(), "n1".to_owned(), 1)
}

pub(crate) fn run_feeds(bytes: &[u8]) {
    let mut hub = a_hub();
    if hub.read_feeds(bytes).is_ok() {
        let mut again = Vec::new();
        hub.write_feeds(&mut again);
        assert_eq!(again, bytes, "written again");
    }
}

pub(crate) fn feed_seeds() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    let mut empty = Vec::new();
    a_hub().write_feeds(&mut empty);
    all.push(empty);
    all
}
