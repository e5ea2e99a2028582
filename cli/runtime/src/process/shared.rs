//! What every keeper, the control door and the supervisor itself have in common.

use std::sync::Arc;

use msvc_machine::clock::Clock;
use msvc_report::event::Event;

use super::edges::Edges;
use super::events::EventLog;
use super::logs::Logs;
use super::mark::RunMark;
use super::records::Records;

/// One supervisor's belongings.
pub(super) struct Shared {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) events: EventLog,
    pub(super) logs: Logs,
    pub(super) records: Records,
    pub(super) edges: Edges,
    pub(super) mark: RunMark,
}

impl Shared {
    /// Now, in nanoseconds of the supervisor's monotonic clock, which is the mesh's.
    pub(super) fn now_ns(&self) -> u64 {
        // The mesh tells its clock in its hello, and only there.
        self.edges.mesh().hello("").clock_ns
    }

    /// Writes an event down; its number.
    pub(super) fn emit(&self, event: Event) -> u64 {
        self.events.write(self.now_ns(), event)
    }
}
