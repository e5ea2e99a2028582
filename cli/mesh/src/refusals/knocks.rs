//! Knocks at the mesh's own addresses: the first segment of each connection that somebody wants,
//! seen on its way to the kernel, which answers it. For a mesh in a network namespace of its own,
//! where nobody tells of its callers' sockets (packet(7); it needs CAP_NET_RAW).

use std::io;
use std::net::{IpAddr, Ipv4Addr};

use socket2::{Domain, Protocol, SockFilter, Socket, Type};
use tokio::net::UnixDatagram;

use super::ended::Refused;

/// `ETH_P_IP` (linux/if_ether.h).
const IPV4: u16 = 0x0800;

/// The filter, in the kernel's words (linux/bpf_common.h): of an IPv4 packet that is whole and
/// TCP's, the first 80 bytes when SYN alone of SYN, ACK, RST and FIN is set. All else stays out.
const FIRST_SEGMENTS: [(u16, u8, u8, u32); 10] = [
    (0x30, 0, 0, 9),
    (0x15, 0, 7, 6),
    (0x28, 0, 0, 6),
    (0x45, 5, 0, 0x1fff),
    (0xb1, 0, 0, 0),
    (0x50, 0, 0, 13),
    (0x54, 0, 0, 0x17),
    (0x15, 0, 1, 0x02),
    (0x06, 0, 0, 80),
    (0x06, 0, 0, 0),
];

/// Opens an ear for knocks. The type's name does not matter: it reads datagrams of whatever socket
/// it is given.
pub(super) fn open() -> io::Result<UnixDatagram> {
    let protocol = Protocol::from(i32::from(IPV4.to_be()));
    let ear = Socket::new(
        Domain::PACKET,
        Type::DGRAM.nonblocking().cloexec(),
        Some(protocol),
    )?;
    let filter = FIRST_SEGMENTS.map(|(code, yes, no, value)| SockFilter::new(code, yes, no, value));
    ear.attach_filter(&filter)?;
    UnixDatagram::from_std(std::os::fd::OwnedFd::from(ear).into())
}

/// Where a packet knocks.
pub(super) fn knock(packet: &[u8]) -> Option<Refused> {
    let header = usize::from(packet.first()? & 0x0f) * 4;
    let by = Ipv4Addr::from_octets(*packet.get(16..)?.first_chunk()?);
    let port = u16::from_be_bytes(*packet.get(header..)?.get(2..)?.first_chunk()?);
    Some(Refused {
        by: IpAddr::V4(by),
        port: Some(port),
        // What comes in knocks here.
        is_here: true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_tells_where_it_knocks_and_a_cut_one_nothing() {
        // With an option of four bytes.
        let mut packet = vec![0x46, 0, 0, 44, 0, 0, 0, 0, 64, 6, 0, 0];
        packet.extend([172, 18, 0, 5, 172, 18, 0, 130, 1, 1, 1, 1]);
        packet.extend([0xc0, 0x01, 0x1f, 0x90, 0, 0, 0, 1]);
        let refused = knock(&packet).unwrap();
        assert_eq!(refused.by.to_string(), "172.18.0.130");
        assert_eq!(refused.port, Some(8080));
        for cut in 0..28 {
            let _ = knock(&packet[..cut]);
        }
        assert_eq!(knock(&packet[..27]), None);
    }
}
