//! `up`: observe, want, plan, execute.
//!
//! What comes in: a system, what was built of it, and a runtime. What leaves: events and a
//! running system. [`prepare`] is the deciding half, which `--dry-run` shows.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};

use msvc_machine::clock::Clock;
use msvc_machine::shutdown::Shutdown;
use msvc_report::event::{Entry, Event};
use msvc_report::exit::Exit;
use msvc_system::id::{Party, ServiceName};
use msvc_system::model::System;
use msvc_system::problem::{Problem, Problems};
use tokio::time::Instant;

use crate::build::BuildOutcome;
use crate::contract::{Runtime, RuntimeError};
use crate::executor::Execution;
use crate::lane::{LaneOptions, Survey, Wanted};
use crate::observed::{Observed, ObservedInstance, Phase, WayIn};
use crate::plan::{Deed, Plan, decide, look_again};
use crate::ports::book_file::{self, BookError};
use crate::ports::{Binding, Supposing, seed};

/// How often everything is looked at again after the plan: a service that keeps coming and going
/// does not keep `up` for ever.
const LOOKS: usize = 3;

/// What is to be up.
#[derive(Debug, Clone, Copy)]
pub struct UpRequest<'a> {
    /// The system.
    pub system: &'a System,
    /// As which lane of which project.
    pub options: &'a LaneOptions,
    /// What was built of it.
    pub built: &'a BuildOutcome,
}

/// A system is not up.
#[derive(Debug, thiserror::Error)]
pub enum UpError {
    /// It cannot run as the file says.
    #[error("{0}")]
    Problems(Problems),
    /// The address book cannot be kept.
    #[error(transparent)]
    Book(#[from] BookError),
    /// The runtime could not.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
}

impl From<Problems> for UpError {
    fn from(problems: Problems) -> Self {
        Self::Problems(problems)
    }
}

impl UpError {
    /// How the command ends.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Problems(_) => Exit::Input,
            Self::Book(_) => Exit::CouldNot,
            Self::Runtime(error) => match error {
                RuntimeError::NeverReady { .. }
                | RuntimeError::Start { .. }
                | RuntimeError::PostStart { .. }
                | RuntimeError::BroughtDown { .. } => Exit::Failed,
                RuntimeError::NotTaken { blame, .. } | RuntimeError::Network { blame, .. } => {
                    blame.exit()
                }
                RuntimeError::NoInstance(_) => Exit::Usage,
                RuntimeError::Interrupted => Exit::Interrupted,
                RuntimeError::Engine(error) => error.exit(),
                RuntimeError::PortTaken { .. }
                | RuntimeError::Absent(_)
                | RuntimeError::Gone { .. }
                | RuntimeError::Refused(_)
                | RuntimeError::Records { .. } => Exit::CouldNot,
            },
        }
    }
}

/// What is wanted and how to come there.
#[derive(Debug)]
pub struct Prepared {
    /// The wanted set, with rewritings, warnings and entries.
    pub wanted: Wanted,
    /// The way from what is observed.
    pub plan: Plan,
}

/// A system that is up.
#[derive(Debug)]
pub struct Up {
    /// Whether anything was changed.
    pub changed: bool,
    /// Where published ports listen.
    pub entries: Vec<Entry>,
    /// Services that ran and were taken away, because nothing says any more that they should.
    pub taken_away: Vec<ServiceName>,
    /// What a fault holds down, which nobody waits for.
    pub held: Vec<ObservedInstance>,
    /// What was carried out.
    pub plan: Plan,
    /// What is there now.
    pub wanted: Wanted,
}

/// Decides what an `up` would do, and keeps the addresses it chose. Starts nothing; a published
/// port that is taken is told here.
///
/// # Errors
/// When the system cannot run as the file says, or an address cannot be had.
pub fn prepare(
    request: &UpRequest<'_>,
    observed: &Observed,
    binding: &mut dyn Binding,
) -> Result<Prepared, UpError> {
    let UpRequest {
        system,
        options,
        built,
    } = request;
    let survey = Survey::of(system, options, built)?;
    let mut book = book_file::load(&options.home)?;
    let before = book.clone();
    let seed = seed(&options.home, options.project.as_str());
    book.settle(seed, &survey.slots(), &held(observed), binding)
        .map_err(|taken| RuntimeError::PortTaken {
            address: taken.address.to_string(),
            owner: taken.owner,
            hint: taken.hint,
        })?;
    let wanted = survey.wanted(&book)?;
    if book != before {
        book_file::save(&options.home, &book)?;
    }
    let plan = decide(observed, &wanted, &book);
    Ok(Prepared { wanted, plan })
}

/// The same for somebody who only wants to see it: a published port that is taken is a warning.
///
/// # Errors
/// As [`prepare`], but for that.
pub fn preview(
    request: &UpRequest<'_>,
    observed: &Observed,
    binding: &mut dyn Binding,
) -> Result<Prepared, UpError> {
    let mut supposing = Supposing {
        truth: binding,
        free: BTreeSet::new(),
    };
    let mut warnings = Vec::new();
    loop {
        match prepare(request, observed, &mut supposing) {
            Ok(mut prepared) => {
                prepared.wanted.warnings.append(&mut warnings);
                return Ok(prepared);
            }
            Err(UpError::Runtime(RuntimeError::PortTaken {
                address,
                owner,
                hint,
            })) => {
                let taken: Option<SocketAddr> = address.parse().ok();
                if !taken.is_some_and(|taken| supposing.free.insert(taken)) {
                    let again = RuntimeError::PortTaken {
                        address,
                        owner,
                        hint,
                    };
                    return Err(again.into());
                }
                warnings.push(taken_now(&address, owner.as_deref(), &hint));
            }
            Err(other) => return Err(other),
        }
    }
}

/// The warning that a published port cannot be had now.
#[must_use]
pub fn taken_now(address: &str, owner: Option<&str>, hint: &str) -> Problem {
    let by = owner
        .map(|owner| format!(" by {owner}"))
        .unwrap_or_default();
    Problem::warning(format!("{address} is taken{by}: `up` would end here")).hint(hint)
}

/// The addresses that the project's own edges and instances have already. One that ended and stays
/// so has none any more: somebody may have come there since, or its last connections are fading.
fn held(observed: &Observed) -> BTreeSet<SocketAddr> {
    let edges = observed.edges.iter().map(|edge| edge.listen);
    let listens = observed
        .instances
        .iter()
        .filter(|instance| !matches!(instance.phase, Phase::Exited { .. }))
        .flat_map(|instance| &instance.listens)
        .map(|listen| listen.backend);
    let mut held: BTreeSet<SocketAddr> = edges.chain(listens).collect();
    // A service that is told a number only listens on every address and is reached at one.
    let everywhere: Vec<SocketAddr> = held
        .iter()
        .filter(|address| address.ip() == Ipv4Addr::LOCALHOST)
        .map(|address| SocketAddr::from((Ipv4Addr::UNSPECIFIED, address.port())))
        .collect();
    held.extend(everywhere);
    held
}

/// An instance that this very plan started and that is not there any more was ended by somebody
/// else, with the whole system most likely.
fn brought_down(error: RuntimeError, wanted: &Wanted) -> RuntimeError {
    match error {
        RuntimeError::NoInstance(_) => RuntimeError::BroughtDown {
            project: wanted.project.to_string(),
        },
        other => other,
    }
}

/// The services that a plan stops and that are not wanted.
fn taken_away(plan: &Plan, wanted: &Wanted) -> Vec<ServiceName> {
    let is_wanted = |name: &ServiceName| wanted.instances.iter().any(|it| it.id.service == *name);
    let stopped = plan.steps.iter().filter_map(|it| match &it.step.deed {
        Deed::Stop(id) if !is_wanted(&id.service) => Some(id.service.clone()),
        _ => None,
    });
    let stopped: BTreeSet<ServiceName> = stopped.collect();
    stopped.into_iter().collect()
}

/// Brings a system up: what runs already as it is wanted is left alone.
///
/// # Errors
/// When it cannot run as the file says, an address cannot be had, a service is not started or
/// not ready, or a shutdown is requested. What was started by then runs on; taking it down is the
/// caller's to decide.
pub async fn up(
    runtime: &dyn Runtime,
    request: &UpRequest<'_>,
    binding: &mut (dyn Binding + Send),
    clock: &dyn Clock,
    sink: &(dyn Fn(Event) + Send + Sync),
    shutdown: &Shutdown,
) -> Result<Up, UpError> {
    let began = clock.now();
    let observed = tokio::select! {
        observed = runtime.observe() => observed?,
        () = shutdown.requested() => return Err(RuntimeError::Interrupted.into()),
    };
    let prepared = prepare(request, &observed, binding)?;
    let effects = Execution {
        runtime,
        clock,
        sink,
        shutdown,
    };
    carry_out(prepared, effects, began).await
}

/// Carries out what was prepared, and looks again until nothing died meanwhile.
///
/// # Errors
/// As [`up`].
pub async fn carry_out(
    prepared: Prepared,
    execution: Execution<'_>,
    began: Instant,
) -> Result<Up, UpError> {
    let Prepared { wanted, plan } = prepared;
    let Execution {
        runtime,
        clock,
        sink,
        ..
    } = execution;
    for problem in &wanted.warnings {
        sink(Event::Warned {
            problem: problem.clone(),
        });
    }
    let gone = |error| brought_down(error, &wanted);
    execution.run(&plan).await.map_err(gone)?;
    let mut observed = runtime.observe().await?;
    for _ in 0..LOOKS {
        let again = look_again(&observed, &wanted);
        if again.is_empty() {
            break;
        }
        execution.run(&again).await.map_err(gone)?;
        observed = runtime.observe().await?;
    }
    let changed = plan.changes();
    // An engine chooses free ports only when it starts what listens there.
    let entries = match wanted.entries.is_empty() {
        false => wanted.entries.clone(),
        true => {
            let ways = observed.ways_in(&wanted.lane, &Party::Client);
            let chosen = |way: &WayIn| wanted.dependencies.contains_key(&way.service);
            ways.iter()
                .filter(|way| chosen(way))
                .map(WayIn::entry)
                .collect()
        }
    };
    sink(Event::SystemUp {
        system: wanted.project.to_string(),
        entries: entries.clone(),
        seconds: clock.now().duration_since(began).as_secs_f64(),
        changed,
    });
    let lane = &wanted.lane;
    let is_held = |it: &ObservedInstance| it.id.lane == *lane && it.phase == Phase::HeldDown;
    let held = observed.instances.into_iter().filter(is_held).collect();
    Ok(Up {
        changed,
        entries,
        taken_away: taken_away(&plan, &wanted),
        held,
        plan,
        wanted,
    })
}
