//! The check of a mapping from names that the user gives.

use super::super::Names;
use super::super::astray::{self, Astray};
use super::{Checker, Subject};
use crate::problem::Problem;
use crate::unread::made_of;
use crate::yaml::{Key, Node, no_break, shorten};

/// The entry that was looked at last, and is one.
#[derive(Default)]
struct Last {
    name: String,
    /// Whether the last problem is that it is nothing.
    is_told: bool,
    /// What stands beside it since, and is none.
    astray: Vec<Astray>,
}

impl Checker<'_> {
    pub(super) fn entries(&mut self, entries: &mut Vec<(Key, Node)>, names: &'static Names) {
        let (outer, mut is_told) = (self.look, false);
        let mut last = Last::default();
        entries.retain_mut(|(key, value)| {
            // An item `=VALUE` of a list, made long when the file before this one was read.
            let was_item = key.text.is_empty() && key.place == value.place;
            if names.rule.fits(&key.text) || was_item {
                if let Some(astray) = astray::in_section(&self.path, names, key, value) {
                    self.astray(&mut last, names, key, astray);
                    return false;
                }
                self.path.push(key.text.clone());
                self.subject = Subject::Named(names.what);
                self.look = outer.of_entry(names);
                let stays = self.value(value, &names.entry);
                self.kept(stays);
                self.path.pop();
                last = Last {
                    name: key.text.clone(),
                    is_told: !stays && value.is_null(),
                    astray: Vec::new(),
                };
                return stays;
            }
            last = Last::default();
            if let Some(problem) = no_break(key) {
                // Of one mapping once: most likely all its lines begin so.
                if !std::mem::replace(&mut is_told, true) {
                    self.problems.push(problem);
                }
                return false;
            }
            if names.strict {
                let what = format!("{} cannot be called `{}`", names.what, shorten(&key.text));
                let problem = Problem::error(what).at(key.place.clone());
                self.problems.push(problem.hint(names.rule.words()));
            }
            !names.strict
        });
    }

    /// Tells of what is no entry, once with those of its kind that stand right before it. That the entry before
    /// them is nothing has the same cause.
    fn astray(&mut self, last: &mut Last, names: &Names, key: &Key, astray: Astray) {
        if last.astray.last().is_some_and(|it| it.kind != astray.kind) {
            last.astray.clear();
        }
        if std::mem::take(&mut last.is_told) || !last.astray.is_empty() {
            self.problems.0.pop();
        }
        let mut path = self.path.clone();
        path.push(last.name.clone());
        if made_of(&path).contains(&key.text.as_str()) {
            path.push(key.text.clone());
            self.taken_out.insert(path);
        }
        last.astray.push(astray);
        self.problems
            .0
            .extend(astray::told(&last.astray, names, &self.path, &last.name));
    }
}
