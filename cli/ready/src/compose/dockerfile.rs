//! What a service is built by: its Dockerfile, the image at the bottom of what that makes, and
//! whether it brings a healthcheck.

use msvc_system::yaml::Node;

use super::service::inside;
use super::setting::Variables;
use crate::tree::{TextFile, Tree};

/// The Dockerfile that builds a service, where it is tracked.
pub(super) fn of<'a>(
    node: &Node,
    folder: &str,
    tree: &'a Tree,
    variables: &Variables,
) -> Option<&'a TextFile> {
    let build = node.get("build")?;
    let said = |text: Option<String>, otherwise: &str| {
        let (text, _) = variables.replace(text.as_deref().unwrap_or(otherwise));
        text
    };
    let context = build.text().or_else(|| build.get("context")?.text());
    let context = inside(folder, &said(context, "."))?;
    let file = build.get("dockerfile").and_then(Node::text);
    tree.text(&inside(&context, &said(file, "Dockerfile"))?)
}

/// Whether the image that it makes brings a healthcheck of its own.
pub(super) fn asks(dockerfile: &TextFile) -> bool {
    // What an earlier stage asks is asked of nobody, and the last word counts.
    let lines = dockerfile
        .text
        .lines()
        .rev()
        .map(|line| line.trim().to_lowercase());
    let mut of_last = lines.take_while(|line| !line.starts_with("from "));
    let check = of_last.find(|line| line.starts_with("healthcheck "));
    check.is_some_and(|line| line.split_whitespace().nth(1) != Some("none"))
}

/// The image that the last stage starts from, past stages of this file.
pub(super) fn base(dockerfile: &TextFile) -> Option<String> {
    let mut stages: Vec<(String, Option<String>)> = Vec::new();
    for line in dockerfile.text.lines() {
        let mut words = line.split_whitespace();
        if !words
            .next()
            .is_some_and(|word| word.eq_ignore_ascii_case("from"))
        {
            continue;
        }
        let mut words = words.skip_while(|word| word.starts_with("--"));
        let image = words.next()?.to_owned();
        let is_named = words.next().is_some_and(|it| it.eq_ignore_ascii_case("as"));
        stages.push((
            image,
            words.next().filter(|_| is_named).map(str::to_lowercase),
        ));
    }
    let (mut image, _) = stages.pop()?;
    // Each stage is made of one before it.
    while let Some((below, name)) = stages.pop() {
        if name.is_some_and(|name| name == image.to_lowercase()) {
            image = below;
        }
    }
    Some(image)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_image_below_is_that_of_the_last_stage_past_stages_of_the_file() {
        let base = |text: &str| {
            base(&TextFile {
                path: String::new(),
                text: text.to_owned(),
            })
        };
        for (text, wanted) in [
            ("FROM a/b:1\n", Some("a/b:1")),
            ("FROM a AS x\nFROM --platform=linux/amd64 b\n", Some("b")),
            (
                "from a as One\nFROM one AS two\nRUN x\nFROM two\n",
                Some("a"),
            ),
            ("RUN x\n", None),
        ] {
            assert_eq!(base(text).as_deref(), wanted, "{text}");
        }
    }
}
