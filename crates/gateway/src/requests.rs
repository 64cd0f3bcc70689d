//! What a session asks for: logon, orders into the batch, reads answered at once.
//!
//! Invariant: a request has exactly one reply, or the connection is gone. What needs the log waits
//! in the batch under its origin; everything else is answered here, marked with the seq it was read
//! at.

use crate::address::octets_of;
use crate::audit::Logon;
use crate::batch::{ConnId, Request as Asked, Waiter, is_traders, is_way_out, placed_by};
use crate::conn::{Conn, Identity, Stage, Subscription};
use crate::fan::Topic;
use crate::hub::{Hub, LogRoom};
use crate::limits::{L3_ORDERS_MAX, SUBSCRIPTIONS_MAX};
use crate::logon;
use crate::outcomes::DEPARTURE_PENDING_US;
use crate::quota::{Asker, Exceeded};
use crate::secrets::Secret;
use crate::site;
use crate::view::CoreView;
use coulisse_types::command::{KeyIssue, OrderCancelAll, permission};
use coulisse_types::keys::IdList;
use coulisse_types::{
    AccountId, AccountName, Command, InstrumentId, KeyId, KeyIndex, RejectCode, RequestId, Seq,
};
use coulisse_wire::native::answers::{self, Answer, LoggedOn};
use coulisse_wire::native::keys::is_within;
use coulisse_wire::native::reply;
use coulisse_wire::native::request::{Amend, Subscription as Wanted};
use coulisse_wire::native::spec::Access;
use coulisse_wire::native::{Body, Channel, Request, RequestError, glance_at_order, parse_request};

/// The field that names whom an operator's request binds.
const SCOPE_ID: &[u8] = b"scope_id";

impl Hub {
    /// Takes one request of a session.
    pub(crate) fn request(&mut self, id: ConnId, text: &[u8], now_us: i64, view: &impl CoreView) {
        self.counters.requests += 1;
        self.asked_us = now_us;
        if self.takes_no_order(id)
            && let Some(id_raw) = glance_at_order(text)
        {
            // At the seq 0: it tells nothing of the core, and waits only for what stands before it.
            self.refuse(id, Seq(0), &RequestError::new(id_raw, RejectCode::Overloaded));
            return;
        }
        match parse_request(text, &self.instruments) {
            Err(error) => {
                let limited = self.charge(id, error.id_raw, (1, false), now_us).err();
                self.refuse(id, view.seq(), &limited.unwrap_or(error));
            }
            Ok(request) => self.serve(id, &request, now_us, view),
        }
    }

    /// Does what a request asks for, within its quotas, or refuses it.
    pub(crate) fn serve(
        &mut self,
        id: ConnId,
        request: &Request<'_>,
        now_us: i64,
        view: &impl CoreView,
    ) {
        let charged = self.charge(id, request.id_raw, weight_of(request), now_us);
        let charged = charged.and_then(|()| self.charge_logon(request, now_us));
        if let Err(error) = charged.and_then(|()| self.perform(id, request, now_us, view)) {
            self.refuse(id, view.seq(), &with_account(error, request));
        }
    }

    /// Takes a request's weight out of the quotas of its session.
    fn charge<'a>(
        &mut self,
        id: ConnId,
        id_raw: &'a [u8],
        (weight, is_way_out): (u32, bool),
        now_us: i64,
    ) -> Result<(), RequestError<'a>> {
        let Some(asker) = self.who_pays(id) else { return Ok(()) };
        let taken = self.quotas.take(&asker, weight, is_way_out, now_us);
        if self.conn(id).is_some_and(|conn| matches!(conn.stage, Stage::Call { .. })) {
            let left = self.quotas.left(&asker);
            self.conn(id).into_iter().for_each(|conn| conn.quota_left = left);
        }
        taken.map_err(|exceeded| self.limited(id_raw, exceeded))
    }

    /// Whose quotas a connection draws on.
    fn who_pays(&mut self, id: ConnId) -> Option<Asker> {
        let conn = self.conn(id)?;
        // What acts inside the process is the node's own.
        let identity = conn.identity.filter(|identity| identity.key != KeyIndex(0));
        let identity = identity.map(|identity| (identity.key, identity.account));
        Some(Asker { identity, address: conn.address })
    }

    /// A logon is paid for by all who log on: so many are checked a second.
    fn charge_logon<'a>(
        &mut self,
        request: &Request<'a>,
        now_us: i64,
    ) -> Result<(), RequestError<'a>> {
        if !matches!(request.body, Body::Logon { .. }) {
            return Ok(());
        }
        self.quotas.logon(now_us).map_err(|exceeded| self.limited(request.id_raw, exceeded))
    }

    fn limited<'a>(&mut self, id_raw: &'a [u8], exceeded: Exceeded) -> RequestError<'a> {
        self.counters.limited += 1;
        let after_ms = u64::try_from(exceeded.wait_us.div_euclid(1_000) + 1).unwrap_or(1);
        RequestError::new(id_raw, RejectCode::RateLimited)
            .about(exceeded.whose.as_bytes(), b"")
            .with_retry(exceeded.per_s, after_ms)
    }

    /// Answers a request that never reaches the log.
    pub(crate) fn refuse(&mut self, id: ConnId, seq: Seq, error: &RequestError<'_>) {
        self.count_refused(error);
        let in_us = self.asked_us;
        self.write_answer(id, seq, |out| {
            error.write(out);
            reply::write_refusal_times(out, in_us, None, DEPARTURE_PENDING_US);
        });
    }

    /// Counts what never reaches the log.
    pub(crate) fn count_refused(&mut self, error: &RequestError<'_>) {
        self.counters.refused += 1;
        self.tally.reject(error.code);
        if error.code == RejectCode::Overloaded {
            self.counters.overloaded += 1;
        }
    }

    fn perform<'a>(
        &mut self,
        id: ConnId,
        request: &Request<'a>,
        now_us: i64,
        view: &impl CoreView,
    ) -> Result<(), RequestError<'a>> {
        if let Some(deadline_us) = request.deadline_us.filter(|deadline_us| *deadline_us < now_us) {
            let value = deadline_us.to_string();
            let error = RequestError::new(request.id_raw, RejectCode::DeadlinePassed);
            self.refuse(id, view.seq(), &error.about(b"deadline", value.as_bytes()));
            return Ok(());
        }
        if let Some(code) = self.refusal(id, request.op.spec().access) {
            return Err(RequestError::new(request.id_raw, code));
        }
        let seq = view.seq();
        let weight = weight_of(request).0;
        let answer = self.answer_at((request.id_raw, request.op), weight, now_us, seq);
        match &request.body {
            Body::Logon { key_id, signature } => {
                let proof = (key_id, signature.as_slice());
                return self.logon(id, &answer, proof, now_us, view);
            }
            Body::People(people) => return self.people(id, request, people, &answer, view),
            Body::Logoff => {
                self.logoff(id);
                self.write_answer(id, seq, |out| answers::write_done(out, &answer));
            }
            Body::Resume(channels) => {
                return self.resume_all(id, request, channels, &answer, view);
            }
            Body::CancelOnDisconnect(enabled) => {
                return self.set_cancels(id, request, *enabled, now_us, view);
            }
            Body::Batch(orders) => return self.place_batch(id, request, orders, now_us, view),
            Body::Test(command, instrument) => {
                return self.test_order(id, request, (*command, *instrument), now_us, view);
            }
            Body::Admin(admin) if admin.password.is_some() => {
                return self.admin_password(id, request, admin, &answer, view);
            }
            Body::Command { .. }
            | Body::CancelAll { .. }
            | Body::Admin(_)
            | Body::Deposit { .. }
            | Body::Amend(_) => return self.command(id, request, now_us, view),
            Body::Read(read) => return self.read(id, request, read, now_us, view),
            Body::History(asked) => return self.history(id, request, asked, now_us, view),
            Body::Subscribe(wanted) => return self.subscribe(id, request, wanted, &answer, view),
            Body::Unsubscribe(wanted) => {
                return self.unsubscribe(id, request, wanted, &answer, view);
            }
            Body::Ping { quota } => {
                let asker = self.who_pays(id).filter(|_| *quota);
                let left = asker.and_then(|asker| self.quotas.left(&asker));
                self.write_answer(id, seq, |out| answers::write_pong(out, &answer, left));
            }
            Body::Time => {
                self.write_answer(id, seq, |out| answers::write_time(out, &answer));
            }
        }
        Ok(())
    }

    /// Why whoever is logged on here may not ask for what everyone of this access may.
    fn refusal(&mut self, id: ConnId, access: Access) -> Option<RejectCode> {
        if access == Access::Open {
            return None;
        }
        let Some(identity) = self.identity(id) else { return Some(RejectCode::NotLoggedOn) };
        let may = match access {
            Access::Admin => identity.permissions & permission::ADMIN != 0,
            Access::Person => identity.session.is_some(),
            _ => true,
        };
        (!may).then_some(RejectCode::NotPermitted)
    }

    /// Puts what needs the log into the batch.
    fn command<'a>(
        &mut self,
        id: ConnId,
        request: &Request<'a>,
        now_us: i64,
        view: &impl CoreView,
    ) -> Result<(), RequestError<'a>> {
        let mut secret = None;
        let asked = match &request.body {
            Body::Command { command, instrument } => (*command, *instrument, RequestId(0)),
            Body::CancelAll { all, this_session } => {
                let session = if *this_session { id.session } else { 0 };
                let command = OrderCancelAll { session, ..*all }.into();
                (command, all.instrument, RequestId(0))
            }
            Body::Admin(admin) => {
                let command = match (&admin.bound, admin.command) {
                    (Some(name), _) => admin.resolve(find_bound(request, name, view)?),
                    (None, Command::KeyIssue(issue)) if issue.material.is_empty() => {
                        let account = self.account_of(id, request, 0, view)?;
                        let (issue, made) = self.draw_secret(request, issue, account, view)?;
                        secret = Some(made);
                        issue.into()
                    }
                    (None, Command::KeyBind(_)) => {
                        admin.resolve_accounts(find_accounts(request, &admin.accounts, view)?)
                    }
                    (None, command) => command,
                };
                (command, admin.instrument, admin.request_id)
            }
            Body::Deposit { deposit, request_id } => {
                ((*deposit).into(), InstrumentId(0), *request_id)
            }
            Body::Amend(amend) => {
                let (command, instrument) = self.resolve(id, request, amend, view)?;
                (command, instrument, RequestId(0))
            }
            _ => return Ok(()),
        };
        let issued = asked.0;
        let entered = self.enter(id, request, asked, now_us, view);
        match (secret, &entered) {
            (Some(secret), Ok(())) => self.batch.keep_secret(secret),
            (Some(_), Err(_)) => self.drop_secret(&issued),
            (None, _) => {}
        }
        entered
    }

    /// Destroys the data key of a key that was not made after all.
    pub(crate) fn drop_secret(&mut self, command: &Command) {
        if let (Command::KeyIssue(issue), Some(secrets)) = (command, self.secrets.as_mut()) {
            secrets.shred(&issue.key_id);
        }
    }

    /// Makes the secret of an HMAC key that does not exist yet.
    fn draw_secret<'a>(
        &mut self,
        request: &Request<'a>,
        issue: KeyIssue,
        account: AccountId,
        view: &impl CoreView,
    ) -> Result<(KeyIssue, Secret), RequestError<'a>> {
        let refused = |code| RequestError::new(request.id_raw, code);
        if self.stopping {
            return Err(refused(RejectCode::ShuttingDown));
        }
        // Its data key would take the place of the other's.
        if view.key(issue.key_id.as_bytes()).is_some() {
            return Err(refused(RejectCode::AlreadyExists).about(b"key_id", b""));
        }
        let secrets = self.secrets.as_mut();
        let made = secrets.and_then(|secrets| secrets.issue(&issue.key_id, account));
        let (secret, material) = made.ok_or(refused(RejectCode::NoSecrets))?;
        Ok((KeyIssue { material, ..issue }, secret))
    }

    pub(crate) fn identity(&mut self, id: ConnId) -> Option<Identity> {
        self.conn(id).filter(|conn| conn.over.is_none()).and_then(|conn| conn.identity)
    }

    /// Greets a session with what its logon must sign.
    pub(crate) fn hello(&mut self, id: ConnId, now_us: i64, view: &impl CoreView) {
        let Some(nonce) = self.conn(id).map(|conn| conn.nonce) else { return };
        let (server, node) = (std::mem::take(&mut self.server), std::mem::take(&mut self.node));
        self.write(id, view.seq(), |out| reply::write_hello(out, &nonce, &server, &node, now_us));
        (self.server, self.node) = (server, node);
    }

    fn logon<'a>(
        &mut self,
        id: ConnId,
        answer: &Answer<'a>,
        proof: (&KeyId, &[u8]),
        now_us: i64,
        view: &impl CoreView,
    ) -> Result<(), RequestError<'a>> {
        let done = self.log_on(id, answer, proof, now_us, view);
        let address = self.conn(id).and_then(|conn| conn.address);
        let (what, method, name) = ("logon", "signature", Some(proof.0));
        let logon = Logon { what, method, name, address, session: id.session };
        self.note_logon(&logon, done.as_ref().err().map(|error| error.code), view);
        done
    }

    fn log_on<'a>(
        &mut self,
        id: ConnId,
        answer: &Answer<'a>,
        (key_id, signature): (&KeyId, &[u8]),
        now_us: i64,
        view: &impl CoreView,
    ) -> Result<(), RequestError<'a>> {
        let refused = |code| RequestError::new(answer.id_raw, code);
        if self.identity(id).is_some() {
            return Err(refused(RejectCode::AlreadyLoggedOn));
        }
        let failed = Err(refused(RejectCode::LogonFailed));
        let Some(conn) = self.conn(id) else { return Ok(()) };
        let (nonce, host) = (conn.nonce, conn.host.clone());
        let peer = octets_of(conn.address);
        let Some(key) = view.key(key_id.as_bytes()) else { return failed };
        let mut text = Vec::with_capacity(128);
        reply::write_logon_text(&mut text, host.as_bytes(), key_id.as_bytes(), &nonce);
        // A signature made for another host is worth nothing here, or a host in the middle could
        // pass on what it was given.
        if !site::is_host(&self.hosts, &host) || !self.is_proved(&key, &text, signature) {
            return failed;
        }
        logon::check_works(&key, now_us).map_err(refused)?;
        if !is_within(&key.networks, &peer) {
            return Err(refused(RejectCode::NotPermitted).about(b"networks", b""));
        }
        let Some(account) = view.account_name(key.account) else { return failed };
        let who = LoggedOn { account, key_id: *key_id, permissions: key.permissions };
        if let Some(conn) = self.conn(id) {
            conn.identity = Some(Identity::of(&key));
        }
        self.key_use.note(key.key, now_us);
        self.some_expire |= key.expire_ns != 0;
        self.write_answer(id, view.seq(), |out| answers::write_logged_on(out, answer, &who));
        Ok(())
    }

    fn logoff(&mut self, id: ConnId) {
        self.leave_at_end(id);
        let Some(conn) = self.conn(id) else { return };
        conn.identity = None;
        let (private, public): (Vec<_>, Vec<_>) = std::mem::take(&mut conn.subscriptions)
            .into_iter()
            .partition(|subscription| matches!(subscription, Subscription::Private { .. }));
        conn.subscriptions = public;
        for subscription in private {
            self.drop_subscription(id, subscription);
        }
    }

    /// A session of the process itself, logged on for `account` by the node.
    pub fn open_local(&mut self, account: AccountId) -> ConnId {
        let id = self.insert(Stage::Local, [0; 16]);
        if let Some(conn) = self.conn(id) {
            conn.identity = Some(Identity {
                account,
                key: KeyIndex(0),
                permissions: permission::READ | permission::TRADE,
                accounts: IdList::default(),
                expire_ns: 0,
                session: None,
            });
        }
        id
    }

    /// The account that a request is for, if the session may act for it.
    ///
    /// An account that it may not act for is answered as one that does not exist.
    pub(crate) fn account_of<'a>(
        &mut self,
        id: ConnId,
        request: &Request<'a>,
        needed: u8,
        view: &impl CoreView,
    ) -> Result<AccountId, RequestError<'a>> {
        let refused = |code| RequestError::new(request.id_raw, code);
        let identity = self.identity(id).ok_or(refused(RejectCode::NotLoggedOn))?;
        if identity.permissions & needed != needed {
            return Err(refused(RejectCode::NotPermitted));
        }
        let Some(name) = &request.account else { return Ok(identity.account) };
        let account = view.account_id(name.as_bytes());
        account
            .filter(|account| identity.acts_for(*account))
            .ok_or(refused(RejectCode::UnknownAccount).about(b"account", b""))
    }

    /// Puts a command into the batch.
    pub(crate) fn enter<'a>(
        &mut self,
        id: ConnId,
        request: &Request<'a>,
        (command, instrument, request_id): (Command, InstrumentId, RequestId),
        now_us: i64,
        view: &impl CoreView,
    ) -> Result<(), RequestError<'a>> {
        let refused = |code| RequestError::new(request.id_raw, code);
        if self.stopping {
            return Err(refused(RejectCode::ShuttingDown));
        }
        let identity = self.identity(id).ok_or(refused(RejectCode::NotLoggedOn))?;
        // A session inside the process has the node's own key, of which the core asks nothing: what
        // only an operator may do is refused here.
        let is_node = identity.key == KeyIndex(0) && identity.permissions & permission::ADMIN == 0;
        if is_node && !is_traders(&command) {
            return Err(refused(RejectCode::NotPermitted));
        }
        // What the key may do is the core's to say: it decides at the command's place in the log.
        let account = match &request.account {
            None => identity.account,
            Some(_) => self.account_of(id, request, 0, view)?,
        };
        let has_room = match self.log_room {
            LogRoom::None => false,
            _ => is_way_out(&command) || !self.takes_no_order(id),
        };
        if !has_room {
            return Err(refused(RejectCode::Overloaded));
        }
        let nonce = self.conn(id).map_or(0, |conn| conn.nonce_used);
        self.batch
            .push(&Asked {
                command,
                account,
                instrument,
                key: identity.key,
                request_id,
                nonce,
                waiter: Waiter::Session(id),
                received_us: now_us,
                id: request.id_raw,
            })
            .map_err(|_| refused(RejectCode::Overloaded))?;
        if let Some(deadline_us) = request.deadline_us {
            self.batch.keep_deadline(deadline_us);
        }
        Ok(())
    }

    /// Adds a command of the process itself to the batch.
    ///
    /// # Errors
    /// [`crate::batch::Full`] where the batch is full.
    pub fn submit(&mut self, asked: &Asked<'_>) -> Result<(), crate::batch::Full> {
        self.batch.push(asked)
    }

    /// The same for one that is void after `deadline_us`, in µs since the epoch, if that is given.
    ///
    /// # Errors
    /// [`crate::batch::Full`] where the batch is full.
    pub fn submit_before(
        &mut self,
        asked: &Asked<'_>,
        deadline_us: Option<i64>,
    ) -> Result<(), crate::batch::Full> {
        self.batch.push(asked)?;
        if let Some(deadline_us) = deadline_us {
            self.batch.keep_deadline(deadline_us);
        }
        Ok(())
    }

    /// Reads an amendment's numbers by the rules of its order's instrument.
    fn resolve<'a>(
        &mut self,
        id: ConnId,
        request: &Request<'a>,
        amend: &Amend<'a>,
        view: &impl CoreView,
    ) -> Result<(Command, InstrumentId), RequestError<'a>> {
        let account = self.account_of(id, request, 0, view)?;
        let placed = view
            .order_instrument(account, amend.order_id, &amend.client_order_id)
            .or_else(|| self.placed_in_batch(account, amend));
        let info = placed.and_then(|instrument| self.instruments.instrument(instrument));
        Ok((amend.resolve(info)?, placed.unwrap_or_default()))
    }

    /// The instrument of an order that is placed and amended before the core has said what became of it.
    fn placed_in_batch(&self, account: AccountId, amend: &Amend<'_>) -> Option<InstrumentId> {
        if amend.client_order_id.is_empty() {
            return None;
        }
        let here = self.batch.entries().iter().rev();
        here.chain(self.flight.newest_first()).find_map(|entry| {
            let (instrument, client_order_id) = placed_by(&entry.command)?;
            let is_it = entry.account == account && client_order_id == amend.client_order_id;
            is_it.then_some(instrument)
        })
    }

    fn subscribe<'a>(
        &mut self,
        id: ConnId,
        request: &Request<'a>,
        wanted: &Wanted,
        answer: &Answer<'_>,
        view: &impl CoreView,
    ) -> Result<(), RequestError<'a>> {
        let refused = |code| RequestError::new(request.id_raw, code);
        let subscriptions = self.subscriptions_of(id, request, wanted, view)?;
        let count = self.conn(id).map_or(0, |conn| {
            let is_new = |one: &&Subscription| {
                !conn.subscriptions.iter().any(|held| held.is_same_channel(one))
            };
            conn.subscriptions.len() + subscriptions.iter().filter(is_new).count()
        });
        if count > SUBSCRIPTIONS_MAX {
            return Err(refused(RejectCode::TooManySubscriptions));
        }
        let seq = view.seq();
        if let Some(from_seq) = wanted.from_seq.filter(|from_seq| *from_seq > seq.0) {
            // A seq that the log has not reached is of another log, or of one that has lost its end.
            let (value, limit) = (from_seq.to_string(), seq.0.to_string());
            let error = refused(RejectCode::NumberOutOfRange).about(b"from_seq", value.as_bytes());
            self.refuse(id, seq, &error.with_limit(limit.as_bytes()));
            return Ok(());
        }
        let resumes_from = wanted.from_seq.map(Seq).filter(|from| {
            subscriptions.iter().all(|subscription| self.can_resume(*subscription, *from))
        });
        let has_no_image = wanted.channel == Channel::Fills && resumes_from.is_none();
        if let Some(from_seq) = wanted.from_seq.filter(|_| has_no_image) {
            let value = from_seq.to_string();
            let error = refused(RejectCode::ResumeTooOld).about(b"from_seq", value.as_bytes());
            self.refuse(id, seq, &error);
            return Ok(());
        }
        let too_large = |one: &&Subscription| match one {
            Subscription::Public(Topic::BookL3 { instrument }) => {
                view.book_order_count(*instrument) > L3_ORDERS_MAX
            }
            _ => false,
        };
        if subscriptions.iter().find(too_large).is_some() {
            let error = refused(RejectCode::TooLarge).about(b"channel", b"book_l3");
            self.refuse(id, seq, &error.with_limit(L3_ORDERS_MAX.to_string().as_bytes()));
            return Ok(());
        }
        self.confirm(id, answer, wanted, (view.seq(), resumes_from.is_some()));
        for subscription in subscriptions {
            self.replace_subscription(id, subscription);
            if let Some(from) = resumes_from {
                // It may listen already: then it would be told twice.
                self.drop_subscription(id, subscription);
                self.resume(id, subscription, from, view);
            } else {
                self.end_resume(id, subscription);
                self.start_subscription(id, subscription, view);
            }
        }
        Ok(())
    }

    /// Goes on with private channels, all of them or none.
    fn resume_all<'a>(
        &mut self,
        id: ConnId,
        request: &Request<'a>,
        channels: &[(Channel, u64)],
        answer: &Answer<'_>,
        view: &impl CoreView,
    ) -> Result<(), RequestError<'a>> {
        let refused = |code| RequestError::new(request.id_raw, code);
        let account = self.account_of(id, request, permission::READ, view)?;
        let seq = view.seq();
        let of = |channel| Subscription::Private { account, channel };
        let is_new = |conn: &Conn, channel| !conn.subscriptions.contains(&of(channel));
        let count = self.conn(id).map_or(0, |conn| {
            let new = channels.iter().filter(|(channel, _)| is_new(conn, *channel)).count();
            conn.subscriptions.len() + new
        });
        if count > SUBSCRIPTIONS_MAX {
            return Err(refused(RejectCode::TooManySubscriptions));
        }
        for (channel, from) in channels {
            let (value, field) = (from.to_string(), channel.name().as_bytes());
            if *from > seq.0 {
                let error = refused(RejectCode::NumberOutOfRange).about(field, value.as_bytes());
                self.refuse(id, seq, &error.with_limit(seq.0.to_string().as_bytes()));
                return Ok(());
            }
            if !self.can_resume(of(*channel), Seq(*from)) {
                let error = refused(RejectCode::ResumeTooOld).about(field, value.as_bytes());
                self.refuse(id, seq, &error);
                return Ok(());
            }
        }
        self.write_answer(id, seq, |out| answers::write_resumed(out, answer, channels));
        for (channel, from) in channels {
            self.replace_subscription(id, of(*channel));
            self.drop_subscription(id, of(*channel));
            self.resume(id, of(*channel), Seq(*from), view);
        }
        Ok(())
    }

    /// Replies to a `subscribe` or an `unsubscribe` that was done.
    fn confirm(
        &mut self,
        id: ConnId,
        answer: &Answer<'_>,
        wanted: &Wanted,
        (seq, is_resumed): (Seq, bool),
    ) {
        let Wanted { channel, instruments, .. } = wanted;
        let table = std::mem::take(&mut self.instruments);
        self.write_answer(id, seq, |out| {
            answers::write_subscribed(out, answer, *channel, instruments, is_resumed, &table);
        });
        self.instruments = table;
    }

    /// Notes a subscription in place of one of the same channel: a book at another depth.
    ///
    /// The messages of a book do not name their depth, so a session has one depth of each book.
    fn replace_subscription(&mut self, id: ConnId, subscription: Subscription) {
        let Some(conn) = self.conn(id) else { return };
        let held = conn.subscriptions.iter_mut().find(|held| held.is_same_channel(&subscription));
        let Some(held) = held else {
            conn.subscriptions.push(subscription);
            return;
        };
        let replaced = std::mem::replace(held, subscription);
        if replaced != subscription {
            self.drop_subscription(id, replaced);
        }
    }

    fn unsubscribe<'a>(
        &mut self,
        id: ConnId,
        request: &Request<'a>,
        wanted: &Wanted,
        answer: &Answer<'_>,
        view: &impl CoreView,
    ) -> Result<(), RequestError<'a>> {
        let refused = |code| RequestError::new(request.id_raw, code);
        let named = self.subscriptions_of(id, request, wanted, view)?;
        let Some(conn) = self.conn(id) else { return Ok(()) };
        let mut ended = Vec::new();
        conn.subscriptions.retain(|held| {
            let stays = !named.iter().any(|one| one.is_same_channel(held));
            if !stays {
                ended.push(*held);
            }
            stays
        });
        if ended.is_empty() {
            return Err(refused(RejectCode::NotSubscribed));
        }
        for subscription in ended {
            self.drop_subscription(id, subscription);
        }
        self.confirm(id, answer, wanted, (view.seq(), false));
        Ok(())
    }

    fn subscriptions_of<'a>(
        &mut self,
        id: ConnId,
        request: &Request<'a>,
        wanted: &Wanted,
        view: &impl CoreView,
    ) -> Result<Vec<Subscription>, RequestError<'a>> {
        if wanted.channel.is_private() {
            let account = self.account_of(id, request, permission::READ, view)?;
            return Ok(vec![Subscription::Private { account, channel: wanted.channel }]);
        }
        let topics = topics_of(wanted);
        Ok(topics.into_iter().map(Subscription::Public).collect())
    }

    /// Says to every session that the node stops. The orders of those that asked for it are cancelled:
    /// their connections will end.
    pub fn go_away(&mut self, seq: Seq, reason: &str) {
        for id in self.conn_ids() {
            self.cancel_at_end(id);
        }
        self.stop();
        self.announce_end(seq, reason);
    }

    /// Says to every session that the node will stop; until it does, everything is done as before.
    pub fn announce_end(&mut self, seq: Seq, reason: &str) {
        for id in self.conn_ids() {
            let native = self
                .conn(id)
                .is_some_and(|conn| matches!(conn.stage, Stage::Native | Stage::Local));
            if native {
                self.write(id, seq, |out| {
                    reply::write_going_away(out, reason, seq.0);
                });
            }
        }
    }
}

/// What a request weighs, and whether it only takes risk away.
fn weight_of(request: &Request<'_>) -> (u32, bool) {
    let (count, is_way_out) = match &request.body {
        Body::Command { command, .. } => (1, is_way_out(command)),
        Body::CancelAll { .. } => (1, true),
        Body::Admin(admin) => (1, is_way_out(&admin.command)),
        Body::Batch(orders) => (orders.len(), false),
        Body::Subscribe(wanted) => (wanted.instruments.len(), false),
        _ => (1, false),
    };
    let count = u32::try_from(count).unwrap_or(u32::MAX).max(1);
    (request.op.weight().units * count, is_way_out)
}

/// The public streams that are wanted.
fn topics_of(wanted: &Wanted) -> Vec<Topic> {
    let depth = wanted.depth as usize;
    let (is_raw, interval) = (wanted.is_raw, wanted.interval);
    let of = |instrument: InstrumentId| match wanted.channel {
        Channel::Book => Topic::Book { instrument, depth, is_raw },
        Channel::BookL3 => Topic::BookL3 { instrument },
        Channel::Ticker => Topic::Ticker { instrument },
        Channel::Candles => Topic::Candles { instrument, interval },
        Channel::Trades => Topic::Trades { instrument },
        Channel::Status => Topic::Status { instrument },
        _ => Topic::Instruments,
    };
    match wanted.channel {
        Channel::Instruments => vec![Topic::Instruments],
        _ => wanted.instruments.iter().map(|instrument| of(*instrument)).collect(),
    }
}

/// Puts in the name of the account that was not found: it stands in the request, which the error does
/// not borrow.
fn with_account<'r>(error: RequestError<'r>, request: &'r Request<'_>) -> RequestError<'r> {
    let name = match (&request.body, error.field) {
        (Body::Admin(admin), SCOPE_ID) => &admin.bound,
        _ => &request.account,
    };
    match name {
        Some(name) if error.code == RejectCode::UnknownAccount => {
            error.about(error.field, name.as_bytes())
        }
        _ => error,
    }
}

/// The account of this name, which a request binds.
fn find_bound<'a>(
    request: &Request<'a>,
    name: &AccountName,
    view: &impl CoreView,
) -> Result<AccountId, RequestError<'a>> {
    let unknown =
        RequestError::new(request.id_raw, RejectCode::UnknownAccount).about(SCOPE_ID, b"");
    view.account_id(name.as_bytes()).ok_or(unknown)
}

/// The ids of the accounts that a key is to be bound to.
fn find_accounts<'a>(
    request: &Request<'a>,
    names: &[AccountName],
    view: &impl CoreView,
) -> Result<Vec<u32>, RequestError<'a>> {
    let unknown =
        RequestError::new(request.id_raw, RejectCode::UnknownAccount).about(b"accounts", b"");
    let ids = names.iter().map(|name| view.account_id(name.as_bytes()).map(|id| id.0));
    ids.collect::<Option<_>>().ok_or(unknown)
}
