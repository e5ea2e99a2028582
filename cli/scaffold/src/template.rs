//! The templates inside the program: what each is for, what it asks, and its files.
//!
//! A template is a folder of `templates/`: `template.yaml` (description and questions),
//! `compose.yaml.jinja` (a whole small Compose file with the service in it), `files/` (what goes
//! into the service's folder) and `pacts/` (what goes to the system's pacts). Files whose name ends
//! in `.jinja` are rendered and lose that ending; all others are copied as they are.

use std::path::Path;

use msvc_system::problem::nearest;
use msvc_system::yaml;

use crate::error::ScaffoldError;

/// Every file of every template: path below `templates/`, bytes.
static FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/templates.rs"));

/// The file that describes a template.
const DESCRIPTION: &str = "template.yaml";

/// A template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// What it is called.
    pub name: String,
    /// What it makes, in one line.
    pub description: String,
    /// What it asks, in this order.
    pub questions: Vec<Question>,
    /// Its files: path below the template's folder, bytes.
    pub files: Vec<(String, &'static [u8])>,
}

/// Something that a template asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Its name, as in `--set KEY=VALUE` and inside the files.
    pub key: String,
    /// The question.
    pub ask: String,
    /// The default, itself rendered.
    pub default: String,
    /// Whether it may be left without an answer.
    pub may_be_empty: bool,
}

/// All templates, by name.
///
/// # Errors
/// When one of them is not as it should be, which its tests show.
pub fn all() -> Result<Vec<Template>, ScaffoldError> {
    let mut templates: Vec<Template> = Vec::new();
    for (path, bytes) in FILES {
        let Some((name, rest)) = path.split_once('/') else {
            continue;
        };
        if templates.last().is_none_or(|last| last.name != name) {
            templates.push(Template {
                name: name.to_owned(),
                description: String::new(),
                questions: Vec::new(),
                files: Vec::new(),
            });
        }
        let Some(template) = templates.last_mut() else {
            continue;
        };
        if rest == DESCRIPTION {
            describe(template, path, bytes)?;
        } else {
            template.files.push((rest.to_owned(), bytes));
        }
    }
    Ok(templates)
}

fn describe(template: &mut Template, path: &str, bytes: &[u8]) -> Result<(), ScaffoldError> {
    let tree = yaml::parse(Path::new(path), bytes)?;
    let text = |node: Option<&yaml::Node>| node.and_then(yaml::Node::text).unwrap_or_default();
    template.description = text(tree.get("description"));
    let answers = tree.get("answers").map(yaml::Node::entries);
    let question = |(key, node): &(yaml::Key, yaml::Node)| Question {
        key: key.text.clone(),
        ask: text(node.get("ask")),
        default: text(node.get("default")),
        may_be_empty: node.get("may_be_empty").and_then(yaml::Node::as_bool) == Some(true),
    };
    template.questions = answers.unwrap_or_default().iter().map(question).collect();
    Ok(())
}

/// The template of that name.
///
/// # Errors
/// When there is none, with the nearest one or all of them.
pub fn find(name: &str) -> Result<Template, ScaffoldError> {
    let templates = all()?;
    if let Some(found) = templates.iter().find(|template| template.name == name) {
        return Ok(found.clone());
    }
    let names: Vec<&str> = templates.iter().map(|t| t.name.as_str()).collect();
    let hint = match nearest(name, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are: {}", names.join(", ")),
    };
    Err(ScaffoldError::Template {
        name: name.to_owned(),
        hint,
    })
}

impl Template {
    /// The files below one of the template's folders, seen from there.
    pub fn below(&self, folder: &str) -> impl Iterator<Item = (&str, &'static [u8])> {
        let inside = move |path: &'_ str| -> Option<usize> {
            path.strip_prefix(folder)?.strip_prefix('/').map(str::len)
        };
        self.files.iter().filter_map(move |(path, bytes)| {
            let length = inside(path)?;
            Some((path.get(path.len() - length..)?, *bytes))
        })
    }

    /// The file at that path of the template's folder.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<&'static [u8]> {
        let found = self.files.iter().find(|(other, _)| other == path);
        found.map(|(_, bytes)| *bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_says_what_it_makes_and_asks_whole_questions() {
        let templates = all().unwrap();
        assert!(!templates.is_empty());
        for template in templates {
            assert!(!template.description.is_empty(), "{}", template.name);
            assert!(template.file("compose.yaml.jinja").is_some());
            for question in &template.questions {
                assert!(question.ask.ends_with('?'), "{question:?}");
            }
        }
    }

    #[test]
    fn an_unknown_template_is_refused_with_the_nearest_one() {
        let error = find("rust-axun").unwrap_err();
        assert_eq!(error.hint().unwrap(), "did you mean `rust-axum`?");
        assert!(find("").is_err() && find("../x").is_err());
    }
}
