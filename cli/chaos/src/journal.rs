//! The record of an experiment: Chaos Toolkit's keys in Chaos Toolkit's order, so that its readers
//! read it, and under `msvc` what it has no word for: receipts, times of a kill, moments, the
//! verdict.

use std::time::SystemTime;

use msvc_machine::clock::Clock;
use msvc_mesh::receipt::Receipt;
use msvc_report::case::Verdict;
use serde::Serialize;
use serde_json::Value;
use tokio::time::Instant;

use crate::recovery::Recovery;

/// The schema name that a journal begins with.
pub const SCHEMA: &str = "msvc.journal/1";

/// Moments that are kept.
const MAX_MOMENTS: usize = 1000;

/// How an experiment went.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Journal {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// `msvc/` and the version: who wrote it, where Chaos Toolkit writes its own version.
    #[serde(rename = "chaoslib-version")]
    pub chaoslib_version: String,
    /// Operating system and architecture.
    pub platform: String,
    /// The host's name.
    pub node: String,
    /// The experiment as it stands.
    pub experiment: Value,
    /// When it began, ISO 8601.
    pub start: String,
    /// How it ended.
    pub status: Status,
    /// Whether the steady state was met before and not after.
    pub deviated: bool,
    /// The steady state.
    pub steady_states: SteadyStates,
    /// The method.
    pub run: Vec<ActivityRun>,
    /// The rollbacks, the fault's own undo first.
    pub rollbacks: Vec<ActivityRun>,
    /// When it ended.
    pub end: String,
    /// In seconds.
    pub duration: f64,
    /// What Chaos Toolkit has no word for.
    pub msvc: Ours,
}

/// How an experiment ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// All of it was done.
    Completed,
    /// Something could not be done.
    Failed,
    /// The user ended it.
    Interrupted,
}

/// The steady state, each time it was asked for.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct SteadyStates {
    /// Before the method.
    pub before: Option<SteadyState>,
    /// After the method, while the fault is in place.
    pub after: Option<SteadyState>,
    /// Always empty: the strategies that fill it are not honoured.
    pub during: Vec<SteadyState>,
}

/// The steady state, asked for once.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SteadyState {
    /// Whether every probe was within its tolerance.
    pub steady_state_met: bool,
    /// The probes, up to the first that was not.
    pub probes: Vec<ActivityRun>,
}

/// One activity, done.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ActivityRun {
    /// As it stands in the experiment.
    pub activity: Value,
    /// What it gave.
    pub output: Value,
    /// When it began, ISO 8601.
    pub start: String,
    /// `succeeded` or `failed`.
    pub status: &'static str,
    /// What went wrong, line by line.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exception: Vec<String>,
    /// When it ended.
    pub end: String,
    /// In seconds.
    pub duration: f64,
    /// For a probe: whether it was within its tolerance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tolerance_met: Option<bool>,
}

/// What Chaos Toolkit has no word for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ours {
    /// The verdict.
    pub verdict: Verdict,
    /// The code that this experiment alone ends with.
    pub exit: u8,
    /// Seed of all draws.
    pub seed: u64,
    /// The command that runs it again.
    pub again: String,
    /// What happened when, beside the activities.
    pub moments: Vec<Moment>,
    /// What the faults touched.
    pub receipts: Vec<Receipt>,
    /// Times of the kills.
    pub recoveries: Vec<Recovery>,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Moment {
    /// When, ISO 8601.
    pub at: String,
    /// What.
    pub what: String,
}

/// Who writes a journal, where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Writer {
    /// The version of msvc.
    pub version: String,
    /// Operating system and architecture.
    pub platform: String,
    /// The host's name.
    pub node: String,
}

/// Adds a moment, up to a bound.
pub fn note(moments: &mut Vec<Moment>, clock: &dyn Clock, what: impl Into<String>) {
    if moments.len() < MAX_MOMENTS {
        moments.push(Moment {
            at: iso(clock.wall()),
            what: what.into(),
        });
    }
}

/// Measures one activity.
#[derive(Debug, Clone)]
pub struct Timer {
    /// When it began, ISO 8601.
    pub start: String,
    began: Instant,
}

impl Timer {
    /// From now on.
    #[must_use]
    pub fn begin(clock: &dyn Clock) -> Self {
        Self {
            start: iso(clock.wall()),
            began: clock.now(),
        }
    }

    /// Seconds until now.
    #[must_use]
    pub fn seconds(&self, clock: &dyn Clock) -> f64 {
        clock.now().duration_since(self.began).as_secs_f64()
    }

    /// The activity, ending now.
    #[must_use]
    pub fn end(
        &self,
        clock: &dyn Clock,
        activity: Value,
        output: Value,
        succeeded: bool,
    ) -> ActivityRun {
        ActivityRun {
            activity,
            output,
            start: self.start.clone(),
            status: if succeeded { "succeeded" } else { "failed" },
            exception: Vec::new(),
            end: iso(clock.wall()),
            duration: self.seconds(clock),
            tolerance_met: None,
        }
    }
}

/// A time as Chaos Toolkit writes it: microseconds, `+00:00`.
#[must_use]
pub fn iso(time: SystemTime) -> String {
    let text = humantime::format_rfc3339_micros(time).to_string();
    format!("{}+00:00", text.trim_end_matches('Z'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn times_read_as_chaos_toolkit_writes_them() {
        let time = SystemTime::UNIX_EPOCH + Duration::from_micros(1_700_000_000_000_001);
        assert_eq!(iso(time), "2023-11-14T22:13:20.000001+00:00");
    }
}
