//! Addresses of this network namespace, added and removed over the kernel's own socket for it.
//! The interface is the one whose network the address lies in: their order is not the order of
//! joining. What stands at a neighbour's address is asked for more often than the kernel would.

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use nix::ifaddrs::getifaddrs;
use nix::net::if_::{if_nameindex, if_nametoindex};
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, recv, sendto, socket,
};
use std::os::fd::AsRawFd;

/// Message types and flags of rtnetlink (linux/rtnetlink.h, linux/netlink.h).
const NEW_ADDRESS: u16 = 20;
const DELETE_ADDRESS: u16 = 21;
const REQUEST: u16 = 1;
const ACKNOWLEDGE: u16 = 4;
const CREATE: u16 = 0x400;
const REPLACE: u16 = 0x100;
const ERROR: u16 = 2;
/// Attributes of an address (linux/if_addr.h).
const ADDRESS: u16 = 1;
const LOCAL: u16 = 2;
/// Of a table of neighbours (linux/neighbour.h): its message, and what it sets.
const SET_NEIGHBOURS: u16 = 67;
const NAME: u16 = 1;
const PARAMETERS: u16 = 6;
const INTERFACE: u16 = 1;
const PAUSE: u16 = 5;
/// On a bridge within one machine an answer takes microseconds.
const ASKS_EVERY: Duration = Duration::from_millis(100);

/// Makes an address this container's own; one that is already is left.
pub(super) fn hold(address: IpAddr) -> io::Result<()> {
    let IpAddr::V4(address) = address else {
        return Err(io::Error::other("only IPv4 addresses are held"));
    };
    let index = interface(address)?;
    // Only slower without.
    let _ = ask(&impatience(index));
    let flags = REQUEST | ACKNOWLEDGE | CREATE | REPLACE;
    ask(&message(NEW_ADDRESS, flags, index, address))
}

/// Gives an address up.
pub(super) fn give_up(address: IpAddr) -> io::Result<()> {
    let IpAddr::V4(address) = address else {
        return Ok(());
    };
    let index = interface(address)?;
    ask(&message(
        DELETE_ADDRESS,
        REQUEST | ACKNOWLEDGE,
        index,
        address,
    ))
}

/// Holds those of `addresses` that are not this container's own any more.
pub(super) fn hold_lost(addresses: &BTreeSet<IpAddr>) {
    let own = getifaddrs().into_iter().flatten();
    let own: BTreeSet<IpAddr> = own
        .filter_map(|it| Some(IpAddr::V4(it.address?.as_sockaddr_in()?.ip())))
        .collect();
    for lost in addresses.difference(&own) {
        // Nobody waits for it: its network may be away.
        let _ = hold(*lost);
    }
}

/// The interfaces that are there, by the kernel's numbers for them, which are never used again.
pub(super) fn numbers() -> BTreeSet<u32> {
    let all = if_nameindex();
    let all = all.iter().flat_map(|all| all.iter());
    all.map(|it| it.index()).collect()
}

/// The interface whose network holds `address`.
fn interface(address: Ipv4Addr) -> io::Result<u32> {
    for interface in getifaddrs()? {
        let ip = |storage: &Option<nix::sys::socket::SockaddrStorage>| {
            storage
                .as_ref()?
                .as_sockaddr_in()
                .map(|it| u32::from(it.ip()))
        };
        let (Some(own), Some(mask)) = (ip(&interface.address), ip(&interface.netmask)) else {
            continue;
        };
        // Addresses added here have a network of one.
        if mask != u32::MAX && own & mask == u32::from(address) & mask {
            return Ok(if_nametoindex(interface.interface_name.as_str())?);
        }
    }
    Err(io::Error::other("no interface is on its network"))
}

fn ask(message: &[u8]) -> io::Result<()> {
    let socket = socket(
        AddressFamily::Netlink,
        SockType::Raw,
        SockFlag::SOCK_CLOEXEC,
        SockProtocol::NetlinkRoute,
    )?;
    let kernel = NetlinkAddr::new(0, 0);
    sendto(socket.as_raw_fd(), message, &kernel, MsgFlags::empty())?;
    let mut answer = [0; 4096];
    let length = recv(socket.as_raw_fd(), &mut answer, MsgFlags::empty())?;
    acknowledged(answer.get(..length).unwrap_or_default())
}

/// A header of 16 bytes, an address's record of 8, two attributes of 8.
fn message(kind: u16, flags: u16, index: u32, address: Ipv4Addr) -> Vec<u8> {
    let mut message = Vec::with_capacity(40);
    message.extend(40_u32.to_ne_bytes());
    message.extend(kind.to_ne_bytes());
    message.extend(flags.to_ne_bytes());
    message.extend(1_u32.to_ne_bytes());
    message.extend(0_u32.to_ne_bytes());
    // IPv4, a network of this one address, no flags, any scope.
    message.extend([2, 32, 0, 0]);
    message.extend(index.to_ne_bytes());
    for attribute in [LOCAL, ADDRESS] {
        message.extend(8_u16.to_ne_bytes());
        message.extend(attribute.to_ne_bytes());
        message.extend(address.octets());
    }
    message
}

/// Sets how often the kernel asks who has an address on an interface. It asks three times, a second
/// apart, and whatever is sent meanwhile waits: a callee that has just started would be met up to a
/// second late.
fn impatience(index: u32) -> Vec<u8> {
    let attribute = |kind: u16, value: &[u8]| {
        let length = u16::try_from(4 + value.len()).unwrap_or_default();
        let mut attribute = [length.to_ne_bytes(), kind.to_ne_bytes()].concat();
        attribute.extend(value);
        attribute.resize(attribute.len().next_multiple_of(4), 0);
        attribute
    };
    let pause = u64::try_from(ASKS_EVERY.as_millis()).unwrap_or(u64::MAX);
    let of_interface = [
        attribute(INTERFACE, &index.to_ne_bytes()),
        attribute(PAUSE, &pause.to_ne_bytes()),
    ];
    let table = [
        attribute(NAME, b"arp_cache\0"),
        attribute(PARAMETERS, &of_interface.concat()),
    ];
    let table = table.concat();
    let mut message = Vec::new();
    let length = u32::try_from(20 + table.len()).unwrap_or_default();
    message.extend(length.to_ne_bytes());
    message.extend(SET_NEIGHBOURS.to_ne_bytes());
    message.extend((REQUEST | ACKNOWLEDGE).to_ne_bytes());
    message.extend(1_u32.to_ne_bytes());
    message.extend(0_u32.to_ne_bytes());
    // IPv4.
    message.extend([2, 0, 0, 0]);
    message.extend(table);
    message
}

/// An answer is an error record; error number zero means done.
fn acknowledged(answer: &[u8]) -> io::Result<()> {
    let kind = answer.get(4..6).and_then(|it| it.try_into().ok());
    let code = answer.get(16..20).and_then(|it| it.try_into().ok());
    match (kind.map(u16::from_ne_bytes), code.map(i32::from_ne_bytes)) {
        (Some(ERROR), Some(0)) => Ok(()),
        (Some(ERROR), Some(code)) => Err(io::Error::from_raw_os_error(-code)),
        _ => Err(io::Error::other("the kernel's answer cannot be read")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_the_length_that_it_says_and_answers_are_read() {
        let message = message(NEW_ADDRESS, REQUEST, 7, Ipv4Addr::new(10, 0, 0, 9));
        assert_eq!(message.len(), 40);
        assert_eq!(&message[36..], [10, 0, 0, 9]);
        let answer = |code: i32| {
            let mut answer = vec![0; 16];
            answer[4..6].copy_from_slice(&ERROR.to_ne_bytes());
            answer.extend(code.to_ne_bytes());
            answer
        };
        assert!(acknowledged(&answer(0)).is_ok());
        let refused = acknowledged(&answer(-1)).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
        assert!(acknowledged(&[]).is_err());
    }

    #[test]
    fn impatience_names_the_table_the_interface_and_the_pause() {
        let message = impatience(7);
        let length = u32::from_ne_bytes(message[..4].try_into().unwrap());
        assert_eq!(length as usize, message.len());
        // Header, family, the name in 16 bytes; then what holds the index and the pause.
        assert_eq!(&message[24..34], b"arp_cache\0");
        assert_eq!(message[36..38], 24_u16.to_ne_bytes());
        assert_eq!(message[44..48], 7_u32.to_ne_bytes());
        assert_eq!(message[52..60], 100_u64.to_ne_bytes());
    }

    #[test]
    fn an_address_of_no_network_has_no_interface() {
        assert!(interface(Ipv4Addr::new(239, 1, 2, 3)).is_err());
        assert!(interface(Ipv4Addr::LOCALHOST).is_ok());
    }
}
