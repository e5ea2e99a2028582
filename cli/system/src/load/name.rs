//! What the system is called: `-p`, `COMPOSE_PROJECT_NAME`, the files' `name`, else the name of the
//! project directory made fit.

use std::collections::BTreeMap;
use std::path::Path;

use crate::canonical::Variables;
use crate::id::ProjectName;
use crate::interpolate::Interpolation;
use crate::problem::{Place, Problem, Problems, Severity};
use crate::yaml::Node;
use crate::yaml::shorten;

/// A project's name.
pub(super) struct Name {
    /// As it is used.
    pub(super) name: ProjectName,
    /// As it was given, before anything was left out of it.
    pub(super) given: String,
}

/// The variable that names a project.
pub(super) const VARIABLE: &str = "COMPOSE_PROJECT_NAME";

/// `set_at` is where a file sets [`VARIABLE`]; `set` replaces the others.
pub(super) fn name(
    asked: Option<&str>,
    (environment, set_at, mut set): (&BTreeMap<String, String>, Option<&Place>, Interpolation<'_>),
    documents: &[Node],
    root: &Path,
    variables: Variables,
    is_normalized: bool,
) -> Result<Name, Problem> {
    let named = environment.get(VARIABLE).map(String::as_str);
    if let Some(name) = asked.or(named).filter(|name| !name.is_empty()) {
        let from = asked.is_none().then_some(set_at);
        return checked(name).map_err(|problem| match from {
            Some(Some(place)) => problem.at(place.clone()),
            Some(None) => Problem {
                what: format!("the variable `{VARIABLE}`: {}", problem.what),
                ..problem
            },
            None => problem,
        });
    }
    let named = documents
        .iter()
        .rev()
        .filter_map(|document| document.get("name"))
        .find(|n| !n.is_null() && n.as_str() != Some(""));
    if let Some(node) = named {
        let text = node.text().ok_or_else(|| {
            let problem = node.expected("`name`", "text");
            problem.hint("write it as `name: shop`")
        })?;
        // Without variables replaced Docker Compose makes a name of what is written.
        let text = match variables {
            Variables::Written => text,
            Variables::Replaced => {
                let mut told = Problems::default();
                let new = set.told(&text, &node.place, |part| part, &mut told);
                let is_error = |it: &Problem| it.severity == Severity::Error;
                match told.0.into_iter().find(is_error) {
                    // The others are told with those of the file.
                    Some(problem) => return Err(problem),
                    None => new.unwrap_or_default(),
                }
            }
        };
        let fitted = match fitted(&text) {
            // It is printed as it is written, and nothing is called by it.
            Err(()) if !is_normalized => nameless(&text),
            fitted => fitted,
        };
        return fitted.map_err(|()| {
            Problem::error(format!(
                "no project name can be made of `{}`",
                shorten(&text)
            ))
            .at(node.place.clone())
            .hint("write one of small letters, digits, `-` and `_`")
        });
    }
    let folder = root.file_name().map(|name| name.to_string_lossy());
    let fitted = fitted(&fit(&folder.unwrap_or_default()));
    fitted.map_err(|()| {
        Problem::error(format!(
            "no project name can be made of the folder {}",
            root.display()
        ))
        .hint("give one with -p NAME, or write `name:` at the top of the Compose file")
    })
}

/// A text of which no name is left.
fn nameless(text: &str) -> Result<Name, ()> {
    let name = ProjectName::new("nameless").map_err(|_| ())?;
    let given = text.to_owned();
    Ok(Name { name, given })
}

/// A text as a name, made fit.
fn fitted(text: &str) -> Result<Name, ()> {
    let name = ProjectName::new(fit(text)).map_err(|_| ())?;
    let given = text.to_owned();
    Ok(Name { name, given })
}

/// A name with what a project's may not have left out, as Docker Compose makes it fit.
fn fit(name: &str) -> String {
    let fit: String = name
        .to_lowercase()
        .chars()
        .filter(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_'))
        .collect();
    fit.trim_start_matches(['-', '_']).to_owned()
}

fn checked(given: &str) -> Result<Name, Problem> {
    let name = ProjectName::new(given).map_err(|error| {
        let problem = Problem::error(error.to_string().replace(given, &shorten(given)));
        match fitted(given) {
            Ok(fitted) => problem.hint(format!("write `{}`", shorten(fitted.name.as_str()))),
            Err(()) => problem,
        }
    })?;
    let given = given.to_owned();
    Ok(Name { name, given })
}
