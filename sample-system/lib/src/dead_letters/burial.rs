//! How a record becomes a dead letter: whole where a letter can hold it, else by its name.
//!
//! A letter has more headers than its record, and a broker takes no record above a size: so the
//! largest records have letters that nobody takes. Theirs say where the record stands, what it is
//! and how it begins; the record itself is still in its topic.

use sha2::{Digest as _, Sha256};

use super::{DIGEST, OF_GROUP, OF_OFFSET, OF_PARTITION, OF_TOPIC, PREFIX, REASON, SIZE, TOPIC};
use crate::kafka::{Delivery, KafkaError, Publish, Record};
use crate::trace_context::{TRACEPARENT, TraceContext};

/// Bytes of a letter that holds its record, with all of its headers. Kafka's brokers take batches
/// of 1,048,588 bytes by default, and so does the shop's; what is between is for how they are framed.
const LARGEST: usize = 1_000_000;

/// Bytes that a header may take beside its name and its value.
const OF_A_HEADER: usize = 10;

/// Bytes of a record's payload, and of its key, in a letter that only names it.
const BEGINNING: usize = 1024;

/// Bytes of a reason: what cannot be read is often quoted in it, and may be as long as a record.
const LONGEST_REASON: usize = 500;

/// Publishes the dead letter of a record that `group` could not work on, because of `reason`, in
/// the work of `trace`. A broker that takes less than a whole letter gets one that names its record.
///
/// # Errors
/// [`KafkaError::Publish`] when it is not safe, or not known to be; burying it again is right.
pub async fn bury(
    delivery: &Delivery,
    group: &str,
    reason: &str,
    trace: &TraceContext,
    letters: &(impl Publish + ?Sized),
) -> Result<(), KafkaError> {
    let letter = letter(delivery, group, reason, trace);
    let published = letters.publish(&letter).await;
    match published {
        Err(error) if error.is_too_large() && letter.header(SIZE).is_none() => {
            letters
                .publish(&named(delivery, group, reason, trace))
                .await
        }
        published => published,
    }
}

/// The dead letter of a record that `group` could not work on, because of `reason`, in the work of
/// `trace`.
pub fn letter(delivery: &Delivery, group: &str, reason: &str, trace: &TraceContext) -> Record {
    let record = &delivery.record;
    let headers = marks(delivery, group, reason);
    let whole = Record {
        topic: TOPIC.to_owned(),
        key: record.key.clone(),
        payload: record.payload.clone(),
        headers: headers.chain(own_headers(record, trace)).collect(),
    };
    let framed = size(&whole) + whole.headers.len() * OF_A_HEADER;
    match framed <= LARGEST {
        true => whole,
        false => named(delivery, group, reason, trace),
    }
}

/// A letter that says where its record stands, and not what it holds.
fn named(delivery: &Delivery, group: &str, reason: &str, trace: &TraceContext) -> Record {
    let record = &delivery.record;
    let mut headers: Vec<_> = marks(delivery, group, reason).collect();
    headers.push((SIZE.to_owned(), size(record).to_string()));
    headers.push((DIGEST.to_owned(), digest(record)));
    if let Some(parent) = &trace.traceparent {
        headers.push((TRACEPARENT.to_owned(), parent.clone()));
    }
    Record {
        topic: TOPIC.to_owned(),
        key: beginning(&record.key, BEGINNING).to_owned(),
        payload: record.payload.iter().take(BEGINNING).copied().collect(),
        headers,
    }
}

/// Why it became one, and where it stood.
fn marks(
    delivery: &Delivery,
    group: &str,
    reason: &str,
) -> impl Iterator<Item = (String, String)> + use<> {
    let said = [
        (REASON, short(reason).to_owned()),
        (OF_TOPIC, delivery.record.topic.clone()),
        (OF_PARTITION, delivery.partition.to_string()),
        (OF_OFFSET, delivery.offset.to_string()),
        (OF_GROUP, group.to_owned()),
    ];
    said.map(|(name, value)| (name.to_owned(), value))
        .into_iter()
}

/// As much of a reason as a letter says.
pub(crate) fn short(reason: &str) -> &str {
    beginning(reason, LONGEST_REASON)
}

/// Bytes of a record's key, payload and headers.
pub(super) fn size(record: &Record) -> usize {
    let headers = record.headers.iter();
    let headers = headers.map(|(name, value)| name.len() + value.len());
    record.key.len() + record.payload.len() + headers.sum::<usize>()
}

/// What tells a record's payload from any other.
pub(super) fn digest(record: &Record) -> String {
    let bytes = Sha256::digest(&record.payload);
    let hexadecimal: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha-256:{hexadecimal}")
}

/// The headers that a record came with, and the traceparent of `trace` where it came with none that
/// can be read.
pub(super) fn own_headers(
    record: &Record,
    trace: &TraceContext,
) -> impl Iterator<Item = (String, String)> {
    let is_parent = |name: &str| name.eq_ignore_ascii_case(TRACEPARENT);
    let parents = record.headers.iter().filter(|(name, _)| is_parent(name));
    let parents: Vec<_> = parents.map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let came = match parents[..] {
        [one @ (TRACEPARENT, _)] => TraceContext::from_pairs([one]).traceparent.is_some(),
        _ => false,
    };
    let began = trace.traceparent.clone().filter(|_| !came);
    let kept = move |name: &str| !name.starts_with(PREFIX) && (came || !is_parent(name));
    let own = record.headers.iter().filter(move |(name, _)| kept(name));
    own.cloned()
        .chain(began.map(|parent| (TRACEPARENT.to_owned(), parent)))
}

/// At most the first `bytes` of a text.
fn beginning(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}
