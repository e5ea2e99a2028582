//! Pact files as values, checked before anything is asked of a provider.
//!
//! `pact_models` reads leniently (a missing name becomes a default, a status that is no number
//! ends the thread), so the shape is checked here first, with a place for each complaint.

use std::path::{Path, PathBuf};

use msvc_machine::disk::read_regular;
use msvc_system::files::MAX_BYTES;
use msvc_system::problem::{Place, Problem, Problems, nearest};
use serde_json::Value;

mod document;
mod heading;
mod keys;
mod position;
mod rules;

/// Folders below the given one that are still searched.
const MAX_DEPTH: usize = 16;

/// All pacts of a folder, or one.
#[derive(Debug, Clone, Default)]
pub struct Pacts {
    /// In the order of their paths.
    pub files: Vec<PactFile>,
    /// Files of the folder that were passed over, each with why.
    pub passed_over: Vec<Problem>,
}

/// One pact: what one consumer expects of one provider.
#[derive(Debug, Clone, PartialEq)]
pub struct PactFile {
    /// The file.
    pub path: PathBuf,
    /// Where its list of interactions begins.
    pub place: Place,
    /// Who expects.
    pub consumer: String,
    /// Of whom.
    pub provider: String,
    /// What, in the file's order.
    pub interactions: Vec<Interaction>,
    /// The document without its interactions; each is verified in a pact of its own.
    frame: Value,
}

/// One thing that a consumer expects.
#[derive(Debug, Clone, PartialEq)]
pub struct Interaction {
    /// Its description, unique in its pact; a given state or a number is added where it is not.
    pub name: String,
    /// The description as it stands in the file.
    pub description: String,
    /// The states that the provider is to be in.
    pub states: Vec<State>,
    /// What has to be done to verify it.
    pub kind: Kind,
    /// Whether the consumer marked it as pending: not kept yet, and known not to be.
    pub pending: bool,
    /// Where it stands.
    pub place: Place,
    /// As it stands.
    document: Value,
}

/// A provider state.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// Its name.
    pub name: String,
}

/// How an interaction is to be verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A request is sent and its answer matched.
    Http,
    /// A gRPC call; not verified yet.
    Grpc,
    /// An event; not verified yet.
    Event,
    /// A message answered by messages; not verified yet.
    Messages,
    /// It needs a Pact plug-in, which msvc does not load.
    Plugin(String),
}

/// Which interactions are meant. `None` means all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Those of this consumer.
    pub consumer: Option<String>,
    /// Those expected of this provider.
    pub provider: Option<String>,
    /// Those whose description contains this.
    pub interaction: Option<String>,
}

/// Reads a pact file, or all pact files of a folder and its sub-folders.
///
/// # Errors
/// When there is none, or one of them cannot be read: every problem with file, line and column.
pub fn read(path: &Path) -> Result<Pacts, Problems> {
    let mut pacts = Pacts::default();
    let mut problems = Problems::default();
    if path.is_dir() {
        let mut found = Vec::new();
        walk(path, 0, &mut found, &mut pacts.passed_over, &mut problems);
        found.sort();
        for file in found {
            read_file(&file, &mut pacts.files, &mut problems);
        }
        if pacts.files.is_empty() && !problems.has_errors() {
            problems.push(
                Problem::error(format!("no pact file in {}", path.display()))
                    .hint("pact files end in .json; the consumers' tests write them"),
            );
        }
    } else {
        read_file(path, &mut pacts.files, &mut problems);
    }
    problems.or(pacts)
}

fn walk(
    folder: &Path,
    depth: usize,
    found: &mut Vec<PathBuf>,
    passed_over: &mut Vec<Problem>,
    problems: &mut Problems,
) {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            problems.push(Problem::error(format!(
                "cannot read the folder {}: {error}",
                folder.display()
            )));
            return;
        }
    };
    for entry in entries.flatten() {
        let path = entry.path();
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_folder && depth < MAX_DEPTH {
            walk(&path, depth + 1, found, passed_over, problems);
        } else if !is_folder && path.extension().is_some_and(|e| e == "json") {
            found.push(path);
        } else {
            let why = if is_folder { "too deep" } else { "not .json" };
            passed_over.push(Problem::warning(format!(
                "{} is passed over: {why}",
                path.display()
            )));
        }
    }
}

fn read_file(path: &Path, files: &mut Vec<PactFile>, problems: &mut Problems) {
    match read_regular(path, MAX_BYTES) {
        Ok(bytes) => match document::parse(path, &bytes) {
            Ok(file) => files.push(file),
            Err(found) => problems.0.extend(found.0),
        },
        Err(error) => problems.push(
            Problem::error(format!("cannot read the pact {}: {error}", path.display()))
                .hint("the consumers' tests write pact files; name one, or a folder of them"),
        ),
    }
}

impl Pacts {
    /// The pacts with what `selection` leaves of their interactions; those left with none are
    /// not among them.
    #[must_use]
    pub fn select(&self, selection: &Selection) -> Vec<PactFile> {
        let is = |wanted: &Option<String>, name: &str| {
            wanted.as_deref().is_none_or(|wanted| wanted == name)
        };
        self.files
            .iter()
            .filter(|file| is(&selection.consumer, &file.consumer))
            .filter(|file| is(&selection.provider, &file.provider))
            .filter_map(|file| {
                let mut file = file.clone();
                file.interactions.retain(|interaction| {
                    let text = selection.interaction.as_deref();
                    text.is_none_or(|text| interaction.name.contains(text))
                });
                // An empty pact stays when no interaction was asked for: it is told as such.
                let keep = !file.interactions.is_empty() || selection.interaction.is_none();
                keep.then_some(file)
            })
            .collect()
    }

    /// Why `selection` leaves nothing, with the nearest name that there is.
    #[must_use]
    pub fn nothing(&self, selection: &Selection) -> String {
        let consumers = self.files.iter().map(|f| f.consumer.as_str());
        let providers = self.files.iter().map(|f| f.provider.as_str());
        let interactions = self.files.iter().flat_map(|f| &f.interactions);
        let wanted: [(&str, &Option<String>, Vec<&str>); 3] = [
            ("consumer", &selection.consumer, consumers.collect()),
            ("provider", &selection.provider, providers.collect()),
            (
                "interaction",
                &selection.interaction,
                interactions.map(|i| i.description.as_str()).collect(),
            ),
        ];
        for (what, wanted, names) in wanted {
            let Some(wanted) = wanted else { continue };
            let fits = |name: &&str| match what {
                "interaction" => name.contains(wanted.as_str()),
                _ => *name == wanted,
            };
            if !names.iter().any(fits) {
                let hint = match nearest(wanted, names.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("there is: {}", listed(&names)),
                };
                return format!("no pact has {what} `{wanted}`; {hint}");
            }
        }
        "no interaction matches all that was asked for".to_owned()
    }
}

fn listed(names: &[&str]) -> String {
    let mut names: Vec<_> = names.to_vec();
    names.sort_unstable();
    names.dedup();
    let more = names.len().saturating_sub(8);
    names.truncate(8);
    let text = names.join(", ");
    if more > 0 {
        format!("{text} and {more} more")
    } else {
        text
    }
}

impl PactFile {
    /// A pact that holds `interaction` alone, as JSON.
    #[must_use]
    pub fn alone(&self, interaction: &Interaction) -> Value {
        let mut pact = self.frame.clone();
        if let Some(fields) = pact.as_object_mut() {
            let list = match interaction.kind {
                Kind::Event if !heading::is_v4(&self.frame) => "messages",
                _ => "interactions",
            };
            fields.insert(
                list.to_owned(),
                Value::Array(vec![interaction.document.clone()]),
            );
        }
        pact
    }

    /// `consumer-provider`, as in the name of the file that Pact writes.
    #[must_use]
    pub fn pair(&self) -> String {
        format!("{}-{}", self.consumer, self.provider)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder_with(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        folder
    }

    const PACT: &str = r#"{
  "consumer": {"name": "orders"},
  "provider": {"name": "payments"},
  "interactions": [
    {"description": "a charge", "request": {"method": "GET", "path": "/"},
     "response": {"status": 200}},
    {"description": "a refund", "providerState": "a charge",
     "request": {"method": "GET", "path": "/"}, "response": {"status": 200}}
  ],
  "metadata": {"pactSpecification": {"version": "2.0.0"}}
}"#;

    #[test]
    fn pacts_of_sub_folders_are_found_and_other_files_are_named() {
        let folder = folder_with(&[("a/b/x.json", PACT), ("README.md", "hello")]);
        let pacts = read(folder.path()).unwrap();
        assert_eq!(pacts.files.len(), 1);
        assert_eq!(pacts.files[0].pair(), "orders-payments");
        assert_eq!(pacts.passed_over.len(), 1);
        assert!(pacts.passed_over[0].what.contains("README.md"));
    }

    #[test]
    fn an_interaction_knows_its_line_and_its_states() {
        let folder = folder_with(&[("x.json", PACT)]);
        let pacts = read(&folder.path().join("x.json")).unwrap();
        let refund = &pacts.files[0].interactions[1];
        assert_eq!((refund.place.line, refund.place.column), (7, 5));
        assert_eq!(refund.states[0].name, "a charge");
    }

    #[test]
    fn a_folder_without_pacts_and_a_missing_file_are_problems() {
        let folder = folder_with(&[("README.md", "hello")]);
        let problems = read(folder.path()).unwrap_err();
        assert!(problems.to_string().contains("no pact file in"));
        let problems = read(&folder.path().join("gone.json")).unwrap_err();
        assert!(problems.to_string().contains("gone.json"), "{problems}");
    }

    #[test]
    fn a_selection_that_leaves_nothing_says_what_there_is() {
        let folder = folder_with(&[("x.json", PACT)]);
        let pacts = read(folder.path()).unwrap();
        let selection = Selection {
            interaction: Some("a refnd".to_owned()),
            ..Selection::default()
        };
        assert!(pacts.select(&selection).is_empty());
        assert!(pacts.nothing(&selection).contains("`a refund`"));
        let selection = Selection {
            provider: Some("nobody-at-all".to_owned()),
            ..Selection::default()
        };
        assert!(pacts.nothing(&selection).contains("there is: payments"));
        let selection = Selection {
            interaction: Some("a charge".to_owned()),
            ..Selection::default()
        };
        assert_eq!(pacts.select(&selection)[0].interactions.len(), 1);
    }
}
