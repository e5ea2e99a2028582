//! What the kernel says of a TCP socket that ended (linux/netlink.h, linux/inet_diag.h,
//! linux/tcp.h), and whether it was refused when it wanted to connect.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A message's header; then what is said of the socket; then attributes.
const HEADER: usize = 16;
const SOCKET: usize = 72;
const ATTRIBUTE: usize = 4;
/// `SOCK_DIAG_BY_FAMILY`.
const OF_A_SOCKET: u16 = 20;
const IPV4: u8 = 2;
const IPV6: u8 = 10;
/// `TCP_CLOSE`.
const CLOSED: u8 = 7;
/// `INET_DIAG_INFO`: a `struct tcp_info`, of which these are places.
const INFO: u16 = 2;
const BYTES_ACKNOWLEDGED: usize = 120;
const SEGMENTS_OUT: usize = 136;
const SEGMENTS_IN: usize = 140;

/// A connection that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    /// By which address.
    pub(super) by: IpAddr,
    /// At which port. A socket whose `connect` waited for the answer has forgotten it.
    pub(super) port: Option<u16>,
    /// Whether the address is the mesh's own machine's for sure: then whoever listens at all
    /// addresses refused there too.
    pub(super) is_here: bool,
}

/// The refused connections among the sockets of a datagram. What cannot be read is passed over.
pub(super) fn refusals(datagram: &[u8]) -> Vec<Refused> {
    let mut found = Vec::new();
    let mut rest = datagram;
    while let Some(length) = number(rest, 0, u32::from_ne_bytes) {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let Some(message) = rest.get(HEADER..length) else {
            break;
        };
        if number(rest, 4, u16::from_ne_bytes) == Some(OF_A_SOCKET) {
            found.extend(refused(message));
        }
        rest = rest.get(aligned(length)..).unwrap_or_default();
    }
    found
}

fn refused(message: &[u8]) -> Option<Refused> {
    let by = match *message.first()? {
        IPV4 => IpAddr::from(number(message, 24, Ipv4Addr::from_octets)?),
        IPV6 => number(message, 24, Ipv6Addr::from_octets)?.to_canonical(),
        _ => return None,
    };
    let port = number(message, 6, u16::from_be_bytes)?;
    let info = info(message.get(SOCKET..)?)?;
    let acknowledged = number(info, BYTES_ACKNOWLEDGED, u64::from_ne_bytes)?;
    let sent = number(info, SEGMENTS_OUT, u32::from_ne_bytes)?;
    let heard = number(info, SEGMENTS_IN, u32::from_ne_bytes)?;
    // The answer to a first segment acknowledges it where it is a welcome; where none came, the
    // caller lost its patience.
    let answered = port != 0 && sent > 0 && heard > 0;
    let forgotten = port == 0 && sent == 0 && heard == 0;
    let refused = *info.first()? == CLOSED && acknowledged == 0 && !by.is_unspecified();
    (refused && (forgotten || answered)).then_some(Refused {
        by,
        is_here: by.is_loopback(),
        port: (port != 0).then_some(port),
    })
}

/// The attribute that tells how the connection went.
fn info(mut attributes: &[u8]) -> Option<&[u8]> {
    loop {
        let length = usize::from(number(attributes, 0, u16::from_ne_bytes)?);
        let value = attributes.get(ATTRIBUTE..length)?;
        if number(attributes, 2, u16::from_ne_bytes)? == INFO {
            return Some(value);
        }
        attributes = attributes.get(aligned(length)..)?;
    }
}

/// What `read` makes of the bytes at `place`.
fn number<const N: usize, T>(bytes: &[u8], place: usize, read: fn([u8; N]) -> T) -> Option<T> {
    let bytes = bytes.get(place..)?.first_chunk::<N>()?;
    Some(read(*bytes))
}

const fn aligned(length: usize) -> usize {
    length.saturating_add(3) & !3
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A socket to `by`, with an attribute of no concern before the one that counts.
    fn ended(by: &str, port: u16, acknowledged: u64, sent: u32, heard: u32) -> Vec<u8> {
        let mut info = vec![0; 144];
        info[0] = CLOSED;
        info[BYTES_ACKNOWLEDGED..][..8].copy_from_slice(&acknowledged.to_ne_bytes());
        info[SEGMENTS_OUT..][..4].copy_from_slice(&sent.to_ne_bytes());
        info[SEGMENTS_IN..][..4].copy_from_slice(&heard.to_ne_bytes());
        let mut socket = vec![0; SOCKET];
        socket[6..8].copy_from_slice(&port.to_be_bytes());
        match by.parse().unwrap() {
            IpAddr::V4(by) => {
                socket[0] = IPV4;
                socket[24..28].copy_from_slice(&by.octets());
            }
            IpAddr::V6(by) => {
                socket[0] = IPV6;
                socket[24..40].copy_from_slice(&by.octets());
            }
        }
        let mut message = Vec::new();
        let length = HEADER + SOCKET + 8 + ATTRIBUTE + info.len();
        message.extend(u32::try_from(length).unwrap().to_ne_bytes());
        message.extend(OF_A_SOCKET.to_ne_bytes());
        message.extend([0; 10]);
        message.extend(socket);
        // One byte long, and filled up to four.
        message.extend(5_u16.to_ne_bytes());
        message.extend(10_u16.to_ne_bytes());
        message.extend([6, 0, 0, 0]);
        let length = u16::try_from(ATTRIBUTE + info.len()).unwrap();
        message.extend(length.to_ne_bytes());
        message.extend(INFO.to_ne_bytes());
        message.extend(info);
        message
    }

    fn heard(datagram: &[u8]) -> Vec<(String, Option<u16>)> {
        let all = refusals(datagram);
        all.iter().map(|it| (it.by.to_string(), it.port)).collect()
    }

    #[test]
    fn a_refused_connection_is_told_from_ended_and_abandoned_ones() {
        let by = "127.9.8.7";
        let at = |port| vec![(by.to_owned(), port)];
        assert_eq!(heard(&ended(by, 8080, 0, 1, 1)), at(Some(8080)));
        assert_eq!(heard(&ended(by, 0, 0, 0, 0)), at(None));
        assert_eq!(heard(&ended(by, 8080, 1, 2, 2)), [], "it was connected");
        assert_eq!(heard(&ended(by, 8080, 0, 3, 0)), [], "nobody answered");
        assert_eq!(heard(&ended("0.0.0.0", 0, 0, 0, 0)), [], "it listened");
    }

    #[test]
    fn an_address_of_the_older_family_is_known_in_the_newer_ones_clothes() {
        let mapped = heard(&ended("::ffff:127.9.8.7", 80, 0, 1, 1));
        assert_eq!(mapped, [("127.9.8.7".to_owned(), Some(80))]);
    }

    #[test]
    fn several_sockets_of_one_datagram_are_all_read() {
        let mut datagram = ended("127.0.0.2", 1, 0, 1, 1);
        datagram.extend(ended("127.0.0.3", 2, 9, 9, 9));
        datagram.extend(ended("127.0.0.4", 3, 0, 1, 1));
        let ports: Vec<_> = heard(&datagram).into_iter().map(|it| it.1).collect();
        assert_eq!(ports, [Some(1), Some(3)]);
    }

    proptest! {
        #[test]
        fn whatever_is_said_is_read_to_an_end(
            noise in prop::collection::vec(any::<u8>(), 0..400),
            cut in 0_usize..300,
        ) {
            let _ = refusals(&noise);
            let mut datagram = ended("127.9.8.7", 80, 0, 1, 1);
            datagram.truncate(cut);
            let _ = refusals(&datagram);
            datagram.extend(noise);
            let _ = refusals(&datagram);
        }
    }
}
