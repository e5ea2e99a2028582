//! `x-msvc` of a top-level secret: a file that msvc makes where it is missing.

use indexmap::IndexMap;

use super::{keys, mapping};
use crate::model::{FileSource, InputValue, Placed, Secret};
use crate::problem::{Problem, Problems};
use crate::typed::scalars::number;
use crate::typed::{Context, files};
use crate::yaml::{Key, Node, NodeValue, shorten};

/// Random bytes of a secret where the file says only that one is to be made: 192 bits, which
/// nobody guesses.
const BYTES: u32 = 24;
/// Fewer are guessed (128 bits); more is a file, not a secret.
pub(crate) const LEAST: u32 = 16;
/// The most.
pub(crate) const MOST: u32 = 1024;

/// The secrets that are made, and those that inputs take, by name.
pub(super) fn secrets(
    tree: &Node,
    inputs: &IndexMap<String, Placed<InputValue>>,
    context: &Context<'_>,
    problems: &mut Problems,
) -> IndexMap<String, Secret> {
    let is_taken = |name: &str| {
        let taken =
            |it: &Placed<InputValue>| matches!(&it.value, InputValue::Secret(of) if of == name);
        inputs.values().any(taken)
    };
    let mut secrets = IndexMap::new();
    for (key, node) in tree.entries_of("secrets") {
        let generate = generate(node, problems);
        if generate.is_none() && !is_taken(&key.text) {
            continue;
        }
        match secret(key, node, generate, context, problems) {
            Ok(secret) => drop(secrets.insert(key.text.clone(), secret)),
            Err(problem) => problems.push(problem),
        }
    }
    secrets
}

fn secret(
    key: &Key,
    node: &Node,
    generate: Option<Placed<usize>>,
    context: &Context<'_>,
    problems: &mut Problems,
) -> Result<Secret, Problem> {
    let source = files::secret(&key.text, key, node, context, problems)?;
    if let Some(generate) = &generate {
        let name = shorten(&key.text);
        let FileSource::Host(path) = &source else {
            let what = format!("msvc makes a secret in a file, and `{name}` names none");
            let hint = format!("give it a `file`, for example `./secrets/{name}`");
            return Err(Problem::error(what).at(generate.place.clone()).hint(hint));
        };
        if !path.starts_with(context.root) || path == context.root {
            let shown = context.shown(path);
            let what = format!(
                "msvc makes secrets in the project's folder only, and `{name}` is {}",
                shown.display()
            );
            let hint = format!("give it a `file` below the Compose file: `./secrets/{name}`");
            return Err(Problem::error(what).at(generate.place.clone()).hint(hint));
        }
    }
    Ok(Secret {
        source,
        generate,
        place: key.place.clone(),
    })
}

/// `x-msvc: {generate: true}`, or `{generate: {bytes: 32}}`.
fn generate(node: &Node, problems: &mut Problems) -> Option<Placed<usize>> {
    let what = "`x-msvc` of a secret";
    let extension = mapping(node.get("x-msvc"), what, keys::SECRET, problems)?;
    let node = extension.get("generate").filter(|n| !n.is_null())?;
    let what = "`x-msvc.generate`";
    let bytes = match &node.value {
        NodeValue::Bool(true) => Ok(BYTES),
        NodeValue::Bool(false) => return None,
        NodeValue::Map(_) => {
            mapping(Some(node), what, keys::GENERATE, problems)?;
            let of_it = "`bytes` of `x-msvc.generate`";
            match node.get("bytes").filter(|n| !n.is_null()) {
                None => Ok(BYTES),
                Some(bytes) => match number(bytes, of_it, MOST) {
                    Ok(few) if few < LEAST => {
                        let what = format!("{of_it} cannot be {few}");
                        let problem = Problem::error(what).at(bytes.place.clone());
                        Err(problem.hint(format!("write {LEAST} or more")))
                    }
                    other => other,
                },
            }
        }
        _ => Err(node
            .expected(what, "`true` or a mapping")
            .hint("write `generate: true`, or `generate: {bytes: 32}`")),
    };
    match bytes {
        Ok(bytes) => Some(Placed {
            value: usize::try_from(bytes).unwrap_or_default(),
            place: node.place.clone(),
        }),
        Err(problem) => {
            problems.push(problem);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::load::testing::{load, problems_of};
    use crate::model::FileSource;

    fn with(secret: &str) -> String {
        format!("services: {{a: {{image: a}}}}\nsecrets:\n  password: {secret}\n")
    }

    #[test]
    fn a_secret_that_is_to_be_made_is_known_with_its_file_and_length() {
        for (generate, bytes) in [("true", 24), ("{bytes: 32}", 32), ("{}", 24)] {
            let text = format!("{{file: ./secrets/p, x-msvc: {{generate: {generate}}}}}");
            let system = load(&with(&text)).system;
            let secret = &system.x_msvc.secrets["password"];
            assert_eq!(secret.source, FileSource::Host("/system/secrets/p".into()));
            assert_eq!(secret.generate.as_ref().unwrap().value, bytes);
            assert_eq!(secret.place.line, 3);
        }
        for nothing in ["", "x-msvc: {generate: false}", "x-msvc: {}"] {
            let text = format!("{{file: ./secrets/p, {nothing}}}");
            assert!(load(&with(&text)).system.x_msvc.secrets.is_empty());
        }
    }

    #[test]
    fn what_cannot_be_made_is_told_with_its_line() {
        for (secret, part) in [
            (
                "{environment: P, x-msvc: {generate: true}}",
                "msvc makes a secret in a file, and `password` names none",
            ),
            (
                "{file: ../p, x-msvc: {generate: true}}",
                "msvc makes secrets in the project's folder only",
            ),
            (
                "{file: ., x-msvc: {generate: true}}",
                "msvc makes secrets in the project's folder only",
            ),
            (
                "{file: p, x-msvc: {generate: {bytes: 8}}}",
                "cannot be 8 (write 16 or more)",
            ),
            (
                "{file: p, x-msvc: {generate: {bytes: 4096}}}",
                "write a whole number from 0 to 1024",
            ),
            (
                "{file: p, x-msvc: {generate: {byte: 8}}}",
                "has no key `byte`",
            ),
            ("{file: p, x-msvc: {generated: true}}", "`generate`"),
            ("{file: p, x-msvc: {generate: yes please}}", "a mapping"),
        ] {
            let problems = problems_of(&with(secret));
            assert!(
                problems.contains(part) && problems.contains("compose.yaml:3:"),
                "{secret}: {part} in\n{problems}"
            );
        }
    }
}
