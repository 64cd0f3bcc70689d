//! The public streams: what a record tells them, what is published from time to time, and the slices
//! in which all of it is sent.
//!
//! Invariant: an image is the state after all that its stream was told so far, and its listener gets
//! nothing that was told before it.

use crate::batch::ConnId;
use crate::book_feed::{BookFeed, Levels};
use crate::conn::{Conn, Stage};
use crate::fan::{FanId, Fans, Topic, Turn};
use crate::hub::{Hub, Image, Sink};
use crate::l3::OrderFeed;
use crate::limits::{HELD_BYTES_MAX, SWEEP_SENDS_MAX, SWEEP_SENDS_MIN, SWEEP_SENDS_PER_LOOK};
use crate::public_feed::{BookGroup, InstrumentFeeds};
use crate::resume::{STATUS_LINK, TRADES_LINK};
use crate::ring::{Link, LinkKey};
use crate::view::CoreView;
use coulisse_types::{Event, InstrumentId, Price, Qty, RecordHeader, Seq, Side};
use coulisse_wire::InstrumentInfo;
use coulisse_wire::limits::BOOK_LEVELS_MAX;
use coulisse_wire::native::feed::{
    Candle, CandleInterval, FillRow, Ticker, TradeRow, book_crc, status_of, write_book_delta,
    write_book_image, write_candles, write_instruments, write_l3_delta, write_l3_image,
    write_status_delta, write_status_image, write_ticker, write_trades,
};

/// Trades in the image that a subscriber of the trades gets first.
const TRADES_IMAGE_COUNT: usize = 50;
/// Listeners that get nothing for which one is counted that does.
const IDLE_TURNS_PER_SEND: usize = 16;

impl Hub {
    /// Keeps what a record says to everyone and its fills, and tells the streams that tell each record. Ends
    /// the sessions of keys that it takes away: one look at its events for all.
    pub(crate) fn tell_public(
        &mut self,
        header: &RecordHeader,
        events: &[Event],
        view: &impl CoreView,
    ) {
        self.time_us = header.time_ns.div_euclid(1_000);
        for event in events {
            match event {
                Event::AssetCreated(_) | Event::GroupCreated(_) => self.instruments.apply(event),
                Event::InstrumentCreated(created) => {
                    self.instruments.apply(event);
                    let count = created.instrument.0 as usize + 1;
                    self.feeds.resize_with(count.max(self.feeds.len()), InstrumentFeeds::default);
                    self.tell_listed(created.instrument, header.seq);
                }
                Event::LevelChanged(changed) => {
                    if self.feeds[changed.instrument.0 as usize].level_changed() {
                        self.note_moved(changed.instrument);
                    }
                }
                Event::Traded(traded) => {
                    let feed = &mut self.feeds[traded.instrument.0 as usize];
                    if feed.trades_seq != header.seq {
                        let key = LinkKey { stream: TRADES_LINK, id: traded.instrument.0 };
                        self.links.push(Link { key, prev: feed.trades_seq });
                    }
                    feed.traded(trade_row(header, traded));
                    if feed.trades_fan.is_some() {
                        self.note_moved(traded.instrument);
                    }
                }
                Event::OrderFilled(fill) => {
                    self.fills.note(FillRow {
                        fill: *fill,
                        seq: header.seq.0,
                        time_us: self.time_us,
                    });
                }
                Event::CancelOnDisconnectSet(set) => self.note_armed(set),
                Event::KeyRevoked(_)
                | Event::KeyBound(_)
                | Event::PasswordChanged(_)
                | Event::SessionEnded(_) => self.note_key(event, header),
                _ => self.note_status(header, event),
            }
        }
        let mut moved = std::mem::take(&mut self.moved);
        for instrument in moved.drain(..) {
            self.tell_moved(instrument, header, events, view);
        }
        self.moved = moved;
    }

    fn note_moved(&mut self, instrument: InstrumentId) {
        if !self.moved.contains(&instrument) {
            self.moved.push(instrument);
        }
    }

    fn note_status(&mut self, header: &RecordHeader, event: &Event) {
        let Some(instrument) = status_of(event) else { return };
        let Some(feed) = self.feeds.get_mut(instrument.0 as usize) else { return };
        let prev = std::mem::replace(&mut feed.status_seq, header.seq);
        if prev != header.seq {
            let key = LinkKey { stream: STATUS_LINK, id: instrument.0 };
            self.links.push(Link { key, prev });
        }
        if feed.status_fan.is_some() {
            self.note_moved(instrument);
        }
    }

    fn tell_listed(&mut self, instrument: InstrumentId, seq: Seq) {
        let prev = std::mem::replace(&mut self.instruments_seq, seq).0;
        if let Some(fan) = self.instruments_fan {
            let info = self.instruments.instrument(instrument);
            self.fans.tell(fan, seq, |out| write_instruments(out, Some(prev), seq.0, info));
        }
    }

    /// Tells the streams of an instrument that tell each record.
    fn tell_moved(
        &mut self,
        instrument: InstrumentId,
        header: &RecordHeader,
        events: &[Event],
        view: &impl CoreView,
    ) {
        let Some(info) = self.instruments.instrument(instrument).copied() else { return };
        let feed = &mut self.feeds[instrument.0 as usize];
        let fans = &mut self.fans;
        let is_changed = |event: &Event| match event {
            Event::LevelChanged(changed) => changed.instrument == instrument,
            _ => false,
        };
        if events.iter().any(is_changed) {
            tell_books(feed, fans, &info, header.seq, events, view);
            tell_orders(feed, fans, &info, header.seq, events, view);
        }
        tell_trades(feed, fans, &info, header, events);
        tell_status(feed, fans, &info, header, events);
    }

    /// Brings the streams that are told of from time to time to where the core is.
    pub fn publish(&mut self, view: &impl CoreView) {
        self.age();
        let published: Vec<Topic> =
            self.fans.topics().map(|(topic, _)| topic).filter(|one| one.is_published()).collect();
        let mut fans = std::mem::take(&mut self.fans);
        for topic in published {
            // Where the last sweep is not over, the next one brings what is the newest then.
            let may_publish =
                fans.find(topic).and_then(|id| fans.get_mut(id)).is_some_and(|f| f.may_publish());
            if may_publish {
                self.bring_up(&mut fans, topic, view);
            }
        }
        fans.wake_stale();
        self.fans = fans;
    }

    /// Tells a stream what has happened since it was told last, if it tells from time to time.
    fn bring_up(&mut self, fans: &mut Fans, topic: Topic, view: &impl CoreView) {
        let instrument = topic.instrument();
        let Some(info) = self.instruments.instrument(instrument) else { return };
        let Some(feed) = self.feeds.get_mut(instrument.0 as usize) else { return };
        match topic {
            Topic::Book { depth, is_raw: false, .. } => {
                let group = feed.books.iter_mut().find(|g| g.depth == depth && !g.is_raw);
                if let Some(group) = group.filter(|group| group.is_dirty) {
                    group.is_dirty = false;
                    tell_book(group, fans, info, view.seq(), view);
                }
            }
            Topic::Ticker { .. } => {
                let now = ticker_now(feed, instrument, self.time_us, view);
                if let Some((fan, told)) = feed.ticker.as_mut().filter(|(_, told)| *told != now) {
                    *told = now;
                    let (prev, seq) = (told_at(fans, *fan), view.seq());
                    fans.tell(*fan, seq, |out| write_ticker(out, info, Some(prev), seq.0, &now));
                }
            }
            Topic::Candles { interval, .. } => {
                let Some((_, fan)) = feed.candle_fans.iter().find(|(one, _)| *one == interval)
                else {
                    return;
                };
                let (prev, seq) = (told_at(fans, *fan), feed.trades_seq);
                if prev < seq.0 {
                    let candles = feed.candles.latest(interval);
                    let fresh = candles.into_iter().filter(|candle| candle.seq > prev);
                    fans.tell(*fan, seq, |out| {
                        write_candles(out, info, interval, Some(prev), seq.0, fresh);
                    });
                }
            }
            _ => {}
        }
    }

    /// Adds a listener to a public stream, and sends it the image that its deltas follow.
    ///
    /// Where the stream tells from time to time and something has happened since, the image comes with what
    /// all the others are told next. To tell them at once would cost as many messages as there are
    /// listeners for each that comes: thousands that come back together would be told of little else.
    pub(crate) fn start_public(&mut self, id: ConnId, topic: Topic, view: &impl CoreView) {
        let mut fans = std::mem::take(&mut self.fans);
        if let Some(fan) = self.stream(&mut fans, topic, view) {
            if self.is_behind(&mut fans, topic, view) {
                fans.listen_late(fan, id);
            } else {
                if let Some(fan) = fans.get_mut(fan) {
                    fan.listen(id);
                }
                let mut image = Vec::new();
                self.write_image(topic, fan, &mut fans, view, &mut image);
                self.write(id, view.seq(), |out| out.extend_from_slice(&image));
            }
        }
        self.fans = fans;
    }

    /// Whether something has happened since a stream that tells from time to time was told last.
    fn is_behind(&self, fans: &mut Fans, topic: Topic, view: &impl CoreView) -> bool {
        let instrument = topic.instrument();
        let Some(feed) = self.feeds.get(instrument.0 as usize) else { return false };
        match topic {
            Topic::Book { depth, is_raw: false, .. } => {
                feed.books.iter().any(|g| g.depth == depth && !g.is_raw && g.is_dirty)
            }
            Topic::Ticker { .. } => feed
                .ticker
                .is_some_and(|(_, told)| told != ticker_now(feed, instrument, self.time_us, view)),
            Topic::Candles { interval, .. } => {
                let fan = feed.candle_fans.iter().find(|(one, _)| *one == interval);
                fan.is_some_and(|(_, fan)| told_at(fans, *fan) < feed.trades_seq.0)
            }
            _ => false,
        }
    }

    /// Adds a listener that has all that a public stream told so far.
    pub(crate) fn join_public(&mut self, id: ConnId, topic: Topic, view: &impl CoreView) {
        let mut fans = std::mem::take(&mut self.fans);
        let fan = self.stream(&mut fans, topic, view);
        if let Some(fan) = fan.and_then(|fan| fans.get_mut(fan)) {
            fan.listen(id);
        }
        self.fans = fans;
    }

    /// The stream of a topic, made where nobody listened to it; `None` where there is no such thing.
    fn stream(&mut self, fans: &mut Fans, topic: Topic, view: &impl CoreView) -> Option<FanId> {
        if let Some(known) = fans.find(topic) {
            return Some(known);
        }
        if topic == Topic::Instruments {
            let fan = fans.make(topic, self.instruments_seq);
            self.instruments_fan = Some(fan);
            return Some(fan);
        }
        let instrument = topic.instrument();
        let feed = self.feeds.get_mut(instrument.0 as usize)?;
        let told = match topic {
            Topic::Trades { .. } | Topic::Candles { .. } => feed.trades_seq,
            Topic::Status { .. } => feed.status_seq,
            _ => view.seq(),
        };
        let fan = fans.make(topic, told);
        match topic {
            Topic::Book { depth, is_raw, .. } => {
                let mut levels = Levels::default();
                read_levels(view, instrument, depth, &mut levels);
                let feed_of_it = BookFeed::new(levels, told);
                feed.books.push(BookGroup {
                    fan,
                    depth,
                    is_raw,
                    feed: feed_of_it,
                    is_dirty: false,
                });
            }
            Topic::BookL3 { .. } => {
                let mut orders = Vec::new();
                view.book_orders(instrument, &mut orders);
                feed.orders = Some((fan, OrderFeed::new(&orders)));
            }
            Topic::Ticker { .. } => {
                let now = ticker_now(feed, instrument, self.time_us, view);
                feed.ticker = Some((fan, now));
            }
            Topic::Candles { interval, .. } => feed.candle_fans.push((interval, fan)),
            Topic::Trades { .. } => feed.trades_fan = Some(fan),
            Topic::Status { .. } => feed.status_fan = Some(fan),
            Topic::Instruments => {}
        }
        Some(fan)
    }

    /// Appends the image of what a stream has told.
    fn write_image(
        &self,
        topic: Topic,
        fan: FanId,
        fans: &mut Fans,
        view: &impl CoreView,
        out: &mut Vec<u8>,
    ) {
        let seq = told_at(fans, fan);
        if topic == Topic::Instruments {
            return write_instruments(out, None, seq, self.instruments.instruments());
        }
        let instrument = topic.instrument();
        let Some(info) = self.instruments.instrument(instrument) else { return };
        let Some(feed) = self.feeds.get(instrument.0 as usize) else { return };
        match topic {
            Topic::Book { .. } => {
                let Some(group) = feed.books.iter().find(|group| group.fan == fan) else { return };
                let sent = group.feed.sent();
                write_book_image(out, info, self.epoch, group.feed.seq().0, &sent.bids, &sent.asks);
            }
            Topic::BookL3 { .. } => {
                let mut orders = Vec::new();
                view.book_orders(instrument, &mut orders);
                write_l3_image(out, info, self.epoch, seq, orders);
            }
            Topic::Ticker { .. } => {
                if let Some((_, told)) = &feed.ticker {
                    write_ticker(out, info, None, seq, told);
                }
            }
            Topic::Candles { interval, .. } => {
                write_candles(out, info, interval, None, seq, feed.candles.latest(interval));
            }
            Topic::Trades { .. } => {
                let mut latest: Vec<TradeRow> = feed.latest(TRADES_IMAGE_COUNT).copied().collect();
                latest.reverse();
                write_trades(out, info, None, seq, latest);
            }
            Topic::Status { .. } => write_status_image(out, info, seq, &view.status(instrument)),
            Topic::Instruments => {}
        }
    }

    /// Removes a listener of a public stream.
    pub(crate) fn leave_public(&mut self, id: ConnId, topic: Topic) {
        let Some(fan) = self.fans.find(topic) else { return };
        if self.fans.leave(fan, id) {
            if topic == Topic::Instruments {
                self.instruments_fan = None;
            } else if let Some(feed) = self.feeds.get_mut(topic.instrument().0 as usize) {
                feed.forget(topic, fan);
            }
        }
    }

    /// Gives some of those who listen what their streams were told.
    pub(crate) fn sweep(
        &mut self,
        durable: Seq,
        now_us: i64,
        view: &impl CoreView,
        sink: &mut impl Sink,
    ) {
        let mut fans = std::mem::take(&mut self.fans);
        let mut sends = SWEEP_SENDS_MAX;
        for _ in 0..fans.active_count() {
            if sends == 0 {
                break;
            }
            let Some(id) = fans.take_active() else { break };
            let may = fans.get_mut(id).is_some_and(|fan| fan.may_sweep(durable, now_us));
            if may {
                self.sweep_one(&mut fans, id, (durable, now_us), &mut sends, view, sink);
            } else {
                fans.wake(id);
            }
        }
        self.sweeps_on = sends == 0 && fans.active_count() > 0;
        self.fans = fans;
    }

    fn sweep_one(
        &mut self,
        fans: &mut Fans,
        id: FanId,
        (durable, now_us): (Seq, i64),
        sends: &mut usize,
        view: &impl CoreView,
        sink: &mut impl Sink,
    ) {
        let mut idle = 0;
        let mut image = Image::default();
        while *sends > 0 {
            let Some(fan) = fans.get_mut(id) else { return };
            let is_sent = match fan.turn(now_us) {
                Turn::Over => break,
                Turn::Nothing => false,
                Turn::Bytes(conn, from) => {
                    let (seq, bytes) = (fan.sending_seq(), fan.bytes(from));
                    match self.conn(conn) {
                        Some(conn) if conn.paused && fan.topic.conflates() => {
                            fan.mark_stale();
                            false
                        }
                        Some(&mut Conn { packs: Some(window), .. }) => {
                            if !self.pack(fan, window) {
                                // The rest of it is for the next turn of the loop, and all who wait for it.
                                fan.wait_turn();
                                *sends = 0;
                                break;
                            }
                            let bytes = fan.packed_bytes(window, from);
                            self.give(conn, bytes, (seq, durable, now_us), sink)
                        }
                        Some(_) => self.give(conn, bytes, (seq, durable, now_us), sink),
                        None => false,
                    }
                }
                Turn::Image(conn) => {
                    let at = (durable, now_us);
                    self.give_image(fans, id, (conn, at), &mut image, view, sink)
                }
            };
            if is_sent {
                *sends -= 1;
                let done = SWEEP_SENDS_MAX - *sends;
                let looks = done >= SWEEP_SENDS_MIN && done.is_multiple_of(SWEEP_SENDS_PER_LOOK);
                if looks && sink.is_urged() {
                    *sends = 0;
                }
            } else {
                idle += 1;
                *sends -= usize::from(idle % IDLE_TURNS_PER_SEND == 0);
            }
        }
        // Whoever is stale waits for the next publication: it may not read for long.
        if fans.get_mut(id).is_some_and(|fan| fan.is_under_way()) {
            fans.wake(id);
        }
    }

    /// Gives an image to a listener that was too slow, if it reads again.
    fn give_image(
        &mut self,
        fans: &mut Fans,
        id: FanId,
        (conn, (durable, now_us)): (ConnId, (Seq, i64)),
        image: &mut Image,
        view: &impl CoreView,
        sink: &mut impl Sink,
    ) -> bool {
        let Some(topic) = fans.get_mut(id).map(|fan| fan.topic) else { return false };
        let reads = |conn: &&mut Conn| !conn.paused && !conn.closing;
        let Some(packs) = self.conn(conn).filter(reads).map(|conn| conn.packs) else {
            return false;
        };
        if image.text.is_empty() {
            // Of what was told last: whoever was too slow is told no more often than the others.
            self.write_image(topic, id, fans, view, &mut image.text);
        }
        if let Some(fan) = fans.get_mut(id) {
            fan.mark_current();
        }
        let frame = self.frame_of(image, packs);
        self.give(conn, frame, (view.seq(), durable, now_us), sink)
    }

    /// Gives messages that are true at `seq` to a connection: at once where nothing stands before them,
    /// else behind that. Gives `false` where it is of no use.
    fn give(
        &mut self,
        id: ConnId,
        bytes: &[u8],
        (seq, durable, now_us): (Seq, Seq, i64),
        sink: &mut impl Sink,
    ) -> bool {
        let Some(conn) = self.conn(id).filter(|conn| !conn.closing) else { return false };
        let is_local = matches!(conn.stage, Stage::Local);
        if conn.held.is_empty() && !conn.paused && !is_local && seq <= durable {
            sink.send(id, bytes);
            return true;
        }
        if conn.held.len() >= HELD_BYTES_MAX && !is_local {
            self.cut_off(id, seq);
            return false;
        }
        conn.write_frames(seq.0, bytes);
        if !conn.paused {
            self.let_out_of(id, durable, now_us, sink);
        }
        if self.conn(id).is_some_and(|conn| !conn.held.is_empty()) {
            self.enqueue(id);
        }
        self.note_room(id);
        true
    }

    /// Lets out what is durable of what one connection is told.
    fn let_out_of(&mut self, id: ConnId, durable: Seq, now_us: i64, sink: &mut impl Sink) {
        let mut replied = std::mem::take(&mut self.tally.replied);
        if let Some(conn) = self.conn(id) {
            conn.held.release(durable.0, now_us, &mut replied, |bytes| sink.send(id, bytes));
        }
        self.tally.replied = replied;
    }

    /// Whether listeners of public streams wait for their turn: then the loop should come again soon.
    pub const fn sweeps_on(&self) -> bool {
        self.sweeps_on
    }

    /// Public streams that somebody listens to, and the bytes that they keep.
    pub fn streams_used(&self) -> (usize, usize) {
        self.fans.used()
    }

    /// The latest trades of an instrument, newest first.
    pub fn latest_trades(&self, instrument: InstrumentId, count: usize) -> Vec<TradeRow> {
        self.feeds
            .get(instrument.0 as usize)
            .map_or_else(Vec::new, |feed| feed.latest(count).copied().collect())
    }

    /// The latest candles of an instrument, oldest first.
    pub fn latest_candles(
        &self,
        instrument: InstrumentId,
        interval: CandleInterval,
        count: usize,
    ) -> Vec<Candle> {
        let Some(feed) = self.feeds.get(instrument.0 as usize) else { return Vec::new() };
        let latest = feed.candles.latest(interval);
        let skipped = latest.len().saturating_sub(count);
        latest.into_iter().skip(skipped).collect()
    }
}

fn told_at(fans: &mut Fans, fan: FanId) -> u64 {
    fans.get_mut(fan).map_or(0, |fan| fan.told.0)
}

fn trade_row(header: &RecordHeader, traded: &coulisse_types::event::Traded) -> TradeRow {
    TradeRow {
        trade_id: traded.trade_id.0,
        price: traded.price,
        qty: traded.qty,
        taker_side: traded.taker_side,
        seq: header.seq.0,
        time_us: header.time_ns.div_euclid(1_000),
    }
}

/// Tells the raw books of an instrument what a record changed.
fn tell_books(
    feed: &mut InstrumentFeeds,
    fans: &mut Fans,
    info: &InstrumentInfo,
    seq: Seq,
    events: &[Event],
    view: &impl CoreView,
) {
    for group in feed.books.iter_mut().filter(|group| group.is_raw) {
        if group.depth > 0 {
            tell_book(group, fans, info, seq, view);
            continue;
        }
        let level_of = |event: &Event| match event {
            Event::LevelChanged(one) if one.instrument == info.id => {
                Some((one.side, one.price, one.qty))
            }
            _ => None,
        };
        let changes: Vec<(Side, Price, Qty)> = events.iter().filter_map(level_of).collect();
        match group.feed.change(seq, &changes) {
            Ok(Some(prev)) => tell_delta(group, fans, info, (prev, seq)),
            Ok(None) => {}
            Err(_) => tell_book(group, fans, info, seq, view),
        }
    }
}

/// Moves a book to where the core is, and tells what that changed.
fn tell_book(
    group: &mut BookGroup,
    fans: &mut Fans,
    info: &InstrumentInfo,
    seq: Seq,
    view: &impl CoreView,
) {
    let depth = group.depth;
    let prev = group.feed.advance(seq, |levels| read_levels(view, info.id, depth, levels));
    if let Some(prev) = prev {
        tell_delta(group, fans, info, (prev, seq));
    }
}

fn tell_delta(group: &BookGroup, fans: &mut Fans, info: &InstrumentInfo, (prev, seq): (Seq, Seq)) {
    let (sent, delta) = (group.feed.sent(), group.feed.delta());
    let crc = book_crc(info, &sent.bids, &sent.asks);
    fans.tell(group.fan, seq, |out| {
        write_book_delta(out, info, (prev.0, seq.0), &delta.bids, &delta.asks, crc);
    });
}

fn tell_orders(
    feed: &mut InstrumentFeeds,
    fans: &mut Fans,
    info: &InstrumentInfo,
    seq: Seq,
    events: &[Event],
    view: &impl CoreView,
) {
    let Some((fan, orders)) = &mut feed.orders else { return };
    let mut changes = Vec::new();
    orders.advance(events, info.id, view, &mut changes);
    if !changes.is_empty() {
        let prev = told_at(fans, *fan);
        fans.tell(*fan, seq, |out| write_l3_delta(out, info, (prev, seq.0), changes));
    }
}

fn tell_trades(
    feed: &InstrumentFeeds,
    fans: &mut Fans,
    info: &InstrumentInfo,
    header: &RecordHeader,
    events: &[Event],
) {
    let Some(fan) = feed.trades_fan else { return };
    let of_it = |event: &Event| match event {
        Event::Traded(traded) if traded.instrument == info.id => Some(trade_row(header, traded)),
        _ => None,
    };
    let mut trades = events.iter().filter_map(of_it).peekable();
    if trades.peek().is_some() {
        let prev = told_at(fans, fan);
        let seq = header.seq;
        fans.tell(fan, seq, |out| write_trades(out, info, Some(prev), seq.0, trades));
    }
}

fn tell_status(
    feed: &InstrumentFeeds,
    fans: &mut Fans,
    info: &InstrumentInfo,
    header: &RecordHeader,
    events: &[Event],
) {
    let Some(fan) = feed.status_fan else { return };
    let of_it = |event: &&Event| status_of(event) == Some(info.id);
    let mut changes = events.iter().filter(of_it).copied().peekable();
    if changes.peek().is_some() {
        let (prev, seq) = (told_at(fans, fan), header.seq);
        let time_us = header.time_ns.div_euclid(1_000);
        fans.tell(fan, seq, |out| {
            write_status_delta(out, info, (prev, seq.0), time_us, changes);
        });
    }
}

fn ticker_now(
    feed: &InstrumentFeeds,
    instrument: InstrumentId,
    time_us: i64,
    view: &impl CoreView,
) -> Ticker {
    let mut levels = Levels::default();
    read_levels(view, instrument, 1, &mut levels);
    Ticker {
        bid: levels.bids.first().copied(),
        ask: levels.asks.first().copied(),
        last: feed.latest(1).next().copied(),
        day: feed.candles.day(time_us),
    }
}

/// Fills `levels` with the best `depth` levels of both sides; 0: all, as many as are ever shown.
pub fn read_levels(
    view: &impl CoreView,
    instrument: InstrumentId,
    depth: usize,
    levels: &mut Levels,
) {
    let depth = if depth == 0 { BOOK_LEVELS_MAX } else { depth };
    view.levels(instrument, Side::Buy, depth, &mut levels.bids);
    view.levels(instrument, Side::Sell, depth, &mut levels.asks);
}
