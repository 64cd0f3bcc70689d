//! How often a name, and an address, may be tried with a wrong password.
//!
//! Each try is paid for before it is looked at, and given back where the password was right. Names that are
//! nobody's are counted as all others, so a refusal says nothing of them. The table has a fixed size: two
//! names may share a place, which nobody outside can choose, since its hash is drawn at the start.
//!
//! Cost: 64 KiB, and one look at two places.
//! Source: GCRA, the generic cell rate algorithm (ITU-T I.371, 2004), in its form with a time of arrival.

use crate::limits::{
    TRIES_OF_ADDRESS_BURST, TRIES_OF_ADDRESS_US, TRIES_OF_NAME_BURST, TRIES_OF_NAME_US,
    TRIES_PLACES,
};
use coulisse_types::KeyId;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::IpAddr;

/// One kind of thing that tries are counted of.
struct Tries {
    /// When each place is as if nothing had been tried, in µs since the epoch.
    free_us: Vec<i64>,
    interval_us: i64,
    burst: i64,
}

impl Tries {
    fn new(interval_us: i64, burst: i64) -> Self {
        Self { free_us: vec![0; TRIES_PLACES], interval_us, burst }
    }

    /// How long a place must wait; 0 for not at all.
    fn wait_us(&self, place: usize, now_us: i64) -> i64 {
        let ahead_us = self.free_us[place].saturating_sub(now_us);
        ahead_us.saturating_sub(self.interval_us * (self.burst - 1)).max(0)
    }

    fn take(&mut self, place: usize, now_us: i64) {
        let free_us = &mut self.free_us[place];
        *free_us = (*free_us).max(now_us).saturating_add(self.interval_us);
    }

    fn give_back(&mut self, place: usize) {
        let free_us = &mut self.free_us[place];
        *free_us = free_us.saturating_sub(self.interval_us);
    }
}

/// The tries of a process.
pub(super) struct Throttle {
    names: Tries,
    addresses: Tries,
    hasher: RandomState,
}

impl Default for Throttle {
    fn default() -> Self {
        Self {
            names: Tries::new(TRIES_OF_NAME_US, TRIES_OF_NAME_BURST),
            addresses: Tries::new(TRIES_OF_ADDRESS_US, TRIES_OF_ADDRESS_BURST),
            hasher: RandomState::new(),
        }
    }
}

impl Throttle {
    fn places(&self, name: &KeyId, address: Option<IpAddr>) -> (usize, usize) {
        // Whoever has one IPv6 address has its whole network of 64 bits.
        let network = address.map(|address| match address {
            IpAddr::V4(four) => u128::from(four.to_bits()),
            IpAddr::V6(six) => six.to_bits() >> 64 << 64,
        });
        let place = |hash: u64| usize::try_from(hash % TRIES_PLACES as u64).unwrap_or(0);
        (place(self.hasher.hash_one(name.as_bytes())), place(self.hasher.hash_one(network)))
    }

    /// Pays for a try.
    ///
    /// # Errors
    /// How long to wait, in µs; then nothing was paid.
    pub(super) fn take(
        &mut self,
        name: &KeyId,
        address: Option<IpAddr>,
        now_us: i64,
    ) -> Result<(), i64> {
        let (name, address) = self.places(name, address);
        let wait_us = self.names.wait_us(name, now_us).max(self.addresses.wait_us(address, now_us));
        if wait_us > 0 {
            return Err(wait_us);
        }
        self.names.take(name, now_us);
        self.addresses.take(address, now_us);
        Ok(())
    }

    /// Gives it back: the password was right.
    pub(super) fn give_back(&mut self, name: &KeyId, address: Option<IpAddr>) {
        let (name, address) = self.places(name, address);
        self.names.give_back(name);
        self.addresses.give_back(address);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, Ipv6Addr};

    fn name(text: &str) -> KeyId {
        KeyId::new(text.as_bytes()).expect("short")
    }

    fn of(byte: u8) -> IpAddr {
        IpAddr::V4(Ipv4Addr::new(10, 0, 0, byte))
    }

    #[test]
    fn a_name_is_tried_ten_times_and_then_once_each_ten_seconds_wherever_from() {
        let mut throttle = Throttle::default();
        for at in 0..TRIES_OF_NAME_BURST {
            let address = Some(of(u8::try_from(at).expect("few")));
            assert_eq!(throttle.take(&name("ann"), address, 1_000), Ok(()));
        }
        assert_eq!(throttle.take(&name("ann"), Some(of(99)), 1_000), Err(TRIES_OF_NAME_US));
        assert_eq!(throttle.take(&name("ann"), Some(of(99)), 1_000 + TRIES_OF_NAME_US), Ok(()));
        assert!(throttle.take(&name("ann"), Some(of(99)), 1_001 + TRIES_OF_NAME_US).is_err());
    }

    #[test]
    fn an_address_is_bounded_over_all_names_and_ipv6_by_its_network() {
        let mut throttle = Throttle::default();
        let six = |low| Some(IpAddr::V6(Ipv6Addr::from_bits((7 << 64) | low)));
        for at in 0..TRIES_OF_ADDRESS_BURST {
            let address = six(u128::try_from(at).expect("few"));
            assert_eq!(throttle.take(&name(&format!("n{at}")), address, 1_000), Ok(()));
        }
        assert!(throttle.take(&name("another"), six(1 << 60), 1_000).is_err());
        assert_eq!(throttle.take(&name("another"), Some(of(1)), 1_000), Ok(()));
    }

    #[test]
    fn a_right_password_costs_nothing() {
        let mut throttle = Throttle::default();
        for _ in 0..1_000 {
            assert_eq!(throttle.take(&name("ann"), Some(of(1)), 1_000), Ok(()));
            throttle.give_back(&name("ann"), Some(of(1)));
        }
    }
}
