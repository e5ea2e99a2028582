//! Names that must exist: services in `depends_on` and `x-msvc.calls`.

use indexmap::{IndexMap, IndexSet};

use crate::id::ServiceName;
use crate::model::Service;
use crate::problem::{Place, Problem, Problems, there_are};
use crate::unread::Unread;
use crate::yaml::shorten;

/// Services that do not run, each with the profiles that would run it.
type Resting = IndexMap<ServiceName, Vec<String>>;

/// Checks every name; entries of `depends_on` that are not required and do not run are removed.
pub(crate) fn check(
    services: &mut IndexMap<ServiceName, Service>,
    resting: &Resting,
    unread: &Unread,
    problems: &mut Problems,
) {
    let names: IndexSet<ServiceName> = services.keys().cloned().collect();
    for service in services.values_mut() {
        service.depends_on.retain(|dependency| {
            let exists = names.contains(&dependency.service);
            let absent_by_choice =
                !dependency.required && resting.contains_key(&dependency.service);
            if !exists && !absent_by_choice {
                let named = (&dependency.service, "`depends_on`", &dependency.place);
                let problem = unknown(named, names.iter(), resting, problems);
                problems.push(problem);
            }
            exists
        });
    }
    calls(services, resting, unread, problems);
}

/// Checks the names of `x-msvc.calls`.
pub(crate) fn calls(
    services: &IndexMap<ServiceName, Service>,
    resting: &Resting,
    unread: &Unread,
    problems: &mut Problems,
) {
    let all = services.values().flat_map(|it| &it.x_msvc.calls);
    for call in all.filter(|call| !services.contains_key(&call.service)) {
        let name = call.service.as_str();
        if unread.may_have("services", name) {
            continue;
        }
        let named = (&call.service, "`x-msvc.calls`", &call.place);
        let problem = unknown(named, services.keys(), resting, problems);
        problems.push(problem);
    }
}

/// That `field` names, at `place`, a service that does not run.
fn unknown<'n>(
    (wrong, field, place): (&ServiceName, &str, &Place),
    names: impl Iterator<Item = &'n ServiceName> + Clone,
    resting: &Resting,
    problems: &Problems,
) -> Problem {
    let named = shorten(wrong.as_str());
    let problem = |why: &str| {
        Problem::error(format!("{field} names the service `{named}`, {why}")).at(place.clone())
    };
    if let Some(profiles) = resting.get(wrong) {
        let hint = format!("add --profile {}", profiles.join(" or --profile "));
        return problem("which runs only with its profile").hint(hint);
    }
    let problem = problem("which does not exist");
    let names = names.map(ServiceName::as_str);
    problem.hint(match problems.nearest(wrong.as_str(), names.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => there_are("services", names),
    })
}
