//! Passwords that are set: hashed away from the loop, then sealed, then a command as any other.

use super::Asker;
use super::hashing::Work;
use super::{HASH_MS, Pending, Then};
use crate::batch::{ConnId, Request as Asked, Waiter};
use crate::conn::Identity;
use crate::hub::{Hub, LogRoom};
use crate::people::hashing::Done;
use crate::secrets::Secret;
use crate::view::CoreView;
use coulisse_types::command::{KeyIssue, PasswordSet};
use coulisse_types::{
    AccountId, Command, InstrumentId, KeyScheme, KeyState, RejectCode, RequestId,
};
use coulisse_wire::native::answers::Answer;
use coulisse_wire::native::request::Admin;
use coulisse_wire::native::{Password, Request, RequestError};

impl Hub {
    /// Hashes the password of a key that is to be made.
    pub(crate) fn admin_password<'a>(
        &mut self,
        id: ConnId,
        request: &Request<'a>,
        admin: &Admin,
        answer: &Answer<'a>,
        view: &impl CoreView,
    ) -> Result<(), RequestError<'a>> {
        let request_id = admin.request_id;
        let (Command::KeyIssue(issue), Some(password)) = (admin.command, &admin.password) else {
            return Ok(());
        };
        if view.key(issue.key_id.as_bytes()).is_some() {
            let taken = RequestError::new(request.id_raw, RejectCode::AlreadyExists);
            return Err(taken.about(b"key_id", b""));
        }
        let then = Then::Issue { issue, request_id, deadline_us: request.deadline_us };
        self.hash_and_enter(id, request, (password, then), answer, view)
    }

    pub(super) fn hash_and_enter<'a>(
        &mut self,
        id: ConnId,
        request: &Request<'a>,
        (password, then): (&Password, Then),
        answer: &Answer<'a>,
        view: &impl CoreView,
    ) -> Result<(), RequestError<'a>> {
        self.check_length(request.id_raw, b"password", password)?;
        let make = self.making(request.id_raw, password)?;
        let account = self.account_of(id, request, 0, view)?;
        let pending = self.entering(id, answer, account, then)?;
        self.desk.start(Work { check: None, make: Some(make) }, pending);
        Ok(())
    }

    fn entering<'a>(
        &mut self,
        id: ConnId,
        answer: &Answer<'a>,
        account: AccountId,
        then: Then,
    ) -> Result<Pending, RequestError<'a>> {
        let missing = RequestError::new(answer.id_raw, RejectCode::NotLoggedOn);
        let identity = self.identity(id).ok_or(missing)?;
        let nonce = self.conn(id).map_or(0, |conn| conn.nonce_used);
        Ok(Pending::Enter { asker: self.asker(id, answer), identity, account, nonce, then })
    }

    pub(super) fn change_password<'a>(
        &mut self,
        id: ConnId,
        request: &Request<'a>,
        (password, new_password): (&Password, &Password),
        answer: &Answer<'a>,
        view: &impl CoreView,
    ) -> Result<(), RequestError<'a>> {
        let id_raw = request.id_raw;
        let (key, _) = self.of_token(id, id_raw, view)?;
        self.check_length(id_raw, b"new_password", new_password)?;
        let make = self.making(id_raw, new_password)?;
        self.pay_for_try(id, id_raw, &key.key_id, answer.stamps.in_us)?;
        let (work, _) = self.checking(id_raw, password, Some(&key))?;
        let (key_id, material) = (key.key_id, key.material);
        let then = Then::Change { key_id, material, deadline_us: request.deadline_us };
        let pending = self.entering(id, answer, key.account, then)?;
        self.desk.start(Work { make: Some(make), ..work }, pending);
        Ok(())
    }

    /// Puts a command into the batch whose password was hashed.
    pub(super) fn enter_hashed<'a>(
        &mut self,
        asker: &'a Asker,
        (identity, account, nonce): (Identity, AccountId, u64),
        then: &Then,
        done: Done,
        view: &impl CoreView,
    ) -> Result<(), RequestError<'a>> {
        let refused = |code| RequestError::new(&asker.id_raw, code);
        if let Then::Change { key_id, .. } = then {
            if !done.is_right {
                self.desk.counters.failed += 1;
                self.note_logon(
                    &asker.logon("password", key_id),
                    Some(RejectCode::LogonFailed),
                    view,
                );
                return Err(refused(RejectCode::LogonFailed).about(b"password", b""));
            }
            self.desk.throttle.give_back(key_id, asker.address);
        }
        if self.stopping {
            return Err(refused(RejectCode::ShuttingDown));
        }
        let hash = done.made.ok_or(refused(RejectCode::RetryLogon).later(HASH_MS))?;
        let (command, request_id, deadline_us) = self
            .sealed(then, account, &hash, view)
            .map_err(|code| refused(code).about(b"key_id", b""))?;
        if self.log_room != LogRoom::Free {
            self.drop_secret(&command);
            return Err(refused(RejectCode::Overloaded));
        }
        let entered = self.batch.push(&Asked {
            command,
            account,
            instrument: InstrumentId(0),
            key: identity.key,
            request_id,
            nonce,
            waiter: Waiter::Session(asker.conn),
            received_us: asker.in_us,
            id: &asker.id_raw,
        });
        if entered.is_err() {
            self.drop_secret(&command);
            return Err(refused(RejectCode::Overloaded));
        }
        if matches!(command, Command::KeyIssue(_)) {
            // Nothing of it is shown; but where the key is not made, its data key goes.
            self.batch.keep_secret(Secret::default());
        }
        if let Some(deadline_us) = deadline_us {
            self.batch.keep_deadline(deadline_us);
        }
        Ok(())
    }

    /// The command with the sealed hash.
    fn sealed(
        &mut self,
        then: &Then,
        account: AccountId,
        hash: &Secret,
        view: &impl CoreView,
    ) -> Result<(Command, RequestId, Option<i64>), RejectCode> {
        let secrets = self.secrets.as_mut().ok_or(RejectCode::NoSecrets)?;
        match then {
            Then::Issue { issue, request_id, deadline_us } => {
                // Its data key would take the place of the other's.
                if view.key(issue.key_id.as_bytes()).is_some() {
                    return Err(RejectCode::AlreadyExists);
                }
                let material = secrets.seal(&issue.key_id, account, hash);
                let material = material.ok_or(RejectCode::NoSecrets)?;
                Ok((KeyIssue { material, ..*issue }.into(), *request_id, *deadline_us))
            }
            Then::Set { key_id, deadline_us } | Then::Change { key_id, deadline_us, .. } => {
                let key = view.key(key_id.as_bytes()).ok_or(RejectCode::UnknownKey)?;
                if let Then::Change { material, .. } = then
                    && *material != key.material
                {
                    // It was set by somebody else meanwhile: what was proved is the old one.
                    return Err(RejectCode::SessionOver);
                }
                let material = match (key.state, key.scheme) {
                    (KeyState::Revoked, _) => return Err(RejectCode::KeyRevoked),
                    (_, KeyScheme::Password) => secrets.seal_again(key_id, key.account, hash),
                    _ => return Err(RejectCode::InvalidCombination),
                };
                let material = material.ok_or(RejectCode::NoSecrets)?;
                let set = PasswordSet { key_id: *key_id, material };
                Ok((set.into(), RequestId(0), *deadline_us))
            }
        }
    }
}
