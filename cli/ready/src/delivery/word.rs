//! Words of programs: which deliver, which only look, and which are nothing.

/// Commands that do nothing by themselves.
pub(super) const IDLE: [&str; 16] = [
    "echo", "printf", "true", "false", ":", "exit", "sleep", "set", "export", "cd", "pwd", "ls",
    "env", "date", "whoami", "uname",
];

/// Programs with the words of theirs that deliver: one of each list, in any place.
pub(super) const DELIVERS: [(&str, &[&str]); 49] = [
    ("docker", &["push", "--push"]),
    ("podman", &["push", "--push"]),
    ("nerdctl", &["push", "--push"]),
    ("buildah", &["push"]),
    ("skopeo", &["copy", "sync"]),
    ("crane", &["push", "copy"]),
    ("oras", &["push"]),
    ("ko", &["build", "apply", "publish", "resolve"]),
    ("helm", &["upgrade", "install", "push"]),
    ("helmfile", &["apply", "sync"]),
    (
        "kubectl",
        &["apply", "set", "rollout", "replace", "patch", "create"],
    ),
    ("oc", &["apply", "rollout", "start-build", "replace"]),
    ("terraform", &["apply"]),
    ("tofu", &["apply"]),
    ("terragrunt", &["apply"]),
    ("pulumi", &["up"]),
    ("serverless", &["deploy"]),
    ("sls", &["deploy"]),
    ("sam", &["deploy"]),
    ("cdk", &["deploy"]),
    ("eb", &["deploy"]),
    ("fly", &["deploy"]),
    ("flyctl", &["deploy"]),
    ("argocd", &["sync", "set"]),
    ("skaffold", &["run", "deploy"]),
    ("nomad", &["run"]),
    ("kamal", &["deploy", "redeploy"]),
    ("cap", &["deploy"]),
    ("heroku", &["container:push", "container:release"]),
    ("vercel", &["deploy", "--prod"]),
    ("netlify", &["deploy"]),
    ("firebase", &["deploy"]),
    ("wrangler", &["deploy", "publish"]),
    ("gcloud", &["deploy", "submit"]),
    ("az", &["deploy", "deployment", "update", "up"]),
    (
        "aws",
        &[
            "sync",
            "cp",
            "update-service",
            "update-function-code",
            "deploy",
            "create-deployment",
        ],
    ),
    ("gh", &["release"]),
    ("goreleaser", &["release"]),
    ("cargo", &["publish", "release"]),
    ("npm", &["publish"]),
    ("pnpm", &["publish"]),
    ("yarn", &["publish"]),
    ("lerna", &["publish"]),
    ("twine", &["upload"]),
    ("poetry", &["publish"]),
    ("uv", &["publish"]),
    ("gem", &["push"]),
    ("dotnet", &["push"]),
    ("jib", &["push"]),
];

/// Programs that deliver whatever their words are.
pub(super) const ALWAYS: [&str; 5] = [
    "ansible-playbook",
    "semantic-release",
    "rsync",
    "scp",
    "kaniko",
];

/// Words of Ansible's that change nothing.
pub(super) const TRIES_PLAYBOOKS: [&str; 5] = [
    "-C",
    "--check",
    "--syntax-check",
    "--list-hosts",
    "--list-tasks",
];

/// Words of building an image that stand alone; the others have a value.
pub(super) const ALONE: [&str; 12] = [
    "--push",
    "--load",
    "--no-cache",
    "--pull",
    "-q",
    "--quiet",
    "--rm",
    "--force-rm",
    "--squash",
    "--compress",
    "-D",
    "--debug",
];

/// Programs that run tasks by names of the repository's own, which are not looked up.
pub(super) const RUNNERS: [&str; 15] = [
    "mvn", "mvnw", "gradle", "gradlew", "sbt", "rake", "invoke", "inv", "mage", "task", "nx",
    "turbo", "bazel", "bazelisk", "mix",
];

/// Parts of names that tell of a delivery.
pub(super) const NAMED: [&str; 6] = ["deploy", "release", "publish", "push", "rollout", "upload"];

/// Whether a name speaks of delivering, as one of its parts: `deploy-web`, `publishImage`.
#[must_use]
pub fn is_named(name: &str) -> bool {
    let name = name.to_lowercase();
    name.split(|c: char| !c.is_ascii_alphanumeric())
        .any(|part| NAMED.iter().any(|word| part.starts_with(word)))
}

/// Whether a word is one of those that tell of deliveries: as a name it proves nothing.
#[must_use]
pub fn is_word(word: &str) -> bool {
    let of_programs =
        |(program, words): &(&str, &[&str])| *program == word || words.contains(&word);
    ["build", "test", "ci", "main"].contains(&word)
        || IDLE.contains(&word)
        || NAMED.contains(&word)
        || RUNNERS.contains(&word)
        || DELIVERS.iter().any(of_programs)
}
