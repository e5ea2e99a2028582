//! An image from its registry, only where it is not there.

use std::time::Duration;

use bollard::models::ImageInspect;
use bollard::query_parameters::CreateImageOptionsBuilder;
use futures_util::StreamExt;
use msvc_system::model::Service;

use super::platform::{Platform, asked};
use crate::docker::engine::{Engine, EngineError};

fn policy(service: &Service) -> &str {
    let field = service.other_fields.get("pull_policy");
    field
        .and_then(|field| field.value.as_str())
        .unwrap_or_default()
}

/// Whether the file wants it from the registry each time.
pub(super) fn is_asked_always(service: &Service) -> bool {
    matches!(policy(service), "always" | "daily" | "refresh" | "weekly")
        || policy(service).starts_with("every_")
}

/// The policies that Compose knows; `every_…` with a time is one more.
const POLICIES: [&str; 9] = [
    "",
    "always",
    "build",
    "daily",
    "if_not_present",
    "missing",
    "never",
    "refresh",
    "weekly",
];

/// Whether a policy is one.
pub(in crate::docker) fn is_policy(policy: &str) -> bool {
    POLICIES.contains(&policy) || policy.starts_with("every_")
}

/// Why the image that is there is none for a service: it is for another machine than the file asks for.
/// It counts for nothing then, as for Docker Compose.
pub(super) fn is_for_another(service: &Service, image: &ImageInspect) -> Option<String> {
    let (asked, there) = (Platform::of(asked(service)?)?, Platform::of_image(image)?);
    let is_another = asked != there;
    is_another
        .then(|| format!("the one that is there is for {there}, and `platform` asks for {asked}"))
}

/// What a registry may need for its first word, which the engine waits for.
const REGISTRY: Duration = Duration::from_secs(30);

/// Has an image from its registry; `other` tells why the one that is there does not do.
///
/// # Errors
/// With what the registry says.
pub(super) async fn pull(
    engine: &Engine,
    service: &Service,
    reference: &str,
    other: Option<String>,
) -> Result<(), EngineError> {
    let failed = |why: String| EngineError::Image {
        image: reference.to_owned(),
        service: service.name.to_string(),
        why,
    };
    let refused = |why: String| match &other {
        Some(other) => failed(format!("{other}; its registry says: {why}")),
        None => failed(why),
    };
    if policy(service) == "never" {
        let other = other
            .clone()
            .unwrap_or_else(|| "it is not there".to_owned());
        return Err(failed(format!(
            "{other}, and `pull_policy: never` says to ask no registry"
        )));
    }
    // A name without tag or digest would fetch every tag.
    let last = reference.rsplit('/').next().unwrap_or(reference);
    let tagged = match last.contains([':', '@']) {
        true => reference.to_owned(),
        false => format!("{reference}:latest"),
    };
    let mut options = CreateImageOptionsBuilder::default().from_image(&tagged);
    if let Some(platform) = asked(service) {
        options = options.platform(platform);
    }
    let what = format!("pulling image {reference} of {}", service.name);
    let mut asking = Some(engine.asking(REGISTRY, &what));
    let docker = engine.docker.clone();
    let mut answers = docker.create_image(Some(options.build()), None, None);
    while let Some(answer) = answers.next().await {
        // From its first word on it tells how far it is.
        asking.take();
        let answer = answer.map_err(|error| match engine.refused(String::new(), error) {
            EngineError::Refused { why, .. } => refused(why),
            EngineError::Lost { why, .. } => EngineError::Lost {
                what: what.clone(),
                why,
            },
            EngineError::Silent { at, seconds, .. } => EngineError::Silent {
                what: what.clone(),
                at,
                seconds,
            },
            other => other,
        })?;
        if let Some(detail) = answer.error_detail {
            return Err(refused(detail.message.unwrap_or_default()));
        }
    }
    Ok(())
}
