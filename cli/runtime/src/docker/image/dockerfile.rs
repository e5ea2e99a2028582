//! An image as its Dockerfile says, by the engine's own builder.

use bollard::body_stream;
use bollard::models::ImageInspect;
use bollard::query_parameters::TagImageOptionsBuilder;
use futures_util::stream;
use msvc_system::model::{Build, BuildCommand, ProcessBuild, Service};
use serde_json::Value;

use super::context::Context;
use crate::docker::engine::{Engine, EngineError};
pub(super) use job::Job;
use job::options;
pub(super) use same::{called, is_same};
use steps::Steps;

mod alike;
mod job;
mod same;
mod steps;

/// How often a build begins when a step that it relies on is removed under it.
const TRIES: usize = 3;

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

/// Builds it; lines of the build go to `line`. Its name means the image that was there `before` again,
/// where the build has only made that anew.
///
/// # Errors
/// When the context cannot be sent, or a step of the Dockerfile fails.
pub(super) async fn build(
    engine: &Engine,
    job: &Job<'_>,
    before: Option<&ImageInspect>,
    line: &(dyn Fn(String) + Sync),
) -> Result<ImageInspect, EngineError> {
    let said = build_until_done(engine, job, line).await?;
    let now = super::there(engine, job.service, job.reference).await?;
    let image = match before {
        // What is asked to be made anew is.
        Some(before) if before.id != now.id && !job.asks("no_cache") => {
            let is_alike = alike::is_alike(engine, &said, before, &now).await?;
            let is_kept = is_alike && keep(engine, job, before).await?;
            if is_kept { before.clone() } else { now }
        }
        _ => now,
    };
    for tag in job.list("tags") {
        name_too(engine, job.reference, &tag).await?;
    }
    Ok(image)
}

/// Gives the image that was there before its name back, unless somebody has removed it.
async fn keep(engine: &Engine, job: &Job<'_>, before: &ImageInspect) -> Result<bool, EngineError> {
    let id = before.id.as_deref().unwrap_or_default();
    match name_too(engine, id, job.reference).await {
        Err(error) if error.is_missing() => Ok(false),
        named => named.map(|()| true),
    }
}

async fn build_until_done(
    engine: &Engine,
    job: &Job<'_>,
    line: &(dyn Fn(String) + Sync),
) -> Result<Vec<String>, EngineError> {
    for _ in 1..TRIES {
        match build_once(engine, job, line).await {
            Err(error) if has_lost_a_step(&error) => {}
            built => return built,
        }
    }
    build_once(engine, job, line).await
}

/// The builder's words for a step that is gone: where it was to be read, built upon, or named as what
/// the next one comes from.
const LOST: [&str; 5] = [
    "No such image",
    "failed to get digest",
    "layer does not exist",
    "unable to find image",
    "unknown parent image",
];

/// Whether a step that the builder had found done before was removed meanwhile, by whoever removed
/// an image that had it too.
fn has_lost_a_step(error: &EngineError) -> bool {
    let EngineError::Build { message, .. } = error else {
        return false;
    };
    let last = message.lines().last().unwrap_or_default();
    last.contains("sha256:") && LOST.iter().any(|words| last.contains(words))
}

async fn build_once(
    engine: &Engine,
    job: &Job<'_>,
    line: &(dyn Fn(String) + Sync),
) -> Result<Vec<String>, EngineError> {
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
            Err(why)
        }
        _ => told,
    }
}

/// Gives an image one more name.
async fn name_too(engine: &Engine, reference: &str, name: &str) -> Result<(), EngineError> {
    let (repository, tag) = tag_of(name);
    let options = TagImageOptionsBuilder::default().repo(repository).tag(tag);
    let tagged = engine.docker.tag_image(reference, Some(options.build()));
    let what = format!("naming image {reference} {name} too");
    engine.ask(what, tagged).await
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
    use super::*;

    #[test]
    fn a_build_whose_cached_step_was_removed_is_known_from_one_that_fails() {
        let failed = |message: &str| EngineError::Build {
            service: "a".to_owned(),
            message: message.to_owned(),
        };
        for lost in [
            "unable to find image \"sha256:1487e9\"",
            "No such image: sha256:1487e9",
            "failed to get destination image \"sha256:1487e9\": No such image: sha256:1487e9",
            "failed to get digest sha256:1487e9: open /imagedb/1487e9: no such file or directory",
            "unknown parent image ID sha256:1487e9",
            "failed to export image: failed to set parent sha256:1487e9: unknown parent image ID sha256:1487e9",
            "failed to export image: failed to create image: failed to get layer sha256:1487e9: layer does not exist",
        ] {
            let lost = format!("Step 3/11 : COPY program /a\n{lost}");
            assert!(has_lost_a_step(&failed(&lost)), "{lost}");
        }
        for other in [
            "COPY failed: file not found in build context",
            "pull access denied for base",
            "unable to find image \"base:1\"",
            "Step 3/11 : RUN grep sha256: sums\nfailed to get digest",
        ] {
            assert!(!has_lost_a_step(&failed(other)), "{other}");
        }
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
