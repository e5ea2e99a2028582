//! Documents for Kubernetes in the repository: what leads in, what runs, and who asks it for its
//! health. A template, which is no YAML before it is filled in, is read for its words only.

use std::collections::BTreeSet;

use msvc_system::problem::Place;
use msvc_system::yaml::{self, Node};

use crate::tree::{TextFile, Tree};

/// A document of a file.
#[derive(Debug)]
pub struct Document<'a> {
    /// In which file.
    pub file: &'a TextFile,
    /// The line it begins in, from 1.
    pub line: u32,
    /// Its `kind`.
    pub kind: String,
    /// What it says; `None` of a template.
    pub node: Option<Node>,
}

/// Kinds that lead in.
const ROUTES: [&str; 6] = [
    "Ingress",
    "HTTPRoute",
    "GRPCRoute",
    "IngressRoute",
    "VirtualService",
    "Mapping",
];
/// Kinds that run something for long.
const WORKLOADS: [&str; 4] = ["Deployment", "StatefulSet", "DaemonSet", "Rollout"];
/// How a probe asks.
const ASKS: [&str; 4] = ["httpGet", "tcpSocket", "exec", "grpc"];

/// All documents of a repository that have a kind.
#[must_use]
pub fn documents(tree: &Tree) -> Vec<Document<'_>> {
    let mut all = Vec::new();
    let named = |path: &str| path.ends_with(".yaml") || path.ends_with(".yml");
    for file in tree.texts.iter().filter(|file| named(&file.path)) {
        if !file.text.contains("kind:") {
            continue;
        }
        let (mut begin, mut text) = (1_u32, String::new());
        let ends = file.text.lines().map(Some).chain([None]);
        for (number, line) in ends.enumerate() {
            match line.filter(|line| !line.starts_with("---")) {
                Some(line) => {
                    text.push_str(line);
                    text.push('\n');
                }
                None => {
                    all.extend(document(tree, file, begin, &text));
                    text.clear();
                    begin = u32::try_from(number + 2).unwrap_or(u32::MAX);
                }
            }
        }
    }
    all
}

fn document<'a>(tree: &Tree, file: &'a TextFile, line: u32, text: &str) -> Option<Document<'a>> {
    let kind = text.lines().find_map(|line| line.strip_prefix("kind:"))?;
    let kind = kind.trim().trim_matches(['"', '\'']).to_owned();
    let node = yaml::parse(&tree.root.join(&file.path), text.as_bytes()).ok();
    Some(Document {
        file,
        line,
        kind,
        node,
    })
}

impl Document<'_> {
    /// Where it begins.
    #[must_use]
    pub fn place(&self, tree: &Tree) -> Place {
        tree.place(&self.file.path, self.line)
    }

    /// Whether it leads in.
    #[must_use]
    pub fn is_route(&self) -> bool {
        ROUTES.contains(&self.kind.as_str())
    }

    /// Whether it runs something for long.
    #[must_use]
    pub fn is_workload(&self) -> bool {
        WORKLOADS.contains(&self.kind.as_str())
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> Option<String> {
        self.node.as_ref()?.at("/metadata/name")?.text()
    }

    /// The services that it leads to.
    #[must_use]
    pub fn backends(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        if let Some(spec) = self.node.as_ref().and_then(|node| node.get("spec")) {
            backends(spec, &mut found);
        }
        found
    }

    /// The images that it runs.
    #[must_use]
    pub fn images(&self) -> Vec<String> {
        let image = |it: &Node| it.get("image").and_then(Node::text);
        self.containers().iter().filter_map(image).collect()
    }

    /// Whether something asks it for its health; of a template, whether its words say so.
    #[must_use]
    pub fn is_probed(&self) -> bool {
        if self.node.is_none() {
            let said = |word: &str| {
                let mut lines = self.file.text.lines().map(str::trim_start);
                lines.any(|line| line.starts_with(word))
            };
            return ["livenessProbe:", "readinessProbe:"]
                .iter()
                .any(|it| said(it))
                && ASKS.iter().any(|it| said(&format!("{it}:")));
        }
        let asks = |probe: &Node| ASKS.iter().any(|it| probe.get(it).is_some());
        self.containers().iter().any(|container| {
            let mut probes = ["livenessProbe", "readinessProbe"].iter();
            probes.any(|probe| container.get(probe).is_some_and(asks))
        })
    }

    fn containers(&self) -> &[Node] {
        let node = self.node.as_ref();
        node.and_then(|node| node.at("/spec/template/spec/containers"))
            .map(Node::items)
            .unwrap_or_default()
    }
}

fn backends(node: &Node, found: &mut BTreeSet<String>) {
    let name = |node: &Node| {
        let of_service = node.at("/service/name").or_else(|| node.get("serviceName"));
        of_service.and_then(Node::text)
    };
    for (key, value) in node.entries() {
        match key.text.as_str() {
            "backend" | "defaultBackend" => found.extend(name(value)),
            "backendRefs" | "services" => {
                let names = value.items().iter().filter_map(|it| it.get("name")?.text());
                found.extend(names);
            }
            "destination" => found.extend(value.get("host").and_then(Node::text)),
            "service" if value.as_str().is_some() => found.extend(value.text()),
            _ => {}
        }
        backends(value, found);
    }
    node.items().iter().for_each(|item| backends(item, found));
    found.retain(|name| !name.is_empty());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> (usize, bool) {
        let file = TextFile {
            path: "k8s/x.yaml".to_owned(),
            text: text.to_owned(),
        };
        let tree = Tree {
            texts: vec![file],
            ..Tree::default()
        };
        let all = documents(&tree);
        let backends: BTreeSet<String> = all.iter().flat_map(Document::backends).collect();
        (backends.len(), all.iter().any(Document::is_probed))
    }

    #[test]
    fn what_leads_somewhere_and_what_is_asked_is_read_from_the_structure() {
        let path =
            |name: &str| format!("{{path: /{name}, backend: {{service: {{name: {name}}}}}}}");
        let two = format!(
            "kind: Ingress\nspec:\n  rules:\n  - http: {{paths: [{}, {}]}}\n",
            path("a"),
            path("b")
        );
        assert_eq!(of(&two).0, 2);
        assert_eq!(of("kind: Ingress\n# backend later\n").0, 0);
        assert_eq!(
            of("kind: HTTPRoute\nspec: {rules: [{backendRefs: [{name: a}, {name: b}]}]}\n").0,
            2
        );
        let workload = |probe: &str| {
            let pod = format!("{{containers: [{{name: a, livenessProbe: {probe}}}]}}");
            format!("x: 1\n---\nkind: Deployment\nspec: {{template: {{spec: {pod}}}}}\n")
        };
        assert!(of(&workload("{httpGet: {path: /}}")).1);
        assert!(!of(&workload("{}")).1 && !of(&workload("{enabled: false}")).1);
        assert!(of("kind: Deployment\nspec:\n  {{- if .x }}\n  livenessProbe:\n    httpGet:\n").1);
    }
}
