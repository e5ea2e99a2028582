//! Addresses on a network of containers: msvc gives every container and every edge a fixed one,
//! so that what the mesh carries is known before anything starts and is the same after a restart
//! of the engine.
//!
//! The top quarter of the network is left to the engine (`IPRange`) for containers that others
//! attach; it never hands out anything below. An address is a pure hash of the key, moved on where
//! another key has it: it does not depend on the order of the file.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

/// The smallest network whose edges are carried: 14 addresses for the engine, 48 for all else.
const LONGEST_PREFIX: u8 = 26;

/// A network's range of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subnet {
    base: u32,
    prefix: u8,
}

impl Subnet {
    /// The range of `prefix` bits around `address`.
    #[must_use]
    pub fn new(address: Ipv4Addr, prefix: u8) -> Option<Self> {
        let mask = mask(prefix)?;
        Some(Self {
            base: u32::from(address) & mask,
            prefix,
        })
    }

    fn size(self) -> u32 {
        u32::MAX.checked_shr(u32::from(self.prefix)).unwrap_or(0)
    }

    /// Whether an address lies in it.
    #[must_use]
    pub fn contains(self, address: Ipv4Addr) -> bool {
        mask(self.prefix).is_some_and(|mask| u32::from(address) & mask == self.base)
    }

    /// Whether two ranges have an address in common.
    #[must_use]
    pub fn overlaps(self, other: Self) -> bool {
        self.contains(Ipv4Addr::from(other.base)) || other.contains(Ipv4Addr::from(self.base))
    }

    /// Its address number `n`.
    #[must_use]
    pub fn at(self, n: u32) -> Ipv4Addr {
        Ipv4Addr::from(self.base.wrapping_add(n))
    }

    /// Its last address.
    pub(super) fn last(self) -> Ipv4Addr {
        self.at(self.size())
    }

    /// How many addresses it has.
    pub(super) fn count(self) -> usize {
        usize::try_from(self.size()).map_or(usize::MAX, |last| last.saturating_add(1))
    }

    /// How many bits its addresses have in common.
    pub(super) fn prefix(self) -> u8 {
        self.prefix
    }

    /// Which of its addresses it is.
    fn number(self, address: Ipv4Addr) -> Option<u32> {
        self.contains(address)
            .then(|| u32::from(address).wrapping_sub(self.base))
    }

    /// The part that the engine hands out by itself.
    #[must_use]
    pub fn of_the_engine(self) -> Self {
        let three_quarters = (self.size() / 4 + 1).saturating_mul(3);
        Self {
            base: self.base.wrapping_add(three_quarters),
            prefix: self.prefix.saturating_add(2),
        }
    }

    /// Whether containers and edges find room in it.
    #[must_use]
    pub fn is_large_enough(self) -> bool {
        self.prefix <= LONGEST_PREFIX
    }

    /// How many addresses are msvc's to give.
    pub(super) fn room(self) -> usize {
        usize::try_from(self.numbers()).unwrap_or(usize::MAX)
    }

    fn numbers(self) -> u32 {
        (self.size() / 4 + 1).saturating_mul(3)
    }

    /// The bits of the smallest range in which `needed` addresses find room: at most `longest`, and
    /// at least `shortest`, whatever is needed.
    pub(in crate::docker) fn prefix_for(needed: usize, longest: u8, shortest: u8) -> u8 {
        let fits = |prefix: &u8| {
            Self {
                base: 0,
                prefix: *prefix,
            }
            .room()
                >= needed
        };
        (shortest..=longest).rev().find(fits).unwrap_or(shortest)
    }
}

fn mask(prefix: u8) -> Option<u32> {
    match prefix {
        0 => Some(0),
        1..=32 => Some(u32::MAX << (32 - prefix)),
        _ => None,
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", Ipv4Addr::from(self.base), self.prefix)
    }
}

/// It is no IPv4 range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no IPv4 range")]
pub struct NoSubnet;

impl FromStr for Subnet {
    type Err = NoSubnet;

    fn from_str(text: &str) -> Result<Self, NoSubnet> {
        let (address, prefix) = text.split_once('/').ok_or(NoSubnet)?;
        let address = address.parse().map_err(|_| NoSubnet)?;
        let prefix = prefix.parse().map_err(|_| NoSubnet)?;
        Self::new(address, prefix).ok_or(NoSubnet)
    }
}

/// The numbers below `room` that nobody has. One that is taken leads on to a number behind it, so
/// that nobody looks at all those between.
struct Free {
    room: u32,
    onward: HashMap<u32, u32>,
    left: u32,
}

impl Free {
    fn new(room: u32, taken: impl Iterator<Item = u32>) -> Self {
        let onward: HashMap<_, _> = taken.filter(|n| *n < room).map(|n| (n, n + 1)).collect();
        let taken = u32::try_from(onward.len()).unwrap_or(u32::MAX);
        Self {
            room,
            onward,
            left: room.saturating_sub(taken),
        }
    }

    /// The first free one from `start` on, the first numbers behind the last ones.
    fn take_from(&mut self, start: u32) -> Option<u32> {
        if self.left == 0 {
            return None;
        }
        let mut found = self.behind(start);
        if found >= self.room {
            found = self.behind(0);
        }
        self.onward.insert(found, found + 1);
        self.left -= 1;
        Some(found)
    }

    /// The first one from `start` on that leads nowhere; the way there is shortened.
    fn behind(&mut self, start: u32) -> u32 {
        let mut found = start;
        while let Some(next) = self.onward.get(&found) {
            found = *next;
        }
        let mut at = start;
        while at != found {
            at = self.onward.insert(at, found).unwrap_or(found);
        }
        found
    }
}

/// The addresses of one network, by key.
#[derive(Debug, Clone, Default)]
pub(super) struct Addresses {
    given: BTreeMap<String, Ipv4Addr>,
}

impl Addresses {
    /// Gives each key an address off those that are taken; a key that finds no room gets none.
    /// What a key holds already it keeps. What others hold, who are taken down only while new ones are
    /// started, is given last.
    pub(super) fn give(
        subnet: Subnet,
        taken: &BTreeSet<Ipv4Addr>,
        keys: &BTreeSet<String>,
        held: &BTreeMap<String, BTreeSet<Ipv4Addr>>,
    ) -> Self {
        let room = subnet.numbers();
        let mut used = taken.clone();
        // The network itself, and the gateway that the engine takes first.
        used.extend([subnet.at(0), subnet.at(1)]);
        let mut given = BTreeMap::new();
        let free_part =
            |it: &Ipv4Addr| subnet.contains(*it) && !subnet.of_the_engine().contains(*it);
        for key in keys {
            let mut held = held.get(key).into_iter().flatten().copied();
            let kept = held.find(|it| free_part(it) && !used.contains(it));
            if let Some(kept) = kept {
                used.insert(kept);
                given.insert(key.clone(), kept);
            }
        }
        let leaving = held.values().flatten().copied().filter(free_part);
        let leaving: BTreeSet<Ipv4Addr> = leaving.filter(|it| !used.contains(it)).collect();
        let none_of = used.iter().chain(&leaving);
        let mut free = Free::new(room, none_of.filter_map(|it| subnet.number(*it)));
        let mut leaving = leaving.into_iter();
        for key in keys {
            if given.contains_key(key) {
                continue;
            }
            let start = msvc_machine::draw::bits(0, &[key]) % u64::from(room.max(1));
            let start = u32::try_from(start).unwrap_or_default();
            let address = free.take_from(start).map(|number| subnet.at(number));
            let Some(address) = address.or_else(|| leaving.next()) else {
                break;
            };
            given.insert(key.clone(), address);
        }
        Self { given }
    }

    pub(super) fn of(&self, key: &str) -> Option<Ipv4Addr> {
        self.given.get(key).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_leaves_its_top_quarter_to_the_engine() {
        let subnet: Subnet = "10.1.2.3/24".parse().unwrap();
        assert_eq!(subnet.to_string(), "10.1.2.0/24");
        assert_eq!(subnet.of_the_engine().to_string(), "10.1.2.192/26");
        assert!(subnet.contains("10.1.2.255".parse().unwrap()));
        assert!(!subnet.contains("10.1.3.0".parse().unwrap()));
        assert!(subnet.overlaps("10.1.0.0/16".parse().unwrap()));
        assert!(!subnet.overlaps("10.1.3.0/24".parse().unwrap()));
        assert!("10.1.2.0".parse::<Subnet>().is_err() && "10.1.2.0/33".parse::<Subnet>().is_err());
    }

    #[test]
    fn an_address_is_given_once_off_what_is_taken_and_depends_on_no_order() {
        let subnet: Subnet = "10.1.2.0/26".parse().unwrap();
        let taken: BTreeSet<Ipv4Addr> = (2..12).map(|n| subnet.at(n)).collect();
        let keys: BTreeSet<String> = (0..36).map(|n| format!("k{n}")).collect();
        let none = BTreeMap::new();
        let addresses = Addresses::give(subnet, &taken, &keys, &none);
        let all: BTreeSet<Ipv4Addr> = keys.iter().filter_map(|key| addresses.of(key)).collect();
        assert_eq!(all.len(), 36, "each has one of its own");
        for address in &all {
            assert!(!taken.contains(address) && !subnet.of_the_engine().contains(*address));
            assert!(*address != subnet.at(0) && *address != subnet.at(1));
        }
        let more: BTreeSet<String> = (0..60).map(|n| format!("k{n}")).collect();
        let full = Addresses::give(subnet, &taken, &more, &none);
        assert_eq!(more.iter().filter_map(|key| full.of(key)).count(), 36);
    }

    #[test]
    fn what_one_holds_who_leaves_is_given_to_another_only_where_nothing_else_is_left() {
        let subnet: Subnet = "10.1.2.0/26".parse().unwrap();
        let none = BTreeSet::new();
        let before: BTreeSet<String> = (0..20).map(|n| format!("old{n}")).collect();
        let old = Addresses::give(subnet, &none, &before, &BTreeMap::new());
        let of_old = |key: &String| (key.clone(), old.of(key).into_iter().collect());
        let held: BTreeMap<String, BTreeSet<Ipv4Addr>> = before.iter().map(of_old).collect();
        let leaving: BTreeSet<Ipv4Addr> = held.values().flatten().copied().collect();
        // 46 numbers are there to give, 20 of them are held.
        for (count, of_leaving) in [(26, 0), (30, 4), (50, 20)] {
            let keys: BTreeSet<String> = (0..count).map(|n| format!("new{n}")).collect();
            let given = Addresses::give(subnet, &none, &keys, &held);
            let given: BTreeSet<_> = keys.iter().filter_map(|key| given.of(key)).collect();
            assert_eq!(given.len(), count.min(46));
            assert_eq!(given.intersection(&leaving).count(), of_leaving);
        }
    }

    #[test]
    fn the_first_free_number_is_taken_from_where_one_begins_to_look() {
        for room in [1, 7, 64] {
            let taken = [0, 3, 4, 63, 70];
            let mut free = Free::new(room, taken.into_iter());
            let mut used = BTreeSet::from(taken);
            for turn in 0..80 {
                let start = msvc_machine::draw::bits(turn, &["start"]) % u64::from(room);
                let start = u32::try_from(start).unwrap();
                let steps = (0..room).map(|step| (start + step) % room);
                let first = steps.into_iter().find(|n| !used.contains(n));
                assert_eq!(free.take_from(start), first);
                used.extend(first);
            }
        }
    }

    #[test]
    fn what_is_held_is_kept_while_it_is_in_the_range_and_nobody_elses() {
        let subnet: Subnet = "10.1.2.0/26".parse().unwrap();
        let at = |n| BTreeSet::from([subnet.at(n)]);
        let keys = ["a", "b", "c", "d"].map(str::to_owned).into();
        let held = [("b", at(20)), ("c", at(20)), ("d", at(60)), ("a", at(7))];
        let held = held.map(|(key, it)| (key.to_owned(), it)).into();
        let given = Addresses::give(subnet, &BTreeSet::from([subnet.at(7)]), &keys, &held);
        assert_eq!(given.of("b"), Some(subnet.at(20)));
        let all: BTreeSet<_> = keys.iter().filter_map(|key| given.of(key)).collect();
        assert_eq!(all.len(), 4);
        assert!(!all.contains(&subnet.at(60)) && !all.contains(&subnet.at(7)));
    }
}
