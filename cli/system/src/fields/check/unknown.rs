//! Keys that nobody knows where they stand.

use super::super::foreign::{self, Meant};
use super::super::{Level, astray, own};
use super::{Checker, NEIGHBOURS};
use crate::problem::{Severity, nearest};
use crate::unread::{self, made_of};
use crate::yaml::{Key, Node};

impl Checker<'_> {
    /// Tells of an unknown key; what it is an error in the place of, where that can be said.
    pub(super) fn unknown(
        &mut self,
        key: &Key,
        value: &Node,
        level: &'static Level,
    ) -> Option<&'static str> {
        self.unknown += 1;
        let is_compared = self.unknown <= NEIGHBOURS;
        let own = own::meant(key, &self.path).filter(|_| level.extensions);
        let (mut meant, mut hint) = (own, None);
        if is_compared && own.is_none() {
            (meant, hint) = self.meant(key, value, level);
        }
        if !self.lenient {
            let missed = unread::meant(&key.text, &self.path, meant, is_compared);
            self.taken_out.extend(missed);
        }
        let mut problem = key.unknown(level.what, meant);
        if let Some(hint) = hint {
            problem.hint = Some(hint);
        }
        if self.lenient {
            problem.severity = Severity::Warning;
        }
        self.problems.push(problem);
        meant.filter(|_| !self.lenient && own.is_none())
    }

    /// The key that is meant, or what to do.
    fn meant(
        &mut self,
        key: &Key,
        value: &Node,
        level: &'static Level,
    ) -> (Option<&'static str>, Option<String>) {
        let text = key.text.as_str();
        match foreign::meant(level.what, text) {
            Some(Meant::Key(meant)) => {
                return (Some(meant), Some(format!("did you mean `{meant}`?")));
            }
            Some(Meant::Write(hint)) => return (None, Some(hint.to_owned())),
            None => {}
        }
        if own::is_read(&self.path) && own::says(level.what, text) {
            let hint = "write it below `x-msvc`, further to the right".to_owned();
            return (None, Some(hint));
        }
        if let Some(around) = astray::further_left(&self.path, text, value) {
            let hint = format!("`{text}` is a key of {around}: write it further to the left");
            return (None, Some(hint));
        }
        if let Some(near) = nearest(text, level.names()) {
            return (Some(near), None);
        }
        if self.path.is_empty() {
            return (None, astray::at_the_top(text, value));
        }
        let Some(way) = astray::further_right(level, text, value) else {
            return (None, None);
        };
        let hint = format!("write it below `{}`, further to the right", way.join("."));
        if let Some(first) = way.first()
            && made_of(&self.path).contains(first)
        {
            let mut path = self.path.clone();
            path.push((*first).to_owned());
            self.taken_out.insert(path);
        }
        (None, Some(hint))
    }
}
