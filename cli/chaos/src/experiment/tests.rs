//! Experiment files, right and wrong.

use std::collections::BTreeMap;
use std::time::Duration;

use msvc_mesh::fault::Stream;
use msvc_system::load::{LoadRequest, load};

use super::*;
use crate::order::{Kill, Latency};

const LATENCY: &str = "\
title: Checkout holds while payments answers late
description: A customer waits a little longer.
tags: [latency]
contributions: {reliability: high}
steady-state-hypothesis:
  title: An order is confirmed
  probes:
    - type: probe
      name: checkout
      tolerance: true
      provider: {type: msvc, journey: checkout}
method:
  - type: action
    name: late
    provider: {type: msvc, fault: latency, edge: 'orders->payments', delay: 300ms, x-why: mine}
rollbacks: []
x-owner: shop
";

fn experiment(text: &str) -> Result<Experiment, Problems> {
    let path = PathBuf::from("experiments/slow.yaml");
    let files = Files::in_memory(BTreeMap::from([(path.clone(), text.as_bytes().to_vec())]));
    read(&path, &files)
}

#[test]
fn a_latency_experiment_is_read_whole() {
    let read = experiment(LATENCY).unwrap();
    assert_eq!(read.name, "slow");
    assert_eq!(read.tags, ["latency"]);
    assert_eq!(read.contributions, [("reliability".into(), "high".into())]);
    assert_eq!(read.journeys(), ["checkout"]);
    assert_eq!(read.action.name, "late");
    assert_eq!(
        read.action.order.value,
        Order::Latency(Latency {
            edge: "orders->payments".parse().unwrap(),
            delay: Duration::from_millis(300),
            jitter: Duration::ZERO,
            stream: Stream::Downstream,
        })
    );
    assert_eq!(read.document["x-owner"], "shop");
}

fn with_action(provider: &str) -> String {
    let (head, _) = LATENCY
        .split_once("    provider: {type: msvc, fault")
        .unwrap();
    format!("{head}    provider: {provider}\n")
}

#[test]
fn a_kill_is_read_with_what_ends_it() {
    let order = |provider: &str| {
        let read = experiment(&with_action(provider)).unwrap();
        match read.action.order.value {
            Order::Kill(Kill { hold, .. }) => hold,
            Order::Latency(_) => panic!("no kill"),
        }
    };
    assert_eq!(
        order("{type: msvc, fault: kill, service: mail}"),
        Hold::For(Duration::ZERO)
    );
    assert_eq!(
        order("{type: msvc, fault: kill, service: mail, down: 5s}"),
        Hold::For(Duration::from_secs(5))
    );
    assert_eq!(
        order("{type: msvc, fault: kill, service: mail, until: {journey: checkout, step: order}}"),
        Hold::Step {
            journey: "checkout".into(),
            step: "order".into()
        }
    );
}

#[test]
fn json_is_read_as_well() {
    let read = experiment(LATENCY).unwrap();
    let json = serde_json::to_string_pretty(&read.document).unwrap();
    let again = experiment(&json).unwrap();
    assert_eq!(again.action.order.value, read.action.order.value);
}

#[test]
fn what_is_wrong_or_not_honoured_is_named_with_its_place() {
    let replaced = |from: &str, to: &str| {
        assert!(LATENCY.contains(from), "{from}");
        LATENCY.replacen(from, to, 1)
    };
    let table = [
        (
            replaced("title: Checkout", "titel: Checkout"),
            ":1:1: an experiment has no key `titel` (did you mean `title`?)",
        ),
        (
            replaced(
                "description: A customer waits a little longer.",
                "description: ''",
            ),
            ":2:14: `description` must not be empty",
        ),
        (
            replaced("tags: [latency]", "tags: [1]"),
            ":3:8: a tag must be text, not a number",
        ),
        (
            replaced("reliability: high", "reliability: huge"),
            ":4:30: the contribution `reliability` must be",
        ),
        (
            replaced("x-owner: shop", "secrets: {a: b}"),
            ":17:1: `secrets` of an experiment is not honoured yet",
        ),
        (
            replaced(
                "x-owner: shop",
                "runtime: {hypothesis: {strategy: continuously}}",
            ),
            "the strategy `continuously` for hypothesis is not honoured yet",
        ),
        (
            replaced("tolerance: true", "tolerance: 200"),
            ":10:18: a journey holds or does not",
        ),
        (
            replaced("      tolerance: true\n", ""),
            "`tolerance` is missing",
        ),
        (
            replaced("type: msvc, journey", "type: http, journey"),
            "providers of type `http` are not honoured yet",
        ),
        (
            replaced("type: msvc, journey", "type: smoke, journey"),
            "there is no provider of type `smoke`",
        ),
        (
            replaced("journey: checkout", "jurney: checkout"),
            "did you mean `journey`?",
        ),
        (
            replaced("- type: action", "- type: probe"),
            "must be of `type: action` here",
        ),
        (
            replaced("    name: late", "    name: late\n    pauses: {after: 1}"),
            ":15:5: `pauses` of an action is not honoured yet",
        ),
        (
            replaced("    name: late", "    name: late\n    tolerance: true"),
            "only a probe of the steady state",
        ),
        (
            replaced("  - type: action", "  - ref: x\n  - type: action"),
            "`method` has 2 activities",
        ),
        (
            replaced(
                "rollbacks: []",
                "rollbacks: [{type: action, name: r, provider: {type: msvc, undo: latte}}]",
            ),
            "the method has no action `latte` (it has `late`)",
        ),
        (
            replaced(
                "rollbacks: []",
                "rollbacks: [{type: action, name: r, provider: {type: msvc}}]",
            ),
            "one of `undo` and `journey`",
        ),
        (
            replaced(
                "  probes:\n    - type: probe\n      name: checkout\n      tolerance: true\n      provider: {type: msvc, journey: checkout}\n",
                "  probes: []\n",
            ),
            ":5:1: the steady state has no probe",
        ),
        (
            with_action("{type: msvc, fault: latency, edge: orders, delay: 1s}"),
            "`orders` is no edge",
        ),
        (
            with_action("{type: msvc, fault: latency, edge: a->b, delay: 300}"),
            "`300` is no duration",
        ),
        (
            with_action("{type: msvc, fault: latency, edge: a->b}"),
            ":15:15: `delay` is missing",
        ),
        (
            with_action("{type: msvc, fault: latency, edge: a->b, delay: 0s}"),
            "breaks nothing",
        ),
        (
            with_action("{type: msvc, fault: latency, edge: a->b, delay: 1s, jitter: 2s}"),
            "`jitter` must not exceed",
        ),
        (
            with_action("{type: msvc, fault: latency, edge: a->b, delay: 1s, stream: sideways}"),
            "`stream` must be",
        ),
        (
            with_action("{type: msvc, fault: latency, edge: a->b, delay: 1s, service: x}"),
            "has no key `service`",
        ),
        (
            with_action("{type: msvc, fault: latncy, edge: a->b, delay: 1s}"),
            "did you mean `latency`?",
        ),
        (
            with_action("{type: msvc, fault: bandwidth}"),
            "the fault `bandwidth` is not honoured yet (there is: latency, kill)",
        ),
        (with_action("{type: msvc}"), "`fault` is missing"),
        (
            with_action("{type: msvc, fault: kill}"),
            "`service` is missing",
        ),
        (
            with_action("{type: msvc, fault: kill, service: 'a b'}"),
            "`a b` is no service name",
        ),
        (
            with_action(
                "{type: msvc, fault: kill, service: a, down: 5s, until: {journey: checkout, step: s}}",
            ),
            "exclude each other",
        ),
        (
            with_action("{type: msvc, fault: kill, service: a, until: {journey: other, step: s}}"),
            "which no probe plays",
        ),
        (
            with_action("{type: msvc, fault: kill, service: a, until: confirmed}"),
            "`until` must be a mapping",
        ),
        ("[]".to_owned(), "an experiment must be a mapping"),
        (String::new(), "slow.yaml"),
        ("title: [".to_owned(), "slow.yaml"),
    ];
    for (text, expected) in table {
        let said = experiment(&text).unwrap_err().to_string();
        assert!(said.contains(expected), "{expected}\n{said}");
        assert!(said.contains("experiments/slow.yaml:"), "{said}");
    }
}

#[test]
fn a_file_that_is_not_there_is_said_so() {
    let files = Files::in_memory(BTreeMap::new());
    let said = read(Path::new("gone.yaml"), &files)
        .unwrap_err()
        .to_string();
    assert!(said.contains("gone.yaml"), "{said}");
}

fn system() -> System {
    let compose = "\
name: shop
services:
  orders: {image: a, environment: {PAYMENTS_URL: 'http://payments:8080'}}
  payments: {image: b, expose: [8080]}
";
    let path = PathBuf::from("/shop/compose.yaml");
    let files = Files::in_memory(BTreeMap::from([(path, compose.as_bytes().to_vec())]));
    let request = LoadRequest {
        directory: "/shop".into(),
        ..LoadRequest::default()
    };
    load(&request, &files).unwrap().system
}

#[test]
fn names_that_the_system_lacks_are_told_with_place_and_nearest() {
    let system = system();
    let journeys = [(
        "checkout".to_owned(),
        vec!["place-order".to_owned(), "order-confirmed".to_owned()],
    )];
    let known = Known {
        system: &system,
        journeys: &journeys,
    };
    let said = |text: &str| {
        let problems = experiment(text).unwrap().check(known);
        let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
        lines.join("\n")
    };
    assert_eq!(said(LATENCY), "");
    assert_eq!(
        said(&LATENCY.replace("journey: checkout", "journey: chekout")),
        "experiments/slow.yaml:11:39: there is no journey `chekout` (did you mean `checkout`?)"
    );
    let table = [
        (
            "{type: msvc, fault: latency, edge: 'orders->paymnets', delay: 1s}",
            "there is no edge `orders->paymnets` (did you mean `orders->payments:8080`?)",
        ),
        (
            "{type: msvc, fault: latency, edge: 'orders->payments:9090', delay: 1s}",
            "there is no edge `orders->payments:9090`",
        ),
        (
            "{type: msvc, fault: kill, service: payment}",
            "there is no service `payment` (did you mean `payments`?)",
        ),
        (
            "{type: msvc, fault: kill, service: payments, until: {journey: checkout, step: x}}",
            "the journey `checkout` has no step `x` (there is: place-order, order-confirmed)",
        ),
        (
            "{type: msvc, fault: kill, service: payments, until: {journey: checkout, step: order-confirmed}}",
            "",
        ),
    ];
    for (provider, expected) in table {
        let text = said(&with_action(provider));
        assert!(text.contains(expected), "{expected}\n{text}");
        assert_eq!(text.is_empty(), expected.is_empty(), "{text}");
    }
}
