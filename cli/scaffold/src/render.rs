//! Files in memory, from a template and its answers.
//!
//! An answer is a value and never template text, so nothing in it is ever carried out. A name that
//! a file uses and nobody gave is an error, not an empty text.

use std::collections::BTreeMap;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Value;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};

use crate::error::ScaffoldError;
use crate::template::Template;

mod lock_file;

/// The ending of files that are rendered.
const RENDERED: &str = ".jinja";

/// What files can use, by name.
pub type Facts = BTreeMap<String, Value>;

/// A file in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its path below the folder that it goes to, with `/`.
    pub path: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// The files below a folder of the template, rendered, in the order of their paths.
///
/// # Errors
/// When a file cannot be rendered, or its path would leave the folder.
pub fn files(template: &Template, folder: &str, facts: &Facts) -> Result<Vec<File>, ScaffoldError> {
    let mut files = Vec::new();
    for (path, bytes) in template.below(folder) {
        let shown = format!("{}/{folder}/{path}", template.name);
        let to = text(&shown, path, facts)?;
        if !stays_inside(&to) {
            let why = format!("`{to}` is no path inside the folder");
            return Err(ScaffoldError::Render { file: shown, why });
        }
        let (to, bytes) = match to.strip_suffix(RENDERED) {
            None => (to.clone(), bytes.to_vec()),
            Some(to) => {
                let source = std::str::from_utf8(bytes).map_err(|why| ScaffoldError::Render {
                    file: shown.clone(),
                    why: why.to_string(),
                })?;
                (to.to_owned(), text(&shown, source, facts)?.into_bytes())
            }
        };
        let bytes = if to == "Cargo.lock" {
            lock_file::sorted(&String::from_utf8_lossy(&bytes)).into_bytes()
        } else {
            bytes
        };
        files.push(File { path: to, bytes });
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// The crates that the template's lock file names, itself not counted: a service of such a name
/// could not use that crate.
#[must_use]
pub fn locked_crates(template: &Template) -> Vec<String> {
    let lock = template
        .file("files/Cargo.lock.jinja")
        .map(String::from_utf8_lossy);
    lock_file::names(&lock.unwrap_or_default())
}

/// A text rendered. `file` is named in errors.
///
/// # Errors
/// When it is no template, or uses what is not known.
pub fn text(file: &str, source: &str, facts: &Facts) -> Result<String, ScaffoldError> {
    let rendered = environment().render_named_str(file, source, facts);
    rendered.map_err(|error| {
        let line = error.line().map(|line| format!("line {line}: "));
        ScaffoldError::Render {
            file: file.to_owned(),
            why: format!("{}{error}", line.unwrap_or_default()),
        }
    })
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    // The line of a `{% … %}` vanishes whole; all other lines stay as they are.
    let mut syntax = SyntaxConfig::builder();
    syntax
        .keep_trailing_newline(true)
        .trim_blocks(true)
        .lstrip_blocks(true);
    if let Ok(syntax) = syntax.build() {
        environment.set_syntax(syntax);
    }
    environment.add_filter("quoted", |text: &str| quoted(text));
    environment.add_filter("compose", |text: &str| compose(text));
    environment
}

/// A text in double quotes, as JSON, YAML, TOML and Rust read it. Answers have no control
/// characters, whose escapes differ.
#[must_use]
pub fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A text as a value of a Compose file: dollar signs doubled, in quotes where it needs them.
fn compose(text: &str) -> String {
    const WORDS: [&str; 8] = ["true", "false", "null", "yes", "no", "on", "off", "y"];
    let text = text.replace('$', "$$");
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    let word = (text.starts_with(|c: char| c.is_ascii_alphabetic()) || text.starts_with("./"))
        && text.len() > 1
        && text.chars().all(plain)
        && text.chars().any(|c| c.is_ascii_alphabetic())
        && !WORDS.contains(&text.to_ascii_lowercase().as_str());
    if word { text } else { quoted(&text) }
}

/// Whether a path has only names in it: no `..`, nothing absolute, nothing empty.
fn stays_inside(path: &str) -> bool {
    let name = |part: &str| !part.is_empty() && part != "." && part != ".." && !part.contains('\\');
    path.split('/').all(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(pairs: &[(&str, &str)]) -> Facts {
        let owned = |(k, v): &(&str, &str)| ((*k).to_owned(), Value::from(*v));
        pairs.iter().map(owned).collect()
    }

    fn template(path: &str, source: &'static str) -> Template {
        Template {
            name: "t".to_owned(),
            description: String::new(),
            questions: Vec::new(),
            files: vec![(path.to_owned(), source.as_bytes())],
        }
    }

    #[test]
    fn only_files_with_the_ending_are_rendered_and_paths_always_are() {
        let facts = facts(&[("name", "x")]);
        let plain = template("files/{{ name }}.yml", "${{ env.HOME }}");
        let file = files(&plain, "files", &facts).unwrap().remove(0);
        assert_eq!(
            (file.path.as_str(), file.bytes.as_slice()),
            ("x.yml", b"${{ env.HOME }}".as_slice())
        );
        let rendered = template("files/a.yml.jinja", "{{ name }}\n");
        let file = files(&rendered, "files", &facts).unwrap().remove(0);
        assert_eq!(
            (file.path.as_str(), file.bytes.as_slice()),
            ("a.yml", b"x\n".as_slice())
        );
    }

    #[test]
    fn what_nobody_gave_is_an_error_with_file_and_line() {
        let unknown = template("files/a.jinja", "\n{{ nobody }}");
        let error = files(&unknown, "files", &facts(&[]))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("t/files/a.jinja") && error.contains("line 2"),
            "{error}"
        );
    }

    #[test]
    fn an_answer_is_never_carried_out() {
        let facts = facts(&[("a", "{{ 7 * 7 }}{% raw %}")]);
        assert_eq!(
            text("x", "{{ a }}", &facts).unwrap(),
            "{{ 7 * 7 }}{% raw %}"
        );
    }

    #[test]
    fn the_description_of_the_interface_is_one() {
        let facts = facts(&[("name", "x"), ("description", "Says \"it\": all, # of it")]);
        let template = crate::template::find("rust-axum").unwrap();
        let source = template.file("files/openapi.yaml.jinja").unwrap();
        let text = text("x", std::str::from_utf8(source).unwrap(), &facts).unwrap();
        let read = msvc_system::openapi::read("openapi.yaml".as_ref(), text.as_bytes()).unwrap();
        for (method, path) in [
            ("PUT", "/items/lamp"),
            ("GET", "/items"),
            ("GET", "/readyz"),
        ] {
            assert!(read.find(method, path).is_some(), "{method} {path}");
        }
    }

    #[test]
    fn a_path_that_would_leave_the_folder_is_refused() {
        for bad in ["../x", "/x", "a/../../x", "a\\x", "", "."] {
            let facts = facts(&[("a", bad)]);
            let refused = files(&template("files/{{ a }}", ""), "files", &facts);
            assert!(refused.is_err(), "{bad}");
        }
    }

    #[test]
    fn a_value_of_a_compose_file_reads_back_as_what_it_was() {
        for text in [
            "./services/stock",
            "./a b/c",
            "./x#y",
            "platform",
            "on",
            "y",
            "1.5",
            "1e3",
            "0x1f",
            "a: b",
            "- a",
            "'",
            "\"",
            "日本",
            "{x}",
            "null",
            ".",
            "./$HOME",
            "*a",
            "&a",
            "!a",
            "%a",
            "@a",
            "`a",
            ".5",
            ".inf",
            "12:30",
            "",
        ] {
            let yaml = format!("a: {}\n", compose(text));
            let tree =
                msvc_system::yaml::parse(std::path::Path::new("x"), yaml.as_bytes()).unwrap();
            assert_eq!(
                tree.get("a").unwrap().as_str(),
                Some(text.replace('$', "$$").as_str()),
                "{yaml}"
            );
        }
    }
}
