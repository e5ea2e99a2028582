//! From the bytes of a pact file to a [`PactFile`], every complaint with its place.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use msvc_system::problem::{Place, Problem, Problems};
use pact_models::pact::load_pact_from_json;
use serde_json::Value;

use super::heading::{party, specification};
use super::{Interaction, Kind, PactFile, State, keys, position};

/// What helps a file that is broken as a whole.
const ANEW: &str = "let the consumer's tests write it anew, or take the file out of the folder";

/// What a pact looks like.
const SHAPE: &str = "a pact is `{\"consumer\": {\"name\": …}, \"provider\": {\"name\": …}, \
                     \"interactions\": […]}`, as the consumer's tests write it";

/// What an interaction looks like.
const INTERACTION: &str = "an interaction is `{\"description\": …, \"request\": {…}, \"response\": \
                           {\"status\": 200}}`; specification 4 adds `\"type\"`";

/// What a value is, for people.
pub(super) const fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Reads one pact.
pub(super) fn parse(path: &Path, bytes: &[u8]) -> Result<PactFile, Problems> {
    let at = |line: usize, column: usize| Place {
        file: path.into(),
        line: u32::try_from(line.max(1)).unwrap_or(u32::MAX),
        column: u32::try_from(column.max(1)).unwrap_or(u32::MAX),
    };
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = &bytes[..error.valid_up_to()];
        let line = 1 + before.iter().filter(|b| **b == b'\n').count();
        let problem = Problem::error("the pact is not UTF-8 text").at(at(line, 1));
        Problems::from(problem.hint(ANEW))
    })?;
    let document: Value = serde_json::from_str(text).map_err(|error| {
        let place = at(error.line(), error.column());
        let what = match text.trim().is_empty() {
            true => "the pact is empty".to_owned(),
            false => format!("the pact is no JSON: {error}"),
        };
        Problems::from(Problem::error(what).at(place).hint(ANEW))
    })?;
    if !document.is_object() {
        let what = format!(
            "this is no pact but {}: it must be an object",
            kind_of(&document)
        );
        return Err(Problem::error(what).at(at(1, 1)).hint(SHAPE).into());
    }
    let mut problems = Problems::default();
    let top = at(1, 1);
    let consumer = party(&document, "consumer", &top, &mut problems);
    let provider = party(&document, "provider", &top, &mut problems);
    let major = specification(&document, &top, &mut problems);
    let list = ["interactions", "messages"]
        .into_iter()
        .find(|key| document.get(key).is_some());
    let Some((list, elements)) =
        list.and_then(|key| document.get(key)?.as_array().map(|array| (key, array)))
    else {
        problems.push(
            Problem::error("this is no pact: it has no list `interactions` or `messages`")
                .at(top)
                .hint(SHAPE),
        );
        return Err(problems);
    };
    let positions = position::elements(text, list);
    let begin = beginning(text, list);
    let mut interactions = Vec::new();
    for (index, element) in elements.iter().enumerate() {
        let (line, column) = positions.get(index).copied().unwrap_or((1, 1));
        let place = at(line as usize, column as usize);
        if let Some(read) = interaction(element, list == "messages", major, place, &mut problems) {
            interactions.push(read);
        }
    }
    tell_apart(&mut interactions);
    let mut frame = document.clone();
    if let Some(fields) = frame.as_object_mut() {
        fields.remove(list);
    }
    let file = PactFile {
        path: path.to_owned(),
        place: at(begin.0, begin.1),
        consumer,
        provider,
        interactions,
        frame,
    };
    check_rules(&file, &mut problems);
    problems.or(file)
}

/// Where the name of the top-level list is first written: line and column, from 1.
fn beginning(text: &str, list: &str) -> (usize, usize) {
    let Some((before, _)) = text.split_once(&format!("\"{list}\"")) else {
        return (1, 1);
    };
    let line = before.rsplit('\n').next().unwrap_or_default();
    (before.matches('\n').count() + 1, line.chars().count() + 1)
}

fn interaction(
    element: &Value,
    is_message_pact: bool,
    major: u32,
    place: Place,
    problems: &mut Problems,
) -> Option<Interaction> {
    let before = problems.0.len();
    let mut wrong = |what: String| {
        problems.push(Problem::error(what).at(place.clone()).hint(INTERACTION));
    };
    if !element.is_object() {
        wrong("an interaction must be an object".to_owned());
        return None;
    }
    let description = element
        .get("description")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if description.is_empty() {
        wrong("an interaction must have a description".to_owned());
    }
    let kind = kind(element, is_message_pact, major).unwrap_or_else(|what| {
        wrong(what);
        Kind::Http
    });
    if let (true, Some(kind)) = (major < 4 && !is_message_pact, element.get("type")) {
        let what = format!(
            "the interaction `{description}` has the type {kind}, which only specification 4 knows"
        );
        let hint = "name it in the pact: `\"metadata\": {\"pactSpecification\": {\"version\": \
                    \"4.0\"}}`; before, a body stands as it is";
        problems.push(Problem::error(what).at(place.clone()).hint(hint));
    } else if kind == Kind::Http {
        for part in ["request", "response"] {
            if !element.get(part).is_some_and(Value::is_object) {
                wrong(format!("the interaction `{description}` has no `{part}`"));
            }
        }
        let status = element.pointer("/response/status");
        if status.is_some_and(|s| !s.as_u64().is_some_and(|s| (100..=599).contains(&s))) {
            wrong(format!(
                "the interaction `{description}` has a `response.status` that is no HTTP status"
            ));
        }
        for (what, hint) in keys::check(description, element, major) {
            problems.push(Problem::error(what).at(place.clone()).hint(hint));
        }
    }
    let states = states(element);
    (problems.0.len() == before).then(|| Interaction {
        name: description.to_owned(),
        description: description.to_owned(),
        states,
        kind,
        pending: element.get("pending").and_then(Value::as_bool) == Some(true),
        place,
        document: element.clone(),
    })
}

fn kind(element: &Value, is_message_pact: bool, major: u32) -> Result<Kind, String> {
    if is_message_pact {
        return Ok(Kind::Event);
    }
    if major < 4 {
        return Ok(Kind::Http);
    }
    let transport = element.get("transport").and_then(Value::as_str);
    let plugin = element
        .get("pluginConfiguration")
        .and_then(Value::as_object)
        .and_then(|plugins| plugins.keys().next());
    match element.get("type").and_then(Value::as_str) {
        Some("Synchronous/Messages") if transport == Some("grpc") => Ok(Kind::Grpc),
        Some("Synchronous/HTTP" | "Asynchronous/Messages" | "Synchronous/Messages")
            if plugin.is_some() =>
        {
            Ok(Kind::Plugin(plugin.cloned().unwrap_or_default()))
        }
        Some("Synchronous/HTTP") => match transport {
            None | Some("http" | "https") => Ok(Kind::Http),
            Some(other) => Ok(Kind::Plugin(other.to_owned())),
        },
        Some("Asynchronous/Messages") => Ok(Kind::Event),
        Some("Synchronous/Messages") => Ok(Kind::Messages),
        Some(other) => Err(format!("`{other}` is no type of interaction")),
        None => Err("an interaction of specification 4 must have a `type`".to_owned()),
    }
}

fn states(element: &Value) -> Vec<State> {
    pact_models::provider_states::ProviderState::from_json(element)
        .into_iter()
        .map(|state| State { name: state.name })
        .collect()
}

/// Interactions of one description get names of their own: by their states, then by number.
fn tell_apart(interactions: &mut [Interaction]) {
    let mut seen: HashMap<String, usize> = HashMap::new();
    for interaction in interactions.iter() {
        *seen.entry(interaction.description.clone()).or_default() += 1;
    }
    for interaction in interactions.iter_mut() {
        if seen.get(&interaction.description).copied() > Some(1) && !interaction.states.is_empty() {
            let states: Vec<_> = interaction.states.iter().map(|s| s.name.as_str()).collect();
            interaction.name = format!("{} given {}", interaction.name, states.join(" and "));
        }
    }
    let mut taken: HashMap<String, usize> = HashMap::new();
    for interaction in interactions {
        let count = taken.entry(interaction.name.clone()).or_default();
        *count += 1;
        if *count > 1 {
            interaction.name = format!("{} #{count}", interaction.name);
        }
    }
}

/// Lets `pact_models` read each interaction once, so that what it refuses is told with its place
/// and before a provider is started. It ends the thread on some inputs; that is caught.
fn check_rules(file: &PactFile, problems: &mut Problems) {
    for interaction in &file.interactions {
        let pact = file.alone(interaction);
        let source = file.path.display().to_string();
        let read = catch_unwind(AssertUnwindSafe(|| {
            load_pact_from_json(&source, &pact).map(|_| ())
        }));
        let why = match read {
            Ok(Ok(())) => continue,
            Ok(Err(error)) => error.to_string(),
            Err(_) => "its values have unexpected types".to_owned(),
        };
        problems.push(
            Problem::error(format!(
                "the interaction `{}` cannot be read: {why}",
                interaction.name
            ))
            .at(interaction.place.clone())
            .hint(INTERACTION),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        parse(Path::new("p.json"), text.as_bytes())
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn what_is_wrong_with_a_pact_is_told_with_line_and_column() {
        let parties = r#""consumer": {"name": "a"}, "provider": {"name": "b"}"#;
        let v4 = r#""metadata": {"pactSpecification": {"version": "4.0"}}"#;
        let table = [
            (
                "{\n  \"consumer\": ,".to_owned(),
                "p.json:2:15: the pact is no JSON",
            ),
            (
                String::new(),
                "p.json:1:1: the pact is empty (let the consumer's",
            ),
            (
                "[]".to_owned(),
                "p.json:1:1: this is no pact but a list: it must be an object (a pact is `{",
            ),
            (format!("{{{parties}}}"), "no list `interactions`"),
            (
                format!("{{{parties}, \"interactions\": 3}}"),
                "no list `interactions`",
            ),
            (
                format!("{{{parties},\n\"interactions\": [3]}}"),
                "p.json:2:18: an interaction must",
            ),
            (
                format!("{{{parties}, \"interactions\": [{{\"description\": \"x\"}}]}}"),
                "`x` has no `request`",
            ),
            (
                format!(
                    "{{{parties}, \"interactions\": [{{\"request\": {{}}, \"response\": {{}}}}]}}"
                ),
                "must have a description",
            ),
            (
                format!(
                    "{{{parties}, \"interactions\": [{{\"description\": \"x\", \"request\": {{}}, \
                     \"response\": {{\"status\": \"ok\"}}}}]}}"
                ),
                "no HTTP status",
            ),
            (
                format!("{{{parties}, {v4}, \"interactions\": [{{\"description\": \"x\"}}]}}"),
                "must have a `type`",
            ),
            (
                format!(
                    "{{{parties}, {v4}, \"interactions\": [{{\"description\": \"x\", \
                     \"type\": \"Carrier/Pigeon\"}}]}}"
                ),
                "`Carrier/Pigeon` is no type",
            ),
            (
                format!(
                    "{{{parties}, \"interactions\": [{{\"description\": \"x\", \
                     \"type\": \"Synchronous/HTTP\", \"request\": {{}}, \"response\": {{}}}}]}}"
                ),
                "only specification 4 knows",
            ),
            (
                format!(
                    "{{{parties}, \"interactions\": [], \
                     \"metadata\": {{\"pactSpecification\": {{\"version\": \"9.0\"}}}}}}"
                ),
                "specification `9.0` is not supported",
            ),
        ];
        for (text, expected) in table {
            assert!(said(&text).contains(expected), "{text}: {}", said(&text));
        }
    }

    #[test]
    fn equal_descriptions_are_told_apart_by_state_and_number() {
        let one = |state: &str| {
            format!("{{\"description\": \"x\", {state} \"request\": {{}}, \"response\": {{}}}}")
        };
        let text = format!(
            "{{\"consumer\": {{\"name\": \"a\"}}, \"provider\": {{\"name\": \"b\"}}, \
             \"interactions\": [{}, {}, {}]}}",
            one("\"providerState\": \"s\","),
            one(""),
            one("")
        );
        let pact = parse(Path::new("p.json"), text.as_bytes()).unwrap();
        let names: Vec<_> = pact.interactions.iter().map(|i| i.name.as_str()).collect();
        assert_eq!(names, ["x given s", "x", "x #2"]);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_at_all_end_in_a_pact_or_in_problems(bytes: Vec<u8>) {
            let _ = parse(Path::new("p.json"), &bytes);
        }
    }
}
