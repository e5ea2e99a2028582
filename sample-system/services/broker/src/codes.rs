//! The error that an answer tells of: Kafka has them for each topic, partition, member or group of
//! one, and this takes the first.

use tansu_sans_io::Body;

/// What there is no error by.
const NONE: i16 = 0;

/// The first error code in an answer that is none of "no error", else that.
pub(crate) fn of(answer: &Body) -> i16 {
    of_records(answer)
        .or_else(|| of_groups(answer))
        .or_else(|| of_topics(answer))
        .or_else(|| of_others(answer))
        .unwrap_or(NONE)
}

/// The first code that tells of an error.
fn first(codes: impl IntoIterator<Item = i16>) -> Option<i16> {
    codes.into_iter().find(|code| *code != NONE)
}

/// All codes of a list of lists that may be missing.
macro_rules! codes {
    ($lists:expr, $inner:ident) => {
        $lists
            .iter()
            .flatten()
            .flat_map(|of| of.$inner.iter().flatten())
            .map(|one| one.error_code)
    };
    ($list:expr) => {
        $list.iter().flatten().map(|one| one.error_code)
    };
}

fn of_records(answer: &Body) -> Option<i16> {
    match answer {
        Body::ProduceResponse(it) => first(codes!(it.responses, partition_responses)),
        Body::FetchResponse(it) => {
            let all = it.error_code.into_iter();
            first(all.chain(codes!(it.responses, partitions)))
        }
        Body::ListOffsetsResponse(it) => first(codes!(it.topics, partitions)),
        Body::DeleteRecordsResponse(it) => first(codes!(it.topics, partitions)),
        _ => None,
    }
}

fn of_groups(answer: &Body) -> Option<i16> {
    match answer {
        Body::JoinGroupResponse(it) => Some(it.error_code),
        Body::SyncGroupResponse(it) => Some(it.error_code),
        Body::HeartbeatResponse(it) => Some(it.error_code),
        Body::LeaveGroupResponse(it) => {
            first([it.error_code].into_iter().chain(codes!(it.members)))
        }
        Body::OffsetCommitResponse(it) => first(codes!(it.topics, partitions)),
        Body::OffsetFetchResponse(it) => {
            let groups = it.groups.iter().flatten();
            let in_groups = groups.flat_map(|group| {
                let of_topics = codes!(group.topics, partitions);
                [group.error_code].into_iter().chain(of_topics)
            });
            let all = it.error_code.into_iter();
            first(all.chain(codes!(it.topics, partitions)).chain(in_groups))
        }
        Body::FindCoordinatorResponse(it) => {
            first(it.error_code.into_iter().chain(codes!(it.coordinators)))
        }
        Body::ListGroupsResponse(it) => Some(it.error_code),
        Body::DescribeGroupsResponse(it) => first(codes!(it.groups)),
        Body::ConsumerGroupDescribeResponse(it) => first(codes!(it.groups)),
        Body::DeleteGroupsResponse(it) => first(codes!(it.results)),
        _ => None,
    }
}

fn of_topics(answer: &Body) -> Option<i16> {
    match answer {
        Body::MetadataResponse(it) => first(codes!(it.topics).chain(codes!(it.topics, partitions))),
        Body::DescribeTopicPartitionsResponse(it) => {
            first(codes!(it.topics).chain(codes!(it.topics, partitions)))
        }
        Body::CreateTopicsResponse(it) => first(codes!(it.topics)),
        Body::DeleteTopicsResponse(it) => first(codes!(it.responses)),
        Body::DescribeConfigsResponse(it) => first(codes!(it.results)),
        Body::IncrementalAlterConfigsResponse(it) => first(codes!(it.responses)),
        _ => None,
    }
}

fn of_others(answer: &Body) -> Option<i16> {
    match answer {
        Body::ApiVersionsResponse(it) => Some(it.error_code),
        Body::DescribeClusterResponse(it) => Some(it.error_code),
        Body::InitProducerIdResponse(it) => Some(it.error_code),
        Body::AddOffsetsToTxnResponse(it) => Some(it.error_code),
        Body::AddPartitionsToTxnResponse(it) => {
            let topics = it.results_by_topic_v_3_and_below.iter().flatten();
            let of_one = it.results_by_transaction.iter().flatten();
            let topics = topics.chain(of_one.flat_map(|one| one.topic_results.iter().flatten()));
            let partitions = topics.flat_map(|topic| topic.results_by_partition.iter().flatten());
            let all = it.error_code.into_iter();
            first(all.chain(partitions.map(|partition| partition.partition_error_code)))
        }
        Body::TxnOffsetCommitResponse(it) => first(codes!(it.topics, partitions)),
        Body::EndTxnResponse(it) => Some(it.error_code),
        Body::SaslHandshakeResponse(it) => Some(it.error_code),
        Body::SaslAuthenticateResponse(it) => Some(it.error_code),
        Body::GetTelemetrySubscriptionsResponse(it) => Some(it.error_code),
        Body::ListPartitionReassignmentsResponse(it) => Some(it.error_code),
        Body::AlterUserScramCredentialsResponse(it) => first(codes!(it.results)),
        Body::DescribeUserScramCredentialsResponse(it) => {
            first([it.error_code].into_iter().chain(codes!(it.results)))
        }
        Body::CreateAclsResponse(it) => first(codes!(it.results)),
        Body::DescribeAclsResponse(it) => Some(it.error_code),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use tansu_sans_io::{
        ErrorCode, HeartbeatResponse, LeaveGroupResponse, ListOffsetsResponse, MetadataResponse,
        OffsetFetchResponse, ProduceResponse,
        leave_group_response::MemberResponse,
        metadata_response::MetadataResponseTopic,
        offset_fetch_response::{
            OffsetFetchResponseGroup, OffsetFetchResponsePartitions, OffsetFetchResponseTopics,
        },
        produce_response::{PartitionProduceResponse, TopicProduceResponse},
    };

    use super::*;

    #[test]
    fn an_error_of_one_partition_topic_member_or_group_is_the_answers() {
        let late = i16::from(ErrorCode::RequestTimedOut);
        let partition = |code| PartitionProduceResponse::default().error_code(code);
        let topic = |codes: [i16; 2]| {
            let partitions = codes.into_iter().map(partition).collect();
            TopicProduceResponse::default().partition_responses(Some(partitions))
        };
        let written = ProduceResponse::default();
        let written = written.responses(Some(vec![topic([0, 0]), topic([0, late])]));
        assert_eq!(of(&written.into()), late);

        let unknown = MetadataResponseTopic::default().error_code(late);
        let topics = Some(vec![MetadataResponseTopic::default(), unknown]);
        assert_eq!(of(&MetadataResponse::default().topics(topics).into()), late);

        let members = Some(vec![MemberResponse::default().error_code(late)]);
        let left = LeaveGroupResponse::default().members(members);
        assert_eq!(of(&left.into()), late);

        let partition = OffsetFetchResponsePartitions::default().error_code(late);
        let topic = OffsetFetchResponseTopics::default().partitions(Some(vec![partition]));
        let group = OffsetFetchResponseGroup::default().topics(Some(vec![topic]));
        let fetched = OffsetFetchResponse::default().groups(Some(vec![group]));
        assert_eq!(of(&fetched.into()), late);

        assert_eq!(of(&HeartbeatResponse::default().error_code(27).into()), 27);
        assert_eq!(of(&ListOffsetsResponse::default().into()), 0);
    }
}
