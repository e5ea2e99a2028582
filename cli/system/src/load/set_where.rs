//! Where a variable was set whose value is wrong in the file that takes it: what the person has to mend
//! stands in a file of settings.

use super::{LoadRequest, sources};
use crate::files::Files;
use crate::problem::{Problems, Severity};

/// A value of fewer signs may stand in a message for any other reason, if not by itself.
const LEAST: usize = 4;

/// Adds to each error that tells a variable's value where a file of settings has it.
pub(super) fn tell(request: &LoadRequest, files: &Files, problems: &mut Problems) {
    if request.without.interpolation || !problems.has_errors() {
        return;
    }
    let Some(sources) = sources::sources(request, files, &mut Problems::default()) else {
        return;
    };
    if sources.places.is_empty() {
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
        let is_told = |name: &&str| {
            let value = sources.environment.get(*name).map_or("", String::as_str);
            problem.what.contains(&format!("`{value}`"))
                || value.len() >= LEAST && problem.what.contains(value)
        };
        let before = usize::try_from(place.column).unwrap_or_default();
        let from = line.char_indices().nth(before.saturating_sub(1));
        let rest = from.and_then(|(at, _)| line.get(at..)).unwrap_or_default();
        let mut set = variables(rest).filter(is_told);
        let set = set.find_map(|name| Some((name, sources.places.get(name)?)));
        if let Some((name, set)) = set {
            let set = format!("`{name}` is set in {}:{}", set.file.display(), set.line);
            problem.hint = Some(match problem.hint.take() {
                Some(hint) => format!("{hint}; {set}"),
                None => set,
            });
        }
    }
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
        let other = told("80:ninety", "PORT=eighty\n");
        assert!(!other.contains(".env"), "{other}");
    }
}
