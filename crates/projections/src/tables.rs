//! The tables of the store: names, columns, keys. Drivers, migrations' tests and the docs read this one
//! list.

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// 64 bits, signed.
    Int,
    /// Minor units, or another number that may have 128 bits.
    Minor,
    /// Text.
    Text,
    /// Yes or no.
    Flag,
}

impl Kind {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Int => "int",
            Self::Minor => "minor",
            Self::Text => "text",
            Self::Flag => "flag",
        }
    }
}

/// How a table grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Growth {
    /// Rows are added and never change.
    Adds,
    /// A row is written over by the next one with its key.
    Writes,
    /// A row is added once; of its columns those behind the first `fixed` change.
    Changes {
        /// Columns that never change, from the first on.
        fixed: usize,
    },
}

/// One column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ColumnSpec {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// What it means, with its unit.
    pub doc: &'static str,
}

/// One table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableSpec {
    /// Its name.
    pub name: &'static str,
    /// What a row is.
    pub doc: &'static str,
    /// Columns of the key, from the first on.
    pub key: usize,
    /// How it grows.
    pub growth: Growth,
    /// Its columns.
    pub columns: &'static [ColumnSpec],
}

macro_rules! tables {
    ($(
        #[doc = $doc:literal]
        $id:ident $name:literal, key $key:literal, $growth:expr;
        { $( $column:ident: $kind:ident $column_doc:literal, )+ }
    )+) => {
        /// A table.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(usize)]
        pub enum TableId {
            $( #[doc = $doc] $id, )+
        }

        /// Every table, in the order of [`TableId`].
        pub const TABLES: &[TableSpec] = &[ $( TableSpec {
            name: $name,
            doc: $doc,
            key: $key,
            growth: $growth,
            columns: &[ $( ColumnSpec {
                name: stringify!($column), kind: Kind::$kind, doc: $column_doc,
            }, )+ ],
        }, )+ ];
    };
}

impl TableId {
    /// What the table is.
    pub const fn spec(self) -> &'static TableSpec {
        &TABLES[self as usize]
    }
}

tables! {
    /// An asset.
    Assets "assets", key 1, Growth::Adds; {
        asset: Int "its id",
        name: Text "its name",
        scale: Int "decimals of the minor unit",
        seq: Int "where it was created",
    }

    /// An instrument as it is now.
    Instruments "instruments", key 1, Growth::Changes { fixed: 12 }; {
        instrument: Int "its id",
        symbol: Text "its name",
        base: Int "the asset that is bought and sold",
        quote: Int "the asset that it is priced in",
        tick_minor: Int "quote minor units of one tick on one whole base unit",
        lot_minor: Int "base minor units of one lot",
        min_qty: Int "smallest order, in lots",
        max_qty: Int "largest order, in lots",
        min_notional: Minor "smallest notional, in quote minor units",
        maker_fee_ppm: Int "fee of the resting side, in millionths",
        taker_fee_ppm: Int "fee of the arriving side, in millionths",
        created_seq: Int "where it was listed",
        version: Int "how often it was configured",
        matching: Text "how a level is shared",
        reference: Text "what prices are measured against",
        collar_ppm: Int "how far a limit may be from the reference; 0: any",
        slippage_ppm: Int "how far a market order may go from it; 0: any",
        band_ppm: Int "how far a trade may be from it before an auction; 0: any",
        auction_ns: Int "how long such an auction lasts",
        auction_fee_ppm: Int "fee of both sides in an auction, in millionths",
        state: Text "what it takes now",
        state_reason: Text "why",
        until_ns: Int "when that ends by itself; 0: never",
        auction_start_ns: Int "when the next call begins; 0: none is planned",
        auction_end_ns: Int "when it ends; 0: none is planned",
        seq: Int "the last change",
    }

    /// A group of accounts.
    Groups "account_groups", key 1, Growth::Adds; {
        group_id: Int "its id",
        name: Text "its name",
        seq: Int "where it was created",
    }

    /// An account as it is now.
    Accounts "accounts", key 1, Growth::Changes { fixed: 4 }; {
        account: Int "its id",
        name: Text "its name",
        created_seq: Int "where it was opened",
        created_ns: Int "when",
        group_id: Int "the group whose limits bind it; 0: none",
        trade_group: Int "its trade group; 0: none",
        seq: Int "the last change",
    }

    /// A key as it is now, without what proves it.
    Keys "keys", key 1, Growth::Changes { fixed: 8 }; {
        key_index: Int "its index",
        key_id: Text "its public name",
        account: Int "whose",
        scheme: Text "how it is proved",
        permissions: Int "permission bits",
        label: Text "what it is for",
        expire_ns: Int "from when on it is refused; 0: never",
        created_seq: Int "where it was made",
        state: Text "active, waits or revoked",
        accounts: Text "ids that it may act for beside its own, with commas between",
        instruments: Text "ids that it may trade, with commas between; none: all",
        networks: Text "where it may come from, 17 bytes each, in hexadecimal; none: anywhere",
        seq: Int "the last change",
    }

    /// An order as it is now.
    Orders "orders", key 1, Growth::Changes { fixed: 11 }; {
        order_id: Int "its id",
        account: Int "whose",
        instrument: Int "in which instrument",
        side: Text "buy or sell",
        order_type: Text "limit or market",
        tif: Text "how long it stands",
        post_only: Flag "whether it may only make",
        notional: Minor "what it may trade for, in quote minor units; 0 but for a market order by notional",
        client_order_id: Text "the client's id",
        accepted_seq: Int "where it was accepted",
        accepted_ns: Int "when",
        qty: Int "its total, in lots",
        price: Int "its limit, in ticks; 0: none",
        state: Text "where it stands",
        reason: Text "why it closed; empty while it has not",
        filled: Int "what is filled of it, in lots",
        remaining: Int "what is left of it, in lots",
        closed_seq: Int "where it closed; 0: not yet",
        closed_ns: Int "when; 0: not yet",
        seq: Int "the last change",
        time_ns: Int "when",
    }

    /// The terms of an order that has some beyond the plain, as it was accepted with them.
    Terms "order_terms", key 1, Growth::Adds; {
        order_id: Int "the order",
        seq: Int "where it was accepted",
        self_trade: Text "what happens where it would trade with its own",
        trigger_type: Text "what makes it act",
        trigger_on: Text "which price the trigger looks at",
        trigger_price: Int "where it acts, in ticks; 0: none, or it makes its own",
        trail: Int "how far it stays behind, in ticks or basis points",
        display_qty: Int "how much the book shows at a time, in lots; 0: all",
        min_qty: Int "the least that must be filled at once, in lots; 0: none",
        peg: Text "what its price follows",
        peg_offset: Int "how far above, in ticks",
        reduce_only: Flag "whether it may only make the position smaller",
        expire_ns: Int "when it expires; 0: not by itself",
    }

    /// A list of orders that belong together.
    Lists "order_lists", key 1, Growth::Adds; {
        list_id: Int "the order id of leg 0",
        seq: Int "where it was placed",
        account: Int "whose",
        instrument: Int "in which instrument",
        kind: Text "how they belong together",
        leg_1: Int "the order id of leg 1",
        leg_2: Int "the order id of leg 2; 0: none",
    }

    /// What happened to an order, fills apart. A number that the event does not say is 0.
    OrderEvents "order_events", key 2, Growth::Adds; {
        seq: Int "the record",
        item: Int "which of its events, from 0",
        time_ns: Int "when",
        order_id: Int "the order",
        account: Int "whose",
        instrument: Int "in which instrument",
        kind: Text "what happened",
        qty: Int "its total from then on, in lots",
        price: Int "in ticks",
        filled: Int "what was filled of it, in lots",
        remaining: Int "what was left of it, in lots",
        detail: Text "why it closed; whether an amendment kept its place",
    }

    /// A trade as one of its two orders sees it.
    Fills "fills", key 2, Growth::Adds; {
        seq: Int "the record",
        item: Int "which of its events, from 0",
        time_ns: Int "when",
        order_id: Int "the order",
        account: Int "whose",
        instrument: Int "in which instrument",
        trade_id: Int "the trade",
        side: Text "buy or sell",
        role: Text "maker or taker",
        price: Int "in ticks",
        qty: Int "in lots",
        notional: Minor "in quote minor units",
        fee: Minor "in quote minor units; negative for a rebate",
        filled: Int "what was filled of the order then, in lots",
        remaining: Int "what was left of it, in lots",
        client_order_id: Text "the client's id",
    }

    /// A trade as the market sees it.
    Trades "trades", key 2, Growth::Adds; {
        instrument: Int "in which instrument",
        trade_id: Int "its id, consecutive",
        seq: Int "the record",
        time_ns: Int "when",
        price: Int "in ticks",
        qty: Int "in lots",
        taker_side: Text "the side that arrived",
        maker_order_id: Int "the order that rested",
        taker_order_id: Int "the order that arrived",
    }

    /// Money that went from one to another: an entry of a double-entry ledger. Nobody changes one.
    Ledger "ledger", key 2, Growth::Adds; {
        seq: Int "the record",
        item: Int "which of its entries, from 0",
        time_ns: Int "when",
        asset: Int "which asset",
        debit: Int "the account that gave; 0: outside, -1: the house's fees",
        credit: Int "the account that got; likewise",
        amount: Minor "in minor units, above 0",
        kind: Text "deposit, withdrawal, trade, fee or rebate",
        instrument: Int "of the trade; 0: none",
        trade_id: Int "the trade; 0: none",
        order_id: Int "the order for which it was paid; 0: none",
    }

    /// A balance as it is now.
    Balances "balances", key 2, Growth::Writes; {
        account: Int "whose",
        asset: Int "which asset",
        available: Minor "what may be spent, in minor units",
        held: Minor "what open orders hold, in minor units",
        seq: Int "the last change",
        time_ns: Int "when",
    }

    /// A position as it is now.
    Positions "positions", key 2, Growth::Writes; {
        account: Int "whose",
        instrument: Int "in which instrument",
        qty: Int "net lots; negative for short",
        cost: Minor "what it was entered for, in quote minor units, of the sign of qty",
        realised: Minor "profit realised, before fees, in quote minor units",
        fees: Minor "fees paid, less rebates, in quote minor units",
        seq: Int "the last change",
        time_ns: Int "when",
    }

    /// A withdrawal that needed a second person, as it is now.
    Withdrawals "withdrawals", key 1, Growth::Changes { fixed: 8 }; {
        withdrawal_id: Int "the seq of its request",
        account: Int "whose",
        asset: Int "which asset",
        amount: Minor "how much, in minor units",
        request_id: Text "the request's id, a number; 0: none",
        asked_by: Int "the key that asked; 0: the node itself",
        asked_ns: Int "when",
        expire_ns: Int "when it expires",
        state: Text "waits, approved, rejected, cancelled or expired",
        ended_by: Int "the key that ended it; 0: the node itself, or it waits",
        seq: Int "the last change",
        time_ns: Int "when",
    }

    /// What was done to the venue, its accounts, keys, limits and money, and by whom.
    Audit "audit", key 2, Growth::Adds; {
        seq: Int "the record",
        item: Int "which of its events, from 0",
        time_ns: Int "when",
        kind: Text "the event",
        account: Int "for whom the command was; 0: nobody in particular",
        key_index: Int "the key that asked; 0: the node itself",
        node: Int "where it came in",
        details: Text "the event's fields, as JSON",
    }

    /// A command that was refused.
    Rejects "rejects", key 2, Growth::Adds; {
        seq: Int "the record",
        item: Int "which of its events, from 0",
        time_ns: Int "when",
        account: Int "for whom the command was",
        key_index: Int "the key that asked; 0: the node itself",
        code: Text "why",
        field: Text "which field or limit",
        unit: Text "the unit of the two numbers",
        value: Minor "the offending value",
        bound: Minor "what it broke; 0: nothing",
        client_order_id: Text "the client's id of the order",
    }
}
