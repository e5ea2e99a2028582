//! The top-level `volumes`.

use indexmap::IndexMap;

use super::scalars::{flag, optional_text};
use crate::forms::scalar_text;
use crate::model::{Placed, Volume};
use crate::problem::Problems;
use crate::yaml::Node;

/// The declared volumes.
pub(crate) fn volumes(tree: &Node, problems: &mut Problems) -> IndexMap<String, Volume> {
    let mut volumes = IndexMap::new();
    for (key, node) in tree.entries_of("volumes") {
        if key.text.starts_with("x-") {
            continue;
        }
        volumes.insert(key.text.clone(), volume(node, problems));
    }
    volumes
}

fn volume(node: &Node, problems: &mut Problems) -> Volume {
    let mut name = optional_text(node.get("name"), "the name of a volume", problems);
    let external = match node.get("external").filter(|n| !n.is_null()) {
        // The form before `name` existed.
        Some(external) if external.as_map().is_some() => {
            name = name
                .or_else(|| optional_text(external.get("name"), "the name of a volume", problems));
            true
        }
        Some(external) => flag(external, "`external`").unwrap_or_else(|problem| {
            problems.push(problem);
            false
        }),
        None => false,
    };
    let driver = node.entry("driver").and_then(|(key, driver)| {
        let value = scalar_text(driver).filter(|it| !matches!(it.as_str(), "" | "local"))?;
        let place = key.place.clone();
        Some(Placed { value, place })
    });
    let options = node.entries_of("driver_opts");
    let options = options.iter().filter_map(|(key, value)| {
        let place = key.place.clone();
        let value = scalar_text(value)?;
        Some((key.text.clone(), Placed { value, place }))
    });
    let labels = node.entries_of("labels");
    Volume {
        external,
        name,
        labels: labels
            .iter()
            .filter_map(|(key, value)| Some((key.text.clone(), scalar_text(value)?)))
            .collect(),
        driver,
        options: options.collect(),
    }
}
