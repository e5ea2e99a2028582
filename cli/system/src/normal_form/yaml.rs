//! The normal form as YAML, which leaves out what JSON cannot: unset commands, and mappings with
//! nothing in them that are always printed there. `x-…` keys are kept wherever they stand, and a limit of 0 is
//! written out, so that it can be read again.

use indexmap::IndexMap;
use serde_json::Value;

use own_keys::OwnKeys;
pub(crate) use text::endless;
use tree::{Fields, Tree};

mod order;
pub(crate) mod own_keys;
mod text;
pub mod tree;

/// The project as a tree to be written in YAML, with the keys of everybody's own.
#[must_use]
pub(crate) fn of(project: Value, own: OwnKeys) -> Tree {
    let mut project = Tree::from(project);
    own.put_into(&mut project);
    let Tree::Map(mut fields) = project else {
        return project;
    };
    order::arrange(&mut fields);
    let rank = |key: &str| {
        const ORDER: [&str; 7] = [
            "name", "services", "networks", "volumes", "secrets", "configs", "models",
        ];
        ORDER
            .iter()
            .position(|it| *it == key)
            .unwrap_or(ORDER.len())
    };
    fields.sort_by(|one, _, other, _| rank(one).cmp(&rank(other)));
    for service in entries(&mut fields, "services") {
        of_service(service);
    }
    for network in entries(&mut fields, "networks") {
        without_empty(network, &["ipam"]);
    }
    Tree::Map(fields)
}

/// Sorts every mapping in a tree as Docker Compose sorts names.
pub(crate) fn sort_all(tree: &mut Tree) {
    order::sort_all(tree);
}

/// A tree as YAML's text.
#[must_use]
pub fn text(tree: &Tree) -> String {
    text::written(tree)
}

fn of_service(service: &mut Fields) {
    without_commands(service);
    of_limits(service);
    if let Some(Tree::Map(build)) = service.get_mut("build") {
        of_limits(build);
    }
    if let Some(Tree::Map(deploy)) = service.get_mut("deploy") {
        without_empty(deploy, &["resources", "placement"]);
    }
    for hook in ["post_start", "pre_stop"] {
        for hook in items(service, hook) {
            without_commands(hook);
        }
    }
    if let Some(Tree::Map(develop)) = service.get_mut("develop") {
        for trigger in items(develop, "watch") {
            if let Some(Tree::Map(exec)) = trigger.get_mut("exec") {
                without_commands(exec);
            }
            without_empty(trigger, &["exec"]);
        }
    }
    if let Some(Tree::Map(blkio)) = service.get_mut("blkio_config") {
        let devices = blkio.values_mut().flat_map(Tree::items_mut);
        for device in devices.filter_map(Tree::fields_mut) {
            *device = std::mem::take(device)
                .into_iter()
                .map(|(key, value)| (key.to_lowercase(), value))
                .collect();
        }
    }
}

fn of_limits(fields: &mut Fields) {
    for limit in entries(fields, "ulimits") {
        let both = ["soft", "hard"].map(|one| {
            let value = limit.swap_remove(one);
            let nothing = || Tree::Number(0.into());
            (one.to_owned(), value.unwrap_or_else(nothing))
        });
        *limit = both.into();
    }
}

/// The mappings in the mapping at a key.
fn entries<'v>(fields: &'v mut Fields, key: &str) -> impl Iterator<Item = &'v mut Fields> {
    let all = fields.get_mut(key).and_then(Tree::fields_mut);
    let all = all.into_iter().flat_map(IndexMap::values_mut);
    all.filter_map(Tree::fields_mut)
}

/// The mappings in the list at a key.
fn items<'v>(fields: &'v mut Fields, key: &str) -> impl Iterator<Item = &'v mut Fields> {
    let all = fields.get_mut(key).into_iter().flat_map(Tree::items_mut);
    all.filter_map(Tree::fields_mut)
}

fn without_commands(fields: &mut Fields) {
    for key in ["command", "entrypoint"] {
        if fields.get(key) == Some(&Tree::Null) {
            fields.shift_remove(key);
        }
    }
}

fn without_empty(fields: &mut Fields, keys: &[&str]) {
    for key in keys {
        if matches!(fields.get(*key), Some(Tree::Map(below)) if below.is_empty()) {
            fields.shift_remove(*key);
        }
    }
}
