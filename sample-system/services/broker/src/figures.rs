//! What the broker tells of itself at `/metrics`: rate, errors and duration for each kind of
//! request, and the use of each resource, under the names and in the style of the other services.
//!
//! Counting takes a lock for no longer than an addition; nothing here waits for anything.

mod answered;
pub(crate) mod resource;
pub(crate) mod text;

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tansu_sans_io::RootMessageMeta;

pub(crate) use self::answered::InFlight;
use self::answered::{Answered, Names};
use self::resource::Resource;
use self::text::Text;
use crate::groups::{Members, Told};
use crate::partitions::Partition;

/// Names of requests that are neither known nor served.
const UNKNOWN: &str = "unknown";

/// The figures of one broker. Clones are the same figures.
#[derive(Clone, Debug)]
pub(crate) struct Figures(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    kafka: Answered,
    http: Answered,
    storage: Resource,
    connections: Connections,
}

#[derive(Debug, Default)]
struct Connections {
    in_use: AtomicU64,
    accepted: AtomicU64,
    failed: AtomicU64,
}

/// A connection that is in use until it is dropped.
#[derive(Debug)]
pub(crate) struct Connected(Figures);

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.0.connections.in_use.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Default for Figures {
    fn default() -> Self {
        let kafka = Names {
            requests: "kafka_requests",
            durations: "kafka_request_duration_seconds",
            in_flight: "kafka_requests_in_flight",
            how: "code",
            gone: "unanswered",
        };
        let http = Names {
            requests: "http_requests",
            durations: "http_request_duration_seconds",
            in_flight: "http_requests_in_flight",
            how: "status",
            gone: "499",
        };
        Self(Arc::new(Inner {
            kafka: Answered::new(kafka),
            http: Answered::new(http),
            storage: Resource::default(),
            connections: Connections::default(),
        }))
    }
}

impl Figures {
    /// A Kafka request came in, of the kind with this API key.
    pub(crate) fn request(&self, key: i16) -> InFlight {
        let known = RootMessageMeta::messages().requests().get(&key);
        let api = known.map_or(UNKNOWN, |meta| {
            meta.name.strip_suffix("Request").unwrap_or(meta.name)
        });
        self.0.kafka.began(vec![("api", api)])
    }

    /// An HTTP request came in, to a route and by a method that are known.
    pub(crate) fn asked(&self, route: &'static str, method: &'static str) -> InFlight {
        let http = &self.0.http;
        http.began(vec![("route", route), ("method", method)])
    }

    /// The storage engine.
    pub(crate) fn storage(&self) -> Resource {
        self.0.storage.clone()
    }

    /// A Kafka connection was let in.
    pub(crate) fn connected(&self) -> Connected {
        let connections = &self.0.connections;
        connections.accepted.fetch_add(1, Ordering::Relaxed);
        connections.in_use.fetch_add(1, Ordering::Relaxed);
        Connected(self.clone())
    }

    /// A Kafka connection could not be let in, or ended with an error.
    pub(crate) fn connection_failed(&self) {
        let connections = &self.0.connections;
        connections.failed.fetch_add(1, Ordering::Relaxed);
    }

    /// All of it as text, with what is kept of partitions and who is in groups.
    pub(crate) fn text(&self, partitions: &[Partition], groups: &Told) -> String {
        let mut text = Text::default();
        self.0.kafka.write(&mut text);
        self.0.http.write(&mut text);
        resource::write(&mut text, &[("storage", &self.0.storage)]);
        self.0.connections.write(&mut text);
        descriptors(&mut text);
        of_partitions(&mut text, partitions);
        of_groups(&mut text, groups);
        text.end()
    }
}

impl Connections {
    fn write(&self, text: &mut Text) {
        let now = |count: &AtomicU64| count.load(Ordering::Relaxed);
        text.gauge("kafka_connections", "Connections of clients in use");
        text.shown(&[], now(&self.in_use));
        text.counter("kafka_connections_accepted", "Connections that were let in");
        text.counted(&[], now(&self.accepted));
        text.counter(
            "kafka_connections_failed",
            "Connections that could not be let in, or ended with an error",
        );
        text.counted(&[], now(&self.failed));
    }
}

/// What bounds the connections: each takes two descriptors.
fn descriptors(text: &mut Text) {
    // One of them is that which reads the folder.
    let open = fs::read_dir("/proc/self/fd").map(|all| all.count().saturating_sub(1));
    if let Ok(open) = open {
        text.gauge("process_open_fds", "Descriptors of the process in use");
        text.shown(&[], open);
    }
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let most = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))
        .and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    if let Some(most) = most {
        text.gauge("process_max_fds", "Descriptors that the process may have");
        text.shown(&[], most);
    }
}

fn of_partitions(text: &mut Text, partitions: &[Partition]) {
    type Value = fn(&Partition) -> i64;
    let families: [(&str, &str, Value); 3] = [
        (
            "kafka_partition_high_watermark",
            "The offset that the next record of a partition gets",
            |it| it.high,
        ),
        (
            "kafka_partition_records",
            "Records that a partition keeps",
            |it| it.records,
        ),
        (
            "kafka_partition_bytes",
            "Bytes of keys and values that a partition keeps",
            |it| it.bytes,
        ),
    ];
    for (name, help, value) in families {
        text.gauge(name, help);
        for partition in partitions {
            let number = partition.number.to_string();
            let labels = [("topic", &*partition.topic), ("partition", &number)];
            text.shown(&labels, value(partition));
        }
    }
}

fn of_groups(text: &mut Text, groups: &Told) {
    text.gauge("kafka_groups", "Groups that have members");
    text.shown(&[], groups.groups);
    text.gauge("kafka_group_members", "Members that a group has");
    for Members { group, members } in &groups.named {
        text.shown(&[("group", group)], members);
    }
}
