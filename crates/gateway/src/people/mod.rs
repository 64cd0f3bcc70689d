//! People: passwords checked away from the loop, tokens given for them, sessions ended.
//!
//! A person is a key of the scheme `password`; permissions, accounts, networks, expiry and revocation are those
//! of any key. What takes long is [`Work`] in a queue: the caller takes it, does it elsewhere, and says what
//! came of it. Until then the asker waits, and its answer is written as any other.
//!
//! Invariants
//! - At most [`PeopleRules::waiting_max`] passwords wait or are being hashed; more are `RETRY_LOGON`.
//! - A name that is nobody's costs and is told what a wrong password is.
//! - What a token may do, the log says at the time of its use; the token says only whose it is.

mod ended;
mod hashing;
mod passwords;
mod sessions;
mod throttle;
mod tokens;

pub(crate) use ended::Ended;
pub use hashing::{Done, HashCost, Memory, Work};

use crate::audit::Logon;
use crate::batch::ConnId;
use crate::conn::Identity;
use crate::hub::Hub;
use crate::secrets::{Secret, Secrets};
use crate::view::{CoreView, KeyView};
use coulisse_types::command::KeyIssue;
use coulisse_types::keys::KeyMaterial;
use coulisse_types::{AccountId, KeyId, KeyIndex, KeyScheme, KeyState, RejectCode, RequestId, Seq};
use coulisse_wire::native::answers::Answer;
use coulisse_wire::native::{Op, Password, People, Request, RequestError};
use hashing::{Peppered, Recipe, SALT_BYTES};
use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use throttle::Throttle;
use zeroize::Zeroizing;

/// What the pepper and the key of tokens are derived for.
const PEPPER_FOR: &str = "coulisse-pepper-v1";
const TOKENS_FOR: &str = "coulisse-token-v1";
/// What one hash is taken to last where somebody is told when to come again, in ms.
const HASH_MS: u64 = 60;

/// The rules of people, set before the door opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeopleRules {
    /// What a hash costs that is made from now on.
    pub cost: HashCost,
    /// Passwords that may wait or be hashed at one time.
    pub waiting_max: usize,
    /// Characters of a password that is set from now on, at least.
    pub password_min: usize,
    /// How long a token lasts, in s.
    pub token_s: i64,
    /// How long a session lasts that is refreshed, in s.
    pub session_s: i64,
    /// Whose tokens these are: those of another audience are none here. Plain letters.
    pub audience: String,
}

impl Default for PeopleRules {
    fn default() -> Self {
        Self {
            cost: HashCost { memory_kib: 19 * 1_024, passes: 3 },
            waiting_max: 32,
            password_min: 12,
            token_s: 900,
            session_s: 43_200,
            audience: "coulisse".to_string(),
        }
    }
}

/// Keys that are derived from the master key.
struct Derived {
    pepper: Secret,
    tokens: Secret,
}

/// Who waits for a password, and how to answer.
struct Asker {
    conn: ConnId,
    id_raw: Vec<u8>,
    op: Op,
    weight: u32,
    in_us: i64,
    address: Option<IpAddr>,
}

impl Asker {
    /// How a password that it gives for `name` is noted.
    fn logon<'a>(&self, what: &'static str, name: &'a KeyId) -> Logon<'a> {
        let (method, name, session) = ("password", Some(name), self.conn.session);
        Logon { what, method, name, address: self.address, session }
    }
}

/// What is done when a password was hashed.
enum Pending {
    /// `session.open`: whose password it was, if anybody's.
    Open { asker: Asker, name: KeyId, whose: Option<(KeyIndex, KeyMaterial)> },
    /// A command that waits for its hash.
    Enter { asker: Asker, identity: Identity, account: AccountId, nonce: u64, then: Then },
}

/// The command.
enum Then {
    Issue {
        issue: KeyIssue,
        request_id: RequestId,
        deadline_us: Option<i64>,
    },
    Set {
        key_id: KeyId,
        deadline_us: Option<i64>,
    },
    /// The same by the person, which the old password has to allow.
    Change {
        key_id: KeyId,
        material: KeyMaterial,
        deadline_us: Option<i64>,
    },
}

/// What the hub keeps for people.
#[derive(Default)]
pub(crate) struct Desk {
    rules: PeopleRules,
    derived: Option<Derived>,
    throttle: Throttle,
    queue: VecDeque<(u64, Work)>,
    pending: BTreeMap<u64, Pending>,
    last: u64,
    counters: PeopleCounters,
}

/// What is counted of people.
#[derive(Clone, Copy, Debug, Default)]
pub struct PeopleCounters {
    /// Sessions opened with a password.
    pub opened: u64,
    /// Passwords and tokens that were wrong, or of keys that do not work.
    pub failed: u64,
    /// Requests that were told `RETRY_LOGON`.
    pub retried: u64,
    /// Passwords that wait or are being hashed.
    pub waiting: u64,
    /// How many may.
    pub waiting_max: u64,
}

impl Desk {
    /// Derives what is needed of the master key.
    pub(crate) fn derive(&mut self, secrets: &dyn Secrets) {
        let [pepper, tokens] = [PEPPER_FOR, TOKENS_FOR].map(|purpose| secrets.derive(purpose));
        self.derived = Some(Derived { pepper, tokens });
    }

    fn peppered(&self, password: &Password) -> Option<Peppered> {
        hashing::pepper(&self.derived.as_ref()?.pepper, password.as_bytes())
    }

    fn start(&mut self, work: Work, pending: Pending) {
        self.last += 1;
        self.queue.push_back((self.last, work));
        self.pending.insert(self.last, pending);
    }
}

impl Hub {
    /// Sets the rules of people, before the door opens.
    pub fn set_people(&mut self, rules: PeopleRules) {
        self.desk.rules = rules;
    }

    /// What was counted of people.
    pub fn people_counters(&self) -> PeopleCounters {
        let waiting = u64::try_from(self.desk.pending.len()).unwrap_or(u64::MAX);
        let waiting_max = u64::try_from(self.desk.rules.waiting_max).unwrap_or(u64::MAX);
        PeopleCounters { waiting, waiting_max, ..self.desk.counters }
    }

    /// Takes the next password to be hashed, with its number: [`Hub::finish_work`] wants it back.
    pub fn take_work(&mut self) -> Option<(u64, Work)> {
        self.desk.queue.pop_front()
    }

    /// Does what people ask for.
    pub(crate) fn people<'a>(
        &mut self,
        id: ConnId,
        request: &Request<'a>,
        people: &People,
        answer: &Answer<'a>,
        view: &impl CoreView,
    ) -> Result<(), RequestError<'a>> {
        match people {
            People::Open { name, password } => {
                self.open_session(id, request, (name, password), answer, view)
            }
            People::Logon(token) => self.logon_by_token(id, answer, token.as_bytes(), view),
            People::Refresh => self.refresh(id, answer, view),
            People::End => self.end_session(id, request, answer.stamps.in_us, view),
            People::Change { password, new_password } => {
                self.change_password(id, request, (password, new_password), answer, view)
            }
            People::Set { key_id, password } => {
                let then = Then::Set { key_id: *key_id, deadline_us: request.deadline_us };
                // Whatever is wrong with the key, the core says; what it would say of one that has no
                // password is not worth a hash.
                self.hash_and_enter(id, request, (password, then), answer, view)
            }
        }
    }

    fn asker(&mut self, id: ConnId, answer: &Answer<'_>) -> Asker {
        let address = self.conn(id).and_then(|conn| conn.address);
        let Answer { id_raw, op, weight, stamps } = answer;
        let (id_raw, in_us) = (id_raw.to_vec(), stamps.in_us);
        Asker { conn: id, id_raw, op: *op, weight: *weight, in_us, address }
    }

    /// Whether another password may be hashed.
    fn check_room<'a>(&mut self, id_raw: &'a [u8]) -> Result<(), RequestError<'a>> {
        let waiting = self.desk.pending.len();
        if self.desk.derived.is_none() {
            return Err(RequestError::new(id_raw, RejectCode::NoSecrets));
        }
        if self.stopping {
            return Err(RequestError::new(id_raw, RejectCode::ShuttingDown));
        }
        if waiting < self.desk.rules.waiting_max {
            return Ok(());
        }
        self.desk.counters.retried += 1;
        let after_ms = HASH_MS * u64::try_from(waiting).unwrap_or(1);
        Err(RequestError::new(id_raw, RejectCode::RetryLogon).later(after_ms))
    }

    fn check_length<'a>(
        &self,
        id_raw: &'a [u8],
        field: &'static [u8],
        password: &Password,
    ) -> Result<(), RequestError<'a>> {
        let least = self.desk.rules.password_min;
        if password.chars() >= least {
            return Ok(());
        }
        let error = RequestError::new(id_raw, RejectCode::PasswordTooShort).about(field, b"");
        Err(error.with_limit(least.to_string().as_bytes()))
    }

    fn making<'a>(
        &mut self,
        id_raw: &'a [u8],
        password: &Password,
    ) -> Result<(Peppered, Recipe), RequestError<'a>> {
        self.check_room(id_raw)?;
        let mut salt = [0; SALT_BYTES];
        let drawn = self.secrets.as_ref().and_then(|secrets| secrets.draw(&mut salt));
        let peppered = drawn.and_then(|()| self.desk.peppered(password));
        let none = RequestError::new(id_raw, RejectCode::NoSecrets);
        Ok((peppered.ok_or(none)?, Recipe { salt, cost: self.desk.rules.cost }))
    }

    /// The hash of a password of which the log holds this.
    fn hash_of(&self, key: &KeyView) -> Option<Secret> {
        let is_persons = key.scheme == KeyScheme::Password && key.state != KeyState::Revoked;
        let secrets = self.secrets.as_ref().filter(|_| is_persons)?;
        secrets.open(&key.key_id, key.account, &key.material)
    }

    /// What checks a password; where there is none to compare with, as much is done in vain.
    fn checking<'a>(
        &mut self,
        id_raw: &'a [u8],
        password: &Password,
        key: Option<&KeyView>,
    ) -> Result<(Work, bool), RequestError<'a>> {
        let hash = key.and_then(|key| self.hash_of(key));
        let found = hash.as_ref().and_then(hashing::parts);
        let is_somebodys = found.is_some();
        let (tag, recipe) = found.unwrap_or_else(|| {
            let salt = [0; SALT_BYTES];
            (Zeroizing::default(), Recipe { salt, cost: self.desk.rules.cost })
        });
        let none = RequestError::new(id_raw, RejectCode::NoSecrets);
        let peppered = self.desk.peppered(password).ok_or(none)?;
        Ok((Work { check: Some((peppered, recipe, tag)), make: None }, is_somebodys))
    }

    fn pay_for_try<'a>(
        &mut self,
        id: ConnId,
        id_raw: &'a [u8],
        name: &KeyId,
        now_us: i64,
    ) -> Result<(), RequestError<'a>> {
        let address = self.conn(id).and_then(|conn| conn.address);
        self.desk.throttle.take(name, address, now_us).map_err(|wait_us| {
            self.counters.limited += 1;
            let after_ms = u64::try_from(wait_us / 1_000 + 1).unwrap_or(1);
            RequestError::new(id_raw, RejectCode::RateLimited).about(b"logon", b"").later(after_ms)
        })
    }

    /// Goes on with what waited for a password.
    pub fn finish_work(&mut self, number: u64, done: Done, now_us: i64, view: &impl CoreView) {
        match self.desk.pending.remove(&number) {
            None => {}
            Some(Pending::Open { asker, name, whose }) => {
                let key = view.key(name.as_bytes());
                let is_same = |key: &KeyView| whose == Some((key.key, key.material));
                let key = key.filter(|key| done.is_right && is_same(key));
                let opened = self.open_for(&asker, &name, key.as_ref(), now_us, view);
                self.asked_us = asker.in_us;
                if let Err(error) = opened {
                    self.refuse(asker.conn, view.seq(), &error);
                }
            }
            Some(Pending::Enter { asker, identity, account, nonce, then }) => {
                let entered =
                    self.enter_hashed(&asker, (identity, account, nonce), &then, done, view);
                self.asked_us = asker.in_us;
                if let Err(error) = entered {
                    self.refuse(asker.conn, view.seq(), &error);
                }
            }
        }
    }

    fn answer_to<'a>(&self, asker: &'a Asker, seq: Seq) -> Answer<'a> {
        self.answer_at((&asker.id_raw, asker.op), asker.weight, asker.in_us, seq)
    }
}
