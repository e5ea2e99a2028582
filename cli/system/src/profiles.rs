//! Profiles: a service that names some runs only when one of them is asked for, or it itself, which
//! asks for its profiles.

use std::collections::BTreeSet;

use indexmap::IndexMap;

use crate::id::ServiceName;
use crate::problem::{Problem, Problems, nearest};
use crate::yaml::Node;

/// Splits the services of a tree into those that run, by name, and those that do not, with their
/// profiles; and warns of each profile asked for that no service names.
pub(crate) fn select(
    tree: &Node,
    asked: &[String],
    named: &[String],
    problems: &mut Problems,
) -> (BTreeSet<String>, IndexMap<ServiceName, Vec<String>>) {
    let services = tree.entries_of("services");
    let profiles = |service: &Node| -> Vec<String> {
        let items = service.get("profiles").map(Node::items);
        let items = items.unwrap_or_default().iter();
        items.filter_map(Node::text).collect()
    };
    let mut wanted: BTreeSet<String> = asked.iter().cloned().collect();
    for (key, service) in services {
        let of_it = profiles(service);
        let asked = of_it.iter().any(|it| wanted.contains(it)) || wanted.contains("*");
        if named.contains(&key.text) && !asked {
            wanted.extend(of_it);
        }
    }
    let (mut running, mut resting) = (BTreeSet::new(), IndexMap::new());
    let mut known = BTreeSet::new();
    for (key, service) in services {
        let of_it = profiles(service);
        let runs =
            of_it.is_empty() || wanted.contains("*") || of_it.iter().any(|it| wanted.contains(it));
        known.extend(of_it.iter().cloned());
        if runs {
            running.insert(key.text.clone());
        } else if let Ok(name) = ServiceName::new(key.text.as_str()) {
            resting.insert(name, of_it);
        }
    }
    for profile in asked {
        if !matches!(profile.as_str(), "" | "*") && !known.contains(profile) {
            let problem = Problem::warning(format!("no service names the profile `{profile}`"));
            problems.push(match nearest(profile, known.iter().map(String::as_str)) {
                Some(near) => problem.hint(format!("did you mean `{near}`?")),
                None => problem,
            });
        }
    }
    (running, resting)
}
