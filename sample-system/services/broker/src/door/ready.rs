//! Whether clients can begin: the store answers, and it has the topics that it was told to make.
//!
//! The storage engine ends when whoever asked it goes away before its answer, so it is asked by a
//! task of its own that is never dropped, and asked no second time before it has answered.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tansu_sans_io::ErrorCode;
use tansu_storage::{Error as Refused, Storage, TopicId};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::topic::Topic;

/// How long an answer is waited for: below the time that any healthcheck of the system has.
const PATIENCE: Duration = Duration::from_secs(2);

/// Why clients cannot begin.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum NotReady {
    /// The engine gave no answer in time.
    #[error("the store gave no answer within 2 s")]
    Silent,
    /// The engine could not answer.
    #[error("the store does not answer: {0}")]
    Refused(Arc<Refused>),
    /// A topic is not there, or not usable.
    #[error("the topic `{topic}` cannot be used: Kafka error {code}")]
    Topic { topic: String, code: i16 },
}

type Answer = Result<(), NotReady>;

type Asking = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// Asks a store for its topics.
pub(super) struct Ready {
    question: Box<dyn Fn() -> Asking + Send + Sync>,
    asked: Mutex<Option<JoinHandle<Answer>>>,
}

impl std::fmt::Debug for Ready {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ready")
    }
}

impl Ready {
    /// Asks `store` for `topics`.
    pub(super) fn new(store: impl Storage, topics: &[Topic]) -> Self {
        let topics = topics.iter().map(|topic| TopicId::Name(topic.name.clone()));
        let topics: Arc<[TopicId]> = topics.collect();
        Self::of(move || Box::pin(question(store.clone(), Arc::clone(&topics))))
    }

    fn of(question: impl Fn() -> Asking + Send + Sync + 'static) -> Self {
        Self {
            question: Box::new(question),
            asked: Mutex::default(),
        }
    }

    /// Whether clients can begin now.
    pub(super) async fn ask(&self) -> Answer {
        let answered = async {
            let mut asked = self.asked.lock().await;
            if asked.as_ref().is_some_and(JoinHandle::is_finished) {
                // Nobody waited for that answer, and it is old.
                *asked = None;
            }
            let question = asked.get_or_insert_with(|| tokio::spawn((self.question)()));
            let answer = question.await;
            *asked = None;
            answer
        };
        match timeout(PATIENCE, answered).await {
            Ok(Ok(answer)) => answer,
            // It panicked, which the log tells of, or there was no answer.
            Ok(Err(_)) | Err(_) => Err(NotReady::Silent),
        }
    }
}

async fn question<S: Storage>(store: S, topics: Arc<[TopicId]>) -> Answer {
    if topics.is_empty() {
        let answer = store.ping().await;
        return answer.map_err(|refused| NotReady::Refused(Arc::new(refused)));
    }
    let answer = store.metadata(Some(&topics)).await;
    let answer = answer.map_err(|refused| NotReady::Refused(Arc::new(refused)))?;
    let wrong = |topic: &&tansu_sans_io::metadata_response::MetadataResponseTopic| {
        topic.error_code != i16::from(ErrorCode::None)
    };
    match answer.topics().iter().find(wrong) {
        None => Ok(()),
        Some(topic) => Err(NotReady::Topic {
            topic: topic.name.clone().unwrap_or_default(),
            code: topic.error_code,
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Notify;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_store_is_asked_no_second_time_before_it_answered_and_the_question_outlives_who_asked()
     {
        let (begun, ended) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let go_on = Arc::new(Notify::new());
        let ready = {
            let (begun, ended, go_on) = (begun.clone(), ended.clone(), go_on.clone());
            Ready::of(move || {
                let (begun, ended, go_on) = (begun.clone(), ended.clone(), go_on.clone());
                Box::pin(async move {
                    begun.fetch_add(1, Ordering::SeqCst);
                    go_on.notified().await;
                    ended.fetch_add(1, Ordering::SeqCst);
                    Err(NotReady::Topic {
                        topic: "an old answer".to_owned(),
                        code: 3,
                    })
                })
            })
        };
        let count = |counted: &AtomicUsize| counted.load(Ordering::SeqCst);
        let both = tokio::join!(ready.ask(), ready.ask());
        assert!(matches!(
            both,
            (Err(NotReady::Silent), Err(NotReady::Silent))
        ));
        assert!(matches!(ready.ask().await, Err(NotReady::Silent)));
        assert_eq!((count(&begun), count(&ended)), (1, 0));

        go_on.notify_one();
        while count(&ended) == 0 {
            tokio::task::yield_now().await;
        }
        // What was answered when nobody waited is not told: it is asked anew.
        assert!(matches!(ready.ask().await, Err(NotReady::Silent)));
        assert_eq!(count(&begun), 2);
    }
}
