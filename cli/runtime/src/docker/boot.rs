//! `up` in an engine: images made or had, a lane wanted, planned, carried out.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};

use msvc_machine::clock::Clock;
use msvc_machine::shutdown::Shutdown;
use msvc_report::event::Event;
use msvc_system::id::{InstanceId, ServiceName};
use msvc_system::problem::Problem;

use super::engine::{ApiVersion, Engine, EngineError};
use super::image::{self, ImageFacts, ImageRequest};
use super::runtime::DockerRuntime;
use super::want::addresses::Subnet;
use super::want::{MeshWish, Wish, may_be_wanted, wanted};
use super::{endings, given, listeners, mesh_container, published, strangers, subnets};
use crate::build::BuildOutcome;
use crate::contract::{Runtime, RuntimeError};
use crate::docker::image::BuildFrom;
use crate::executor::Execution;
use crate::lane::{LaneOptions, Publish, chosen};
use crate::observed::Observed;
use crate::plan::{Deed, decide};
use crate::ports::machine_binding::MachineBinding;
use crate::ports::{Binding as _, Book};
use crate::provision::Provision;
use crate::up::{Prepared, Up, UpError, carry_out, taken_now};
use msvc_system::model::{Protocol, PublishedPort, System};

/// So often is begun where somebody else was given a range, or removed an image or a network, meanwhile: each
/// time in another range.
const TRIES: u32 = 8;

/// What is to be up.
#[derive(Debug, Clone, Copy)]
pub struct BootRequest<'a> {
    /// The system.
    pub system: &'a System,
    /// As which lane of which project.
    pub options: &'a LaneOptions,
    /// What was built of it on the host.
    pub built: &'a BuildOutcome,
    /// From what images are made.
    pub from: BuildFrom,
    /// Whether a mesh carries its edges.
    pub mesh: bool,
}

impl<'a> BootRequest<'a> {
    fn wish(
        &self,
        api: ApiVersion,
        images: &'a BTreeMap<ServiceName, ImageFacts>,
        mesh: Option<&'a MeshWish>,
    ) -> Wish<'a> {
        Wish {
            system: self.system,
            options: self.options,
            images,
            mesh,
            api,
        }
    }
}

/// Decides what an `up` would do with the images that are known. Makes nothing.
///
/// # Errors
/// When the system cannot run as the file says.
pub fn prepare(
    api: ApiVersion,
    request: &BootRequest<'_>,
    images: &BTreeMap<ServiceName, ImageFacts>,
    mesh: Option<&MeshWish>,
    observed: &Observed,
) -> Result<Prepared, UpError> {
    let mut wanted = wanted(&request.wish(api, images, mesh))?;
    wanted.warnings.extend(taken_over(request, observed));
    listeners::keep(&mut wanted.edges, &observed.edges);
    let is_there = |it: &Provision| {
        let mut there = observed.provisions.iter();
        there.any(|there| (&there.name, &there.hash) == (&it.name, &it.hash))
    };
    let new = wanted.provisions.iter().filter(|it| !is_there(it));
    if let Some(taken) = mesh.and_then(|mesh| published::by_the_mesh(mesh, new)) {
        return Err(taken.into());
    }
    let plan = decide(observed, &wanted, &Book::default());
    Ok(Prepared { wanted, plan })
}

/// What `docker compose` made of the project is no longer as it was: that is told.
fn taken_over(request: &BootRequest<'_>, observed: &Observed) -> Option<Problem> {
    let what = match observed.made_elsewhere() {
        0 => return None,
        1 => "a container".to_owned(),
        many => format!("{many} containers"),
    };
    Some(Problem::warning(format!(
        "{} has {what} that Docker Compose made: made anew, with the same data",
        request.options.project
    )))
}

/// What a dry run can know: names of images, and not what they say of themselves.
///
/// # Errors
/// When the system cannot run as the file says.
pub async fn dry_run(
    runtime: &DockerRuntime,
    request: &BootRequest<'_>,
    observed: &Observed,
) -> Result<Prepared, UpError> {
    let engine = runtime.engine();
    strangers::none_of_others(engine, request.system, request.options).await?;
    let mesh = match request.mesh {
        false => None,
        true => Some(MeshWish {
            subnets: subnets::of_lane(engine, request.system, request.options, &[]).await?,
            ..runtime.held(&request.options.lane).await?
        }),
    };
    let services = chosen(request.system, &request.options.services)?;
    let asked = images_of(request, &services);
    let images = image::unmade(&asked);
    // As `may_be` has it: with and without a mesh, what the file gets wrong is the same.
    may_be_wanted(&request.wish(engine.speaks(), &images, None))?;
    let mut prepared = prepare(engine.speaks(), request, &images, mesh.as_ref(), observed)?;
    let Prepared { wanted, plan } = &prepared;
    strangers::may_be_made_anew(engine, request.system, wanted, plan).await?;
    let own = runtime.held(&request.options.lane).await?.ports();
    let warnings = taken_ports(engine, request, &services, (observed, own)).await;
    prepared.wanted.warnings.extend(warnings);
    Ok(prepared)
}

/// The published ports that somebody else has now: neither a service nor what carries the edges.
async fn taken_ports(
    engine: &Engine,
    request: &BootRequest<'_>,
    services: &BTreeSet<ServiceName>,
    (observed, carried): (&Observed, Vec<u16>),
) -> Vec<Problem> {
    let mut problems = Vec::new();
    if request.options.publish != Publish::AsTheFileSays {
        return problems;
    }
    let own: Vec<u16> = observed
        .published
        .iter()
        .map(|it| it.address.port())
        .chain(carried)
        .collect();
    let published = services.iter().filter_map(|name| {
        let service = request.system.service(name.as_str())?;
        let tcp = |port: &&PublishedPort| port.protocol == Protocol::Tcp;
        Some(service.ports.iter().filter(tcp))
    });
    for port in published.flatten() {
        let Some(mut numbers) = port.asked() else {
            continue;
        };
        let ip = port.host_ip.as_deref().and_then(|ip| ip.parse().ok());
        let at = |number| SocketAddr::new(ip.unwrap_or(Ipv4Addr::UNSPECIFIED.into()), number);
        let (number, last) = (*numbers.start(), *numbers.end());
        if numbers.any(|it| own.contains(&it) || MachineBinding.is_free(at(it))) {
            continue;
        }
        let address = at(number);
        let owner = published::owner_of(engine, address).await;
        let others = match last - number {
            0 => number.to_string(),
            _ => format!("{number} to {last}, which are all taken"),
        };
        let hint = format!("end what has it, or publish another port than {others}");
        let taken = taken_now(&address.to_string(), owner.as_deref(), &hint);
        problems.push(taken.at(port.place.clone()));
    }
    problems
}

/// Brings a system up: what runs already as it is wanted is left alone.
///
/// # Errors
/// When an image cannot be made or had, the system cannot run as the file says, a service is not
/// started or not ready, or a shutdown is requested. What was started by then runs on; taking it
/// down is the caller's to decide.
pub async fn up(
    runtime: &DockerRuntime,
    request: &BootRequest<'_>,
    clock: &dyn Clock,
    sink: &(dyn Fn(Event) + Send + Sync),
    shutdown: &Shutdown,
) -> Result<Up, UpError> {
    let began = clock.now();
    let services = chosen(request.system, &request.options.services)?;
    let asked = images_of(request, &services);
    let execution = Execution {
        runtime,
        clock,
        sink,
        shutdown,
    };
    let mut carrier = may_be(runtime, request, &asked, execution).await?;
    let mut images = image::provide(runtime.engine(), &asked, clock, sink, shutdown).await?;
    let (mut tries, mut tried) = (TRIES, Vec::new());
    loop {
        let from = (&images, carrier.as_ref());
        let prepared = next(runtime, request, from, &mut tried, execution).await?;
        tries -= 1;
        match carry_out(prepared, execution, began).await {
            Err(error) if tries > 0 && lost_its_range(request.system, &error) => {}
            Err(error) if tries > 0 && lost_a_network(&error) => {}
            Err(error) if tries > 0 && lost_an_image(&error) => {
                carrier = may_be(runtime, request, &asked, execution).await?;
                images = image::provide(runtime.engine(), &asked, clock, sink, shutdown).await?;
            }
            Ok(up) => {
                see_through(runtime, &up).await?;
                return Ok(up);
            }
            failed => return failed,
        }
    }
}

/// What ended with 0 while it was brought up is done.
async fn see_through(runtime: &DockerRuntime, up: &Up) -> Result<(), UpError> {
    let started = up.plan.steps.iter().filter_map(|it| match &it.step.deed {
        Deed::Start(spec) if !spec.can_be_asked() => Some(spec.id.clone()),
        _ => None,
    });
    let started: Vec<InstanceId> = started.collect();
    if !started.is_empty() {
        let found = runtime.found().await.map_err(RuntimeError::from)?;
        endings::seen_through(runtime, &found, &started);
    }
    Ok(())
}

/// Makes what an `up` of a system of which nothing runs makes before any image is there: networks,
/// volumes, the mesh. To be done while programs are being built; `request` says what they will be.
///
/// # Errors
/// As [`up`], which meets them too: it goes on from whatever there is.
pub async fn ahead(
    runtime: &DockerRuntime,
    request: &BootRequest<'_>,
    clock: &dyn Clock,
    sink: &(dyn Fn(Event) + Send + Sync),
    shutdown: &Shutdown,
) -> Result<(), UpError> {
    let services = chosen(request.system, &request.options.services)?;
    let asked = images_of(request, &services);
    let execution = Execution {
        runtime,
        clock,
        sink,
        shutdown,
    };
    let carrier = may_be(runtime, request, &asked, execution).await?;
    let images = image::unmade(&asked);
    let from = (&images, carrier.as_ref());
    let prepared = next(runtime, request, from, &mut Vec::new(), execution).await?;
    Ok(execution.run(&prepared.plan.ahead()).await?)
}

/// Whether it may be at all: what the file gets wrong is told before anything is made. The image of
/// what carries its edges.
async fn may_be(
    runtime: &DockerRuntime,
    request: &BootRequest<'_>,
    asked: &ImageRequest<'_>,
    Execution { clock, sink, .. }: Execution<'_>,
) -> Result<Option<ImageFacts>, UpError> {
    runtime.alone().await?;
    // One that has locked itself up is told at once, and not by the first network that it owes.
    let is_local = runtime.engine().is_local().await;
    is_local.map_err(RuntimeError::from)?;
    let api = runtime.engine().speaks();
    let unmade = image::unmade(asked);
    may_be_wanted(&request.wish(api, &unmade, None))?;
    strangers::none_of_others(runtime.engine(), request.system, request.options).await?;
    given::is_there(runtime.engine(), request.system, request.options).await?;
    if !request.mesh {
        return Ok(None);
    }
    let made = mesh_container::image(runtime.engine(), sink, clock).await;
    Ok(Some(made.map_err(RuntimeError::from)?))
}

/// What is wanted of a mesh, where there is to be one. No network that is yet to be made is in a
/// range that was `tried`.
async fn wish(
    runtime: &DockerRuntime,
    request: &BootRequest<'_>,
    carrier: Option<&ImageFacts>,
    tried: &[Subnet],
) -> Result<Option<MeshWish>, RuntimeError> {
    let Some(image) = carrier else {
        return Ok(None);
    };
    let (subnets, held) = tokio::try_join!(
        subnets::of_lane(runtime.engine(), request.system, request.options, tried),
        runtime.held(&request.options.lane)
    )?;
    Ok(Some(MeshWish {
        subnets,
        image: image.clone(),
        ..held
    }))
}

/// What to do next, from what is there now. `tried` is told the ranges that are asked for.
async fn next(
    runtime: &DockerRuntime,
    request: &BootRequest<'_>,
    (images, carrier): (&BTreeMap<ServiceName, ImageFacts>, Option<&ImageFacts>),
    tried: &mut Vec<Subnet>,
    Execution { shutdown, .. }: Execution<'_>,
) -> Result<Prepared, UpError> {
    // As late as may be: others choose ranges of the same engine.
    let looks = async {
        let wish = wish(runtime, request, carrier, tried);
        tokio::try_join!(wish, runtime.observe())
    };
    let (mesh, observed) = tokio::select! {
        looked = looks => looked?,
        () = shutdown.requested() => return Err(RuntimeError::Interrupted.into()),
    };
    tried.extend(mesh.iter().flat_map(|it| it.subnets.values()));
    let api = runtime.engine().speaks();
    let mut prepared = prepare(api, request, images, mesh.as_ref(), &observed)?;
    let Prepared { wanted, plan } = &prepared;
    strangers::may_be_made_anew(runtime.engine(), request.system, wanted, plan).await?;
    let warnings = runtime.uncarried(&prepared).await?;
    prepared.wanted.warnings.extend(warnings);
    Ok(prepared)
}

/// Whether somebody else has the range that was chosen. An engine gives it away before it lists the
/// network that has it, and takes it back after it has listed it for the last time.
fn lost_its_range(system: &System, error: &UpError) -> bool {
    let UpError::Runtime(RuntimeError::Network { network, why, .. }) = error else {
        return false;
    };
    let declared = system.networks.get(network);
    let is_written = declared.is_some_and(|it| subnets::of_ipv4(it).next().is_some());
    why.contains("Pool overlaps") && !is_written
}

/// Whether somebody else removed an image that was there a moment ago: another project that has
/// replaced it under the same name, another msvc that was built anew, or whoever clears up.
fn lost_an_image(error: &UpError) -> bool {
    missing(error).is_some_and(|why| why.contains("no such image"))
}

/// Whether somebody who clears up removed a network that was made a moment ago, on which nobody was yet.
fn lost_a_network(error: &UpError) -> bool {
    missing(error).is_some_and(|why| why.contains("network") && why.contains("not found"))
}

/// An engine's words, in small letters, of something that is not there.
fn missing(error: &UpError) -> Option<String> {
    let UpError::Runtime(RuntimeError::Engine(error @ EngineError::Refused { why, .. })) = error
    else {
        return None;
    };
    error.is_missing().then(|| why.to_lowercase())
}

fn images_of<'a>(
    request: &BootRequest<'a>,
    services: &'a std::collections::BTreeSet<ServiceName>,
) -> ImageRequest<'a> {
    ImageRequest {
        system: request.system,
        services,
        built: request.built,
        from: request.from,
    }
}
