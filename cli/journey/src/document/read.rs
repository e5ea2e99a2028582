//! A document from its bytes: the root, its source descriptions and its components; workflows and
//! what is below them stand in files of their own.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use msvc_system::files::Files;
use msvc_system::problem::{Place, Problem, Problems};
use msvc_system::yaml::{self, Node};

use super::fields::{self, Fields};
use super::{Document, actions, parameters, workflows};
use crate::expression::Expression;
use crate::schema;
use crate::source::{self, Source};

/// What is gathered while a document is read.
pub(super) struct Reader<'n> {
    /// Everything wrong so far.
    pub(super) problems: Problems,
    /// `components`, when there is one.
    pub(super) components: Option<&'n Node>,
    /// The source descriptions that could be read, by name.
    pub(super) sources: IndexMap<String, Source>,
    /// Whether some source description could not be read: what it has is not known.
    pub(super) lacks_source: bool,
    /// All workflow ids, in order.
    pub(super) workflow_ids: Vec<&'n str>,
    /// The names of each workflow's outputs.
    pub(super) workflow_outputs: Vec<Vec<&'n str>>,
    /// The ids of the running workflow's steps, in order.
    pub(super) step_ids: Vec<&'n str>,
    /// Every expression of the running workflow, for the check of what they name.
    pub(super) uses: Vec<Use>,
    /// When the values read now are looked up.
    pub(super) moment: Moment,
}

/// An expression in the document.
pub(super) struct Use {
    pub(super) expression: Expression,
    pub(super) place: Place,
    pub(super) moment: Moment,
}

/// When an expression is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// While the request of the step with that number is made.
    Before(usize),
    /// Once the step with that number has its answer.
    After(usize),
    /// At the end of the workflow.
    End,
    /// In a component that is only checked by itself.
    Never,
}

/// Reads the document `file` and the source descriptions that it names.
///
/// # Errors
/// With every problem found, each with its place.
pub fn read(file: &Path, files: &Files) -> Result<Document, Problems> {
    let bytes = files.read(file).map_err(|error| {
        Problem::error(format!(
            "cannot read the journey {}: {error}",
            file.display()
        ))
        .hint("name an Arazzo document (YAML or JSON) that is there, by its path from here")
    })?;
    let root = yaml::parse(file, &bytes)?;
    let mut reader = Reader::new(&root);
    let document = reader.document(file, &root, files);
    let mut problems = reader.problems;
    // A component is read wherever it is used, and what is wrong with it is told once.
    let mut told = HashSet::new();
    problems.0.retain(|problem| told.insert(problem.clone()));
    problems.or(document)
}

impl<'n> Reader<'n> {
    fn new(root: &'n Node) -> Self {
        Self {
            problems: Problems::default(),
            components: root.get("components"),
            sources: IndexMap::new(),
            lacks_source: false,
            workflow_ids: ids(root.get("workflows"), "workflowId"),
            workflow_outputs: root
                .get("workflows")
                .map(Node::items)
                .unwrap_or_default()
                .iter()
                .map(|workflow| {
                    let outputs = workflow.get("outputs").map(Node::entries);
                    let outputs = outputs.unwrap_or_default().iter();
                    outputs.map(|(key, _)| key.text.as_str()).collect()
                })
                .collect(),
            step_ids: Vec::new(),
            uses: Vec::new(),
            moment: Moment::Never,
        }
    }

    fn document(&mut self, file: &Path, root: &'n Node, files: &Files) -> Document {
        let mut document = Document {
            file: file.to_path_buf(),
            title: String::new(),
            sources: IndexMap::new(),
            workflows: Vec::new(),
        };
        let known = [
            "arazzo",
            "info",
            "sourceDescriptions",
            "workflows",
            "components",
        ];
        let Some(fields) = Fields::of(root, "the document", &known, &mut self.problems) else {
            return document;
        };
        if !self.version(&fields) {
            return document;
        }
        document.title = self.info(&fields);
        self.source_descriptions(&fields, file, files);
        document.sources = self
            .sources
            .iter()
            .map(|(name, source)| (name.clone(), source.url.clone()))
            .collect();
        self.check_components();
        fields.required("workflows", &mut self.problems);
        for node in fields.list("workflows", 1, &mut self.problems) {
            if let Some(workflow) = workflows::read(self, node) {
                document.workflows.push(workflow);
            }
        }
        if !self.problems.has_errors() {
            super::check::no_circle(&document, &mut self.problems);
        }
        document
    }

    /// Whether the version is one that msvc reads.
    fn version(&mut self, fields: &Fields<'n>) -> bool {
        let Some((version, place)) = fields.required_text("arazzo", &mut self.problems) else {
            return false;
        };
        let patch = version.strip_prefix("1.0.").unwrap_or_default();
        let (number, suffix) = patch.split_once('-').unwrap_or((patch, "x"));
        let good =
            !number.is_empty() && number.chars().all(|c| c.is_ascii_digit()) && !suffix.is_empty();
        if !good {
            let problem = Problem::error(format!("msvc does not read Arazzo `{version}`"));
            let problem = problem.at(place.clone());
            self.problems.push(problem.hint("it reads 1.0.x"));
        }
        good
    }

    fn info(&mut self, fields: &Fields<'n>) -> String {
        let known = ["title", "summary", "description", "version"];
        let Some(info) = fields
            .required("info", &mut self.problems)
            .and_then(|node| Fields::of(node, "`info`", &known, &mut self.problems))
        else {
            return String::new();
        };
        info.text("summary", &mut self.problems);
        info.text("description", &mut self.problems);
        info.required_text("version", &mut self.problems);
        let title = info.required_text("title", &mut self.problems);
        title.map(|(title, _)| title.to_owned()).unwrap_or_default()
    }

    fn source_descriptions(&mut self, fields: &Fields<'n>, file: &Path, files: &Files) {
        fields.required("sourceDescriptions", &mut self.problems);
        for node in fields.list("sourceDescriptions", 1, &mut self.problems) {
            let known = ["name", "url", "type"];
            let what = "a source description";
            let Some(fields) = Fields::of(node, what, &known, &mut self.problems) else {
                continue;
            };
            let name = fields.required_text("name", &mut self.problems);
            let url = fields.required_text("url", &mut self.problems);
            let kind = fields.text("type", &mut self.problems);
            let (Some((name, name_place)), Some((url, place))) = (name, url) else {
                continue;
            };
            let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
            if name.is_empty() || !name.chars().all(word) {
                self.problems.push(
                    Problem::error(format!("`{name}` is no name of a source description"))
                        .at(name_place.clone())
                        .hint("letters, digits, `-` and `_`"),
                );
            }
            if self.sources.contains_key(name) {
                self.problems.push(
                    Problem::error(format!("two source descriptions are called `{name}`"))
                        .at(name_place.clone()),
                );
                continue;
            }
            let folder = file.parent().map(PathBuf::from).unwrap_or_default();
            match source::read(name, url, kind, place, &folder, files) {
                Ok(source) => drop(self.sources.insert(name.to_owned(), source)),
                Err(problems) => {
                    self.lacks_source = true;
                    self.problems.0.extend(problems.0);
                }
            }
        }
    }

    /// Checks each component by itself, whether or not anything refers to it.
    fn check_components(&mut self) {
        let known = ["inputs", "parameters", "successActions", "failureActions"];
        let Some(components) = self
            .components
            .and_then(|node| Fields::of(node, "`components`", &known, &mut self.problems))
        else {
            return;
        };
        self.moment = Moment::Never;
        for kind in known {
            let Some(node) = components.get(kind) else {
                continue;
            };
            if let Err(problem) = node.want_map(&format!("`{kind}`")) {
                self.problems.push(problem);
            }
            for (key, entry) in node.entries() {
                if !fields::is_name(&key.text) {
                    self.problems.push(
                        Problem::error(format!("`{}` is no name of a component", key.text))
                            .at(key.place.clone())
                            .hint("letters, digits, `.`, `-` and `_`"),
                    );
                }
                match kind {
                    "inputs" => drop(schema::read(entry, self.components, &mut self.problems)),
                    "parameters" => drop(parameters::inline(self, entry, false)),
                    "successActions" => drop(actions::inline(self, entry, actions::Side::Success)),
                    _ => drop(actions::inline(self, entry, actions::Side::Failure)),
                }
            }
        }
        self.uses.clear();
    }

    /// The component that a `reference` names: `$components.parameters.page`.
    pub(super) fn component(&mut self, node: &'n Node, kind: &str) -> Option<&'n Node> {
        let text = fields::text(node, "reference", &mut self.problems)?;
        let name = text
            .strip_prefix("$components.")
            .and_then(|rest| rest.strip_prefix(kind))
            .and_then(|rest| rest.strip_prefix('.'));
        let Some(name) = name else {
            self.problems.push(
                Problem::error(format!("`{text}` names no component that fits here"))
                    .at(node.place.clone())
                    .hint(format!("write `$components.{kind}.<name>`")),
            );
            return None;
        };
        let all = self.components.and_then(|c| c.get(kind));
        let found = all.and_then(|all| all.get(name));
        if found.is_none() {
            let names = all.map(Node::entries).unwrap_or_default();
            let names = names.iter().map(|(key, _)| key.text.as_str());
            self.unknown(&format!("`components.{kind}`"), name, names, &node.place);
        }
        found
    }

    /// Tells that nothing called `name` is there, with the nearest that is.
    pub(super) fn unknown<'a>(
        &mut self,
        whose: &str,
        name: &str,
        names: impl IntoIterator<Item = &'a str>,
        place: &Place,
    ) {
        let problem = Problem::error(format!("{whose} has no `{name}`")).at(place.clone());
        let known: Vec<&str> = names.into_iter().filter(|name| !name.is_empty()).collect();
        let near = msvc_system::problem::nearest(name, known.iter().copied());
        self.push(match near {
            Some(near) => problem.hint(format!("did you mean `{near}`?")),
            None => problem.hint(there_are(&known)),
        });
    }

    /// Adds a problem.
    pub(super) fn push(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// Parses one expression and keeps it for the check.
    pub(super) fn expression(&mut self, node: &Node, key: &str) -> Option<Expression> {
        let text = fields::text(node, key, &mut self.problems)?;
        if !text.starts_with('$') {
            let problem = Problem::error(format!("`{key}` must be a runtime expression"));
            self.push(problem.at(node.place.clone()).hint("it begins with `$`"));
            return None;
        }
        match Expression::parse(text) {
            Ok(expression) => {
                self.used([&expression], &node.place);
                Some(expression)
            }
            Err(error) => {
                self.push(Problem::error(error.to_string()).at(node.place.clone()));
                None
            }
        }
    }

    /// Keeps expressions for the check of what they name.
    pub(super) fn used<'a>(
        &mut self,
        expressions: impl IntoIterator<Item = &'a Expression>,
        place: &Place,
    ) {
        if self.moment == Moment::Never {
            return;
        }
        for expression in expressions {
            self.uses.push(Use {
                expression: expression.clone(),
                place: place.clone(),
                moment: self.moment,
            });
        }
    }
}

/// What there is instead, as far as it can be taken in at a glance.
fn there_are(known: &[&str]) -> String {
    const SHOWN: usize = 8;
    let more = known.len().saturating_sub(SHOWN);
    let shown = known[..known.len() - more].join(", ");
    match (known.len(), more) {
        (0, _) => "there is none at all: add it, or take this out".to_owned(),
        (1, _) => format!("there is: {shown}"),
        (_, 0) => format!("there are: {shown}"),
        (_, more) => format!("there are: {shown} and {more} more"),
    }
}

/// The ids of a list's objects; one without id has the empty one, so that numbers stay right.
pub(super) fn ids<'n>(list: Option<&'n Node>, key: &str) -> Vec<&'n str> {
    let items = list.map(Node::items).unwrap_or_default();
    items
        .iter()
        .map(|item| item.get(key).and_then(Node::as_str).unwrap_or_default())
        .collect()
}
