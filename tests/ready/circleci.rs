//! Independent delivery with CircleCI: what a workflow lists and lets run delivers, in a file that is
//! read; a setup's mapping tells whose it is.

use crate::support::repository::Repository;

const FIRST: &str = ".circleci/config.yml";
const NEXT: &str = ".circleci/continue.yml";

const SETUP: &str = "version: 2.1
setup: true
orbs: {path-filtering: circleci/path-filtering@1}
workflows:
  all:
    jobs:
      - path-filtering/filter:
          base-revision: main
          config-path: .circleci/continue.yml
          mapping: |
            orders/.* build-orders true
            users/.* build-users true
";

const GONE_ON: &str = "version: 2.1
parameters:
  build-orders: {type: boolean, default: false}
  build-users: {type: boolean, default: false}
commands:
  ship:
    parameters: {what: {type: string, default: nothing}}
    steps: [{run: 'docker push r/<< parameters.what >>'}]
jobs:
  orders: {steps: [checkout, {run: 'docker push r/orders'}]}
  users: {steps: [checkout, {run: 'docker push r/users'}]}
workflows:
  orders: {when: << pipeline.parameters.build-orders >>, jobs: [orders]}
  users: {when: << pipeline.parameters.build-users >>, jobs: [{users: {context: x}}]}
";

/// Two parts with these files of CircleCI's.
fn two(files: &[(&str, String)]) -> Repository {
    let mut repository = Repository::new();
    repository.write("orders/main.py", "print('orders')\n");
    repository.write("users/main.py", "print('users')\n");
    for (path, text) in files {
        repository.write(path, text);
    }
    repository.commit("ann");
    repository
}

/// How the check stands, and what is said.
fn told(files: &[(&str, String)]) -> (String, String) {
    let repository = two(files);
    let standing = repository.standings()["independent-delivery"].clone();
    let said = repository.ready(&["--fail-on", "never"]).expect(0).stdout;
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    (standing.as_str().unwrap().to_owned(), said)
}

/// What a setup and what it goes on with come to with one text for another.
fn changed(file: &str, from: &str, to: &str) -> (String, String) {
    let text = |name: &str, text: &str| match name == file {
        true => {
            assert!(text.contains(from), "no {from} in {text}");
            text.replacen(from, to, 1)
        }
        false => text.to_owned(),
    };
    told(&[(FIRST, text(FIRST, SETUP)), (NEXT, text(NEXT, GONE_ON))])
}

#[test]
fn a_workflow_that_the_mapping_starts_is_a_parts_own() {
    let whole = changed(NEXT, "version: 2.1", "version: 2.1");
    assert_eq!(whole.0, "ready", "{}", whole.1);
    let own = "/.circleci/continue.yml:10: orders has a pipeline that its own paths trigger";
    assert!(whole.1.contains(own), "{}", whole.1);
    let when = "<< pipeline.parameters.build-orders >>";
    let run = "{run: 'docker push r/orders'}";
    for (from, to) in [
        (
            when,
            "{or: [<< pipeline.parameters.build-orders >>, false]}",
        ),
        (
            when,
            "{equal: [true, << pipeline.parameters.build-orders >>]}",
        ),
        (
            when,
            "{and: [<< pipeline.parameters.build-orders >>, {equal: [main, << pipeline.git.branch >>]}]}",
        ),
        (run, "{ship: {what: orders}}"),
        (run, "ship"),
        (
            run,
            "{when: {condition: << pipeline.parameters.build-orders >>, steps: [ship]}}",
        ),
        (
            "jobs: [orders]",
            "jobs: [{hold: {type: approval}}, {orders: {requires: [hold]}}]",
        ),
        (
            "jobs: [orders]",
            "jobs: [{orders: {filters: {branches: {only: main}}}}]",
        ),
    ] {
        let (standing, said) = changed(NEXT, from, to);
        assert_eq!(standing, "ready", "{to}: {said}");
    }
}

#[test]
fn a_workflow_that_never_runs_or_always_does_is_nobodys_own() {
    let when = "<< pipeline.parameters.build-orders >>";
    let run = "{run: 'docker push r/orders'}";
    let jobs = "jobs: [orders]";
    for (file, from, to) in [
        (FIRST, "build-orders true", "build-orders false"),
        (FIRST, "build-orders true", "build-users true"),
        (
            FIRST,
            "orders/.* build-orders true",
            "# orders/.* build-orders true",
        ),
        (FIRST, "orders/.*", "(orders|lib)/.*"),
        (NEXT, when, "{not: << pipeline.parameters.build-orders >>}"),
        (
            NEXT,
            when,
            "{and: [<< pipeline.parameters.build-orders >>, false]}",
        ),
        (NEXT, when, "<< pipeline.parameters.build-others >>"),
        (
            NEXT,
            when,
            "{or: [<< pipeline.parameters.build-orders >>, true]}",
        ),
        (
            NEXT,
            "when: << pipeline.parameters.build-orders",
            "unless: << pipeline.parameters.build-orders",
        ),
        (
            NEXT,
            "build-orders: {type: boolean, default: false}",
            "build-orders: {type: boolean, default: true}",
        ),
        (
            NEXT,
            jobs,
            "jobs: [{orders: {filters: {branches: {ignore: /.*/}}}}]",
        ),
        (NEXT, jobs, "jobs: [{orders: {requires: [nosuch]}}]"),
        (
            NEXT,
            jobs,
            "jobs: [{orders: {requires: [orders2]}}, {orders: {name: orders2, requires: [nosuch]}}]",
        ),
        (
            NEXT,
            jobs,
            "jobs: [{x/check: {}}, {orders: {requires: [{x/check: failed}]}}]",
        ),
        (NEXT, jobs, "jobs: []"),
        (NEXT, run, "{when: {condition: false, steps: [ship]}}"),
        (
            NEXT,
            run,
            "{when: {condition: {not: << pipeline.parameters.build-orders >>}, steps: [ship]}}",
        ),
        (
            NEXT,
            run,
            "{run: {command: docker push r/orders, when: on_fail}}",
        ),
        (NEXT, run, "nosuch"),
        (NEXT, run, "{run: 'echo docker push r/orders'}"),
    ] {
        let (standing, said) = changed(file, from, to);
        assert_eq!(standing, "partly", "{to}: {said}");
    }
    let (_, said) = changed(FIRST, "orders/.*", "(orders|lib)/.*");
    assert!(
        said.contains("paths that cannot be told from their expression"),
        "{said}"
    );
}

#[test]
fn a_file_that_nobody_reads_and_a_job_that_nobody_lists_deliver_nothing() {
    let plain = "version: 2.1\njobs:\n  a: {steps: [{run: make}]}\n  deploy: {steps: [{run: docker push r/x}]}\n";
    let with = |workflows: &str| [(FIRST, format!("{plain}{workflows}"))];
    let setup = |from: &str, to: &str| SETUP.replacen(from, to, 1);
    for (files, standing, why) in [
        (
            vec![(NEXT, GONE_ON.to_owned())],
            "not-ready",
            "CircleCI begins with .circleci/config.yml",
        ),
        (
            vec![
                (FIRST, setup("setup: true", "setup: false")),
                (NEXT, GONE_ON.to_owned()),
            ],
            "not-ready",
            "no setup in .circleci/config.yml goes on with it",
        ),
        (
            vec![
                (FIRST, setup(NEXT, ".circleci/other.yml")),
                (NEXT, GONE_ON.to_owned()),
            ],
            "inconclusive",
            "goes on with a configuration that is not in this repository",
        ),
        (
            with("workflows: {}\n").to_vec(),
            "not-ready",
            "stands in no workflow that runs it",
        ),
        (
            with("").to_vec(),
            "not-ready",
            "stands in no workflow that runs it",
        ),
        (
            with("workflows: {w: {jobs: [a]}}\n").to_vec(),
            "not-ready",
            "no pipeline deploys or publishes anything",
        ),
        (
            with("workflows: {version: 2, w: {when: false, jobs: [deploy]}, v: {jobs: [a]}}\n")
                .to_vec(),
            "not-ready",
            "no pipeline deploys or publishes anything",
        ),
        (
            with("workflows: {w: {jobs: [a, {deploy: {requires: [a]}}]}}\n").to_vec(),
            "partly",
            "a pipeline delivers",
        ),
    ] {
        let (found, said) = told(&files);
        let first = &files[0].1;
        assert!(said.contains(why), "no {why} of {first} in {said}");
        assert_eq!(found, standing, "{first}: {said}");
    }
}
