//! The program called as `healthcheck` asks the one that serves whether it is ready. The image has
//! no shell and no curl, so the program brings its own question.

use std::io::{Error, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// How long the service may take to answer, below the `healthcheck.timeout` of the Compose file.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Asks the service that listens at `listen` for `/readyz`.
///
/// # Errors
/// When it does not answer 200 in time.
pub fn ask(listen: SocketAddr) -> Result<(), Error> {
    let mut stream = TcpStream::connect_timeout(&dialled(listen), TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    // HTTP/1.0: the peer closes after its answer, which then needs no framing to be read.
    stream.write_all(b"GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
    let mut answer = String::new();
    stream.take(16 * 1024).read_to_string(&mut answer)?;
    match answer.split(' ').nth(1) {
        Some("200") => Ok(()),
        _ => Err(Error::other(format!(
            "not ready: {}",
            answer.lines().last().unwrap_or("no answer")
        ))),
    }
}

/// Where to dial a service that listens at `listen`: a wildcard is reached over loopback.
fn dialled(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        other => other,
    };
    SocketAddr::new(ip, listen.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_service_that_listens_everywhere_is_asked_over_loopback() {
        assert_eq!(dialled(address("0.0.0.0:80")), address("127.0.0.1:80"));
        assert_eq!(dialled(address("[::]:80")), address("[::1]:80"));
        assert_eq!(dialled(address("127.4.5.6:80")), address("127.4.5.6:80"));
    }

    #[test]
    fn where_nobody_listens_nothing_is_ready() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        assert!(ask(address).is_err());
    }
}
