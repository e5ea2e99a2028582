//! `post_start` and `pre_stop`: commands that are run beside a service.

use indexmap::IndexMap;

use super::Context;
use super::command::words_of;
use super::scalars::{flag_or_false, optional_text};
use crate::forms::scalar_text;
use crate::model::Hook;
use crate::problem::{Problem, Problems};
use crate::yaml::Node;

/// The hooks under `key` of a service, in file order.
pub(crate) fn hooks(
    service: &Node,
    key: &str,
    context: &Context<'_>,
    problems: &mut Problems,
) -> Vec<Hook> {
    let items = service.items_of(key).iter();
    let hooks = items.filter_map(|item| hook(item, key, context, problems));
    hooks.collect()
}

fn hook(item: &Node, key: &str, context: &Context<'_>, problems: &mut Problems) -> Option<Hook> {
    let of_it = |field: &str| format!("`{field}` of `{key}`");
    let command = words_of(item.get("command"), &of_it("command"), problems)?;
    if command.is_empty() {
        let what = format!("a hook of `{key}` has no command");
        let problem = Problem::error(what).at(item.place.clone());
        problems.push(problem.hint("write what to run, for example `command: [sh, -c, \"…\"]`"));
        return None;
    }
    Some(Hook {
        command,
        environment: environment(item, context),
        user: optional_text(item.get("user"), &of_it("user"), problems),
        privileged: flag_or_false(item.get("privileged"), &of_it("privileged"), problems),
        working_dir: optional_text(item.get("working_dir"), &of_it("working_dir"), problems),
        place: item
            .entry("command")
            .map_or(&item.place, |(key, _)| &key.place)
            .clone(),
    })
}

/// A variable without a value has the caller's; one that the caller does not have either is left
/// out.
fn environment(item: &Node, context: &Context<'_>) -> IndexMap<String, String> {
    let caller = |name: &str| context.environment.get(name).cloned();
    let listed = item.items_of("environment").iter().filter_map(scalar_text);
    let listed = listed.filter_map(|text| match text.split_once('=') {
        Some((name, value)) => Some((name.to_owned(), value.to_owned())),
        None => Some((text.clone(), caller(&text)?)),
    });
    let mapped = item.entries_of("environment").iter();
    let mapped = mapped.filter_map(|(key, value)| {
        let text = match value.is_null() {
            true => caller(&key.text),
            false => scalar_text(value),
        };
        Some((key.text.clone(), text?))
    });
    listed.chain(mapped).collect()
}
