//! What is printed of a project: its normal form in JSON and in YAML, or the tree as it is written.

use std::borrow::Cow;

use serde_json::{Map as Object, Value};

use super::{Chosen, Resolved};
use crate::normal_form;
use crate::normal_form::yaml::own_keys::OwnKeys;
use crate::normal_form::yaml::tree::Tree;
use crate::problem::Problems;

impl Resolved {
    /// The services that are asked for: those that run, or those named and what they need.
    ///
    /// # Errors
    /// The name that no service has.
    pub fn chosen(&self, named: &[String]) -> Result<Chosen, String> {
        let runs = |name: &str| self.running.contains(name);
        let are_named = !named.is_empty();
        let services = if are_named {
            normal_form::selection::with_dependencies(&self.normal(), named, runs)?
        } else {
            self.running.clone()
        };
        Ok(Chosen {
            services,
            are_named,
        })
    }

    /// Docker Compose's normal form of the services that run, or of those named and what they
    /// need; with everything that is declared where `all` is asked for, else what these use.
    ///
    /// # Errors
    /// The name that no service has.
    pub fn config(&self, named: &[String], all: bool) -> Result<Value, String> {
        let chosen = self.chosen(named)?;
        let normal = self.normal().into_owned();
        Ok(for_json(selected(normal, &chosen, all)))
    }

    /// The normal form; where variables stand as they are written, of what can be read all the same.
    fn normal(&self) -> Cow<'_, Object<String, Value>> {
        if !self.normal.is_empty() {
            return Cow::Borrowed(&self.normal);
        }
        let mut normal = normal_form::project(&self.tree, &mut Problems::default());
        if self.is_normalized {
            let name = self.project.as_str();
            let environment = Some(&self.environment);
            normal_form::normalize::normalize(&mut normal, &self.tree, name, environment);
        }
        normal_form::in_order(&mut normal);
        Cow::Owned(normal)
    }

    /// The same of the services that were [`Self::chosen`], where nothing else is asked any more.
    #[must_use]
    pub fn into_config(self, chosen: &Chosen, all: bool) -> Value {
        let Self { normal, tree, .. } = self;
        drop(tree);
        for_json(selected(normal, chosen, all))
    }

    /// The same to be written in YAML, which has more.
    #[must_use]
    pub fn into_config_for_yaml(self, chosen: &Chosen, all: bool) -> Tree {
        let own = OwnKeys::of(&self.tree);
        let Self { normal, tree, .. } = self;
        drop(tree);
        normal_form::yaml::of(Value::Object(selected(normal, chosen, all)), own)
    }

    /// The tree as it is, variables and all: what `--no-interpolate` prints.
    #[must_use]
    pub fn written(&self) -> Value {
        let Value::Object(mut project) = self.tree.to_json() else {
            return Value::Null;
        };
        project.shift_remove("version");
        if self.is_normalized {
            let name = self.project.as_str();
            normal_form::normalize::normalize(&mut project, &self.tree, name, None);
            // Nothing is printed of it that nobody wrote.
            let networks = project.get_mut("networks");
            let default = networks.and_then(|all| all.get_mut("default"));
            if let Some(Value::Object(default)) = default
                && self.tree.at("/networks/default/ipam").is_none()
            {
                default.shift_remove("ipam");
            }
        } else {
            project.shift_remove("name");
            let name = self.name_written.clone().map(|it| ("name".to_owned(), it));
            project.extend(name);
        }
        let mut written = Value::Object(project);
        written.sort_all_objects();
        normal_form::number::without_noughts(&mut written);
        written
    }

    /// The same to be written in YAML, which has words for more.
    #[must_use]
    pub fn written_for_yaml(&self) -> Tree {
        let mut written = Tree::from(self.written());
        written.restore(&self.tree);
        normal_form::yaml::sort_all(&mut written);
        written
    }
}

/// The services that are chosen, with everything that is declared or what they use of it.
fn selected(
    mut project: Object<String, Value>,
    chosen: &Chosen,
    all: bool,
) -> Object<String, Value> {
    let Chosen {
        services,
        are_named,
    } = chosen;
    if *are_named {
        normal_form::selection::forget_others(&mut project, services);
    }
    normal_form::selection::keep(&mut project, |name| services.contains(name), all);
    project
}

/// What is printed in JSON.
fn for_json(mut project: Object<String, Value>) -> Value {
    // Docker Compose's JSON goes without them.
    project.shift_remove("models");
    for (key, value) in &mut project {
        if key.starts_with("x-") {
            without_empty_lists(value);
        }
    }
    project.sort_keys();
    Value::Object(project)
}

/// A list with nothing in it is nothing to Docker Compose's JSON, where it knows no fields.
fn without_empty_lists(value: &mut Value) {
    match value {
        Value::Array(items) if items.is_empty() => *value = Value::Null,
        Value::Array(items) => items.iter_mut().for_each(without_empty_lists),
        Value::Object(fields) => fields.values_mut().for_each(without_empty_lists),
        _ => {}
    }
}
