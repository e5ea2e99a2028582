//! Tracked files that could not be read here: a partial clone does not have them, or there is too
//! much to read, or they are another repository's. A verdict that would rest on them is none.

use crate::finding::{Finding, Standing};
use crate::repository::Repository;
use crate::tree::{Tree, is_foreign, is_source, is_test};

/// The finding, or that it cannot be told and why.
#[must_use]
pub fn settled(mut finding: Finding, repository: &Repository) -> Finding {
    let tree = &repository.tree;
    let absent: Vec<&String> = of(&tree.absent, &finding);
    let beyond: Vec<&String> = of(&tree.beyond, &finding);
    let Some(first) = absent.first().or(beyond.first()) else {
        return elsewhere(finding, repository);
    };
    // History speaks for itself, as long as the parts that it is asked about are known.
    let by_history = ["bounded-contexts", "team-alignment"].contains(&finding.check);
    let parts_are_known = !has(tree, is_compose) && !has(tree, |path| path.ends_with('/'));
    if by_history && finding.standing == Standing::NotReady && parts_are_known {
        return finding;
    }
    let others = match absent.len() + beyond.len() - 1 {
        0 => String::new(),
        1 => ", like one other that counts here,".to_owned(),
        count => format!(", like {count} others that count here,"),
    };
    let what = match (absent.is_empty(), first.ends_with('/')) {
        (true, _) => "is more than is read",
        (false, false) => "is neither in the work tree nor among git's objects",
        (false, true) => "has files that are neither in the work tree nor among git's objects",
    };
    let said = format!("tracked{others} and {what}: nothing can be told without it");
    finding.saw_at(tree.place(first, 1), said);
    let next = if absent.is_empty() {
        "run this on the folders of the parts one by one"
    } else {
        "bring the files here (`git sparse-checkout disable`, or a full clone), then run this again"
    };
    finding.stands(Standing::Inconclusive, next)
}

/// The same where parts are repositories of their own, whose files are not this one's.
fn elsewhere(mut finding: Finding, repository: &Repository) -> Finding {
    const BY_SOURCE: [&str; 5] = [
        "bounded-contexts",
        "independent-delivery",
        "observability",
        "message-broker",
        "team-alignment",
    ];
    let submodules = &repository.tree.submodules;
    let contexts = &repository.contexts;
    let is_one = |folder: &&String| {
        let within = |it: &String| *it == **folder || folder.starts_with(&format!("{it}/"));
        submodules.iter().any(within)
    };
    let parts: Vec<&String> = contexts.without_source.iter().filter(is_one).collect();
    // What the other parts lack they lack whatever these have.
    let is_told = finding.standing == Standing::NotReady && !contexts.all.is_empty();
    if !BY_SOURCE.contains(&finding.check) || is_told {
        return finding;
    }
    let Some(first) = parts.first() else {
        return finding;
    };
    for part in &parts {
        let said = "is a submodule, whose files are another repository's";
        finding.saw_at(repository.tree.place(part, 1), said);
    }
    let next = format!("run this in each part's own repository, {first} for one");
    finding.stands(Standing::Inconclusive, next)
}

fn of<'a>(paths: &'a [String], finding: &Finding) -> Vec<&'a String> {
    let matters = |path: &&String| matters(finding.check, path);
    paths.iter().filter(matters).collect()
}

fn has(tree: &Tree, is_it: impl Fn(&str) -> bool) -> bool {
    let mut all = tree.absent.iter().chain(&tree.beyond);
    all.any(|path| is_it(path))
}

/// Whether a check may look at what a file says.
fn matters(check: &str, path: &str) -> bool {
    if path.ends_with('/') || is_compose(path) {
        return true;
    }
    if is_foreign(path) {
        return false;
    }
    let source = is_source(path) && !is_test(path);
    let prose = [".md", ".adoc", ".rst", ".txt"]
        .iter()
        .any(|end| path.ends_with(end));
    let owners = path.ends_with("CODEOWNERS");
    let settings = is_settings(path);
    match check {
        "bounded-contexts" => source,
        "team-alignment" => owners,
        "api-gateway" => source || settings || prose,
        "operational-overhead" => settings || prose,
        _ => source || settings,
    }
}

fn is_compose(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let is_yaml = name.ends_with(".yaml") || name.ends_with(".yml");
    is_yaml && (name.starts_with("compose") || name.starts_with("docker-compose"))
}

/// Whether it may be a file of settings, a pipeline or a script: neither source, nor prose, nor a
/// picture or the like.
fn is_settings(path: &str) -> bool {
    const DATA: [&str; 22] = [
        "png", "jpg", "jpeg", "gif", "svg", "ico", "webp", "woff", "woff2", "ttf", "eot", "pdf",
        "mp4", "zip", "gz", "jar", "csv", "css", "scss", "html", "lock", "md",
    ];
    let name = path.rsplit('/').next().unwrap_or(path);
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    !is_source(path) && !DATA.contains(&ending.to_ascii_lowercase().as_str())
}
