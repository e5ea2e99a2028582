//! What a service uses by name: networks, volumes, secrets, configs and models. Each must be
//! declared.

use super::service::Service;
use crate::yaml::{Node, shorten};

impl Service<'_, '_> {
    pub(super) fn networks(&mut self) {
        let networks = self
            .node
            .get("networks")
            .filter(|it| !it.entries().is_empty());
        if let (Some((key, mode)), Some(_)) = (self.node.entry("network_mode"), networks)
            && mode.as_str() != Some("")
        {
            let what = "`network_mode` and `networks` exclude each other";
            self.wrong(what, &key.place, "keep one of them");
        }
        for (key, _) in self.node.entries_of("networks") {
            let known = self.known;
            if key.text == "default" || known.networks.contains_key(key.text.as_str()) {
                continue;
            }
            let what = format!(
                "the network `{}` is not declared under the top-level `networks`",
                shorten(&key.text)
            );
            let names = known.networks.keys().copied().chain(["default"]);
            let named = ("networks", key.text.as_str());
            self.unknown(named, what, names, &key.place, "declare it there");
        }
    }

    /// Volumes, secrets, configs and models that it uses.
    pub(super) fn declared(&mut self) {
        self.volumes();
        self.files();
        self.models();
    }

    fn volumes(&mut self) {
        let known = self.known;
        for mount in self.node.items_of("volumes") {
            let name = mount
                .get("source")
                .and_then(Node::as_str)
                .unwrap_or_default();
            let is_volume = mount.get("type").and_then(Node::as_str) == Some("volume");
            if is_volume && !name.is_empty() && !known.volumes.contains_key(name) {
                let what = format!(
                    "the volume `{}` is not declared under the top-level `volumes`",
                    shorten(name)
                );
                let hint = "declare it there, or begin a path of the host with `./`";
                let names = known.volumes.keys().copied();
                self.unknown(("volumes", name), what, names, &mount.place, hint);
            }
        }
    }

    /// Secrets and configs.
    fn files(&mut self) {
        let known = self.known;
        let build = self.node.get("build");
        let of_build = build
            .map(|build| build.items_of("secrets"))
            .unwrap_or_default();
        let secrets = self.node.items_of("secrets").iter().chain(of_build);
        for (one, section, item, names) in secrets
            .map(|item| ("secret", "secrets", item, &known.secrets))
            .chain(
                self.node
                    .items_of("configs")
                    .iter()
                    .map(|item| ("config", "configs", item, &known.configs)),
            )
        {
            let name = item
                .get("source")
                .and_then(Node::as_str)
                .unwrap_or_default();
            if name.is_empty() {
                let what = format!("this {one} has no `source`");
                self.wrong(what, &item.place, "name one of the top-level section");
                continue;
            }
            if !names.contains_key(name) {
                let what = format!(
                    "the {one} `{}` is not declared under the top-level `{section}`",
                    shorten(name)
                );
                let names = names.keys().copied();
                let named = (section, name);
                self.unknown(named, what, names, &item.place, "declare it there");
            }
        }
    }

    fn models(&mut self) {
        let known = self.known;
        for (key, _) in self.node.entries_of("models") {
            if !known.models.contains_key(key.text.as_str()) {
                let what = format!(
                    "the model `{}` is not declared under the top-level `models`",
                    shorten(&key.text)
                );
                self.unknown(
                    ("models", &key.text),
                    what,
                    known.models.keys().copied(),
                    &key.place,
                    "declare it there",
                );
            }
        }
    }
}
