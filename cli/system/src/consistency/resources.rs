//! What is said of the service itself and under `deploy`, in two ways that must agree.

use super::service::Service;
use crate::forms::scalar_text;
use crate::normal_form::bytes;
use crate::yaml::Node;

/// How an amount is read; `None` of what is none, which is told as that elsewhere.
type Read = fn(&Node) -> Option<String>;

/// A field of the service, and where `deploy` says the same: a section, and its field.
const SAID_TWICE: [(&str, &str, &str, Read); 4] = [
    ("cpus", "resources.limits", "cpus", number),
    ("pids_limit", "resources.limits", "pids", number),
    ("mem_limit", "resources.limits", "memory", size),
    ("mem_reservation", "resources.reservations", "memory", size),
];

const NOTHING: &str = "0";

fn number(node: &Node) -> Option<String> {
    let number: f64 = scalar_text(node)?.parse().ok()?;
    Some(number.to_string())
}

fn size(node: &Node) -> Option<String> {
    Some(bytes::parse(&scalar_text(node)?).ok()?.to_string())
}

impl Service<'_, '_> {
    /// What is said of the service itself and under `deploy`, in two ways.
    pub(super) fn resources(&mut self) {
        let Some(deploy) = self.node.get("deploy").filter(|it| !it.is_null()) else {
            return;
        };
        let mut unlike = Vec::new();
        if let (Some(scale), Some(replicas)) = (self.node.get("scale"), deploy.get("replicas"))
            && let (Some(own), Some(other)) = (number(scale), number(replicas))
            && own != other
        {
            unlike.push(("scale", "replicas".to_owned(), scale.place.clone()));
        }
        for (field, section, name, read) in SAID_TWICE {
            let there = deploy.at(&format!("/{}", section.replace('.', "/")));
            let (Some(node), Some(there)) = (self.node.get(field), there) else {
                continue;
            };
            let other = match there.get(name) {
                Some(node) => read(node),
                None => Some(NOTHING.to_owned()),
            };
            if let (Some(own), Some(other)) = (read(node), other)
                && own != NOTHING
                && own != other
            {
                unlike.push((field, format!("{section}.{name}"), node.place.clone()));
            }
        }
        for (own, other, place) in unlike {
            let what = format!("`{own}` and `deploy.{other}` are not the same");
            self.wrong(what, &place, "keep one of them, or make them the same");
        }
    }
}
