//! Ranges of addresses of either family, as a network has them.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// `10.1.2.0/24`, `fd00::/64`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    /// The first address, as a number.
    base: u128,
    prefix: u8,
    is_v6: bool,
}

impl Range {
    /// The range that a text says, in which any address of it may stand before the slash.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/')?;
        let (bits, is_v6) = number(address.parse().ok()?);
        let is_number = !prefix.is_empty() && prefix.bytes().all(|byte| byte.is_ascii_digit());
        let prefix: u8 = is_number.then(|| prefix.parse().ok())??;
        (prefix <= length(is_v6)).then(|| Self {
            base: bits & !hosts(is_v6, prefix),
            prefix,
            is_v6,
        })
    }

    pub(super) fn is_v6(self) -> bool {
        self.is_v6
    }

    pub(super) fn contains(self, address: IpAddr) -> bool {
        let (bits, is_v6) = number(address);
        is_v6 == self.is_v6 && bits & !hosts(is_v6, self.prefix) == self.base
    }

    /// Whether all of `other` lies in it.
    pub(super) fn holds(self, other: Self) -> bool {
        other.prefix >= self.prefix && self.contains(other.first())
    }

    pub(super) fn overlaps(self, other: Self) -> bool {
        self.holds(other) || other.holds(self)
    }

    /// The network itself.
    pub(super) fn first(self) -> IpAddr {
        self.at(0)
    }

    /// The address after the network's own, which an engine takes for its gateway.
    pub(super) fn second(self) -> IpAddr {
        self.at(1)
    }

    /// Whether it is the network's own address, or that of all its members: nobody can have it.
    pub(super) fn keeps(self, address: IpAddr) -> bool {
        let last = self.at(hosts(self.is_v6, self.prefix));
        let has_both = self.prefix + 1 < length(self.is_v6);
        has_both && (address == self.first() || (address == last && !self.is_v6))
    }

    fn at(self, n: u128) -> IpAddr {
        let bits = self.base.wrapping_add(n);
        match u32::try_from(bits) {
            Ok(bits) if !self.is_v6 => IpAddr::V4(Ipv4Addr::from(bits)),
            _ => IpAddr::V6(Ipv6Addr::from(bits)),
        }
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first(), self.prefix)
    }
}

fn number(address: IpAddr) -> (u128, bool) {
    match address {
        IpAddr::V4(address) => (u128::from(u32::from(address)), false),
        IpAddr::V6(address) => (u128::from(address), true),
    }
}

fn length(is_v6: bool) -> u8 {
    if is_v6 { 128 } else { 32 }
}

/// The bits of an address that tell a network's members apart.
fn hosts(is_v6: bool, prefix: u8) -> u128 {
    let bits = u32::from(length(is_v6) - prefix);
    1_u128.checked_shl(bits).map_or(u128::MAX, |bit| bit - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold_and_overlap_in_both_families() {
        let range = |text: &str| Range::parse(text).unwrap();
        assert_eq!(range("10.1.2.3/24").to_string(), "10.1.2.0/24");
        assert!(range("10.1.0.0/16").holds(range("10.1.2.0/24")));
        assert!(!range("10.1.2.0/24").holds(range("10.1.0.0/16")));
        assert!(range("10.1.2.0/24").overlaps(range("10.1.0.0/16")));
        assert!(!range("0.0.0.0/0").overlaps(range("::/0")));
        assert!(range("::/0").contains("fd00::1".parse().unwrap()));
        assert!(range("fd00::/64").holds(range("fd00::8000:0:0:0/65")));
        assert!(range("10.1.2.0/24").keeps("10.1.2.255".parse().unwrap()));
        assert!(!range("10.1.2.0/31").keeps("10.1.2.1".parse().unwrap()));
        for text in [
            "10.1.2.0",
            "10.1.2.0/33",
            "10.1.2.0/",
            "10.1.2/24",
            "fd00::/129",
            "a/+8",
        ] {
            assert_eq!(Range::parse(text), None, "{text}");
        }
    }
}
