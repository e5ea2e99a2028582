//! An image as its Dockerfile says, by the engine's own builder.

use std::collections::HashMap;

use bollard::body_stream;
use bollard::query_parameters::{
    BuildImageOptions, BuildImageOptionsBuilder, TagImageOptionsBuilder,
};
use futures_util::stream;
use msvc_machine::clock::Clock;
use msvc_machine::shutdown::Shutdown;
use msvc_system::id::ServiceName;
use msvc_system::model::{Build, BuildCommand, ProcessBuild, Service, System};
use serde_json::Value;

use super::context::Context;
use crate::docker::engine::{Engine, EngineError, NO_SPACE, asked};
use crate::docker::labels;
use crate::docker::want::build;
use crate::docker::want::value::{bytes, flag, pairs, text, texts};
use steps::Steps;

mod steps;

/// How often a build begins when a step that it relies on is removed under it.
const TRIES: usize = 3;

/// Lines of a failed build that are shown.
const SHOWN: usize = 30;

/// One image to build.
#[derive(Clone, Copy)]
pub(super) struct Job<'a> {
    /// The project that it is built for.
    pub(super) project: &'a str,
    /// The service that its label names ([`called`]).
    pub(super) called: &'a ServiceName,
    pub(super) service: &'a Service,
    pub(super) build: &'a Build,
    pub(super) reference: &'a str,
    /// What its context holds, where a command of the file has made that.
    pub(super) made_of: Option<&'a str>,
    /// Time, and the wish to end.
    pub(super) clock: &'a dyn Clock,
    pub(super) shutdown: &'a Shutdown,
}

impl Job<'_> {
    fn field(&self, name: &str) -> Option<&Value> {
        let field = self.service.other_fields.get(&format!("build.{name}"));
        field.map(|field| &field.value)
    }

    fn asks(&self, name: &str) -> bool {
        self.field(name).and_then(flag).unwrap_or_default()
    }

    fn list(&self, name: &str) -> Vec<String> {
        self.field(name).and_then(texts).unwrap_or_default()
    }

    /// For which machine it is built: the build's own word, else the service's.
    fn platform(&self) -> Option<String> {
        let own = self.list("platforms").into_iter().next();
        let of_service = self.service.other_fields.get("platform");
        own.or_else(|| text(&of_service?.value))
    }

    /// The labels of the image: the file's, Compose's own, and by which it is cleared away.
    fn labels(&self) -> HashMap<String, String> {
        let asked = self.field("labels").and_then(|it| pairs(it, '='));
        let own = labels::of_image(self.project, self.called.as_str());
        let made_of = self.made_of;
        let made_of = made_of.map(|it| (labels::MADE_OF.to_owned(), it.to_owned()));
        let all = asked.into_iter().flatten().chain(own);
        all.chain(made_of).collect()
    }

    fn failed(&self, said: &[String], why: &str) -> EngineError {
        // The machine's fault, and not the Dockerfile's.
        if why.contains(NO_SPACE) {
            return EngineError::Refused {
                what: format!("building the image of {}", self.service.name),
                status: 500,
                why: why.to_owned(),
            };
        }
        // Nor is an image to begin from that cannot be had.
        if let Some(image) = wants_an_image(said) {
            return EngineError::Image {
                image,
                service: self.service.name.to_string(),
                why: why.to_owned(),
            };
        }
        let from = said.len().saturating_sub(SHOWN);
        let mut message = said.get(from..).unwrap_or_default().join("\n");
        if !message.is_empty() {
            message.push('\n');
        }
        message.push_str(why);
        EngineError::Build {
            service: self.service.name.to_string(),
            message,
        }
    }
}

/// Whether both have one image: by its name, and by how it is built.
pub(super) fn is_same(one: &Service, other: &Service) -> bool {
    fn how(service: &Service) -> impl Iterator<Item = (&String, &Value)> {
        let of_image = |name: &str| name.starts_with("build.") || name == "platform";
        let fields = service.other_fields.iter();
        fields.filter_map(move |(name, field)| of_image(name).then_some((name, &field.value)))
    }
    fn what(build: &Build) -> impl PartialEq {
        let Build {
            context,
            dockerfile,
            args,
            target,
            ..
        } = build;
        (
            context.clone(),
            dockerfile.clone(),
            args.clone(),
            target.clone(),
        )
    }
    let (Some(image), Some(build)) = (&one.image, &one.build) else {
        return false;
    };
    let named = other
        .image
        .as_ref()
        .is_some_and(|other| other.value == image.value);
    let built = other
        .build
        .as_ref()
        .is_some_and(|other| what(other) == what(build));
    named && built && how(one).eq(how(other))
}

/// The service that the label of its image names: the first that has this image, whichever of them
/// is booted, so that its label makes it no other image.
pub(super) fn called<'a>(system: &'a System, service: &'a Service) -> &'a ServiceName {
    let mut all = system.services.values();
    let first = all.find(|other| is_same(service, other));
    &first.unwrap_or(service).name
}

/// The image that the last step begins from, where that is what it does: `Step 1/3 : FROM IMAGE`.
fn wants_an_image(said: &[String]) -> Option<String> {
    let step = said.iter().rev().find_map(|line| {
        let rest = line.strip_prefix("Step ")?;
        rest.split_once(" : ").map(|(_, step)| step)
    })?;
    let mut words = step.split_whitespace();
    let is_from = words.next()?.eq_ignore_ascii_case("FROM");
    let image = words.find(|word| !word.starts_with("--"))?;
    is_from.then(|| image.to_owned())
}

/// What the context of a build holds, and what else is asked of it, where a command of the file makes
/// that context; none where anything else may have changed.
pub(super) async fn made_of(
    service: &Service,
    build: &Build,
) -> Result<Option<String>, EngineError> {
    let made = service.x_msvc.process.build.as_ref();
    let Some(ProcessBuild::Command(BuildCommand { image: true, .. })) = made else {
        return Ok(None);
    };
    let fields = service.other_fields.iter();
    let fields = fields.filter(|(field, _)| field.starts_with("build."));
    let fields: Vec<_> = fields.map(|(field, it)| (field, &it.value)).collect();
    let about = format!("{:?} {:?} {fields:?}", build.args, build.target);
    let inline = service.other_fields.get("build.dockerfile_inline");
    let inline = inline.and_then(|field| field.value.as_str());
    let context = Context::of(&build.context, &build.dockerfile, inline.map(str::to_owned))?;
    let state = tokio::task::spawn_blocking(move || context.state(&about)).await;
    // One that was cut off says nothing: it is built.
    state.ok().transpose()
}

/// Builds it; lines of the build go to `line`.
///
/// # Errors
/// When the context cannot be sent, or a step of the Dockerfile fails.
pub(super) async fn build(
    engine: &Engine,
    job: &Job<'_>,
    line: &(dyn Fn(String) + Sync),
) -> Result<(), EngineError> {
    for _ in 1..TRIES {
        match build_once(engine, job, line).await {
            Err(error) if has_lost_a_step(&error) => {}
            built => return built,
        }
    }
    build_once(engine, job, line).await
}

/// Whether a step that the builder had found done before was removed meanwhile, by whoever removed
/// an image that had it too.
fn has_lost_a_step(error: &EngineError) -> bool {
    let EngineError::Build { message, .. } = error else {
        return false;
    };
    let last = message.lines().last().unwrap_or_default();
    (last.contains("unable to find image") || last.contains("No such image"))
        && last.contains("sha256:")
}

async fn build_once(
    engine: &Engine,
    job: &Job<'_>,
    line: &(dyn Fn(String) + Sync),
) -> Result<(), EngineError> {
    let inline = job.field("dockerfile_inline").and_then(Value::as_str);
    let context = Context::of(
        &job.build.context,
        &job.build.dockerfile,
        inline.map(str::to_owned),
    )?;
    let options = options(job, &context.dockerfile);
    let (receiver, sending) = context.send();
    let chunks = stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|chunk| (chunk, receiver))
    });
    let body = Some(body_stream(chunks));
    let answers = engine.docker.build_image(options, None, body);
    let told = Steps::new(engine, job, line).follow(answers).await;
    // A file that could not be sent is the reason of whatever the engine said of it.
    match sending.await {
        Ok(Err(why @ EngineError::File { .. })) if told.is_ok() || is_about_a_file(&why) => {
            return Err(why);
        }
        _ => told?,
    }
    for tag in job.list("tags") {
        name_too(engine, job.reference, &tag).await?;
    }
    Ok(())
}

/// What is asked of the builder.
fn options(job: &Job<'_>, dockerfile: &str) -> BuildImageOptions {
    let arguments: HashMap<&str, &str> = job
        .build
        .args
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    let mut options = BuildImageOptionsBuilder::default()
        .dockerfile(dockerfile)
        .t(job.reference)
        .rm(true)
        .forcerm(true)
        .nocache(job.asks("no_cache"))
        .buildargs(&arguments)
        .labels(&job.labels());
    if job.asks("pull") {
        options = options.pull("true");
    }
    if let Some(target) = &job.build.target {
        options = options.target(target);
    }
    if let Some(network) = job.field("network").and_then(Value::as_str) {
        options = options.networkmode(network);
    }
    if let Some(platform) = job.platform() {
        options = options.platform(&platform);
    }
    let hosts = job.field("extra_hosts").and_then(build::hosts);
    if let Some(host) = hosts.unwrap_or_default().first() {
        options = options.extrahosts(host);
    }
    let shared = job.field("shm_size").and_then(bytes);
    if let Some(bytes) = shared.and_then(|bytes| i32::try_from(bytes).ok()) {
        options = options.shmsize(bytes);
    }
    let cache = job.list("cache_from");
    if !cache.is_empty() {
        options = options.cachefrom(&cache);
    }
    options.build()
}

/// Gives an image one more name.
async fn name_too(engine: &Engine, reference: &str, name: &str) -> Result<(), EngineError> {
    let (repository, tag) = tag_of(name);
    let options = TagImageOptionsBuilder::default().repo(repository).tag(tag);
    let tagged = engine.docker.tag_image(reference, Some(options.build()));
    let what = format!("naming image {reference} {name} too");
    tagged.await.map_err(asked(what))
}

/// A name without its tag, and the tag.
fn tag_of(name: &str) -> (&str, &str) {
    let colon = name.rfind(':').filter(|at| !name[*at..].contains('/'));
    match colon {
        Some(colon) => (&name[..colon], &name[colon + 1..]),
        None => (name, "latest"),
    }
}

/// Whether the sender itself failed, and not the engine that stopped reading.
fn is_about_a_file(error: &EngineError) -> bool {
    !error.to_string().contains("the engine stopped reading")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use msvc_machine::clock::MachineClock;
    use msvc_system::files::Files;
    use msvc_system::load::{LoadRequest, load};

    use super::*;

    fn asked(fields: &str) -> BuildImageOptions {
        let text = format!("name: shop\nservices: {{a: {{{fields}}}}}\n");
        let files = BTreeMap::from([("/system/compose.yaml".into(), text.into_bytes())]);
        let request = LoadRequest {
            directory: "/system".into(),
            ..LoadRequest::default()
        };
        let loaded = load(&request, &Files::in_memory(files));
        let system = loaded
            .unwrap_or_else(|why| panic!("{fields}: {why}"))
            .system;
        let service = system.service("a").unwrap();
        let job = Job {
            called: &service.name,
            service,
            build: service.build.as_ref().unwrap(),
            reference: "shop-a",
            made_of: None,
            project: "shop",
            clock: &MachineClock,
            shutdown: &Shutdown::new(),
        };
        options(&job, "Dockerfile")
    }

    #[test]
    fn what_a_build_asks_for_reaches_the_builder() {
        let plain = asked("build: .");
        assert_eq!(plain.t.as_deref(), Some("shop-a"));
        let labels = plain.labels.clone().unwrap_or_default();
        assert_eq!(labels["com.docker.compose.service"], "a");
        let of = |field: &str| asked(&format!("build: {{context: ., {field}}}"));
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(of("args: {A: 1}").buildargs.unwrap()["A"], "1");
        assert_eq!(of("cache_from: [x, y]").cachefrom.unwrap(), ["x", "y"]);
        assert_eq!(
            of("extra_hosts: [\"h=10.0.0.1\"]").extrahosts,
            text("h:10.0.0.1")
        );
        assert_eq!(of("labels: {five: 5}").labels.unwrap()["five"], "5");
        assert_eq!(of("network: host").networkmode, text("host"));
        assert!(of("no_cache: \"true\"").nocache);
        assert_eq!(of("platforms: [linux/arm64]").platform, "linux/arm64");
        assert_eq!(of("pull: true").pull, text("true"));
        assert_eq!(of("shm_size: 64m").shmsize, Some(64 << 20));
        assert_eq!(of("target: base").target, "base");
        let service = asked("build: ., platform: linux/arm64");
        assert_eq!(service.platform, "linux/arm64");
    }

    #[test]
    fn a_build_whose_cached_step_was_removed_is_known_from_one_that_fails() {
        let failed = |message: &str| EngineError::Build {
            service: "a".to_owned(),
            message: message.to_owned(),
        };
        let lost = "Step 3/11 : COPY program /a\nunable to find image \"sha256:1487e9\"";
        assert!(has_lost_a_step(&failed(lost)));
        for other in [
            "COPY failed: file not found in build context",
            "pull access denied for base",
            "unable to find image \"base:1\"",
        ] {
            assert!(!has_lost_a_step(&failed(other)), "{other}");
        }
    }

    #[test]
    fn an_image_to_begin_from_is_told_from_other_steps() {
        let wanted = |lines: &[&str]| {
            let lines: Vec<String> = lines.iter().map(|it| (*it).to_owned()).collect();
            wants_an_image(&lines)
        };
        let from = "Step 1/2 : FROM --platform=linux/amd64 nosuch:1 AS base";
        assert_eq!(wanted(&["Sending", from]).as_deref(), Some("nosuch:1"));
        assert_eq!(wanted(&[from, "Step 2/2 : COPY FROM b"]), None);
        assert_eq!(wanted(&[]), None);
    }

    #[test]
    fn a_name_is_parted_from_its_tag() {
        for (name, parts) in [
            ("a", ("a", "latest")),
            ("a:1", ("a", "1")),
            ("localhost:5000/a", ("localhost:5000/a", "latest")),
            ("localhost:5000/a:1", ("localhost:5000/a", "1")),
        ] {
            assert_eq!(tag_of(name), parts);
        }
    }
}
