//! `msvc chaos inject latency`: one latency, while a command runs or until Ctrl-C.

use msvc_machine::clock::Clock;
use msvc_machine::shutdown::Shutdown;
use msvc_mesh::receipt::Receipt;
use msvc_report::case::{Case, Verdict};
use msvc_report::event::Event;
use msvc_report::exit::Exit;

use crate::command::{CommandLine, Running};
use crate::faults::{ArmError, Faults, Late, LiftError};
use crate::journal::Timer;
use crate::order::Latency;
use crate::probe::Sink;
use crate::run::LIFT_LIMIT;
use crate::verdict::{Finding, conclude, exit, felt};

/// What one fault from the command line is run with.
pub struct Tools<'a> {
    /// Breaks things.
    pub faults: &'a dyn Faults,
    /// Time.
    pub clock: &'a dyn Clock,
    /// Where events go.
    pub sink: Sink<'a>,
    /// The wish to end. The undo is done all the same.
    pub shutdown: &'a Shutdown,
    /// Seed of all draws.
    pub seed: u64,
    /// What the fault is called on its edge, which no other there may be.
    pub name: String,
    /// The command that does it again.
    pub again: String,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    /// The case.
    pub case: Case,
    /// The code to end with: the command's own, unless msvc has one of its own to say.
    pub code: u8,
    /// Whether that is the command's own.
    pub passed_on: bool,
    /// What a latency touched.
    pub receipt: Option<Receipt>,
    /// The times of a kill.
    pub recovery: Option<crate::recovery::Recovery>,
}

/// How the time under a fault went.
#[derive(Debug, Default)]
pub(crate) struct Meanwhile {
    /// The command's status.
    pub(crate) code: Option<u8>,
    /// What was found.
    pub(crate) findings: Vec<Finding>,
    /// A command that still runs, because the user wants to end.
    pub(crate) running: Option<Running>,
}

/// Makes an edge answer late while `command` runs, or until the user ends it, and lifts it
/// whatever happens.
///
/// # Errors
/// When there is nothing to break: no such edge.
pub async fn latency(
    latency: &Latency,
    command: Option<&CommandLine>,
    tools: &Tools<'_>,
) -> Result<Ended, ArmError> {
    let timer = Timer::begin(tools.clock);
    let text = latency.to_string();
    let mut case = Case::new(
        format!("inject/{}", latency.edge),
        text.clone(),
        Verdict::Held,
    );
    case.subjects = vec![latency.edge.to_string()];
    case.repeat = Some(tools.again.clone());
    let armed = match tools.faults.latency(&tools.name, latency, tools.seed).await {
        Ok(armed) => armed,
        Err(error) if error.is_of_the_call() => return Err(error),
        Err(error) => {
            let findings = vec![Finding::NotArmed(error)];
            return Ok(ended(case, findings, None, &timer, tools));
        }
    };
    (tools.sink)(Event::FaultArmed {
        fault: text.clone(),
    });
    let mut meanwhile = match command {
        Some(command) => while_it_runs(command, armed.lost(), tools).await,
        None => until_the_end(&*armed, tools).await,
    };
    // The fault goes first: what still runs must not be left under it.
    let receipt = lift(armed, tools, &text, &mut meanwhile.findings).await;
    if let Some(running) = &mut meanwhile.running {
        running.end(tools.clock, tools.shutdown).await;
    }
    if let Some(receipt) = &receipt {
        if receipt.total == 0 && meanwhile.findings.is_empty() {
            let why = format!("no connection on {} felt it", latency.edge);
            meanwhile.findings.push(Finding::NotFelt(why));
        } else if receipt.total > 0 {
            case.evidence.push(felt(receipt));
        }
    }
    let mut ended = ended(case, meanwhile.findings, meanwhile.code, &timer, tools);
    ended.receipt = receipt;
    Ok(ended)
}

/// Runs the command to its end, or until the user wants to end; notes when the fault was lost.
pub(crate) async fn while_it_runs(
    command: &CommandLine,
    lost: impl Future<Output = String>,
    tools: &Tools<'_>,
) -> Meanwhile {
    let mut meanwhile = Meanwhile::default();
    let mut running = match command.start() {
        Ok(running) => running,
        Err(error) => {
            meanwhile
                .findings
                .push(Finding::NoCommand(error.to_string()));
            return meanwhile;
        }
    };
    tokio::pin!(lost);
    let mut is_lost = false;
    loop {
        tokio::select! {
            // A command that ended together with the wish to end has ended.
            biased;
            code = running.wait() => {
                match code {
                    Ok(code) => {
                        // Ctrl-C at the terminal ends the command before msvc hears of it.
                        if code == Exit::Interrupted.code() {
                            meanwhile.findings.push(Finding::Interrupted);
                        }
                        meanwhile.code = Some(code);
                    }
                    Err(error) => meanwhile.findings.push(Finding::NoCommand(error.to_string())),
                }
                return meanwhile;
            }
            () = tools.shutdown.requested() => {
                meanwhile.findings.push(Finding::Interrupted);
                meanwhile.running = Some(running);
                return meanwhile;
            }
            why = &mut lost, if !is_lost => {
                is_lost = true;
                let error = LiftError::EndedBefore(why);
                meanwhile.findings.push(Finding::EndedBefore(error.to_string()));
            }
        }
    }
}

/// Ctrl-C is the normal end here.
async fn until_the_end(armed: &dyn Late, tools: &Tools<'_>) -> Meanwhile {
    let mut meanwhile = Meanwhile::default();
    tokio::select! {
        () = tools.shutdown.requested() => {}
        why = armed.lost() => {
            let error = LiftError::EndedBefore(why);
            meanwhile.findings.push(Finding::EndedBefore(error.to_string()));
        }
    }
    meanwhile
}

async fn lift(
    armed: Box<dyn Late>,
    tools: &Tools<'_>,
    text: &str,
    findings: &mut Vec<Finding>,
) -> Option<Receipt> {
    let lifted = tokio::select! {
        lifted = armed.lift() => lifted,
        () = tools.clock.sleep(LIFT_LIMIT) => Err(LiftError::NotUndone(format!(
            "no answer within {}",
            crate::order::shown(LIFT_LIMIT)
        ))),
    };
    match lifted {
        Ok(receipt) => {
            (tools.sink)(Event::FaultLifted {
                fault: text.to_owned(),
                receipt: if receipt.total == 0 {
                    "felt by none".to_owned()
                } else {
                    felt(&receipt).what
                },
            });
            Some(receipt)
        }
        Err(error) => {
            note_not_lifted(error, findings);
            None
        }
    }
}

/// A fault that was to be undone, and was not; that it ended by itself is said once.
pub(crate) fn note_not_lifted(error: LiftError, findings: &mut Vec<Finding>) {
    let known = findings
        .iter()
        .any(|f| matches!(f, Finding::EndedBefore(_)));
    match error {
        LiftError::EndedBefore(_) if known => {}
        LiftError::EndedBefore(_) => findings.push(Finding::EndedBefore(error.to_string())),
        LiftError::NotUndone(_) => findings.push(Finding::NotUndone(error.to_string())),
    }
}

/// Concludes the case and says which code to end with.
pub(crate) fn ended(
    mut case: Case,
    mut findings: Vec<Finding>,
    command: Option<u8>,
    timer: &Timer,
    tools: &Tools<'_>,
) -> Ended {
    let own = exit(&findings, false);
    let passed_on = match (own, command) {
        // What the command said counts, unless msvc itself has to say what outweighs it.
        (Exit::Held | Exit::Failed, Some(code)) if code != 0 => Some(code),
        _ => None,
    };
    let told = own == Exit::Interrupted;
    if let Some(status) = command.filter(|code| *code != 0 && !told) {
        let why = format!("the command ended with status {status}");
        if own == Exit::Held {
            findings.push(Finding::CommandFailed(why));
        } else {
            case = case.because(why);
        }
    }
    conclude(&mut case, &findings, None);
    case.seconds = timer.seconds(tools.clock);
    (tools.sink)(Event::CaseEnded { case: case.clone() });
    Ended {
        case,
        code: passed_on.unwrap_or(own.code()),
        passed_on: passed_on.is_some(),
        receipt: None,
        recovery: None,
    }
}

#[cfg(test)]
mod tests;
