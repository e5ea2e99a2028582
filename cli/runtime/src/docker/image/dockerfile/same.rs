//! Services whose image is one: web, worker and cron of a program.

use msvc_system::id::ServiceName;
use msvc_system::model::{Build, Service, System};
use serde_json::Value;

/// Whether both have one image: by its name, and by how it is built.
pub(in crate::docker::image) fn is_same(one: &Service, other: &Service) -> bool {
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
pub(in crate::docker::image) fn called<'a>(
    system: &'a System,
    service: &'a Service,
) -> &'a ServiceName {
    let mut all = system.services.values();
    let first = all.find(|other| is_same(service, other));
    &first.unwrap_or(service).name
}
