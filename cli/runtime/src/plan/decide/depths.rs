//! How deep each service stands above what it depends on.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use msvc_system::id::ServiceName;
use msvc_system::model::Dependency;

/// The longest chain of dependencies below each service. The loader refuses circles; in one that came
/// all the same a service is not below itself.
pub(super) fn depths(
    dependencies: &BTreeMap<ServiceName, Vec<Dependency>>,
) -> HashMap<&ServiceName, usize> {
    let mut depths: HashMap<&ServiceName, usize> = HashMap::new();
    let mut begun = BTreeSet::new();
    // A stack of its own: a chain may be longer than the thread's is deep.
    let mut stack: Vec<&ServiceName> = dependencies.keys().collect();
    while let Some(at) = stack.last().copied() {
        let below = dependencies.get(at).into_iter().flatten();
        let below = below.map(|dependency| &dependency.service);
        if begun.insert(at) {
            stack.extend(below.filter(|it| !begun.contains(it)));
            continue;
        }
        stack.pop();
        if !depths.contains_key(at) {
            let deepest = below.filter_map(|it| depths.get(it)).max();
            depths.insert(at, deepest.map_or(0, |it| it + 1));
        }
    }
    depths
}
