//! Waits until an instance is as a dependent needs it, or can no longer become so.

use msvc_system::model::Condition;

use super::keeper::{Replica, View};
use super::logs::Logs;
use crate::contract::RuntimeError;
use crate::observed::Phase;

/// Lines shown of an instance that never became ready.
const SHOWN: usize = 10;

/// Who is started again and again without ever becoming ready is given up for its dependents
/// after so many ends: with the growing delays between them at least three seconds.
const ENDS: u32 = 5;

/// How a view stands to a condition.
#[derive(Debug, PartialEq, Eq)]
enum Stand {
    Met,
    NotYet,
    /// It will not be; why.
    Never(String),
}

/// Returns when `replica` meets `condition`.
///
/// # Errors
/// [`RuntimeError::NeverReady`] when it cannot any more, with the last lines it wrote.
pub(super) async fn await_condition(
    mut replica: Replica,
    condition: Condition,
    logs: &Logs,
) -> Result<(), RuntimeError> {
    loop {
        let view = replica.view.borrow_and_update().clone();
        match stand(&view, condition) {
            Stand::Met => return Ok(()),
            Stand::NotYet => {}
            Stand::Never(why) => {
                return Err(RuntimeError::NeverReady {
                    last_lines: logs.last_lines(&view.id, SHOWN),
                    instance: view.id,
                    why,
                });
            }
        }
        if replica.view.changed().await.is_err() {
            return Err(RuntimeError::NoInstance(view.id));
        }
    }
}

fn stand(view: &View, condition: Condition) -> Stand {
    let detail = view.detail.clone().unwrap_or_default();
    match (condition, &view.phase) {
        (Condition::ServiceStarted, phase) if phase.runs() && view.process.is_some() => Stand::Met,
        (Condition::ServiceHealthy, Phase::Ready) => Stand::Met,
        (Condition::ServiceHealthy, Phase::Unhealthy) => Stand::Never(format!(
            "its healthcheck failed as often as it may ({detail})"
        )),
        (
            Condition::ServiceCompletedSuccessfully,
            Phase::Exited {
                status: Some(0), ..
            },
        ) => Stand::Met,
        // Who has done its work and ended was started.
        (
            Condition::ServiceStarted,
            Phase::Exited {
                status: Some(0), ..
            },
        ) => Stand::Met,
        // A job that nobody waits for: ending well is as good as running on.
        (
            Condition::ServiceHealthy,
            Phase::Exited {
                status: Some(0), ..
            },
        ) if !view.spec.can_be_asked() => Stand::Met,
        (_, Phase::Exited { status, signal }) => Stand::Never(match (status, signal) {
            (Some(status), _) => format!("it ended with status {status}"),
            (None, Some(signal)) => format!("it was ended by {signal}"),
            (None, None) => format!("it could not be started again ({detail})"),
        }),
        (_, Phase::HeldDown) => Stand::Never("a fault keeps it down".to_owned()),
        (_, Phase::Restarting) if view.ends >= ENDS => {
            Stand::Never(format!("it ended {} times in a row", view.ends))
        }
        _ => Stand::NotYet,
    }
}
