//! The image of each service: packed from what cargo built, built as a Dockerfile says, or had
//! from a registry where it is not there yet.
//!
//! What comes in: a system, what was built of it on the host, an engine. What leaves: for each
//! service the image's name, its id, and what it says of itself. What must not enter: containers.
//!
//! Layout: `pack` makes an image of a binary in memory (`elf` refuses what cannot run alone);
//! `context` and `ignore` read a build context, `dockerfile` has it built; `pull` has an image
//! from its registry; `name` is what one may be called, `platform` for which machine it is,
//! `facts` what one says of itself; `unused` removes what nobody needs any more.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use bollard::models::ImageInspect;
use futures_util::{StreamExt, stream};
use msvc_machine::clock::Clock;
use msvc_machine::shutdown::Shutdown;
use msvc_report::event::Event;
use msvc_system::id::ServiceName;
use msvc_system::model::{Service, System};
use tokio::sync::Mutex;

use super::engine::{Engine, EngineError};
use super::labels;
use crate::build::{BuildOutcome, Built};
use crate::contract::RuntimeError;

mod context;
mod dockerfile;
mod elf;
mod facts;
mod ignore;
pub(super) mod name;
mod pack;
pub(super) mod platform;
pub(super) mod pull;
mod unused;

pub use facts::ImageFacts;
use facts::facts;
pub(crate) use facts::health;
pub use unused::{forget, forget_unused};

/// Images made or had at once: each holds a program in memory.
const AT_ONCE: usize = 3;

/// From what images are made where both ways are open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BuildFrom {
    /// What cargo built on the host is packed, whatever Dockerfile stands beside it.
    #[default]
    Host,
    /// The Dockerfile is built.
    Dockerfile,
}

/// Whose images are asked for.
#[derive(Debug, Clone, Copy)]
pub struct ImageRequest<'a> {
    /// The system.
    pub system: &'a System,
    /// Which of its services.
    pub services: &'a BTreeSet<ServiceName>,
    /// What was built on the host.
    pub built: &'a BuildOutcome,
    /// From what.
    pub from: BuildFrom,
}

/// What is known before anything is made or had.
#[must_use]
pub fn unmade(request: &ImageRequest<'_>) -> BTreeMap<ServiceName, ImageFacts> {
    let of = |service: &Service| ImageFacts {
        reference: reference(request, service),
        program: packed(request, service).and_then(|built| built.program.clone()),
        ..ImageFacts::default()
    };
    let services = request.services.iter();
    services
        .filter_map(|name| request.system.services.get(name))
        .map(|service| (service.name.clone(), of(service)))
        .collect()
}

/// Makes or has every image.
///
/// # Errors
/// The first that cannot be made or had; or the user wants to end.
pub async fn provide(
    engine: &Engine,
    request: &ImageRequest<'_>,
    clock: &dyn Clock,
    sink: &(dyn Fn(Event) + Send + Sync),
    shutdown: &Shutdown,
) -> Result<BTreeMap<ServiceName, ImageFacts>, RuntimeError> {
    let services: Vec<&Service> = request
        .services
        .iter()
        .filter_map(|name| request.system.services.get(name))
        .collect();
    let teller = Teller { clock, sink };
    // One image under one name for several services (web, worker and cron of one program) is made
    // once.
    let (services, same): (Vec<&Service>, Vec<&Service>) = services
        .iter()
        .partition(|service| maker(request, service) == service.name);
    let described = services
        .iter()
        .filter(|service| packed(request, service).is_none());
    let builds = described.filter_map(|service| service.build.as_ref());
    let contexts = builds.map(|build| (build.context.as_path(), Mutex::new(())));
    let contexts: &BTreeMap<&Path, Mutex<()>> = &contexts.collect();
    let each = stream::iter(services).map(|service| async move {
        // Builds of one folder come one after the other: at once none would find the other's
        // steps, and the next `up` would find them to be somebody else's.
        let build = service.build.as_ref();
        let context = build.and_then(|build| contexts.get(build.context.as_path()));
        let _alone = match context {
            Some(context) => Some(context.lock().await),
            None => None,
        };
        if shutdown.is_requested() {
            return Err(RuntimeError::Interrupted);
        }
        let facts = one(engine, request, service, teller, shutdown).await?;
        Ok((service.name.clone(), facts))
    });
    let mut each = std::pin::pin!(each.buffer_unordered(AT_ONCE));
    let mut all = BTreeMap::new();
    while let Some(one) = each.next().await {
        match one {
            Ok((name, facts)) => drop(all.insert(name, facts)),
            // Builds that are given up end all by themselves.
            Err(_) if shutdown.is_requested() => {}
            Err(error) => return Err(error),
        }
    }
    for service in same {
        if let Some(facts) = all.get(&maker(request, service)).cloned() {
            all.insert(service.name.clone(), facts);
        }
    }
    match shutdown.is_requested() {
        true => Err(RuntimeError::Interrupted),
        false => Ok(all),
    }
}

/// Which of the services that are asked for makes the image of `service`: the first of those whose
/// image has the same name and is built in the same way.
fn maker(request: &ImageRequest<'_>, service: &Service) -> ServiceName {
    let asked = request.services.iter();
    let mut asked = asked.filter_map(|name| request.system.services.get(name));
    let same = |other: &&Service| {
        packed(request, service).is_none()
            && packed(request, other).is_none()
            && dockerfile::is_same(service, other)
    };
    let first = asked.find(same).unwrap_or(service);
    first.name.clone()
}

/// What comes of it, unless the user wants to end first.
async fn unless_given_up<T>(
    shutdown: &Shutdown,
    making: impl Future<Output = Result<T, EngineError>>,
) -> Result<T, RuntimeError> {
    tokio::select! {
        biased;
        () = shutdown.requested() => Err(RuntimeError::Interrupted),
        made = making => Ok(made?),
    }
}

/// The image of one program alone, made when the engine does not have it.
///
/// # Errors
/// When the program cannot run alone, or the engine does not take it.
pub(super) async fn of_program(
    engine: &Engine,
    program: &Path,
    name: &str,
    sink: &(dyn Fn(Event) + Send + Sync),
    clock: &dyn Clock,
) -> Result<ImageFacts, EngineError> {
    let plan = pack::Plan::of_program(program, name)?;
    if inspect(engine, &plan.reference).await?.is_none() {
        let teller = Teller { clock, sink };
        let what = format!("image {}", plan.reference);
        teller.while_making(what, pack::load(engine, &plan)).await?;
    }
    Ok(ImageFacts {
        program: Some(plan.program().to_owned()),
        reference: plan.reference,
        ..ImageFacts::default()
    })
}

/// Tells what is being made.
#[derive(Clone, Copy)]
struct Teller<'a> {
    clock: &'a dyn Clock,
    sink: &'a (dyn Fn(Event) + Send + Sync),
}

impl Teller<'_> {
    async fn while_making<T, E>(
        &self,
        what: String,
        making: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let making = async { Ok((making.await?, true)) };
        self.unless_it_was_there(what, making).await
    }

    /// The same where only the making itself tells whether anything was made.
    async fn unless_it_was_there<T, E>(
        &self,
        what: String,
        making: impl Future<Output = Result<(T, bool), E>>,
    ) -> Result<T, E> {
        let since = self.clock.now();
        (self.sink)(Event::BuildBegan { what: what.clone() });
        let (made, changed) = making.await?;
        (self.sink)(Event::BuildEnded {
            what,
            changed,
            seconds: self.clock.now().duration_since(since).as_secs_f64(),
        });
        Ok(made)
    }

    fn line(&self, line: String) {
        (self.sink)(Event::BuildProgress { line });
    }
}

/// What cargo built of a service, when that is what its image is made of.
fn packed<'a>(request: &ImageRequest<'a>, service: &Service) -> Option<&'a Built> {
    let built = request.built.services.get(&service.name)?;
    let is_host = request.from == BuildFrom::Host;
    (is_host && service.build.is_some() && built.program.is_some()).then_some(built)
}

/// The name of a service's image; of a packed one without its tag.
fn reference(request: &ImageRequest<'_>, service: &Service) -> String {
    match &service.image {
        Some(image) => image.value.clone(),
        None => format!(
            "{}-{}",
            request.system.name,
            service.name.as_str().to_lowercase()
        ),
    }
}

async fn one(
    engine: &Engine,
    request: &ImageRequest<'_>,
    service: &Service,
    teller: Teller<'_>,
    shutdown: &Shutdown,
) -> Result<ImageFacts, RuntimeError> {
    let reference = reference(request, service);
    let inspect = async |name: &str| {
        let found = inspect(engine, name).await;
        found.map_err(|error| no_name(error, name, service))
    };
    if let Some(built) = packed(request, service) {
        let project = request.system.name.as_str();
        let plan = pack::Plan::of(project, service, built, &reference)?;
        let image = match inspect(&plan.reference).await? {
            Some(image) => image,
            None => {
                let what = format!("image {}", plan.reference);
                let made = unless_given_up(shutdown, pack::load(engine, &plan));
                teller.while_making(what, made).await?;
                there(engine, service, &plan.reference).await?
            }
        };
        return Ok(ImageFacts {
            program: built.program.clone(),
            contents: pack::contents(&image),
            ..facts(&plan.reference, &image)
        });
    }
    if let Some(build) = &service.build {
        let made_of = dockerfile::made_of(service, build).await?;
        let before = inspect(&reference).await?;
        if let (Some(made_of), Some(image)) = (&made_of, &before) {
            let labels = image.config.as_ref().and_then(|it| it.labels.as_ref());
            if labels.and_then(|it| it.get(labels::MADE_OF)) == Some(made_of) {
                return Ok(facts(&reference, image));
            }
        }
        let what = format!("image {reference}");
        let job = dockerfile::Job {
            project: request.system.name.as_str(),
            called: dockerfile::called(request.system, service),
            service,
            build,
            reference: &reference,
            made_of: made_of.as_deref(),
            clock: teller.clock,
            shutdown,
        };
        let line = |line| teller.line(line);
        let making = async {
            // A builder that finds every step done before leaves the image that was there.
            let image = dockerfile::build(engine, &job, before.as_ref(), &line).await?;
            let before = before.and_then(|it| it.id);
            let changed = before.is_none() || image.id != before;
            Ok::<_, EngineError>((image, changed))
        };
        let image = teller.unless_it_was_there(what, making).await?;
        return Ok(facts(&reference, &image));
    }
    let there_is = inspect(&reference).await?;
    let other = there_is
        .as_ref()
        .and_then(|it| pull::is_for_another(service, it));
    let image = match there_is {
        Some(image) if !pull::is_asked_always(service) && other.is_none() => image,
        _ => {
            let what = format!("image {reference}");
            let had = unless_given_up(shutdown, pull::pull(engine, service, &reference, other));
            teller.while_making(what, had).await?;
            there(engine, service, &reference).await?
        }
    };
    Ok(facts(&reference, &image))
}

/// What an engine says of a name that newer ones take and it does not, told of the service.
fn no_name(error: EngineError, name: &str, service: &Service) -> EngineError {
    match error {
        EngineError::Refused { why, .. } if why.contains("invalid reference format") => {
            EngineError::Image {
                image: name.to_owned(),
                service: service.name.to_string(),
                why,
            }
        }
        other => other,
    }
}

/// The image of that name, when the engine has it.
async fn inspect(engine: &Engine, reference: &str) -> Result<Option<ImageInspect>, EngineError> {
    let found = engine.docker.inspect_image(reference);
    match engine
        .ask(format!("looking for image {reference}"), found)
        .await
    {
        Ok(image) => Ok(Some(image)),
        Err(error) if error.is_missing() => Ok(None),
        Err(error) => Err(error),
    }
}

async fn there(
    engine: &Engine,
    service: &Service,
    reference: &str,
) -> Result<ImageInspect, EngineError> {
    let found = inspect(engine, reference).await?;
    found.ok_or_else(|| EngineError::Image {
        image: reference.to_owned(),
        service: service.name.to_string(),
        why: "the engine took it and does not have it".to_owned(),
    })
}
