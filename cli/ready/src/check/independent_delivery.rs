//! CI/CD can build and deploy services independently: each part has a pipeline that its own paths
//! trigger, and that delivers it.

use std::collections::BTreeMap;

use crate::context::Context;
use crate::delivery::is_word;
use crate::finding::{Finding, Standing};
use crate::pipeline::{Delivery, Pipeline, included, is_pipeline, starts, unheard};
use crate::repository::Repository;
use crate::tree::{TextFile, is_source, is_test};

/// Pipelines that do something, each with its file.
type Working<'a> = Vec<(&'a TextFile, Pipeline)>;

/// Runs the check.
#[must_use]
pub fn check(repository: &Repository) -> Finding {
    let mut finding = Finding::new(
        "independent-delivery",
        "CI/CD can build and deploy services independently",
    );
    let included = included(&repository.tree);
    let there: Vec<_> = repository
        .tree
        .paths
        .iter()
        .filter(|path| is_pipeline(path) || included.contains_key(*path))
        .collect();
    let (working, unread) = working(repository, &there, &included, &mut finding);
    if working.is_empty() && unread > 0 {
        return finding.stands(
            Standing::Inconclusive,
            "mend the pipeline's file, then run this again",
        );
    }
    if there.is_empty() {
        finding.saw("no pipeline: no GitHub workflow, GitLab, CircleCI, Azure, Jenkins, Buildkite or Drone file");
        uncalled(repository, &mut finding);
        return finding.stands(
            Standing::NotReady,
            "build, test and deliver the whole on every push first; splitting comes after",
        );
    }
    if working.is_empty() {
        return finding.stands(
            Standing::NotReady,
            "the pipeline's file is there, but nothing runs in it: give it steps",
        );
    }
    let delivers = tell_delivery(repository, &working, &mut finding);
    let unknown = !delivers && working.iter().any(|(_, it)| it.untold.is_some());
    let contexts = &repository.contexts.all;
    if contexts.is_empty() {
        let standing = match delivers || unknown {
            false => Standing::NotReady,
            true => Standing::Inconclusive,
        };
        return finding.stands(
            standing,
            "which parts would be delivered cannot be told: give each a folder of its own",
        );
    }
    let (alone, delivered) = own_pipelines(repository, &working, &mut finding);
    finding.figure("contexts", contexts.len());
    finding.figure("with_own_pipeline", alone);
    finding.figure("delivered_by_own_pipeline", delivered);
    if delivered == contexts.len() {
        return finding.stands(Standing::Ready, "keep each pipeline below ten minutes");
    }
    if unknown {
        let standing = match alone == 0 || alone == contexts.len() {
            true => Standing::Inconclusive,
            false => Standing::Partly,
        };
        let next = "see whether what cannot be told from this repository delivers";
        return finding.stands(standing, next);
    }
    if alone == 0 && !delivers {
        return finding.stands(
            Standing::NotReady,
            "deliver from the pipeline, then restrict one pipeline to the paths of one part",
        );
    }
    let next = if !delivers {
        "let the pipelines deliver what they build"
    } else if alone == contexts.len() {
        "let each part's own pipeline deliver it"
    } else {
        "give each part a pipeline that only its own paths trigger"
    };
    finding.stands(Standing::Partly, next)
}

/// The pipelines that do something, and how many cannot be read; of the others it is said why they
/// prove nothing.
fn working<'a>(
    repository: &'a Repository,
    there: &[&String],
    included: &BTreeMap<String, Vec<String>>,
    finding: &mut Finding,
) -> (Working<'a>, usize) {
    let tree = &repository.tree;
    let (mut working, mut unread) = (Vec::new(), 0);
    for path in there {
        let place = tree.place(path, 1);
        let by_gitlab = included.get(*path);
        if let Some(why) = unheard(tree, path).filter(|_| by_gitlab.is_none()) {
            finding.saw_at(place, format!("nobody reads this pipeline: {why}"));
            continue;
        }
        let Some(file) = tree.text(path) else {
            unread += 1;
            finding.saw_at(place, "this pipeline is no text that can be read");
            continue;
        };
        let mut pipeline = Pipeline::read(tree, file, by_gitlab.is_some());
        if let Some(changes) = by_gitlab {
            pipeline.globs.extend_from_slice(changes);
        }
        if let Some(why) = &pipeline.unreadable {
            unread += 1;
            finding.saw_at(place, format!("this pipeline cannot be read: {why}"));
        } else if !pipeline.has_steps {
            finding.saw_at(place, "this pipeline has no steps");
        } else if pipeline.works.is_none() {
            let why: Vec<&str> = pipeline.idle.iter().copied().collect();
            let why = why.join(", or ");
            finding.saw_at(
                place,
                format!("nothing runs in this pipeline: what is there {why}"),
            );
        } else if !pipeline.called {
            working.push((file, pipeline));
        }
    }
    (working, unread)
}

/// Scripts of a folder for CI that no pipeline calls, because there is none.
fn uncalled(repository: &Repository, finding: &mut Finding) {
    let tree = &repository.tree;
    let mut scripts = tree.texts.iter().filter(|file| {
        (file.path.starts_with(".ci/") || file.path.starts_with("ci/"))
            && file.text.starts_with("#!")
    });
    if let Some(script) = scripts.next() {
        let what = "a script for CI, which no pipeline of this repository calls";
        finding.saw_at(tree.place(&script.path, 1), what);
    }
}

/// Says where something is delivered; whether it is.
fn tell_delivery(repository: &Repository, working: &Working<'_>, finding: &mut Finding) -> bool {
    let tree = &repository.tree;
    for (file, pipeline) in working {
        if let Some((line, what)) = pipeline.untold {
            finding.saw_at(tree.place(&file.path, line), what);
        }
    }
    let first = working
        .iter()
        .find_map(|(file, pipeline)| Some((file, pipeline.deliveries.first()?.line)));
    if let Some((file, line)) = first {
        finding.saw_at(tree.place(&file.path, line), "a pipeline delivers");
        return true;
    }
    if !working
        .iter()
        .any(|(_, pipeline)| pipeline.untold.is_some())
    {
        finding.saw("no pipeline deploys or publishes anything");
    }
    if let Some((file, _)) = working.iter().find(|(_, pipeline)| pipeline.only_asked) {
        let what = "what would deliver here runs for pull requests alone";
        finding.saw_at(tree.place(&file.path, 1), what);
    }
    false
}

/// How many parts have a pipeline of their own, and how many of those deliver.
fn own_pipelines(
    repository: &Repository,
    working: &Working<'_>,
    finding: &mut Finding,
) -> (usize, usize) {
    let contexts = &repository.contexts.all;
    let (mut alone, mut delivered) = (0, 0);
    for context in contexts {
        let files = sources(repository, context);
        let is_own = |(file, pipeline): &&(&TextFile, Pipeline)| {
            let mut folders = context.folders.iter();
            stands_in(context, file) || folders.any(|it| pipeline.is_started_by(it, &files))
        };
        let own: Vec<_> = working.iter().filter(is_own).collect();
        // Restricted to others' changes, or speaking of others alone, it delivers others.
        let is_its = |it: &&Delivery| {
            let mut folders = context.folders.iter();
            let lets = |changes| folders.any(|folder| starts(changes, folder, &files));
            it.changes.as_deref().is_none_or(lets) && is_of(it, context, contexts)
        };
        let best = own
            .iter()
            .find_map(|it| Some((it.0, it.1.deliveries.iter().find(is_its)?.line)));
        let name = &context.name;
        let Some((first, _)) = own.first() else {
            let told = match working.iter().any(|(_, it)| it.untold.is_some()) {
                true => " that could be told from this repository",
                false => "",
            };
            finding.saw(format!("{name} has no pipeline of its own{told}"));
            continue;
        };
        alone += 1;
        let (file, line, end) = match best {
            Some((file, line)) => {
                delivered += 1;
                (file, line, "")
            }
            None if own.iter().any(|(_, pipeline)| pipeline.delivers()) => (
                *first,
                1,
                ", and what that delivers is another part, or the whole",
            ),
            None if own.iter().any(|(_, pipeline)| pipeline.untold.is_some()) => (
                *first,
                1,
                ", and whether what that calls delivers it cannot be told",
            ),
            None => (*first, 1, ", and that does not deliver it"),
        };
        let what = format!("{name} has a pipeline that its own paths trigger{end}");
        finding.saw_at(repository.tree.place(&file.path, line), what);
    }
    (alone, delivered)
}

/// Whether a pipeline stands in a part's folder and is read there: those of a root's services are
/// not started by where they stand.
fn stands_in(context: &Context, file: &TextFile) -> bool {
    let name = file.path.rsplit('/').next().unwrap_or(&file.path);
    context.has(&file.path) && name != ".gitlab-ci.yml"
}

/// The source files of a part, or all of its files where none is source.
fn sources<'a>(repository: &'a Repository, context: &Context) -> Vec<&'a str> {
    let all = repository.tree.paths.iter().map(String::as_str);
    let all: Vec<&str> = all.filter(|path| context.has(path)).collect();
    let is_its = |path: &&str| is_source(path) && !is_test(path);
    let sources: Vec<&str> = all.iter().copied().filter(is_its).collect();
    if sources.is_empty() { all } else { sources }
}

/// Whether what delivers speaks of this part, or of none.
fn is_of(delivery: &Delivery, context: &Context, all: &[Context]) -> bool {
    let speaks = |context: &Context| {
        let folders = context
            .folders
            .iter()
            .map(|it| it.rsplit('/').next().unwrap_or(it));
        let mut names = folders.chain([context.name.as_str()]);
        names.any(|name| !is_word(name) && says(&delivery.said, &name.to_lowercase()))
    };
    speaks(context) || !all.iter().any(speaks)
}

/// Whether a text has a name between other signs.
fn says(text: &str, name: &str) -> bool {
    let is_sign = |it: Option<char>| it.is_none_or(|it| !it.is_alphanumeric());
    text.match_indices(name).any(|(at, _)| {
        is_sign(text[..at].chars().next_back()) && is_sign(text[at + name.len()..].chars().next())
    })
}
