//! From where a connection comes: its own address, or the one that a trusted proxy names.
//!
//! A proxy of ours says in `X-Forwarded-For` whom it speaks for; anybody else could say anything
//! there. So the header counts only where the connection itself comes from a trusted network, and of its
//! addresses the last one counts that is not a trusted proxy: those before it are the peer's own words.
//!
//! Source: RFC 7239 section 8.1 (2014), of the header that replaced this one and did not.

use std::net::IpAddr;

/// Most bytes of the header that are looked at, from its end.
const HEADER_BYTES_MAX: usize = 1_024;

/// A network: an address and how many of its leading bits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: u128,
    bits: u32,
}

impl Network {
    /// Reads `10.0.0.0/8`, `::1` and such; `None` where it is neither an address nor a network.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u32>().ok()?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(most);
        (bits <= most).then(|| Self { address: number(address), bits: bits + 128 - most })
    }

    /// Whether an address is of the network.
    pub fn holds(&self, address: IpAddr) -> bool {
        let differing = self.address ^ number(address);
        differing.checked_shr(128 - self.bits).unwrap_or(0) == 0
    }
}

/// An address as a number; IPv4 as its place in IPv6.
fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// An address as 16 bytes, IPv4 as its place in IPv6; zeros where it is not known.
pub(crate) fn octets_of(address: Option<IpAddr>) -> [u8; 16] {
    address.map_or([0; 16], |address| number(address).to_be_bytes())
}

/// From where a request comes that `peer` sent with this `X-Forwarded-For`.
pub fn origin_of(peer: IpAddr, forwarded_for: Option<&str>, proxies: &[Network]) -> IpAddr {
    let is_proxy = |address: IpAddr| proxies.iter().any(|network| network.holds(address));
    let Some(header) = forwarded_for.filter(|_| is_proxy(peer)) else { return peer };
    let from = header.len().saturating_sub(HEADER_BYTES_MAX);
    let mut origin = peer;
    for part in header.get(from..).unwrap_or_default().rsplit(',') {
        // What is no address was not written by a proxy of ours.
        let Ok(address) = part.trim().parse::<IpAddr>() else { return origin };
        origin = address;
        if !is_proxy(address) {
            return origin;
        }
    }
    origin
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn networks(texts: &[&str]) -> Vec<Network> {
        texts.iter().map(|text| Network::parse(text).expect("a network")).collect()
    }

    #[test]
    fn a_network_holds_its_addresses_and_no_other() {
        for (network, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.1"),
            ("10.1.2.3", "10.1.2.3", "10.1.2.4"),
            ("192.168.4.0/22", "192.168.7.255", "192.168.8.0"),
            ("2001:db8::/32", "2001:db8:1::1", "2001:db9::1"),
            ("::1", "::1", "::2"),
            ("10.0.0.0/8", "::ffff:10.0.0.1", "::10.0.0.1"),
        ] {
            let network = Network::parse(network).expect("a network");
            assert!(network.holds(ip(inside)), "{network:?} {inside}");
            assert!(!network.holds(ip(outside)), "{network:?} {outside}");
        }
        assert!(Network::parse("0.0.0.0/0").is_some_and(|all| all.holds(ip("8.8.8.8"))));
        assert!(Network::parse("::/0").is_some_and(|all| all.holds(ip("8.8.8.8"))));
        for bad in ["", "10.0.0.0/33", "::/129", "10.0.0", "a/8", "10.0.0.0/", "10.0.0.0/-1"] {
            assert_eq!(Network::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn only_a_trusted_proxy_is_believed_and_only_what_stands_last() {
        let proxies = networks(&["10.0.0.0/8", "::1"]);
        for (peer, header, origin) in [
            ("8.8.8.8", Some("1.1.1.1"), "8.8.8.8"),
            ("10.0.0.1", None, "10.0.0.1"),
            ("10.0.0.1", Some("1.1.1.1"), "1.1.1.1"),
            ("10.0.0.1", Some("6.6.6.6, 1.1.1.1"), "1.1.1.1"),
            ("10.0.0.1", Some("6.6.6.6, 1.1.1.1 ,10.9.9.9"), "1.1.1.1"),
            ("::1", Some("2001:db8::7"), "2001:db8::7"),
            ("10.0.0.1", Some("10.2.2.2, 10.3.3.3"), "10.2.2.2"),
            ("10.0.0.1", Some("1.1.1.1, nonsense"), "10.0.0.1"),
            ("10.0.0.1", Some("nonsense, 10.3.3.3"), "10.3.3.3"),
            ("10.0.0.1", Some(""), "10.0.0.1"),
        ] {
            assert_eq!(origin_of(ip(peer), header, &proxies), ip(origin), "{peer} {header:?}");
        }
        assert_eq!(origin_of(ip("10.0.0.1"), Some("1.1.1.1"), &[]), ip("10.0.0.1"));
    }
}
