//! What a pact says of itself before its interactions: who expects what of whom, by which version
//! of the specification.

use msvc_system::problem::{Place, Problem, Problems};
use serde_json::Value;

/// Whether the pact says that it is of specification 4.
pub(super) fn is_v4(document: &Value) -> bool {
    version(document).is_some_and(|version| version.starts_with('4'))
}

fn version(document: &Value) -> Option<&str> {
    let metadata = document.get("metadata")?;
    let specification = metadata
        .get("pactSpecification")
        .or_else(|| metadata.get("pact-specification"))?;
    specification.get("version")?.as_str()
}

/// The specification's major number; without any, 3 holds, as for every Pact tool.
pub(super) fn specification(document: &Value, top: &Place, problems: &mut Problems) -> u32 {
    let Some(version) = version(document) else {
        return 3;
    };
    let major = version
        .split('.')
        .next()
        .and_then(|major| major.parse().ok());
    match major {
        Some(major @ 1..=4) => major,
        _ => {
            problems.push(
                Problem::error(format!("Pact specification `{version}` is not supported"))
                    .at(top.clone())
                    .hint("versions 1 to 4 are"),
            );
            3
        }
    }
}

/// The name of the consumer or the provider.
pub(super) fn party(document: &Value, role: &str, top: &Place, problems: &mut Problems) -> String {
    let name = document
        .get(role)
        .and_then(|party| party.get("name"))
        .and_then(Value::as_str)
        .filter(|name| !name.is_empty());
    if name.is_none() {
        problems.push(
            Problem::error(format!("this is no pact: it does not name its {role}"))
                .at(top.clone())
                .hint(format!("a pact has `\"{role}\": {{\"name\": …}}`")),
        );
    }
    name.unwrap_or_default().to_owned()
}
