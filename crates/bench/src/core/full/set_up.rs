//! The world of the full profile: ten instruments against one quote asset, a thousand funded accounts
//! in ten groups, each with a key, and limits of every kind for the firm, each group and each account.
//!
//! Every limit is far beyond what the flow comes to: each is looked at, none refuses.

use coulisse_types::command::{
    AccountConfigure, AccountCreate, AssetCreate, Deposit, GroupCreate, InstrumentConfigure,
    InstrumentCreate, KeyCreate, LimitSet, MarkSet, permission,
};
use coulisse_types::{
    AccountName, Amount, AssetId, AssetName, Command, FeeRate, GroupId, InstrumentId, KeyId,
    LimitKind, MatchingMode, Price, Qty, ReferenceKind, Scope, Symbol,
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
/// Decimals of every asset.
const SCALE: u8 = 8;
/// 0.01 of the quote asset.
const TICK_MINOR: i64 = 1_000_000;
/// 0.00001 of the base asset.
const LOT_MINOR: i64 = 1_000;
/// What each account starts with of each asset.
const FUNDS_MINOR: i128 = 1_000_000_000_000_000_000;
const MAKER_FEE: FeeRate = FeeRate::from_ppm(200);
const TAKER_FEE: FeeRate = FeeRate::from_ppm(500);
const QTY_LOTS_MAX: i64 = 1_000_000_000;
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

fn account_name(text: &str) -> AccountName {
    AccountName::new(text.as_bytes()).unwrap_or_default()
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
        let symbol = Symbol::new(format!("{base}-USD").as_bytes()).unwrap_or_default();
        let instrument_id = InstrumentId(instrument);
        commands.push((
            0,
            Command::InstrumentCreate(InstrumentCreate {
                symbol,
                base: AssetId(instrument + 1),
                quote: QUOTE,
                tick_minor: TICK_MINOR,
                lot_minor: LOT_MINOR,
                min_qty: Qty::from_lots(1),
                max_qty: Qty::from_lots(QTY_LOTS_MAX),
                min_notional: Amount::ZERO,
                maker_fee: MAKER_FEE,
                taker_fee: TAKER_FEE,
            }),
        ));
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
    let key_id = KeyId::new(text.as_bytes()).unwrap_or_default();
    let permissions = permission::READ | permission::TRADE;
    let key = KeyCreate { key_id, public_key: [1; 32], permissions };
    commands.push((account, Command::KeyCreate(key)));
    for asset in 1..=INSTRUMENTS + 1 {
        let amount = Amount::from_minor(FUNDS_MINOR);
        commands.push((account, Command::Deposit(Deposit { asset: AssetId(asset), amount })));
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
