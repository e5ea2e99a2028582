//! How long a service waits for whoever is at the other end of a connection, and how many
//! connections one address may have. Who begins something and does not end it takes nothing from
//! others: a request has no turn before all of it is there.

use std::time::Duration;

use crate::config::Settings;

/// As many connections as come: who calls a service behind the gateway is another service, and
/// through a mesh all of them come from one address.
const ANY: usize = usize::MAX;

/// The numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// `HEAD_WITHIN`: from the first byte of a request's head to its last, and from a connection's
    /// beginning to its first byte. 10 s by default: a head is a packet or two, and 10 s is many
    /// round trips to the other end of the world, some of them lost.
    pub head: Duration,
    /// `BODY_WITHIN`: from the end of a request's head to that of its body. 10 s by default: the
    /// largest body (64 KiB) at 6.4 kB/s, less than the slowest telephones have. For as long what
    /// still comes of a request that was refused is dropped before its connection ends.
    pub body: Duration,
    /// `IDLE_WITHIN`: how long a connection is kept between two requests. 75 s by default: above
    /// the minute after which most who come regularly (browsers, scrapers) come again, and above what the shop's
    /// own callers keep one unused.
    pub idle: Duration,
    /// `TAKEN_WITHIN`: how long not one byte of an answer is taken. 30 s by default: a network that
    /// changes its route is quiet for seconds.
    pub taken: Duration,
    /// `CONNECTIONS_PER_ADDRESS`: connections of one address, those of all listeners together. For
    /// one more, the one that has been without a request for longest is ended; where each has been
    /// so for less than a second, or has a request, the new one is. 768 by default at the gateway:
    /// as many requests as it works on and lets wait, more from one address could not be served
    /// anyway. No limit elsewhere: behind the gateway services call each other.
    pub per_address: usize,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(10),
            body: Duration::from_secs(10),
            idle: Duration::from_secs(75),
            taken: Duration::from_secs(30),
            per_address: ANY,
        }
    }
}

impl Patience {
    /// Reads the settings of a service that strangers call; `None` when one is malformed.
    pub fn read(settings: &mut Settings) -> Option<Self> {
        let default = Self::default();
        let head = settings.duration_or("HEAD_WITHIN", default.head);
        let body = settings.duration_or("BODY_WITHIN", default.body);
        let idle = settings.duration_or("IDLE_WITHIN", default.idle);
        let taken = settings.duration_or("TAKEN_WITHIN", default.taken);
        let per_address = settings.number_or("CONNECTIONS_PER_ADDRESS", 768, 1..=100_000);
        Some(Self {
            head: head?,
            body: body?,
            idle: idle?,
            taken: taken?,
            per_address: usize::try_from(per_address?).ok()?,
        })
    }
}
