//! Kafka's clients stay on the mesh, wherever brokers say they are.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::{Buf as _, Bytes, BytesMut};
use futures_util::StreamExt as _;
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::metadata_response::MetadataResponseBroker;
use kafka_protocol::messages::{
    ApiKey, ApiVersionsRequest, ApiVersionsResponse, MetadataRequest, MetadataResponse,
    RequestHeader, ResponseHeader,
};
use kafka_protocol::protocol::{Decodable as _, Encodable, StrBytes};
use msvc_mesh::record::From;
use msvc_mesh::spec::HostPort;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::rig::*;

/// What a broker tells of the cluster; set once its own address is known.
type Told = Arc<Mutex<Vec<(String, u16)>>>;

/// A broker that answers ApiVersions and Metadata.
async fn broker(told: &Told) -> SocketAddr {
    let told = Arc::clone(told);
    callee(move |mut stream| {
        let told = Arc::clone(&told);
        async move {
            while let Some(mut asked) = frame(&mut stream).await {
                let (api, version) = (asked.get_i16(), asked.get_i16());
                let correlation = asked.get_i32();
                let api = ApiKey::try_from(api).unwrap();
                let answer = match api {
                    ApiKey::ApiVersions => framed(api, version, correlation, &versions()),
                    _ => framed(api, version, correlation, &cluster(&told.lock().unwrap())),
                };
                stream.write_all(&answer).await.unwrap();
            }
        }
    })
    .await
}

fn versions() -> ApiVersionsResponse {
    let metadata = ApiVersion::default().with_api_key(3).with_max_version(99);
    ApiVersionsResponse::default().with_api_keys(vec![metadata])
}

fn cluster(told: &[(String, u16)]) -> MetadataResponse {
    let brokers = told.iter().map(|(host, port)| {
        MetadataResponseBroker::default()
            .with_host(StrBytes::from_string(host.clone()))
            .with_port(i32::from(*port))
    });
    MetadataResponse::default().with_brokers(brokers.collect())
}

async fn frame(stream: &mut TcpStream) -> Option<Bytes> {
    let size = stream.read_u32().await.ok()?;
    let mut bytes = vec![0; size as usize];
    stream.read_exact(&mut bytes).await.ok()?;
    Some(bytes.into())
}

fn framed(api: ApiKey, version: i16, correlation: i32, body: &impl Encodable) -> Vec<u8> {
    let mut bytes = BytesMut::new();
    ResponseHeader::default()
        .with_correlation_id(correlation)
        .encode(&mut bytes, api.response_header_version(version))
        .unwrap();
    body.encode(&mut bytes, version).unwrap();
    [
        &u32::try_from(bytes.len()).unwrap().to_be_bytes(),
        &bytes[..],
    ]
    .concat()
}

async fn ask(stream: &mut TcpStream, api: ApiKey, version: i16, body: &impl Encodable) -> Bytes {
    let mut bytes = BytesMut::new();
    RequestHeader::default()
        .with_request_api_key(api as i16)
        .with_request_api_version(version)
        .with_correlation_id(5)
        .encode(&mut bytes, api.request_header_version(version))
        .unwrap();
    body.encode(&mut bytes, version).unwrap();
    let size = u32::try_from(bytes.len()).unwrap();
    stream.write_all(&size.to_be_bytes()).await.unwrap();
    stream.write_all(&bytes).await.unwrap();
    let mut answer = frame(stream).await.unwrap();
    let header_version = api.response_header_version(version);
    ResponseHeader::decode(&mut answer, header_version).unwrap();
    answer
}

async fn brokers(stream: &mut TcpStream) -> Vec<(String, u16)> {
    let request = MetadataRequest::default();
    let mut answer = ask(stream, ApiKey::Metadata, 12, &request).await;
    let answer = MetadataResponse::decode(&mut answer, 12).unwrap();
    let address = |b: MetadataResponseBroker| (b.host.to_string(), u16::try_from(b.port).unwrap());
    answer.brokers.into_iter().map(address).collect()
}

fn as_told(address: SocketAddr) -> (String, u16) {
    (address.ip().to_string(), address.port())
}

#[tokio::test]
async fn clients_are_told_their_own_edges_and_an_unknown_broker_becomes_one() {
    let mesh = mesh();
    let told = Told::default();
    let (first, second, third) = (
        broker(&told).await,
        broker(&told).await,
        broker(&told).await,
    );
    *told.lock().unwrap() = vec![
        ("kafka".to_owned(), 9092),
        as_told(first),
        ("kafka-2".to_owned(), 9092),
        ("localhost".to_owned(), third.port()),
    ];
    let id = edge_id("orders", "broker", 9092);
    let mut spec_of_first = spec(id.clone(), &[first]);
    spec_of_first.also_known_as = vec![HostPort {
        host: "kafka".to_owned(),
        port: 9092,
    }];
    let edge = mesh.put_edge(&spec_of_first).unwrap();
    accepting(&mesh, &id).await;
    let other = edge_to(&mesh, &edge_id("orders", "kafka-2", 9092), second).await;
    // Another caller's edge is no way for this one.
    edge_to(&mesh, &edge_id("notifications", "broker", 9092), first).await;
    let mut appeared = Box::pin(mesh.appeared(From::default()));

    let mut client = TcpStream::connect(edge).await.unwrap();
    let request = ApiVersionsRequest::default();
    let mut answer = ask(&mut client, ApiKey::ApiVersions, 3, &request).await;
    let offered = ApiVersionsResponse::decode(&mut answer, 3).unwrap();
    assert_eq!(offered.api_keys[0].max_version, 13);
    let addresses = brokers(&mut client).await;
    let made = appeared.next().await.unwrap().item;
    assert_eq!(
        addresses,
        [
            as_told(edge),
            as_told(edge),
            as_told(other),
            as_told(made.listen)
        ]
    );
    assert_eq!(made.id, edge_id("orders", "localhost", third.port()));
    assert!(made.accepting);
    assert_eq!(
        made.reasons,
        [format!("broker told localhost:{} of itself", third.port())]
    );
    assert_eq!(status(&mesh, &id).speaks, "kafka");

    // The new edge leads there, and is the same for who asks again.
    let mut through = TcpStream::connect(made.listen).await.unwrap();
    assert_eq!(brokers(&mut through).await, addresses);
    assert_eq!(brokers(&mut client).await, addresses);
    assert_eq!(mesh.edges().len(), 4);
}

#[tokio::test]
async fn an_address_that_is_another_callers_edge_is_this_callers_own() {
    let mesh = mesh();
    let told = Told::default();
    let door = broker(&told).await;
    let theirs = edge_to(&mesh, &edge_id("orders", "broker", 9092), door).await;
    let ours = edge_to(&mesh, &edge_id("notifications", "broker", 9092), door).await;
    *told.lock().unwrap() = vec![as_told(theirs)];
    let mut client = TcpStream::connect(ours).await.unwrap();
    assert_eq!(brokers(&mut client).await, [as_told(ours)]);
    assert_eq!(mesh.edges().len(), 2);
}

#[tokio::test]
async fn tls_is_named_and_what_is_no_kafka_passes_untouched() {
    let mesh = mesh();
    let id = edge_id("orders", "broker", 9092);
    let edge = edge_to(&mesh, &id, echo().await).await;
    let mut client = TcpStream::connect(edge).await.unwrap();
    let sent = b"GET / HTTP/1.1\r\n\r\n";
    assert_eq!(round_trip(&mut client, sent).await, sent);
    assert_eq!(status(&mesh, &id).speaks, "tcp");
    let mut client = TcpStream::connect(edge).await.unwrap();
    let sent = [0x16, 0x03, 0x01, 0x02, 0x00];
    assert_eq!(round_trip(&mut client, &sent).await, sent);
    assert_eq!(status(&mesh, &id).speaks, "tls");
    // A broker that answers what nobody asked is told of, and passes.
    let mut client = TcpStream::connect(edge).await.unwrap();
    let mut hello = vec![0, 0, 0, 10, 0, 18, 0, 3, 0, 0, 0, 1, 0xff, 0xff];
    assert_eq!(round_trip(&mut client, &hello).await, hello);
    hello[7] = 99;
    round_trip(&mut client, &hello).await;
    assert_eq!(status(&mesh, &id).speaks, "kafka-unread");
}
