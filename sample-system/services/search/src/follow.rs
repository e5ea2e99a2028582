//! Reads the topics for the model that there is. When that is dropped, its group is left, and the
//! new model's group begins at the beginning.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use shop::bugs::Bugs;
use shop::consume::{Consumption, Figures};
use shop::dead_letters::OF_GROUP;
use shop::event::{Kind as _, OrderPlaced, ProductChanged, StockChanged};
use shop::kafka::{ConsumerSettings, KafkaError, Publish, Record};
use shop::metrics::Metrics;
use tokio_util::sync::CancellationToken;

use crate::GROUP;
use crate::model::Model;
use crate::topics::Topics;

/// How often it is looked whether the model was dropped: by the command, in a process of its own.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Publishes dead letters under one group's name, whichever model met them: so they are the same
/// letters after a rebuild, and what was replayed stays so.
#[derive(Debug, Clone)]
pub(crate) struct Letters<P>(pub(crate) P);

#[async_trait]
impl<P: Publish> Publish for Letters<P> {
    async fn publish(&self, letter: &Record) -> Result<(), KafkaError> {
        let mut letter = letter.clone();
        for (name, value) in &mut letter.headers {
            if name == OF_GROUP {
                GROUP.clone_into(value);
            }
        }
        self.0.publish(&letter).await
    }
}

/// What all groups of this process did so far, and the one at work.
#[derive(Debug, Default)]
struct Work {
    before: Figures,
    now: Option<Consumption>,
}

impl Work {
    fn figures(&self) -> Figures {
        let now = self.now.as_ref().map(Consumption::figures);
        let now = now.unwrap_or_default();
        Figures {
            handled: self.before.handled + now.handled,
            failed: self.before.failed + now.failed,
            buried: self.before.buried + now.buried,
            waiting: now.waiting,
            busy: self.before.busy + now.busy,
        }
    }

    fn go_on_with(&mut self, next: Consumption) {
        self.before = self.figures();
        self.now = Some(next);
    }
}

/// Keeps one model up to date.
#[derive(Debug)]
pub(crate) struct Follower<P> {
    model: Model,
    brokers: String,
    letters: Letters<P>,
    work: Arc<Mutex<Work>>,
}

impl<P: Publish + Clone + 'static> Follower<P> {
    /// A follower that lets `model` know what is said at `brokers`.
    pub(crate) fn new(model: Model, brokers: String, letters: P) -> Self {
        Self {
            model,
            brokers,
            letters: Letters(letters),
            work: Arc::default(),
        }
    }

    /// Shows what it does as the resource `consumer`, and its dead letters.
    pub(crate) fn watched_by(&self, metrics: &Metrics) {
        let (work, shown) = (Arc::clone(&self.work), metrics.resource("consumer"));
        let letters = metrics.counter("dead_letters", "Records that could not be worked on");
        metrics.at_scrape(move || {
            let work = work.lock().unwrap_or_else(PoisonError::into_inner);
            let figures = work.figures();
            shown.waiting(figures.waiting);
            shown.totals(figures.busy, figures.handled, figures.failed);
            letters.inc_by(figures.buried.saturating_sub(letters.get()));
        });
        let work = Arc::clone(&self.work);
        metrics.watch_lag(move || {
            let work = work.lock().unwrap_or_else(PoisonError::into_inner);
            work.now.clone()
        });
    }

    /// Follows until `shutdown`; records in hand are then finished for at most `grace`.
    ///
    /// # Errors
    /// When no client can be made of the settings.
    pub(crate) async fn run(
        self,
        shutdown: CancellationToken,
        grace: Duration,
    ) -> Result<(), KafkaError> {
        while !shutdown.is_cancelled() {
            let group = match self.model.group().await {
                Ok(group) => group,
                Err(error) => {
                    tracing::warn!(%error, "the model cannot be looked at");
                    tokio::time::sleep(LOOK_AGAIN).await;
                    continue;
                }
            };
            let consumption = self.consumption(&group);
            self.work
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .go_on_with(consumption.clone());
            tracing::info!(group, "following");
            let until = shutdown.child_token();
            let following = async {
                let ended = consumption.run(until.clone(), grace).await;
                until.cancel();
                ended
            };
            let (ended, ()) = tokio::join!(following, self.until_dropped(&group, &until));
            ended?;
        }
        Ok(())
    }

    fn consumption(&self, group: &str) -> Consumption {
        let topics = [
            ProductChanged::TOPIC,
            StockChanged::TOPIC,
            OrderPlaced::TOPIC,
        ];
        let settings = ConsumerSettings {
            brokers: self.brokers.clone(),
            group: group.to_owned(),
            client_id: "search".to_owned(),
            topics: topics.map(str::to_owned).to_vec(),
        };
        let topics = Topics(self.model.clone());
        Consumption::new(settings, topics, self.letters.clone(), &Bugs::none())
    }

    /// Cancels `until` when the model has another group than `group`.
    async fn until_dropped(&self, group: &str, until: &CancellationToken) {
        loop {
            tokio::select! {
                () = until.cancelled() => return,
                () = tokio::time::sleep(LOOK_AGAIN) => {}
            }
            match self.model.group().await {
                Ok(now) if now == group => {}
                Ok(_) => {
                    tracing::info!("the model was dropped: all is read anew");
                    until.cancel();
                }
                Err(error) => tracing::warn!(%error, "the model cannot be looked at"),
            }
        }
    }
}
