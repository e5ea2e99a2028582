//! Contracts on a running system: each provider alone, in a lane of its own.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use msvc_contract::pact::{self, PactFile, Pacts, Selection};
use msvc_contract::verify::{self, ProviderEntry};
use msvc_report::case::{Case, Verdict};
use msvc_report::event::Event;
use msvc_report::exit::Exit;
use msvc_runtime::build::BuildOutcome;
use msvc_runtime::lane::{FurtherEdge, Publish, Subset};
use msvc_runtime::observed::WayIn;
use msvc_runtime::plan::{Deed, Step};
use msvc_runtime::process::ProjectHome;
use msvc_system::id::{LaneName, Party, ServiceName};
use msvc_system::problem::nearest;

use super::Sink;
use crate::artifacts;
use crate::boot::{self, Wish};
use crate::context::{Context, quoted};
use crate::exchanges::Exchanges;
use crate::failure::Failure;
use crate::running::AnyRuntime;
use crate::service_ca;

/// The longest that a provider may take for one answer or one state.
const PROVIDER_TIMEOUT: Duration = Duration::from_secs(10);

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
        given.iter().map(|path| context.here.whole(path)).collect()
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
    /// The services as they were built a moment ago; without it providers are built first.
    pub built: Option<&'a BuildOutcome>,
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
    runtime: &AnyRuntime,
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
    let mut is_begun = runtime.mesh().is_some();
    for (number, (provider, files)) in by_provider.into_iter().enumerate() {
        let Some(name) = context
            .system
            .services
            .keys()
            .find(|name| name.as_str() == provider)
        else {
            cases.extend(
                files
                    .iter()
                    .map(|file| no_provider(context, file, &contracts.again, sink)),
            );
            continue;
        };
        let lane =
            LaneName::new(format!("verify-{}", number + 1)).unwrap_or_else(|_| LaneName::main());
        let one = Provider {
            name,
            lane: &lane,
            files: &files,
            built: contracts.built,
            again: &contracts.again,
            is_begun: std::mem::replace(&mut is_begun, true),
        };
        let proven = one_provider(context, runtime, home, &one, sink).await;
        // With its lane goes what a container wrote.
        artifacts::keep_logs(context, home, runtime).await;
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
    built: Option<&'a BuildOutcome>,
    again: &'a str,
    /// Whether exchanges of others are written down already.
    is_begun: bool,
}

async fn one_provider(
    context: &Context,
    runtime: &AnyRuntime,
    home: &ProjectHome,
    one: &Provider<'_>,
    sink: Sink<'_>,
) -> Result<Vec<Case>, Failure> {
    let Provider {
        name: provider,
        lane,
        files,
        built,
        again,
        is_begun,
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
    let anew;
    let built = match built {
        Some(built) => built,
        None => {
            anew = boot::build(context, &wish.services, &context.place_of(runtime)).await?;
            &anew
        }
    };
    let options = wish.options(context, home);
    let quiet = |event: Event| {
        if !matches!(event, Event::SystemUp { .. }) {
            sink(event);
        }
    };
    boot::bring_up(context, runtime, &options, built, &quiet).await?;
    let observed = runtime.get().observe().await?;
    let ways = observed.ways_in(lane, &Party::Verifier);
    let ways: Vec<_> = ways
        .into_iter()
        .filter(|way| way.service == *provider)
        .collect();
    let entries = boot::entries(&context.system, &ways);
    let Some(base_url) = entries.into_iter().next().map(|entry| entry.url) else {
        let what = format!("{provider} has no port that the verifier could call");
        return Err(Failure::new(Exit::CouldNot, what)
            .hint("name its port: `expose`, `ports` or `x-msvc.process.port`"));
    };
    let trust_pem = certificates(context, &base_url, &ways, lane, runtime, home).await?;
    let states = extension
        .and_then(|e| e.states)
        .map(|path| format!("{base_url}{}", path.value));
    let target = ProviderEntry {
        base_url,
        states_url: states,
        timeout: PROVIDER_TIMEOUT,
        trust_pem,
        again: again.to_owned(),
    };
    let mesh = runtime.further_mesh(lane).await?;
    let exchanges = match is_begun {
        false => Exchanges::record(context, mesh.as_ref()).await,
        true => Exchanges::record_too(context, mesh.as_ref()).await,
    };
    let proven = verify::verify(files, &target, &*context.clock, sink, &context.shutdown).await;
    if let Some(exchanges) = exchanges {
        exchanges.end(context).await;
    }
    proven.map_err(|why| match why {
        verify::VerifyError::Interrupted => Failure::interrupted(),
        other => Failure::new(Exit::CouldNot, other.to_string()),
    })
}

/// What vouches for the provider, where it is spoken to over HTTPS.
async fn certificates(
    context: &Context,
    base_url: &str,
    ways: &[WayIn],
    lane: &LaneName,
    runtime: &AnyRuntime,
    home: &ProjectHome,
) -> Result<Option<Vec<u8>>, Failure> {
    if !base_url.starts_with("https://") {
        return Ok(None);
    }
    let trusted = service_ca::trusted(context, ways, lane, runtime, home);
    let Some(trusted) = trusted.first() else {
        return Ok(None);
    };
    match trusted.authority.certificates().await {
        Ok(pem) => Ok(Some(pem)),
        Err(problem) => Err(Failure {
            exit: Exit::CouldNot,
            problems: vec![problem],
            lines: Vec::new(),
        }),
    }
}

fn no_provider(context: &Context, file: &PactFile, again: &str, sink: Sink<'_>) -> Case {
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
        context.here.path(&file.path).display()
    ));
    let known = context.system.services.keys().map(ServiceName::as_str);
    if let Some(near) = nearest(&file.provider, known) {
        case = case.because(format!(
            "did you mean `{near}`? The pact names its provider"
        ));
    }
    case.repeat = Some(format!("{again} --provider {}", quoted(&file.provider)));
    sink(Event::CaseEnded { case: case.clone() });
    case
}

/// Stops everything in a lane and closes its edges.
async fn clear_lane(runtime: &AnyRuntime, lane: &LaneName) -> Result<(), Failure> {
    let observed = runtime.get().observe().await?;
    let instances = observed.instances.iter().filter(|i| i.id.lane == *lane);
    let edges = observed.edges.iter().filter(|e| e.id.lane == *lane);
    let deeds: Vec<Deed> = instances
        .map(|i| Deed::Stop(i.id.clone()))
        .chain(edges.map(|e| Deed::CloseEdge(e.id.clone())))
        .collect();
    for deed in deeds {
        runtime
            .get()
            .apply(&Step {
                deed,
                cause: "its lane is done with".to_owned(),
            })
            .await?;
    }
    Ok(())
}
