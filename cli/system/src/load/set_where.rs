//! Where a variable was set whose value is wrong in the file that takes it: what the person has to mend
//! stands in a file of settings.

use std::collections::HashMap;
use std::rc::Rc;

use indexmap::IndexMap;

use super::{LoadRequest, sources};
use crate::files::Files;
use crate::model::Placed;
use crate::problem::{FileName, Place, Problems, Severity};

/// A value of fewer signs may stand in a message for any other reason, if not by itself.
const LEAST: usize = 4;
/// Variables of a line that are looked at: a line can have a hundred thousand.
const MOST_VARIABLES: usize = 1_000;
/// Ways to include a file that are looked at: each may bring other settings.
const MOST_WAYS: usize = 20;

/// What files of settings set that only included files are read with.
#[derive(Default)]
pub(crate) struct SetWhere {
    /// What the file that is looked at is read with.
    now: Option<Rc<Scope>>,
    /// What each file was read with.
    read: HashMap<FileName, Vec<Rc<Scope>>>,
}

/// What included files are read with beside what is set for all.
pub(crate) struct Scope {
    own: IndexMap<String, Placed<String>>,
    /// That of the file that includes them, which counts before it.
    around: Option<Rc<Self>>,
}

impl Scope {
    fn get(&self, name: &str) -> Option<&Placed<String>> {
        let around = self.around.as_ref().and_then(|around| around.get(name));
        around.or_else(|| self.own.get(name))
    }
}

impl SetWhere {
    /// Goes into files that their `own` settings are read with; gives what those around them are.
    pub(crate) fn enter(&mut self, own: IndexMap<String, Placed<String>>) -> Option<Rc<Scope>> {
        let around = self.now.clone();
        if !own.is_empty() {
            let around = around.clone();
            self.now = Some(Rc::new(Scope { own, around }));
        }
        around
    }

    /// Remembers that a file is read with what is set now.
    pub(crate) fn read(&mut self, file: FileName) {
        if let Some(now) = &self.now {
            let ways = self.read.entry(file).or_default();
            if ways.len() < MOST_WAYS && !ways.iter().any(|way| Rc::ptr_eq(way, now)) {
                ways.push(Rc::clone(now));
            }
        }
    }

    /// Goes back to the files around.
    pub(crate) fn leave(&mut self, around: Option<Rc<Scope>>) {
        self.now = around;
    }

    /// Adds to each error that tells a variable's value where a file of settings has it, or that whoever
    /// calls has set it to nothing.
    pub(super) fn tell(&self, request: &LoadRequest, files: &Files, problems: &mut Problems) {
        if request.without.interpolation || !problems.has_errors() {
            return;
        }
        let Some(sources) = sources::sources(request, files, &mut Problems::default()) else {
            return;
        };
        let is_one_empty = request.environment.values().any(String::is_empty);
        if sources.places.is_empty() && self.read.is_empty() && !is_one_empty {
            return;
        }
        let errors = problems.0.iter_mut();
        for problem in errors.filter(|it| it.severity == Severity::Error) {
            let Some(place) = &problem.place else {
                continue;
            };
            let path = request.shown_from().join(&place.file);
            let Some(line) = files.line(&path, place.line) else {
                continue;
            };
            let is_told = |value: &str| {
                // Nothing is made of a value that can be in no message, since it is longer.
                value.len() <= problem.what.len()
                    && (problem.what.contains(&format!("`{value}`"))
                        || value.len() >= LEAST && problem.what.contains(value)
                        || value.is_empty() && tells_of_nothing(&problem.what))
            };
            let before = usize::try_from(place.column).unwrap_or_default();
            let from = line.char_indices().nth(before.saturating_sub(1));
            let rest = from.and_then(|(at, _)| line.get(at..)).unwrap_or_default();
            let ways = self.read.get(&place.file).map_or(&[][..], Vec::as_slice);
            let set = |name: &str| -> Option<String> {
                let at = |value: &str, place: &Place| {
                    let to = if value.is_empty() { " to nothing" } else { "" };
                    format!(
                        "`{name}` is set{to} in {}:{}",
                        place.file.display(),
                        place.line
                    )
                };
                if let Some(value) = sources.environment.get(name).filter(|it| is_told(it)) {
                    return match sources.places.get(name) {
                        Some(place) => Some(at(value, place)),
                        None if value.is_empty() => {
                            Some(format!("`{name}` is set to nothing in the environment"))
                        }
                        None => None,
                    };
                }
                let mut set = ways.iter().filter_map(|way| way.get(name));
                let set = set.find(|it| is_told(&it.value));
                set.filter(|_| !sources.environment.contains_key(name))
                    .map(|it| at(&it.value, &it.place))
            };
            let set = variables(rest).take(MOST_VARIABLES).find_map(set);
            if let Some(set) = set {
                problem.hint = Some(match problem.hint.take() {
                    Some(hint) => format!("{hint}; {set}"),
                    None => set,
                });
            }
        }
    }
}

/// Whether a message tells of a value with nothing in it, or behind a colon.
fn tells_of_nothing(what: &str) -> bool {
    what.contains("empty") || what.contains(":`")
}

/// The names after dollar signs.
fn variables(text: &str) -> impl Iterator<Item = &str> {
    text.split('$').skip(1).filter_map(|after| {
        let name = after.strip_prefix('{').unwrap_or(after);
        let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let end = name.find(|c| !is_of_name(c)).unwrap_or(name.len());
        name.get(..end).filter(|name| !name.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use crate::load::LoadRequest;
    use crate::load::testing::{load_files, request};

    #[test]
    fn a_wrong_value_of_a_file_of_settings_is_told_with_where_it_stands() {
        let told = |port: &str, env: &str| {
            let text = format!("services: {{a: {{image: a, ports: [\"{port}\"]}}}}\n");
            let files = [("compose.yaml", text.as_str()), (".env", env)];
            let problems = load_files(&request(), &files).unwrap_err();
            problems.to_string()
        };
        for port in ["${PORT}:80", "80:$PORT", "${HOST:-127.0.0.1}:${PORT:-1}:80"] {
            let told = told(port, "# ports\nPORT=eighty\n");
            assert!(told.contains("`PORT` is set in .env:2"), "{port}: {told}");
        }
        let files = [
            ("compose.yaml", "include: [sub/i.yaml]\nservices: {}\n"),
            (".env", "OUTER=90000\n"),
            (
                "sub/i.yaml",
                "services:\n  a: {image: a, ports: ['$PORT']}\n  b: {image: a, ports: ['$OUTER']}\n",
            ),
            ("sub/.env", "\nPORT=80000\nOUTER=1\n"),
        ];
        let included = load_files(&request(), &files).unwrap_err().to_string();
        for set in ["`PORT` is set in sub/.env:2)", "`OUTER` is set in .env:1)"] {
            assert_eq!(included.matches(set).count(), 1, "{included}");
        }
        assert_eq!(included.matches("is set in").count(), 2, "{included}");
        let other = told("80:ninety", "PORT=eighty\n");
        assert!(!other.contains(".env"), "{other}");
    }

    #[test]
    fn so_is_one_that_only_an_included_file_knows() {
        let port = "services: {b: {image: b, ports: ['$PORT:80']}}\n";
        let told = |top: &str, files: &[(&str, &str)]| {
            let mut all = vec![("compose.yaml", top), ("x/i.yaml", port)];
            all.extend(files);
            load_files(&request(), &all).unwrap_err().to_string()
        };
        let named = "include: [{path: x/i.yaml, env_file: e.env}]\n";
        let plain = "include: [x/i.yaml]\n";
        let wrong = "# own\nPORT=eighty\n";
        let one = told(named, &[("e.env", wrong)]);
        assert!(one.contains("`PORT` is set in e.env:2"), "{one}");
        let own = told(plain, &[("x/.env", wrong)]);
        assert!(own.contains("`PORT` is set in x/.env:2"), "{own}");
        // What is set around it counts before what it sets itself.
        let outer = told(plain, &[("x/.env", "PORT=80\n"), (".env", wrong)]);
        assert!(outer.contains("`PORT` is set in .env:2"), "{outer}");
        let below = told(
            "include: [{path: m.yaml, env_file: e.env}]\n",
            &[("m.yaml", plain), ("e.env", wrong), ("x/.env", "PORT=80\n")],
        );
        assert!(below.contains("`PORT` is set in e.env:2"), "{below}");
    }

    #[test]
    fn what_the_environment_sets_to_nothing_is_told_as_that_and_not_to_be_written_in_a_file() {
        let told = |field: &str, env: &str, outside: bool| {
            let mut request = request();
            let set = outside.then(|| ("TAG".to_owned(), String::new()));
            request.environment.extend(set);
            let text = format!("services:\n  a:\n    image: a\n    {field}\n");
            let files = [("compose.yaml", text.as_str()), (".env", env)];
            load_files(&request, &files).unwrap_err().to_string()
        };
        let must = "hostname: ${TAG:?which}";
        let hint = "it is empty in the environment, which counts before .env: give it a value there, or \
                    unset it so that .env can say one";
        for env in ["TAG=1\n", "TAG=\n", ""] {
            let told = told(must, env, true);
            assert!(told.contains(hint), "{told}");
        }
        assert!(told(must, "TAG=\n", false).contains("write `TAG=…` in .env"));
        for field in [
            "build: {context: ., dockerfile: a}\n  b:\n    image: $TAG",
            "ports: ['80:$TAG']",
            "container_name: $TAG",
            "env_file: $TAG",
            "volumes: ['${TAG}:/a']",
        ] {
            let outside = told(field, "TAG=1\n", true);
            let set = "`TAG` is set to nothing in the environment";
            assert!(outside.contains(set), "{field}: {outside}");
            let set = "`TAG` is set to nothing in .env:2";
            let inside = told(field, "\nTAG=\n", false);
            assert!(inside.contains(set), "{field}: {inside}");
        }
    }

    #[test]
    fn the_file_is_named_that_is_read_beside_the_compose_file() {
        let asked = LoadRequest {
            files: vec!["/system/sub/compose.yaml".into()],
            ..request()
        };
        let text = "services: {a: {image: \"a:${TAG:?which}\"}}\n";
        let problems = load_files(&asked, &[("sub/compose.yaml", text)]).unwrap_err();
        let told = problems.to_string();
        assert!(told.contains("write `TAG=…` in sub/.env"), "{told}");
    }
}
