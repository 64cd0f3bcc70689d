//! What the parameters of requests about people become: passwords, and the tokens that stand for them.
//!
//! Invariant: a password is in no error, and is overwritten when it is dropped.

use alloc::boxed::Box;
use alloc::vec::Vec;

use coulisse_types::{KeyId, RejectCode};
use zeroize::Zeroizing;

use super::error::Detail;
use super::params::{Fault, Params, Read, missing, name};
use super::request::Body;
use super::spec::{Op, at::people as at};
use crate::json::{Kind, Raw};
use crate::limits::{PASSWORD_BYTES_MAX, TEXT_BYTES_MAX, TOKEN_BYTES_MAX};

/// Parameters that no error repeats.
const SECRETS: [&[u8]; 3] = [b"password", b"new_password", b"token"];

/// A password in UTF-8 as it came; never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(Zeroizing<Vec<u8>>);

impl Password {
    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// How many characters it has.
    pub fn chars(&self) -> usize {
        // A character has one byte that does not go on from another.
        self.0.iter().filter(|byte| **byte & 0xC0 != 0x80).count()
    }
}

impl core::fmt::Debug for Password {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Password(…)")
    }
}

/// What people ask for, and operators for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum People {
    /// `session.open`.
    Open {
        /// The person's name: the id of a key of the scheme `password`.
        name: KeyId,
        /// The password.
        password: Password,
    },
    /// `session.logon` with a token.
    Logon(Token),
    /// `session.refresh`.
    Refresh,
    /// `session.end`.
    End,
    /// `password.change`.
    Change {
        /// The password that holds now.
        password: Password,
        /// The one that is to hold.
        new_password: Password,
    },
    /// `password.set`.
    Set {
        /// Whose.
        key_id: KeyId,
        /// The one that is to hold.
        password: Password,
    },
}

/// A token as it came; never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(Zeroizing<Vec<u8>>);

impl Token {
    /// Its text.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl core::fmt::Debug for Token {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Token(…)")
    }
}

/// Whether a parameter of this name is never repeated.
pub(super) fn is_secret(name: &[u8]) -> bool {
    SECRETS.contains(&name)
}

/// Whether a message names such a parameter, wherever it stands.
pub(super) fn mentions_secret(bytes: &[u8]) -> bool {
    let has = |word: &[u8]| bytes.windows(word.len()).any(|part| part == word);
    has(b"password") || has(b"token")
}

pub(super) fn read_people<'a>(op: Op, params: &Params<'a>) -> Read<'a, Body<'a>> {
    let people = match op {
        Op::SessionOpen => People::Open {
            name: name(params.get(at::NAME), "name")?,
            password: read_password(params.get(at::PASSWORD), "password")?,
        },
        Op::SessionRefresh => People::Refresh,
        Op::SessionEnd => People::End,
        Op::PasswordChange => People::Change {
            password: read_password(params.get(at::OLD), "password")?,
            new_password: read_password(params.get(at::NEW), "new_password")?,
        },
        _ => People::Set {
            key_id: name(params.get(at::NAME), "key_id")?,
            password: read_password(params.get(at::PASSWORD), "password")?,
        },
    };
    Ok(Body::People(Box::new(people)))
}

/// A logon with a token has nothing else.
pub(super) fn read_token<'a>(value: Raw<'a>, others: [Raw<'a>; 2]) -> Read<'a, Body<'a>> {
    let is_alone = others.iter().all(|other| !other.is_present());
    if value.kind != Kind::Text || value.bytes.len() > TOKEN_BYTES_MAX || !is_alone {
        let wanted = "a token of session.open, without key_id and signature";
        return Err(
            Fault::new(RejectCode::InvalidValue, "token", value).with(Detail::Wanted(wanted))
        );
    }
    let token = Token(Zeroizing::new(value.bytes.to_vec()));
    Ok(Body::People(Box::new(People::Logon(token))))
}

/// The password of a key of the scheme `password`, and of no other.
pub(super) fn read_key_password(value: Raw<'_>, is_persons: bool) -> Read<'_, Option<Password>> {
    match (is_persons, value.is_present()) {
        (false, false) => Ok(None),
        (false, true) => {
            let fault = Fault::new(RejectCode::InvalidValue, "password", value);
            Err(fault.with(Detail::Wanted("absent but for the scheme password")))
        }
        (true, false) => Err(missing("password")),
        (true, true) => read_password(value, "password").map(Some),
    }
}

fn read_password<'a>(value: Raw<'a>, field: &'static str) -> Read<'a, Password> {
    let mut scratch = Zeroizing::new([0; TEXT_BYTES_MAX]);
    let text = value.text(scratch.as_mut_slice());
    let text = text.filter(|text| !text.is_empty() && text.len() <= PASSWORD_BYTES_MAX);
    text.map(|text| Password(Zeroizing::new(text.to_vec()))).ok_or_else(|| {
        let fault = Fault::new(RejectCode::InvalidValue, field, value);
        fault.with(Detail::Wanted("1 to 128 bytes of text"))
    })
}
