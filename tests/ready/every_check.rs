//! Several checks of one repository: nothing but names, what is really there, and what is said of it.

use crate::support::repository::Repository;
use crate::whole;

#[test]
fn files_that_are_there_but_empty_or_unused_prove_nothing() {
    let mut repository = Repository::new();
    repository.write("orders/main.py", "print('orders')\n");
    repository.write("users/main.py", "print('users')\n");
    repository.write(".github/workflows/ci.yml", "# later\n");
    repository.write("CODEOWNERS", "# nobody yet\n");
    repository.write("docs/runbook.md", "# Runbook\n");
    repository.write("docs/adr/1-gateway.md", "# A gateway\n");
    repository.write(
        "compose.yaml",
        "services:
  kafka: {image: 'apache/kafka:3'}
  jaeger: {image: 'jaegertracing/jaeger:2'}
  nginx: {image: 'nginx:1', ports: ['80:80']}
  orders: {build: ./orders}
  users: {build: ./users}
",
    );
    repository.commit("ann");
    repository.changes(60, &["orders", "users"], &["ann", "ben", "cay"]);
    let standings = repository.standings();
    for check in [
        "bounded-contexts",
        "independent-delivery",
        "observability",
        "api-gateway",
        "message-broker",
        "team-alignment",
        "operational-overhead",
    ] {
        assert_eq!(standings[check], "not-ready", "{check} in {standings:#}");
    }
    let said = repository.ready(&[]).expect(1).stdout;
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    for why in [
        "this pipeline has no steps",
        "no part's source sends it anything",
        "nginx stands there and leads to no service",
        "nothing in the source sends to it or reads from it",
        "this file names nobody",
        "is called a runbook and says nothing",
    ] {
        assert!(said.contains(why), "no `{why}` in {said}");
    }
}

#[test]
fn reasons_are_true_of_what_is_there() {
    let mut repository = Repository::new();
    repository.write(".ci/licences.deny.toml", "[bans]\n");
    repository.write(".ci/run", "#!/bin/sh\ncargo test\n");
    repository.write(
        "compose.yaml",
        "services:\n  web: {build: ./img}\n  b: {build: {context: ./img}}\n  stock: {build: ./stock}\n",
    );
    repository.write("img/Dockerfile", "FROM scratch\n");
    let steps = "1. Look at the board.\n2. Run `kubectl rollout undo deploy/web`.\n3. Call Ann (+49 30 1234) when it stays red for ten minutes.\n";
    repository.write("docs/runbook.md", &format!("# When web is down\n\n{steps}"));
    repository.commit("ann");
    let said = |repository: &Repository| {
        let said = repository.ready(&["--fail-on", "never"]).expect(0).stdout;
        said.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let all = said(&repository);
    for (is_said, what) in [
        (false, "this pipeline has no steps"),
        (
            true,
            "a script for CI, which no pipeline of this repository calls",
        ),
        (false, "no builds in a Compose file"),
        (true, "these folders have no tracked source: img, stock"),
        (true, "says what to do when it breaks"),
    ] {
        assert_eq!(all.contains(what), is_said, "`{what}`: {all}");
    }
    repository.write(".github/workflows/x.yml", "on: [push\njobs\n");
    repository.write("compose.yaml", "services: [\n");
    repository.write("docs/runbook.md", "# When web is down\n\nCall Ann.\n");
    repository.commit("ann");
    let standings = repository.standings();
    assert_eq!(standings["independent-delivery"], "inconclusive");
    assert_eq!(standings["api-gateway"], "inconclusive");
    let all = said(&repository);
    for (is_said, what) in [
        (true, "this pipeline cannot be read"),
        (false, "no Compose file"),
        (true, "says 2 words beside headings, of 20 at least"),
    ] {
        assert_eq!(all.contains(what), is_said, "`{what}`: {all}");
    }
}

#[test]
fn what_is_there_and_used_is_ready_and_the_code_says_so() {
    let mut repository = Repository::new();
    let mut files = whole::files();
    // What delivers may stand in a target that both pipelines call.
    whole::workflows(&mut files, "", "- run: make deploy");
    whole::write(
        &mut files,
        "Makefile",
        "deploy:\n\t@kubectl apply -f deploy\n",
    );
    whole::put(&repository, &files);
    repository.commit("ann");
    repository.changes(30, &["orders"], &["ann", "ben"]);
    repository.changes(30, &["users"], &["cay", "dan"]);
    let standings = repository.standings();
    for (check, standing) in standings.as_object().unwrap() {
        assert_eq!(standing, "ready", "{check} in {standings:#}");
    }
    let done = repository.ready(&[]).expect(0);
    // Four people: the question before the list is answered all the same, and does not decide.
    assert!(
        done.stdout
            .contains("Should you split at all? advised against"),
        "{}",
        done.stdout
    );
    assert!(
        done.stdout
            .trim_end()
            .ends_with("nothing is left to do before the first split")
    );
}
