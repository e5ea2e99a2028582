//! Independent delivery: which steps of a pipeline deliver.

use crate::support::repository::Repository;

const IDLE: &str = "nothing runs in this pipeline";

/// On which event a pipeline runs, its step, how the check stands then, and why.
const STEPS: &[(&str, &str, &str, &str)] = &[
    (
        "push",
        "run: docker push reg/x",
        "ready",
        "a pipeline delivers",
    ),
    ("push", "run: 'echo docker push'", "not-ready", IDLE),
    ("push", "run: '# docker push reg/x'", "not-ready", IDLE),
    (
        "push",
        "run: 'true || kubectl apply -f x'",
        "not-ready",
        IDLE,
    ),
    (
        "push",
        "{ run: docker push x, if: false }",
        "not-ready",
        "is switched off",
    ),
    (
        "push",
        "{ run: echo hello, name: deploy to production }",
        "not-ready",
        IDLE,
    ),
    (
        "push",
        "run: cargo test",
        "partly",
        "no pipeline deploys or publishes anything",
    ),
    (
        "pull_request",
        "run: docker push x",
        "partly",
        "runs for pull requests alone",
    ),
];

#[test]
fn a_pipeline_delivers_where_a_step_of_its_really_does() {
    let mut repository = Repository::new();
    repository.write("orders/main.py", "print('orders')\n");
    repository.write("users/main.py", "print('users')\n");
    let write = |repository: &Repository, event: &str, step: &str| {
        for part in ["orders", "users"] {
            let text = format!(
                "name: deploy\non:\n  {event}:\n    paths: ['{part}/**']\njobs:\n  deploy:\n    runs-on: x\n    steps:\n      - {step}\n"
            );
            repository.write(&format!(".github/workflows/{part}.yml"), &text);
        }
    };
    for &(event, step, standing, why) in STEPS {
        write(&repository, event, step);
        repository.commit("ann");
        let standings = repository.standings();
        assert_eq!(
            standings["independent-delivery"], standing,
            "{event}: {step}"
        );
        let said = repository.ready(&["--fail-on", "never"]).expect(0).stdout;
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains(why), "no `{why}` in {said}");
    }
}

#[test]
fn whether_a_workflow_of_another_repository_delivers_cannot_be_told() {
    let mut repository = Repository::new();
    for part in ["orders", "users"] {
        repository.write(&format!("{part}/main.py"), "print(1)\n");
        let text = format!(
            "on:\n  push:\n    paths: ['{part}/**']\njobs:\n  all:\n    uses: us/ci/.github/workflows/build.yml@main\n"
        );
        repository.write(&format!(".github/workflows/{part}.yml"), &text);
    }
    repository.commit("ann");
    assert_eq!(
        repository.standings()["independent-delivery"],
        "inconclusive"
    );
    let said = repository.ready(&["--fail-on", "never"]).expect(0).stdout;
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    let why = ".github/workflows/orders.yml:6: calls a workflow of another repository";
    assert!(said.contains(why), "{said}");
    assert!(!said.contains("does not deliver"), "{said}");
}
