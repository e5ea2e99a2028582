//! `msvc chaos kill`: a service is killed, stays down while a command runs or for a time, and
//! comes back as its restart policy says.

use std::time::Duration;

use msvc_report::case::{Case, Verdict};
use msvc_report::event::Event;
use msvc_system::id::ServiceName;

use crate::command::CommandLine;
use crate::faults::{ArmError, Killed, LiftError};
use crate::inject::{Ended, Meanwhile, Tools, ended, note_not_lifted, while_it_runs};
use crate::journal::Timer;
use crate::order::{Hold, Kill, shown};
use crate::recovery::Recovery;
use crate::run::LIFT_LIMIT;
use crate::verdict::{Finding, of_kill};

/// What ends a kill from the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Down {
    /// The command's end.
    While(CommandLine),
    /// Time.
    For(Duration),
}

/// Kills `service`, keeps it down, lets it come back within `recovery_limit`, and tells the times.
///
/// # Errors
/// When there is nothing to kill: no such service, or it does not run.
pub async fn kill(
    service: &ServiceName,
    down: &Down,
    recovery_limit: Duration,
    tools: &Tools<'_>,
) -> Result<Ended, ArmError> {
    let timer = Timer::begin(tools.clock);
    let order = Kill {
        service: service.clone(),
        hold: match down {
            Down::While(_) => Hold::Released,
            Down::For(time) => Hold::For(*time),
        },
    };
    let text = order.to_string();
    let mut case = Case::new(format!("kill/{service}"), text.clone(), Verdict::Held);
    case.subjects = vec![service.to_string()];
    case.repeat = Some(tools.again.clone());
    let held = match tools.faults.kill(service).await {
        Ok(held) => held,
        Err(error) if error.is_of_the_call() => return Err(error),
        Err(error) => {
            let findings = vec![Finding::NotArmed(error)];
            return Ok(ended(case, findings, None, &timer, tools));
        }
    };
    (tools.sink)(Event::FaultArmed {
        fault: text.clone(),
    });
    let mut meanwhile = match down {
        Down::While(command) => while_it_runs(command, held.lost(), tools).await,
        Down::For(time) => for_a_time(*time, &*held, tools).await,
    };
    let wait = !tools.shutdown.is_requested();
    let recovery = back(held, wait, recovery_limit, tools, &mut meanwhile.findings).await;
    if let Some(running) = &mut meanwhile.running {
        running.end(tools.clock, tools.shutdown).await;
    }
    if let Some(recovery) = &recovery {
        (tools.sink)(Event::FaultLifted {
            fault: text,
            receipt: recovery.line(),
        });
        for sentence in recovery.sentences() {
            case = case.because(sentence);
        }
        let interrupted = meanwhile.findings.contains(&Finding::Interrupted);
        let found = of_kill(recovery, recovery_limit, interrupted);
        meanwhile.findings.extend(found);
    }
    let mut ended = ended(case, meanwhile.findings, meanwhile.code, &timer, tools);
    ended.recovery = recovery;
    Ok(ended)
}

async fn for_a_time(time: Duration, held: &dyn Killed, tools: &Tools<'_>) -> Meanwhile {
    let mut meanwhile = Meanwhile::default();
    tokio::select! {
        () = tools.clock.sleep_until(held.since() + time) => {}
        () = tools.shutdown.requested() => meanwhile.findings.push(Finding::Interrupted),
        why = held.lost() => {
            let error = LiftError::EndedBefore(why);
            meanwhile.findings.push(Finding::EndedBefore(error.to_string()));
        }
    }
    meanwhile
}

/// Lets the service go, and waits for it unless the user wants to end.
async fn back(
    held: Box<dyn Killed>,
    wait: bool,
    limit: Duration,
    tools: &Tools<'_>,
    findings: &mut Vec<Finding>,
) -> Option<Recovery> {
    let late = |limit: Duration| LiftError::NotUndone(format!("no answer within {}", shown(limit)));
    let released = tokio::select! {
        released = held.release() => released,
        () = tools.clock.sleep(LIFT_LIMIT) => Err(late(LIFT_LIMIT)),
    };
    if let Err(error) = released {
        note_not_lifted(error, findings);
        return None;
    }
    if !wait {
        return None;
    }
    // The wait itself is bounded by the other side; ours is behind it, should that side hang.
    let patience = limit + LIFT_LIMIT;
    let recovered = tokio::select! {
        recovered = held.recovered(limit) => recovered,
        () = tools.clock.sleep(patience) => Err(late(patience)),
        () = tools.shutdown.requested() => {
            findings.push(Finding::Interrupted);
            return None;
        }
    };
    match recovered {
        Ok(recovery) => Some(recovery),
        Err(error) => {
            note_not_lifted(error, findings);
            None
        }
    }
}
