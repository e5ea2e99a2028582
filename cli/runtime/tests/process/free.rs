//! Addresses for services that begin to listen later.

use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

/// A loopback address that nobody has, and that the kernel gives nobody: whoever it is for listens
/// there only later. Each is given once.
pub(crate) fn free() -> SocketAddr {
    static GIVEN: AtomicU16 = AtomicU16::new(0);
    // Tests that run at the same time have numbers that are near each other.
    let first = 22_000 + u16::try_from(std::process::id() % 500).unwrap() * 16;
    let next = || {
        SocketAddr::from((
            [127, 0, 0, 1],
            first + GIVEN.fetch_add(1, Ordering::Relaxed),
        ))
    };
    let mut all = std::iter::repeat_with(next).take(1000);
    all.find(|it| TcpListener::bind(it).is_ok()).unwrap()
}
