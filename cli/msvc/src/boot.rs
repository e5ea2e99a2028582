//! Booting a lane of the system: built, planned, brought up. Used by every command that needs one
//! of its own or the user's.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use msvc_machine::ward::Mark;
use msvc_report::event::{Entry, Event};
use msvc_runtime::build::{self, BuildOutcome, BuildPlan, BuildRequest};
use msvc_runtime::contract::RuntimeError;
use msvc_runtime::docker;
use msvc_runtime::docker::image::BuildFrom;
use msvc_runtime::lane::{FurtherEdge, LaneOptions, Publish, Subset, chosen, given};
use msvc_runtime::observed::WayIn;
use msvc_runtime::ports::machine_binding::MachineBinding;
use msvc_runtime::process::{ProcessRuntime, ProjectHome};
use msvc_runtime::up::{Up, UpError, UpRequest, up};
use msvc_system::id::{LaneName, ServiceName};
use msvc_system::model::{PublishedPort, System};

use crate::context::{BUILD, Context};
use crate::failure::Failure;
use crate::place::Where;
use crate::running::AnyRuntime;
use not_started::{hook_failed, not_started, not_up_in_engine};

mod network;
mod not_started;

/// Which copy of which part of the system, and what becomes of its published ports.
#[derive(Debug, Clone)]
pub struct Wish {
    /// The lane.
    pub lane: LaneName,
    /// Which services.
    pub services: Subset,
    /// Published ports.
    pub publish: Publish,
    /// Settings over all others.
    pub environment: BTreeMap<ServiceName, BTreeMap<String, String>>,
    /// Edges that no file declares.
    pub further_edges: Vec<FurtherEdge>,
}

impl Wish {
    /// The whole system, as its file says.
    #[must_use]
    pub fn whole(publish: Publish) -> Self {
        Self {
            lane: LaneName::main(),
            services: Subset::All,
            publish,
            environment: BTreeMap::new(),
            further_edges: Vec::new(),
        }
    }

    /// As the runtime takes it.
    #[must_use]
    pub fn options(self, context: &Context, home: &ProjectHome) -> LaneOptions {
        LaneOptions {
            project: home.project().clone(),
            lane: self.lane,
            home: home.folder(),
            services: self.services,
            publish: self.publish,
            environment: self.environment,
            further_edges: self.further_edges,
            caller: context.environment.clone(),
            lenient: context.lenient,
            is_folder: Path::is_dir,
        }
    }
}

/// What cargo says of the services that are asked for; nothing is built yet.
pub struct Asked {
    services: BTreeSet<ServiceName>,
    directory: PathBuf,
    mark: Option<Mark>,
    plan: Option<BuildPlan>,
}

impl Asked {
    fn request<'a>(&'a self, context: &'a Context) -> BuildRequest<'a> {
        BuildRequest {
            system: &context.system,
            services: &self.services,
            caller: &context.environment,
            directory: &self.directory,
            mark: self.mark.as_ref(),
        }
    }
}

/// Whether `services` can start at all, as far as their files tell before anything is built.
///
/// # Errors
/// What no engine could do, and what a service is to be given and is not there.
pub fn can_start(context: &Context, services: &BTreeSet<ServiceName>) -> Result<(), Failure> {
    let impossible = context.system.impossible(services);
    let (files, from) = (context.terminal.files(), context.here.folder());
    impossible.settled(files, from).or(())?;
    Ok(given(&context.system, services, Path::exists)?)
}

/// Asks cargo, unless Dockerfiles may say all there is to say.
///
/// # Errors
/// When the file asks for what is not there.
pub async fn ask(context: &Context, services: &Subset) -> Result<Asked, Failure> {
    let services: BTreeSet<ServiceName> = chosen(&context.system, services)?;
    can_start(context, &services)?;
    let directory = std::env::current_dir().unwrap_or_else(|_| context.system.root.clone());
    let service = |name: &ServiceName| context.system.service(name.as_str());
    let builds = |name| service(name).is_some_and(|service| service.build.is_some());
    // Where nothing is built nobody needs to watch.
    let mark = services.iter().any(builds).then(|| context.mark());
    let mut asked = Asked {
        services,
        directory,
        mark: mark.flatten(),
        plan: None,
    };
    if context.build_from != BuildFrom::Dockerfile {
        let plan = build::plan(&asked.request(context), &context.shutdown).await?;
        asked.plan = Some(plan);
    }
    Ok(asked)
}

/// Builds what of `services` is out of date.
///
/// # Errors
/// When a build fails.
pub async fn build(
    context: &Context,
    services: &Subset,
    place: &Where,
) -> Result<BuildOutcome, Failure> {
    let asked = ask(context, services).await?;
    build_beside(context, asked, place, async |_| ()).await
}

/// Builds what is out of date, and beside it does whatever needs only to know what will be built.
///
/// # Errors
/// When a build fails.
pub async fn build_beside(
    context: &Context,
    mut asked: Asked,
    place: &Where,
    beside: impl AsyncFnOnce(&BuildOutcome),
) -> Result<BuildOutcome, Failure> {
    let plan = asked.plan.take();
    let request = asked.request(context);
    let plan = match plan {
        Some(plan) => for_place(plan, place),
        None => build_plan(context, &request, place).await?,
    };
    let sink = context.sink();
    let unbuilt = plan.unbuilt();
    let (built, ()) = tokio::join!(
        build::build(&plan, &request, &*context.clock, &sink, &context.shutdown),
        beside(&unbuilt)
    );
    Ok(built?)
}

/// What is to be built on the host for a runtime: for containers what cargo builds, and what a
/// Dockerfile copies.
///
/// # Errors
/// When the file asks for what is not there.
pub async fn build_plan(
    context: &Context,
    request: &BuildRequest<'_>,
    place: &Where,
) -> Result<BuildPlan, Failure> {
    if matches!(place, Where::Docker(_)) && context.build_from == BuildFrom::Dockerfile {
        return Ok(build::plan_for_dockerfiles(request)?);
    }
    let plan = build::plan(request, &context.shutdown).await?;
    Ok(for_place(plan, place))
}

fn for_place(mut plan: BuildPlan, place: &Where) -> BuildPlan {
    if matches!(place, Where::Docker(_)) {
        plan.commands.retain(|build| build.for_image);
        for build in &mut plan.cargo {
            build.link_statically = !build.is_static_itself();
        }
    }
    plan
}

/// Makes what a lane in containers stands on while its services are built. What does not succeed
/// here is met again by [`bring_up`], which tells why.
pub async fn ahead(
    context: &Context,
    runtime: &AnyRuntime,
    options: &LaneOptions,
    unbuilt: &BuildOutcome,
) {
    let AnyRuntime::Docker(runtime) = runtime else {
        return;
    };
    let request = docker::boot::BootRequest {
        system: &context.system,
        options,
        built: unbuilt,
        from: context.build_from,
        mesh: !context.no_mesh,
    };
    let (clock, sink) = (&*context.clock, context.sink());
    let made = docker::boot::ahead(runtime, &request, clock, &sink, &context.shutdown);
    let _ = made.await;
}

/// Brings a lane up in its runtime.
///
/// # Errors
/// When it cannot be started or does not get ready.
pub async fn bring_up(
    context: &Context,
    runtime: &AnyRuntime,
    options: &LaneOptions,
    built: &BuildOutcome,
    sink: &(dyn Fn(Event) + Send + Sync),
) -> Result<Up, Failure> {
    let system = &context.system;
    let told = |event: Event| match event {
        Event::SystemUp {
            system: name,
            mut entries,
            seconds,
            changed,
        } => {
            entries.iter_mut().for_each(|entry| spoken(system, entry));
            sink(Event::SystemUp {
                system: name,
                entries,
                seconds,
                changed,
            });
        }
        other => sink(other),
    };
    let mut up = brought_up(context, runtime, options, built, &told).await?;
    up.entries
        .iter_mut()
        .for_each(|entry| spoken(system, entry));
    Ok(up)
}

/// Puts `https` where a port is spoken to so; the runtimes carry it as any other.
fn spoken(system: &System, entry: &mut Entry) {
    if system.is_https(entry.service.as_str(), entry.port)
        && let Some(rest) = entry.url.strip_prefix("http://")
    {
        entry.url = format!("https://{rest}");
    }
}

/// Where the host calls each of the ways into a lane.
#[must_use]
pub fn entries(system: &System, ways: &[WayIn]) -> Vec<Entry> {
    let entry = |way: &WayIn| {
        let mut entry = Entry {
            service: way.service.clone(),
            port: way.port,
            url: format!("http://{}", way.address),
        };
        spoken(system, &mut entry);
        entry
    };
    ways.iter().map(entry).collect()
}

/// The same for people, as `up` says it: where nobody speaks HTTP an address, and no URL.
#[must_use]
pub fn entries_told(system: &System, ways: &[WayIn]) -> Vec<Entry> {
    let mut entries: Vec<Entry> = ways.iter().map(WayIn::entry).collect();
    entries.iter_mut().for_each(|entry| spoken(system, entry));
    entries
}

async fn brought_up(
    context: &Context,
    runtime: &AnyRuntime,
    options: &LaneOptions,
    built: &BuildOutcome,
    sink: &(dyn Fn(Event) + Send + Sync),
) -> Result<Up, Failure> {
    let runtime = match runtime {
        AnyRuntime::Process(runtime) => runtime,
        AnyRuntime::Docker(runtime) => {
            let request = docker::boot::BootRequest {
                system: &context.system,
                options,
                built,
                from: context.build_from,
                mesh: !context.no_mesh,
            };
            let (clock, shutdown) = (&*context.clock, &context.shutdown);
            let up = docker::boot::up(runtime, &request, clock, sink, shutdown);
            return match up.await {
                Ok(up) => Ok(up),
                Err(why) => Err(not_up_in_engine(&context.system, why)),
            };
        }
    };
    let request = UpRequest {
        system: &context.system,
        options,
        built,
    };
    let mut binding = MachineBinding;
    let up = up(
        runtime,
        &request,
        &mut binding,
        &*context.clock,
        sink,
        &context.shutdown,
    );
    match up.await {
        Ok(up) => Ok(up),
        Err(why) => Err(not_up(context, options, why).await),
    }
}

/// Why a lane of host processes is not up, in the words of who wrote the Compose file.
async fn not_up(context: &Context, options: &LaneOptions, why: UpError) -> Failure {
    match why {
        UpError::Runtime(RuntimeError::Start { instance, why }) => {
            let hint = "correct the words that start it, or install what they name; \
                        `x-msvc: {process: {command: […]}}` says what runs here";
            let service = context.system.service(instance.service.as_str());
            let place = service.map(|it| {
                let own = it.x_msvc.process.command_place.as_ref();
                own.unwrap_or(&it.command_place).clone()
            });
            not_started(&instance.service, &why, place, hint)
        }
        UpError::Runtime(RuntimeError::Gone { .. }) if is_down(context, options).await => {
            let project = options.project.to_string();
            RuntimeError::BroughtDown { project }.into()
        }
        other => hook_failed(&context.system, other).unwrap_or_else(Failure::from),
    }
}

/// Whether a project's supervisor has ended in order.
async fn is_down(context: &Context, options: &LaneOptions) -> bool {
    let Ok(home) = context.home_of(&options.project) else {
        return false;
    };
    let runs = ProcessRuntime::connect(&home, BUILD, &*context.clock).await;
    let ended = async || crate::ended::sentence(&home, &*context.clock).await;
    matches!(runs, Ok(None)) && matches!(ended().await, Ok(None))
}

/// `http://host:port` of each way in: by service (the first of its ports as the file has them) and
/// port, and by the port of the host that the file gives it.
#[must_use]
pub fn bases(system: &System, entries: &[Entry]) -> msvc_journey::Bases {
    let mut bases = msvc_journey::Bases::default();
    for entry in entries {
        bases = bases.with(format!("{}:{}", entry.service, entry.port), &entry.url);
        let service = system.service(entry.service.as_str());
        let ports = service.map(|it| it.ports.as_slice()).unwrap_or_default();
        let first = ports.first().map(|port| port.target);
        let has_first = entries
            .iter()
            .any(|it| it.service == entry.service && Some(it.port) == first);
        if !has_first || Some(entry.port) == first {
            bases = bases.with(entry.service.as_str(), &entry.url);
        }
        let its = ports.iter().filter(|port| port.target == entry.port);
        for published in its.filter_map(PublishedPort::asked).flatten() {
            bases = bases.published(published, &entry.url);
        }
    }
    // A port that the host knows by a number of the day is meant by its own, where it alone has it.
    for entry in entries {
        let same = entries.iter().filter(|it| it.port == entry.port);
        if same.count() == 1 {
            bases = bases.published(entry.port, &entry.url);
        }
    }
    bases
}
