//! Works on tasks: takes those that nobody works on, packs each for its time, ends it.
//!
//! Several at once, and several copies of the service at once: a lease keeps two from packing the
//! same, and where one is lost the first to end the task does. At a stop what is in hand is
//! finished if that takes no longer than `grace`; the rest is given back for whoever comes.

use std::time::Duration;

use shop::clock::Clock;
use shop::lease::{Holder, RENEWED};
use shop::metrics::Resource;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::task::{End, Task};
use crate::warehouse::Warehouse;

/// Countries that are served, ISO 3166-1.
const SERVED: [&str; 8] = ["US", "CA", "GB", "DE", "FR", "CH", "AT", "NL"];

/// Why an order to another country fails.
const NOT_SERVED: &str = "country_not_served";

/// Why an order of the first version of `ORDER_PLACED` fails, which had no address.
const NO_ADDRESS: &str = "address_missing";

/// Tasks in hand at once. With 200 ms for each that is 80 orders a second and copy.
const AT_ONCE: u32 = 16;

/// How long to wait at most when nobody says that there is a task: it may be another copy's, or one
/// whose holder died.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// How often the clock is looked at while packing.
const TURN: Duration = Duration::from_millis(20);

/// How long to wait after the database failed.
const DATABASE_AGAIN: Duration = Duration::from_secs(1);

/// Works on the tasks of one warehouse.
#[derive(Debug, Clone)]
pub(crate) struct Packer {
    warehouse: Warehouse,
    packing: Duration,
    holder: Holder,
    figures: Resource,
}

impl Packer {
    /// A packer that needs `packing` for each task, and is `holder` to others.
    pub(crate) fn new(
        warehouse: Warehouse,
        packing: Duration,
        holder: Holder,
        figures: Resource,
    ) -> Self {
        Self {
            warehouse,
            packing,
            holder,
            figures,
        }
    }

    /// Packs until `shutdown`, then finishes what is in hand for at most `grace`.
    pub(crate) async fn run(self, shutdown: CancellationToken, grace: Duration) {
        let mut in_hand = JoinSet::new();
        let mut beat = interval(RENEWED);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !shutdown.is_cancelled() {
            self.take(&mut in_hand).await;
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = self.warehouse.wake.notified() => {}
                Some(_) = in_hand.join_next() => {}
                _ = beat.tick() => self.renew(&in_hand).await,
                () = sleep(LOOK_AGAIN) => {}
            }
        }
        let last = tokio::time::Instant::now() + grace;
        while !in_hand.is_empty() {
            tokio::select! {
                _ = in_hand.join_next() => {}
                _ = beat.tick() => self.renew(&in_hand).await,
                () = tokio::time::sleep_until(last) => {
                    tracing::warn!(tasks = in_hand.len(), "left tasks in hand at shutdown");
                    break;
                }
            }
        }
        in_hand.shutdown().await;
        if let Err(error) = self.warehouse.give_back(&self.holder).await {
            tracing::warn!(%error, "tasks are not given back: their leases end by themselves");
        }
    }

    /// Begins as many tasks as there is room for.
    async fn take(&self, in_hand: &mut JoinSet<()>) {
        let room = u32::try_from(in_hand.len()).map_or(0, |held| AT_ONCE.saturating_sub(held));
        if room == 0 {
            return;
        }
        match self.warehouse.take(&self.holder, room).await {
            Ok(tasks) => {
                for task in tasks {
                    let span = task.trace.span();
                    in_hand.spawn(self.clone().pack(task).instrument(span));
                }
            }
            Err(error) => {
                tracing::warn!(%error, "the tasks cannot be looked at");
                self.figures.failed();
                sleep(DATABASE_AGAIN).await;
            }
        }
    }

    async fn renew(&self, in_hand: &JoinSet<()>) {
        if in_hand.is_empty() {
            return;
        }
        if let Err(error) = self.warehouse.renew(&self.holder).await {
            tracing::warn!(%error, "the tasks in hand are not renewed");
        }
    }

    /// Packs one task, or finds that there is no use in it.
    async fn pack(self, task: Task) {
        let busy = self.figures.busy();
        let end = match task.country.as_deref() {
            None => End::Failed(NO_ADDRESS),
            Some(country) if !SERVED.contains(&country) => End::Failed(NOT_SERVED),
            Some(_) => {
                wait(&self.warehouse.clock, self.packing).await;
                End::Shipped
            }
        };
        drop(busy);
        let order_id = &task.order_id;
        loop {
            match self.warehouse.finish(&self.holder, &task, end).await {
                Ok(true) => return tracing::info!(order_id, ?end, "a task ended"),
                Ok(false) => return tracing::info!(order_id, "a task had ended before"),
                Err(error) => tracing::warn!(order_id, %error, "a task's end is written again"),
            }
            self.figures.failed();
            sleep(DATABASE_AGAIN).await;
        }
    }
}

/// Waits until `clock` has moved on by `time`, or was set back: nobody waits for that.
async fn wait(clock: &Clock, time: Duration) {
    let time = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    let due = clock.millis().saturating_add(time);
    loop {
        let left = due - clock.millis();
        if left <= 0 || left > time {
            return;
        }
        let left = Duration::from_millis(left.unsigned_abs());
        sleep(left.min(TURN)).await;
    }
}
