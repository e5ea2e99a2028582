//! CI/CD can build and deploy services independently: each part has a build of its own, and a
//! pipeline that its own paths trigger and that delivers it.

use crate::finding::{Finding, Standing};
use crate::repository::Repository;
use crate::tree::says_nothing;

/// Words of a pipeline that delivers something.
const DELIVERS: [&str; 14] = [
    "deploy",
    "helm upgrade",
    "kubectl apply",
    "kubectl set image",
    "docker push",
    "push: true",
    "publish",
    "release",
    "rollout",
    "terraform apply",
    "serverless",
    "flyctl",
    "argocd",
    "skaffold run",
];

/// Words that restrict a pipeline to paths.
const PATHS: [&str; 6] = [
    "paths:",
    "changes:",
    "only_changes",
    "path-filtering",
    "changeset",
    "include:",
];

/// Words that make a file a pipeline at all.
const STEPS: [&str; 9] = [
    "run:",
    "script:",
    "steps:",
    "uses:",
    "stage(",
    "sh '",
    "sh \"",
    "commands:",
    "task:",
];

/// Runs the check.
#[must_use]
pub fn check(repository: &Repository) -> Finding {
    let mut finding = Finding::new(
        "independent-delivery",
        "CI/CD can build and deploy services independently",
    );
    let tree = &repository.tree;
    // What a pipeline calls is none itself.
    let is_script = |text: &str| text.starts_with("#!");
    let pipelines: Vec<_> = tree
        .texts
        .iter()
        .filter(|f| is_pipeline(&f.path) && !is_script(&f.text))
        .collect();
    if pipelines.is_empty() {
        finding.saw("no pipeline: no GitHub workflow, GitLab, CircleCI, Azure, Jenkins, Buildkite or Drone file");
        return finding.stands(
            Standing::NotReady,
            "build, test and deliver the whole on every push first; splitting comes after",
        );
    }
    let has = |text: &str, words: &[&str]| {
        let live = text
            .lines()
            .filter(|line| !line.trim_start().starts_with(['#', '/']));
        let text = live.collect::<Vec<_>>().join("\n").to_lowercase();
        words.iter().any(|word| text.contains(word))
    };
    let (working, idle): (Vec<_>, Vec<_>) = pipelines
        .into_iter()
        .partition(|f| !says_nothing(&f.text) && has(&f.text, &STEPS));
    for file in &idle {
        finding.saw_at(tree.place(&file.path, 1), "this pipeline has no steps");
    }
    if working.is_empty() {
        return finding.stands(
            Standing::NotReady,
            "the pipeline's file is there, but nothing runs in it: give it steps",
        );
    }
    let delivers: Vec<_> = working.iter().filter(|f| has(&f.text, &DELIVERS)).collect();
    match delivers.first() {
        Some(file) => finding.saw_at(tree.place(&file.path, 1), "a pipeline delivers"),
        None => finding.saw("no pipeline deploys or publishes anything"),
    }
    let contexts = &repository.contexts.all;
    if contexts.is_empty() {
        return finding.stands(
            if delivers.is_empty() {
                Standing::NotReady
            } else {
                Standing::Inconclusive
            },
            "which parts would be delivered cannot be told: give each a folder of its own",
        );
    }
    let mut alone = 0;
    for context in contexts {
        let own = working.iter().find(|file| {
            context.has(&file.path)
                || (has(&file.text, &PATHS)
                    && context
                        .folders
                        .iter()
                        .any(|folder| triggered_by(&file.text, folder)))
        });
        match own {
            Some(file) => {
                alone += 1;
                finding.saw_at(
                    tree.place(&file.path, 1),
                    format!("{} has a pipeline that its own paths trigger", context.name),
                );
            }
            None => finding.saw(format!("{} has no pipeline of its own", context.name)),
        }
    }
    finding.figure("contexts", contexts.len());
    finding.figure("with_own_pipeline", alone);
    if alone == contexts.len() && !delivers.is_empty() {
        return finding.stands(Standing::Ready, "keep each pipeline below ten minutes");
    }
    if alone == 0 && delivers.is_empty() {
        return finding.stands(
            Standing::NotReady,
            "deliver from the pipeline, then restrict one pipeline to the paths of one part",
        );
    }
    finding.stands(
        Standing::Partly,
        if delivers.is_empty() {
            "let the pipelines deliver what they build"
        } else {
            "give each part a pipeline that only its own paths trigger"
        },
    )
}

fn is_pipeline(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let yaml = path.ends_with(".yml") || path.ends_with(".yaml");
    let folders = [".github/workflows/", ".circleci/", ".buildkite/"];
    (yaml && folders.iter().any(|folder| path.contains(folder)))
        || path.starts_with(".ci/")
        || matches!(
            name,
            ".gitlab-ci.yml"
                | "Jenkinsfile"
                | "azure-pipelines.yml"
                | ".drone.yml"
                | "bitbucket-pipelines.yml"
                | ".travis.yml"
                | "cloudbuild.yaml"
                | ".woodpecker.yml"
        )
}

/// Whether a line of the pipeline is a path filter on this folder.
fn triggered_by(text: &str, folder: &str) -> bool {
    text.lines().any(|line| {
        let value = line
            .trim()
            .trim_start_matches("- ")
            .trim_matches(['"', '\'', ' ']);
        value
            .strip_prefix(folder)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            || line.contains(&format!("'{folder}/"))
            || line.contains(&format!("\"{folder}/"))
    })
}
