//! `NAME healthcheck`: a service asks the one that listens at `LISTEN` whether it is ready. A
//! scratch image has no shell and no curl, so each binary brings its own question.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

/// How long the service may take to answer. Below every `healthcheck.timeout` of the system.
const TIMEOUT: Duration = Duration::from_secs(2);

/// How a service is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `GET /readyz` must answer 200.
    Http,
    /// `grpc.health.v1.Health/Check` must answer SERVING.
    Grpc,
    /// A connection must be accepted, for protocols without a question of their own.
    Connect,
}

/// Why the service is not ready.
#[derive(Debug, thiserror::Error)]
pub enum Unhealthy {
    /// Nobody accepts.
    #[error("{address} does not accept: {source}")]
    Connect {
        /// The address that was asked.
        address: String,
        /// What the machine said.
        source: std::io::Error,
    },
    /// No whole answer came in time.
    #[error("{address} gave no answer: {source}")]
    Answer {
        /// The address that was asked.
        address: String,
        /// What the machine said.
        source: std::io::Error,
    },
    /// It says that it is not ready.
    #[error("{address} is not ready: {said}")]
    NotReady {
        /// The address that was asked.
        address: String,
        /// What it said.
        said: String,
    },
}

/// Asks the service that listens at `listen` (`host:port`).
///
/// # Errors
/// When it is not ready, with the reason.
pub fn ask(kind: Kind, listen: &str) -> Result<(), Unhealthy> {
    let address = dialled(listen);
    match kind {
        Kind::Http => http(&address),
        Kind::Connect => connect(&address).map(|_| ()),
        Kind::Grpc => grpc(&address),
    }
}

/// Where to dial a service that listens at `listen`: a wildcard is reached over loopback.
fn dialled(listen: &str) -> String {
    match listen.rsplit_once(':') {
        Some(("0.0.0.0", port)) => format!("127.0.0.1:{port}"),
        Some(("[::]", port)) => format!("[::1]:{port}"),
        _ => listen.to_owned(),
    }
}

fn connect(address: &str) -> Result<TcpStream, Unhealthy> {
    let failed = |source| Unhealthy::Connect {
        address: address.to_owned(),
        source,
    };
    let mut last = std::io::Error::other("the name has no address");
    for candidate in address.to_socket_addrs().map_err(failed)? {
        match TcpStream::connect_timeout(&candidate, TIMEOUT) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(failed(last))
}

fn http(address: &str) -> Result<(), Unhealthy> {
    let mut stream = connect(address)?;
    let mut answer = String::new();
    let mut exchange = || {
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        // HTTP/1.0: the peer closes after its answer, which then needs no framing to be read.
        stream.write_all(b"GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
        (&mut stream).take(16 * 1024).read_to_string(&mut answer)
    };
    exchange().map_err(|source| Unhealthy::Answer {
        address: address.to_owned(),
        source,
    })?;
    if answer.split(' ').nth(1) == Some("200") {
        return Ok(());
    }
    let said = answer.lines().last().unwrap_or("nothing").to_owned();
    Err(Unhealthy::NotReady {
        address: address.to_owned(),
        said,
    })
}

fn grpc(address: &str) -> Result<(), Unhealthy> {
    let failed = |source| Unhealthy::Answer {
        address: address.to_owned(),
        source,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(failed)?;
    let status = runtime.block_on(async {
        let endpoint = tonic::transport::Endpoint::from_shared(format!("http://{address}"))
            .map_err(std::io::Error::other)?
            .connect_timeout(TIMEOUT)
            .timeout(TIMEOUT);
        let channel = endpoint.connect().await.map_err(|error| {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            std::io::Error::other(cause.unwrap_or_else(|| error.to_string()))
        })?;
        let request = HealthCheckRequest {
            service: String::new(),
        };
        let answer = HealthClient::new(channel).check(request).await;
        answer
            .map(|answer| answer.into_inner().status())
            .map_err(std::io::Error::other)
    });
    match status.map_err(failed)? {
        ServingStatus::Serving => Ok(()),
        other => Err(Unhealthy::NotReady {
            address: address.to_owned(),
            said: other.as_str_name().to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_that_listens_everywhere_is_asked_over_loopback() {
        assert_eq!(dialled("0.0.0.0:8080"), "127.0.0.1:8080");
        assert_eq!(dialled("[::]:8080"), "[::1]:8080");
        assert_eq!(dialled("127.4.5.6:8080"), "127.4.5.6:8080");
    }

    #[test]
    fn one_that_nobody_listens_at_says_so() {
        let address = {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            listener.local_addr().unwrap().to_string()
        };
        for kind in [Kind::Http, Kind::Connect] {
            assert!(matches!(
                ask(kind, &address),
                Err(Unhealthy::Connect { .. })
            ));
        }
        assert!(matches!(
            ask(Kind::Grpc, &address),
            Err(Unhealthy::Answer { .. })
        ));
    }
}
