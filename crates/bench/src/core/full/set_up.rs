//! The world of the full profile: ten instruments against one quote asset, a thousand funded accounts
//! in ten groups, each with a key, and limits of every kind for the firm, each group and each account.
//!
//! Every limit is far beyond what the flow comes to: each is looked at, none refuses.

use crate::core::world::{self, SCALE, account_name};
use coulisse_types::command::{
    AccountConfigure, AccountCreate, AssetCreate, GroupCreate, InstrumentConfigure, LimitSet,
    MarkSet,
};
use coulisse_types::{
    AssetId, AssetName, Command, FeeRate, GroupId, InstrumentId, LimitKind, MatchingMode, Price,
    ReferenceKind, Scope,
};

/// What is traded.
pub const INSTRUMENTS: u32 = 10;
/// Who trades; each also has the key of the same number.
pub const ACCOUNTS: u32 = 1_000;
/// What accounts are grouped in.
pub const GROUPS: u32 = 10;
/// The accounts that count as one owner.
const ACCOUNTS_PER_TRADE_GROUP: u32 = 4;
/// Where prices begin, in ticks.
pub const MIDDLE_TICKS: i64 = 100_000;

const QUOTE: AssetId = AssetId(1);
/// How far from the reference a limit may be: half of it.
const COLLAR_PPM: u32 = 500_000;
/// How far from it a market order may trade: a tenth.
const SLIPPAGE_PPM: u32 = 100_000;
/// A bound that nothing here comes near: of lots, of minor units.
const NO_LESS: i128 = 1_000_000_000_000_000_000_000_000;
/// A bound of open orders that nothing here comes near.
const ORDERS: i128 = 10_000_000;
/// A rate a second, and how many at once, beyond what the flow comes to.
const RATE: i128 = 1_000_000_000;
const BURST: u32 = 1_000_000_000;
/// The shortest window for the same order twice: it is looked at, and over by the next command.
const WINDOW_NS: i128 = 1;

/// The commands, each with the account that it is for.
pub fn commands(with_limits: bool) -> Vec<(u32, Command)> {
    let mut commands = Vec::new();
    assets_and_instruments(&mut commands);
    for group in 1..=GROUPS {
        let name = account_name(&format!("g{group}"));
        commands.push((0, Command::GroupCreate(GroupCreate { name })));
    }
    for account in 1..=ACCOUNTS {
        open_account(account, &mut commands);
    }
    if with_limits {
        limits(Scope::Firm, 0, &mut commands);
        (1..=GROUPS).for_each(|group| limits(Scope::Group, group, &mut commands));
        (1..=ACCOUNTS).for_each(|account| limits(Scope::Account, account, &mut commands));
    }
    commands
}

fn assets_and_instruments(commands: &mut Vec<(u32, Command)>) {
    let names = (0..=INSTRUMENTS).map(|asset| match asset {
        0 => "USD".to_owned(),
        base => format!("B{base:02}"),
    });
    let names: Vec<_> = names.collect();
    for name in &names {
        let name = AssetName::new(name.as_bytes()).unwrap_or_default();
        commands.push((0, Command::AssetCreate(AssetCreate { name, scale: SCALE })));
    }
    for (instrument, base) in (1..).zip(&names[1..]) {
        let instrument_id = InstrumentId(instrument);
        let create = world::instrument(&format!("{base}-USD"), AssetId(instrument + 1), QUOTE);
        commands.push((0, Command::InstrumentCreate(create)));
        commands.push((
            0,
            Command::InstrumentConfigure(InstrumentConfigure {
                instrument: instrument_id,
                matching: MatchingMode::PriceTime,
                reference: ReferenceKind::Last,
                collar_ppm: COLLAR_PPM,
                slippage_ppm: SLIPPAGE_PPM,
                band_ppm: 0,
                auction_ns: 0,
                auction_fee: FeeRate::from_ppm(0),
            }),
        ));
        let price = Price::from_ticks(MIDDLE_TICKS);
        commands.push((0, Command::MarkSet(MarkSet { instrument: instrument_id, price })));
    }
}

fn open_account(account: u32, commands: &mut Vec<(u32, Command)>) {
    let text = format!("a{account}");
    commands.push((0, Command::AccountCreate(AccountCreate { name: account_name(&text) })));
    commands.push((account, Command::KeyCreate(world::key(&text))));
    for asset in 1..=INSTRUMENTS + 1 {
        commands.push((account, Command::Deposit(world::funds(AssetId(asset)))));
    }
    let group = GroupId(account % GROUPS + 1);
    let trade_group = account / ACCOUNTS_PER_TRADE_GROUP + 1;
    let membership = AccountConfigure { group, trade_group };
    commands.push((account, Command::AccountConfigure(membership)));
}

/// A limit of every kind, about everything that it can be about.
fn limits(scope: Scope, scope_id: u32, commands: &mut Vec<(u32, Command)>) {
    for kind in LimitKind::ALL.iter().copied() {
        let (value, burst) = match kind {
            LimitKind::OpenOrders | LimitKind::ConditionalOrders => (ORDERS, 0),
            LimitKind::OrderRate | LimitKind::MessageRate => (RATE, BURST),
            LimitKind::DuplicateWindow => (WINDOW_NS, 0),
            _ => (NO_LESS, 0),
        };
        let subjects = match kind {
            LimitKind::OrderQty | LimitKind::Position => 1..=INSTRUMENTS,
            LimitKind::OrderNotional
            | LimitKind::GrossNotional
            | LimitKind::NetNotional
            | LimitKind::DailyLoss
            | LimitKind::Drawdown => QUOTE.0..=QUOTE.0,
            _ => 0..=0,
        };
        for subject in subjects {
            let limit = LimitSet { scope, scope_id, kind, subject, value, burst };
            commands.push((0, Command::LimitSet(limit)));
        }
    }
}
