//! Sessions of people: opened with a password, proved with a token, refreshed, ended.
//!
//! Invariant: what a token is good for is looked up when it is used: its key's state, password and networks,
//! and whether its session was ended.

use super::tokens::{self, Claims};
use super::{Asker, Pending, PeopleRules};
use crate::address::octets_of;
use crate::audit::Logon;
use crate::batch::ConnId;
use crate::conn::{Identity, TokenSession};
use crate::hub::Hub;
use crate::logon;
use crate::view::{CoreView, KeyView};
use coulisse_types::command::SessionEnd;
use coulisse_types::{InstrumentId, KeyId, KeyScheme, RejectCode, RequestId};
use coulisse_wire::native::answers::{self, Answer, Issued, LoggedOn};
use coulisse_wire::native::keys::is_within;
use coulisse_wire::native::{Password, Request, RequestError};
use std::net::IpAddr;
use zeroize::Zeroizing;

impl Hub {
    pub(super) fn open_session<'a>(
        &mut self,
        id: ConnId,
        request: &Request<'a>,
        (name, password): (&KeyId, &Password),
        answer: &Answer<'a>,
        view: &impl CoreView,
    ) -> Result<(), RequestError<'a>> {
        let id_raw = request.id_raw;
        self.check_room(id_raw)?;
        self.pay_for_try(id, id_raw, name, answer.stamps.in_us)?;
        let key = view.key(name.as_bytes());
        let (work, is_somebodys) = self.checking(id_raw, password, key.as_ref())?;
        let whose = key.filter(|_| is_somebodys).map(|key| (key.key, key.material));
        let pending = Pending::Open { asker: self.asker(id, answer), name: *name, whose };
        self.desk.start(work, pending);
        Ok(())
    }

    pub(super) fn open_for<'a>(
        &mut self,
        asker: &'a Asker,
        name: &KeyId,
        key: Option<&KeyView>,
        now_us: i64,
        view: &impl CoreView,
    ) -> Result<(), RequestError<'a>> {
        let refused = |code| RequestError::new(&asker.id_raw, code);
        let Some(key) = key else {
            self.desk.counters.failed += 1;
            self.note_logon(&asker.logon("session", name), Some(RejectCode::LogonFailed), view);
            return Err(refused(RejectCode::LogonFailed));
        };
        self.desk.throttle.give_back(name, asker.address);
        logon::check_works(key, now_us).map_err(refused)?;
        if !is_within(&key.networks, &octets_of(asker.address)) {
            return Err(about_token(refused(RejectCode::NotPermitted)));
        }
        let mut number = [0; 8];
        let drawn = self.secrets.as_ref().and_then(|secrets| secrets.draw(&mut number));
        drawn.ok_or(refused(RejectCode::NoSecrets))?;
        let session = TokenSession {
            key_id: *name,
            number: u64::from_be_bytes(number),
            begun_s: now_us.div_euclid(1_000_000),
        };
        let (token, ends) = self.issue_token(key, session, now_us, view).map_err(refused)?;
        let account = view.account_name(key.account).ok_or(refused(RejectCode::LogonFailed))?;
        let who = LoggedOn { account, key_id: *name, permissions: key.permissions };
        self.desk.counters.opened += 1;
        self.key_use.note(key.key, now_us);
        self.note_logon(&asker.logon("session", name), None, view);
        let answer = self.answer_to(asker, view.seq());
        let issued = Issued {
            token: token.as_bytes(),
            expire_us: ends.0,
            session_expire_us: ends.1,
            who: Some(who),
        };
        self.write_answer(asker.conn, view.seq(), |out| {
            answers::write_issued(out, &answer, &issued);
        });
        Ok(())
    }

    /// The key of a session that a token began.
    pub(super) fn of_token<'a>(
        &mut self,
        id: ConnId,
        id_raw: &'a [u8],
        view: &impl CoreView,
    ) -> Result<(KeyView, TokenSession), RequestError<'a>> {
        let found = self.identity(id).and_then(|who| who.session.map(|session| (who.key, session)));
        let found = found.and_then(|(index, session)| {
            let key = view.key(session.key_id.as_bytes()).filter(|key| key.key == index)?;
            Some((key, session))
        });
        let none = RequestError::new(id_raw, RejectCode::NotPermitted).about(b"token", b"");
        found.ok_or(none)
    }

    pub(super) fn refresh<'a>(
        &mut self,
        id: ConnId,
        answer: &Answer<'a>,
        view: &impl CoreView,
    ) -> Result<(), RequestError<'a>> {
        let (key, session) = self.of_token(id, answer.id_raw, view)?;
        let issued = self.issue_token(&key, session, answer.stamps.in_us, view);
        let (token, ends) =
            issued.map_err(|code| RequestError::new(answer.id_raw, code).about(b"token", b""))?;
        // A session on a socket lives as long as the new token.
        if let Some(identity) = self.conn(id).and_then(|conn| conn.identity.as_mut()) {
            identity.expire_ns = ends.0.saturating_mul(1_000);
        }
        let issued = Issued {
            token: token.as_bytes(),
            expire_us: ends.0,
            session_expire_us: ends.1,
            who: None,
        };
        self.write_answer(id, view.seq(), |out| answers::write_issued(out, answer, &issued));
        Ok(())
    }

    pub(super) fn end_session<'a>(
        &mut self,
        id: ConnId,
        request: &Request<'a>,
        now_us: i64,
        view: &impl CoreView,
    ) -> Result<(), RequestError<'a>> {
        let (_, session) = self.of_token(id, request.id_raw, view)?;
        let over_s = session.begun_s.saturating_add(self.desk.rules.session_s);
        let until_ns = over_s.saturating_mul(1_000_000_000);
        let command = SessionEnd { session: session.number, until_ns }.into();
        self.enter(id, request, (command, InstrumentId(0), RequestId(0)), now_us, view)
    }

    /// Writes a token; with it, when it and its session are over, in µs since the epoch.
    fn issue_token(
        &mut self,
        key: &KeyView,
        session: TokenSession,
        now_us: i64,
        view: &impl CoreView,
    ) -> Result<(Zeroizing<String>, (i64, i64)), RejectCode> {
        let issued_s = now_us.div_euclid(1_000_000);
        let PeopleRules { token_s, session_s, audience, .. } = &self.desk.rules;
        let mut over_s = session.begun_s.saturating_add(*session_s);
        if key.expire_ns != 0 {
            over_s = over_s.min(key.expire_ns.div_euclid(1_000_000_000));
        }
        let expire_s = issued_s.saturating_add(*token_s).min(over_s);
        if expire_s <= issued_s {
            return Err(RejectCode::TokenExpired);
        }
        let secrets = self.secrets.as_ref().ok_or(RejectCode::NoSecrets)?;
        let derived = self.desk.derived.as_ref().ok_or(RejectCode::NoSecrets)?;
        let mut number = [0; 16];
        secrets.draw(&mut number).ok_or(RejectCode::NoSecrets)?;
        let claims = Claims {
            key_id: key.key_id,
            key: key.key,
            session: session.number,
            token: u128::from_be_bytes(number),
            begun_s: session.begun_s,
            issued_s,
            expire_s,
            password: tokens::mark_of(&key.material),
        };
        let account = view.account_name(key.account).unwrap_or_default();
        let permissions = tokens::permission_names(key);
        let token =
            tokens::write(&derived.tokens, audience, &claims, account.as_str(), &permissions);
        let token = Zeroizing::new(token.ok_or(RejectCode::NoSecrets)?);
        Ok((token, (expire_s.saturating_mul(1_000_000), over_s.saturating_mul(1_000_000))))
    }

    /// Who stands behind a token, now and from here.
    ///
    /// # Errors
    /// Why not; with `NOT_PERMITTED` it is the network.
    pub(crate) fn proved_by_token(
        &mut self,
        token: &[u8],
        address: Option<IpAddr>,
        now_us: i64,
        view: &impl CoreView,
    ) -> Result<Identity, RejectCode> {
        let found = self.read_token(token, address, now_us, view);
        if let Err(code) = found {
            self.desk.counters.failed += 1;
            if code == RejectCode::LogonFailed {
                let (what, method, name) = ("token", "token", None);
                let logon = Logon { what, method, name, address, session: 0 };
                self.note_logon(&logon, Some(code), view);
            }
        }
        found
    }

    fn read_token(
        &mut self,
        token: &[u8],
        address: Option<IpAddr>,
        now_us: i64,
        view: &impl CoreView,
    ) -> Result<Identity, RejectCode> {
        let derived = self.desk.derived.as_ref();
        let claims = derived
            .and_then(|derived| tokens::read(&derived.tokens, &self.desk.rules.audience, token));
        let claims = claims.ok_or(RejectCode::LogonFailed)?;
        let key = view.key(claims.key_id.as_bytes()).ok_or(RejectCode::LogonFailed)?;
        if key.key != claims.key || key.scheme != KeyScheme::Password {
            return Err(RejectCode::LogonFailed);
        }
        logon::check_works(&key, now_us)?;
        if now_us >= claims.expire_s.saturating_mul(1_000_000) {
            return Err(RejectCode::TokenExpired);
        }
        let is_over = tokens::mark_of(&key.material) != claims.password
            || self.ended.is_over(key.key, claims.session, claims.begun_s);
        if is_over {
            return Err(RejectCode::SessionOver);
        }
        if !is_within(&key.networks, &octets_of(address)) {
            return Err(RejectCode::NotPermitted);
        }
        self.key_use.note(key.key, now_us);
        let session =
            TokenSession { key_id: key.key_id, number: claims.session, begun_s: claims.begun_s };
        let expire_ns = claims.expire_s.saturating_mul(1_000_000_000);
        Ok(Identity { session: Some(session), expire_ns, ..Identity::of(&key) })
    }

    pub(super) fn logon_by_token<'a>(
        &mut self,
        id: ConnId,
        answer: &Answer<'a>,
        token: &[u8],
        view: &impl CoreView,
    ) -> Result<(), RequestError<'a>> {
        let refused = |code| RequestError::new(answer.id_raw, code);
        if self.identity(id).is_some() {
            return Err(refused(RejectCode::AlreadyLoggedOn));
        }
        let address = self.conn(id).and_then(|conn| conn.address);
        let identity = self.proved_by_token(token, address, answer.stamps.in_us, view);
        let identity = identity.map_err(|code| about_token(refused(code)))?;
        let failed = Err(refused(RejectCode::LogonFailed));
        let Some(session) = identity.session else { return failed };
        let Some(account) = view.account_name(identity.account) else { return failed };
        let who = LoggedOn { account, key_id: session.key_id, permissions: identity.permissions };
        if let Some(conn) = self.conn(id) {
            conn.identity = Some(identity);
        }
        self.some_expire = true;
        let (what, method, name) = ("logon", "token", Some(&session.key_id));
        let logon = Logon { what, method, name, address, session: id.session };
        self.note_logon(&logon, None, view);
        self.write_answer(id, view.seq(), |out| answers::write_logged_on(out, answer, &who));
        Ok(())
    }
}

/// Says what was not permitted.
fn about_token(error: RequestError<'_>) -> RequestError<'_> {
    match error.code {
        RejectCode::NotPermitted => error.about(b"networks", b""),
        _ => error,
    }
}
