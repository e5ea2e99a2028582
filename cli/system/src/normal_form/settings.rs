//! What the project's environment and files of settings give to the services that run: names alone in
//! `environment` their values, `env_file` what stands under those, `label_file` what under their `labels`.

use std::collections::{BTreeSet, HashMap};

use indexmap::IndexMap;
use serde_json::{Map as Object, Value};

use super::normalize::resolve;
use crate::model::Placed;
use crate::problem::Problems;
use crate::typed::{Context, environment, labels};
use crate::yaml::Node;

/// Gives the names alone of each `environment` their values, puts what the files of `env_file` set under
/// it, in place of their names, and gives that by service.
pub(crate) fn environment(
    project: &mut Object<String, Value>,
    running: &BTreeSet<String>,
    context: &Context<'_>,
    problems: &mut Problems,
) -> HashMap<String, IndexMap<String, Placed<String>>> {
    let mut given = HashMap::new();
    each(project, running, context, |name, service, node| {
        if let Some(Value::Object(own)) = service.get_mut("environment") {
            resolve(own, context.environment);
        }
        if service.shift_remove("env_file").is_some() {
            let set = environment::from_files(node, context, problems);
            let texts = set.iter();
            let texts = texts.map(|(name, it)| (name.clone(), it.value.clone()));
            under(service, "environment", texts);
            given.insert(name.to_owned(), set);
        }
    });
    given
}

/// Puts what the files of `label_file` say under the `labels`, in place of their names; and gives it by
/// service.
pub(crate) fn labels(
    project: &mut Object<String, Value>,
    running: &BTreeSet<String>,
    context: &Context<'_>,
    problems: &mut Problems,
) -> HashMap<String, IndexMap<String, String>> {
    let mut given = HashMap::new();
    each(project, running, context, |name, service, node| {
        if service.shift_remove("label_file").is_some() {
            let said = labels::from_files(node, context, problems);
            under(service, "labels", said.clone());
            given.insert(name.to_owned(), said);
        }
    });
    given
}

/// Each service that runs, as it is printed and as it is written.
fn each(
    project: &mut Object<String, Value>,
    running: &BTreeSet<String>,
    context: &Context<'_>,
    mut change: impl FnMut(&str, &mut Object<String, Value>, &Node),
) {
    let services = context.tree.entries_of("services");
    for (key, node) in services {
        let service = project
            .get_mut("services")
            .and_then(|all| all.get_mut(&key.text))
            .and_then(Value::as_object_mut);
        if let Some(service) = service.filter(|_| running.contains(&key.text)) {
            change(&key.text, service, node);
        }
    }
}

/// Puts settings in where the service says nothing of them itself.
fn under(
    service: &mut Object<String, Value>,
    field: &str,
    given: impl IntoIterator<Item = (String, String)>,
) {
    let mut all: Object<String, Value> = given
        .into_iter()
        .map(|(name, value)| (name, Value::from(value)))
        .collect();
    let slot = service.entry(field).or_insert(Value::Null);
    if let Value::Object(own) = slot.take() {
        all.extend(own);
    }
    all.sort_keys();
    if all.is_empty() {
        service.shift_remove(field);
    } else {
        service.insert(field.to_owned(), Value::Object(all));
    }
}
