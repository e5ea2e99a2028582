//! `broker healthcheck`: asks the broker that listens at LISTEN for the metadata of its topics.
//!
//! A port that accepts says little; an answer that knows every topic says that the store is
//! open and that clients can begin.

use std::{
    io::{self, Read as _, Write as _},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    time::Duration,
};

use tansu_sans_io::{
    ApiKey as _, Body, ErrorCode, Frame, Header, MetadataRequest,
    metadata_request::MetadataRequestTopic,
};

use crate::{config::Config, error::Error};

/// The version of Metadata that is asked for; every Kafka since 0.11 answers it.
const METADATA_VERSION: i16 = 4;

/// How long each of connecting, asking and answering may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// The largest answer that is read; a few topics take some hundred bytes.
const LARGEST_ANSWER: usize = 1 << 20;

/// Asks and says in one line what was found.
pub(crate) fn ask(config: &Config) -> Result<String, Error> {
    let address = reachable(config.listen);
    let wrong = |source| Error::Answer { address, source };
    let names: Vec<&str> = config
        .topics
        .iter()
        .map(|topic| topic.name.as_str())
        .collect();
    let frame = exchange(address, &question(&names).map_err(wrong)?)?;
    let answer = Frame::response_from_bytes(&frame[..], MetadataRequest::KEY, METADATA_VERSION)
        .map_err(wrong)?;
    let Body::MetadataResponse(metadata) = answer.body else {
        return Err(wrong(tansu_sans_io::Error::ResponseFrame));
    };
    for topic in metadata.topics.unwrap_or_default() {
        if topic.error_code != i16::from(ErrorCode::None) {
            return Err(Error::TopicUnusable {
                topic: topic.name.unwrap_or_default(),
                code: topic.error_code,
            });
        }
    }
    Ok(format!("healthy: {address} serves {} topics", names.len()))
}

fn question(names: &[&str]) -> Result<Vec<u8>, tansu_sans_io::Error> {
    let topics = names
        .iter()
        .map(|name| MetadataRequestTopic::default().name(Some((*name).to_owned())))
        .collect();
    let request = MetadataRequest::default()
        .topics(Some(topics))
        .allow_auto_topic_creation(Some(false));
    let header = Header::Request {
        api_key: MetadataRequest::KEY,
        api_version: METADATA_VERSION,
        correlation_id: 1,
        client_id: Some("healthcheck".to_owned()),
    };
    Frame::request(header, Body::MetadataRequest(request)).map(|bytes| bytes.to_vec())
}

/// Sends one request and returns the whole answer, its length in front.
fn exchange(address: SocketAddr, request: &[u8]) -> Result<Vec<u8>, Error> {
    let failed = |failed| {
        move |source| Error::Ask {
            address,
            failed,
            source,
        }
    };
    let mut stream =
        TcpStream::connect_timeout(&address, PATIENCE).map_err(failed("cannot be reached"))?;
    stream
        .set_read_timeout(Some(PATIENCE))
        .and_then(|()| stream.set_write_timeout(Some(PATIENCE)))
        .and_then(|()| stream.write_all(request))
        .map_err(failed("takes no request"))?;
    let mut size = [0; 4];
    stream
        .read_exact(&mut size)
        .map_err(failed("does not answer"))?;
    let length = usize::try_from(i32::from_be_bytes(size)).unwrap_or(usize::MAX);
    if length > LARGEST_ANSWER {
        let source = io::Error::new(io::ErrorKind::InvalidData, format!("{length} bytes"));
        return Err(failed("answers too much")(source));
    }
    let mut frame = vec![0; 4 + length];
    frame[..4].copy_from_slice(&size);
    stream
        .read_exact(&mut frame[4..])
        .map_err(failed("stops in the middle of its answer"))?;
    Ok(frame)
}

/// Where a listener on any address can be reached from the same machine.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}
