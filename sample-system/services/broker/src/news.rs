//! Who waits for new records hears of them at once.
//!
//! Tansu answers a fetch that finds nothing only when its time is up, having looked twice by then:
//! a new record would lie about for as long, and every idle consumer would keep the broker busy.
//! So a fetch here looks once, and again only when something was written to one of its topics, until
//! there is something to answer or its time is up. Everything is written through this process, so
//! nothing is missed.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use rama::{Context, Service};
use tansu_sans_io::{
    ErrorCode, FetchRequest, FetchResponse, ProduceRequest, ProduceResponse,
    fetch_response::PartitionData,
};
use tansu_storage::{Error, FetchService, ProduceService, Storage};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use crate::largest;

/// How often each topic was written to. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct News(Arc<watch::Sender<Written>>);

#[derive(Debug, Default)]
struct Written {
    topics: HashMap<String, u64>,
    /// Nobody waits any more.
    ended: bool,
}

impl News {
    /// Answers everybody who waits, with what there is.
    pub(crate) fn end(&self) {
        self.0.send_modify(|written| written.ended = true);
    }

    /// Something was written to `topics`.
    fn tell<'t>(&self, topics: impl Iterator<Item = &'t str>) {
        self.0.send_modify(|written| {
            for topic in topics {
                match written.topics.get_mut(topic) {
                    Some(times) => *times += 1,
                    None => drop(written.topics.insert(topic.to_owned(), 1)),
                }
            }
        });
    }

    /// How often each of `topics` was written to.
    fn of(&self, topics: &[String]) -> Vec<u64> {
        self.0.borrow().of(topics)
    }
}

impl Written {
    fn of(&self, topics: &[String]) -> Vec<u64> {
        let times = topics.iter().map(|topic| self.topics.get(topic).copied());
        times.map(Option::unwrap_or_default).collect()
    }
}

/// A fetch that waits for news of its topics, whose records have so many bytes at most.
#[derive(Debug, Clone)]
pub(crate) struct Fetch(pub(crate) News, pub(crate) usize);

impl<S: Storage> Service<S, FetchRequest> for Fetch {
    type Response = FetchResponse;
    type Error = Error;

    async fn serve(
        &self,
        ctx: Context<S>,
        mut request: FetchRequest,
    ) -> Result<FetchResponse, Error> {
        let wait = u64::try_from(request.max_wait_ms).unwrap_or_default();
        let until = Instant::now() + Duration::from_millis(wait);
        let topics = request.topics.iter().flatten();
        let topics: Vec<String> = topics.filter_map(|topic| topic.topic.clone()).collect();
        // Tansu's own part is to look once.
        request.max_wait_ms = 0;
        largest::ask_for_one(&mut request, self.1);
        let mut told = self.0.0.subscribe();
        loop {
            let before = self.0.of(&topics);
            let mut found = FetchService.serve(ctx.clone(), request.clone()).await?;
            largest::cut(&mut found)?;
            if says_something(&found) {
                return Ok(found);
            }
            let news = told.wait_for(|now| now.ended || now.of(&topics) != before);
            let go_on = matches!(timeout_at(until, news).await, Ok(Ok(now)) if !now.ended);
            if !go_on {
                return Ok(found);
            }
        }
    }
}

/// Whether an answer has records or an error: the asker has to hear of it now. How many bytes the
/// asker would rather wait for (`min_bytes`) is not looked at: it may always get fewer.
fn says_something(answer: &FetchResponse) -> bool {
    let topics = answer.responses.iter().flatten();
    let mut partitions = topics.flat_map(|topic| topic.partitions.iter().flatten());
    partitions.any(
        |PartitionData {
             error_code,
             records,
             ..
         }| {
            let batches = records.as_ref().map_or(0, |records| records.batches.len());
            batches > 0 || *error_code != i16::from(ErrorCode::None)
        },
    )
}

/// A write of batches that have so many bytes at most, which tells of itself.
#[derive(Debug, Clone)]
pub(crate) struct Produce(pub(crate) News, pub(crate) usize);

impl<S: Storage> Service<S, ProduceRequest> for Produce {
    type Response = ProduceResponse;
    type Error = Error;

    async fn serve(
        &self,
        ctx: Context<S>,
        mut request: ProduceRequest,
    ) -> Result<ProduceResponse, Error> {
        let refused = largest::refuse(&mut request, self.1);
        let topics = request.topic_data.iter().flatten();
        let topics: Vec<String> = topics.map(|topic| topic.name.clone()).collect();
        let answer = ProduceService.serve(ctx, request).await;
        // Also after a failure: a part of it may be written.
        self.0.tell(topics.iter().map(String::as_str));
        Ok(largest::answered(answer?, refused))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::ops::Deref;

    use tansu_sans_io::fetch_request::{FetchPartition, FetchTopic};
    use tansu_sans_io::produce_request::{PartitionProduceData, TopicProduceData};
    use tansu_sans_io::record::{Record, deflated, inflated};

    use tokio::sync::{Mutex, MutexGuard};

    use super::*;
    use crate::config::Config;
    use crate::store::{self, Store};

    /// Longer than any test runs: who waits as long was not told.
    const LONG: Duration = Duration::from_secs(3600);

    /// An open store, and the only one of the process: it lives in the folder that the process is in.
    pub(crate) struct Opened {
        store: Store,
        _alone: MutexGuard<'static, ()>,
    }

    impl Deref for Opened {
        type Target = Store;

        fn deref(&self) -> &Store {
            &self.store
        }
    }

    pub(crate) async fn open(folder: &std::path::Path) -> Opened {
        static ALONE: Mutex<()> = Mutex::const_new(());
        let alone = ALONE.lock().await;
        let folder = folder.display().to_string();
        let variable = |name: &str| match name {
            "ADVERTISED" => Some("broker:9092".to_owned()),
            "DATA_DIR" => Some(folder.clone()),
            "TOPICS" => Some("orders:1,mails:1".to_owned()),
            _ => None,
        };
        let config = Config::read(variable).unwrap();
        Opened {
            store: store::open(&config).await.unwrap(),
            _alone: alone,
        }
    }

    pub(crate) fn fetch(topic: &str, offset: i64, wait: Duration) -> FetchRequest {
        let partition = FetchPartition::default()
            .partition(0)
            .fetch_offset(offset)
            .partition_max_bytes(1_000_000);
        let topic = FetchTopic::default()
            .topic(Some(topic.to_owned()))
            .partitions(Some(vec![partition]));
        FetchRequest::default()
            .max_wait_ms(i32::try_from(wait.as_millis()).unwrap())
            .min_bytes(1)
            .max_bytes(Some(1_000_000))
            .topics(Some(vec![topic]))
    }

    fn write(topic: &str) -> ProduceRequest {
        let record = Record::builder().value(bytes::Bytes::from_static(b"one").into());
        let batch = inflated::Batch::builder().record(record).build().unwrap();
        let batches = vec![deflated::Batch::try_from(batch).unwrap()];
        let partition = PartitionProduceData::default()
            .index(0)
            .records(Some(deflated::Frame { batches }));
        let topic = TopicProduceData::default()
            .name(topic.to_owned())
            .partition_data(Some(vec![partition]));
        ProduceRequest::default()
            .acks(-1)
            .timeout_ms(1000)
            .topic_data(Some(vec![topic]))
    }

    #[tokio::test]
    async fn a_fetch_waits_for_its_topic_for_its_time_or_for_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path()).await;
        let (waiting, writing) = (
            Fetch(store.news.clone(), largest::DEFAULT),
            Produce(store.news.clone(), largest::DEFAULT),
        );
        let context = || Context::with_state(store.data.clone());

        // Of its topic it hears at once, of others it does not.
        let orders = waiting.serve(context(), fetch("orders", 0, LONG));
        let both = async {
            for topic in ["mails", "orders"] {
                writing.serve(context(), write(topic)).await.unwrap();
            }
        };
        let (found, ()) = tokio::join!(orders, both);
        assert!(says_something(&found.unwrap()));

        // What is there already is answered at once.
        let there = waiting.serve(context(), fetch("mails", 0, LONG)).await;
        assert!(says_something(&there.unwrap()));

        // Its time is up, with nothing new.
        let nothing = fetch("orders", 1, Duration::from_millis(50));
        let nothing = waiting.serve(context(), nothing).await;
        assert!(!says_something(&nothing.unwrap()));

        // The broker stops.
        let held = waiting.serve(context(), fetch("orders", 1, LONG));
        let (held, ()) = tokio::join!(held, async { store.news.end() });
        assert!(!says_something(&held.unwrap()));
    }
}
