//! The storage engine, with each question to it noted from its asking to its answer. Nothing else
//! of it is changed.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use tansu_sans_io::{
    ConfigResource, ErrorCode, IsolationLevel, ListOffset, ScramMechanism,
    create_topics_request::CreatableTopic, delete_groups_response::DeletableGroupResult,
    delete_records_request::DeleteRecordsTopic, delete_records_response::DeleteRecordsTopicResult,
    describe_cluster_response::DescribeClusterBroker,
    describe_configs_response::DescribeConfigsResult,
    describe_topic_partitions_response::DescribeTopicPartitionsResponseTopic,
    incremental_alter_configs_request::AlterConfigsResource,
    incremental_alter_configs_response::AlterConfigsResourceResponse,
    list_groups_response::ListedGroup, record::deflated,
    txn_offset_commit_response::TxnOffsetCommitResponseTopic,
};
use tansu_storage::{
    BrokerRegistrationRequest, Error, GroupDetail, ListOffsetResponse, MetadataResponse,
    NamedGroupDetail, OffsetCommitRequest, OffsetStage, ProducerIdResponse, Result,
    ScramCredential, Storage, StorageContainer, TopicId, Topition, TxnAddPartitionsRequest,
    TxnAddPartitionsResponse, TxnOffsetCommitRequest, UpdateError, Version,
};
use url::Url;
use uuid::Uuid;

use crate::figures::resource::Resource;

/// A storage engine whose use is told of in `resource`. Clones share both.
#[derive(Clone, Debug)]
pub(crate) struct Measured {
    engine: StorageContainer,
    resource: Resource,
}

impl Measured {
    /// `engine`, told of in `resource`.
    pub(crate) fn new(engine: StorageContainer, resource: Resource) -> Self {
        Self { engine, resource }
    }

    /// Waits for an answer; that somebody asked for what is not there or not allowed is none of the
    /// engine's errors.
    async fn note<T>(&self, answer: impl Future<Output = Result<T>>) -> Result<T> {
        let _in_hand = self.resource.begin();
        let answer = answer.await;
        if answer
            .as_ref()
            .is_err_and(|why| !matches!(why, Error::Api(_)))
        {
            self.resource.failed();
        }
        answer
    }
}

#[async_trait]
impl Storage for Measured {
    async fn register_broker(&self, broker: BrokerRegistrationRequest) -> Result<()> {
        self.note(self.engine.register_broker(broker)).await
    }

    async fn create_topic(&self, topic: CreatableTopic, validate_only: bool) -> Result<Uuid> {
        self.note(self.engine.create_topic(topic, validate_only))
            .await
    }

    async fn incremental_alter_resource(
        &self,
        resource: AlterConfigsResource,
    ) -> Result<AlterConfigsResourceResponse> {
        self.note(self.engine.incremental_alter_resource(resource))
            .await
    }

    async fn delete_records(
        &self,
        topics: &[DeleteRecordsTopic],
    ) -> Result<Vec<DeleteRecordsTopicResult>> {
        self.note(self.engine.delete_records(topics)).await
    }

    async fn delete_topic(&self, topic: &TopicId) -> Result<ErrorCode> {
        self.note(self.engine.delete_topic(topic)).await
    }

    async fn brokers(&self) -> Result<Vec<DescribeClusterBroker>> {
        self.note(self.engine.brokers()).await
    }

    async fn produce(
        &self,
        transaction: Option<&str>,
        topition: &Topition,
        batch: deflated::Batch,
    ) -> Result<i64> {
        self.note(self.engine.produce(transaction, topition, batch))
            .await
    }

    async fn fetch(
        &self,
        topition: &Topition,
        offset: i64,
        least: u32,
        most: u32,
        isolation: IsolationLevel,
    ) -> Result<Vec<deflated::Batch>> {
        let fetch = self.engine.fetch(topition, offset, least, most, isolation);
        self.note(fetch).await
    }

    async fn offset_stage(&self, topition: &Topition) -> Result<OffsetStage> {
        self.note(self.engine.offset_stage(topition)).await
    }

    async fn list_offsets(
        &self,
        isolation: IsolationLevel,
        offsets: &[(Topition, ListOffset)],
    ) -> Result<Vec<(Topition, ListOffsetResponse)>> {
        self.note(self.engine.list_offsets(isolation, offsets))
            .await
    }

    async fn offset_commit(
        &self,
        group: &str,
        retention: Option<Duration>,
        offsets: &[(Topition, OffsetCommitRequest)],
    ) -> Result<Vec<(Topition, ErrorCode)>> {
        self.note(self.engine.offset_commit(group, retention, offsets))
            .await
    }

    async fn offset_fetch(
        &self,
        group: Option<&str>,
        topics: &[Topition],
        require_stable: Option<bool>,
    ) -> Result<BTreeMap<Topition, i64>> {
        self.note(self.engine.offset_fetch(group, topics, require_stable))
            .await
    }

    async fn committed_offset_topitions(&self, group: &str) -> Result<BTreeMap<Topition, i64>> {
        self.note(self.engine.committed_offset_topitions(group))
            .await
    }

    async fn metadata(&self, topics: Option<&[TopicId]>) -> Result<MetadataResponse> {
        self.note(self.engine.metadata(topics)).await
    }

    async fn upsert_user_scram_credential(
        &self,
        user: &str,
        mechanism: ScramMechanism,
        credential: ScramCredential,
    ) -> Result<()> {
        let upsert = self
            .engine
            .upsert_user_scram_credential(user, mechanism, credential);
        self.note(upsert).await
    }

    async fn delete_user_scram_credential(
        &self,
        user: &str,
        mechanism: ScramMechanism,
    ) -> Result<()> {
        self.note(self.engine.delete_user_scram_credential(user, mechanism))
            .await
    }

    async fn user_scram_credential(
        &self,
        user: &str,
        mechanism: ScramMechanism,
    ) -> Result<Option<ScramCredential>> {
        self.note(self.engine.user_scram_credential(user, mechanism))
            .await
    }

    async fn describe_config(
        &self,
        name: &str,
        resource: ConfigResource,
        keys: Option<&[String]>,
    ) -> Result<DescribeConfigsResult> {
        self.note(self.engine.describe_config(name, resource, keys))
            .await
    }

    async fn list_groups(&self, states: Option<&[String]>) -> Result<Vec<ListedGroup>> {
        self.note(self.engine.list_groups(states)).await
    }

    async fn delete_groups(&self, groups: Option<&[String]>) -> Result<Vec<DeletableGroupResult>> {
        self.note(self.engine.delete_groups(groups)).await
    }

    async fn describe_groups(
        &self,
        groups: Option<&[String]>,
        operations: bool,
    ) -> Result<Vec<NamedGroupDetail>> {
        self.note(self.engine.describe_groups(groups, operations))
            .await
    }

    async fn describe_topic_partitions(
        &self,
        topics: Option<&[TopicId]>,
        limit: i32,
        cursor: Option<Topition>,
    ) -> Result<Vec<DescribeTopicPartitionsResponseTopic>> {
        let describe = self.engine.describe_topic_partitions(topics, limit, cursor);
        self.note(describe).await
    }

    async fn update_group(
        &self,
        group: &str,
        detail: GroupDetail,
        version: Option<Version>,
    ) -> Result<Version, UpdateError<GroupDetail>> {
        // Its errors are of another kind; the broker's own groups never ask this.
        let _in_hand = self.resource.begin();
        self.engine.update_group(group, detail, version).await
    }

    async fn init_producer(
        &self,
        transaction: Option<&str>,
        timeout_ms: i32,
        producer: Option<i64>,
        epoch: Option<i16>,
    ) -> Result<ProducerIdResponse> {
        let init = self
            .engine
            .init_producer(transaction, timeout_ms, producer, epoch);
        self.note(init).await
    }

    async fn txn_add_offsets(
        &self,
        transaction: &str,
        producer: i64,
        epoch: i16,
        group: &str,
    ) -> Result<ErrorCode> {
        let add = self
            .engine
            .txn_add_offsets(transaction, producer, epoch, group);
        self.note(add).await
    }

    async fn txn_add_partitions(
        &self,
        partitions: TxnAddPartitionsRequest,
    ) -> Result<TxnAddPartitionsResponse> {
        self.note(self.engine.txn_add_partitions(partitions)).await
    }

    async fn txn_offset_commit(
        &self,
        offsets: TxnOffsetCommitRequest,
    ) -> Result<Vec<TxnOffsetCommitResponseTopic>> {
        self.note(self.engine.txn_offset_commit(offsets)).await
    }

    async fn txn_end(
        &self,
        transaction: &str,
        producer: i64,
        epoch: i16,
        committed: bool,
    ) -> Result<ErrorCode> {
        let end = self.engine.txn_end(transaction, producer, epoch, committed);
        self.note(end).await
    }

    async fn maintain(&self, now: SystemTime) -> Result<()> {
        self.note(self.engine.maintain(now)).await
    }

    async fn cluster_id(&self) -> Result<String> {
        self.note(self.engine.cluster_id()).await
    }

    async fn node(&self) -> Result<i32> {
        self.note(self.engine.node()).await
    }

    async fn advertised_listener(&self) -> Result<Url> {
        self.note(self.engine.advertised_listener()).await
    }

    async fn ping(&self) -> Result<()> {
        self.note(self.engine.ping()).await
    }
}
