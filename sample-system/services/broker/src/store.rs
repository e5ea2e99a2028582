//! The broker's data: one SQLite file with the records, the groups and their offsets.
//!
//! Records survive the death of the process (every produce is a committed transaction in a
//! write-ahead log); after a loss of power the last transactions may be missing.

use std::path::Path;
use std::time::Duration;

use tansu_sans_io::{ErrorCode, create_topics_request::CreatableTopic};
use tansu_storage::{BrokerRegistrationRequest, Storage as _, StorageContainer, TopicId};
use tokio_util::sync::CancellationToken;
use url::Url;
use uuid::Uuid;

use crate::{
    config::Config, error::Error, figures::Figures, groups::Groups, measured::Measured, news::News,
    partitions::Partitions, topic::Topic,
};

/// The name that the data is kept under; one file holds one cluster.
pub(crate) const CLUSTER: &str = "shop";

/// There is one broker, and this is its number.
const NODE: i32 = 1;

/// How long whoever else writes to the file is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// The file in the data folder.
pub(crate) const FILE: &str = "broker.db";

/// Open data, with the groups that live in it.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    /// Topics, records and offsets.
    pub(crate) data: Measured,
    /// Consumer groups.
    pub(crate) groups: Groups,
    /// What was written.
    pub(crate) news: News,
    /// What is told of all that.
    pub(crate) figures: Figures,
    /// What the partitions keep.
    pub(crate) partitions: Partitions,
    /// Bytes that a batch of records may have.
    pub(crate) message_max_bytes: usize,
    /// Ends the storage engine's own task.
    pub(crate) end: CancellationToken,
}

/// Opens or makes the file in the data folder and the topics in it.
///
/// The process moves into the data folder: the engine takes a path only as part of a URL and
/// never decodes it, so a relative one is the only path that works in every folder.
pub(crate) async fn open(config: &Config) -> Result<Store, Error> {
    enter(&config.data_dir)?;
    let path = config.data_dir.join(FILE);
    let failed = |source| Error::OpenStore {
        path: path.clone(),
        source,
    };
    let file = Url::parse(&format!("sqlite:///{FILE}")).map_err(|error| failed(error.into()))?;
    let end = CancellationToken::new();
    let data = StorageContainer::builder()
        .cluster_id(CLUSTER)
        .node_id(NODE)
        .advertised_listener(config.advertised.clone())
        .storage(file)
        .cancellation(end.clone())
        .silent(true)
        .build()
        .await
        .map_err(failed)?;
    let figures = Figures::default();
    let data = Measured::new(data, figures.storage());
    find_headers_by_record()
        .await
        .map_err(|source| Error::Index {
            path: path.clone(),
            source,
        })?;
    data.register_broker(BrokerRegistrationRequest {
        broker_id: NODE,
        cluster_id: CLUSTER.to_owned(),
        incarnation_id: Uuid::new_v4(),
        rack: None,
    })
    .await
    .map_err(failed)?;
    for topic in &config.topics {
        make(&data, topic).await?;
    }
    let groups = Groups::new(data.clone())?;
    let news = News::default();
    Ok(Store {
        data,
        groups,
        news,
        figures,
        partitions: Partitions::of(&config.topics),
        message_max_bytes: config.message_max_bytes,
        end,
    })
}

/// Has the headers of one record found without a look at those of all others. The engine asks for
/// them record by record and makes no index for that: what a reader of some ten thousand records
/// asked for took longer than anybody waits.
async fn find_headers_by_record() -> Result<(), libsql::Error> {
    const INDEX: &str =
        "create index if not exists header_of_record on header (topition, offset_id)";
    let file = libsql::Builder::new_local(FILE).build().await?;
    let connection = file.connect()?;
    connection.busy_timeout(PATIENCE)?;
    connection.execute(INDEX, ()).await.map(drop)
}

fn enter(folder: &Path) -> Result<(), Error> {
    std::fs::create_dir_all(folder)
        .and_then(|()| std::env::set_current_dir(folder))
        .map_err(|source| Error::DataFolder {
            path: folder.to_owned(),
            source,
        })
}

/// Makes a topic that is not there yet; one that is there keeps its data.
async fn make(data: &Measured, topic: &Topic) -> Result<(), Error> {
    let failed = |source| Error::MakeTopic {
        topic: topic.name.clone(),
        source,
    };
    let known = data
        .metadata(Some(&[TopicId::Name(topic.name.clone())]))
        .await
        .map_err(failed)?;
    let found = known
        .topics()
        .iter()
        .find(|found| found.error_code == i16::from(ErrorCode::None))
        .map(|found| found.partitions.as_ref().map_or(0, Vec::len));
    match found {
        Some(found) if usize::try_from(topic.partitions) == Ok(found) => Ok(()),
        Some(found) => Err(Error::TopicShape {
            topic: topic.name.clone(),
            found,
            wanted: topic.partitions,
        }),
        None => {
            let wanted = CreatableTopic::default()
                .name(topic.name.clone())
                .num_partitions(topic.partitions)
                .replication_factor(1)
                .assignments(Some(Vec::new()))
                .configs(Some(Vec::new()));
            data.create_topic(wanted, false)
                .await
                .map(drop)
                .map_err(failed)
        }
    }
}
