//! Figures that other rooms keep of themselves, shown at each reading.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use super::Metrics;
use crate::clock::Clock;
use crate::consume::Consumption;
use crate::database::Database;
use crate::outbox;

/// How long a reading waits for figures that must be asked for. Half a second: who reads metrics
/// does so each few seconds, and must learn of a database that hangs.
const PATIENCE: Duration = Duration::from_millis(500);

impl Metrics {
    /// Shows the writer of `database` as the resource `database`, what its disk takes as
    /// `database_commit`, its reader as `database_reader`.
    pub fn watch_database(&self, database: &Database) {
        let (database, shown) = (database.clone(), self.resource("database"));
        let disk = self.resource("database_commit");
        let reader = self.resource("database_reader");
        self.at_scrape(move || {
            let figures = database.figures();
            shown.waiting(figures.queued);
            shown.totals(figures.busy, figures.writes, figures.errors);
            disk.totals(figures.committing, figures.batches, figures.errors);
            reader.waiting(figures.reads_queued);
            reader.totals(figures.reading, figures.reads, 0);
        });
    }

    /// Shows what waits in the outbox of `database` as the resource `outbox`.
    pub fn watch_outbox(&self, database: &Database, clock: &Clock) {
        let (database, clock) = (database.clone(), clock.clone());
        let shown = self.resource("outbox");
        self.ask_at_scrape(move || {
            let (database, clock, shown) = (database.clone(), clock.clone(), shown.clone());
            async move {
                match outbox::figures(&database, &clock).await {
                    Ok(figures) => {
                        shown.waiting(figures.unsent);
                        shown.oldest(figures.oldest);
                    }
                    Err(error) => {
                        tracing::warn!(%error, "the outbox cannot be looked at");
                        shown.failed();
                    }
                }
            }
        });
    }

    /// Shows what `consumption` does as the resource `consumer`, and its dead letters.
    pub fn watch_consumer(&self, consumption: &Consumption) {
        let (consumption, shown) = (consumption.clone(), self.resource("consumer"));
        let lagging = consumption.clone();
        let letters = self.counter("dead_letters", "Records that could not be worked on");
        self.at_scrape(move || {
            let figures = consumption.figures();
            shown.waiting(figures.waiting);
            shown.totals(figures.busy, figures.handled, figures.failed);
            letters.inc_by(figures.buried.saturating_sub(letters.get()));
        });
        self.watch_lag(move || Some(lagging.clone()));
    }

    /// Shows as `consumer_lag`, by topic, how far the group of the consumption that `now` tells is
    /// behind. Where the broker does not say in time, what it said last.
    pub fn watch_lag(&self, now: impl Fn() -> Option<Consumption> + Send + Sync + 'static) {
        let help = "Records behind the last that the group has committed, over all partitions";
        let shown = self.gauges("consumer_lag", help);
        let one_at_a_time = Arc::new(Semaphore::new(1));
        self.ask_at_scrape(move || {
            let (shown, now) = (shown.clone(), now());
            let turn = Arc::clone(&one_at_a_time).try_acquire_owned();
            async move {
                let (Ok(turn), Some(consumption)) = (turn, now) else {
                    return;
                };
                // It goes on when the reading waits no longer: the next one shows what it found.
                let asking = tokio::spawn(async move {
                    let _turn = turn;
                    match consumption.lag().await {
                        Ok(lag) => {
                            for (topic, records) in lag {
                                let records = i64::try_from(records).unwrap_or(i64::MAX);
                                shown.get_or_create(&vec![("topic", topic)]).set(records);
                            }
                        }
                        Err(error) => tracing::debug!(%error, "the lag cannot be had"),
                    }
                });
                let _panicked = asking.await;
            }
        });
    }

    /// Calls `refresh` before each reading and waits for it, though not for long.
    pub fn ask_at_scrape<F>(&self, refresh: impl Fn() -> F + Send + Sync + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut all = self.asked();
        all.push(Arc::new(move || Box::pin(refresh())));
    }

    /// All figures as text, those that must be asked for too.
    pub async fn read(&self) -> String {
        let asked = self.asked().clone();
        for ask in asked {
            if tokio::time::timeout(PATIENCE, ask()).await.is_err() {
                tracing::warn!("a figure could not be had in time and is shown as it was");
            }
        }
        self.text()
    }
}
