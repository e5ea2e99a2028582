//! The inputs that journeys are given: those of `x-msvc.inputs`, overridden by `-i`. What is in a
//! secret is read here and masked in everything that is said of a play.

use std::collections::BTreeSet;
use std::path::Path;

use msvc_journey::{Journey, Masked};
use msvc_machine::disk::read_regular;
use msvc_report::event::Event;
use msvc_report::exit::Exit;
use msvc_system::model::{FileSource, InputValue, Secret};
use msvc_system::problem::{Place, Problem, nearest};
use serde_json::{Map, Value};

use crate::context::Context;
use crate::failure::Failure;

/// A secret is a password or a key, not a file of data.
const MOST: u64 = 64 * 1024;

/// What stands in a secret's place where a command line is shown again.
const MASK: &str = msvc_journey::masked::MASK;

/// What journeys are given.
#[derive(Debug, Clone, Default)]
pub struct Inputs {
    /// By name. Those of the command line are texts: each journey's own schema says what they are.
    pub values: Map<String, Value>,
    /// The secrets among them.
    pub masked: Masked,
}

/// The inputs for `journeys`, of which each takes those that it declares; `given` are those of the
/// command line. A secret that none of them takes is not read.
///
/// # Errors
/// When a secret that one takes cannot be read.
pub fn inputs(
    context: &Context,
    journeys: &[&Journey],
    given: &[(String, String)],
) -> Result<Inputs, Failure> {
    let mut values = Map::new();
    let mut secrets = Vec::new();
    let extension = &context.system.x_msvc;
    for (name, value) in given {
        if is_secret(context, name) {
            secrets.push(value.clone());
        }
        values.insert(name.clone(), Value::from(value.as_str()));
    }
    let taken = taken(context, journeys);
    for (name, input) in &extension.inputs {
        if values.contains_key(name) || !taken.contains(name.as_str()) {
            continue;
        }
        let value = match &input.value {
            InputValue::Plain(value) => value.clone(),
            InputValue::Secret(of) => {
                let text = secret(context, of, extension.secrets.get(of), &input.place)?;
                secrets.push(text.clone());
                Value::from(text)
            }
        };
        values.insert(name.clone(), value);
    }
    Ok(Inputs {
        values,
        masked: Masked::of(secrets.iter().map(String::as_str)),
    })
}

/// The names of the inputs that `journeys` take. Commands, which declare none, take all that
/// `x-msvc` names.
#[must_use]
pub fn taken<'a>(context: &'a Context, journeys: &[&'a Journey]) -> BTreeSet<&'a str> {
    let mut taken: BTreeSet<&str> = journeys.iter().flat_map(|it| it.takes()).collect();
    if journeys.iter().any(|it| it.is_command()) {
        let named = context.system.x_msvc.inputs.keys();
        taken.extend(named.map(String::as_str));
    }
    taken
}

/// Tells of inputs in `x-msvc` that no journey of the system takes: they are misspelled, or left
/// behind.
pub fn tell_unused(context: &Context, journeys: &[Journey]) {
    let all: Vec<&Journey> = journeys.iter().collect();
    let taken = taken(context, &all);
    for (name, input) in &context.system.x_msvc.inputs {
        if taken.contains(name.as_str()) {
            continue;
        }
        let what = format!("no journey takes the input `{name}`");
        let hint = match nearest(name, taken.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "take it out, or declare it under `inputs` of a workflow".to_owned(),
        };
        let problem = Problem::warning(what).at(input.place.clone()).hint(hint);
        context.sink()(Event::Warned { problem });
    }
}

/// An input of the command line as a line that repeats it shows it.
#[must_use]
pub fn shown(context: &Context, name: &str, value: &str) -> String {
    match is_secret(context, name) {
        true => format!("{name}={MASK}"),
        false => format!("{name}={value}"),
    }
}

/// The words of the command line without the secrets in them.
#[must_use]
pub fn without_secrets(context: &Context, words: impl Iterator<Item = String>) -> Vec<String> {
    const FLAGS: [&str; 4] = ["", "-i", "-i=", "--input="];
    let names = context.system.x_msvc.inputs.keys();
    let secret: Vec<_> = names.filter(|name| is_secret(context, name)).collect();
    let masked = |word: String| {
        let begins = |name: &&String| {
            let flags = FLAGS.iter().map(|flag| format!("{flag}{name}="));
            flags.into_iter().find(|begin| word.starts_with(begin))
        };
        let begin = secret.iter().copied().find_map(|name| begins(&name));
        begin.map_or(word, |begin| format!("{begin}{MASK}"))
    };
    words.map(masked).collect()
}

fn is_secret(context: &Context, name: &str) -> bool {
    let input = context.system.x_msvc.inputs.get(name);
    input.is_some_and(|input| matches!(input.value, InputValue::Secret(_)))
}

/// What is in a secret: its text, without the line's end that an editor leaves behind it.
fn secret(
    context: &Context,
    name: &str,
    secret: Option<&Secret>,
    place: &Place,
) -> Result<String, Failure> {
    let refused = |why: String, hint: String| Failure {
        exit: Exit::Input,
        problems: vec![
            Problem::error(format!("the secret `{name}` {why}"))
                .at(place.clone())
                .hint(hint),
        ],
        lines: Vec::new(),
    };
    let made = secret.is_some_and(|secret| secret.generate.is_some());
    let text = match secret.map(|secret| &secret.source) {
        Some(FileSource::Host(path)) => of_file(path).map_err(|why| {
            let file = context.here.path(path);
            let hint = match made {
                true => format!("`{}` makes it", context.repeat(&["up", "-d"])),
                false => "write it there, or give the input with `-i`".to_owned(),
            };
            refused(
                format!("cannot be read from {}: {why}", file.display()),
                hint,
            )
        })?,
        Some(FileSource::Text(text)) => text.clone(),
        Some(FileSource::Variable {
            value: Some(value), ..
        }) => value.clone(),
        Some(FileSource::Variable { name, value: None }) => {
            let hint = "set it, or give the input with `-i`".to_owned();
            return Err(refused(
                format!("is in the variable `{name}`, which is not set"),
                hint,
            ));
        }
        // The loader reads none that is kept elsewhere.
        Some(FileSource::Elsewhere) | None => String::new(),
    };
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() {
        let hint = match made {
            true => "remove the empty file, and the next `msvc up` makes it",
            false => "write it there, or give the input with `-i`",
        };
        return Err(refused("is empty".to_owned(), hint.to_owned()));
    }
    Ok(text.to_owned())
}

fn of_file(path: &Path) -> std::io::Result<String> {
    let bytes = read_regular(path, MOST)?;
    String::from_utf8(bytes).map_err(|_| std::io::Error::other("it is no UTF-8 text"))
}
