//! What the parameters of requests about keys become.

use alloc::vec::Vec;

use coulisse_types::command::{KeyBind, KeyIssue, KeyRevoke, permission};
use coulisse_types::keys::{IdList, KeyLabel, KeyMaterial, NetworkList};
use coulisse_types::limits::{KEY_IDS_MAX, KEY_NETWORK_BYTES, KEY_NETWORKS_MAX, KEY_PUBLIC_BYTES};
use coulisse_types::{AccountName, KeyScheme, RejectCode};

use super::admin::plain;
use super::bodies::unhex;
use super::error::Detail;
use super::params::{Fault, Params, Read, find_symbol, missing, name, one_of, read_time};
use super::people::read_key_password;
use super::request::Admin;
use super::spec::{Op, ParamKind, at::key as at};
use crate::instruments::Symbols;
use crate::json::{Kind, Raw, Scanner};
use crate::limits::TEXT_BYTES_MAX;

/// The permissions by their names, as a key is given them.
pub const PERMISSION_NAMES: [(&str, u8); 4] = [
    ("read", permission::READ),
    ("trade", permission::TRADE),
    ("withdraw", permission::WITHDRAW),
    ("admin", permission::ADMIN),
];
/// Bytes before an IPv4 address that make it an IPv6 one (RFC 4291, section 2.5.5.2).
const MAPPED: [u8; 12] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF];

pub(super) fn read_create<'a>(params: &Params<'a>) -> Read<'a, Admin> {
    let key_id = name(params.get(at::KEY_ID), "key_id")?;
    let listed = Op::KeyCreate.spec().params;
    let scheme = match params.get(at::SCHEME).present() {
        Some(value) => one_of(listed, at::SCHEME, value, KeyScheme::from_name)?,
        None => KeyScheme::Ed25519,
    };
    let value = params.get(at::PUBLIC_KEY);
    let material = match (scheme, value.is_present()) {
        (KeyScheme::Ed25519, false) => return Err(missing("public_key")),
        (KeyScheme::Ed25519, true) => read_public_key(value)?,
        // The node draws the secret, or hashes the password, and seals it.
        (KeyScheme::HmacSha256 | KeyScheme::Password, false) => KeyMaterial::default(),
        (KeyScheme::HmacSha256 | KeyScheme::Password, true) => {
            let fault = Fault::new(RejectCode::InvalidValue, "public_key", value);
            return Err(fault.with(Detail::Wanted("absent: only an Ed25519 key has one")));
        }
    };
    let label = params.get(at::LABEL).present();
    let label: Option<KeyLabel> = label.map(|value| name(value, "label")).transpose()?;
    let issue = KeyIssue {
        key_id,
        scheme,
        material,
        permissions: read_permissions(params.get(at::PERMISSIONS))?,
        label: label.unwrap_or_default(),
        expire_ns: read_time(params.get(at::EXPIRE_TIME), "expire_time")?,
        waits: params.get(at::WAITS).kind == Kind::True,
    };
    let password = read_key_password(params.get(at::PASSWORD), scheme == KeyScheme::Password)?;
    Ok(Admin { password, ..plain(issue.into()) })
}

fn read_public_key(value: Raw<'_>) -> Read<'_, KeyMaterial> {
    let mut scratch = [0; TEXT_BYTES_MAX];
    let mut bytes = [0; KEY_PUBLIC_BYTES];
    let read = value.text(&mut scratch).and_then(|digits| unhex(digits, &mut bytes));
    read.and_then(|()| KeyMaterial::new(&bytes)).ok_or_else(|| {
        let fault = Fault::new(RejectCode::InvalidValue, "public_key", value);
        fault.with(Detail::Wanted("64 hexadecimal digits"))
    })
}

fn read_permissions(list: Raw<'_>) -> Read<'_, u8> {
    let mut bits = 0;
    each_text(list, "permissions", &mut |value, text| {
        let found = PERMISSION_NAMES.iter().find(|(name, _)| name.as_bytes() == text);
        let Some((_, bit)) = found else {
            let fault = Fault::new(RejectCode::InvalidValue, "permissions", value);
            return Err(fault.with(Detail::OneOf(&["read", "trade", "withdraw", "admin"])));
        };
        bits |= bit;
        Ok(())
    })?;
    Ok(bits)
}

/// What a key is bound to; the ids of its accounts wait for the edge, which knows their names.
pub(super) fn read_bind<'a>(
    params: &Params<'a>,
    symbols: &(impl Symbols + ?Sized),
) -> Read<'a, Admin> {
    let key_id = name(params.get(at::KEY_ID), "key_id")?;
    let mut accounts: Vec<AccountName> = Vec::new();
    let value = params.get(at::ACCOUNTS);
    each_text(value, "accounts", &mut |value, text| {
        accounts.push(
            AccountName::new(text)
                .ok_or_else(|| Fault::new(RejectCode::UnknownAccount, "accounts", value))?,
        );
        Ok(())
    })?;
    check_count(value, "accounts", accounts.len(), KEY_IDS_MAX)?;
    let mut instruments = Vec::new();
    let value = params.get(at::SYMBOLS);
    each_text(value, "symbols", &mut |value, _| {
        instruments.push(find_symbol(value, "symbols", symbols)?.id.0);
        Ok(())
    })?;
    check_count(value, "symbols", instruments.len(), KEY_IDS_MAX)?;
    let mut networks = Vec::new();
    let value = params.get(at::NETWORKS);
    let mut count = 0_usize;
    each_text(value, "networks", &mut |value, text| {
        let network = core::str::from_utf8(text).ok().and_then(network).ok_or_else(|| {
            let fault = Fault::new(RejectCode::InvalidValue, "networks", value);
            fault.with(Detail::Wanted("an address or a network, as 10.0.0.0/8 or 2001:db8::/32"))
        })?;
        networks.extend_from_slice(&network);
        count = count.saturating_add(1);
        Ok(())
    })?;
    check_count(value, "networks", count, KEY_NETWORKS_MAX)?;
    let bind = KeyBind {
        key_id,
        accounts: IdList::default(),
        instruments: id_list(instruments),
        networks: NetworkList::new(&networks).unwrap_or_default(),
    };
    Ok(Admin { accounts, ..plain(bind.into()) })
}

pub(super) fn read_revoke<'a>(params: &Params<'a>) -> Read<'a, Admin> {
    Ok(plain(KeyRevoke { key_id: name(params.get(at::KEY_ID), "key_id")? }.into()))
}

/// Ids as a list of the log: each once, ascending.
pub(super) fn id_list(mut ids: Vec<u32>) -> IdList {
    ids.sort_unstable();
    ids.dedup();
    let bytes: Vec<u8> = ids.iter().flat_map(|id| id.to_le_bytes()).collect();
    IdList::new(&bytes).unwrap_or_default()
}

/// An address, and how many of its bits count: all of them where that is not said.
fn network(text: &str) -> Option<[u8; 17]> {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits.parse::<u8>().ok()?)),
        None => (text, None),
    };
    let mut network = [0; 17];
    let (most, offset) = match address.parse().ok()? {
        core::net::IpAddr::V4(four) => {
            let (start, end) = network.split_first_chunk_mut::<12>()?;
            *start = MAPPED;
            *end.first_chunk_mut()? = four.octets();
            (32, 96_u8)
        }
        core::net::IpAddr::V6(six) => {
            *network.first_chunk_mut()? = six.octets();
            (128, 0)
        }
    };
    let bits = bits.unwrap_or(most);
    *network.last_mut()? = bits.checked_add(offset).filter(|_| bits <= most)?;
    Some(network)
}

/// Each network of a list as text.
pub(super) fn network_texts(networks: &NetworkList) -> Vec<Vec<u8>> {
    let each = networks.as_slice().chunks_exact(KEY_NETWORK_BYTES);
    each.filter_map(|network| {
        let (address, bits) = network.split_first_chunk::<16>()?;
        let bits = *bits.first()?;
        let six = core::net::Ipv6Addr::from(*address);
        Some(match six.to_ipv4_mapped() {
            Some(four) if bits >= 96 => alloc::format!("{four}/{}", bits.saturating_sub(96)),
            _ => alloc::format!("{six}/{bits}"),
        })
    })
    .map(alloc::string::String::into_bytes)
    .collect()
}

/// Whether a list of networks is empty, or one of them holds an address.
pub fn is_within(networks: &NetworkList, address: &[u8; 16]) -> bool {
    let address = u128::from_be_bytes(*address);
    let mut each = networks.as_slice().chunks_exact(KEY_NETWORK_BYTES);
    networks.is_empty()
        || each.any(|network| {
            let Some((start, bits)) = network.split_first_chunk::<16>() else { return false };
            let other_bits = 128_u32.saturating_sub(bits.first().copied().unwrap_or(128).into());
            let apart = u128::from_be_bytes(*start) ^ address;
            apart.checked_shr(other_bits).unwrap_or(0) == 0
        })
}

fn check_count<'a>(list: Raw<'a>, field: &'static str, count: usize, most: usize) -> Read<'a, ()> {
    if count <= most {
        return Ok(());
    }
    let limit = alloc::format!("{most}");
    Err(Fault(Fault::new(RejectCode::NumberOutOfRange, field, list).0.with_limit(limit.as_bytes())))
}

/// Gives each text of a list that the scanner has checked to be JSON.
fn each_text<'a>(
    list: Raw<'a>,
    field: &'static str,
    take: &mut dyn FnMut(Raw<'a>, &[u8]) -> Read<'a, ()>,
) -> Read<'a, ()> {
    let mut scanner = Scanner::new(list.bytes);
    if !list.is_present() || !scanner.take(b'[') || scanner.take(b']') {
        return Ok(());
    }
    loop {
        let value = scanner.value(3)?;
        let mut scratch = [0; TEXT_BYTES_MAX];
        let Some(text) = value.text(&mut scratch) else {
            let fault = Fault::new(RejectCode::WrongType, field, value);
            return Err(fault.with(Detail::Wanted(ParamKind::TextList.name())));
        };
        take(value, text)?;
        if !scanner.another(b']')? {
            return Ok(());
        }
    }
}
