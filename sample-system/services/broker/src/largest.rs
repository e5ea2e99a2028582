//! What is too large: records that are written, and answers with records.
//!
//! Whatever is taken can be handed out again. The storage engine hands out no record whose key and
//! value have [`ENGINE`] bytes or more, and does not count headers: a record above that would stand
//! before all behind it in its partition for ever, and a hundred with headers of a megabyte make an
//! answer that clients refuse.

use tansu_sans_io::{
    ErrorCode, FetchRequest, FetchResponse, ProduceRequest, ProduceResponse,
    produce_response::PartitionProduceResponse,
    record::{Record, deflated::Batch, inflated},
};
use tansu_storage::Error;

/// Bytes of keys and values that one answer of the storage engine has at most.
const ENGINE: usize = 5 << 20;

/// Bytes of a batch of records by default: Kafka's own (`message.max.bytes`, 1 MiB and what frames a
/// batch), so that a producer with its client's defaults is never refused. An event of the shop has
/// some hundred.
pub(crate) const DEFAULT: usize = 1_048_588;

/// The highest bound that can be set: below what the engine hands out, with what it counts for
/// partitions that have nothing.
pub(crate) const HIGHEST: usize = 4_000_000;

/// The lowest one: whatever the shop publishes is below it, an event with all the `baggage` that the
/// gateway lets in (8192 bytes) or a dead letter that names its record among it.
pub(crate) const LOWEST: usize = 100_000;

/// Bytes of records that one answer to a fetch has at most, or one record. The clients of the shop
/// take 100 MB.
const ANSWER: usize = 16 << 20;

/// Bytes of a batch before its records, with its place and its length.
const HEAD: usize = 61;

/// A record has no fewer bytes.
const SMALLEST_RECORD: usize = 7;

const _: () = assert!(HIGHEST + (1 << 20) < ENGINE && ENGINE < ANSWER);

/// What was taken out of a request to write, with its topic.
pub(crate) type Refused = Vec<(String, PartitionProduceResponse)>;

/// Takes out of a request what has batches above `most` bytes, as they came or as they are without
/// compression. Of the partition that such a batch is for, nothing is written.
pub(crate) fn refuse(request: &mut ProduceRequest, most: usize) -> Refused {
    let mut refused = Vec::new();
    for topic in request.topic_data.iter_mut().flatten() {
        let Some(partitions) = &mut topic.partition_data else {
            continue;
        };
        partitions.retain(|partition| {
            let batches = partition.records.iter().flat_map(|it| &it.batches);
            let Some(why) = batches.filter_map(|batch| wrong(batch, most)).next() else {
                return true;
            };
            tracing::warn!(topic = topic.name, partition = partition.index, %why, "refused records");
            let answer = PartitionProduceResponse::default()
                .index(partition.index)
                .error_code(why.into())
                .base_offset(-1)
                .log_append_time_ms(Some(-1))
                .log_start_offset(Some(-1))
                .record_errors(Some(Vec::new()));
            refused.push((topic.name.clone(), answer));
            false
        });
    }
    refused
}

/// Puts what was refused into the answer to the rest.
pub(crate) fn answered(mut answer: ProduceResponse, refused: Refused) -> ProduceResponse {
    for (name, partition) in refused {
        let mut topics = answer.responses.iter_mut().flatten();
        if let Some(topic) = topics.find(|topic| topic.name == name) {
            topic
                .partition_responses
                .get_or_insert_default()
                .push(partition);
        }
    }
    answer
}

/// Why a batch is not taken.
fn wrong(batch: &Batch, most: usize) -> Option<ErrorCode> {
    let records = usize::try_from(batch.record_count).unwrap_or(usize::MAX);
    let has = |bytes: usize| HEAD + bytes > most;
    if has(batch.record_data.len()) || has(records.saturating_mul(SMALLEST_RECORD)) {
        return Some(ErrorCode::MessageTooLarge);
    }
    if !is_compressed(batch.attributes) {
        // A count that nothing stands behind would have the engine reserve memory for it.
        let too_few = batch.record_data.len() < records * SMALLEST_RECORD;
        return too_few.then_some(ErrorCode::CorruptMessage);
    }
    let Ok(records) = Vec::<Record>::try_from(batch) else {
        return Some(ErrorCode::CorruptMessage);
    };
    has(records.iter().map(bytes).sum()).then_some(ErrorCode::MessageTooLarge)
}

fn is_compressed(attributes: i16) -> bool {
    attributes & 0b111 != 0
}

/// Bytes of a record as it is sent, to within a few.
fn bytes(record: &Record) -> usize {
    usize::try_from(record.length).unwrap_or(usize::MAX / 2) + 1
}

/// Has a fetch ask for at least what one record of `most` bytes may take: Kafka answers with the
/// first record whatever its size, the engine with none.
pub(crate) fn ask_for_one(request: &mut FetchRequest, most: usize) {
    // What the engine counts for each partition with nothing new is below a kilobyte.
    let partitions = request.topics.iter().flatten();
    let partitions: usize = partitions
        .map(|topic| topic.partitions.as_ref().map_or(0, Vec::len))
        .sum();
    let least = most.saturating_add(partitions.saturating_mul(1024));
    let least = i32::try_from(least.min(ENGINE)).unwrap_or(i32::MAX);
    request.max_bytes = request.max_bytes.map(|asked| asked.max(least));
}

/// Leaves in an answer what clients can take; what is cut off is there for the next fetch.
///
/// # Errors
/// When the engine's batches cannot be read.
pub(crate) fn cut(answer: &mut FetchResponse) -> Result<(), Error> {
    cut_to(answer, ANSWER)
}

fn cut_to(answer: &mut FetchResponse, most: usize) -> Result<(), Error> {
    let mut left = most;
    let mut has_one = false;
    let topics = answer.responses.iter_mut().flatten();
    for partition in topics.flat_map(|topic| topic.partitions.iter_mut().flatten()) {
        let Some(records) = &mut partition.records else {
            continue;
        };
        let mut kept = Vec::new();
        for batch in records.batches.drain(..) {
            let whole = HEAD + batch.record_data.len();
            if whole <= left {
                left -= whole;
                kept.push(batch);
            } else {
                let some = beginning(batch, left, !has_one && kept.is_empty())?;
                kept.extend(some);
                left = 0;
                break;
            }
        }
        has_one |= !kept.is_empty();
        match kept.is_empty() {
            true => partition.records = None,
            false => records.batches = kept,
        }
    }
    Ok(())
}

/// As many of a batch's first records as `left` bytes hold; one at least where `one` is asked for.
fn beginning(batch: Batch, left: usize, one: bool) -> Result<Option<Batch>, Error> {
    let mut batch = inflated::Batch::try_from(batch)?;
    let mut sum = HEAD;
    let fitting = batch.records.iter().take_while(|record| {
        sum += bytes(record) + 4;
        sum <= left
    });
    let count = fitting.count().max(usize::from(one));
    batch.records.truncate(count);
    let Some(last) = batch.records.last() else {
        return Ok(None);
    };
    batch.last_offset_delta = last.offset_delta;
    Ok(Some(Batch::try_from(batch)?))
}

#[cfg(test)]
mod tests;
