//! What becomes of a command once the log has delivered it: the reply, the private messages, and
//! what the public feeds will say at their next publication.

use crate::batch::{Batch, ConnId, Entry, Waiter};
use crate::conn::Subscription;
use crate::held::Departure;
use crate::hub::Hub;
use crate::view::CoreView;
use coulisse_types::event::OrderState;
use coulisse_types::{AccountId, AssetId, Command, Event, KeyScheme, RecordHeader};
use coulisse_wire::InstrumentTable;
use coulisse_wire::native::feed::{
    DeltaHead, write_balances_image, write_fills_image, write_orders_image, write_positions_image,
    write_private_delta, write_risk_image,
};
use coulisse_wire::native::reply::{self, Stamps, Units, write_outcome};
use coulisse_wire::native::{Channel, CommandOutcome};

/// Bytes of a reply behind its `t_out`: the ends of `result` and of the reply.
pub(crate) const REPLY_TAIL_BYTES: usize = 2;
/// Stands for `t_out` until the reply leaves: as many digits as the time will have.
pub(crate) const DEPARTURE_PENDING_US: i64 = 1_000_000_000_000_000;

impl Hub {
    /// Takes what a record caused, live and on replay: keeps the tables and the places of the
    /// feeds, and tells the private channels.
    pub fn deliver(&mut self, header: &RecordHeader, events: &[Event], view: &impl CoreView) {
        self.links.clear();
        self.tell_public(header, events, view);
        self.key_use.note(header.key, header.time_ns.div_euclid(1_000));
        self.tell(header, events, view);
        self.ring.push(header.seq, self.time_us, &self.links, events);
    }

    /// Tells those who listen to the private channels that the record touched.
    fn tell(&mut self, header: &RecordHeader, events: &[Event], view: &impl CoreView) {
        let mut touched = std::mem::take(&mut self.touched);
        self.private.touch(header.seq, events, &mut touched, &mut self.links);
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
        self.note_command(id.session, entry, header, &outcome, view);
        let log_us = header.time_ns.div_euclid(1_000);
        self.tally.queued.add(log_us.saturating_sub(entry.received_us), 1);
        self.tally.note(&outcome);
        if matches!(outcome, CommandOutcome::Rejected(_)) {
            self.unset_cancels(id, &entry.command);
        }
        if let Some(part) = batch.part(header.origin.index.into()) {
            self.gather(part, entry, &outcome, (header.seq, log_us));
            return;
        }
        let stamps = Stamps {
            seq: header.seq.0,
            in_us: entry.received_us,
            log_us,
            out_us: DEPARTURE_PENDING_US,
        };
        let table = std::mem::take(&mut self.instruments);
        let secret = batch.secret(header.origin.index.into());
        if secret.is_some() && matches!(outcome, CommandOutcome::Rejected(_)) {
            self.drop_secret(&entry.command);
        }
        let is_shown = matches!(&entry.command, Command::KeyIssue(issue) if issue.scheme == KeyScheme::HmacSha256);
        let secret = secret.filter(|_| is_shown).map(|secret| reply::Secret(secret.as_slice()));
        let units = Units { secret, ..units_of(&table, entry) };
        let departure = Departure { tail: REPLY_TAIL_BYTES, in_us: Some(entry.received_us) };
        self.write_departing(id, header.seq, Some(departure), |out| {
            write_outcome(out, batch.id(entry), &outcome, &stamps, &units);
        });
        self.instruments = table;
    }

    /// Adds a listener and sends it the image that its deltas follow.
    pub(crate) fn start_subscription(
        &mut self,
        id: ConnId,
        subscription: Subscription,
        view: &impl CoreView,
    ) {
        match subscription {
            Subscription::Public(topic) => self.start_public(id, topic, view),
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
            _ => {}
        }
        self.instruments = table;
    }

    /// Removes a listener.
    pub(crate) fn drop_subscription(&mut self, id: ConnId, subscription: Subscription) {
        self.end_resume(id, subscription);
        match subscription {
            Subscription::Public(topic) => self.leave_public(id, topic),
            Subscription::Private { account, channel } => {
                self.private.leave(account, channel, id);
            }
        }
    }
}

/// What the numbers of a command's reply mean.
pub(crate) fn units_of<'t>(table: &'t InstrumentTable, entry: &'t Entry) -> Units<'t> {
    let asset = match entry.command {
        Command::Deposit(deposit) => deposit.asset,
        Command::Withdraw(withdraw) => withdraw.asset,
        Command::WithdrawalCapSet(set) => set.asset,
        Command::FeeTierSet(tier) => tier.asset,
        _ => AssetId(0),
    };
    let request_id = entry.request_id;
    let of = Units::of(table, entry.instrument);
    Units { asset, request_id, command: Some(&entry.command), ..of }
}
