//! Keys are created, issued, bound and revoked, passwords set and sessions ended: sections 2 and 26 of the
//! rules.

use crate::engine::Engine;
use crate::keys::Key;
use crate::nonces::Nonces;
use crate::planted::Fault;
use crate::reject::{Reject, ensure};
use crate::state_hash::Hasher;
use coulisse_types::command::{
    CancelOnDisconnect, KeyBind, KeyCreate, KeyIssue, KeyRevoke, PasswordSet, SessionEnd,
    permission,
};
use coulisse_types::event::{
    CancelOnDisconnectSet, KeyBound, KeyCreated, KeyIssued, KeyRevoked, PasswordChanged,
    SessionEnded,
};
use coulisse_types::keys::{IdList, KeyLabel, KeyMaterial, NetworkList};
use coulisse_types::limits::{KEY_NETWORK_BYTES, KEY_PUBLIC_BYTES, KEY_SEALED_BYTES};
use coulisse_types::text::is_plain_name;
use coulisse_types::{
    AccountId, Event, Field, InstrumentId, KeyId, KeyIndex, KeyScheme, KeyState, RecordHeader,
    RejectCode, Unit,
};

/// Bits of an IPv6 address.
const ADDRESS_BITS: u8 = 128;

impl Engine {
    pub(crate) fn create_key(
        &mut self,
        header: &RecordHeader,
        body: &KeyCreate,
    ) -> Result<Event, Reject> {
        let KeyCreate { key_id, public_key, permissions } = *body;
        let account = header.account;
        check_name(&key_id)?;
        check_permissions(permissions)?;
        let material = KeyMaterial::new(&public_key).unwrap_or_default();
        let key = self.add_key(&Key { material, ..a_key(key_id, account, permissions) })?;
        Ok(Event::KeyCreated(KeyCreated { key, key_id, account, public_key, permissions }))
    }

    pub(crate) fn issue_key(
        &mut self,
        header: &RecordHeader,
        body: &KeyIssue,
    ) -> Result<Event, Reject> {
        let KeyIssue { key_id, scheme, material, permissions, label, expire_ns, waits } = *body;
        let account = header.account;
        check_name(&key_id)?;
        check_permissions(permissions)?;
        check_material(scheme, &material)?;
        ensure(expire_ns == 0 || expire_ns > header.time_ns, || {
            let reject = Reject::new(RejectCode::TimeOutOfRange, Field::ExpireTime);
            reject.value(Unit::Ns, expire_ns).limit(header.time_ns)
        })?;
        let state = if waits { KeyState::Waits } else { KeyState::Active };
        let plain = a_key(key_id, account, permissions);
        let key = self.add_key(&Key { scheme, material, label, expire_ns, state, ..plain })?;
        Ok(Event::KeyIssued(KeyIssued {
            key,
            key_id,
            account,
            scheme,
            permissions,
            label,
            expire_ns,
            waits,
        }))
    }

    fn add_key(&mut self, key: &Key) -> Result<KeyIndex, Reject> {
        if let Some(other) = self.keys.by_key_id(key.key_id.as_bytes()) {
            return Err(Reject::new(RejectCode::AlreadyExists, Field::Key).number(other.index.0));
        }
        ensure(!self.keys.is_full(), || Reject::table_full(Field::Count, self.keys.max()))?;
        Ok(self.keys.add(key))
    }

    pub(crate) fn bind_key(&mut self, body: &KeyBind) -> Result<Event, Reject> {
        let KeyBind { key_id, accounts, instruments, networks } = *body;
        let key = self.living_key(&key_id)?;
        check_list(&accounts, Field::Accounts)?;
        if let Some(id) = accounts.ids().find(|id| !self.accounts.exists(AccountId(*id))) {
            return Err(Reject::new(RejectCode::UnknownAccount, Field::Accounts).number(id));
        }
        check_list(&instruments, Field::Symbols)?;
        let is_unknown = |id: &u32| self.instruments.get(InstrumentId(*id)).is_none();
        if let Some(id) = instruments.ids().find(is_unknown) {
            return Err(Reject::new(RejectCode::UnknownInstrument, Field::Symbols).number(id));
        }
        check_networks(&networks)?;
        let bound = Key { accounts, instruments, networks, state: KeyState::Active, ..key };
        self.keys.change(&bound);
        Ok(Event::KeyBound(KeyBound { key: key.index, accounts, instruments, networks }))
    }

    pub(crate) fn revoke_key(&mut self, body: &KeyRevoke) -> Result<Event, Reject> {
        let key = self.living_key(&body.key_id)?;
        self.keys.change(&Key { state: KeyState::Revoked, ..key });
        Ok(Event::KeyRevoked(KeyRevoked { key: key.index, key_id: key.key_id }))
    }

    /// Whoever may not administer sets the own password: what another's name is told says nothing of it.
    pub(crate) fn set_password(
        &mut self,
        header: &RecordHeader,
        body: &PasswordSet,
    ) -> Result<Event, Reject> {
        let PasswordSet { key_id, material } = *body;
        if let Some(asker) = self.keys.get(header.key) {
            let is_own = asker.key_id == key_id || self.planted.is(Fault::AnyPasswordIsOwn);
            ensure(is_own || asker.permissions & permission::ADMIN != 0, || {
                Reject::new(RejectCode::NotPermitted, Field::Key).number(header.key.0)
            })?;
        }
        let key = self.living_key(&key_id)?;
        ensure(key.scheme == KeyScheme::Password, || {
            Reject::new(RejectCode::InvalidCombination, Field::Key).number(key.index.0)
        })?;
        check_material(key.scheme, &material)?;
        self.keys.change(&Key { material, ..key });
        Ok(Event::PasswordChanged(PasswordChanged { key: key.index, key_id }))
    }

    /// A key that was not revoked.
    fn living_key(&self, key_id: &KeyId) -> Result<Key, Reject> {
        let unknown = || Reject::new(RejectCode::UnknownKey, Field::Key);
        let key = self.keys.by_key_id(key_id.as_bytes()).ok_or_else(unknown)?;
        ensure(key.state != KeyState::Revoked, || {
            Reject::new(RejectCode::KeyRevoked, Field::Key).number(key.index.0)
        })?;
        Ok(*key)
    }

    /// Part 24 of the state hash.
    pub(crate) fn hash_key_terms(&self, out: &mut Hasher) {
        let plain = |key: &Key| Key {
            material: key.material,
            index: key.index,
            ..a_key(key.key_id, key.account, key.permissions)
        };
        let special = || {
            let all = self.keys.iter();
            all.filter(|key| {
                plain(key) != **key || *self.keys.nonces(key.index) != Nonces::default()
            })
        };
        out.count(special().count());
        for key in special() {
            out.put(&key.index);
            out.put(&key.scheme);
            out.put(&key.material);
            out.put(&key.label);
            out.put(&key.expire_ns);
            out.put(&key.state);
            out.put(&key.accounts);
            out.put(&key.instruments);
            out.put(&key.networks);
            let Nonces { highest, used } = self.keys.nonces(key.index);
            out.put(highest);
            for word in used {
                out.put(word);
            }
        }
    }
}

/// An Ed25519 key that is bound to nothing, without what proves it.
fn a_key(key_id: KeyId, account: AccountId, permissions: u8) -> Key {
    Key {
        index: KeyIndex(0),
        key_id,
        account,
        scheme: KeyScheme::Ed25519,
        material: KeyMaterial::default(),
        permissions,
        label: KeyLabel::default(),
        expire_ns: 0,
        state: KeyState::Active,
        accounts: IdList::default(),
        instruments: IdList::default(),
        networks: NetworkList::default(),
    }
}

/// Changes nothing here: the edges remember which tokens are refused, each from the events.
pub(crate) fn end_session(header: &RecordHeader, body: SessionEnd) -> Result<Event, Reject> {
    let SessionEnd { session, until_ns } = body;
    let key = header.key;
    ensure(key != KeyIndex(0), || Reject::new(RejectCode::UnknownKey, Field::Key))?;
    ensure(until_ns > header.time_ns, || {
        let reject = Reject::new(RejectCode::TimeOutOfRange, Field::ExpireTime);
        reject.value(Unit::Ns, until_ns).limit(header.time_ns)
    })?;
    Ok(Event::SessionEnded(SessionEnded { key, session, until_ns }))
}

/// Changes nothing here: the edges know which sessions there are, and cancel for those that end.
pub(crate) const fn cancel_on_disconnect(header: &RecordHeader, body: CancelOnDisconnect) -> Event {
    let CancelOnDisconnect { session, enabled } = body;
    let account = header.account;
    Event::CancelOnDisconnectSet(CancelOnDisconnectSet { account, session, enabled })
}

fn check_material(scheme: KeyScheme, material: &KeyMaterial) -> Result<(), Reject> {
    let wanted = match scheme {
        KeyScheme::Ed25519 => KEY_PUBLIC_BYTES,
        KeyScheme::HmacSha256 | KeyScheme::Password => KEY_SEALED_BYTES,
    };
    let bytes = material.as_slice().len();
    ensure(bytes == wanted, || {
        let [bytes, wanted] = [bytes, wanted].map(|n| i128::try_from(n).unwrap_or_default());
        Reject::new(RejectCode::InvalidCombination, Field::Material).number(bytes).limit(wanted)
    })
}

fn check_name(key_id: &KeyId) -> Result<(), Reject> {
    ensure(is_plain_name(key_id.as_bytes()), || Reject::new(RejectCode::InvalidName, Field::Key))
}

fn check_permissions(permissions: u8) -> Result<(), Reject> {
    ensure((1..=permission::ALL).contains(&permissions), || {
        Reject::new(RejectCode::AmountOutOfRange, Field::Permissions)
            .number(permissions)
            .limit(permission::ALL)
    })
}

/// Ids are whole, and strictly ascend.
fn check_list(list: &IdList, field: Field) -> Result<(), Reject> {
    let is_whole = list.as_slice().chunks_exact(size_of::<u32>()).remainder().is_empty();
    let ascends = list.ids().zip(list.ids().skip(1)).all(|(one, next)| one < next);
    ensure(is_whole && ascends, || Reject::new(RejectCode::InvalidCombination, field))
}

fn check_networks(networks: &NetworkList) -> Result<(), Reject> {
    let mut each = networks.as_slice().chunks_exact(KEY_NETWORK_BYTES);
    let is_good = each.all(|network| network.last().is_some_and(|bits| *bits <= ADDRESS_BITS));
    let is_whole = each.remainder().is_empty();
    ensure(is_good && is_whole, || Reject::new(RejectCode::InvalidCombination, Field::Networks))
}
