//! Clones that lack something: a sparse checkout and a clone without one have it among git's
//! objects; a partial clone does not, and nothing is fetched.

use std::process::Command;

use serde_json::Value;

use crate::support::repository::{Repository, ready};
use crate::support::{Finished, finish};
use crate::whole;

/// A repository in which every check is ready, with a history.
fn whole_one() -> Repository {
    let mut repository = Repository::new();
    repository.changes(30, &["orders"], &["ann", "ben"]);
    repository.changes(30, &["users"], &["cay", "dan"]);
    whole::put(&repository, &whole::files());
    repository.commit("ann");
    repository.git(&["config", "uploadpack.allowFilter", "true"], "ann");
    repository.git(&["config", "uploadpack.allowAnySHA1InWant", "true"], "ann");
    repository
}

/// A clone of it, made with these words and then told these.
struct Clone(tempfile::TempDir);

impl Clone {
    fn of(repository: &Repository, words: &[&str], then: &[&[&str]]) -> Self {
        let clone = Self(tempfile::tempdir().unwrap());
        let from = format!("file://{}", repository.path().display());
        let to = clone.0.path().to_str().unwrap();
        clone.git(&[&["clone", "-q"], words, &[from.as_str(), to]].concat());
        for words in then {
            clone.git(words);
        }
        clone
    }

    fn git(&self, words: &[&str]) -> Finished {
        let mut command = Command::new("git");
        command.current_dir(self.0.path()).args(words);
        command.env("HOME", self.0.path());
        finish(command).expect(0)
    }

    /// The objects that it lacks.
    fn lacks(&self) -> usize {
        let words = ["rev-list", "--objects", "--all", "--missing=print"];
        let lines = self.git(&words).stdout;
        lines.lines().filter(|line| line.starts_with('?')).count()
    }

    /// What each check says: how it stands, and why.
    fn checks(&self) -> Vec<(String, String, String)> {
        let done = ready(self.0.path(), &["--format", "json", "--fail-on", "never"]);
        let checks = done.expect(0).json()["detail"]["checks"].clone();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let of = |check: &Value| {
            let evidence = check["evidence"].as_array().unwrap().iter();
            let said: Vec<String> = evidence.map(|it| text(&it["what"])).collect();
            (
                text(&check["check"]),
                text(&check["standing"]),
                said.join("\n"),
            )
        };
        checks.as_array().unwrap().iter().map(of).collect()
    }

    fn standings(&self) -> Vec<String> {
        self.checks().into_iter().map(|(_, it, _)| it).collect()
    }
}

const ALL_READY: [&str; 7] = ["ready"; 7];

#[test]
fn what_a_sparse_checkout_or_none_leaves_out_is_read_from_gits_objects() {
    let repository = whole_one();
    let clones = [
        Clone::of(&repository, &[], &[]),
        Clone::of(&repository, &[], &[&["sparse-checkout", "set", "docs"]]),
        Clone::of(
            &repository,
            &[],
            &[&["sparse-checkout", "set", "--sparse-index", "docs"]],
        ),
        Clone::of(&repository, &["--no-checkout"], &[]),
    ];
    for (number, clone) in clones.iter().enumerate() {
        assert_eq!(clone.standings(), ALL_READY, "clone {number}");
    }
    assert!(!clones[1].0.path().join("orders/app.py").exists());
}

#[test]
fn what_a_clone_without_blobs_lacks_is_no_evidence_and_is_not_fetched() {
    let repository = whole_one();
    let sparse: &[&[&str]] = &[&["sparse-checkout", "set", "docs"], &["checkout", "-q"]];
    let clone = Clone::of(&repository, &["--filter=blob:none", "-n"], sparse);
    let before = clone.lacks();
    assert!(before > 2);
    let reason = "neither in the work tree nor among git's objects";
    for (check, standing, said) in clone.checks() {
        if said.contains(reason) {
            assert_eq!(standing, "inconclusive", "{check}\n{said}");
        } else {
            // Owners and the Compose file stand in the root, which is checked out.
            assert_eq!(
                (check.as_str(), standing.as_str()),
                ("team-alignment", "ready")
            );
        }
    }
    assert_eq!(clone.lacks(), before, "something was fetched");
}

#[test]
fn a_clone_without_trees_has_no_history_and_everything_else() {
    let repository = whole_one();
    let clone = Clone::of(&repository, &["--filter=tree:0"], &[]);
    let before = clone.lacks();
    assert!(before > 2);
    for (check, standing, said) in clone.checks() {
        if ["bounded-contexts", "team-alignment"].contains(&check.as_str()) {
            assert_eq!(standing, "inconclusive", "{check}\n{said}");
            let reason =
                "what its commits touched is not on this machine, for it is a partial clone";
            assert_eq!(said.matches(reason).count(), 1, "{said}");
            assert!(!said.contains("warning"), "{said}");
        } else {
            assert_eq!(standing, "ready", "{check}\n{said}");
        }
    }
    let done = ready(clone.0.path(), &[]).expect(5);
    assert!(
        done.stdout.contains("git fetch --refetch"),
        "{}",
        done.stdout
    );
    assert!(done.stdout.contains("4 authors"), "{}", done.stdout);
    assert_eq!(clone.lacks(), before, "something was fetched");
    // What its remote would have to tell is told by nobody.
    let bare = Clone::of(&repository, &["--filter=tree:0", "-n"], &[]);
    let before = bare.lacks();
    assert_eq!(bare.standings(), ["inconclusive"; 7]);
    assert_eq!(bare.lacks(), before, "something was fetched");
}

#[test]
fn of_a_shallow_clone_the_next_step_is_to_bring_the_rest() {
    let clone = Clone::of(&whole_one(), &["--depth", "9"], &[]);
    let said = ready(clone.0.path(), &[]).expect(5).stdout;
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    for wanted in [
        "9 of 9 commits are usable",
        "the clone is shallow, so there may be more",
        "> bring the whole history (`git fetch --unshallow`)",
        "in the last year of this shallow clone's history",
    ] {
        assert!(said.contains(wanted), "{said}");
    }
    assert!(!said.contains("fewer than about 10"), "{said}");
    // The step of two checks, and what to do first.
    assert_eq!(said.matches("git fetch --unshallow").count(), 3, "{said}");

    let mut in_github = Command::new(env!("CARGO_BIN_EXE_msvc"));
    in_github.arg("ready").arg(clone.0.path());
    in_github.env("GITHUB_ACTIONS", "true");
    let said = finish(in_github).expect(5).stdout;
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    let next = "> bring the whole history (`fetch-depth: 0` at the step of `actions/checkout`)";
    assert!(said.contains(next), "{said}");

    let long = Clone::of(&whole_one(), &["--depth", "55"], &[]);
    let said = ready(long.0.path(), &["--fail-on", "never"])
        .expect(0)
        .stdout;
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        said.contains("the clone is shallow: what is older"),
        "{said}"
    );
}

#[test]
fn a_repository_with_damaged_objects_ends_in_one_error_with_what_to_do() {
    let repository = whole_one();
    let objects = ["HEAD~10^{tree}", "HEAD~10"];
    let index = repository.path().join(".git/index");
    let whole = std::fs::read(&index).unwrap();
    let refused = |what: &str| {
        let said = ready(&repository.path(), &[]).expect(4).stderr;
        let errors = said.lines().filter(|line| line.starts_with("error: "));
        assert_eq!(errors.count(), 1, "{what}: {said}");
        assert!(said.contains("is damaged: "), "{what}: {said}");
        assert!(
            said.contains(" fsck` lists what is broken"),
            "{what}: {said}"
        );
        assert!(!said.contains("fatal:"), "{what}: {said}");
    };
    std::fs::write(&index, "garbage").unwrap();
    refused("the index");
    std::fs::write(&index, whole).unwrap();
    for (name, broken) in [
        (".git/refs/heads/main", ""),
        (".git/shallow", "garbage\n"),
        (".git/HEAD", "garbage\n"),
    ] {
        let path = repository.path().join(name);
        let before = std::fs::read(&path);
        std::fs::write(&path, broken).unwrap();
        refused(name);
        match before {
            Ok(before) => std::fs::write(&path, before).unwrap(),
            Err(_) => std::fs::remove_file(&path).unwrap(),
        }
    }
    for object in objects {
        let mut command = Command::new("git");
        command
            .current_dir(repository.path())
            .args(["rev-parse", object]);
        let hash = finish(command).expect(0).stdout;
        let (folder, name) = hash.trim().split_at(2);
        let path = repository
            .path()
            .join(".git/objects")
            .join(folder)
            .join(name);
        std::fs::remove_file(&path).unwrap();
        refused(object);
    }
}

#[test]
fn settings_of_gits_own_count_and_those_that_fail_are_told_as_git_says_it() {
    let repository = whole_one();
    let ask = |name: &str, value: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_msvc"));
        command.arg("ready").arg(repository.path());
        for (key, value) in [("COUNT", "1"), ("KEY_0", name), ("VALUE_0", value)] {
            command.env(format!("GIT_CONFIG_{key}"), value);
        }
        finish(command)
    };
    ask("diff.orderFile", "/dev/null").expect(0);
    let said = ask("diff.orderFile", "/nowhere/order").expect(3).stderr;
    assert!(said.contains("`git log` failed: "), "{said}");
    assert!(said.contains("orderfile '/nowhere/order'"), "{said}");
    assert!(said.contains("`git config --list --show-origin`"), "{said}");

    let config = repository.path().join(".git/config");
    let before = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, format!("{before}[broken\n")).unwrap();
    let said = ready(&repository.path(), &[]).expect(3).stderr;
    assert!(said.contains("bad config line"), "{said}");
    assert!(!said.contains("git init"), "{said}");
}
