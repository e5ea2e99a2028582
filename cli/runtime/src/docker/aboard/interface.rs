//! Addresses of this network namespace, added and removed over the kernel's own socket for it.
//! The interface is the one whose network the address lies in: their order is not the order of
//! joining.

use std::io;
use std::net::{IpAddr, Ipv4Addr};

use nix::ifaddrs::getifaddrs;
use nix::net::if_::if_nametoindex;
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

/// Makes an address this container's own; one that is already is left.
pub(super) fn hold(address: IpAddr) -> io::Result<()> {
    let IpAddr::V4(address) = address else {
        return Err(io::Error::other("only IPv4 addresses are held"));
    };
    ask(
        NEW_ADDRESS,
        REQUEST | ACKNOWLEDGE | CREATE | REPLACE,
        address,
    )
}

/// Gives an address up.
pub(super) fn give_up(address: IpAddr) -> io::Result<()> {
    let IpAddr::V4(address) = address else {
        return Ok(());
    };
    ask(DELETE_ADDRESS, REQUEST | ACKNOWLEDGE, address)
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

fn ask(kind: u16, flags: u16, address: Ipv4Addr) -> io::Result<()> {
    let message = message(kind, flags, interface(address)?, address);
    let socket = socket(
        AddressFamily::Netlink,
        SockType::Raw,
        SockFlag::SOCK_CLOEXEC,
        SockProtocol::NetlinkRoute,
    )?;
    let kernel = NetlinkAddr::new(0, 0);
    sendto(socket.as_raw_fd(), &message, &kernel, MsgFlags::empty())?;
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
    fn an_address_of_no_network_has_no_interface() {
        assert!(interface(Ipv4Addr::new(239, 1, 2, 3)).is_err());
        assert!(interface(Ipv4Addr::LOCALHOST).is_ok());
    }
}
