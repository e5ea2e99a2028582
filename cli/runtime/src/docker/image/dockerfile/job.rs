//! One image to build: what it is, what is asked of the builder, and what its failure means.

use std::collections::HashMap;

use bollard::query_parameters::{BuildImageOptions, BuildImageOptionsBuilder};
use msvc_machine::clock::Clock;
use msvc_machine::shutdown::Shutdown;
use msvc_system::id::ServiceName;
use msvc_system::model::{Build, Service};
use serde_json::Value;

use crate::docker::engine::{EngineError, NO_SPACE};
use crate::docker::image::platform::asked;
use crate::docker::labels;
use crate::docker::want::build;
use crate::docker::want::value::{bytes, flag, pairs, texts};

/// Lines of a failed build that are shown.
const SHOWN: usize = 30;

/// The builder's words for a name that no image can have.
const NO_NAME: &str = "invalid reference format";

/// One image to build.
#[derive(Clone, Copy)]
pub(in crate::docker::image) struct Job<'a> {
    /// The project that it is built for.
    pub(in crate::docker::image) project: &'a str,
    /// The service that its label names ([`called`]).
    pub(in crate::docker::image) called: &'a ServiceName,
    pub(in crate::docker::image) service: &'a Service,
    pub(in crate::docker::image) build: &'a Build,
    pub(in crate::docker::image) reference: &'a str,
    /// What its context holds, where a command of the file has made that.
    pub(in crate::docker::image) made_of: Option<&'a str>,
    /// Time, and the wish to end.
    pub(in crate::docker::image) clock: &'a dyn Clock,
    pub(in crate::docker::image) shutdown: &'a Shutdown,
}

impl Job<'_> {
    pub(super) fn field(&self, name: &str) -> Option<&Value> {
        let field = self.service.other_fields.get(&format!("build.{name}"));
        field.map(|field| &field.value)
    }

    pub(super) fn asks(&self, name: &str) -> bool {
        self.field(name).and_then(flag).unwrap_or_default()
    }

    pub(super) fn list(&self, name: &str) -> Vec<String> {
        self.field(name).and_then(texts).unwrap_or_default()
    }

    /// For which machine it is built: the build's own word, else the service's.
    fn platform(&self) -> Option<String> {
        let own = self.list("platforms").into_iter().next();
        own.or_else(|| asked(self.service).map(str::to_owned))
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

    pub(super) fn failed(&self, said: &[String], why: &str) -> EngineError {
        // The machine's fault, and not the Dockerfile's.
        if why.contains(NO_SPACE) {
            return EngineError::Refused {
                what: format!("building the image of {}", self.service.name),
                status: 500,
                why: why.to_owned(),
            };
        }
        // Nor is an image to begin from that cannot be had, if there can be one of its name.
        let can_be = !why.contains(NO_NAME);
        if let Some(image) = wants_an_image(said).filter(|_| can_be) {
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

/// What is asked of the builder for it.
pub(super) fn options(job: &Job<'_>, dockerfile: &str) -> BuildImageOptions {
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use msvc_machine::clock::MachineClock;
    use msvc_system::files::Files;
    use msvc_system::load::{LoadRequest, load};

    use super::*;

    fn of_builder(fields: &str) -> BuildImageOptions {
        of_job(fields, |job| options(job, "Dockerfile"))
    }

    /// What comes of the job to build a service with these fields.
    fn of_job<T>(fields: &str, what: impl FnOnce(&Job<'_>) -> T) -> T {
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
        what(&job)
    }

    #[test]
    fn a_base_that_no_image_can_be_called_is_the_dockerfiles_fault_and_one_that_is_not_there_is_not()
     {
        let said = ["Step 1/2 : FROM ${BASE}".to_owned()];
        for (why, is_built) in [
            (
                "invalid reference format: repository name must be lowercase",
                true,
            ),
            ("pull access denied for base", false),
        ] {
            let error = of_job("build: .", |job| job.failed(&said, why));
            assert_eq!(
                matches!(error, EngineError::Build { .. }),
                is_built,
                "{why}"
            );
        }
    }

    #[test]
    fn what_a_build_asks_for_reaches_the_builder() {
        let plain = of_builder("build: .");
        assert_eq!(plain.t.as_deref(), Some("shop-a"));
        let labels = plain.labels.clone().unwrap_or_default();
        assert_eq!(labels["com.docker.compose.service"], "a");
        let of = |field: &str| of_builder(&format!("build: {{context: ., {field}}}"));
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
        let service = of_builder("build: ., platform: linux/arm64");
        assert_eq!(service.platform, "linux/arm64");
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
}
