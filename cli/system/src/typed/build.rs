//! `build`, in long form.

use std::path::PathBuf;

use indexmap::IndexMap;

use super::Context;
use super::scalars::optional_text;
use crate::forms::scalar_text;
use crate::model::Build;
use crate::problem::Problems;
use crate::yaml::{Key, Node};

pub(crate) fn build(
    entry: Option<(&Key, &Node)>,
    context: &Context<'_>,
    problems: &mut Problems,
) -> Option<Build> {
    let (key, node) = entry?;
    node.as_map()?;
    let mut text = |key: &str| optional_text(node.get(key), &format!("`build.{key}`"), problems);
    let (from, dockerfile, target) = (text("context"), text("dockerfile"), text("target"));
    Some(Build {
        context: context.path(from.as_deref().unwrap_or(".")),
        dockerfile: PathBuf::from(dockerfile.unwrap_or_else(|| "Dockerfile".to_owned())),
        place: key.place.clone(),
        args: settings(node.get("args"), context),
        target,
    })
}

/// A mapping of names to texts; a name without value takes it from the environment, or is left
/// out.
pub(crate) fn settings(node: Option<&Node>, context: &Context<'_>) -> IndexMap<String, String> {
    node.map(Node::entries)
        .unwrap_or_default()
        .iter()
        .filter_map(|(key, value)| {
            let text = if value.is_null() {
                context.environment.get(&key.text).cloned()
            } else {
                scalar_text(value)
            };
            Some((key.text.clone(), text?))
        })
        .collect()
}
