//! Against frames built and read by an independent codec.

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::describe_cluster_response::DescribeClusterBroker;
use kafka_protocol::messages::fetch_response::{self, FetchableTopicResponse, PartitionData};
use kafka_protocol::messages::find_coordinator_response::Coordinator;
use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::messages::produce_response::{
    self, PartitionProduceResponse, TopicProduceResponse,
};
use kafka_protocol::messages::{
    ApiKey, ApiVersionsRequest, ApiVersionsResponse, BrokerId, DescribeClusterResponse,
    FetchRequest, FetchResponse, FindCoordinatorResponse, MetadataRequest, MetadataResponse,
    ProduceRequest, ProduceResponse, RequestHeader, ResponseHeader, TopicName,
};
use kafka_protocol::protocol::{Decodable, Encodable, StrBytes};
use proptest::prelude::*;

use super::answer::{Heard, Piece};
use super::walk::{addresses, capped};
use super::*;
use crate::spec::HostPort;

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

fn key(api: Api) -> ApiKey {
    ApiKey::try_from(api.0).unwrap()
}

/// An answer with its correlation number, without its size.
fn answer(api: Api, version: i16, body: &impl Encodable) -> Vec<u8> {
    let mut bytes = BytesMut::new();
    let header = ResponseHeader::default().with_correlation_id(7);
    let header_version = key(api).response_header_version(version);
    header.encode(&mut bytes, header_version).unwrap();
    body.encode(&mut bytes, version).unwrap();
    bytes.to_vec()
}

fn read<T: Decodable>(api: Api, version: i16, answer: &[u8]) -> T {
    let mut bytes = Bytes::copy_from_slice(answer);
    let header_version = key(api).response_header_version(version);
    let header = ResponseHeader::decode(&mut bytes, header_version).unwrap();
    assert_eq!(header.correlation_id, 7);
    let body = T::decode(&mut bytes, version).unwrap();
    assert!(bytes.is_empty());
    body
}

/// A request with its size.
fn request(api: Api, version: i16, correlation: i32, body: &impl Encodable) -> Vec<u8> {
    let mut bytes = BytesMut::new();
    let header = RequestHeader::default()
        .with_request_api_key(api.0)
        .with_request_api_version(version)
        .with_correlation_id(correlation)
        .with_client_id(Some(text("a client")));
    let header_version = key(api).request_header_version(version);
    header.encode(&mut bytes, header_version).unwrap();
    body.encode(&mut bytes, version).unwrap();
    sized(&bytes).to_vec()
}

/// Puts `here:<port + 1>` in the place of every address and checks that nothing else changed.
fn readdressed<T>(api: Api, version: i16, body: T, hosts: &[&str], expected: T)
where
    T: Encodable + Decodable + PartialEq + std::fmt::Debug,
{
    let awaited = Awaited {
        correlation: 7,
        api,
        version,
    };
    let bytes = answer(api, version, &body);
    let found = addresses(awaited, &bytes).unwrap();
    let names: Vec<_> = found.spots.iter().map(|s| &*s.address.host).collect();
    assert_eq!(names, hosts, "{api:?} version {version}");
    let by: Vec<_> = found
        .spots
        .iter()
        .map(|spot| HostPort {
            host: "here".to_owned(),
            port: spot.address.port + 1,
        })
        .collect();
    let changed = found.replace(&bytes, &by);
    let changed: T = read(api, version, &changed);
    assert_eq!(changed, expected, "{api:?} version {version}");
}

fn metadata(version: i16, hosts: [(&str, i32); 2]) -> MetadataResponse {
    let brokers = hosts.map(|(host, port)| {
        let broker = MetadataResponseBroker::default()
            .with_node_id(BrokerId(3))
            .with_host(text(host))
            .with_port(port);
        broker.with_rack((version >= 1).then(|| text("rack")))
    });
    let partition = MetadataResponsePartition::default()
        .with_leader_id(BrokerId(3))
        .with_replica_nodes(vec![BrokerId(3)]);
    let topic = MetadataResponseTopic::default()
        .with_name(Some(TopicName(text("orders"))))
        .with_partitions(vec![partition]);
    MetadataResponse::default()
        .with_brokers(brokers.to_vec())
        .with_topics(vec![topic])
}

#[test]
fn the_brokers_of_metadata_are_readdressed_in_every_version() {
    for version in 0..=13 {
        readdressed(
            Api::METADATA,
            version,
            metadata(version, [("a-rather-long-name.example", 9092), ("b", 1)]),
            &["a-rather-long-name.example", "b"],
            metadata(version, [("here", 9093), ("here", 2)]),
        );
    }
}

#[test]
fn coordinators_are_readdressed_in_every_version() {
    for version in 0..=3 {
        let with = |host: &str, port| {
            FindCoordinatorResponse::default()
                .with_node_id(BrokerId(1))
                .with_host(text(host))
                .with_port(port)
        };
        let (before, after) = (with("broker", 9092), with("here", 9093));
        readdressed(Api::FIND_COORDINATOR, version, before, &["broker"], after);
    }
    for version in 4..=6 {
        let with = |host: &str, port| {
            let coordinator = Coordinator::default()
                .with_key(text("group"))
                .with_host(text(host))
                .with_port(port);
            FindCoordinatorResponse::default().with_coordinators(vec![coordinator; 2])
        };
        readdressed(
            Api::FIND_COORDINATOR,
            version,
            with("broker", 9092),
            &["broker", "broker"],
            with("here", 9093),
        );
    }
}

#[test]
fn the_brokers_of_a_cluster_are_readdressed_in_every_version() {
    for version in 0..=2 {
        let with = |host: &str, port| {
            let broker = DescribeClusterBroker::default()
                .with_host(text(host))
                .with_port(port)
                .with_rack(Some(text("rack")));
            DescribeClusterResponse::default()
                .with_cluster_id(text("cluster"))
                .with_brokers(vec![broker])
        };
        let (before, after) = (with("broker", 9092), with("here", 9093));
        readdressed(Api::DESCRIBE_CLUSTER, version, before, &["broker"], after);
    }
}

#[test]
fn the_nodes_that_produce_and_fetch_name_are_readdressed() {
    for version in 10..=13 {
        let with = |host: &str, port| {
            let node = produce_response::NodeEndpoint::default()
                .with_host(text(host))
                .with_port(port);
            let partition = PartitionProduceResponse::default().with_base_offset(9);
            let mut topic =
                TopicProduceResponse::default().with_partition_responses(vec![partition]);
            if version < 13 {
                topic.name = TopicName(text("orders"));
            }
            ProduceResponse::default()
                .with_responses(vec![topic])
                .with_node_endpoints(vec![node; 2])
        };
        // Long enough for the field's own length to take another byte.
        let long = "b".repeat(150);
        readdressed(
            Api::PRODUCE,
            version,
            with(&long, 9092),
            &[&*long, &*long],
            with("here", 9093),
        );
    }
    for version in 16..=18 {
        let with = |host: &str, port| {
            let node = fetch_response::NodeEndpoint::default()
                .with_host(text(host))
                .with_port(port);
            let partition = PartitionData::default()
                .with_records(Some(Bytes::from_static(&[5; 1000])))
                .with_aborted_transactions(Some(vec![Default::default()]));
            let topic = FetchableTopicResponse::default().with_partitions(vec![partition; 3]);
            FetchResponse::default()
                .with_responses(vec![topic])
                .with_node_endpoints(vec![node])
        };
        let (before, after) = (with("broker", 9092), with("here", 9093));
        readdressed(Api::FETCH, version, before, &["broker"], after);
    }
}

#[test]
fn versions_that_could_not_be_read_are_not_offered() {
    let offered = |max: i16| {
        let one = |key| {
            ApiVersion::default()
                .with_api_key(key)
                .with_max_version(max)
        };
        ApiVersionsResponse::default().with_api_keys([3, 8, 0].map(one).to_vec())
    };
    for version in 0..=4 {
        let bytes = answer(Api::API_VERSIONS, version, &offered(99));
        let bytes = capped(version, &bytes).unwrap();
        let capped: ApiVersionsResponse = read(Api::API_VERSIONS, version, &bytes);
        let max: Vec<_> = capped.api_keys.iter().map(|k| k.max_version).collect();
        assert_eq!(max, [13, 99, 13]);
    }
    // A broker that does not know version 4 answers in version 0 and says so.
    let bytes = answer(Api::API_VERSIONS, 0, &offered(2).with_error_code(35));
    assert_eq!(capped(4, &bytes).unwrap(), bytes);
}

#[test]
fn kafka_is_recognised_from_its_first_request_only() {
    let hello = request(Api::API_VERSIONS, 3, 1, &ApiVersionsRequest::default());
    assert_eq!(begins(&hello), Some(true));
    for short in 0..14 {
        assert_ne!(begins(&hello[..short]), Some(true));
    }
    let hello = request(Api::METADATA, 1, 1, &MetadataRequest::default());
    assert_eq!(begins(&hello), Some(true));
    assert_eq!(begins(b"GET / HTTP/1.1\r\n"), Some(false));
    assert_eq!(begins(b"PRI * HTTP/2.0\r\n"), Some(false));
    assert_eq!(begins(&[0; 16]), Some(false));
}

/// A conversation over the bytes of both sides, in pieces of `size`: what the caller hears, and the
/// answers that were looked at.
fn converse(asked: &[u8], answered: &[u8], size: usize) -> (Vec<u8>, Vec<Awaited>) {
    let mut conversation = Conversation::default();
    for bytes in asked.chunks(size) {
        conversation.caller_said(bytes);
    }
    let (mut heard, mut looked_at) = (Vec::new(), Vec::new());
    for bytes in answered.chunks(size) {
        match conversation.callee_said(bytes) {
            Heard::AsItIs => heard.extend_from_slice(bytes),
            Heard::Pieces(pieces) => {
                for piece in pieces {
                    match piece {
                        Piece::Bytes(bytes) => heard.extend_from_slice(&bytes),
                        Piece::Answer(awaited, answer) => {
                            looked_at.push(awaited);
                            heard.extend_from_slice(&sized(&answer));
                        }
                        Piece::Unread => panic!("nothing is too long"),
                    }
                }
            }
        }
    }
    (heard, looked_at)
}

#[test]
fn answers_are_matched_however_the_stream_is_cut_and_unanswered_requests_are_passed_over() {
    let silent = ProduceRequest::default().with_acks(0);
    let loud = ProduceRequest::default().with_acks(-1);
    let asked = [
        request(Api::API_VERSIONS, 3, 1, &ApiVersionsRequest::default()),
        request(Api::PRODUCE, 9, 2, &silent),
        request(Api::PRODUCE, 3, 3, &silent),
        request(Api::METADATA, 12, 4, &MetadataRequest::default()),
        request(Api::PRODUCE, 9, 5, &loud),
        request(Api::FETCH, 11, 6, &FetchRequest::default()),
        request(Api::METADATA, 1, 7, &MetadataRequest::default()),
    ]
    .concat();
    let frame = |correlation: i32, body: &[u8]| {
        let bytes = [&correlation.to_be_bytes(), body].concat();
        sized(&bytes).to_vec()
    };
    let answered = [
        frame(1, b"versions"),
        frame(4, b"metadata"),
        frame(5, b"produced"),
        frame(6, &[9; 3000]),
        frame(7, b"more metadata"),
    ]
    .concat();
    for size in [1, 2, 3, 5, 7, 11, 64, 1000, 100_000] {
        let (heard, looked_at) = converse(&asked, &answered, size);
        assert!(heard == answered, "in pieces of {size}");
        let numbers: Vec<_> = looked_at.iter().map(|a| a.correlation).collect();
        assert_eq!(numbers, [1, 4, 7], "in pieces of {size}");
    }
}

#[test]
fn a_large_fetch_streams_through_without_being_held() {
    let mut conversation = Conversation::default();
    let asked = request(Api::FETCH, 11, 1, &FetchRequest::default());
    conversation.caller_said(&asked);
    let mut first = 1_000_000_000_i32.to_be_bytes().to_vec();
    first.extend_from_slice(&1_i32.to_be_bytes());
    first.extend_from_slice(&[0; 100]);
    assert_eq!(conversation.callee_said(&first), Heard::AsItIs);
    assert_eq!(conversation.callee_said(&[0; 1000]), Heard::AsItIs);
}

#[test]
fn an_answer_that_nobody_awaits_makes_the_rest_pass_untouched() {
    let mut conversation = Conversation::default();
    let answered = sized(b"\0\0\0\x09what is this?");
    let heard: Vec<_> = match conversation.callee_said(&answered) {
        Heard::AsItIs => answered.to_vec(),
        Heard::Pieces(pieces) => pieces
            .iter()
            .flat_map(|piece| match piece {
                Piece::Bytes(bytes) => bytes.to_vec(),
                other => panic!("{other:?}"),
            })
            .collect(),
    };
    assert_eq!(heard, answered);
    assert!(conversation.is_lost());
    assert_eq!(conversation.callee_said(b"more"), Heard::AsItIs);
}

proptest! {
    #[test]
    fn no_answer_makes_the_walk_panic(
        api in prop::sample::select(vec![0_i16, 1, 3, 10, 18, 60]),
        version in 0_i16..20,
        bytes in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let awaited = Awaited { correlation: 0, api: Api(api), version };
        if let Ok(found) = addresses(awaited, &bytes) {
            let by: Vec<_> = found.spots.iter().map(|s| s.address.clone()).collect();
            let _ = found.replace(&bytes, &by);
        }
        let _ = capped(version, &bytes);
    }

    #[test]
    fn no_bytes_make_a_conversation_panic_or_lose_what_the_callee_said(
        asked in prop::collection::vec(any::<u8>(), 0..300),
        answered in prop::collection::vec(any::<u8>(), 0..300),
        size in 1_usize..40,
    ) {
        let (heard, _) = converse(&asked, &answered, size);
        // What is held until it is whole may be missing at the end.
        prop_assert!(answered.starts_with(&heard));
    }

    #[test]
    fn what_is_replaced_by_itself_stays_the_same(
        hosts in prop::collection::vec("[a-z]{1,200}", 2..=2),
        version in 0_i16..=13,
    ) {
        let body = metadata(version, [(&hosts[0], 1), (&hosts[1], 65535)]);
        let bytes = answer(Api::METADATA, version, &body);
        let awaited = Awaited { correlation: 7, api: Api::METADATA, version };
        let found = addresses(awaited, &bytes).unwrap();
        let by: Vec<_> = found.spots.iter().map(|s| s.address.clone()).collect();
        prop_assert_eq!(found.replace(&bytes, &by), bytes);
    }
}
