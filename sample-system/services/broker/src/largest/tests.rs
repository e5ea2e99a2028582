//! The bounds, at the storage engine as it is.

use std::time::Duration;

use bytes::Bytes;
use rama::{Context, Service as _};
use tansu_sans_io::produce_request::{PartitionProduceData, TopicProduceData};
use tansu_sans_io::record::{self, deflated};

use super::*;
use crate::news::tests::{fetch, open};
use crate::news::{Fetch, Produce};
use crate::store::Store;

const GZIP: i16 = 1;

/// A batch of records that have such a value and such a header.
fn batch(records: &[(usize, usize)], attributes: i16) -> Batch {
    let each = records.iter().map(|(value, header)| {
        let header = record::header::Header::builder()
            .key(Bytes::from_static(b"h"))
            .value(vec![b'h'; *header].into());
        Record::builder()
            .value(Some(Bytes::from(vec![b'z'; *value])))
            .header(header)
    });
    let mut builder = inflated::Batch::builder().attributes(attributes);
    for (delta, record) in (0..).zip(each) {
        builder = builder
            .record(record.offset_delta(delta))
            .last_offset_delta(delta);
    }
    Batch::try_from(builder.build().unwrap()).unwrap()
}

fn write(batches: Vec<(&str, Batch)>) -> ProduceRequest {
    let topics = batches.into_iter().map(|(topic, batch)| {
        let batches = vec![batch];
        let partition = PartitionProduceData::default()
            .index(0)
            .records(Some(deflated::Frame { batches }));
        TopicProduceData::default()
            .name(topic.to_owned())
            .partition_data(Some(vec![partition]))
    });
    ProduceRequest::default()
        .acks(-1)
        .timeout_ms(1000)
        .topic_data(Some(topics.collect()))
}

/// What is answered for the first partition of each topic.
async fn written(store: &Store, batches: Vec<(&str, Batch)>) -> Vec<i16> {
    let produce = Produce(store.news.clone(), DEFAULT);
    let context = Context::with_state(store.data.clone());
    let answer = produce.serve(context, write(batches)).await.unwrap();
    let topics = answer.responses.unwrap().into_iter();
    topics
        .map(|topic| topic.partition_responses.unwrap()[0].error_code)
        .collect()
}

/// How many records one fetch from `offset` on finds, and how many bytes it is answered with.
async fn found(store: &Store, topic: &str, offset: i64, most: i32) -> (usize, usize) {
    let waiting = Fetch(store.news.clone(), DEFAULT);
    let request = fetch(topic, offset, Duration::ZERO).max_bytes(Some(most));
    let context = Context::with_state(store.data.clone());
    let answer = waiting.serve(context, request).await.unwrap();
    let partitions = answer.responses.into_iter().flatten();
    let partitions = partitions.flat_map(|topic| topic.partitions.unwrap());
    let batches = partitions.flat_map(|it| it.records.map_or_else(Vec::new, |it| it.batches));
    let all = batches.map(|batch| (batch.record_count as usize, batch.record_data.len()));
    all.fold((0, 0), |(count, sum), (more, bytes)| {
        (count + more, sum + bytes)
    })
}

#[tokio::test]
async fn what_is_too_large_is_refused_as_kafka_does_and_what_comes_with_it_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let too_large = i16::from(ErrorCode::MessageTooLarge);
    // Also one that is small as it comes, and one that is large by its header.
    for large in [
        batch(&[(DEFAULT, 0)], 0),
        batch(&[(DEFAULT, 0)], GZIP),
        batch(&[(600_000, 0), (600_000, 0)], GZIP),
        batch(&[(0, DEFAULT)], 0),
    ] {
        let both = vec![("orders", large), ("mails", batch(&[(1, 0)], 0))];
        assert_eq!(written(&store, both).await, [too_large, 0]);
    }
    assert_eq!(found(&store, "orders", 0, 1).await.0, 0);
    assert_eq!(found(&store, "mails", 0, i32::MAX).await.0, 4);
}

#[tokio::test]
async fn a_count_of_records_that_are_not_there_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    for (records, attributes, why) in [
        (1000, 0, ErrorCode::CorruptMessage),
        (u32::MAX, 0, ErrorCode::MessageTooLarge),
        (u32::MAX, GZIP, ErrorCode::MessageTooLarge),
        (2, GZIP, ErrorCode::CorruptMessage),
    ] {
        let mut lying = batch(&[(1, 0)], attributes);
        lying.record_count = records;
        let refused = written(&store, vec![("orders", lying)]).await;
        assert_eq!(refused, [i16::from(why)], "{records} {attributes}");
    }
}

#[tokio::test]
async fn the_largest_record_that_is_taken_is_handed_out_also_to_who_asks_for_less() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let framing = batch(&[(DEFAULT / 2, 0)], 0).record_data.len() - DEFAULT / 2;
    let largest = DEFAULT - HEAD - framing - 1;
    for _ in 0..3 {
        let one = vec![("orders", batch(&[(largest, 0)], 0))];
        assert_eq!(written(&store, one).await, [0]);
    }
    for offset in 0..3 {
        let (records, bytes) = found(&store, "orders", offset, 1).await;
        assert!(
            records >= 1 && bytes > largest,
            "{offset}: {records} of {bytes}"
        );
    }
}

#[tokio::test]
async fn an_answer_has_no_more_than_clients_take_however_large_the_headers_are() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    for _ in 0..20 {
        let one = vec![("orders", batch(&[(1, 1_000_000)], 0))];
        assert_eq!(written(&store, one).await, [0]);
    }
    let mut next = 0;
    while next < 20 {
        let (records, bytes) = found(&store, "orders", next, i32::MAX).await;
        assert!(
            records > 0 && bytes <= ANSWER,
            "{next}: {records} of {bytes}"
        );
        next += i64::try_from(records).unwrap();
    }
    assert_eq!(next, 20);
}
