//! CI/CD can build and deploy services independently: each part has a pipeline that its own paths
//! trigger, and that delivers it.

use crate::finding::{Finding, Standing};
use crate::pipeline::{Pipeline, is_pipeline};
use crate::repository::Repository;
use crate::tree::TextFile;

/// Pipelines that do something, each with its file.
type Working<'a> = Vec<(&'a TextFile, Pipeline)>;

/// Runs the check.
#[must_use]
pub fn check(repository: &Repository) -> Finding {
    let mut finding = Finding::new(
        "independent-delivery",
        "CI/CD can build and deploy services independently",
    );
    let there: Vec<_> = repository
        .tree
        .paths
        .iter()
        .filter(|path| is_pipeline(path))
        .collect();
    let (working, unread) = working(repository, &there, &mut finding);
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
    let contexts = &repository.contexts.all;
    if contexts.is_empty() {
        let standing = match delivers {
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
    finding: &mut Finding,
) -> (Working<'a>, usize) {
    let tree = &repository.tree;
    let (mut working, mut unread) = (Vec::new(), 0);
    for path in there {
        let place = tree.place(path, 1);
        let Some(file) = tree.text(path) else {
            unread += 1;
            finding.saw_at(place, "this pipeline is no text that can be read");
            continue;
        };
        let pipeline = Pipeline::read(tree, file);
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
    let first = working
        .iter()
        .find_map(|(file, pipeline)| Some((file, pipeline.delivers?)));
    if let Some((file, line)) = first {
        finding.saw_at(tree.place(&file.path, line), "a pipeline delivers");
        return true;
    }
    finding.saw("no pipeline deploys or publishes anything");
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
    let (mut alone, mut delivered) = (0, 0);
    for context in &repository.contexts.all {
        let is_own = |(file, pipeline): &&(&TextFile, Pipeline)| {
            let mut folders = context.folders.iter();
            context.has(&file.path) || folders.any(|folder| pipeline.is_started_by(folder))
        };
        let own: Vec<_> = working.iter().filter(is_own).collect();
        let best = own.iter().find(|(_, pipeline)| pipeline.delivers.is_some());
        let Some((file, pipeline)) = best.or(own.first()) else {
            finding.saw(format!("{} has no pipeline of its own", context.name));
            continue;
        };
        alone += 1;
        delivered += usize::from(pipeline.delivers.is_some());
        let end = match pipeline.delivers {
            Some(_) => "",
            None => ", and that does not deliver it",
        };
        let what = format!(
            "{} has a pipeline that its own paths trigger{end}",
            context.name
        );
        finding.saw_at(repository.tree.place(&file.path, 1), what);
    }
    (alone, delivered)
}
