//! `x-msvc.inputs`: values for the inputs that journeys declare.

use indexmap::IndexMap;

use super::{keys, mapping};
use crate::model::{InputValue, Placed};
use crate::problem::{Problem, Problems, nearest};
use crate::yaml::{Key, Node, NodeValue, shorten};

/// The input that msvc fills itself, with another value for each play.
const RUN: &str = "run";

/// The inputs, by name.
pub(super) fn inputs(
    node: Option<&Node>,
    tree: &Node,
    problems: &mut Problems,
) -> IndexMap<String, Placed<InputValue>> {
    let mut inputs = IndexMap::new();
    let what = "`x-msvc.inputs`";
    let Some(node) = node.filter(|n| !n.is_null()) else {
        return inputs;
    };
    if node.as_map().is_none() {
        let problem = node.expected(what, "a mapping from names to values");
        problems.push(problem.hint("write `inputs: { NAME: value }`"));
    }
    let mut variables: IndexMap<String, &Key> = IndexMap::new();
    for (key, value) in node.entries() {
        if let Some(problem) = misnamed(key) {
            problems.push(problem);
            continue;
        }
        // Commands are told inputs as variables, where `-` and case are lost.
        if let Some(same) = variables.insert(variable(&key.text), key) {
            let what = format!(
                "the inputs `{}` and `{}` are the same to a command",
                same.text, key.text
            );
            let problem = Problem::error(what).at(key.place.clone());
            problems.push(problem.hint("give one of them another name"));
        }
        match input(&key.text, value, tree, problems) {
            Ok(input) => {
                let place = key.place.clone();
                inputs.insert(
                    key.text.clone(),
                    Placed {
                        value: input,
                        place,
                    },
                );
            }
            Err(problem) => problems.push(problem),
        }
    }
    inputs
}

fn variable(name: &str) -> String {
    name.to_ascii_uppercase().replace('-', "_")
}

fn misnamed(key: &Key) -> Option<Problem> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let name = shorten(&key.text);
    let (what, hint) = if key.text.is_empty() || !key.text.chars().all(plain) {
        (
            format!("`{name}` cannot be the name of an input"),
            "letters, digits, `-` and `_` can",
        )
    } else if variable(&key.text) == variable(RUN) {
        (
            "the input `run` is another one for each play: msvc fills it".to_owned(),
            "take it out; `-i run=…` gives one play an id of your own",
        )
    } else {
        return None;
    };
    Some(Problem::error(what).at(key.place.clone()).hint(hint))
}

fn input(
    name: &str,
    value: &Node,
    tree: &Node,
    problems: &mut Problems,
) -> Result<InputValue, Problem> {
    let what = format!("the input `{name}`");
    match &value.value {
        NodeValue::Bool(_) | NodeValue::Int(_) | NodeValue::Float(_) | NodeValue::String(_) => {
            Ok(InputValue::Plain(value.to_json()))
        }
        NodeValue::Map(_) => {
            mapping(Some(value), &what, keys::INPUT, problems);
            let secret = value.get("secret").filter(|n| !n.is_null());
            let secret = secret.ok_or_else(|| {
                Problem::error(format!("{what} does not say which secret it is"))
                    .at(value.place.clone())
                    .hint("write `{secret: NAME}`")
            })?;
            let name = secret.want_str(&format!("`secret` of {what}"))?;
            known(name, secret, tree)?;
            Ok(InputValue::Secret(name.to_owned()))
        }
        _ => {
            let problem = value.expected(&what, "a text, number, boolean or secret");
            let hint = format!("write `{name}: value` or `{name}: {{secret: NAME}}`");
            Err(problem.hint(hint))
        }
    }
}

fn known(name: &str, node: &Node, tree: &Node) -> Result<(), Problem> {
    let all = tree.entries_of("secrets");
    if all.iter().any(|(key, _)| key.text == name) {
        return Ok(());
    }
    let what = format!(
        "the secret `{}` is not declared under the top-level `secrets`",
        shorten(name)
    );
    let problem = Problem::error(what).at(node.place.clone());
    Err(
        match nearest(name, all.iter().map(|(key, _)| key.text.as_str())) {
            Some(near) => problem.hint(format!("did you mean `{near}`?")),
            None => problem.hint("declare it there, with a `file`"),
        },
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::load::testing::{load, problems_of};
    use crate::model::{FileSource, InputValue};

    fn with(inputs: &str) -> String {
        format!(
            "services: {{a: {{image: a}}}}\nsecrets:\n  password: {{file: ./p}}\n  \
             other: {{external: true}}\nx-msvc:\n  inputs:\n    {inputs}\n"
        )
    }

    #[test]
    fn an_input_is_a_plain_value_or_what_is_in_a_secret() {
        let text = with("{operator-password: {secret: password}, region: eu, n: 3, b: true}");
        let extension = load(&text).system.x_msvc;
        let value = |name: &str| extension.inputs[name].value.clone();
        assert_eq!(
            value("operator-password"),
            InputValue::Secret("password".into())
        );
        assert_eq!(value("region"), InputValue::Plain(json!("eu")));
        assert_eq!(value("n"), InputValue::Plain(json!(3)));
        assert_eq!(value("b"), InputValue::Plain(json!(true)));
        // Only what is taken is looked at.
        let names: Vec<_> = extension.secrets.keys().collect();
        assert_eq!(names, ["password"]);
        let source = &extension.secrets["password"].source;
        assert_eq!(*source, FileSource::Host("/system/p".into()));
    }

    #[test]
    fn what_no_input_can_be_is_told_with_its_line() {
        for (inputs, part) in [
            ("p: {secret: pasword}", "did you mean `password`?"),
            ("p: {secert: password}", "did you mean `secret`?"),
            ("p: {}", "does not say which secret"),
            ("p: [1]", "a text, number, boolean"),
            ("p: ", "a text, number, boolean"),
            ("Run: a", "another one for each play"),
            ("a.b: c", "cannot be the name of an input"),
            ("{a-b: c, A_b: d}", "the same to a command"),
            ("p: {secret: other}", "external"),
            ("[p]", "a mapping from names to values"),
        ] {
            let problems = problems_of(&with(inputs));
            assert!(
                problems.contains(part) && problems.contains("compose.yaml:"),
                "{inputs}: {part} in\n{problems}"
            );
        }
    }
}
