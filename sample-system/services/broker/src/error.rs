//! What can go wrong in the broker, named by what it was doing.

use std::{io, net::SocketAddr, path::PathBuf};

/// An operation of the broker that failed: what, where, and what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The command line says something the broker does not know.
    #[error("unknown argument `{given}`; run `broker` to serve or `broker healthcheck`")]
    Arguments { given: String },
    /// One or more settings are missing or wrong; all of them at once.
    #[error("settings in the environment cannot be used:{}", .0.iter().map(|problem| format!("\n  {problem}")).collect::<String>())]
    Settings(Vec<String>),
    /// The log filter does not parse.
    #[error("LOG `{filter}` is no log filter: {source}; try `warn` or `info`")]
    LogFilter {
        filter: String,
        source: tracing_subscriber::filter::ParseError,
    },
    /// The process could not get what it needs to begin.
    #[error("cannot start {what}: {source}")]
    Start {
        what: &'static str,
        source: io::Error,
    },
    /// The data folder cannot be made or entered.
    #[error("cannot use the data folder {} (DATA_DIR): {source}", .path.display())]
    DataFolder { path: PathBuf, source: io::Error },
    /// The SQLite file cannot be opened or read.
    #[error("cannot open the store {}: {source}", .path.display())]
    OpenStore {
        path: PathBuf,
        source: tansu_storage::Error,
    },
    /// The SQLite file takes no index.
    #[error("cannot add an index to the store {}: {source}", .path.display())]
    Index {
        path: PathBuf,
        source: libsql::Error,
    },
    /// A topic cannot be made.
    #[error("cannot make the topic `{topic}`: {source}")]
    MakeTopic {
        topic: String,
        source: tansu_storage::Error,
    },
    /// A topic exists in another shape than TOPICS asks for.
    #[error(
        "the topic `{topic}` has {found} partitions and TOPICS asks for {wanted}; partitions cannot \
         be changed: set TOPICS to `{topic}:{found}` or choose another name"
    )]
    TopicShape {
        topic: String,
        found: usize,
        wanted: i32,
    },
    /// The listening address cannot be had.
    #[error("cannot listen on {address} ({setting}): {source}")]
    Listen {
        setting: &'static str,
        address: SocketAddr,
        source: io::Error,
    },
    /// The group coordinator cannot be made.
    #[error("cannot make the services of a connection: {0}")]
    Services(#[from] tansu_broker::Error),
    /// The storage engine's task has ended, by a panic or by itself.
    #[error("the storage engine is gone; the log says of a panic where it was")]
    StorageEnded,
    /// The storage engine's task is there and does not do its work.
    #[error("the storage engine gave no good answer to {looks} looks in a row{}", .last.as_ref().map(|last| format!("; the last was {last}")).unwrap_or_default())]
    StorageSilent {
        looks: u32,
        last: Option<tansu_storage::Error>,
    },
    /// A running broker does not answer.
    #[error("{address} {failed}: {source}")]
    Ask {
        address: SocketAddr,
        failed: &'static str,
        source: io::Error,
    },
    /// What the running broker answers is no Kafka answer.
    #[error("{address} answers something that is no Metadata answer: {source}")]
    Answer {
        address: SocketAddr,
        source: tansu_sans_io::Error,
    },
    /// The running broker answers, but a topic cannot be used.
    #[error("the topic `{topic}` cannot be used: Kafka error {code}")]
    TopicUnusable { topic: String, code: i16 },
}
