//! What files are called today that older commits know by another name.

use std::collections::BTreeMap;

/// The files of a history that is told newest first.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// What a path of the commits to come is called today.
    today: BTreeMap<String, String>,
    /// What the commit that is told now renames or adds: so it is for those before it.
    before: Vec<(String, Option<String>)>,
}

impl Names {
    /// The next commit, an older one, is told.
    pub(super) fn begin(&mut self) {
        for (path, today) in std::mem::take(&mut self.before) {
            match today {
                Some(today) => self.today.insert(path, today),
                None => self.today.remove(&path),
            };
        }
    }

    /// What a file is called today that the commit touches: `A`, `M`, `D` and a path, or `R` and
    /// the path before and after.
    pub(super) fn of(&mut self, status: &str, path: String, renamed: Option<String>) -> String {
        let after = renamed.as_ref().unwrap_or(&path);
        let today = self.today.get(after).unwrap_or(after).clone();
        match renamed {
            Some(_) if status.starts_with('R') => self.before.push((path, Some(today.clone()))),
            // Whatever had the name before was another file.
            None if status == "A" => self.before.push((path, None)),
            _ => {}
        }
        today
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_keeps_its_history_under_each_of_its_names_and_no_other_files() {
        let mut names = Names::default();
        let mut of = |commit: &[(&str, &str, Option<&str>)]| -> Vec<String> {
            names.begin();
            let all = commit.iter();
            let told = all.map(|(status, a, b)| names.of(status, (*a).into(), b.map(Into::into)));
            told.collect()
        };
        assert_eq!(
            of(&[("M", "c/x", None), ("A", "a/x", None)]),
            ["c/x", "a/x"]
        );
        let moved = [("R090", "b/x", Some("c/x")), ("M", "b/y", None)];
        assert_eq!(of(&moved), ["c/x", "b/y"]);
        assert_eq!(of(&[("M", "b/x", None)]), ["c/x"]);
        assert_eq!(of(&[("R100", "a/x", Some("b/x"))]), ["c/x"]);
        assert_eq!(of(&[("M", "a/x", None)]), ["c/x"]);
        assert_eq!(of(&[("A", "a/x", None)]), ["c/x"]);
        assert_eq!(
            of(&[("D", "a/x", None)]),
            ["a/x"],
            "another file of that name"
        );
        // Two that change names.
        let swapped = [("R100", "p", Some("q")), ("R100", "q", Some("p"))];
        assert_eq!(of(&swapped), ["q", "p"]);
        assert_eq!(of(&[("M", "p", None)]), ["q"]);
    }
}
