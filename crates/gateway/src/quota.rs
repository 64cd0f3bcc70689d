//! How much one key, one account and one address may ask for: token buckets.
//!
//! A bucket fills at so many units a second up to its burst; a request takes its weight out of each
//! bucket that concerns it, or out of none. What only takes risk away may draw a bucket below empty, by
//! as much as its burst: whoever wants out gets out when orders no longer do.
//!
//! Invariants
//! - A clock that runs backwards fills nothing and takes nothing.
//! - Addresses are bounded by [`ADDRESSES_MAX`]; those beyond share one bucket.
//!
//! Cost: two places in tables and one look-up of the address; nothing where nothing is limited.

use crate::limits::{ADDRESSES_MAX, LOGONS_BURST, LOGONS_PER_S};
use coulisse_types::{AccountId, KeyIndex};
use std::collections::HashMap;
use std::net::IpAddr;

/// Parts of a unit: a bucket of one unit a second gains one of them each microsecond.
const PARTS: i64 = 1_000_000;

/// How fast a bucket fills, and how much it holds. `per_s` 0 is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rate {
    /// Units a second.
    pub per_s: u32,
    /// Units that a full bucket holds.
    pub burst: u32,
}

/// The limits of a process's door.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// Of one key.
    pub key: Rate,
    /// Of one account, over all its keys.
    pub account: Rate,
    /// Of one address, over all its connections.
    pub address: Rate,
}

/// Whose bucket a request is too heavy for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exceeded {
    /// `key`, `account`, `address` or `logons`.
    pub whose: &'static str,
    /// Units a second that are its limit.
    pub per_s: u32,
    /// How long until the bucket holds enough.
    pub wait_us: i64,
}

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub struct Asker {
    /// The key and its account, of a session that is logged on.
    pub identity: Option<(KeyIndex, AccountId)>,
    /// Where it comes from; none inside the process.
    pub address: Option<IpAddr>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    /// Below zero after ways out were taken on credit.
    parts: i64,
    at_us: i64,
}

impl Bucket {
    fn full(rate: Rate, now_us: i64) -> Self {
        Self { parts: i64::from(rate.burst) * PARTS, at_us: now_us }
    }

    fn fill(&mut self, rate: Rate, now_us: i64) {
        let since_us = now_us.saturating_sub(self.at_us).max(0);
        self.at_us = self.at_us.max(now_us);
        let gained = since_us.saturating_mul(i64::from(rate.per_s));
        let most = i64::from(rate.burst) * PARTS;
        self.parts = self.parts.saturating_add(gained).min(most);
    }

    /// How long until `weight` can be taken; 0 for at once.
    fn wait_us(&self, rate: Rate, weight: u32, is_way_out: bool) -> i64 {
        let credit = if is_way_out { i64::from(rate.burst) * PARTS } else { 0 };
        // What is heavier than a whole bucket passes when the bucket is full.
        let weight = i64::from(weight.min(rate.burst)) * PARTS;
        let missing = weight.saturating_sub(self.parts).saturating_sub(credit).max(0);
        missing.checked_add(i64::from(rate.per_s) - 1).unwrap_or(missing) / i64::from(rate.per_s)
    }
}

impl Bucket {
    /// Takes `weight` if it is there; fills the bucket first.
    fn take(&mut self, rate: Rate, weight: u32, is_way_out: bool, now_us: i64) -> Result<(), i64> {
        self.fill(rate, now_us);
        match self.wait_us(rate, weight, is_way_out) {
            0 => {
                self.parts -= i64::from(weight.min(rate.burst)) * PARTS;
                Ok(())
            }
            wait_us => Err(wait_us),
        }
    }

    /// Whole units that it holds.
    const fn held(&self) -> i64 {
        self.parts.div_euclid(PARTS)
    }

    fn give_back(&mut self, rate: Rate, weight: u32) {
        self.parts += i64::from(weight.min(rate.burst)) * PARTS;
    }
}

/// Buckets by a number that the core gave out: numbers are small, so the place is the number.
#[derive(Debug, Default)]
struct ByNumber {
    rate: Rate,
    buckets: Vec<Option<Bucket>>,
}

impl ByNumber {
    fn bucket(&mut self, number: u32, now_us: i64) -> Option<&mut Bucket> {
        if self.rate.per_s == 0 {
            return None;
        }
        let place = usize::try_from(number).ok()?;
        if place >= self.buckets.len() {
            self.buckets.resize(place + 1, None);
        }
        let rate = self.rate;
        self.buckets.get_mut(place).map(|one| one.get_or_insert_with(|| Bucket::full(rate, now_us)))
    }

    fn take(
        &mut self,
        number: u32,
        (weight, is_way_out): (u32, bool),
        now_us: i64,
    ) -> Result<(), i64> {
        let rate = self.rate;
        let bucket = self.bucket(number, now_us);
        bucket.map_or(Ok(()), |bucket| bucket.take(rate, weight, is_way_out, now_us))
    }

    /// Units in a bucket; `None` where nothing is limited.
    fn held(&self, number: u32) -> Option<i64> {
        if self.rate.per_s == 0 {
            return None;
        }
        let bucket = self.buckets.get(usize::try_from(number).ok()?).copied().flatten();
        Some(bucket.map_or(self.rate.burst.into(), |bucket| bucket.held()))
    }

    fn give_back(&mut self, number: u32, weight: u32) {
        let rate = self.rate;
        let place = usize::try_from(number).ok();
        if let Some(Some(bucket)) = place.and_then(|place| self.buckets.get_mut(place)) {
            bucket.give_back(rate, weight);
        }
    }
}

/// Every bucket of a process.
#[derive(Debug)]
pub struct Quotas {
    keys: ByNumber,
    accounts: ByNumber,
    address: Rate,
    addresses: HashMap<Option<IpAddr>, Bucket>,
    logons: Bucket,
    swept_us: i64,
}

const LOGONS: Rate = Rate { per_s: LOGONS_PER_S, burst: LOGONS_BURST };

impl Default for Quotas {
    fn default() -> Self {
        Self {
            keys: ByNumber::default(),
            accounts: ByNumber::default(),
            address: Rate::default(),
            addresses: HashMap::new(),
            logons: Bucket::full(LOGONS, 0),
            swept_us: 0,
        }
    }
}

impl Quotas {
    /// Sets the limits; every bucket is full.
    pub fn set_rates(&mut self, rates: Rates) {
        *self = Self::default();
        self.keys.rate = rates.key;
        self.accounts.rate = rates.account;
        self.address = rates.address;
    }

    /// Takes a request's weight out of every bucket that concerns it.
    ///
    /// # Errors
    /// [`Exceeded`] where one does not hold as much; then nothing was taken.
    pub fn take(
        &mut self,
        asker: &Asker,
        weight: u32,
        is_way_out: bool,
        now_us: i64,
    ) -> Result<(), Exceeded> {
        let what = (weight, is_way_out);
        if let Some((key, account)) = asker.identity {
            let per_s = self.keys.rate.per_s;
            let exceeded = |wait_us| Exceeded { whose: "key", per_s, wait_us };
            self.keys.take(key.0, what, now_us).map_err(exceeded)?;
            let per_s = self.accounts.rate.per_s;
            let taken = self.accounts.take(account.0, what, now_us);
            if let Err(wait_us) = taken {
                self.keys.give_back(key.0, weight);
                return Err(Exceeded { whose: "account", per_s, wait_us });
            }
        }
        let taken = self.take_of_address(asker.address, what, now_us);
        if let (Err(_), Some((key, account))) = (&taken, asker.identity) {
            self.keys.give_back(key.0, weight);
            self.accounts.give_back(account.0, weight);
        }
        taken
    }

    fn take_of_address(
        &mut self,
        address: Option<IpAddr>,
        (weight, is_way_out): (u32, bool),
        now_us: i64,
    ) -> Result<(), Exceeded> {
        let rate = self.address;
        if rate.per_s == 0 || address.is_none() {
            return Ok(());
        }
        let place = self.place(address, now_us);
        let bucket = self.addresses.entry(place).or_insert_with(|| Bucket::full(rate, now_us));
        let exceeded = |wait_us| Exceeded { whose: "address", per_s: rate.per_s, wait_us };
        bucket.take(rate, weight, is_way_out, now_us).map_err(exceeded)
    }

    /// Units that are left in the emptiest bucket that concerns somebody, as of the last request; `None`
    /// where nothing is limited.
    pub fn left(&self, asker: &Asker) -> Option<u32> {
        let identity = asker.identity;
        let key = identity.and_then(|(key, _)| self.keys.held(key.0));
        let account = identity.and_then(|(_, account)| self.accounts.held(account.0));
        let is_limited = self.address.per_s != 0 && asker.address.is_some();
        let of_address = || {
            let own = self.addresses.get(&asker.address);
            own.or_else(|| self.addresses.get(&None))
                .map_or(self.address.burst.into(), Bucket::held)
        };
        let address = is_limited.then(of_address);
        let least = [key, account, address].into_iter().flatten().min()?;
        Some(u32::try_from(least.max(0)).unwrap_or(u32::MAX))
    }

    /// Lets one logon be checked: that costs more than anything else a stranger can ask for.
    ///
    /// # Errors
    /// [`Exceeded`] where more come than may.
    pub fn logon(&mut self, now_us: i64) -> Result<(), Exceeded> {
        let exceeded = |wait_us| Exceeded { whose: "logons", per_s: LOGONS_PER_S, wait_us };
        self.logons.take(LOGONS, 1, false, now_us).map_err(exceeded)
    }

    /// The bucket of an address: its own, or the one that all share who came when there were too many.
    fn place(&mut self, address: Option<IpAddr>, now_us: i64) -> Option<IpAddr> {
        let by = &mut self.addresses;
        if by.len() < ADDRESSES_MAX || by.contains_key(&address) {
            return address;
        }
        // A full bucket says nothing that a new one does not say. Looked for once a second at most.
        if now_us.saturating_sub(self.swept_us) >= PARTS {
            self.swept_us = now_us;
            let rate = self.address;
            let most = i64::from(rate.burst) * PARTS;
            by.retain(|_, bucket| {
                bucket.fill(rate, now_us);
                bucket.parts < most
            });
        }
        if by.len() < ADDRESSES_MAX { address } else { None }
    }

    /// Addresses that have a bucket of their own.
    pub fn addresses(&self) -> usize {
        self.addresses.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_US: i64 = 1_700_000_000_000_000;

    fn asker(key: u32, account: u32, last: u32) -> Asker {
        let address = std::net::Ipv4Addr::from_bits(0x0A00_0000 + last);
        Asker {
            identity: Some((KeyIndex(key), AccountId(account))),
            address: Some(IpAddr::V4(address)),
        }
    }

    fn quotas(key: (u32, u32), account: (u32, u32), address: (u32, u32)) -> Quotas {
        let rate = |(per_s, burst)| Rate { per_s, burst };
        let mut quotas = Quotas::default();
        quotas.set_rates(Rates { key: rate(key), account: rate(account), address: rate(address) });
        quotas
    }

    #[test]
    fn a_burst_passes_one_more_does_not_and_time_gives_it_back() {
        let mut quotas = quotas((10, 3), (0, 0), (0, 0));
        let one = asker(1, 1, 1);
        for _ in 0..3 {
            assert_eq!(quotas.take(&one, 1, false, NOW_US), Ok(()));
        }
        let exceeded = Exceeded { whose: "key", per_s: 10, wait_us: 100_000 };
        assert_eq!(quotas.take(&one, 1, false, NOW_US), Err(exceeded));
        assert_eq!(quotas.take(&asker(2, 1, 1), 1, false, NOW_US), Ok(()), "another key");
        assert!(quotas.take(&one, 1, false, NOW_US + 99_999).is_err());
        assert_eq!(quotas.take(&one, 1, false, NOW_US + 100_000), Ok(()));
        assert!(quotas.take(&one, 1, false, NOW_US - 5_000_000).is_err(), "time ran backwards");
        assert_eq!(quotas.take(&one, 3, false, NOW_US + 9_000_000), Ok(()), "full, and no fuller");
        assert!(quotas.take(&one, 1, false, NOW_US + 9_000_000).is_err());
    }

    #[test]
    fn a_refusal_takes_from_no_bucket() {
        let mut quotas = quotas((10, 5), (10, 100), (10, 2));
        assert_eq!(quotas.take(&asker(1, 1, 1), 2, false, NOW_US), Ok(()));
        for _ in 0..9 {
            let refused = quotas.take(&asker(1, 1, 1), 1, false, NOW_US);
            assert_eq!(refused.map_err(|exceeded| exceeded.whose), Err("address"));
        }
        assert_eq!(quotas.take(&asker(1, 1, 2), 2, false, NOW_US), Ok(()));
        let refused = quotas.take(&asker(1, 1, 3), 2, false, NOW_US);
        assert_eq!(refused.map_err(|exceeded| exceeded.whose), Err("key"));
        assert_eq!(quotas.take(&asker(1, 1, 3), 1, false, NOW_US), Ok(()), "a unit was left");
    }

    #[test]
    fn ways_out_have_as_much_again_and_no_more() {
        let mut quotas = quotas((1, 4), (0, 0), (0, 0));
        let one = asker(1, 1, 1);
        assert_eq!(quotas.take(&one, 4, false, NOW_US), Ok(()));
        assert!(quotas.take(&one, 1, false, NOW_US).is_err());
        for _ in 0..4 {
            assert_eq!(quotas.take(&one, 1, true, NOW_US), Ok(()));
        }
        assert!(quotas.take(&one, 1, true, NOW_US).is_err());
        assert!(quotas.take(&one, 1, false, NOW_US + 4_999_999).is_err(), "the credit comes first");
        assert_eq!(quotas.take(&one, 1, false, NOW_US + 5_000_000), Ok(()));
    }

    #[test]
    fn what_is_heavier_than_a_bucket_passes_when_it_is_full() {
        let mut quotas = quotas((10, 3), (0, 0), (0, 0));
        let one = asker(1, 1, 1);
        assert_eq!(quotas.take(&one, 50, false, NOW_US), Ok(()));
        assert!(quotas.take(&one, 50, false, NOW_US + 299_999).is_err());
        assert_eq!(quotas.take(&one, 50, false, NOW_US + 300_000), Ok(()));
    }

    #[test]
    fn addresses_are_bounded_and_those_beyond_share_a_bucket() {
        let mut quotas = quotas((0, 0), (0, 0), (1, 2));
        let most = u32::try_from(ADDRESSES_MAX).expect("a small limit");
        for last in 0..most {
            assert_eq!(quotas.take(&asker(1, 1, last), 1, false, NOW_US), Ok(()));
        }
        assert_eq!(quotas.take(&asker(1, 1, most), 2, false, NOW_US), Ok(()));
        assert!(quotas.take(&asker(1, 1, most + 1), 1, false, NOW_US).is_err(), "it is shared");
        assert_eq!(quotas.take(&asker(1, 1, 0), 1, false, NOW_US), Ok(()), "this one has its own");
        assert!(quotas.addresses() <= ADDRESSES_MAX + 1);
        let later = NOW_US + 2_000_000;
        assert_eq!(quotas.take(&asker(1, 1, most + 1), 1, false, later), Ok(()));
        assert!(quotas.addresses() < 3, "full buckets were forgotten");
    }

    #[test]
    fn what_is_left_is_what_the_emptiest_bucket_holds() {
        let mut quotas = quotas((10, 9), (10, 7), (10, 5));
        let one = asker(1, 1, 1);
        assert_eq!(quotas.left(&one), Some(5), "all are full");
        assert_eq!(quotas.take(&asker(1, 1, 2), 4, false, NOW_US), Ok(()));
        assert_eq!(quotas.left(&one), Some(3), "the account's");
        assert_eq!(quotas.left(&asker(2, 2, 1)), Some(5), "the address's");
        assert!(quotas.take(&one, 4, false, NOW_US).is_err());
        assert_eq!(quotas.left(&one), Some(3), "a refusal takes nothing");
        assert_eq!(quotas.take(&asker(1, 1, 3), 4, true, NOW_US), Ok(()));
        assert_eq!(quotas.left(&one), Some(0), "on credit");
        let stranger = Asker { identity: None, address: None };
        assert_eq!(quotas.left(&stranger), None);
        assert_eq!(Quotas::default().left(&one), None);
    }

    #[test]
    fn a_storm_of_logons_is_cut_at_its_limit() {
        let mut quotas = Quotas::default();
        for _ in 0..LOGONS_BURST {
            assert_eq!(quotas.logon(NOW_US), Ok(()));
        }
        assert_eq!(quotas.logon(NOW_US).map_err(|exceeded| exceeded.whose), Err("logons"));
        assert_eq!(quotas.logon(NOW_US + PARTS), Ok(()));
    }
}
