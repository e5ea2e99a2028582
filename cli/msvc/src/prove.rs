//! What is proven on a running system, joined here because the rooms that prove never know each
//! other: journeys played, contracts verified in a lane of their own, experiments run.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use msvc_chaos::experiment::{self, Experiment, Known};
use msvc_chaos::journal::{Journal, Writer};
use msvc_chaos::live::{LiveFaults, LiveJourneys};
use msvc_chaos::run::{Bench, Concluded};
use msvc_contract::pact::{self, PactFile, Pacts, Selection};
use msvc_contract::verify::{self, ProviderEntry};
use msvc_journey::entry::REQUEST_TIMEOUT;
use msvc_journey::{CommandPlace, Entry, Journey, Limits};
use msvc_report::case::{Case, Verdict};
use msvc_report::event::Event;
use msvc_report::exit::Exit;
use msvc_runtime::contract::Runtime;
use msvc_runtime::lane::{FurtherEdge, Publish, Subset};
use msvc_runtime::observed::Observed;
use msvc_runtime::plan::{Deed, Step};
use msvc_runtime::process::{ProcessRuntime, ProjectHome};
use msvc_system::id::{LaneName, Party, ServiceName};

use crate::boot::{self, Wish};
use crate::context::{BUILD, Context};
use crate::failure::Failure;

/// A killed service that is not healthy within this time has not come back.
const RECOVERY_LIMIT: Duration = Duration::from_secs(60);

/// The longest that a provider may take for one answer or one state.
const PROVIDER_TIMEOUT: Duration = Duration::from_secs(10);

/// Where events go.
pub type Sink<'a> = &'a (dyn Fn(Event) + Send + Sync);

/// What a journey needs to find the system: the host's own edges.
#[must_use]
pub fn entry(context: &Context, observed: &Observed) -> Entry {
    let entries: Vec<_> = observed
        .edges
        .iter()
        .filter(|edge| edge.id.caller == Party::Client && edge.id.lane == LaneName::main())
        .map(|edge| msvc_report::event::Entry {
            service: edge.id.callee.clone(),
            port: edge.id.port,
            url: format!("http://{}", edge.listen),
        })
        .collect();
    entry_at(context, boot::bases(&entries))
}

/// The same with given base URLs.
#[must_use]
pub fn entry_at(context: &Context, bases: msvc_journey::Bases) -> Entry {
    Entry {
        bases,
        ca_pem: None,
        inputs: serde_json::Map::new(),
        run: context.run.clone(),
        clock: Arc::clone(&context.clock),
        request_timeout: REQUEST_TIMEOUT,
        limits: Limits::default(),
        command: CommandPlace {
            directory: context.system.root.clone(),
            environment: std::env::vars_os().collect(),
        },
    }
}

/// The journeys that the system's `x-msvc` names.
///
/// # Errors
/// When a document is broken.
pub fn journeys(context: &Context) -> Result<Vec<Journey>, Failure> {
    Ok(msvc_journey::load(
        &context.system.x_msvc.journeys,
        &context.files(),
    )?)
}

/// Plays each journey once, one after the other.
pub async fn play_all(
    context: &Context,
    journeys: &[&Journey],
    entry: &Entry,
    sink: Sink<'_>,
) -> Vec<Case> {
    let mut cases = Vec::new();
    for journey in journeys {
        let outcome = msvc_journey::play(journey, entry, sink, &context.shutdown).await;
        let case = outcome.case(Some(context.repeat(&["journey", "run", journey.name()])));
        sink(Event::CaseEnded { case: case.clone() });
        cases.push(case);
        if context.shutdown.is_requested() {
            break;
        }
    }
    cases
}

/// The pacts that are meant: of the given paths, else of the folder that `x-msvc.contracts` names.
///
/// # Errors
/// When a file is missing or broken.
pub fn pacts(context: &Context, given: &[PathBuf]) -> Result<Option<Pacts>, Failure> {
    let paths: Vec<PathBuf> = if given.is_empty() {
        context
            .system
            .x_msvc
            .contracts
            .iter()
            .map(|c| c.value.clone())
            .collect()
    } else {
        given.to_vec()
    };
    let mut all: Option<Pacts> = None;
    for path in paths {
        let read = pact::read(&path)?;
        match &mut all {
            None => all = Some(read),
            Some(all) => {
                all.files.extend(read.files);
                all.passed_over.extend(read.passed_over);
            }
        }
    }
    Ok(all)
}

/// What is to be verified.
pub struct Contracts<'a> {
    /// The pacts.
    pub pacts: &'a Pacts,
    /// Which of their interactions.
    pub selection: &'a Selection,
    /// The line that verifies all of it again.
    pub again: String,
}

/// Verifies the selected interactions, each provider booted alone in a lane of its own of the
/// project that `runtime` runs.
///
/// # Errors
/// When a provider cannot be booted, or the user wants to end.
pub async fn contracts(
    context: &Context,
    runtime: &ProcessRuntime,
    home: &ProjectHome,
    contracts: &Contracts<'_>,
    sink: Sink<'_>,
) -> Result<Vec<Case>, Failure> {
    let Contracts {
        pacts, selection, ..
    } = contracts;
    let selected = pacts.select(selection);
    if selected.is_empty() {
        return Ok(vec![verify::nothing(pacts, selection)]);
    }
    let mut by_provider: BTreeMap<String, Vec<PactFile>> = BTreeMap::new();
    for file in selected {
        by_provider
            .entry(file.provider.clone())
            .or_default()
            .push(file);
    }
    let mut cases = Vec::new();
    for (number, (provider, files)) in by_provider.into_iter().enumerate() {
        let Some(name) = context
            .system
            .services
            .keys()
            .find(|name| name.as_str() == provider)
        else {
            cases.extend(files.iter().map(|file| no_provider(context, file, sink)));
            continue;
        };
        let lane =
            LaneName::new(format!("verify-{}", number + 1)).unwrap_or_else(|_| LaneName::main());
        let one = Provider {
            name,
            lane: &lane,
            files: &files,
            again: &contracts.again,
        };
        let proven = one_provider(context, runtime, home, &one, sink).await;
        clear_lane(runtime, &lane).await?;
        cases.extend(proven?);
    }
    Ok(cases)
}

/// One provider and what is expected of it.
#[derive(Clone, Copy)]
struct Provider<'a> {
    name: &'a ServiceName,
    lane: &'a LaneName,
    files: &'a [PactFile],
    again: &'a str,
}

async fn one_provider(
    context: &Context,
    runtime: &ProcessRuntime,
    home: &ProjectHome,
    one: &Provider<'_>,
    sink: Sink<'_>,
) -> Result<Vec<Case>, Failure> {
    let Provider {
        name: provider,
        lane,
        files,
        again,
    } = *one;
    let extension = context
        .system
        .service(provider.as_str())
        .and_then(|s| s.x_msvc.contract.clone());
    let settings = extension
        .iter()
        .flat_map(|e| e.environment.clone())
        .collect();
    let wish = Wish {
        lane: lane.clone(),
        services: Subset::Alone(vec![provider.clone()]),
        publish: Publish::Nothing,
        environment: BTreeMap::from([(provider.clone(), settings)]),
        further_edges: vec![FurtherEdge {
            caller: Party::Verifier,
            callee: provider.clone(),
            port: None,
        }],
    };
    let built = boot::build(context, &wish.services).await?;
    let options = wish.options(context, home);
    let quiet = |event: Event| {
        if !matches!(event, Event::SystemUp { .. }) {
            sink(event);
        }
    };
    boot::bring_up(context, runtime, &options, &built, &quiet).await?;
    let observed = runtime.observe().await?;
    let edge = observed.edges.iter().find(|edge| {
        edge.id.caller == Party::Verifier && edge.id.lane == *lane && edge.id.callee == *provider
    });
    let Some(edge) = edge else {
        let what = format!("{provider} has no port that the verifier could call");
        return Err(Failure::new(Exit::CouldNot, what)
            .hint("name its port: `expose`, `ports` or `x-msvc.process.port`"));
    };
    let base_url = format!("http://{}", edge.listen);
    let states = extension
        .and_then(|e| e.states)
        .map(|path| format!("{base_url}{}", path.value));
    let target = ProviderEntry {
        base_url,
        states_url: states,
        timeout: PROVIDER_TIMEOUT,
        again: again.to_owned(),
    };
    let proven = verify::verify(files, &target, &*context.clock, sink, &context.shutdown).await;
    proven.map_err(|why| match why {
        verify::VerifyError::Interrupted => Failure::interrupted(),
        other => Failure::new(Exit::CouldNot, other.to_string()),
    })
}

fn no_provider(context: &Context, file: &PactFile, sink: Sink<'_>) -> Case {
    let id = format!("contract/{}", file.pair());
    let mut case = Case::new(
        id,
        format!("{} with {}", file.consumer, file.provider),
        Verdict::Inconclusive,
    )
    .because(format!(
        "{} has no service `{}` to verify {} against",
        context.system.name,
        file.provider,
        file.path.display()
    ));
    case.repeat = Some(context.repeat(&["contract", "verify", "--provider", &file.provider]));
    sink(Event::CaseEnded { case: case.clone() });
    case
}

/// Stops everything in a lane and closes its edges.
async fn clear_lane(runtime: &ProcessRuntime, lane: &LaneName) -> Result<(), Failure> {
    let observed = runtime.observe().await?;
    let instances = observed.instances.iter().filter(|i| i.id.lane == *lane);
    let edges = observed.edges.iter().filter(|e| e.id.lane == *lane);
    let deeds: Vec<Deed> = instances
        .map(|i| Deed::Stop(i.id.clone()))
        .chain(edges.map(|e| Deed::CloseEdge(e.id.clone())))
        .collect();
    for deed in deeds {
        runtime
            .apply(&Step {
                deed,
                cause: "its lane is done with".to_owned(),
            })
            .await?;
    }
    Ok(())
}

/// Reads experiments and checks them against the system and its journeys.
///
/// # Errors
/// With every problem of every file.
pub fn experiments(
    context: &Context,
    paths: &[PathBuf],
    journeys: &[Journey],
) -> Result<Vec<Experiment>, Failure> {
    let steps = |journey: &Journey| journey.steps().into_iter().map(str::to_owned).collect();
    let names: Vec<(String, Vec<String>)> = journeys
        .iter()
        .map(|journey| (journey.name().to_owned(), steps(journey)))
        .collect();
    let mut read = Vec::new();
    let mut problems = msvc_system::problem::Problems::default();
    for path in paths {
        match experiment::read(path, &context.files()) {
            Err(found) => problems.0.extend(found.0),
            Ok(experiment) => {
                let known = Known {
                    system: &context.system,
                    journeys: &names,
                };
                problems.0.extend(experiment.check(known));
                read.push(experiment);
            }
        }
    }
    Ok(problems.or(read)?)
}

/// Runs experiments, one after the other.
pub async fn run_experiments(
    context: &Context,
    runtime: &ProcessRuntime,
    experiments: &[Experiment],
    journeys: &[Journey],
    entry: &Entry,
    seed: u64,
    sink: Sink<'_>,
) -> (Vec<Case>, Vec<Journal>) {
    let faults = LiveFaults {
        runtime: Arc::new(runtime.clone()),
        lane: LaneName::main(),
        clock: Arc::clone(&context.clock),
    };
    let again = |name: &str| context.repeat(&["journey", "run", name]);
    let (mut cases, mut journals) = (Vec::new(), Vec::new());
    for (number, experiment) in experiments.iter().enumerate() {
        let mut entry = entry.clone();
        entry.run = format!("{}e{}", entry.run, number + 1);
        let players = LiveJourneys {
            journeys,
            entry,
            again: &again,
            plays: AtomicU64::new(0),
        };
        let file = context.here.path(&experiment.path).display().to_string();
        let bench = Bench {
            faults: &faults,
            journeys: &players,
            clock: &*context.clock,
            sink,
            shutdown: &context.shutdown,
            seed,
            recovery_limit: RECOVERY_LIMIT,
            again: context.repeat(&["chaos", "run", &file, "--seed", &seed.to_string()]),
            writer: writer(),
        };
        let Concluded { case, journal } = msvc_chaos::run::run(experiment, &bench).await;
        cases.push(case);
        journals.push(journal);
        if context.shutdown.is_requested() {
            break;
        }
    }
    (cases, journals)
}

/// Who writes the journals.
fn writer() -> Writer {
    let node = nix::unistd::gethostname()
        .ok()
        .and_then(|name| name.into_string().ok());
    Writer {
        version: BUILD.to_owned(),
        platform: format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH),
        node: node.unwrap_or_default(),
    }
}
