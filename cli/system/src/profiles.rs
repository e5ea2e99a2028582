//! Profiles: a service that names some runs only when one of them is asked for, or it itself.

use indexmap::IndexMap;

use crate::id::ServiceName;
use crate::model::Service;
use crate::problem::{Problem, Problems, nearest};

/// Splits services into those that run and those that do not; the names of the latter with
/// their profiles.
pub(crate) fn select(
    services: IndexMap<ServiceName, Service>,
    asked: &[String],
    named: &[String],
) -> (
    IndexMap<ServiceName, Service>,
    IndexMap<ServiceName, Vec<String>>,
) {
    let mut running = IndexMap::new();
    let mut resting = IndexMap::new();
    for (name, service) in services {
        let runs = service.profiles.is_empty()
            || named.iter().any(|named| named == name.as_str())
            || asked
                .iter()
                .any(|asked| asked == "*" || service.profiles.contains(asked));
        if runs {
            running.insert(name, service);
        } else {
            resting.insert(name, service.profiles);
        }
    }
    (running, resting)
}

/// A warning for each profile asked for that no service names.
pub(crate) fn unknown(
    services: &IndexMap<ServiceName, Service>,
    asked: &[String],
    problems: &mut Problems,
) {
    let known = || {
        services
            .values()
            .flat_map(|s| s.profiles.iter().map(String::as_str))
    };
    for profile in asked {
        if profile != "*" && !known().any(|known| known == profile) {
            let problem = Problem::warning(format!("no service names the profile `{profile}`"));
            problems.push(match nearest(profile, known()) {
                Some(near) => problem.hint(format!("did you mean `{near}`?")),
                None => problem,
            });
        }
    }
}
