//! What every keeper, the control door and the supervisor itself have in common.

use std::sync::Arc;

use msvc_machine::clock::Clock;
use msvc_report::event::Event;
use tokio::time::Instant;

use super::edges::Edges;
use super::events::EventLog;
use super::logs::Logs;
use super::mark::RunMark;
use super::records::Records;

/// One supervisor's belongings.
pub(super) struct Shared {
    pub(super) clock: Arc<dyn Clock>,
    /// Where its monotonic clock began, the mesh's as well.
    pub(super) origin: Instant,
    pub(super) events: EventLog,
    pub(super) logs: Logs,
    pub(super) records: Records,
    pub(super) edges: Edges,
    pub(super) mark: RunMark,
}

impl Shared {
    /// Now, in nanoseconds of the supervisor's monotonic clock, which is the mesh's.
    pub(super) fn now_ns(&self) -> u64 {
        let since = self.clock.now().saturating_duration_since(self.origin);
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    }

    /// Writes an event down; its number.
    pub(super) fn emit(&self, event: Event) -> u64 {
        self.events.write(self.now_ns(), event)
    }
}
