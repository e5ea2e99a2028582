//! The end of a broker that cannot serve any more.
//!
//! The storage engine is one task that answers one request after the other. It ends by a panic, and
//! by a request whose asker has gone; the rest of the process would go on without it and refuse every
//! request, which no restart policy sees. So it is asked here again and again, at once after a panic,
//! and where it is gone, or silent for good, the process ends with an error: whoever started it starts
//! it again, on the same file.
//!
//! A panic in the task of a connection ends that connection alone: what strangers send ends no broker.

use std::{
    future::Future,
    panic::{self, PanicHookInfo},
    sync::Arc,
    time::Duration,
};

use tansu_storage::Error as Refused;
use tokio::{sync::Notify, task::JoinHandle, time::timeout};

use crate::error::Error;

/// Tells of a panic anywhere in the process. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Panics(Arc<Notify>);

impl Panics {
    /// Has each panic of the process logged as one line, shaped as the others, and tells of it.
    pub(crate) fn watch() -> Self {
        let panics = Self::default();
        let told = panics.clone();
        panic::set_hook(Box::new(move |panic| {
            log(panic);
            told.0.notify_one();
        }));
        panics
    }
}

fn log(panic: &PanicHookInfo<'_>) {
    let place = panic
        .location()
        .map_or_else(String::new, ToString::to_string);
    let why = panic.payload_as_str().unwrap_or("says nothing");
    tracing::error!(place, why, "panicked");
}

/// How often the storage engine is asked, and how much it is borne with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// Between two looks.
    pub(crate) each: Duration,
    /// So many looks in a row find no good answer: it is silent for good. Looks are counted, not the
    /// time: a process that is frozen for a minute has looked once.
    pub(crate) looks: u32,
}

impl Default for Patience {
    /// 1 s, so that a client's own retry meets the next broker; 30 looks, three times as long as
    /// producers here try to deliver (10 s), and longer than any sync of a disk that recovers.
    fn default() -> Self {
        Self {
            each: Duration::from_secs(1),
            looks: 30,
        }
    }
}

type Answer = Result<(), Refused>;

/// Waits until the storage engine that `ask` asks is gone or silent for good; says which.
pub(crate) async fn lost<F>(ask: impl Fn() -> F, panics: Panics, patience: Patience) -> Error
where
    F: Future<Output = Answer> + Send + 'static,
{
    let mut missed = 0;
    let mut asked = None;
    let mut last: Option<Refused> = None;
    loop {
        // In a task of its own, that is never dropped: an engine whose asker has gone ends of that.
        let question: &mut JoinHandle<Answer> = asked.get_or_insert_with(|| tokio::spawn(ask()));
        let answer = timeout(patience.each, question).await;
        if answer.is_ok() {
            asked = None;
        }
        match answer {
            Ok(Ok(Ok(()))) => {
                missed = 0;
                last = None;
            }
            Ok(Ok(Err(Refused::UnableToSend | Refused::OneshotRecv))) => {
                return Error::StorageEnded;
            }
            Ok(Ok(Err(refused))) => {
                missed += 1;
                last = Some(refused);
            }
            Err(_) | Ok(Err(_)) => missed += 1,
        }
        if missed >= patience.looks {
            return Error::StorageSilent {
                looks: missed,
                last,
            };
        }
        if asked.is_none() {
            // Sooner after a panic, which may have been the engine's.
            drop(timeout(patience.each, panics.0.notified()).await);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Looks as fast as it can, and gives up after three.
    const IMPATIENT: Patience = Patience {
        each: Duration::from_millis(1),
        looks: 3,
    };

    /// How a guard ends that is told `answers`, and after them nothing.
    async fn told(answers: Vec<Answer>) -> Error {
        let answers = Mutex::new(answers.into_iter());
        let ask = || {
            let next = answers.lock().unwrap().next();
            async move {
                match next {
                    Some(answer) => answer,
                    None => std::future::pending().await,
                }
            }
        };
        lost(ask, Panics::default(), IMPATIENT).await
    }

    fn busy() -> Answer {
        Err(Refused::Message("busy".to_owned()))
    }

    #[tokio::test]
    async fn an_engine_that_is_gone_is_lost_at_once() {
        for gone in [Refused::UnableToSend, Refused::OneshotRecv] {
            let lost = told(vec![Ok(()), Err(gone)]).await;
            assert!(matches!(lost, Error::StorageEnded), "{lost}");
        }
    }

    #[tokio::test]
    async fn an_engine_that_is_silent_look_after_look_is_lost() {
        let lost = told(vec![Ok(())]).await;
        assert_eq!(
            lost.to_string(),
            "the storage engine gave no good answer to 3 looks in a row"
        );
    }

    #[tokio::test]
    async fn an_engine_that_refuses_look_after_look_is_lost_and_a_good_answer_between_saves_it() {
        let borne = vec![busy(), busy(), Ok(()), busy(), busy(), Ok(())];
        let end = vec![Err(Refused::UnableToSend)];
        let lost = told([borne, end].into_iter().flatten().collect()).await;
        assert!(matches!(lost, Error::StorageEnded), "{lost}");
        let lost = told(vec![busy(), busy(), busy()]).await;
        let words = lost.to_string();
        assert!(words.contains("busy"), "{words}");
    }

    #[tokio::test]
    async fn after_a_panic_the_engine_is_asked_at_once() {
        let patience = Patience {
            each: Duration::from_secs(3600),
            looks: 3,
        };
        let panics = Panics::default();
        let told = panics.clone();
        let asked = Mutex::new(0);
        let ask = || {
            let first = {
                let mut asked = asked.lock().unwrap();
                *asked += 1;
                *asked == 1
            };
            told.0.notify_one();
            async move {
                match first {
                    true => Ok(()),
                    false => Err(Refused::OneshotRecv),
                }
            }
        };
        let lost = lost(ask, panics, patience).await;
        assert!(matches!(lost, Error::StorageEnded), "{lost}");
    }
}
