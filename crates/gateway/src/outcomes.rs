//! What becomes of a command once the log has delivered it: the reply, the private messages, and
//! what the public feeds will say at their next publication.

use crate::batch::{Batch, ConnId, Entry, Waiter};
use crate::book_feed::{BookFeed, Levels};
use crate::conn::Subscription;
use crate::hub::Hub;
use crate::public_feed::{BookGroup, BookListener, InstrumentFeeds, StatusChange};
use crate::view::CoreView;
use coulisse_types::event::OrderState;
use coulisse_types::{AccountId, AssetId, Command, Event, InstrumentId, RecordHeader, Seq, Side};
use coulisse_wire::InstrumentTable;
use coulisse_wire::native::feed::{
    DeltaHead, TradeRow, book_crc, status_of, write_balances_image, write_book_delta,
    write_book_image, write_fills_image, write_orders_image, write_positions_image,
    write_private_delta, write_risk_image, write_status_delta, write_status_image, write_trades,
};
use coulisse_wire::native::reply::{self, Stamps, Units, write_outcome};
use coulisse_wire::native::{Channel, CommandOutcome};

/// Bytes of a reply behind its `t_out`: the ends of `result` and of the reply.
const REPLY_TAIL_BYTES: usize = 2;
/// Stands for `t_out` until the reply leaves: as many digits as the time will have.
const DEPARTURE_PENDING_US: i64 = 1_000_000_000_000_000;
/// Trades in the image that a subscriber of the trades gets first.
const TRADES_IMAGE_COUNT: usize = 50;

impl Hub {
    /// Takes what a record caused, live and on replay: keeps the tables and the places of the
    /// feeds, and tells the private channels.
    pub fn deliver(&mut self, header: &RecordHeader, events: &[Event], view: &impl CoreView) {
        for event in events {
            match event {
                Event::AssetCreated(_) | Event::GroupCreated(_) => self.instruments.apply(event),
                Event::InstrumentCreated(created) => {
                    self.instruments.apply(event);
                    let count = created.instrument.0 as usize + 1;
                    self.feeds.resize_with(count.max(self.feeds.len()), InstrumentFeeds::default);
                }
                Event::LevelChanged(changed) => {
                    self.feeds[changed.instrument.0 as usize].book_changed = true;
                }
                Event::Traded(traded) => {
                    self.feeds[traded.instrument.0 as usize].traded(TradeRow {
                        trade_id: traded.trade_id.0,
                        price: traded.price,
                        qty: traded.qty,
                        taker_side: traded.taker_side,
                        seq: header.seq.0,
                        time_us: header.time_ns.div_euclid(1_000),
                    });
                }
                Event::KeyRevoked(revoked) => {
                    self.end_sessions_of(revoked.key, header.seq, "the key was revoked");
                    if let Some(secrets) = self.secrets.as_mut() {
                        secrets.shred(&revoked.key_id);
                    }
                }
                Event::KeyBound(bound) => {
                    let reason = "the key was bound anew: log on again";
                    self.end_sessions_of(bound.key, header.seq, reason);
                }
                _ => self.note_status(header, event),
            }
        }
        self.key_use.note(header.key, header.time_ns.div_euclid(1_000));
        self.tell(header, events, view);
    }

    /// Keeps what changes the status of an instrument for the next publication.
    fn note_status(&mut self, header: &RecordHeader, event: &Event) {
        let Some(instrument) = status_of(event) else { return };
        let time_us = header.time_ns.div_euclid(1_000);
        if let Some(feed) = self.feeds.get_mut(instrument.0 as usize) {
            feed.status_changed(StatusChange { seq: header.seq, time_us, event: *event });
        }
    }

    /// Tells those who listen to the private channels that the record touched.
    fn tell(&mut self, header: &RecordHeader, events: &[Event], view: &impl CoreView) {
        let mut touched = std::mem::take(&mut self.touched);
        self.private.touch(header.seq, events, &mut touched);
        for one in touched.drain(..) {
            let Some(name) = view.account_name(one.account) else { continue };
            let head = DeltaHead {
                account: one.account,
                account_name: name.as_str(),
                group: self.private.group(one.account),
                prev: one.prev.0,
                seq: header.seq.0,
                time_us: header.time_ns.div_euclid(1_000),
            };
            let mut message = std::mem::take(&mut self.message);
            message.clear();
            if write_private_delta(&mut message, one.channel, &head, events, &self.instruments) {
                let listeners = self.private.listeners(one.account, one.channel).to_vec();
                for listener in listeners {
                    self.write(listener, header.seq, |out| out.extend_from_slice(&message));
                }
            }
            self.message = message;
        }
        self.touched = touched;
    }

    /// Replies to the session that sent the command.
    ///
    /// `view` is the core right after the record.
    pub fn reply(
        &mut self,
        batch: &Batch,
        entry: &Entry,
        header: &RecordHeader,
        events: &[Event],
        view: &impl CoreView,
    ) {
        let Waiter::Session(id) = entry.waiter else { return };
        let mut outcome = CommandOutcome::from_events(&entry.command, events);
        // The events of an amendment do not say whether the order is on a book.
        if let (Command::OrderAmend(_), CommandOutcome::Order(order)) =
            (&entry.command, &mut outcome)
            && order.state == OrderState::Open
            && view.is_waiting(order.order_id)
        {
            order.state = OrderState::Waiting;
        }
        let tail = match outcome {
            CommandOutcome::Rejected(_) => None,
            _ => Some(REPLY_TAIL_BYTES),
        };
        let stamps = Stamps {
            seq: header.seq.0,
            in_us: entry.received_us,
            log_us: header.time_ns.div_euclid(1_000),
            out_us: DEPARTURE_PENDING_US,
        };
        let table = std::mem::take(&mut self.instruments);
        let secret = batch.secret(header.origin.index.into());
        let secret = secret.map(|secret| reply::Secret(secret.as_slice()));
        let units = Units { secret, ..units_of(&table, entry) };
        self.write_departing(id, header.seq, tail, |out| {
            write_outcome(out, batch.id(entry), &outcome, &stamps, &units);
        });
        self.instruments = table;
    }

    /// Sends the public feeds what has changed since the last call.
    pub fn publish(&mut self, view: &impl CoreView) {
        self.age();
        let mut feeds = std::mem::take(&mut self.feeds);
        for (index, feed) in (0_u32..).zip(&mut feeds) {
            let instrument = InstrumentId(index);
            self.publish_trades(instrument, feed, view.seq());
            self.publish_status(instrument, feed, view.seq());
            let changed = std::mem::take(&mut feed.book_changed);
            for group in &mut feed.groups {
                if changed || group.listeners.iter().any(|listener| listener.stale) {
                    self.publish_book(instrument, group, view);
                }
            }
        }
        self.feeds = feeds;
    }

    fn publish_trades(&mut self, instrument: InstrumentId, feed: &mut InstrumentFeeds, seq: Seq) {
        let trades = feed.take_unpublished();
        let Some(info) = self.instruments.instrument(instrument).copied() else { return };
        for of_one_seq in trades.chunk_by(|one, next| one.seq == next.seq) {
            let Some(first) = of_one_seq.first() else { continue };
            let mut message = std::mem::take(&mut self.message);
            message.clear();
            let prev = feed.published_seq.0;
            write_trades(&mut message, &info, Some(prev), first.seq, of_one_seq.iter().copied());
            feed.published_seq = Seq(first.seq);
            for listener in &feed.trade_listeners {
                self.write(*listener, seq, |out| out.extend_from_slice(&message));
            }
            self.message = message;
        }
        feed.recycle(trades);
    }

    fn publish_status(&mut self, instrument: InstrumentId, feed: &mut InstrumentFeeds, seq: Seq) {
        let changes = feed.take_status();
        let Some(info) = self.instruments.instrument(instrument).copied() else { return };
        for of_one_seq in changes.chunk_by(|one, next| one.seq == next.seq) {
            let Some(first) = of_one_seq.first() else { continue };
            let mut message = std::mem::take(&mut self.message);
            message.clear();
            let at = (feed.status_published.0, first.seq.0);
            let events = of_one_seq.iter().map(|change| change.event);
            write_status_delta(&mut message, &info, at, first.time_us, events);
            feed.status_published = first.seq;
            for listener in &feed.status_listeners {
                self.write(*listener, seq, |out| out.extend_from_slice(&message));
            }
            self.message = message;
        }
    }

    /// Brings one book and its listeners to where the core is.
    fn publish_book(
        &mut self,
        instrument: InstrumentId,
        group: &mut BookGroup,
        view: &impl CoreView,
    ) {
        let Some(info) = self.instruments.instrument(instrument).copied() else { return };
        let seq = view.seq();
        let depth = group.depth;
        let prev = group.feed.advance(seq, |levels| read_levels(view, instrument, depth, levels));
        let mut delta = std::mem::take(&mut self.message);
        delta.clear();
        let sent = group.feed.sent();
        if let Some(prev) = prev {
            let crc = book_crc(&info, &sent.bids, &sent.asks);
            let changes = group.feed.delta();
            write_book_delta(&mut delta, &info, (prev.0, seq.0), &changes.bids, &changes.asks, crc);
        }
        for listener in &mut group.listeners {
            let paused = self.conn(listener.conn).is_none_or(|conn| conn.paused);
            if paused {
                // It reads too slowly for deltas. Once it reads again it gets the newest state.
                listener.stale |= prev.is_some();
            } else if std::mem::take(&mut listener.stale) {
                let at = group.feed.seq().0;
                let epoch = self.epoch;
                self.write(listener.conn, seq, |out| {
                    write_book_image(out, &info, epoch, at, &sent.bids, &sent.asks);
                });
            } else if prev.is_some() {
                self.write(listener.conn, seq, |out| out.extend_from_slice(&delta));
            }
        }
        self.message = delta;
    }

    /// Whether a subscription cannot go on from `from_seq` without a gap, and has no image that
    /// would make up for it.
    pub(crate) fn is_too_old(&self, subscription: Subscription, from_seq: Seq) -> bool {
        match subscription {
            Subscription::Private { account, channel: Channel::Fills } => {
                from_seq < self.private.at(account, Channel::Fills)
            }
            // A book, and what orders and balances there are, can always be shown whole; the
            // trades' image shows the latest.
            _ => false,
        }
    }

    /// Adds a listener and sends it the image that its deltas follow.
    pub(crate) fn start_subscription(
        &mut self,
        id: ConnId,
        subscription: Subscription,
        view: &impl CoreView,
    ) {
        match subscription {
            Subscription::Book { instrument, depth } => {
                self.start_book(id, instrument, depth, view);
            }
            Subscription::Trades { instrument } => self.start_trades(id, instrument, view.seq()),
            Subscription::Status { instrument } => self.start_status(id, instrument, view),
            Subscription::Private { account, channel } => {
                self.private.listen(account, channel, id);
                self.start_private(id, account, channel, view);
            }
        }
    }

    /// Sends a new listener of a private channel its image.
    fn start_private(
        &mut self,
        id: ConnId,
        account: AccountId,
        channel: Channel,
        view: &impl CoreView,
    ) {
        let Some(name) = view.account_name(account) else { return };
        let (seq, at) = (view.seq(), self.private.at(account, channel).0);
        let table = std::mem::take(&mut self.instruments);
        match channel {
            Channel::Orders => {
                let mut orders = Vec::new();
                view.open_orders(account, None, &mut orders);
                self.write(id, seq, |out| {
                    write_orders_image(out, name.as_str(), at, orders, &table);
                });
            }
            Channel::Balances => {
                let mut balances = Vec::new();
                view.balances(account, &mut balances);
                self.write(id, seq, |out| {
                    write_balances_image(out, name.as_str(), at, balances, &table);
                });
            }
            Channel::Fills => {
                self.write(id, seq, |out| write_fills_image(out, name.as_str(), at));
            }
            Channel::Positions => {
                let mut positions = Vec::new();
                view.positions(account, &mut positions);
                self.write(id, seq, |out| {
                    write_positions_image(out, name.as_str(), at, &positions, &table);
                });
            }
            Channel::Risk => {
                let mut events = Vec::new();
                view.risk(account, &mut events);
                let head = DeltaHead {
                    account,
                    account_name: name.as_str(),
                    group: self.private.group(account),
                    prev: 0,
                    seq: at,
                    time_us: 0,
                };
                self.write(id, seq, |out| write_risk_image(out, &head, &events, &table));
            }
            Channel::Book | Channel::Trades | Channel::Status => {}
        }
        self.instruments = table;
    }

    fn start_book(
        &mut self,
        id: ConnId,
        instrument: InstrumentId,
        depth: usize,
        view: &impl CoreView,
    ) {
        let mut feeds = std::mem::take(&mut self.feeds);
        if let Some(feed) = feeds.get_mut(instrument.0 as usize) {
            let known = feed.groups.iter().position(|group| group.depth == depth);
            let index = known.unwrap_or_else(|| {
                let mut levels = Levels::default();
                read_levels(view, instrument, depth, &mut levels);
                let book = BookFeed::new(levels, view.seq());
                feed.groups.push(BookGroup { depth, feed: book, listeners: Vec::new() });
                feed.groups.len() - 1
            });
            let group = &mut feed.groups[index];
            // The others learn first what the newcomer's image will show.
            self.publish_book(instrument, group, view);
            group.listeners.retain(|listener| listener.conn != id);
            group.listeners.push(BookListener { conn: id, stale: false });
            let sent = group.feed.sent();
            let (at, epoch) = (group.feed.seq().0, self.epoch);
            if let Some(info) = self.instruments.instrument(instrument).copied() {
                self.write(id, view.seq(), |out| {
                    write_book_image(out, &info, epoch, at, &sent.bids, &sent.asks);
                });
            }
        }
        self.feeds = feeds;
    }

    fn start_trades(&mut self, id: ConnId, instrument: InstrumentId, seq: Seq) {
        let mut feeds = std::mem::take(&mut self.feeds);
        let info = self.instruments.instrument(instrument).copied();
        if let (Some(feed), Some(info)) = (feeds.get_mut(instrument.0 as usize), info) {
            self.publish_trades(instrument, feed, seq);
            if !feed.trade_listeners.contains(&id) {
                feed.trade_listeners.push(id);
            }
            let mut latest: Vec<TradeRow> = feed.latest(TRADES_IMAGE_COUNT).copied().collect();
            latest.reverse();
            let at = feed.trades_seq.0;
            self.write(id, seq, |out| write_trades(out, &info, None, at, latest));
        }
        self.feeds = feeds;
    }

    fn start_status(&mut self, id: ConnId, instrument: InstrumentId, view: &impl CoreView) {
        let mut feeds = std::mem::take(&mut self.feeds);
        let info = self.instruments.instrument(instrument).copied();
        if let (Some(feed), Some(info)) = (feeds.get_mut(instrument.0 as usize), info) {
            self.publish_status(instrument, feed, view.seq());
            if !feed.status_listeners.contains(&id) {
                feed.status_listeners.push(id);
            }
            let (at, status) = (feed.status_seq.0, view.status(instrument));
            self.write(id, view.seq(), |out| write_status_image(out, &info, at, &status));
        }
        self.feeds = feeds;
    }

    /// Removes a listener.
    pub(crate) fn drop_subscription(&mut self, id: ConnId, subscription: Subscription) {
        match subscription {
            Subscription::Book { instrument, depth } => {
                if let Some(feed) = self.feeds.get_mut(instrument.0 as usize) {
                    feed.leave_book(id, depth);
                }
            }
            Subscription::Trades { instrument } => {
                if let Some(feed) = self.feeds.get_mut(instrument.0 as usize) {
                    feed.leave_trades(id);
                }
            }
            Subscription::Status { instrument } => {
                if let Some(feed) = self.feeds.get_mut(instrument.0 as usize) {
                    feed.leave_status(id);
                }
            }
            Subscription::Private { account, channel } => {
                self.private.leave(account, channel, id);
            }
        }
    }

    /// The latest trades of an instrument, newest first.
    pub fn latest_trades(&self, instrument: InstrumentId, count: usize) -> Vec<TradeRow> {
        self.feeds
            .get(instrument.0 as usize)
            .map_or_else(Vec::new, |feed| feed.latest(count).copied().collect())
    }
}

/// Fills `levels` with the best `depth` levels of both sides; 0: all.
pub fn read_levels(
    view: &impl CoreView,
    instrument: InstrumentId,
    depth: usize,
    levels: &mut Levels,
) {
    view.levels(instrument, Side::Buy, depth, &mut levels.bids);
    view.levels(instrument, Side::Sell, depth, &mut levels.asks);
}

/// What the numbers of a command's reply mean.
fn units_of<'t>(table: &'t InstrumentTable, entry: &'t Entry) -> Units<'t> {
    let asset = match entry.command {
        Command::Deposit(deposit) => deposit.asset,
        Command::Withdraw(withdraw) => withdraw.asset,
        Command::FeeTierSet(tier) => tier.asset,
        _ => AssetId(0),
    };
    let request_id = entry.request_id;
    let of = Units::of(table, entry.instrument);
    Units { asset, request_id, command: Some(&entry.command), ..of }
}
