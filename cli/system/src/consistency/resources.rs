//! What is said of the service itself and under `deploy`, in two ways that must agree.

use super::service::Service;
use crate::forms::scalar_text;
use crate::yaml::Node;

impl Service<'_, '_> {
    /// What is said of the service itself and under `deploy`, in two ways.
    pub(super) fn resources(&mut self) {
        let Some(deploy) = self.node.get("deploy").filter(|it| !it.is_null()) else {
            return;
        };
        let number = |node: &Node| scalar_text(node)?.parse::<f64>().ok();
        let size = |node: &Node| match scalar_text(node) {
            Some(text) => crate::normal_form::bytes::parse(&text).ok(),
            None => None,
        };
        let mut wrong = Vec::new();
        if let (Some(scale), Some(replicas)) = (self.node.get("scale"), deploy.get("replicas"))
            && number(scale) != number(replicas)
        {
            wrong.push(("scale", "deploy.replicas", scale.place.clone()));
        }
        for (own, path, limits) in [
            ("cpus", "/resources/limits/cpus", "/resources/limits"),
            ("pids_limit", "/resources/limits/pids", "/resources/limits"),
        ] {
            if let (Some(node), Some(_)) = (self.node.get(own), deploy.at(limits))
                && number(node) != Some(0.0)
                && number(node) != Some(deploy.at(path).and_then(number).unwrap_or_default())
            {
                wrong.push((own, path, node.place.clone()));
            }
        }
        for (own, path, limits) in [
            ("mem_limit", "/resources/limits/memory", "/resources/limits"),
            (
                "mem_reservation",
                "/resources/reservations/memory",
                "/resources/reservations",
            ),
        ] {
            if let (Some(node), Some(_)) = (self.node.get(own), deploy.at(limits))
                && size(node) != Some(0)
                && size(node) != Some(deploy.at(path).and_then(size).unwrap_or_default())
            {
                wrong.push((own, path, node.place.clone()));
            }
        }
        for (own, other, place) in wrong {
            let other = other.trim_start_matches('/').replace('/', ".");
            let other = other.strip_prefix("deploy.").unwrap_or(&other).to_owned();
            let what = format!("`{own}` and `deploy.{other}` are not the same");
            self.wrong(what, &place, "keep one of them, or make them the same");
        }
    }
}
