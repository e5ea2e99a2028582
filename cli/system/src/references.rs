//! Names that must exist: services in `depends_on` and `x-msvc.calls`, networks; and no service
//! may wait for itself, directly or through others.

use indexmap::{IndexMap, IndexSet};

use crate::id::ServiceName;
use crate::model::Service;
use crate::problem::{Place, Problem, Problems, nearest};
use crate::yaml::shorten;

/// Checks every name; entries of `depends_on` that are not required and do not run are removed.
pub(crate) fn check(
    services: &mut IndexMap<ServiceName, Service>,
    resting: &IndexMap<ServiceName, Vec<String>>,
    problems: &mut Problems,
) {
    let names: IndexSet<ServiceName> = services.keys().cloned().collect();
    let unknown = |wrong: &ServiceName, what: &str, place: &Place| {
        let problem = Problem::error(format!(
            "{what} names the service `{}`",
            shorten(wrong.as_str())
        ));
        let (what, hint) = match resting.get(wrong) {
            Some(profiles) => (
                "which runs only with its profile",
                Some(format!("add --profile {}", profiles.join(" or --profile "))),
            ),
            None => (
                "which does not exist",
                nearest(wrong.as_str(), names.iter().map(ServiceName::as_str))
                    .map(|near| format!("did you mean `{near}`?")),
            ),
        };
        let mut problem = Problem::error(format!("{}, {what}", problem.what)).at(place.clone());
        problem.hint = hint;
        problem
    };
    for service in services.values_mut() {
        service.depends_on.retain(|dependency| {
            let exists = names.contains(&dependency.service);
            let absent_by_choice =
                !dependency.required && resting.contains_key(&dependency.service);
            if !exists && !absent_by_choice {
                problems.push(unknown(
                    &dependency.service,
                    "`depends_on`",
                    &dependency.place,
                ));
            }
            exists
        });
        for call in &service.x_msvc.calls {
            if !names.contains(&call.service) {
                problems.push(unknown(&call.service, "`x-msvc.calls`", &call.place));
            }
        }
    }
}
