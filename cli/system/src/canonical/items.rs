//! Items of a list whose text says several things: mounts, devices, ports.

use super::bounds::{LONG_ITEM, MAX_PORTS};
use super::{Lengthening, Variables, entry};
use crate::forms::scalar_text;
use crate::problem::Problem;
use crate::short_port;
use crate::volume_text;
use crate::yaml::{Node, NodeValue, shorten};

impl Lengthening<'_> {
    /// Each item made long by `long`; what cannot be is no problem while variables stand there.
    pub(super) fn each(
        &mut self,
        node: &mut Node,
        long: impl Fn(&Self, &mut Node) -> Option<Problem>,
    ) {
        let NodeValue::Seq(items) = &mut node.value else {
            return;
        };
        for item in items {
            if item.as_str().is_some() && !self.may_make(LONG_ITEM, &item.place) {
                break;
            }
            if let Some(problem) = long(self, item)
                && self.variables == Variables::Replaced
            {
                self.problems.push(problem);
            }
        }
    }

    pub(super) fn mount(&self, item: &mut Node) -> Option<Problem> {
        let text = item.as_str()?.to_owned();
        match volume_text::long(&text, &item.place) {
            Ok(value) => {
                item.value = value;
                let option = volume_text::meaningless(&text)?;
                let what = format!("`{}` is no option of a mount", shorten(option));
                let problem = Problem::warning(what).at(item.place.clone());
                Some(problem.hint("Compose goes without it too"))
            }
            Err(error) => Some(
                Problem::error(format!("`{}` is no mount: {error}", shorten(&text)))
                    .at(item.place.clone())
                    .hint("write `SOURCE:TARGET` or `SOURCE:TARGET:ro`"),
            ),
        }
    }

    pub(super) fn device(&self, item: &mut Node) -> Option<Problem> {
        let text = item.as_str()?.to_owned();
        let parts: Vec<&str> = text.split(':').collect();
        let (source, target, permissions) = match *parts.as_slice() {
            [source] => (source, "", "rwm"),
            [source, target] => (source, target, "rwm"),
            [source, target, permissions] => (source, target, permissions),
            _ => {
                let what = format!("`{}` is no device", shorten(&text));
                return Some(
                    Problem::error(what)
                        .at(item.place.clone())
                        .hint("write `SOURCE:TARGET:PERMISSIONS`, or a mapping"),
                );
            }
        };
        let target = if target.is_empty() { source } else { target };
        let place = item.place.clone();
        let text = |name: &str, value: &str| {
            let value = Node::new(place.clone(), NodeValue::String(value.to_owned()));
            entry(name, &place, value)
        };
        item.value = NodeValue::Map(vec![
            text("source", source),
            text("target", target),
            text("permissions", permissions),
        ]);
        None
    }

    pub(super) fn ports(&mut self, node: &mut Node) {
        let NodeValue::Seq(items) = &mut node.value else {
            return;
        };
        let mut ports = Vec::with_capacity(items.len());
        for item in std::mem::take(items) {
            if self.ports > MAX_PORTS {
                break;
            }
            if let NodeValue::Float(_) = item.value {
                self.problems.push(
                    item.expected("a port", "a whole number, text or a mapping")
                        .hint(short_port::FORM),
                );
                continue;
            }
            let Some(text) = scalar_text(&item).filter(|_| !item.is_null()) else {
                if !self.ports_left(1, &item.place) {
                    break;
                }
                ports.push(item);
                continue;
            };
            match short_port::read(&text) {
                Ok(read) => {
                    if !self.ports_left(read.len(), &item.place) {
                        break;
                    }
                    ports.extend(read.into_iter().map(|port| port.node(&item.place)));
                }
                Err(_) if self.variables == Variables::Written => ports.push(item),
                Err(error) => self.problems.push(
                    Problem::error(format!("`ports` has `{}`: {error}", shorten(&text)))
                        .at(item.place.clone())
                        .hint(match item.replaced {
                            Some(_) => short_port::FORM.to_owned(),
                            None => short_port::advice(&text),
                        }),
                ),
            }
        }
        node.value = NodeValue::Seq(ports);
    }
}
