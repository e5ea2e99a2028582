//! Who is told, what to do then, and whose the parts are: what only looks like it, and what is.

use crate::whole::{Change, Files, compose, each, without, write};

const NOT: &str = "partly";
const READY: &str = "ready";

const ASKED: &str = "healthcheck: {test: [CMD, 'true']}";

fn book(files: &mut Files, path: &str, text: &str) {
    files.remove("docs/runbook.md");
    write(files, path, text);
}

fn alerts(files: &mut Files, text: &str) {
    write(files, "deploy/alerts.yaml", text);
}

/// Probes of Kubernetes instead of healthchecks, for these parts.
fn probes(files: &mut Files, parts: &[&str], probe: &str) {
    without(files, ASKED);
    for part in parts {
        let pod = format!("{{containers: [{{name: a, image: a, livenessProbe: {probe}}}]}}");
        let text = format!(
            "kind: Deployment\nmetadata: {{name: {part}}}\nspec: {{template: {{spec: {pod}}}}}\n"
        );
        write(files, &format!("k8s/{part}.yaml"), &text);
    }
}

const WORDS: &str = "Look at the board, find what is red, roll it back to what ran before, and call whoever is on duty when that does not help at all.\n";

const OPERATED: &[Change] = &[
    ("as it is", READY, |_| {}),
    ("no healthcheck", NOT, |it| without(it, ASKED)),
    ("none for an image of a part", NOT, |it| {
        compose(it, "build: ./orders", "image: 'r/orders:1'");
        let rule = "orders.rule=PathPrefix(`/orders`)']\n";
        compose(it, &format!("{rule}    {ASKED}\n"), rule);
    }),
    ("none for a job that nothing starts", READY, |it| {
        let job = "services:\n  seed: {build: ./seed, profiles: [seed]}\n";
        compose(it, "services:\n", job);
    }),
    ("NONE", NOT, |it| {
        compose(it, ASKED, "healthcheck: {test: [NONE]}")
    }),
    ("disabled", NOT, |it| {
        compose(it, ASKED, "healthcheck: {test: [CMD, x], disable: true}")
    }),
    ("an empty list", NOT, |it| {
        compose(it, ASKED, "healthcheck: {test: []}")
    }),
    ("nothing", NOT, |it| {
        compose(it, ASKED, "healthcheck: {test: }")
    }),
    ("a shell's words", READY, |it| {
        compose(it, ASKED, "healthcheck: {test: 'curl -f localhost'}")
    }),
    ("probes of each", READY, |it| {
        probes(it, &["orders", "users"], "{httpGet: {path: /, port: 80}}")
    }),
    ("a probe of one", NOT, |it| {
        probes(it, &["orders"], "{tcpSocket: {port: 80}}")
    }),
    ("a probe of something else", NOT, |it| {
        probes(it, &["redis"], "{exec: {command: [x]}}")
    }),
    ("probes that ask nothing", NOT, |it| {
        probes(it, &["orders", "users"], "{}")
    }),
    ("values that switch probes off", NOT, |it| {
        without(it, ASKED);
        write(it, "k8s/values.yaml", "livenessProbe:\n  enabled: false\n");
    }),
    ("a note about a pager", NOT, |it| {
        alerts(it, "notes: we have no pagerduty yet\n")
    }),
    ("a manager that is off", NOT, |it| {
        alerts(it, "alertmanager: {enabled: false}\n")
    }),
    ("a manager without a rule", NOT, |it| {
        alerts(it, "x: 1\n");
        compose(
            it,
            "services:\n",
            "services:\n  am: {image: prom/alertmanager}\n",
        );
    }),
    ("components of a page", NOT, |it| {
        alerts(it, "components:\n  - alert\n  - button\n")
    }),
    ("somebody without a rule", NOT, |it| {
        alerts(
            it,
            "route: {receiver: x}\nreceivers: [{name: x, pagerduty_configs: [{service_key: y}]}]\n",
        );
    }),
    ("a rule of Kubernetes'", READY, |it| {
        alerts(
            it,
            "kind: PrometheusRule\nspec:\n  groups: [{name: a, rules: [{alert: Down, expr: up == 0}]}]\n",
        );
    }),
    ("an alarm of a cloud", READY, |it| {
        it.remove("deploy/alerts.yaml");
        write(
            it,
            "deploy/main.tf",
            "resource \"aws_cloudwatch_metric_alarm\" \"down\" {}\n",
        );
    }),
    ("what is to be written", NOT, |it| {
        book(
            it,
            "docs/runbook.md",
            &format!("# Runbook\n{}\n", "TODO: write this. ".repeat(8)),
        );
    }),
    ("what nobody sees", NOT, |it| {
        book(
            it,
            "docs/runbook.md",
            &format!("# Runbook\n<!-- {WORDS} -->\n"),
        )
    }),
    ("operations of an API", NOT, |it| {
        book(it, "docs/api/operations.md", WORDS)
    }),
    ("a class of the domain", NOT, |it| {
        book(it, "docs/model/incident.md", WORDS)
    }),
    ("a list of packages", NOT, |it| {
        book(it, "src/operations/requirements.txt", WORDS)
    }),
    ("Ansible's playbooks", NOT, |it| {
        book(it, "ansible/playbook/notes.txt", WORDS)
    }),
    ("a folder of runbooks", READY, |it| {
        book(it, "docs/runbooks/orders-down.md", WORDS)
    }),
];

fn owners(files: &mut Files, text: &str) {
    write(files, "CODEOWNERS", text);
}

const OWNERS: &[Change] = &[
    ("as it is", READY, |_| {}),
    ("no file", NOT, |it| drop(it.remove("CODEOWNERS"))),
    ("rules for documents", NOT, |it| owners(it, "*.md @docs\n")),
    ("rules without owners", NOT, |it| {
        owners(it, "/orders/ \n/users/ # nobody\n")
    }),
    ("a folder that is none", NOT, |it| {
        owners(it, "/nosuch/ @x\n")
    }),
    ("the same for both", NOT, |it| {
        owners(it, "/orders/ @all\n/users/ @all\n")
    }),
    ("the same for everything", NOT, |it| owners(it, "/ @all\n")),
    ("one of two", NOT, |it| owners(it, "/orders/ @shop\n")),
    ("a section for documents", NOT, |it| {
        owners(it, "[Docs]\n*.md @d\n")
    }),
    ("taken over by the last rule", NOT, |it| {
        owners(it, "/orders/ @shop\n/users/ @u\n* @all\n")
    }),
    ("everything, and two parts", READY, |it| {
        owners(it, "* @all\n/orders/ @shop\n/users @accounts\n")
    }),
    ("sections with owners", READY, |it| {
        owners(it, "[Shop] @shop\norders/\n^[Users][2] @accounts\nusers/\n")
    }),
    ("owners of what others made", NOT, |it| {
        it.remove("CODEOWNERS");
        compose(it, "kafka:3'}", "kafka:3', x-msvc: {owner: platform}}");
        compose(it, "collector:1'}", "collector:1', x-msvc: {owner: sre}}");
    }),
    ("owners of the parts in the Compose file", READY, |it| {
        it.remove("CODEOWNERS");
        compose(
            it,
            "    build: ./orders\n",
            "    build: ./orders\n    x-msvc: {owner: shop}\n",
        );
        compose(
            it,
            "    build: ./users\n",
            "    build: ./users\n    x-msvc: {owner: accounts}\n",
        );
    }),
];

#[test]
fn running_many_services_is_owned_by_what_asks_tells_and_says_what_to_do() {
    each("operational-overhead", OPERATED);
}

#[test]
fn owners_are_declared_where_each_part_has_some_of_its_own() {
    each("team-alignment", OWNERS);
}

#[test]
fn a_rule_that_begins_with_a_star_is_no_comment() {
    let repository = crate::support::repository::Repository::new();
    for (text, is_said) in [
        ("* @all\n", false),
        ("*.md @docs\n", false),
        ("# x\n", true),
    ] {
        let mut files = crate::whole::files();
        owners(&mut files, text);
        crate::whole::put(&repository, &files);
        let said = repository.ready(&["--fail-on", "never"]).expect(0).stdout;
        assert_eq!(
            said.contains("this file names nobody"),
            is_said,
            "{text}\n{said}"
        );
    }
}
