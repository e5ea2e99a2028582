//! Names that must exist: services in `depends_on` and `x-msvc.calls`, networks; and no service
//! may wait for itself, directly or through others.

use indexmap::IndexMap;

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
    let names: Vec<ServiceName> = services.keys().cloned().collect();
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
    cycle(services, problems);
}

/// Reports the first cycle found, by name and in order.
fn cycle(services: &IndexMap<ServiceName, Service>, problems: &mut Problems) {
    // 0 not seen, 1 on the way, 2 done; a stack of our own, for chains may be long.
    let mut state = vec![0_u8; services.len()];
    for start in 0..services.len() {
        let mut way: Vec<(usize, usize)> = vec![(start, 0)];
        while let Some((at, next)) = way.last_mut() {
            let (at, step) = (*at, *next);
            *next += 1;
            if state.get(at) == Some(&2) {
                way.pop();
                continue;
            }
            if let Some(state) = state.get_mut(at) {
                *state = 1;
            }
            let Some((name, service)) = services.get_index(at) else {
                return;
            };
            let Some(dependency) = service.depends_on.get(step) else {
                if let Some(state) = state.get_mut(at) {
                    *state = 2;
                }
                way.pop();
                continue;
            };
            let Some(to) = services.get_index_of(&dependency.service) else {
                continue;
            };
            if state.get(to) == Some(&1) {
                let from = way.iter().position(|(i, _)| *i == to).unwrap_or_default();
                let mut names: Vec<&str> = way
                    .iter()
                    .skip(from)
                    .filter_map(|(i, _)| services.get_index(*i))
                    .map(|(name, _)| name.as_str())
                    .collect();
                names.push(dependency.service.as_str());
                problems.push(
                    Problem::error(format!(
                        "services wait for each other in a circle: {}",
                        names.join(" -> ")
                    ))
                    .at(dependency.place.clone())
                    .hint(format!(
                        "take one `depends_on` away, for example this one of `{name}`"
                    )),
                );
                return;
            }
            way.push((to, 0));
        }
    }
}
