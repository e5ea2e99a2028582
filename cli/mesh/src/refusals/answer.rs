//! What the kernel answers to calls at a closed gate, as it leaves: a segment that resets and has
//! number 0. One that ends a connection has the number that its receiver waits for (RFC 9293,
//! 3.10.7.1), so nothing else is mistaken for a refusal. For a mesh whose callers stand in other
//! network namespaces: their sockets are not told of, the answers pass by here.

use std::io;
use std::net::Ipv4Addr;

use socket2::{Domain, Protocol, SockFilter, Socket, Type};

use super::ended::Refused;

/// Every protocol, also of what is sent (`ETH_P_ALL`), in the network's byte order.
const ALL_PROTOCOLS: i32 = 0x0003_u16.to_be() as i32;
/// As much of a packet as is looked at: both headers at their longest.
const LOOKED_AT: u32 = 120;
/// `PACKET_OUTGOING`, and where a filter finds it (linux/if_packet.h, linux/filter.h).
const OUTGOING: u32 = 4;
const KIND_OF_PACKET: u32 = 0xffff_f000 + 4;
const TCP: u8 = 6;
const RESET: u8 = 0x04;

/// Places in a header over IPv4, then in one of TCP.
const PROTOCOL: usize = 9;
const SOURCE: usize = 12;
const NUMBER: usize = 4;
const FLAGS: usize = 13;

/// A socket that only such answers come through.
///
/// # Errors
/// Without the right to see packets (`CAP_NET_RAW`, which containers have).
pub(super) fn open() -> io::Result<Socket> {
    let all = Protocol::from(ALL_PROTOCOLS);
    let socket = Socket::new(Domain::PACKET, Type::DGRAM, Some(all))?;
    socket.attach_filter(&FILTER)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// In the kernel, packet by packet: [`refusal`], and only of what leaves.
const FILTER: [SockFilter; 14] = {
    const BYTE: u16 = 0x30;
    const BYTE_BEHIND: u16 = 0x50;
    const WORD_BEHIND: u16 = 0x40;
    const HEADER_LENGTH: u16 = 0xb1;
    const AND: u16 = 0x54;
    const IF_IS: u16 = 0x15;
    const IF_HAS: u16 = 0x45;
    const TAKE: u16 = 0x06;
    [
        SockFilter::new(BYTE, 0, 0, KIND_OF_PACKET),
        SockFilter::new(IF_IS, 0, 11, OUTGOING),
        SockFilter::new(BYTE, 0, 0, 0),
        SockFilter::new(AND, 0, 0, 0xf0),
        SockFilter::new(IF_IS, 0, 8, 0x40),
        SockFilter::new(BYTE, 0, 0, PROTOCOL as u32),
        SockFilter::new(IF_IS, 0, 6, TCP as u32),
        SockFilter::new(HEADER_LENGTH, 0, 0, 0),
        SockFilter::new(BYTE_BEHIND, 0, 0, FLAGS as u32),
        SockFilter::new(IF_HAS, 0, 3, RESET as u32),
        SockFilter::new(WORD_BEHIND, 0, 0, NUMBER as u32),
        SockFilter::new(IF_IS, 0, 1, 0),
        SockFilter::new(TAKE, 0, 0, LOOKED_AT),
        SockFilter::new(TAKE, 0, 0, 0),
    ]
};

/// The refusal that a packet is.
pub(super) fn refusal(packet: &[u8]) -> Option<Refused> {
    let first = *packet.first()?;
    if first >> 4 != 4 || *packet.get(PROTOCOL)? != TCP {
        return None;
    }
    let by = packet.get(SOURCE..)?.first_chunk::<4>()?;
    let segment = packet.get(usize::from(first & 0x0f) * 4..)?;
    let port = u16::from_be_bytes(*segment.first_chunk()?);
    let number = segment.get(NUMBER..)?.first_chunk::<4>()?;
    let resets = segment.get(FLAGS)? & RESET != 0;
    (resets && *number == [0; 4]).then_some(Refused {
        by: Ipv4Addr::from_octets(*by).into(),
        port: Some(port),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A segment from 10.192.0.9:8080 behind a header of `words` words.
    fn packet(words: u8, flags: u8, number: u32) -> Vec<u8> {
        let mut packet = vec![0; usize::from(words) * 4 + 20];
        packet[0] = 0x40 | words;
        packet[PROTOCOL] = TCP;
        packet[SOURCE..][..4].copy_from_slice(&[10, 192, 0, 9]);
        let segment = &mut packet[usize::from(words) * 4..];
        segment[..2].copy_from_slice(&8080_u16.to_be_bytes());
        segment[NUMBER..][..4].copy_from_slice(&number.to_be_bytes());
        segment[FLAGS] = flags;
        packet
    }

    #[test]
    fn a_reset_without_a_number_is_a_refusal_and_nothing_else_is() {
        let refused = Refused {
            by: [10, 192, 0, 9].into(),
            port: Some(8080),
        };
        assert_eq!(refusal(&packet(5, 0x14, 0)), Some(refused.clone()));
        assert_eq!(refusal(&packet(8, 0x14, 0)), Some(refused), "with options");
        assert_eq!(refusal(&packet(5, 0x14, 77)), None, "it was connected");
        assert_eq!(refusal(&packet(5, 0x12, 0)), None, "it is welcomed");
    }

    #[test]
    fn the_kernel_shows_its_own_refusals_and_no_other_packet() {
        // Without the right to see packets there is nothing to hear.
        let Ok(mut socket) = open() else { return };
        let listener = std::net::TcpListener::bind("127.61.8.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        drop(std::net::TcpStream::connect(at).unwrap());
        drop(listener);
        assert!(std::net::TcpStream::connect(at).is_err());
        socket.set_nonblocking(false).unwrap();
        let mut heard = [0; LOOKED_AT as usize];
        // Others on this machine are refused too.
        loop {
            let length = std::io::Read::read(&mut socket, &mut heard).unwrap();
            let refused = refusal(&heard[..length]).expect("a refusal");
            if refused.by == at.ip() {
                assert_eq!(refused.port, Some(at.port()));
                break;
            }
        }
    }

    proptest! {
        #[test]
        fn whatever_passes_by_is_read_to_an_end(noise in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = refusal(&noise);
        }
    }
}
