//! Pipelines that look as if they delivered a part and never do, and those that do.

use crate::whole::{Change, Files, each, triggered, workflows, write};

const PUSH: &str = "- run: docker push r/PART";

/// Workflows that nobody reads, moved to where `to` says.
fn moved(files: &mut Files, to: fn(&str) -> String) {
    for part in ["orders", "users"] {
        let text = files.remove(&format!(".github/workflows/{part}.yml"));
        files.insert(to(part), text.unwrap());
    }
}

/// GitLab's root file with a job for each part, instead of GitHub's workflows.
fn gitlab(files: &mut Files, root: &str, rules: &str) {
    files.retain(|path, _| !path.starts_with(".github"));
    let job = |part: &str| format!("{part}:\n  script: [docker push r/PART]\n  {rules}\n");
    let jobs = ["orders", "users"].map(|part| job(part).replace("PART", part));
    write(
        files,
        ".gitlab-ci.yml",
        &format!("{root}\n{}", jobs.concat()),
    );
}

/// A Jenkinsfile for each part, instead of GitHub's workflows.
fn jenkins(files: &mut Files, stage: &str) {
    files.retain(|path, _| !path.starts_with(".github"));
    for part in ["orders", "users"] {
        let text = format!("pipeline {{ agent any\n stages {{ stage('x') {{ {stage} }} }} }}\n");
        write(files, &format!("{part}/Jenkinsfile"), &text);
    }
}

fn action(files: &mut Files, with: &str) {
    let step = format!("- uses: docker/build-push-action@v5\n  with: {{context: PART{with}}}");
    workflows(files, "", &step);
}

const NOT: &str = "not-ready";
const PARTLY: &str = "partly";
const READY: &str = "ready";

const CHANGES: &[Change] = &[
    ("as it is", READY, |_| {}),
    (
        "in a folder of GitHub's that is not the root's",
        NOT,
        |it| {
            moved(it, |part| format!("{part}/.github/workflows/ci.yml"));
        },
    ),
    ("in a folder below the workflows", NOT, |it| {
        moved(it, |part| format!(".github/workflows/{part}/ci.yml"));
    }),
    (
        "in GitLab's file of a part, which nothing includes",
        NOT,
        |it| {
            it.retain(|path, _| !path.starts_with(".github"));
            for part in ["orders", "users"] {
                let path = format!("{part}/.gitlab-ci.yml");
                write(it, &path, "deploy: {script: [docker push x]}\n");
            }
        },
    ),
    (
        "in GitLab's file of a part, which the root starts for its changes",
        READY,
        |it| {
            it.retain(|path, _| !path.starts_with(".github"));
            let mut root = String::new();
            for part in ["orders", "users"] {
                let path = format!("{part}/.gitlab-ci.yml");
                write(it, &path, "deploy: {script: [docker push x]}\n");
                let job = "{trigger: {include: PATH}, rules: [{changes: ['PART/**/*']}]}\n";
                let job = job.replace("PATH", &path).replace("PART", part);
                root.push_str(&format!("{part}: {job}"));
            }
            write(it, ".gitlab-ci.yml", &root);
        },
    ),
    ("an image that is built by default", PARTLY, |it| {
        workflows(it, "", "- uses: docker/build-push-action@v5");
    }),
    ("an image that is built and not pushed", PARTLY, |it| {
        action(it, "")
    }),
    ("pushed: false", PARTLY, |it| {
        action(it, ", push: '${{ false }}'")
    }),
    ("pushed for pull requests", PARTLY, |it| {
        action(it, ", push: \"${{ github.event_name == 'pull_request' }}\"");
    }),
    ("pushed but for pull requests", READY, |it| {
        action(it, ", push: \"${{ github.event_name != 'pull_request' }}\"");
    }),
    ("pushed: true", READY, |it| action(it, ", push: true")),
    ("started by a path that no file has", PARTLY, |it| {
        triggered(it, "push:\n    paths: ['PART']", "", PUSH);
    }),
    ("started by a README", PARTLY, |it| {
        triggered(it, "push:\n    paths: ['PART/README.md']", "", PUSH);
    }),
    ("started by paths that are taken out again", PARTLY, |it| {
        triggered(it, "push:\n    paths: ['PART/**', '!PART/**']", "", PUSH);
    }),
    ("started on no branch", NOT, |it| {
        triggered(
            it,
            "push:\n    branches-ignore: ['**']\n    paths: ['PART/**']",
            "",
            PUSH,
        );
    }),
    (
        "started on the main branch, but for its texts",
        READY,
        |it| {
            let on = "push:\n    branches: [main]\n    paths: ['PART/**', '!PART/**/*.md']";
            triggered(it, on, "    if: github.ref == 'refs/heads/main'\n", PUSH);
        },
    ),
    ("only when it is no push", NOT, |it| {
        workflows(it, "    if: github.event_name != 'push'\n", PUSH);
    }),
    ("only on an event that is none", NOT, |it| {
        workflows(it, "    if: github.event_name == 'never'\n", PUSH);
    }),
    ("only when one is two", NOT, |it| {
        workflows(it, "    if: 1 == 2\n", PUSH)
    }),
    ("only for tags, on branches", NOT, |it| {
        let on = "push:\n    branches: [main]\n    paths: ['PART/**']";
        triggered(
            it,
            on,
            "    if: startsWith(github.ref, 'refs/tags/')\n",
            PUSH,
        );
    }),
    ("after a failure", NOT, |it| {
        workflows(it, "", "- run: docker push r/PART\n  if: failure()");
    }),
    ("after it was cancelled", NOT, |it| {
        workflows(it, "", "- run: docker push r/PART\n  if: cancelled()");
    }),
    ("never, in other words", NOT, |it| {
        workflows(it, "", "- run: docker push r/PART\n  if: ${{ !always() }}");
    }),
    ("after success", READY, |it| {
        workflows(
            it,
            "",
            "- run: docker push r/PART\n  if: success() && !cancelled()",
        );
    }),
    ("after a job that is not there", NOT, |it| {
        workflows(it, "    needs: nosuch\n", PUSH);
    }),
    ("once for each of nothing", NOT, |it| {
        workflows(it, "    strategy: {matrix: {a: []}}\n", PUSH);
    }),
    ("in a test that never holds", PARTLY, |it| {
        workflows(it, "", "- run: if [ 1 = 2 ]; then docker push r/PART; fi");
    }),
    ("in a test that may hold", READY, |it| {
        workflows(
            it,
            "",
            "- run: if [ -n \"$TAG\" ]; then docker push r/PART; fi",
        );
    }),
    ("in a function that nobody calls", NOT, |it| {
        workflows(
            it,
            "",
            "- run: |\n    ship() {\n      docker push r/PART\n    }\n    true",
        );
    }),
    ("in a function that is called", READY, |it| {
        workflows(
            it,
            "",
            "- run: |\n    ship() {\n      docker push r/PART\n    }\n    ship",
        );
    }),
    ("after `set -n`", NOT, |it| {
        workflows(it, "", "- run: |\n    set -n\n    docker push r/PART");
    }),
    ("in a script that is none of the shell's", PARTLY, |it| {
        workflows(it, "", "- run: docker push r/PART\n  shell: python");
    }),
    ("of a playbook that is only tried", PARTLY, |it| {
        workflows(it, "", "- run: ansible-playbook --check PART.yml");
    }),
    ("of the other part", PARTLY, |it| {
        workflows(it, "", PUSH);
        let text = it[".github/workflows/orders.yml"].replace("r/orders", "r/users");
        write(it, ".github/workflows/orders.yml", &text);
    }),
    ("of a folder that is none", PARTLY, |it| {
        workflows(
            it,
            "",
            "- run: docker build -t r/x other && docker push r/x",
        );
    }),
    ("GitLab's, for its changes", READY, |it| {
        gitlab(it, "", "rules: [{changes: ['PART/**/*']}]");
    }),
    ("GitLab's, taken over from a hidden job", READY, |it| {
        gitlab(
            it,
            ".at: {stage: deploy}",
            "extends: .at\n  rules: [{changes: ['PART/**/*']}]",
        );
    }),
    ("GitLab's, where no pipeline is made", NOT, |it| {
        gitlab(
            it,
            "workflow: {rules: [{when: never}]}",
            "only: {changes: ['PART/**/*']}",
        );
    }),
    ("GitLab's, for merge requests", PARTLY, |it| {
        gitlab(
            it,
            "",
            "only: {refs: [merge_requests], changes: ['PART/**/*']}",
        );
    }),
    ("GitLab's, but for its changes", PARTLY, |it| {
        gitlab(it, "", "except: {changes: ['PART/**/*']}");
    }),
    ("GitLab's, where a is b", NOT, |it| {
        gitlab(
            it,
            "",
            "rules: [{if: '\"a\" == \"b\"', changes: ['PART/**/*']}]",
        );
    }),
    ("Jenkins', when it is false", NOT, |it| {
        jenkins(
            it,
            "when { expression { false } }\n steps { sh 'docker push x' }",
        );
    }),
    ("Jenkins', when it may be", READY, |it| {
        jenkins(it, "when { branch 'main' }\n steps { sh 'docker push x' }");
    }),
];

#[test]
fn a_pipeline_delivers_where_it_is_read_runs_and_is_the_parts_own() {
    each("independent-delivery", CHANGES);
}

#[test]
fn why_a_pipeline_delivers_nothing_is_said() {
    let repository = crate::support::repository::Repository::new();
    for (change, why) in [
        (CHANGES[1].2, "nobody reads this pipeline: GitHub reads"),
        (CHANGES[3].2, "no .gitlab-ci.yml of the root includes it"),
    ] {
        let mut files = crate::whole::files();
        change(&mut files);
        crate::whole::put(&repository, &files);
        let said = repository.ready(&["--fail-on", "never"]).expect(0).stdout;
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains(why), "no `{why}` in {said}");
    }
}
