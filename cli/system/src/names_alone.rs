//! Names without a value in `environment` and `build.args`: they take theirs from what is set. In a list
//! of `environment` that is what is set where the files are read: those that are included know their own
//! `.env`, which nobody else does.

use std::collections::BTreeMap;

use crate::interpolate::Interpolation;
use crate::problem::{Problem, Problems};
use crate::yaml::{MAX_TEXT, Node, NodeValue};

/// Gives the names in what was a list of `environment` the values that are set. A mapping stays as it
/// is: as with Docker Compose, its names take what is set for the whole project.
pub(crate) fn resolve(tree: &mut Node, set: &mut Interpolation<'_>, problems: &mut Problems) {
    let Some(NodeValue::Map(services)) = tree.get_mut("services").map(|it| &mut it.value) else {
        return;
    };
    for (_, service) in services {
        let listed = service.get_mut("environment").filter(|it| it.short);
        let Some(NodeValue::Map(settings)) = listed.map(|it| &mut it.value) else {
            continue;
        };
        for (name, value) in settings.iter_mut().filter(|(_, value)| value.is_null()) {
            match set.value(&name.text) {
                Ok(None) => {}
                Ok(Some(text)) => value.value = NodeValue::String(text.to_owned()),
                Err(error) => {
                    problems.push(error.problem("").at(name.place.clone()));
                    return;
                }
            }
        }
    }
}

/// Whether what all such names of a project would take is no more than may be.
pub(crate) fn check(tree: &Node, set: &BTreeMap<String, String>, problems: &mut Problems) -> bool {
    let mut taken = 0_usize;
    for (_, service) in tree.entries_of("services") {
        let args = service.get("build").map(|build| build.entries_of("args"));
        let settings = service.entries_of("environment").iter();
        let alone = settings.chain(args.into_iter().flatten());
        for (name, _) in alone.filter(|(_, value)| value.is_null()) {
            let size = set.get(&name.text).map_or(0, String::len);
            taken = taken.saturating_add(size);
            if taken > MAX_TEXT {
                let what =
                    format!("names without a value take more than {MAX_TEXT} bytes of what is set");
                let problem = Problem::error(what).at(name.place.clone());
                problems.push(problem.hint("let a file hold what is that large"));
                return false;
            }
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use crate::load::testing::{load_files, request};

    #[test]
    fn what_many_names_take_is_bounded() {
        let big = format!("BIG={}\n", "x".repeat(1_000_000));
        for form in [
            "environment: [BIG]",
            "environment: {BIG: }",
            "build: {context: ., args: [BIG]}",
        ] {
            let services = (0..30).map(|i| format!("  s{i}: {{image: a, {form}}}\n"));
            let text = format!("services:\n{}", services.collect::<String>());
            let files = [("compose.yaml", text.as_str()), (".env", &big)];
            let problems = load_files(&request(), &files).unwrap_err().to_string();
            assert!(problems.contains("20000000"), "{form}: {problems}");
        }
    }

    #[test]
    fn a_listed_name_of_an_included_file_takes_what_is_set_there() {
        let files = [
            (
                "compose.yaml",
                "include: [x/i.yaml]\nservices: {a: {image: a, environment: [V, W]}}\n",
            ),
            (
                "x/i.yaml",
                "services:\n  b: {image: b, environment: [V, W, N], env_file: e.env}\n  c: {image: c, environment: {V: , W: }}\n  d: {extends: {file: o/d.yaml, service: d}}\n",
            ),
            (
                "x/o/d.yaml",
                "services: {d: {image: d, environment: [W]}}\n",
            ),
            (".env", "V=top\n"),
            ("x/.env", "V=here\nW='x$y'\n"),
            ("x/e.env", "E=$W\n"),
        ];
        let system = load_files(&request(), &files).unwrap().system;
        let settings = |name: &str| {
            let settings = &system.service(name).unwrap().environment;
            let settings = settings.iter().map(|(k, v)| format!("{k}={}", v.value));
            let mut settings: Vec<String> = settings.collect();
            settings.sort();
            settings
        };
        assert_eq!(settings("a"), ["V=top"]);
        assert_eq!(settings("b"), ["E=x$y", "V=top", "W=x$y"]);
        assert_eq!(settings("c"), ["V=top"]);
        assert_eq!(settings("d"), ["W=x$y"]);
    }
}
