//! Addresses: every edge a loopback address of its own with the callee's real port, every
//! service one of its own to listen on, kept as long as the project exists.
//!
//! What comes in: [`Slot`]s (what needs an address), what is held already, and a [`Binding`] that
//! tells whether an address is free. What leaves: a settled [`Book`]. Choosing is pure but for the
//! questions to `Binding`; the same project at the same path chooses the same addresses, another
//! copy of it others. What must not enter: systems, services' settings.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use msvc_machine::draw;
use serde::{Deserialize, Serialize};

pub mod book_file;
pub mod machine_binding;

/// The schema name of the address book.
pub const SCHEMA: &str = "msvc.addresses/1";

/// Addresses tried before a port is moved.
const ATTEMPTS: u32 = 32;

/// Chosen free ports lie below the range from which Linux takes those of outgoing connections
/// (32768 to 60999).
const FREE_PORTS: std::ops::Range<u16> = 20_000..32_000;

/// What needs an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// Its key in the book, unique within the project: `main/orders->payments`.
    pub key: String,
    /// The ports it needs.
    pub ports: BTreeSet<u16>,
    /// What is asked of the address.
    pub want: Want,
}

/// What is asked of a slot's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Want {
    /// A loopback address of its own with these very ports; where that cannot be had, other ports.
    OwnAddress,
    /// Free ports at this address.
    FreePorts(IpAddr),
    /// Exactly this address, or the first that is free of those up to port `last`; its port is the
    /// slot's only one in the book.
    Exactly {
        /// Where to listen.
        address: SocketAddr,
        /// The last port of a range, else the address's own.
        last: u16,
        /// What to do when it is taken.
        hint: String,
    },
}

/// What is known of an address on this machine. The real one is
/// [`machine_binding::MachineBinding`].
pub trait Binding {
    /// Whether it can be bound and nobody has reserved it.
    fn is_free(&mut self, address: SocketAddr) -> bool;
    /// Whether any address of 127.0.0.0/8 can be bound (Linux), or 127.0.0.1 only (macOS).
    fn has_loopback_network(&mut self) -> bool;
    /// Who listens there, for people: `python3 (pid 4711)`.
    fn owner(&mut self, address: SocketAddr) -> Option<String>;
}

/// Another binding that takes a few addresses for free: to see what would be, were they.
pub struct Supposing<'a> {
    /// What else is so.
    pub truth: &'a mut dyn Binding,
    /// Addresses taken for free.
    pub free: BTreeSet<SocketAddr>,
}

impl Binding for Supposing<'_> {
    fn is_free(&mut self, address: SocketAddr) -> bool {
        self.free.contains(&address) || self.truth.is_free(address)
    }

    fn has_loopback_network(&mut self) -> bool {
        self.truth.has_loopback_network()
    }

    fn owner(&mut self, address: SocketAddr) -> Option<String> {
        self.truth.owner(address)
    }
}

/// An address cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{address} is taken{}: {hint}", owner.as_deref().map(|o| format!(" by {o}")).unwrap_or_default())]
pub struct Taken {
    /// Which.
    pub address: SocketAddr,
    /// By whom, when that can be told.
    pub owner: Option<String>,
    /// What to do.
    pub hint: String,
}

/// The addresses of a project. Slots that are needed no more keep theirs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Book {
    /// [`SCHEMA`].
    pub schema: String,
    /// By slot and port as the Compose file knows it: where that is.
    pub slots: BTreeMap<String, BTreeMap<u16, SocketAddr>>,
}

impl Default for Book {
    fn default() -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            slots: BTreeMap::new(),
        }
    }
}

impl Book {
    /// Where a slot's port is.
    #[must_use]
    pub fn address(&self, key: &str, port: u16) -> Option<SocketAddr> {
        self.slots.get(key)?.get(&port).copied()
    }

    /// Gives every slot its addresses. Those in `held` are in use by this very project and stay.
    /// `seed` is the project's own (see [`seed`]).
    ///
    /// # Errors
    /// When an address that must be exactly so is taken, or no port is free.
    pub fn settle(
        &mut self,
        seed: u64,
        slots: &[Slot],
        held: &BTreeSet<SocketAddr>,
        binding: &mut dyn Binding,
    ) -> Result<(), Taken> {
        for slot in slots {
            let settled = match &slot.want {
                Want::Exactly {
                    address,
                    last,
                    hint,
                } => {
                    let place = match address.port() == *last {
                        true => *address,
                        false => self.one_of(slots, slot, (*address, *last), held, binding),
                    };
                    exactly(slot, place, hint, held, binding)?
                }
                want => {
                    let taken = self.addresses_but(&slot.key);
                    let mut choice = Choice {
                        seed,
                        slot,
                        held,
                        taken,
                        binding,
                    };
                    let kept = self.slots.get(&slot.key).and_then(|kept| choice.keep(kept));
                    match (kept, want) {
                        (Some(kept), _) => kept,
                        (None, Want::FreePorts(ip)) => choice.free_ports(*ip)?,
                        (None, _) => choice.own_address()?,
                    }
                }
            };
            // Ports that are not asked for now may be again; they keep their place.
            self.slots
                .entry(slot.key.clone())
                .or_default()
                .extend(settled);
        }
        Ok(())
    }

    /// One of a range: what the slot has already, else the first that is free and no other slot's;
    /// the range's first where none is.
    fn one_of(
        &self,
        slots: &[Slot],
        slot: &Slot,
        (first, last): (SocketAddr, u16),
        held: &BTreeSet<SocketAddr>,
        binding: &mut dyn Binding,
    ) -> SocketAddr {
        let range = (first.port()..=last).map(|port| SocketAddr::new(first.ip(), port));
        let others = slots.iter().filter(|other| other.key != slot.key);
        let others = others.flat_map(|other| {
            let own = match &other.want {
                Want::Exactly { address, last, .. } if address.port() == *last => Some(*address),
                _ => None,
            };
            let settled = self
                .slots
                .get(&other.key)
                .into_iter()
                .flat_map(BTreeMap::values);
            own.into_iter().chain(settled.copied())
        });
        let taken: BTreeSet<SocketAddr> = others.collect();
        let mut usable =
            |it: &SocketAddr| !taken.contains(it) && (held.contains(it) || binding.is_free(*it));
        let kept = self.slots.get(&slot.key);
        let kept = kept.and_then(|kept| kept.values().next().copied());
        let kept = kept.filter(|it| {
            it.ip() == first.ip() && (first.port()..=last).contains(&it.port()) && usable(it)
        });
        kept.or_else(|| range.clone().find(usable)).unwrap_or(first)
    }

    fn addresses_but(&self, key: &str) -> BTreeSet<SocketAddr> {
        let others = self.slots.iter().filter(|(other, _)| *other != key);
        others
            .flat_map(|(_, ports)| ports.values().copied())
            .collect()
    }
}

/// The seed of a project's choices: its home path and name, so that two copies of one project
/// choose differently.
#[must_use]
pub fn seed(home: &std::path::Path, project: &str) -> u64 {
    draw::bits(0, &[&home.to_string_lossy(), project])
}

fn exactly(
    slot: &Slot,
    address: SocketAddr,
    hint: &str,
    held: &BTreeSet<SocketAddr>,
    binding: &mut dyn Binding,
) -> Result<BTreeMap<u16, SocketAddr>, Taken> {
    if !held.contains(&address) && !binding.is_free(address) {
        return Err(Taken {
            address,
            owner: binding.owner(address),
            hint: hint.to_owned(),
        });
    }
    Ok(slot.ports.iter().map(|port| (*port, address)).collect())
}

/// The choice of one slot's addresses.
struct Choice<'a> {
    seed: u64,
    slot: &'a Slot,
    held: &'a BTreeSet<SocketAddr>,
    taken: BTreeSet<SocketAddr>,
    binding: &'a mut dyn Binding,
}

impl Choice<'_> {
    fn usable(&mut self, address: SocketAddr) -> bool {
        self.held.contains(&address) || (!self.is_taken(address) && self.binding.is_free(address))
    }

    /// Whether another slot has it: who listens everywhere has its port on every address.
    fn is_taken(&self, address: SocketAddr) -> bool {
        let meets = |taken: &SocketAddr| {
            let everywhere = taken.ip().is_unspecified() || address.ip().is_unspecified();
            taken.port() == address.port() && everywhere
        };
        self.taken.contains(&address) || self.taken.iter().any(meets)
    }

    /// What the book has, while all of it is usable and of the kind that is wanted.
    fn keep(&mut self, kept: &BTreeMap<u16, SocketAddr>) -> Option<BTreeMap<u16, SocketAddr>> {
        let ip = kept.values().next()?.ip();
        let fits = match &self.slot.want {
            Want::FreePorts(wanted) => ip == *wanted,
            _ => !is_only_loopback(ip) || !self.binding.has_loopback_network(),
        };
        if !fits {
            return None;
        }
        let mut settled = BTreeMap::new();
        for port in self.slot.ports.clone() {
            let address = match (kept.get(&port), &self.slot.want) {
                (Some(address), _) => *address,
                (None, Want::OwnAddress) if !is_only_loopback(ip) => SocketAddr::new(ip, port),
                (None, _) => self.free_port(ip, port).ok()?,
            };
            if !self.usable(address) {
                return None;
            }
            settled.insert(port, address);
        }
        Some(settled)
    }

    fn own_address(&mut self) -> Result<BTreeMap<u16, SocketAddr>, Taken> {
        if !self.binding.has_loopback_network() {
            return self.free_ports(IpAddr::V4(Ipv4Addr::LOCALHOST));
        }
        for attempt in 0..ATTEMPTS {
            let ip = self.loopback(attempt);
            let ports = self.slot.ports.clone();
            // An address belongs to one slot alone, whatever its ports: callers are told apart
            // by it.
            if self.taken.iter().all(|taken| taken.ip() != ip)
                && ports
                    .iter()
                    .all(|port| self.usable(SocketAddr::new(ip, *port)))
            {
                return Ok(ports
                    .iter()
                    .map(|p| (*p, SocketAddr::new(ip, *p)))
                    .collect());
            }
        }
        // Somebody listens on 0.0.0.0 with one of the ports: that excludes it on every address.
        let ip = self.loopback(0);
        self.free_ports(ip)
    }

    fn free_ports(&mut self, ip: IpAddr) -> Result<BTreeMap<u16, SocketAddr>, Taken> {
        let mut settled = BTreeMap::new();
        for port in self.slot.ports.clone() {
            let address = self.free_port(ip, port)?;
            self.taken.insert(address);
            settled.insert(port, address);
        }
        Ok(settled)
    }

    fn free_port(&mut self, ip: IpAddr, port: u16) -> Result<SocketAddr, Taken> {
        let count = u64::from(FREE_PORTS.end - FREE_PORTS.start);
        let first = draw::bits(self.seed, &[&self.slot.key, &port.to_string()]) % count;
        // Neighbours of a taken port are often taken too; a stride prime to the count visits all.
        (0..count)
            .map(|n| FREE_PORTS.start + ((first + n * 7919) % count) as u16)
            .map(|number| SocketAddr::new(ip, number))
            .find(|address| self.usable(*address))
            .ok_or_else(|| Taken {
                address: SocketAddr::new(ip, FREE_PORTS.start),
                owner: None,
                hint: format!("no port from {} on is free", FREE_PORTS.start),
            })
    }

    /// An address in 127.64.0.0 to 127.127.255.255, never one that ends in 0 or 255.
    fn loopback(&self, attempt: u32) -> IpAddr {
        let bits = draw::bits(self.seed, &[&self.slot.key, &attempt.to_string()]);
        let [a, b, c, ..] = bits.to_be_bytes();
        IpAddr::V4(Ipv4Addr::new(127, 64 | (a & 63), b, 1 + c % 254))
    }
}

fn is_only_loopback(ip: IpAddr) -> bool {
    ip == IpAddr::V4(Ipv4Addr::LOCALHOST)
}

#[cfg(test)]
mod tests;
