//! `extends`: a service with what it takes over from another, of its file or of one that is tracked;
//! relative paths of another file's service lead on from that file's folder.

use std::collections::BTreeMap;

use msvc_system::yaml::{self, Key, Node, NodeValue};

use super::merge::laid_over;
use super::service::inside;
use crate::tree::Tree;

/// A chain of services is followed so far.
const DEPTH: usize = 20;

/// A Compose file whose services are whole.
pub(super) fn whole(root: Node, path: &str, tree: &Tree) -> Node {
    let services = root.get("services").map(Node::entries).unwrap_or_default();
    if !services.iter().any(|(_, it)| it.get("extends").is_some()) {
        return root;
    }
    let mut reader = Reader {
        tree,
        files: BTreeMap::from([(path.to_owned(), root.clone())]),
    };
    let all = services.iter().map(|(key, service)| {
        let service = reader.service(path, service.clone(), DEPTH);
        (key.clone(), service)
    });
    let all = NodeValue::Map(all.collect());
    with(&root, "services", all)
}

struct Reader<'a> {
    tree: &'a Tree,
    /// The files that were read.
    files: BTreeMap<String, Node>,
}

impl Reader<'_> {
    /// A service of the file at `path`, over what it extends. What is not there gives nothing.
    fn service(&mut self, path: &str, own: Node, depth: usize) -> Node {
        let Some(extends) = own.get("extends") else {
            return own;
        };
        let name = extends.text().or_else(|| extends.get("service")?.text());
        let folder = folder(path);
        let file = match extends.get("file").and_then(Node::text) {
            Some(file) => inside(folder, &file),
            None => Some(path.to_owned()),
        };
        let below = name.zip(file).zip(depth.checked_sub(1));
        let below = below.and_then(|((name, file), depth)| {
            let node = self.read(&file)?.get("services")?.get(&name)?.clone();
            let whole = self.service(&file, node, depth);
            Some(moved(&whole, self::folder(&file), folder))
        });
        let rest = own
            .entries()
            .iter()
            .filter(|(key, _)| key.text != "extends");
        let rest = Node::new(own.place.clone(), NodeValue::Map(rest.cloned().collect()));
        below.map_or_else(|| rest.clone(), |below| laid_over(&below, &rest))
    }

    fn read(&mut self, path: &str) -> Option<&Node> {
        if !self.files.contains_key(path) {
            let file = self.tree.text(path)?;
            let root = yaml::parse(&self.tree.root.join(path), file.text.as_bytes()).ok()?;
            self.files.insert(path.to_owned(), root);
        }
        self.files.get(path)
    }
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// A mapping with something else at a key.
fn with(node: &Node, key: &str, value: NodeValue) -> Node {
    let mut all: Vec<(Key, Node)> = node.entries().to_vec();
    if let Some((_, it)) = all.iter_mut().find(|(it, _)| it.text == key) {
        it.value = value;
    }
    Node::new(node.place.clone(), NodeValue::Map(all))
}

/// A service of a file in one folder, as it would stand in a file in another.
fn moved(service: &Node, from: &str, to: &str) -> Node {
    if from == to {
        return service.clone();
    }
    let path = |text: &str| {
        let target = inside(from, text)?;
        let up = "../".repeat(to.split('/').filter(|it| !it.is_empty()).count());
        Some(format!("./{up}{target}"))
    };
    let text = |node: &Node| {
        let text = node.as_str().and_then(path);
        text.map_or_else(
            || node.clone(),
            |text| Node::new(node.place.clone(), NodeValue::String(text)),
        )
    };
    let mount = |node: &Node| {
        let said = node.as_str().filter(|it| it.starts_with('.'));
        let parts = said.and_then(|it| it.split_once(':').or(Some((it, ""))));
        let short = parts.and_then(|(source, rest)| Some(format!("{}:{rest}", path(source)?)));
        match short {
            Some(short) => Node::new(node.place.clone(), NodeValue::String(short)),
            None => node.clone(),
        }
    };
    let at = |node: &Node, key: &str, change: &dyn Fn(&Node) -> Node| match node.get(key) {
        Some(it) => with(node, key, change(it).value),
        None => node.clone(),
    };
    let each = |node: &Node, change: &dyn Fn(&Node) -> Node| match node.items() {
        [] => change(node),
        all => Node::new(
            node.place.clone(),
            NodeValue::Seq(all.iter().map(change).collect()),
        ),
    };
    let service = at(service, "build", &|build| match build.get("context") {
        Some(_) => at(build, "context", &text),
        None => text(build),
    });
    let service = at(&service, "env_file", &|it| {
        each(it, &|it| match it.get("path") {
            Some(_) => at(it, "path", &text),
            None => text(it),
        })
    });
    at(&service, "volumes", &|it| {
        each(it, &|it| {
            let source = it.get("source").and_then(Node::text);
            match source.is_some_and(|it| it.starts_with('.')) {
                true => at(it, "source", &text),
                false => mount(it),
            }
        })
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::tree::TextFile;

    #[test]
    fn a_service_has_what_it_extends_and_paths_lead_where_they_did() {
        let file = |path: &str, text: &str| TextFile {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        let tree = Tree {
            texts: vec![file(
                "common/base.yaml",
                "services:
  base:
    extends: below
    build: {context: ./app}
    environment: [A=x, B=y]
    env_file: [x.env, {path: y.env}]
    volumes: ['./a.conf:/a', 'data:/data', {type: bind, source: ./b, target: /b}]
  below: {image: below, labels: {z: '1'}}
",
            )],
            ..Tree::default()
        };
        let text = "services:
  one: {extends: {file: ../common/base.yaml, service: base}, environment: {A: z}}
  two: {extends: {service: one}, command: x}
  ring: {extends: ring, image: x}
  lost: {extends: {file: nowhere.yaml, service: a}, image: x}
";
        let root = yaml::parse(Path::new("/r/deploy/compose.yaml"), text.as_bytes()).unwrap();
        let root = whole(root, "deploy/compose.yaml", &tree);
        let text = |pointer: &str| root.at(pointer).and_then(Node::text);
        for name in ["one", "two"] {
            let of = |rest: &str| text(&format!("/services/{name}/{rest}"));
            assert_eq!(of("build/context").as_deref(), Some("./../common/app"));
            assert_eq!(of("environment/A").as_deref(), Some("z"));
            assert_eq!(of("environment/B").as_deref(), Some("y"));
            assert_eq!(of("image").as_deref(), Some("below"));
            assert_eq!(of("labels/z").as_deref(), Some("1"));
            let listed = |key: &str| {
                let all = root.at(&format!("/services/{name}/{key}")).unwrap();
                let all = all.items().iter();
                all.map(|it| {
                    it.text()
                        .or_else(|| it.get("path").or(it.get("source"))?.text())
                })
                .map(Option::unwrap)
                .collect::<Vec<_>>()
            };
            assert_eq!(
                listed("env_file"),
                ["./../common/x.env", "./../common/y.env"]
            );
            let volumes = ["./../common/a.conf:/a", "data:/data", "./../common/b"];
            assert_eq!(listed("volumes"), volumes);
        }
        assert_eq!(text("/services/two/command").as_deref(), Some("x"));
        assert_eq!(text("/services/ring/image").as_deref(), Some("x"));
        assert_eq!(text("/services/lost/image").as_deref(), Some("x"));
        assert!(root.at("/services/one/extends").is_none());
    }
}
