//! The normal form: a tree in long form as the JSON that `docker compose config --format json`
//! prints, so that anybody can compare the two.
//!
//! What comes in: a checked tree in long form ([`crate::canonical`]). What leaves: JSON, and an error
//! for each text that is not what is meant there (a duration, a size, a number). What must not enter:
//! defaults and references ([`normalize`] adds those), files.
//!
//! How each field is printed the table says ([`crate::fields::Out`]). What Docker Compose leaves out
//! (what is empty, zero or `false`, mostly) is left out here.

use std::collections::HashMap;

use serde_json::{Map as Object, Value};

use crate::fields::{FILE, Field, Level, Out, SERVICE};
use crate::problem::{Problem, Problems};
use crate::yaml::Node;
use lists::{env_files, ssh, test};
use mappings::{environment, filled_object, multi_settings, settings};

pub mod bytes;
pub mod hash;
mod lists;
mod mappings;
pub(crate) mod normalize;
pub(crate) mod number;
mod scalars;
pub mod selection;
pub(crate) mod settings;
pub(crate) mod wait;
pub mod yaml;

/// A whole file, with every service.
pub(crate) fn project(tree: &Node, problems: &mut Problems) -> Object<String, Value> {
    let mut printing = Printing { problems };
    let mut project = printing.level(tree, &FILE);
    project.extend(extensions(tree));
    project
}

/// Prints the value of one field, for what is wrong with it.
pub(crate) fn print_field(node: &Node, field: &Field, problems: &mut Problems) {
    Printing { problems }.field(Some(node), field);
}

/// Puts the fields of every service in the order of the table, whichever step has added them.
pub(crate) fn in_order(project: &mut Object<String, Value>) {
    let fields = SERVICE.fields.iter().zip(0_usize..);
    let ranks: HashMap<&str, usize> = fields.map(|(field, rank)| (field.name, rank)).collect();
    let services = project.get_mut("services").and_then(Value::as_object_mut);
    for (_, service) in services.into_iter().flatten() {
        if let Value::Object(service) = service {
            let fields = std::mem::take(service).into_iter();
            let mut ranked: Vec<_> = fields
                .filter_map(|field| Some((*ranks.get(field.0.as_str())?, field)))
                .collect();
            ranked.sort_unstable_by_key(|(rank, _)| *rank);
            *service = ranked.into_iter().map(|(_, field)| field).collect();
        }
    }
}

/// The `x-…` keys of a file, sorted within as Docker Compose has them. JSON leaves out all others, which YAML
/// has ([`yaml`]).
fn extensions(node: &Node) -> Vec<(String, Value)> {
    let entries = node.entries().iter();
    let extensions = entries.filter(|(key, _)| key.text.starts_with("x-"));
    let sorted = extensions.map(|(key, value)| {
        let mut value = value.to_json();
        value.sort_all_objects();
        number::without_noughts(&mut value);
        (key.text.clone(), value)
    });
    sorted.collect()
}

/// The way down the tree; how one value is printed the rooms below say.
struct Printing<'p> {
    problems: &'p mut Problems,
}

impl Printing<'_> {
    fn level(&mut self, node: &Node, level: &'static Level) -> Object<String, Value> {
        let mut out = Object::new();
        for field in level.fields {
            let found = node.get(field.name);
            if let Some(value) = self.field(found, field) {
                out.insert(field.name.to_owned(), value);
            }
        }
        out
    }

    fn field(&mut self, node: Option<&Node>, field: &Field) -> Option<Value> {
        let Some(node) = node else {
            return absent(field.out);
        };
        match field.out {
            Out::Hidden => None,
            Out::EnvFiles => env_files(node),
            Out::Text => self
                .text(node, field)
                .filter(|it| !it.is_empty())
                .map(Value::from),
            Out::TextAlways => Some(self.text(node, field).unwrap_or_default().into()),
            Out::Flag => self.flag(node).filter(|flag| *flag).map(Value::from),
            Out::FlagSet => self.flag(node).map(Value::from),
            Out::FlagAlways => Some(self.flag(node).unwrap_or_default().into()),
            Out::Whole => self.whole(node).filter(|it| *it != 0).map(Value::from),
            Out::WholeSet => self.whole(node).map(Value::from),
            Out::WholeAlways => Some(self.whole(node).unwrap_or_default().into()),
            Out::Count => self.count_in_digits(node, field.name),
            Out::CountSet => self.count(node).map(Value::from),
            Out::Number => self.number(node),
            Out::Bytes => self.bytes(node, field),
            Out::Wait => self.wait_that_is_some(node),
            Out::WaitSet => self.wait_text(node),
            Out::Texts => self.texts(node),
            Out::TextsAndNumbers => self.texts_and_numbers(node),
            Out::Words => Some(self.words(node, field.name)),
            Out::Test => test(node),
            Out::Settings => filled_object(settings(node)),
            Out::PlainSettings => self.plain_settings(node),
            Out::Environment => filled_object(environment(node)),
            Out::MultiSettings => filled_object(multi_settings(node)),
            Out::Hosts => self.hosts(node),
            Out::Mode => self.mode(node),
            Out::Ssh => ssh(node),
            Out::DeviceCount => self.device_count(node),
            Out::Blkio(level) => self.blkio(node, level),
            Out::In(level) => (!node.is_null()).then(|| self.level(node, level).into()),
            Out::InAlways(level) => Some(self.level(node, level).into()),
            Out::Each(level) | Out::Bare(level) => self.each(node, level),
            Out::Entries(level) => filled_object(self.entries(node, level, false)),
            Out::EntriesOrNull(level) => filled_object(self.entries(node, level, true)),
            Out::Limits(level) => self.limits(node, level),
        }
    }

    fn wrong(&mut self, node: &Node, what: impl Into<String>, hint: &str) {
        let problem = Problem::error(what).at(node.place.clone());
        self.problems.push(problem.hint(hint));
    }
}

/// What is printed of a field that is not there.
fn absent(out: Out) -> Option<Value> {
    match out {
        Out::Words => Some(Value::Null),
        Out::TextAlways => Some("".into()),
        Out::FlagAlways => Some(false.into()),
        Out::WholeAlways => Some(0.into()),
        Out::InAlways(level) => {
            let fields = level.fields.iter();
            let fields = fields.filter_map(|it| Some((it.name.to_owned(), absent(it.out)?)));
            Some(Value::Object(fields.collect()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::yaml;
    use crate::files::Files;
    use crate::load::resolve;
    use crate::load::testing::request;

    #[test]
    fn a_limit_of_nothing_is_left_out_in_json_and_written_out_in_yaml() {
        let text =
            "services: {a: {image: a, ulimits: {core: 0, data: {soft: 0, hard: 5}, nice: 2}}}";
        let files = Files::in_memory([("/system/compose.yaml".into(), text.into())].into());
        let (resolved, _) = resolve(&request(), &files).unwrap();
        let limits = |of: &serde_json::Value| of.pointer("/services/a/ulimits").cloned();
        let printed = resolved.config(&[], false).unwrap();
        let wanted = json!({"core": {}, "data": {"hard": 5}, "nice": 2});
        assert_eq!(limits(&printed), Some(wanted));
        let chosen = resolved.chosen(&[]).unwrap();
        let written = yaml::text(&resolved.into_config_for_yaml(&chosen, false));
        let indented = "\n      core:\n        soft: 0\n        hard: 0\n      data:\n        \
                        soft: 0\n        hard: 5\n      nice: 2\n";
        assert!(written.contains(indented), "{written}");
    }

    #[test]
    fn a_generic_resource_has_a_kind_and_a_value_in_any_case() {
        let text = "services: {a: {image: a, deploy: {resources: {reservations: \
                    {generic_resources: [{discrete_resource_spec: {kind: gpu}}]}}}}}";
        let files = Files::in_memory([("/system/compose.yaml".into(), text.into())].into());
        let normal = resolve(&request(), &files).unwrap().0.normal;
        let printed = json!(normal);
        let printed = printed.pointer(
            "/services/a/deploy/resources/reservations/generic_resources/0/discrete_resource_spec",
        );
        assert_eq!(printed, Some(&json!({"kind": "gpu", "value": 0})));
    }
}
