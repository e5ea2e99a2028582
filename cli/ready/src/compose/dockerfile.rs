//! What a service is built by: its Dockerfile, the image at the bottom of what that makes, and
//! whether it brings a healthcheck.

use msvc_system::yaml::Node;

use super::service::inside;
use super::setting::Variables;
use crate::tree::Tree;

/// Stages are made of stages so often.
const DEPTH: usize = 50;

/// A stage of a Dockerfile.
#[derive(Debug)]
struct Stage {
    /// What it starts from, as written.
    image: String,
    /// Its name, lower case.
    name: Option<String>,
    /// Whether it asks for its health, where it says so or not.
    asks: Option<bool>,
}

/// The stages that a build makes, the one that it is for at the end.
#[derive(Debug)]
pub(super) struct Image(Vec<Stage>);

/// What the build of a service makes, where its Dockerfile is tracked.
pub(super) fn of(node: &Node, folder: &str, tree: &Tree, variables: &Variables) -> Option<Image> {
    let build = node.get("build")?;
    let said = |text: Option<String>, otherwise: &str| {
        let (text, _) = variables.replace(text.as_deref().unwrap_or(otherwise));
        text
    };
    let target = build.get("target").and_then(Node::text);
    let target = target.map(|target| said(Some(target), ""));
    if let Some(text) = build.get("dockerfile_inline").and_then(Node::text) {
        return image(&text, target.as_deref());
    }
    let context = build.text().or_else(|| build.get("context")?.text());
    let context = inside(folder, &said(context, "."))?;
    let file = build.get("dockerfile").and_then(Node::text);
    let file = tree.text(&inside(&context, &said(file, "Dockerfile"))?)?;
    image(&file.text, target.as_deref())
}

/// What a Dockerfile makes for a target; nothing where it has no such stage.
fn image(text: &str, target: Option<&str>) -> Option<Image> {
    let mut stages: Vec<Stage> = Vec::new();
    for line in instructions(text) {
        let mut words = line.split_whitespace();
        let instruction = words.next().unwrap_or_default().to_ascii_uppercase();
        if instruction == "FROM" {
            let mut words = words.skip_while(|word| word.starts_with("--"));
            let image = words.next()?.to_owned();
            let is_named = words.next().is_some_and(|it| it.eq_ignore_ascii_case("as"));
            stages.push(Stage {
                image,
                name: words.next().filter(|_| is_named).map(str::to_lowercase),
                asks: None,
            });
        } else if instruction == "HEALTHCHECK"
            && let Some(stage) = stages.last_mut()
        {
            // The last word counts.
            let none = words
                .next()
                .is_none_or(|it| it.eq_ignore_ascii_case("none"));
            stage.asks = Some(!none);
        }
    }
    if let Some(target) = target.filter(|it| !it.is_empty()) {
        let target = target.to_lowercase();
        let is_it = |stage: &Stage| stage.name.as_ref() == Some(&target);
        let by_number = || target.parse().ok().filter(|it| *it < stages.len());
        let at = stages.iter().rposition(is_it).or_else(by_number)?;
        stages.truncate(at + 1);
    }
    (!stages.is_empty()).then_some(Image(stages))
}

/// The instructions of a Dockerfile, each in one line; what a here-document hands over is none.
fn instructions(text: &str) -> Vec<String> {
    let escape = match text.lines().next().map(|line| line.replace(' ', "")) {
        Some(line) if line.eq_ignore_ascii_case("#escape=`") => '`',
        _ => '\\',
    };
    let mut all: Vec<String> = Vec::new();
    let (mut goes_on, mut ends) = (false, Vec::new());
    for line in text.lines() {
        if let Some(end) = ends.first() {
            if line.trim_start_matches('\t').trim_end() == end {
                ends.remove(0);
            }
            continue;
        }
        let line = line.trim();
        if line.starts_with('#') || line.is_empty() {
            continue;
        }
        let (said, more) = match line.strip_suffix(escape) {
            Some(said) => (said, true),
            None => (line, false),
        };
        match all.last_mut().filter(|_| goes_on) {
            Some(last) => last.push_str(&format!(" {said}")),
            None => all.push(said.to_owned()),
        }
        goes_on = more;
        if !more {
            ends = all.last().map(|it| documents(it)).unwrap_or_default();
        }
    }
    all
}

/// The words that end the here-documents of an instruction: `RUN <<EOF`.
fn documents(line: &str) -> Vec<String> {
    let instruction = line.split_whitespace().next().unwrap_or_default();
    let takes = ["RUN", "COPY", "ADD"];
    if !takes.iter().any(|it| it.eq_ignore_ascii_case(instruction)) {
        return Vec::new();
    }
    let words = line.split_whitespace().filter_map(|word| {
        let (_, word) = word.split_once("<<")?;
        let word = word.trim_start_matches('-').trim_matches(['"', '\'']);
        let is_word = word.chars().all(|it| it.is_alphanumeric() || it == '_');
        (is_word && !word.is_empty()).then(|| word.to_owned())
    });
    words.collect()
}

impl Image {
    /// The stages from the one that is built down to the one that starts from an image of others.
    fn chain(&self) -> impl Iterator<Item = &Stage> {
        let mut at = self.0.len().checked_sub(1);
        let chain = std::iter::from_fn(move || {
            let here = at?;
            let stage = self.0.get(here)?;
            let below = stage.image.to_lowercase();
            let before = self.0.get(..here).unwrap_or_default();
            at = before
                .iter()
                .rposition(|it| it.name.as_ref() == Some(&below));
            Some(stage)
        });
        chain.take(DEPTH)
    }

    /// Whether it brings a healthcheck of its own, or of a stage that it is made of.
    pub(super) fn asks(&self) -> bool {
        self.chain().find_map(|stage| stage.asks) == Some(true)
    }

    /// The image that it starts from, past stages of the file.
    pub(super) fn base(&self) -> Option<String> {
        self.chain().last().map(|stage| stage.image.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_image_below_is_that_of_the_last_stage_past_stages_of_the_file() {
        let base = |text: &str| image(text, None)?.base();
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

    #[test]
    fn a_healthcheck_is_that_of_the_stage_that_is_built() {
        let check = "HEALTHCHECK CMD curl -f localhost\n";
        let none = "HEALTHCHECK \\\n  NONE\n";
        for (text, target, wanted) in [
            (format!("FROM a\n{check}"), None, true),
            (format!("FROM a\n{check}{none}"), None, false),
            (format!("FROM a AS b\n{check}FROM c\n"), None, false),
            (format!("FROM a AS Base\n{check}FROM base\n"), None, true),
            (
                format!("FROM a AS base\n{check}FROM base\n{none}"),
                None,
                false,
            ),
            (
                format!("FROM a AS dev\n{check}FROM c AS prod\n"),
                Some("dev"),
                true,
            ),
            (
                format!("FROM a AS dev\n{check}FROM c AS prod\n"),
                Some("0"),
                true,
            ),
            (
                format!("FROM a AS dev\nFROM c AS prod\n{check}"),
                Some("dev"),
                false,
            ),
            (format!("FROM a AS dev\n{check}"), Some("nosuch"), false),
            (format!("FROM a\nRUN <<EOF\n{check}EOF\n"), None, false),
            (
                format!("FROM a\nRUN cat <<-'A' <<B\nx\n\tA\ny\nB\n{check}"),
                None,
                true,
            ),
            (format!("FROM a\n# {check}"), None, false),
            (format!("FROM a\nONBUILD {check}"), None, false),
            (
                "FROM a\nhealthcheck --interval=5s \\\n  # x\n  CMD x\n".to_owned(),
                None,
                true,
            ),
            (
                "# escape=`\nFROM a\nHEALTHCHECK `\n NONE\n".to_owned(),
                None,
                false,
            ),
        ] {
            let asks = image(&text, target).is_some_and(|it| it.asks());
            assert_eq!(asks, wanted, "{target:?} {text}");
        }
    }
}
