//! Topics are made on purpose, never by a producer's typing error.

use std::time::Duration;

use rdkafka::{
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    types::RDKafkaErrorCode,
};

use super::{KafkaError, client};

/// How long the broker may take to make a topic.
const PATIENCE: Duration = Duration::from_secs(5);

/// Makes the topics that are not there yet; those that are stay as they are.
///
/// # Errors
/// [`KafkaError::MakeTopic`] for the first topic that could not be made.
pub async fn ensure_topics(
    brokers: &str,
    client_id: &str,
    topics: &[(&str, i32)],
) -> Result<(), KafkaError> {
    let admin: AdminClient<DefaultClientContext> =
        client(brokers, client_id)
            .create()
            .map_err(|source| KafkaError::Client {
                brokers: brokers.to_owned(),
                source: Box::new(source),
            })?;
    let wanted: Vec<NewTopic<'_>> = topics
        .iter()
        .map(|(name, partitions)| NewTopic::new(name, *partitions, TopicReplication::Fixed(1)))
        .collect();
    let options = AdminOptions::new()
        .request_timeout(Some(PATIENCE))
        .operation_timeout(Some(PATIENCE));
    let results = admin
        .create_topics(&wanted, &options)
        .await
        .map_err(|source| KafkaError::MakeTopic {
            topic: topics
                .iter()
                .map(|(name, _)| *name)
                .collect::<Vec<_>>()
                .join(", "),
            reason: source.to_string(),
        })?;
    for result in results {
        match result {
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((topic, code)) => {
                return Err(KafkaError::MakeTopic {
                    topic,
                    reason: code.to_string(),
                });
            }
        }
    }
    Ok(())
}
