//! An image as its Dockerfile says, by the engine's own builder.

use std::collections::HashMap;

use bollard::body_stream;
use bollard::query_parameters::BuildImageOptionsBuilder;
use futures_util::{StreamExt, stream};
use msvc_system::model::{Build, Service};
use serde_json::Value;

use super::context::Context;
use super::unused;
use crate::docker::engine::{Engine, EngineError, asked};

/// Lines of a failed build that are shown.
const SHOWN: usize = 30;

/// What of `build` is honoured besides context, Dockerfile, args and target.
const HONOURED: [&str; 5] = [
    "build.dockerfile_inline",
    "build.labels",
    "build.network",
    "build.no_cache",
    "build.pull",
];

/// What only says how fast it is, or who may fetch it.
const HARMLESS: [&str; 6] = [
    "build.cache_from",
    "build.cache_to",
    "build.platforms",
    "build.provenance",
    "build.sbom",
    "build.tags",
];

/// One image to build.
#[derive(Debug, Clone, Copy)]
pub(super) struct Job<'a> {
    /// The project that it is built for.
    pub(super) project: &'a str,
    pub(super) service: &'a Service,
    pub(super) build: &'a Build,
    pub(super) reference: &'a str,
}

impl Job<'_> {
    fn field(&self, name: &str) -> Option<&Value> {
        let field = self.service.other_fields.get(&format!("build.{name}"));
        field.map(|field| &field.value)
    }

    fn asks(&self, name: &str) -> bool {
        self.field(name)
            .and_then(Value::as_bool)
            .unwrap_or_default()
    }

    /// The first field that the engine's builder would not get.
    fn not_handed_on(&self) -> Option<&str> {
        let fields = self.service.other_fields.iter();
        fields
            .filter(|(name, _)| name.starts_with("build."))
            .filter(|(name, _)| !HONOURED.contains(&name.as_str()))
            .find(|(name, _)| !HARMLESS.contains(&name.as_str()))
            .map(|(name, _)| name.as_str())
    }

    fn failed(&self, said: &[String], why: &str) -> EngineError {
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

/// Builds it; lines of the build go to `line`.
///
/// # Errors
/// When the context cannot be sent, or a step of the Dockerfile fails.
pub(super) async fn build(
    engine: &Engine,
    job: &Job<'_>,
    line: &(dyn Fn(String) + Sync),
) -> Result<(), EngineError> {
    if let Some(field) = job.not_handed_on() {
        return Err(EngineError::File {
            path: job.build.context.clone(),
            why: format!(
                "`{field}` of {} is not handed to the engine's builder yet; take it out",
                job.service.name
            ),
        });
    }
    let inline = job.field("dockerfile_inline").and_then(Value::as_str);
    let context = Context::of(
        &job.build.context,
        &job.build.dockerfile,
        inline.map(str::to_owned),
    )?;
    let arguments: HashMap<&str, &str> = job
        .build
        .args
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    let labels = job.field("labels").and_then(Value::as_object);
    let labels: HashMap<&str, &str> = labels
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
        .chain([(unused::LABEL, job.project)])
        .collect();
    let dockerfile = context.dockerfile.clone();
    let mut options = BuildImageOptionsBuilder::default()
        .dockerfile(&dockerfile)
        .t(job.reference)
        .rm(true)
        .forcerm(true)
        .nocache(job.asks("no_cache"))
        .buildargs(&arguments)
        .labels(&labels);
    if job.asks("pull") {
        options = options.pull("true");
    }
    if let Some(target) = &job.build.target {
        options = options.target(target);
    }
    if let Some(network) = job.field("network").and_then(Value::as_str) {
        options = options.networkmode(network);
    }
    let (receiver, sending) = context.send();
    let chunks = stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|chunk| (chunk, receiver))
    });
    let told = follow(engine, job, options.build(), chunks, line).await;
    // A file that could not be sent is the reason of whatever the engine said of it.
    match sending.await {
        Ok(Err(why @ EngineError::File { .. })) if told.is_ok() || is_about_a_file(&why) => {
            Err(why)
        }
        _ => told,
    }
}

/// Whether the sender itself failed, and not the engine that stopped reading.
fn is_about_a_file(error: &EngineError) -> bool {
    !error.to_string().contains("the engine stopped reading")
}

async fn follow(
    engine: &Engine,
    job: &Job<'_>,
    options: bollard::query_parameters::BuildImageOptions,
    chunks: impl futures_util::Stream<Item = bytes::Bytes> + Send + 'static,
    line: &(dyn Fn(String) + Sync),
) -> Result<(), EngineError> {
    let mut said: Vec<String> = Vec::new();
    let mut answers = std::pin::pin!(engine.docker.build_image(
        options,
        None,
        Some(body_stream(chunks))
    ));
    while let Some(answer) = answers.next().await {
        let answer = answer.map_err(|error| {
            let what = format!("building the image of {}", job.service.name);
            match asked(what)(error) {
                EngineError::Refused { why, .. } => job.failed(&said, &why),
                other => other,
            }
        })?;
        if let Some(text) = answer.stream {
            for text in text.lines().map(str::trim_end).filter(|l| !l.is_empty()) {
                line(text.to_owned());
                said.push(text.to_owned());
            }
        }
        if let Some(detail) = answer.error_detail {
            return Err(job.failed(&said, &detail.message.unwrap_or_default()));
        }
    }
    Ok(())
}
